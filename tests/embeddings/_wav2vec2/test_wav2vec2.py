import pickle
import tracemalloc

import numpy as np
import pandas as pd
import pytest
import soundfile
import torch
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold, cross_val_predict
from sklearn.pipeline import make_pipeline

from emoest.aggregation import WeightedAggregator
from emoest.embeddings import Wav2Vec2Embedder, unload_models
from emoest.testing import assert_same_cells, cell_estimator_checks
from tests.embeddings._wav2vec2.small_encoders import (
    FAMILIES,
    LENGTHS,
    RATE,
    save_encoder,
    sound,
    table,
)


def reference(folder, signal, layer=-1):
    """States of one clip by transformers alone: its feature extractor and its model."""
    from transformers import AutoFeatureExtractor, AutoModel

    extractor = AutoFeatureExtractor.from_pretrained(folder)
    net = AutoModel.from_pretrained(folder).eval()
    values = extractor(signal, sampling_rate=RATE, return_tensors="pt").input_values
    with torch.no_grad():
        output = net(values, output_hidden_states=True)
    states = [*output.hidden_states[:-1], output.last_hidden_state]
    chosen = sum(states) / len(states) if layer == "mean" else states[layer]
    return chosen[0].numpy()


@pytest.mark.parametrize("pooling", ["mean", None])
def test_cell_estimator_checks(wav2vec2, pooling):
    embedder = Wav2Vec2Embedder(wav2vec2, pooling=pooling)
    for check in cell_estimator_checks(embedder):
        check(Wav2Vec2Embedder(wav2vec2, pooling=pooling), table(), None)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("layer", [-1, 1, "mean"])
def test_ragged_batches_equal_transformers_clip_by_clip(encoders, family, layer):
    folder = encoders(family)
    X = table()
    frames = Wav2Vec2Embedder(folder, layer=layer, batch_size=4, cache_dir=False).fit_transform(X)
    for cell, found in zip(X["audio"], frames["wav2vec2_frames"], strict=True):
        expected = reference(folder, cell[0], layer)
        assert found.shape == expected.shape
        np.testing.assert_allclose(found, expected, atol=3e-5)


def test_plain_padding_would_change_the_values(wav2vec2):
    """What the convolutions clip by clip are for: the model's own padded batch is another one."""
    from transformers import AutoFeatureExtractor, AutoModel

    clips = [sound(0.62, 2), sound(0.2, 7)]
    extractor = AutoFeatureExtractor.from_pretrained(wav2vec2)
    net = AutoModel.from_pretrained(wav2vec2).eval()
    values = extractor(clips, sampling_rate=RATE, return_tensors="pt", padding=True).input_values
    with torch.no_grad():
        padded = net(values).last_hidden_state[1, :9].numpy()
    assert np.abs(padded - reference(wav2vec2, clips[1])).max() > 1e-2


@pytest.mark.parametrize("batch_size", [1, 2, 64])
def test_order_and_batch_size_change_nothing(wav2vec2, batch_size):
    X = table([0.05 + 0.037 * i for i in range(24)])
    settings = {"max_seconds": 1.0, "cache_dir": False}
    whole = Wav2Vec2Embedder(wav2vec2, batch_size=3, **settings).fit_transform(X)
    order = np.random.RandomState(batch_size).permutation(len(X))
    embedder = Wav2Vec2Embedder(wav2vec2, batch_size=batch_size, **settings)
    assert_same_cells(embedder.fit_transform(X.iloc[order]), whole.iloc[order])


def watch(monkeypatch):
    seen = []
    states = Wav2Vec2Embedder._states

    def watched(self, model, windows):
        seen.append([len(window.signal) for window in windows])
        return states(self, model, windows)

    monkeypatch.setattr(Wav2Vec2Embedder, "_states", watched)
    return seen


def test_batches_hold_like_lengths_within_the_budget(wav2vec2, monkeypatch):
    seen = watch(monkeypatch)
    lengths = [0.9, 0.1] * 20
    Wav2Vec2Embedder(wav2vec2, max_seconds=1, batch_size=2, cache_dir=False).fit_transform(
        table(lengths)
    )
    assert all(len(batch) * max(batch) <= 2 * RATE for batch in seen)
    assert sum(len(set(batch)) > 1 for batch in seen) <= 1
    assert max(len(batch) for batch in seen) == 20


