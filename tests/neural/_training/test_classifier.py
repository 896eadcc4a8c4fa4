import numpy as np
import pytest

from emoest.neural import SequenceClassifier, SequenceRegressor
from emoest.tables.cells import object_column
from tests.neural.helpers import PLAIN, SMALL, make_frames


def test_unseen_labels_at_score_count_as_wrong(frames):
    X, y = frames
    model = SequenceClassifier(**PLAIN).fit(X, y)
    labels = y.copy().astype(object)
    labels[:20] = "angry"
    assert model.score(X, labels) <= 0.5


def test_class_weights_and_sample_weights_move_the_decision(frames):
    X, y = make_frames(n_rows=40)
    sad = {"happy": 1e-6, "sad": 1.0}
    options = {**PLAIN, "max_epochs": 15}
    assert (SequenceClassifier(**options, class_weight=sad).fit(X, y).predict(X) == "sad").all()
    weight = np.where(y == "sad", 1.0, 0.0)
    model = SequenceClassifier(**options).fit(X, y, sample_weight=weight)
    assert (model.predict(X) == "sad").all()


def test_regression_scales_the_target_back_and_answers_the_mean(frames):
    X, _ = frames
    y = 100 + 10 * np.array([cell.mean() for cell in X["audio__frames"]])
    model = SequenceRegressor("gru", **{**SMALL, "max_epochs": 40, "lr": 0.05}).fit(X, y)
    assert model.score(X, y) > 0.7
    assert "valid_loss" in model.history_[0] and "valid_uar" not in model.history_[0]
    empty = object_column([None], X.index[:1], "audio__frames").to_frame()
    with pytest.warns(UserWarning, match="no frames"):
        np.testing.assert_allclose(model.predict(empty), y.mean(), rtol=1e-6)
