"""Averages of the last epochs, and statistics of batch normalization from the training rows."""

import numpy as np
import pytest
import torch
from skorch.callbacks import Callback

from emoest.neural import SpeechResNetClassifier
from emoest.neural._training.last_weights import refresh_statistics
from tests.neural.helpers import assert_same_state, make_frames, state_of

SMALL = {
    "channels": 1,
    "hidden_size": 4,
    "lr": 0.02,
    "max_epochs": 3,
    "validation_fraction": None,
    "random_state": 0,
}


class Watch(Callback):
    """Keeps the state after each epoch; with a number, ends there as the keyboard would."""

    def __init__(self, states, stop=None, error=KeyboardInterrupt):
        self.states, self.stop, self.error = states, stop, error

    def on_epoch_end(self, net, **kwargs):
        state = net.module_.state_dict()
        self.states.append({name: value.clone() for name, value in state.items()})

    def on_epoch_begin(self, net, **kwargs):
        if self.stop is not None and len(net.history) > self.stop:
            raise self.error


@pytest.fixture(scope="module")
def spectra():
    return make_frames(n_rows=24, n_dims=8)


def fitted(spectra, **settings):
    states = []
    stop = settings.pop("stop", None)
    model = SpeechResNetClassifier(**{**SMALL, **settings}, callbacks=[Watch(states, stop)])
    return model.fit(*spectra), states


def test_the_weights_are_averaged_over_the_last_epochs(spectra):
    model, states = fitted(spectra, average_epochs=2, batch_statistics="running")
    assert len(states) == 3
    for name, value in state_of(model).items():
        expected = states[2][name]
        if value.is_floating_point():
            expected = (states[1][name] + states[2][name]) / 2
        torch.testing.assert_close(value, expected)


def test_with_held_out_rows_the_average_takes_the_place_of_the_best(spectra):
    model, states = fitted(
        spectra, average_epochs=9, batch_statistics="running", validation_fraction=0.25
    )
    assert "valid_uar" in model.history_[0]
    head = torch.stack([state["head.out.weight"] for state in states]).mean(dim=0)
    torch.testing.assert_close(state_of(model)["head.out.weight"], head)


def test_after_the_keyboard_no_average_is_taken(spectra):
    with pytest.warns(UserWarning, match="keeps the weights of epoch 2"):
        model, states = fitted(spectra, average_epochs=2, batch_statistics="running", stop=2)
    assert_same_state(state_of(model), states[1])


@pytest.mark.parametrize("settings", [{}, {"average_epochs": 2}, {"validation_fraction": 0.25}])
def test_statistics_are_those_of_the_training_rows_alone(spectra, settings, monkeypatch):
    seen = {}
    train = SpeechResNetClassifier._train

    def spy(self, data, valid, groups, seed):
        seen["rows"] = data
        train(self, data, valid, groups, seed)

    monkeypatch.setattr(SpeechResNetClassifier, "_train", spy)
    masks = {"specaugment": "LD", "perturb": {"noise": (0.0, 0.0)}}
    model, _ = fitted(spectra, **masks, **settings)
    before = state_of(model)
    refresh_statistics(model.net_.module_, seen["rows"], model.batch_size, "cpu")
    assert_same_state(state_of(model), before)
    # Without the remedy the running averages are elsewhere.
    lagging, _ = fitted(spectra, **masks, **settings, batch_statistics="running")
    name = "trunk.layer4.2.bn2.running_mean"
    assert not torch.allclose(state_of(lagging)[name], before[name], rtol=0.01)


def test_a_validation_sees_fresh_statistics(spectra):
    model, states = fitted(spectra, validation_fraction=0.25, max_epochs=2)
    other, _ = fitted(spectra, validation_fraction=0.25, max_epochs=2, batch_statistics="running")
    # Training is the same, only what the validation sees differs.
    assert [row["train_loss"] for row in model.history_] == [
        row["train_loss"] for row in other.history_
    ]
    assert model.history_[0]["valid_loss"] != other.history_[0]["valid_loss"]
    best = max(model.history_, key=lambda row: (row["valid_uar"], -row["valid_loss"]))
    assert_same_state(state_of(model), states[int(best["epoch"]) - 1])


def test_a_frozen_backbone_keeps_its_statistics(spectra):
    from emoest.nets.speech_resnet import ResNetTrunk
    from emoest.neural import TrunkWeights

    with torch.random.fork_rng():
        weights = TrunkWeights.of(ResNetTrunk(8, channels=1))
    model = SpeechResNetClassifier(**SMALL).set_params(model=weights, channels=None).fit(*spectra)
    state = state_of(model)
    for name, value in weights.state.items():
        assert torch.equal(torch.as_tensor(value), state[f"trunk.{name}"]), name
    assert state["head.scale.running_mean"].any()


def test_training_alone_is_perturbed(spectra, monkeypatch):
    from emoest.nets.perturbation import SpeechPerturbation

    calls = []

    def perturb(self, frames, generator):
        calls.append(len(frames))
        return frames

    monkeypatch.setattr(SpeechPerturbation, "__call__", perturb)
    model, _ = fitted(spectra, perturb={"speed": 0.1}, validation_fraction=0.25)
    assert len(calls) % model.n_iter_ == 0 and 12 <= len(calls) // model.n_iter_ < 24
    calls.clear()
    model.predict(spectra[0])
    assert not calls


def test_the_same_seed_perturbs_the_same(spectra):
    settings = {"perturb": {"speed": 0.2, "noise": (5.0, 20.0)}, "max_epochs": 2}
    first, second = (fitted(spectra, **settings)[0] for _ in "12")
    np.testing.assert_array_equal(first.predict_proba(spectra[0]), second.predict_proba(spectra[0]))
    plain = fitted(spectra, max_epochs=2)[0]
    assert first.history_[0]["train_loss"] != plain.history_[0]["train_loss"]
