import pytest

from emoest.neural import MFNClassifier, MFNRegressor
from emoest.testing import cell_estimator_checks
from tests.neural.helpers import FAST_FUSION, SMALL_FUSION, make_two

ESTIMATORS = [
    MFNClassifier(4, gate_input="delta", **SMALL_FUSION, **FAST_FUSION),
    MFNClassifier(4, memory_feedback=True, **SMALL_FUSION, **FAST_FUSION),
    MFNRegressor(4, **SMALL_FUSION, **FAST_FUSION),
    MFNClassifier(4, loss="liu", mixtures=True, margin=0.1, **SMALL_FUSION, **FAST_FUSION),
]


@pytest.mark.parametrize(
    ("estimator", "check"),
    [(estimator, check) for estimator in ESTIMATORS for check in cell_estimator_checks(estimator)],
    ids=lambda value: getattr(value, "__name__", type(value).__name__),
)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_the_checks_of_tables_of_frames_hold(estimator, check):
    X, y = make_two()
    if check.__name__ == "check_ragged_cells":
        estimator = estimator.set_params(resample="linear")
    check(estimator, X, [*range(12)] if isinstance(estimator, MFNRegressor) else y)
