import pytest

from emoest.neural import MFNClassifier, MFNRegressor
from emoest.tables.cells import object_column
from emoest.testing import cell_estimator_checks
from tests.neural.conftest import make_frames

FAST = {"max_epochs": 2, "validation_fraction": None, "random_state": 0}
SMALL = {"memory_dim": 8, "attention_size": 8, "update_size": 8, "gate_size": 8, "output_size": 8}
ESTIMATORS = [
    MFNClassifier(4, gate_input="delta", **SMALL, **FAST),
    MFNClassifier(4, memory_feedback=True, **SMALL, **FAST),
    MFNRegressor(4, **SMALL, **FAST),
    MFNClassifier(4, loss="liu", mixtures=True, margin=0.1, **SMALL, **FAST),
]


def make_two(n_rows=12):
    X, y = make_frames(n_rows=n_rows)
    other = [2.0 * cell[:, :2] for cell in X["audio__frames"]]
    return X.assign(text__frames=object_column(other, X.index)), y


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