def test_encoders_that_ignore_masks_see_equal_lengths_together(encoders, monkeypatch):
    seen = watch(monkeypatch)
    for family in ("data2vec-audio", "hubert-batch-norm"):
        Wav2Vec2Embedder(encoders(family), cache_dir=False).fit_transform(table([0.3, 0.2] * 3))
    assert [sorted(set(batch)) for batch in seen] == [[3200], [4800]] * 2


def test_a_clip_is_scaled_only_if_the_feature_extractor_says_so(tmp_path, wav2vec2):
    raw = save_encoder(tmp_path / "raw", "wav2vec2-large", do_normalize=False)
    scaled = save_encoder(tmp_path / "scaled", "wav2vec2-large", do_normalize=True)
    clip = (sound(0.3), RATE)
    found = [
        Wav2Vec2Embedder(folder, pooling="mean").fit_transform([clip]) for folder in (raw, scaled)
    ]
    for folder, vectors in zip((raw, scaled), found, strict=True):
        expected = reference(folder, clip[0]).mean(axis=0)
        np.testing.assert_allclose(vectors.to_numpy()[0], expected, atol=1e-5)
    assert np.abs(found[0] - found[1]).to_numpy().max() > 1e-2


def test_a_step_averages_runs_of_frames_and_shares_the_seconds(wav2vec2):
    clip = (sound(0.31), RATE)
    frames = Wav2Vec2Embedder(wav2vec2).fit_transform([clip])["wav2vec2_frames"][0]
    averaged = Wav2Vec2Embedder(wav2vec2, step=4).fit_transform([clip])
    assert len(frames) == 15
    found = averaged["wav2vec2_frames"][0]
    expected = [frames[i : i + 4].mean(axis=0) for i in range(0, 15, 4)]
    np.testing.assert_allclose(found, expected, atol=1e-6)
    np.testing.assert_allclose(
        averaged["seconds"][0], 0.31 / 15 * np.array([4, 4, 4, 3]), rtol=1e-6
    )


def test_memobert_settings_take_the_start_of_a_clip(wav2vec2):
    clip = sound(1.7)
    embedder = Wav2Vec2Embedder(wav2vec2, step=3, max_seconds=1, long_audio="truncate")
    output = embedder.fit_transform([(clip, RATE)])
    expected = reference(wav2vec2, clip[:RATE])
    assert len(expected) == 49
    found = output["wav2vec2_frames"][0]
    assert found.shape == (17, 16)
    np.testing.assert_allclose(found[0], expected[:3].mean(axis=0), atol=1e-5)
    np.testing.assert_allclose(found[-1], expected[48], atol=1e-5)
    assert output["seconds"][0].sum() == pytest.approx(1.0)


def test_a_long_clip_is_seen_through_windows(wav2vec2, monkeypatch):
    seen = watch(monkeypatch)
    clip = sound(4.3)
    output = Wav2Vec2Embedder(wav2vec2, max_seconds=1, batch_size=1).fit_transform([(clip, RATE)])
    found = output["wav2vec2_frames"][0]
    assert len(found) == len(reference(wav2vec2, clip)) == 214
    assert output["seconds"][0].sum() == pytest.approx(4.3, rel=1e-5)
    assert {len(batch) for batch in seen} == {1}
    assert max(max(batch) for batch in seen) == RATE
    scaled = (clip - clip.mean()) / clip.std()
    settings = {"model": wav2vec2, "max_seconds": 1}
    first = Wav2Vec2Embedder(**settings)
    monkeypatch.setattr(first, "_read_spec", lambda path: unscaled(first, path))
    alone = first.fit_transform([(scaled[:RATE], RATE)])["wav2vec2_frames"][0]
    np.testing.assert_allclose(found[:40], alone[:40], atol=1e-4)


