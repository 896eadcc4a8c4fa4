import tracemalloc

import numpy as np
import pandas as pd
import pytest
import soundfile
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import make_pipeline

from emoest.aggregation import WeightedAggregator
from emoest.embeddings import YAMNetEmbedder
from emoest.tables.cells import object_column
from emoest.testing import cell_estimator_checks
from tests.embeddings._yamnet.clips import RATE, noise, table


@pytest.mark.parametrize("pooling", [None, "mean"])
def test_cell_estimator_checks(sentinel, weights, pooling):
    cells = [[noise(1.0 + i % 3, i), noise(1.0, 50 + i)] for i in range(10)]
    X = object_column(cells, pd.Index(list("abcdefghij")), "audio").to_frame()
    embedder = YAMNetEmbedder(weights, pooling=pooling, sampling_rate=RATE)
    for check in cell_estimator_checks(embedder):
        check(clone(embedder), X, None)


def test_frames_of_every_kind_of_item(weights, wav, tmp_path):
    stereo = tmp_path / "stereo.flac"
    soundfile.write(stereo, np.zeros((8000, 2)), 8000)
    samples = soundfile.read(wav, dtype="float32")[0]
    X = table(
        [str(wav), wav, (samples, RATE), samples, f"{wav}#t=1.0,2.5", str(stereo), None, np.nan],
        index=list("hgfedcba"),
    )
    out = YAMNetEmbedder(weights, sampling_rate=RATE).fit_transform(X)
    assert list(out.columns) == ["yamnet_frames", "seconds"]
    assert list(out.index) == list("hgfedcba")
    shapes = [None if cell is None else cell.shape for cell in out["yamnet_frames"]]
    assert shapes == [(6, 1024)] * 4 + [(3, 1024), (2, 1024), None, None]
    assert all(cell.dtype == np.float32 for cell in out["yamnet_frames"][:6])
    for i in range(1, 4):
        np.testing.assert_array_equal(out["yamnet_frames"].iat[i], out["yamnet_frames"].iat[0])
    seconds = [None if cell is None else round(float(cell.sum()), 4) for cell in out["seconds"]]
    assert seconds == [3.0, 3.0, 3.0, 3.0, 1.5, 1.0, None, None]
    assert len(set(out["seconds"].iat[0])) == 1


def test_a_fragment_is_embedded_like_the_part_alone(weights, wav):
    samples = soundfile.read(wav, dtype="float32")[0]
    out = YAMNetEmbedder(weights).fit_transform(
        table([f"{wav}#t=1.0,2.5", (samples[16_000:40_000], RATE)])
    )
    np.testing.assert_allclose(*out["yamnet_frames"], atol=1e-6)


@pytest.mark.parametrize("batch_size", [1, 5, 64])
def test_batches_and_order_change_nothing(weights, batch_size):
    clips = [(noise(seconds, seed), RATE) for seed, seconds in enumerate([2.0, 0.5, 3.7, 1.0])]
    embedder = YAMNetEmbedder(weights, cache_dir=False)
    frames = embedder.fit_transform(table(clips))["yamnet_frames"]
    other = clone(embedder).set_params(batch_size=batch_size)
    reverse = other.fit_transform(table(clips[::-1]))["yamnet_frames"].tolist()[::-1]
    assert np.ptp(frames[2], axis=0).max() > 1e-2
    for a, b in zip(frames, reverse, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)


def test_batches_are_filled_across_clips(weights, sentinel):
    clips = [(noise(1.0, seed), RATE) for seed in range(20)]
    embedder = YAMNetEmbedder(weights, batch_size=8, cache_dir=False)
    embedder.fit_transform(table(clips))
    assert sentinel.batches == [8] * 5


@pytest.mark.parametrize(
    ("padding", "step", "n_frames"),
    [(True, 0.48, 6), (False, 0.48, 5), (True, 0.1, 22), (False, 0.96, 3)],
)
def test_padding_and_step(weights, sentinel, padding, step, n_frames):
    embedder = YAMNetEmbedder(weights, padding=padding, step=step)
    out = embedder.fit_transform(table([(noise(3.0), RATE)]))
    assert out["yamnet_frames"][0].shape == (n_frames, 1024)
    assert out["seconds"][0].sum() == pytest.approx(3.0)


def test_each_setting_is_a_recipe_of_its_own(weights, sentinel):
    X = table([(noise(3.0), RATE)])
    settings = [{}, {"padding": False}, {"step": 0.1}, {"output": "scores"}]
    for setting in settings * 2:
        YAMNetEmbedder(weights, **setting).fit_transform(X)
    assert sentinel.batches == [6, 5, 22, 6]
    YAMNetEmbedder(weights, speech=True, pooling="max", batch_size=2).fit_transform(X)
    assert len(sentinel.batches) == len(settings)


