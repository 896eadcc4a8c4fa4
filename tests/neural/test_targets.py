import numpy as np
import pandas as pd
import pytest

from emoest.neural import SequenceClassifier, SequenceRegressor
from tests.neural.conftest import PLAIN


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
def test_a_row_without_a_label_is_named(frames, holed):
    X, y = frames
    with pytest.raises(ValueError, match=r"NaN or None in 1 row\(s\), for example \(0, 's0'\)"):
        SequenceClassifier(**PLAIN).fit(X, holed(y))


@pytest.mark.parametrize("kind", ["string", "category", object])
def test_labels_of_pandas_are_labels(frames, kind):
    X, y = frames
    model = SequenceClassifier(**PLAIN).fit(X, pd.Series(y).astype(kind))
    expected = SequenceClassifier(**PLAIN).fit(X, y).predict(X)
    assert model.predict(X).tolist() == expected.tolist()


def test_a_target_must_be_there_and_be_numbers_for_a_regression(frames):
    X, _ = frames
    with pytest.raises(ValueError, match="requires y"):
        SequenceClassifier(**PLAIN).fit(X, None)
    with pytest.raises(ValueError, match="y contains NaN or None in 2 row"):
        SequenceRegressor(**PLAIN).fit(X, [np.nan] * 2 + [1.0] * 38)
