import pickle

import pytest
import torch
from sklearn.base import clone
from skorch.callbacks import Callback, EarlyStopping, LRScheduler, TrainEndCheckpoint

from emoest.neural import SequenceClassifier, SpeechResNetClassifier
from tests.neural.helpers import PLAIN, SMALL, assert_same_state, state_of


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
    with pytest.raises(
        ValueError, match=r"warm_start=True.*another now: hidden_size was 4 and is 5"
    ):
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


def test_schedules_write_into_the_history_and_stay_out_of_parameters_and_pickles(frames):
    X, y = frames
    schedule = LRScheduler(policy="StepLR", step_size=1, gamma=0.5)
    before = dict(vars(schedule))
    model = SequenceClassifier(**SMALL, callbacks=[("schedule", schedule)]).fit(X, y)
    assert [row["event_lr"] for row in model.history_] == [0.02, 0.01, 0.005]
    assert vars(schedule) == before
    plain = SequenceClassifier(**SMALL).fit(X, y)
    assert len(pickle.dumps(model)) < len(pickle.dumps(plain)) + 1000


def test_early_stopping_of_skorch_is_a_planned_end_and_the_last_epoch_counts(frames, recwarn):
    X, y = frames
    stopping = EarlyStopping(monitor="train_loss", patience=1, threshold=10.0)
    model = SequenceClassifier(**{**PLAIN, "max_epochs": 9}, callbacks=[stopping]).fit(X, y)
    assert model.n_iter_ == 2
    assert not [each for each in recwarn if "interrupted" in str(each.message)]
    two = SequenceClassifier(**{**PLAIN, "max_epochs": 2}).fit(X, y)
    assert_same_state(state_of(model), state_of(two))


def test_a_checkpoint_at_the_end_holds_the_best_weights(frames, tmp_path):
    X, y = frames
    options = {**SMALL, "max_epochs": 12, "lr": 0.3}
    checkpoint = TrainEndCheckpoint(dirname=tmp_path)
    model = SequenceClassifier(**options, callbacks=[checkpoint]).fit(X, y)
    saved = torch.load(tmp_path / "train_end_params.pt", weights_only=True)
    assert_same_state(state_of(model), saved)


def test_what_is_no_callback_is_named(frames):
    with pytest.raises(ValueError, match="callbacks holds 'early', which is no skorch callback"):
        SequenceClassifier(**SMALL, callbacks=["early"]).fit(*frames)


def test_a_warm_start_keeps_scales_and_refuses_other_classes(frames):
    X, y = frames
    model = SequenceClassifier(**PLAIN, warm_start=True).fit(X, y)
    scales, before = model.scales_["audio"], state_of(model)
    model.set_params(lr=1e-12).fit(X.iloc[:8], y[:8])
    assert model.scales_["audio"] is scales
    torch.testing.assert_close(state_of(model)["head.weight"], before["head.weight"])
    with pytest.raises(ValueError, match=r"whose classes were \['happy', 'sad'\]; y holds"):
        model.fit(X, ["angry", "bored"] * 20)
    assert set(model.predict(X)) <= {"happy", "sad"}


class Overflow(Callback):
    """Spoils a statistic of the second epoch, as an overflow in mixed precision would."""

    def on_batch_end(self, net, **kwargs):
        if len(net.history) == 2:
            buffers = dict(net.module_.named_buffers())
            next(buffers[name] for name in buffers if "running_var" in name).fill_(torch.inf)


def test_statistics_that_are_not_finite_end_the_training_and_are_not_kept(frames):
    X, y = frames
    with pytest.warns(UserWarning, match="became NaN or infinite in epoch 2; .* epoch 1"):
        settings = {"validation_fraction": None, "max_epochs": 3, "random_state": 0}
        model = SpeechResNetClassifier(channels=1, callbacks=[Overflow()], **settings).fit(X, y)
    assert all(torch.isfinite(value).all() for value in state_of(model).values())