def test_scores_and_speech(weights):
    X = table([(noise(2.0), RATE), None])
    frames = YAMNetEmbedder(weights, speech=True).fit_transform(X)
    assert list(frames.columns) == ["yamnet_frames", "seconds", "speech"]
    embedder = YAMNetEmbedder(weights, output="scores")
    scores = embedder.fit_transform(X)
    assert list(scores.columns) == ["yamnet_scores_frames", "seconds"]
    assert list(embedder.get_feature_names_out()) == list(scores.columns)
    assert scores["yamnet_scores_frames"][0].shape == (4, 521)
    assert 0 < scores["yamnet_scores_frames"][0].min() < scores["yamnet_scores_frames"][0].max() < 1
    np.testing.assert_allclose(frames["speech"][0], scores["yamnet_scores_frames"][0][:, 0])
    assert frames["speech"][1] is None


@pytest.mark.parametrize("pooling", ["mean", "max"])
def test_pooling(weights, pooling):
    X = table([(noise(2.0), RATE), None])
    frames = YAMNetEmbedder(weights).fit_transform(X)["yamnet_frames"][0]
    embedder = YAMNetEmbedder(weights, pooling=pooling)
    vectors = embedder.fit_transform(X)
    assert vectors.shape == (2, 1024)
    assert list(vectors.columns[[0, -1]]) == ["yamnet_0000", "yamnet_1023"]
    assert list(embedder.get_feature_names_out()) == list(vectors.columns)
    np.testing.assert_allclose(vectors.iloc[0], getattr(frames, pooling)(axis=0), atol=1e-6)
    assert vectors.iloc[1].isna().all()


def test_lists_of_chunks(weights):
    chunks = [(noise(1.0, 1), RATE), (noise(3.0, 2), RATE)]
    pooled = YAMNetEmbedder(weights).fit_transform(table([chunks]))
    whole = YAMNetEmbedder(weights, chunks="concat").fit_transform(table([chunks]))
    assert pooled["yamnet_frames"][0].shape == (2, 1024)
    assert whole["yamnet_frames"][0].shape == (2 + 6, 1024)
    means = [whole["yamnet_frames"][0][:2].mean(axis=0), whole["yamnet_frames"][0][2:].mean(axis=0)]
    np.testing.assert_allclose(pooled["yamnet_frames"][0], means, atol=1e-6)
    np.testing.assert_allclose(pooled["seconds"][0], [1.0, 3.0], rtol=1e-6)
    np.testing.assert_allclose(whole["seconds"][0], [0.5] * 8, rtol=1e-6)


def test_durations_weigh_chunks_in_a_column_transformer(weights, sentinel):
    """Chunks of 1 s and 9 s, loud and silent, so that the vector shows the weights."""
    loud, silent = (noise(1.0), RATE), (np.zeros(9 * RATE), RATE)
    alone = YAMNetEmbedder(weights).fit_transform(table([loud, silent]))["yamnet_frames"]
    level, floor = (float(frames.mean()) for frames in alone)
    assert floor == pytest.approx(np.log(0.001), rel=1e-5)
    assert level > floor + 1
    embed = ColumnTransformer(
        [("audio", make_pipeline(YAMNetEmbedder(weights), WeightedAggregator()), ["audio"])]
    ).set_output(transform="pandas")
    vectors = embed.fit_transform(table([[loud, silent], [silent, loud], [loud], None]))
    assert list(vectors.columns[[0, -1]]) == ["audio__yamnet_0000", "audio__yamnet_1023"]
    expected = [0.1 * level + 0.9 * floor] * 2 + [level]
    np.testing.assert_allclose(vectors["audio__yamnet_0007"][:3], expected, rtol=1e-5)
    assert vectors.iloc[3].isna().all()


