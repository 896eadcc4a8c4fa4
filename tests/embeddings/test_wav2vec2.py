import json
import pickle
import shutil
import sys
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

RATE = 16_000

FAMILIES = {
    "wav2vec2": {"feat_extract_norm": "group"},
    "wav2vec2-large": {"feat_extract_norm": "layer", "do_stable_layer_norm": True},
    "hubert": {"feat_extract_norm": "group"},
    "hubert-batch-norm": {"feat_extract_norm": "group", "conv_pos_batch_norm": True},
    "wavlm": {"feat_extract_norm": "group", "num_buckets": 20, "max_bucket_distance": 40},
    "wavlm-large": {"feat_extract_norm": "layer", "do_stable_layer_norm": True},
    "unispeech-sat": {"feat_extract_norm": "layer"},
    "data2vec-audio": {},
}


def save_encoder(folder, family="wav2vec2", *, do_normalize=True, seed=0):
    """Save a randomly initialized encoder of 16 dimensions and 3 layers, as its users do."""
    from transformers import AutoConfig, AutoModel, Wav2Vec2FeatureExtractor

    kind = family.removesuffix("-large").removesuffix("-batch-norm")
    config = AutoConfig.for_model(
        kind,
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=3,
        num_attention_heads=2,
        num_conv_pos_embedding_groups=2,
        num_conv_pos_embeddings=16,
        conv_dim=[8] * 7,
        conv_kernel=(10, 3, 3, 3, 3, 2, 2),
        conv_stride=(5, 2, 2, 2, 2, 2, 2),
        initializer_range=0.1,
        **FAMILIES[family],
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        AutoModel.from_config(config).save_pretrained(folder)
    Wav2Vec2FeatureExtractor(do_normalize=do_normalize).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def encoders(tmp_path_factory):
    """Folders of random encoders by family, each saved when first asked for."""
    root, made = tmp_path_factory.mktemp("encoders"), {}

    def folder_of(family):
        if family not in made:
            made[family] = save_encoder(root / family, family)
        return made[family]

    return folder_of


@pytest.fixture
def wav2vec2(encoders):
    return encoders("wav2vec2")


def sound(seconds, seed=0, rate=RATE):
    """Noise under a tremolo, with an offset, so that scaling and context matter."""
    rng = np.random.default_rng(seed)
    n = round(seconds * rate)
    time = np.arange(n) / rate
    signal = 0.1 * rng.normal(size=n) * (1 + np.sin(2 * np.pi * 3 * time)) + 0.02
    return (signal + 0.2 * np.sin(2 * np.pi * (150 + 40 * seed) * time)).astype(np.float32)


LENGTHS = [0.31, 0.025, 0.62, 0.31, 0.08, 0.45, 0.62, 0.2]


def table(lengths=LENGTHS):
    cells = pd.Series([(sound(s, i), RATE) for i, s in enumerate(lengths)], dtype=object)
    cells.index = [f"clip_{i}" for i in range(len(lengths))]
    return cells.to_frame("audio")


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


def test_a_missing_package_names_the_extra(wav2vec2, monkeypatch):
    embedder = Wav2Vec2Embedder(wav2vec2, cache_dir=False).fit(table())
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(ImportError, match=r"Wav2Vec2Embedder needs .*'emoest\[text\]'"):
        embedder.transform(table())


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ((np.zeros(399), RATE), r"row 1: .*lasts 0\.0249 s.*for one frame \(0\.025 s\)"),
        ((np.zeros(0), RATE), "row 1.* has no samples"),
        ((np.full(800, np.nan), RATE), "row 1.* holds a NaN or infinite sample at 0.000 s"),
        ((sound(0.1), 0), "row 1.* must be a positive number of Hz, found 0"),
        (sound(0.1), "row 1.* has no sampling rate"),
        ("no.wav", "row 1.*'no.wav' is not there"),
    ],
)
def test_bad_cells(wav2vec2, cell, message):
    cells = [(sound(0.1), RATE), cell]
    message = message.replace("row 1: ", "row 1.*")
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        Wav2Vec2Embedder(wav2vec2).fit_transform(cells)
    with pytest.warns(UserWarning, match="1 of 2 cells could not be read"):
        output = Wav2Vec2Embedder(wav2vec2, pooling="mean", errors="missing").fit_transform(cells)
    assert output.isna().all(axis=1).tolist() == [False, True]


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"layer": 4}, "layer=4 is out of range: .* has 3 layers"),
        ({"layer": "first"}, "'layer' parameter of Wav2Vec2Embedder"),
        ({"step": 0}, "'step' parameter of Wav2Vec2Embedder"),
        ({"max_seconds": 0.5}, "'max_seconds' parameter of Wav2Vec2Embedder"),
        ({"model": "./nowhere"}, "There is no folder './nowhere'"),
    ],
)
def test_bad_parameters(wav2vec2, kwargs, message):
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        Wav2Vec2Embedder(**{"model": wav2vec2, **kwargs}).fit(table())


