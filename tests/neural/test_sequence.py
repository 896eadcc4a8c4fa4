import pytest

from emoest.neural import SequenceClassifier, SequenceRegressor
from emoest.testing import cell_estimator_checks
from tests.neural.helpers import PLAIN, make_frames

ESTIMATORS = [
    SequenceClassifier("gru", pooling="last", **PLAIN),
    SequenceClassifier("transformer", pooling="attention", **PLAIN),
    SequenceClassifier(None, pooling="attention", **PLAIN),
    SequenceRegressor(**PLAIN),
]


def name_of(value):
    return getattr(value, "__name__", None) or f"{type(value).__name__}-{value.cell}"


@pytest.mark.parametrize(
    ("estimator", "check"),
    [(estimator, check) for estimator in ESTIMATORS for check in cell_estimator_checks(estimator)],
    ids=name_of,
)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_the_checks_of_tables_of_frames_hold(estimator, check):
    X, y = make_frames(n_rows=12)
    check(estimator, X, y if isinstance(estimator, SequenceClassifier) else [*range(12)])