def test_an_hour_in_bounded_memory(weights, sentinel, tmp_path):
    """The signal alone, 16 kHz in float32, would be 230 MB; its scores are 16 MB."""
    path = tmp_path / "hour.wav"
    soundfile.write(path, np.zeros(3600 * 1000, dtype=np.int16), 1000)
    embedder = YAMNetEmbedder(weights, output="scores", cache_dir=False).fit(table([path]))
    tracemalloc.start()
    frames = embedder.transform(table([path]))["yamnet_scores_frames"][0]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert frames.shape == (1 + -(-(3600 * RATE - 15_600) // 7_680), 521)
    assert max(sentinel.batches) < 2 * embedder.batch_size
    assert peak < 100e6


def _bad_items(folder):
    (folder / "empty.wav").touch()
    (folder / "text.wav").write_text("this is a transcript")
    soundfile.write(folder / "none.wav", np.zeros(0), RATE)
    return {
        "gone": (folder / "gone.wav", FileNotFoundError, r"gone\.wav' is not there"),
        "empty": (folder / "empty.wav", ValueError, r"empty\.wav.*is empty \(0 bytes\)"),
        "text": (folder / "text.wav", ValueError, r"text\.wav.*is not audio.*ffmpeg"),
        "none": (folder / "none.wav", ValueError, r"none\.wav.*has no samples"),
        "no samples": ((np.zeros(0), RATE), ValueError, "has no samples"),
        "nan": ((np.array([0.0, np.nan]), RATE), ValueError, "NaN or infinite sample at 0.000 s"),
        "part": (
            f"{folder / 'clip.wav'}#t=2,9",
            ValueError,
            "lies outside the recording.* 3.000 s",
        ),
        "no rate": (np.zeros(RATE), ValueError, "has no sampling rate"),
        "number": (3.5, ValueError, "expected the path of a file or an array, found float 3.5"),
    }


@pytest.mark.parametrize(
    "kind", ["gone", "empty", "text", "none", "no samples", "nan", "part", "no rate", "number"]
)
def test_bad_items(weights, wav, sentinel, kind):
    item, error, message = _bad_items(wav.parent)[kind]
    X = table([wav, [wav, item]], index=["s1", "s2"])
    embedder = YAMNetEmbedder(weights)
    with pytest.raises(error, match=message) as caught:
        embedder.fit_transform(X)
    assert "row 's2' (position 1), column 'audio', item 1 of the list" in str(caught.value)
    assert "errors='missing'" in str(caught.value)
    with pytest.warns(UserWarning, match="1 of 2 cells could not be read"):
        out = embedder.set_params(errors="missing").fit_transform(X)
    assert out["yamnet_frames"]["s1"].shape == (6, 1024)
    assert out["yamnet_frames"]["s2"] is None
    assert out["seconds"]["s2"] is None


def test_nothing_embedded_is_lost(weights, sentinel, wav):
    good = [(noise(1.0, seed), RATE) for seed in range(3)]
    embedder = YAMNetEmbedder(weights)
    with pytest.raises(ValueError, match="row 3"):
        embedder.fit_transform(table([*good, (np.full(RATE, np.nan), RATE)]))
    sentinel.batches.clear()
    embedder.fit_transform(table(good))
    assert sentinel.batches == []


@pytest.mark.parametrize(
    ("item", "n_frames"),
    [
        ((np.ones(1), 44_100), 1),
        ((np.zeros(RATE), RATE), 2),
        ((np.zeros((8_000, 2), dtype=np.int16), 8_000), 2),
    ],
    ids=["one sample", "silence", "8 kHz stereo"],
)
def test_odd_but_legal(weights, item, n_frames):
    frames = YAMNetEmbedder(weights).fit_transform(table([item]))["yamnet_frames"][0]
    assert frames.shape == (n_frames, 1024)
    assert np.isfinite(frames).all()


def test_less_than_a_patch_without_padding(weights, sentinel):
    embedder = YAMNetEmbedder(weights, padding=False)
    with pytest.raises(ValueError, match=r"row 1.*lasts 0\.500 s.*Pass padding=True"):
        embedder.fit_transform(table([(noise(1.0), RATE), (noise(0.5), RATE)]))


def test_a_step_between_frames_is_refused(weights):
    with pytest.raises(ValueError, match=r"step=0\.485 s must be a positive multiple"):
        YAMNetEmbedder(weights, step=0.485).fit(table([None]))


def _official(name):
    if name == "zeros":
        return np.zeros(48_000)
    if name == "random":
        return np.random.RandomState(51773).uniform(-1, 1, 48_000)
    return np.sin(2 * np.pi * 440 * np.arange(48_000) / RATE)


@pytest.mark.real_data
@pytest.mark.parametrize(("name", "tolerance"), [("zeros", 1e-3), ("random", 1e-3), ("sine", 0.05)])
def test_reference_embeddings(real_data, name, tolerance):
    path = real_data / "yamnet" / "yamnet_int8_dynamic.tflite"
    X = table([(_official(name), RATE)])
    frames = YAMNetEmbedder(path, padding=False).fit_transform(X)["yamnet_frames"][0]
    with np.load(real_data / "yamnet" / "reference_vectors.npz") as reference:
        expected = reference[f"{name}|numpy_embeddings"]
    assert frames.shape == expected.shape == (5, 1024)
    np.testing.assert_allclose(frames, expected, atol=tolerance)
    padded = YAMNetEmbedder(path).fit_transform(X)["yamnet_frames"][0]
    assert padded.shape == (6, 1024)
    np.testing.assert_allclose(padded[:5], frames, atol=1e-5)


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "label"), [("zeros", "Silence"), ("random", "White noise"), ("sine", "Sine wave")]
)
def test_official_test(real_data, name, label):
    path = real_data / "yamnet" / "yamnet_int8_dynamic.tflite"
    embedder = YAMNetEmbedder(path, output="scores", pooling="mean")
    scores = embedder.fit_transform(table([(_official(name), RATE)])).to_numpy()[0]
    names = embedder.class_names()
    assert label in [names[i] for i in np.argsort(-scores)[:10]]


@pytest.mark.real_data
def test_speech_is_heard_in_real_speech(real_data):
    clip = next((real_data / "emodb").rglob("*.flac"))
    embedder = YAMNetEmbedder(real_data / "yamnet" / "yamnet_int8_dynamic.tflite", speech=True)
    out = embedder.fit_transform(table([clip, (np.zeros(RATE), RATE)]))
    assert out["speech"][0].mean() > 0.5
    assert out["speech"][1].max() < 0.1