def test_memory_does_not_grow_with_the_length_of_a_recording(wav2vec2, monkeypatch, tmp_path):
    path = tmp_path / "long.flac"
    soundfile.write(path, np.tile(sound(10, rate=8000), 60), 8000)
    embedder = Wav2Vec2Embedder(wav2vec2, batch_size=1, max_seconds=5, cache_dir=False)

    def states(model, windows):
        counts = [embedder._convolutions.n_frames(len(window.signal)) for window in windows]
        return [
            np.zeros((n, 16), dtype=np.float32)[w.own] for n, w in zip(counts, windows, strict=True)
        ]

    monkeypatch.setattr(embedder, "_states", states)
    embedder.fit([path])
    embedder.transform([(np.zeros(RATE), RATE)])
    tracemalloc.start()
    frames = embedder.transform([path])["wav2vec2_frames"][0]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert frames.shape == (29_999, 16)
    signal_bytes = 600 * RATE * 4
    assert peak < signal_bytes / 2


def unscaled(embedder, path):
    Wav2Vec2Embedder._read_spec(embedder, path)
    embedder._normalize = False


def test_any_rate_and_channel_count_is_read(wav2vec2, tmp_path):
    tone = sound(0.5, rate=8000)
    path = tmp_path / "stereo.wav"
    soundfile.write(path, np.stack([tone, tone], axis=1), 8000, subtype="FLOAT")
    embedder = Wav2Vec2Embedder(wav2vec2, sampling_rate=8000)
    frames = embedder.fit_transform([path, tone, (tone, 8000.0)])["wav2vec2_frames"]
    assert frames[0].shape == (24, 16)
    np.testing.assert_allclose(frames[0], frames[1], atol=1e-5)
    np.testing.assert_allclose(frames[2], frames[1], atol=1e-5)


def test_five_folds_embed_each_clip_once(wav2vec2, monkeypatch):
    seen = watch(monkeypatch)
    X = table([0.05] * 20)
    model = make_pipeline(Wav2Vec2Embedder(wav2vec2, pooling="mean"), LogisticRegression())
    cross_val_predict(model, X, np.arange(20) % 2, cv=KFold(5), n_jobs=1)
    assert sum(len(batch) for batch in seen) == 20


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("layer", 1),
        ("layer", "mean"),
        ("step", 3),
        ("max_seconds", 2),
        ("long_audio", "truncate"),
    ],
)
def test_the_store_tells_settings_apart(wav2vec2, tmp_path, parameter, value):
    X = table([2.5])
    stored = Wav2Vec2Embedder(wav2vec2, max_seconds=1.0, cache_dir=tmp_path)
    before = stored.fit_transform(X).iloc[0, 0]
    after = stored.set_params(**{parameter: value}).fit_transform(X).iloc[0, 0]
    fresh = stored.set_params(cache_dir=False).fit_transform(X).iloc[0, 0]
    np.testing.assert_array_equal(after, fresh)
    assert before.shape != after.shape or not np.allclose(before, after)


def test_pooling_another_way_embeds_nothing(wav2vec2, monkeypatch):
    Wav2Vec2Embedder(wav2vec2).fit_transform(table())
    seen = watch(monkeypatch)
    Wav2Vec2Embedder(wav2vec2, pooling="max", batch_size=1).fit_transform(table())
    assert seen == []
    Wav2Vec2Embedder(wav2vec2, layer=1).fit_transform(table())
    assert sum(len(batch) for batch in seen) == len(LENGTHS)


def test_chunks_are_weighted_by_their_seconds(wav2vec2):
    long, short = (sound(0.9, 1), RATE), (sound(0.1, 2), RATE)
    X = pd.DataFrame({"audio": pd.Series([[long, short], [short]], dtype=object)})
    system = ColumnTransformer(
        [("audio", make_pipeline(Wav2Vec2Embedder(wav2vec2), WeightedAggregator()), ["audio"])],
        verbose_feature_names_out=True,
    ).set_output(transform="pandas")
    both = system.fit_transform(X)
    assert list(both.columns[:2]) == ["audio__wav2vec2_0000", "audio__wav2vec2_0001"]
    means = [reference(wav2vec2, clip[0]).mean(axis=0) for clip in (long, short)]
    np.testing.assert_allclose(both.to_numpy()[0], 0.9 * means[0] + 0.1 * means[1], atol=1e-5)


def test_a_pickle_is_small_and_gives_the_same(wav2vec2):
    embedder = Wav2Vec2Embedder(wav2vec2, cache_dir=False)
    expected = embedder.fit_transform(table())
    data = pickle.dumps(embedder)
    assert len(data) < 10_000
    unload_models()
    assert_same_cells(pickle.loads(data).transform(table()), expected)
