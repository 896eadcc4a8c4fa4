import pytest
import torch
from sklearn.base import clone
from skorch.callbacks import Callback

from emoest.neural import SequenceClassifier
from tests.neural.conftest import PLAIN, SMALL, assert_same_state, state_of


def test_the_best_epoch_is_kept_and_patience_stops(frames):
    X, y = frames
    model = SequenceClassifier(**{**SMALL, "max_epochs": 60, "lr": 0.05, "patience": 2}).fit(X, y)
    assert model.n_iter_ < 60
    reached = [(row["valid_uar"], -row["valid_loss"]) for row in model.history_]
    best = reached.index(max(reached))
    assert len(reached) == best + 1 + 2
    shorter = SequenceClassifier(
        **{**SMALL, "max_epochs": best + 1, "lr": 0.05, "patience": None}
    ).fit(X, y)
    assert_same_state(state_of(model), state_of(shorter))


class Interrupt(Callback):
    def on_epoch_begin(self, net, **kwargs):
        if len(net.history) == 3:
            raise KeyboardInterrupt


def test_the_keyboard_leaves_a_usable_estimator_that_goes_on(frames):
    X, y = frames
    model = SequenceClassifier(
        **{**PLAIN, "max_epochs": 10}, callbacks=[Interrupt()], warm_start=True
    )
    with pytest.warns(UserWarning, match="interrupted.*keeps the weights of epoch 2"):
        model.fit(X, y)
    assert set(model.predict(X)) <= {"happy", "sad"}
    before = state_of(model)
    model.set_params(callbacks=None, max_epochs=1, lr=1e-12).fit(X, y)
    torch.testing.assert_close(state_of(model)["head.weight"], before["head.weight"])
    with pytest.raises(ValueError, match=r"warm_start=True.*another"):
        model.set_params(hidden_size=5).fit(X, y)


def test_verbose_shows_a_bar(frames, capsys):
    X, y = frames
    SequenceClassifier(**SMALL, verbose=1).fit(X, y)
    shown = capsys.readouterr().err
    assert "SequenceClassifier" in shown and "valid_uar" in shown and "3/3" in shown


def test_callbacks_of_the_user_see_every_epoch(frames):
    X, y = frames
    epochs = []

    class Watch(Callback):
        def on_epoch_end(self, net, **kwargs):
            epochs.append(net.history[-1]["valid_uar"])

    model = SequenceClassifier(**SMALL, callbacks=[Watch()])
    clone(model).set_params(callbacks=[Watch()]).fit(X, y)
    assert len(epochs) == 3
