import pandas as pd
import pytest
from sklearn.pipeline import make_pipeline

from emoest.neural import SequenceClassifier
from emoest.tables.cells import object_column
from emoest.utils.warn import warn_user


def test_a_warning_points_to_the_line_of_the_user():
    with pytest.warns(DeprecationWarning, match="gone soon") as caught:
        warn_user("gone soon", DeprecationWarning)
    assert caught[0].filename == __file__


def test_the_steps_of_a_pipeline_are_passed_over():
    cells = [[[0.0]], [[1.0]], None]
    X = object_column(cells, pd.RangeIndex(3), "audio__frames").to_frame()
    model = SequenceClassifier(max_epochs=1, hidden_size=2, validation_fraction=None)
    with pytest.warns(UserWarning, match="left out") as caught:
        make_pipeline(model).fit(X, ["a", "b", "b"])
    assert caught[0].filename == __file__
