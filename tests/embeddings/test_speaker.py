import importlib.util
import pickle

import numpy as np
import pandas as pd
import pytest
import torch

from emoest.embeddings import SpeakerEmbedder, unload_models
from emoest.nets.voice_encoder import VoiceEncoder
from emoest.nets.weight_files.safetensors_io import save_net
from emoest.testing import assert_same_cells, cell_estimator_checks

RATE = 16_000
INSTALLED = importlib.util.find_spec("resemblyzer") is not None


def voice(seconds, f0, level=0.1):
    """Nineteen harmonics of a wandering pitch."""
    time = np.arange(round(seconds * RATE)) / RATE
    phase = 2 * np.pi * (f0 * time + 2 * np.sin(6 * time))
    return (level * sum(np.sin(k * phase) / k for k in range(1, 20))).astype(np.float32)


def table():
    lengths = [0.5, 2.6, 0.031, 4.1, 1.7, 3.0, 1.2, 0.9]
    cells = [(voice(s, 100 + 20 * i), RATE) for i, s in enumerate(lengths)]
    return pd.Series(cells, index=[f"clip_{i}" for i in range(8)], dtype=object).to_frame("audio")


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """Random weights, larger than torch's own so that clips differ."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        net = VoiceEncoder()
        with torch.no_grad():
            for parameter in net.parameters():
                parameter.mul_(2.0)
    return save_net(net, tmp_path_factory.mktemp("weights") / "random.safetensors")


@pytest.mark.parametrize("pooling", ["mean", None])
def test_cell_estimator_checks(weights, pooling):
    for check in cell_estimator_checks(SpeakerEmbedder(weights, pooling=pooling)):
        check(SpeakerEmbedder(weights, pooling=pooling), table(), None)


@pytest.mark.parametrize("batch_size", [1, 2, 64])
def test_order_and_batch_size_change_nothing(weights, batch_size):
    X = table()
    whole = SpeakerEmbedder(weights, pooling=None, cache_dir=False).fit_transform(X)
    order = np.random.RandomState(batch_size).permutation(len(X))
    embedder = SpeakerEmbedder(weights, pooling=None, cache_dir=False, batch_size=batch_size)
    assert_same_cells(embedder.fit_transform(X.iloc[order]), whole.iloc[order])


@pytest.mark.parametrize(("parameter", "value"), [("rate", 2.5), ("cut_pauses", False)])
def test_the_store_tells_settings_apart(weights, tmp_path, parameter, value):
    spoken = np.concatenate([voice(2, 120), np.zeros(RATE, np.float32), voice(2, 150)])
    stored = SpeakerEmbedder(weights, pooling=None, cache_dir=tmp_path)
    before = stored.fit_transform([(spoken, RATE)]).iloc[0, 0]
    after = stored.set_params(**{parameter: value}).fit_transform([(spoken, RATE)]).iloc[0, 0]
    fresh = stored.set_params(cache_dir=False).fit_transform([(spoken, RATE)]).iloc[0, 0]
    np.testing.assert_array_equal(after, fresh)
    assert before.shape != after.shape


def test_the_net_takes_no_more_than_a_batch(weights, monkeypatch):
    sizes = []
    forward = VoiceEncoder.forward

    def watched(self, mels):
        sizes.append(len(mels))
        return forward(self, mels)

    monkeypatch.setattr(VoiceEncoder, "forward", watched)
    SpeakerEmbedder(weights, batch_size=3, cache_dir=False).fit_transform([(voice(9, 120), RATE)])
    assert sizes == [3, 3, 3, 2]


def test_a_vector_is_the_mean_of_its_stretches_made_one_long(weights):
    clip = (voice(4.1, 120), RATE)
    frames = SpeakerEmbedder(weights, pooling=None).fit_transform([clip])
    stretches = frames["voice_frames"][0]
    assert stretches.shape == (4, 256)
    assert frames["seconds"][0].tolist() == pytest.approx([4.1 / 4] * 4)
    vector = SpeakerEmbedder(weights).fit_transform([clip, None]).to_numpy()
    mean = stretches.mean(axis=0)
    np.testing.assert_allclose(vector[0], mean / np.linalg.norm(mean), atol=1e-6)
    assert np.isnan(vector[1]).all()


def test_level_and_rate_of_the_recording_matter_little(weights):
    loud = voice(2.0, 120, 0.01)
    vectors = SpeakerEmbedder(weights).fit_transform([(loud, RATE), (loud / 10, RATE)]).to_numpy()
    np.testing.assert_allclose(vectors[0], vectors[1], atol=1e-5)


def test_pauses_are_cut_only_on_request(weights):
    gap = np.zeros(2 * RATE, dtype=np.float32)
    clip = (np.concatenate([gap, voice(2, 120), gap]), RATE)
    settings = {"pooling": None, "cache_dir": False}
    cut = SpeakerEmbedder(weights, **settings).fit_transform([clip])
    whole = SpeakerEmbedder(weights, cut_pauses=False, **settings).fit_transform([clip])
    assert len(cut["voice_frames"][0]) == 2
    assert len(whole["voice_frames"][0]) == 7
    assert cut["seconds"][0].sum() == pytest.approx(6)


def test_silence_and_one_sample_give_finite_vectors(weights):
    clips = [(np.zeros(RATE), RATE), (np.ones(1), RATE)]
    assert np.isfinite(SpeakerEmbedder(weights).fit_transform(clips).to_numpy()).all()


def test_a_pickle_is_small_and_gives_the_same(weights):
    embedder = SpeakerEmbedder(weights, cache_dir=False)
    expected = embedder.fit_transform(table())
    data = pickle.dumps(embedder)
    assert len(data) < 10_000
    unload_models()
    assert_same_cells(pickle.loads(data).transform(table()), expected)


def test_without_the_package_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(FileNotFoundError, match="pip install --no-deps resemblyzer"):
        SpeakerEmbedder().fit(table())


def test_other_weights_in_the_package_are_refused(monkeypatch, tmp_path):
    class Spec:
        submodule_search_locations = [str(tmp_path)]

    monkeypatch.setattr("importlib.util.find_spec", lambda name: Spec)
    with pytest.raises(FileNotFoundError, match=r"holds no pretrained\.pt"):
        SpeakerEmbedder().fit(table())
    (tmp_path / "pretrained.pt").write_bytes(b"x")
    with pytest.raises(ValueError, match=r"expected sha256 39373b86.*resemblyzer==0\.1\.4"):
        SpeakerEmbedder().fit(table())


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"rate": 0.5}, r"rate=0\.5 stretches a second is out of range: from 0\.625"),
        ({"rate": 0}, "'rate' parameter of SpeakerEmbedder"),
        (
            {"model": "no.pt"},
            r"'no\.pt' is neither the path of a file nor .*resemblyzer.*pretrained\.pt",
        ),
    ],
)
def test_bad_parameters(weights, kwargs, message):
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        SpeakerEmbedder(**{"model": weights, **kwargs}).fit(table())


def test_an_unreadable_clip_is_named_or_missing(weights):
    cells = [(voice(1, 120), RATE), "no.wav"]
    with pytest.raises(FileNotFoundError, match="row 1"):
        SpeakerEmbedder(weights).fit_transform(cells)
    with pytest.warns(UserWarning, match="1 of 2 cells"):
        vectors = SpeakerEmbedder(weights, errors="missing").fit_transform(cells)
    assert vectors.isna().all(axis=1).tolist() == [False, True]


@pytest.mark.skipif(not INSTALLED, reason="the package resemblyzer is not installed")
@pytest.mark.parametrize(
    ("signal", "n_partials", "units", "values"),
    [
        (
            voice(2.6, 120),
            2,
            [92, 248, 122, 146, 82, 120],
            [0.19236, 0.18549, 0.18146, 0.18024, 0.17269, 0.16399],
        ),
        (
            voice(1.0, 210, 0.001),
            1,
            [20, 0, 62, 172, 209, 9],
            [0.2523, 0.24833, 0.20789, 0.19783, 0.19721, 0.19529],
        ),
    ],
)
def test_real_weights_give_the_values_of_the_original(signal, n_partials, units, values):
    """Resemblyzer 0.1.4, embed_utterance(normalize_volume(signal, -30, increase_only=True))."""
    embedder = SpeakerEmbedder(cut_pauses=False)
    vector = embedder.fit_transform([(signal, RATE)]).to_numpy()[0]
    np.testing.assert_allclose(vector[units], values, atol=2e-5)
    assert np.sort(vector)[-7] < values[-1]
    frames = SpeakerEmbedder(cut_pauses=False, pooling=None).fit_transform([(signal, RATE)])
    assert len(frames["voice_frames"][0]) == n_partials


@pytest.mark.real_data
@pytest.mark.skipif(not INSTALLED, reason="the package resemblyzer is not installed")
def test_real_voices_are_told_apart(real_data):
    files = sorted((real_data / "ravdess").rglob("03-01-01-01-*.flac"))
    speakers = np.array([path.stem.rsplit("-", 1)[1] for path in files])
    vectors = SpeakerEmbedder(cache_dir=False).fit_transform(files).to_numpy()
    alike = vectors @ vectors.T
    np.fill_diagonal(alike, -1)
    nearest = speakers[alike.argmax(axis=1)]
    assert len(files) == 64
    assert np.mean(nearest == speakers) >= 0.8
