import numpy as np
import pandas as pd
import pytest

from emoest.fusion import EarlyFusionClassifier
from emoest.neural import SequenceClassifier, SequenceRegressor
from emoest.tables.targets import refuse_several_targets
from tests.neural.helpers import PLAIN, make_frames


def test_several_targets_point_to_multi_target():
    with pytest.raises(ValueError, match=r"MultiTarget\(EarlyFusionClassifier\(\.\.\.\)\)"):
        refuse_several_targets(EarlyFusionClassifier(), np.zeros((3, 2)))
    refuse_several_targets(EarlyFusionClassifier(), np.zeros((3, 1)))


@pytest.mark.parametrize(
    "holed",
    [
        lambda y: [None, *y[1:]],
        lambda y: np.array([np.nan, *y[1:]], dtype=object),
        lambda y: pd.Series([pd.NA, *y[1:]], dtype="string"),
        lambda y: pd.Series(pd.Categorical([None, *y[1:]])),
        lambda y: pd.Series([pd.NA, *([0, 1] * 19), 1], dtype="Int64"),
    ],
)
def test_a_row_without_a_label_is_named(holed):
    X, y = make_frames()
    with pytest.raises(ValueError, match=r"NaN or None in 1 row\(s\), for example \(0, 's0'\)"):
        SequenceClassifier(**PLAIN).fit(X, holed(y))


@pytest.mark.parametrize("kind", ["string", "category", object])
def test_labels_of_pandas_are_labels(kind):
    X, y = make_frames()
    model = SequenceClassifier(**PLAIN).fit(X, pd.Series(y).astype(kind))
    expected = SequenceClassifier(**PLAIN).fit(X, y).predict(X)
    assert model.predict(X).tolist() == expected.tolist()


def test_a_target_must_be_there_and_be_numbers_for_a_regression():
    X, _ = make_frames()
    with pytest.raises(ValueError, match="requires y"):
        SequenceClassifier(**PLAIN).fit(X, None)
    with pytest.raises(ValueError, match="y contains NaN or None in 2 row"):
        SequenceRegressor(**PLAIN).fit(X, [np.nan] * 2 + [1.0] * 38)
