import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from skorch.callbacks import Callback

from emoest.nets.sequence import SequenceNet
from emoest.neural import SequenceClassifier
from emoest.neural._training.skorch_net import optimizer_settings
from emoest.tables.cells import object_column
from tests.neural.helpers import PLAIN, assert_same_state, state_of


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


class Explode(Callback):
    """Weights that become infinite in the last step of an epoch, after a finite loss."""

    def __init__(self, epoch):
        self.epoch = epoch

    def on_batch_end(self, net, training=False, **kwargs):
        if training and len(net.history) == self.epoch:
            net.module_.head.weight.data.fill_(torch.inf)


def test_weights_that_explode_in_a_last_step_are_never_kept(frames):
    X, y = frames
    with pytest.warns(UserWarning, match=r"NaN or infinite in epoch 2; .*weights of epoch 1"):
        model = SequenceClassifier(**PLAIN, callbacks=[Explode(2)]).fit(X, y)
    one = SequenceClassifier(**{**PLAIN, "max_epochs": 1}).fit(X, y)
    assert_same_state(state_of(model), state_of(one))
    model.set_params(callbacks=[Explode(1)], max_epochs=1)
    with pytest.raises(ValueError, match="in the first epoch"):
        model.fit(X, y)
    with pytest.raises(NotFittedError):
        model.predict(X)


def test_optimizers_of_torch_get_the_weight_decay_that_they_take(frames):
    X, y = frames
    for optimizer in (torch.optim.Rprop, torch.optim.LBFGS, "sgd"):
        SequenceClassifier(**{**PLAIN, "max_epochs": 1}, optimizer=optimizer).fit(X, y)
    settings = optimizer_settings(torch.optim.AdamW, 0.0)
    assert settings == {"optimizer": torch.optim.AdamW, "optimizer__weight_decay": 0.0}
    with pytest.raises(ValueError, match="Rprop takes no weight decay"):
        optimizer_settings(torch.optim.Rprop, 0.1)
    with pytest.raises(ValueError, match="optimizer=Linear is no optimizer of torch"):
        optimizer_settings(torch.nn.Linear, 0.0)


def test_one_long_clip_is_trained_and_answered_beside_short_ones(frames, monkeypatch):
    X, y = frames
    cells = [*X["audio__frames"].iloc[:39], np.zeros((400, 3), "float32")]
    X = object_column(cells, X.index, "audio__frames").to_frame()
    monkeypatch.setattr("emoest.nets.batches._ROOMY", 500)
    sizes = []
    forward = SequenceNet.forward

    def spy(net, frames, lengths):
        sizes.append(frames.shape[:2])
        return forward(net, frames, lengths)

    monkeypatch.setattr(SequenceNet, "forward", spy)
    model = SequenceClassifier("gru", **{**PLAIN, "max_epochs": 1}, pooling="mean").fit(X, y)
    model.predict(X)
    assert max(rows * steps for rows, steps in sizes) == 2 * 400