def test_a_model_without_safetensors_is_refused(wav2vec2, tmp_path):
    folder = shutil.copytree(wav2vec2, tmp_path / "copy")
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(FileNotFoundError, match=r"no safetensors weights.*are not opened"):
        Wav2Vec2Embedder(folder).fit(table())


def test_a_model_without_its_feature_extractor_is_refused(wav2vec2, tmp_path):
    folder = shutil.copytree(wav2vec2, tmp_path / "copy")
    settings = json.loads((folder / "preprocessor_config.json").read_text())
    (folder / "preprocessor_config.json").unlink()
    with pytest.raises(FileNotFoundError, match=r"holds no preprocessor_config\.json"):
        Wav2Vec2Embedder(folder).fit(table())
    (folder / "processor_config.json").write_text(json.dumps({"feature_extractor": settings}))
    assert Wav2Vec2Embedder(folder).fit(table()).sampling_rate_ == RATE
    for wrong in ({"sampling_rate": 0}, {"feature_extractor_type": "WhisperFeatureExtractor"}):
        changed = {**settings, **wrong}
        (folder / "preprocessor_config.json").write_text(json.dumps(changed))
        with pytest.raises(ValueError, match="runs encoders of raw audio"):
            Wav2Vec2Embedder(folder).fit(table())


def test_a_text_encoder_is_refused(tiny_bert):
    with pytest.raises(ValueError, match=r"no encoder of raw audio .* has no conv_kernel"):
        Wav2Vec2Embedder(tiny_bert).fit(table())


def test_an_encoder_of_several_frame_rates_is_refused(wav2vec2, tmp_path):
    folder = shutil.copytree(wav2vec2, tmp_path / "copy")
    config = json.loads((folder / "config.json").read_text())
    config.update(model_type="sew", squeeze_factor=2)
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(ValueError, match=r"\(sew\) has layers of different frame rates"):
        Wav2Vec2Embedder(folder).fit(table())


def test_an_unknown_revision_is_named(monkeypatch):
    import huggingface_hub

    unknown = huggingface_hub.errors.RevisionNotFoundError

    def snapshot_download(name, *, revision=None, local_files_only=False, **wanted):
        if local_files_only:
            raise huggingface_hub.errors.LocalEntryNotFoundError("not here")
        raise unknown.__new__(unknown)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot_download)
    with pytest.raises(FileNotFoundError, match=r"no model 'org/speech' at revision 'v7'"):
        Wav2Vec2Embedder("org/speech", revision="v7").fit(table())


def test_weights_that_lack_tensors_are_said(wav2vec2, tmp_path):
    from safetensors.numpy import load_file, save_file

    folder = shutil.copytree(wav2vec2, tmp_path / "copy")
    tensors = load_file(folder / "model.safetensors")
    del tensors["encoder.layers.1.feed_forward.output_dense.weight"]
    tensors.pop("masked_spec_embed", None)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ValueError, match=r"lack 1 tensors .*layers\.1\.feed_forward"):
        Wav2Vec2Embedder(folder).fit_transform(table())


def test_truncated_weights_are_named(wav2vec2, tmp_path):
    folder = shutil.copytree(wav2vec2, tmp_path / "copy")
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(ValueError, match=r"weights in '.*copy' are corrupted or truncated"):
        Wav2Vec2Embedder(folder).fit_transform(table())
