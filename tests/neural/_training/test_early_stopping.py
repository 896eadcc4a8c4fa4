import numpy as np
import pytest

from emoest.neural import SequenceClassifier
from emoest.tables.groups import NotSpeakerIndependentWarning
from tests.neural.helpers import SMALL


def test_validation_rows_are_other_speakers_and_the_uar_of_each_epoch_is_kept(frames, monkeypatch):
    X, y = frames
    seen = {}
    train = SequenceClassifier._train

    def spy(self, data, valid, groups, seed):
        seen["train"] = {label[1] for label in data.rows}
        seen["valid"] = {label[1] for label in valid.rows}
        assert sorted(set(groups)) == sorted(seen["train"])
        train(self, data, valid, groups, seed)

    monkeypatch.setattr(SequenceClassifier, "_train", spy)
    model = SequenceClassifier(**SMALL).fit(X, y)
    assert seen["train"] and seen["valid"] and not seen["train"] & seen["valid"]
    assert model.grouped_ is True
    assert list(model.history_[0]) == [
        "epoch",
        "seconds",
        "train_loss",
        "valid_loss",
        "valid_uar",
    ]
    assert model.n_iter_ == len(model.history_) == 3


def test_without_groups_a_warning_and_with_too_few_early_stopping_is_off(frames):
    X, y = frames
    bare = X.reset_index(drop=True)
    with pytest.warns(NotSpeakerIndependentWarning, match="speaker"):
        assert SequenceClassifier(**SMALL).fit(bare, y).grouped_ is False
    with pytest.warns(UserWarning, match="Early stopping is off"):
        model = SequenceClassifier(**SMALL).fit(bare, y, groups=np.zeros(len(y)))
    assert model.grouped_ is None
    assert "valid_uar" not in model.history_[0]


def test_two_rows_of_two_groups_are_all_learned_from(frames):
    X, y = frames
    with pytest.warns(UserWarning, match=r"Early stopping is off.*2 rows, 2 group") as caught:
        model = SequenceClassifier(**SMALL).fit(X.iloc[:2], y[:2], groups=[1, 2])
    assert model.grouped_ is None
    assert {each.filename for each in caught} == {__file__}
