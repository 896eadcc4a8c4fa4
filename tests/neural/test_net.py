import numpy as np
import pytest
import torch
from sklearn.base import clone
from skorch.callbacks import Callback

from emoest.neural import SequenceClassifier
from tests.neural.conftest import PLAIN, assert_same_state, state_of


def test_padding_batch_size_and_order_do_not_matter(frames):
    X, y = frames
    for cell, pooling in [("lstm", "statistics"), ("gru", "last"), ("transformer", "attention")]:
        model = SequenceClassifier(cell, pooling=pooling, **PLAIN).fit(X, y)
        expected = model.predict_proba(X)
        one_by_one = clone(model).set_params(batch_size=1)
        one_by_one.__setstate__({**model.__getstate__(), "batch_size": 1})
        np.testing.assert_allclose(one_by_one.predict_proba(X), expected, atol=1e-6)
        order = np.random.RandomState(1).permutation(len(X))
        np.testing.assert_allclose(model.predict_proba(X.iloc[order]), expected[order], atol=1e-6)


class Poison(Callback):
    def __init__(self, epoch):
        self.epoch = epoch

    def on_batch_begin(self, net, batch=None, training=False, **kwargs):
        if training and len(net.history) == self.epoch:
            batch[0]["frames"].fill_(torch.nan)


def test_a_nan_loss_stops_and_keeps_the_best_weights(frames):
    X, y = frames
    model = SequenceClassifier(**PLAIN, callbacks=[Poison(3)])
    with pytest.warns(UserWarning, match=r"NaN or infinite in epoch 3.*weights of epoch 2.*lr"):
        model.fit(X, y)
    two = SequenceClassifier(**{**PLAIN, "max_epochs": 2}).fit(X, y)
    assert_same_state(state_of(model), state_of(two))
    with pytest.raises(ValueError, match=r"NaN or infinite in the first epoch.*Lower lr"):
        SequenceClassifier(**PLAIN, callbacks=[Poison(1)]).fit(X, y)


def test_running_out_of_memory_names_the_batch(frames, monkeypatch):
    X, y = frames
    model = SequenceClassifier(**PLAIN).fit(X, y)

    def exhausted(*args, **kwargs):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(model.net_.module_, "forward", exhausted)
    with pytest.raises(
        MemoryError, match=r"32 row\(s\), the longest of \d frames. Lower batch_size"
    ):
        model.predict(X)


def test_mixed_precision_trains_and_predicts_in_float32(frames):
    X, y = frames
    model = SequenceClassifier(
        "transformer", **{**PLAIN, "max_epochs": 10}, precision="bfloat16"
    ).fit(X, y)
    assert model.predict_proba(X).dtype == np.float32
    assert model.score(X, y) > 0.7
