import numpy as np
import pytest
import torch
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from emoest.evaluation import evaluate
from emoest.nets.speaker import AngularMarginLoss, CosineHead
from emoest.neural import SpeakerPretrainer, SpeechResNetClassifier
from emoest.neural._training.last_weights import refresh_statistics
from emoest.testing import cell_estimator_checks
from tests.neural.helpers import (
    assert_same_state,
    falling_rate,
    make_frames,
    make_voices,
    state_of,
)

SMALL = {"channels": 2, "n_embedding": 8, "lr": 0.02, "max_epochs": 4, "random_state": 0}


def name_of(value):
    return getattr(value, "__name__", None) or "pretrainer"


CHECKED = SpeakerPretrainer(**{**SMALL, "max_epochs": 2})


@pytest.mark.parametrize("check", cell_estimator_checks(CHECKED), ids=name_of)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_the_checks_of_tables_of_frames_hold(check):
    check(CHECKED, *make_frames(n_rows=12))


LEARNING = {**SMALL, "channels": 4, "lr": 0.01, "max_epochs": 6, "batch_size": 8}
"""Enough for speakers to be told apart."""


@pytest.mark.parametrize("loss", ["aam", "softmax"])
def test_speakers_are_learned(loss):
    pretrainer = SpeakerPretrainer(loss=loss, callbacks=[falling_rate(6)], **LEARNING)
    pretrainer.fit(*make_voices())
    X, speakers = make_voices(seed=1)
    assert pretrainer.score(X, speakers) >= 0.85
    head = pretrainer.net_.module_.head
    assert isinstance(head, CosineHead if loss == "aam" else torch.nn.Linear)
    assert pretrainer.transform(X).shape == (32, 8)


def test_scale_and_margin_reach_the_loss():
    X, speakers = make_voices(8)
    pretrainer = SpeakerPretrainer(scale=10.0, margin=0.4, **{**SMALL, "max_epochs": 1})
    criterion = pretrainer.fit(X, speakers).net_.criterion_
    assert isinstance(criterion, AngularMarginLoss)
    assert (criterion.scale, criterion.margin) == (10.0, 0.4)


def test_weights_are_the_trunk_and_name_the_speakers():
    X, speakers = make_voices()
    pretrainer = SpeakerPretrainer(**SMALL).fit(X, speakers)
    weights = pretrainer.weights_
    assert weights.seen_groups_ == ["ann", "bob"]
    assert (weights.layout, weights.channels, weights.n_mels) == ("speaker", 2, 16)
    trunk = pretrainer.net_.module_.trunk.state_dict()
    assert all(torch.equal(trunk[name], value) for name, value in weights.state.items())


def test_training_sees_crops_and_prediction_whole_rows(monkeypatch):
    seen = {True: set(), False: set()}
    X, speakers = make_voices()
    pretrainer = SpeakerPretrainer(crop=25, **{**SMALL, "max_epochs": 1})
    forward = pretrainer._module_class.forward

    def spy(self, frames, lengths):
        seen[self.training].update(lengths.tolist())
        return forward(self, frames, lengths)

    monkeypatch.setattr(pretrainer._module_class, "forward", spy)
    pretrainer.fit(X, speakers).predict(X)
    lengths = {len(cell) for cell in X["audio__frames"]}
    assert seen == {True: {min(n, 25) for n in lengths}, False: lengths}
    assert max(lengths) > 25 > min(lengths)


def test_the_same_seed_gives_the_same_weights():
    X, speakers = make_voices()
    states = [state_of(SpeakerPretrainer(**SMALL).fit(X, speakers)) for _ in range(2)]
    assert_same_state(*states)


@pytest.mark.filterwarnings("error")
def test_early_stopping_holds_out_rows_of_every_speaker():
    X, _ = make_frames(n_rows=48)
    speakers = X.index.get_level_values("group")
    pretrainer = SpeakerPretrainer(validation_fraction=0.25, **SMALL).fit(X, speakers)
    assert "valid_uar" in pretrainer.history_[0]
    assert pretrainer.grouped_ is False
    assert len(pretrainer.classes_) == 8


@pytest.mark.filterwarnings("error")
def test_recordings_are_kept_apart_where_a_speaker_has_several():
    X, speakers = make_voices()
    recordings = np.arange(len(X)) // 2
    pretrainer = SpeakerPretrainer(validation_fraction=0.25, **SMALL)
    assert pretrainer.fit(X, speakers, groups=recordings).grouped_ is True


def test_weights_of_an_unfitted_one_are_asked_for_in_vain():
    with pytest.raises(NotFittedError, match="fit"):
        _ = SpeakerPretrainer().weights_


def test_a_frozen_one_is_refused_where_its_speakers_are_tested():
    X, y = make_frames(n_rows=16, speakers=4)
    pretrainer = SpeakerPretrainer(**{**SMALL, "max_epochs": 1})
    pretrainer.fit(X, X.index.get_level_values("group"))
    settings = {"cv": 2, "random_state": 0, "n_resamples": 50}
    with pytest.raises(ValueError, match=r"frozenestimator.* was trained on groups .*'s\d'"):
        evaluate(make_pipeline(FrozenEstimator(pretrainer), LogisticRegression()), X, y, **settings)
    # One that each fold fits anew has seen nobody, whatever it was fitted on before.
    model = SpeechResNetClassifier(
        pretrain=pretrainer, channels=2, hidden_size=8, max_epochs=1, validation_fraction=None
    )
    assert evaluate(model, X, y, **settings).protocol.speaker_independent


def test_the_backbone_has_the_statistics_of_whole_training_samples():
    X, speakers = make_voices(n_rows=16)
    settings = {"channels": 1, "n_embedding": 4, "max_epochs": 2, "crop": 5, "random_state": 0}
    model = SpeakerPretrainer(**settings).fit(X, speakers)
    rows = model._dataset(model._read(X, reset=False), {})
    before = {name: value.clone() for name, value in model.weights_.state.items()}
    refresh_statistics(model.net_.module_, rows, model.batch_size, "cpu")
    for name, value in model.weights_.state.items():
        assert torch.equal(value, before[name]), name
    lagging = SpeakerPretrainer(**settings, batch_statistics="running").fit(X, speakers).weights_
    assert torch.equal(lagging.state["conv1.weight"], before["conv1.weight"])
    name = "layer4.2.bn2.running_var"
    assert not torch.allclose(lagging.state[name], before[name], rtol=0.01)
