import json
import pickle

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file, save_file
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold
from sklearn.pipeline import make_pipeline

from emoest.embeddings import FaceEmbedder, relocate_weights, unload_models
from emoest.embeddings import _face_backbones as backbones
from emoest.evaluation import evaluate
from emoest.nets import densenet, xception
from emoest.nets.image_classifier import GRAY_SIZES
from emoest.nets.weight_files.safetensors_io import read_metadata, save_net
from emoest.neural import FaceCNNClassifier, SequenceClassifier
from tests.embeddings._face.pictures import noise
from tests.image_processors import pil_processor

pytest.importorskip("cv2")


def test_classes_are_those_of_the_nets():
    assert backbones.GRAY_BACKBONES["mini_xception"].classes == xception.CLASSES
    assert backbones.GRAY_BACKBONES["densenet"].classes == densenet.CLASSES


def _save_encoder(folder, kind, *, classes=0, seed=0):
    """A tiny randomly initialized encoder of images with its preprocessing."""
    transformers = pytest.importorskip("transformers")
    labels = {i: f"emotion {i}" for i in range(classes)} or {0: "a", 1: "b"}
    if kind == "vit":
        sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}
        config = transformers.ViTConfig(
            **sizes, intermediate_size=32, image_size=32, patch_size=8, id2label=labels
        )
        config.initializer_range = 0.5
        processor = pil_processor("ViTImageProcessor", size={"height": 32, "width": 32})
        names = ("ViTForImageClassification", "ViTModel")
    else:
        config = transformers.ResNetConfig(
            embedding_size=8, hidden_sizes=[8, 12], depths=[1, 1], id2label=labels
        )
        processor = pil_processor("ConvNextImageProcessor", size={"shortest_edge": 32})
        names = ("ResNetForImageClassification", "ResNetModel")
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        net = getattr(transformers, names[0] if classes else names[1])(config)
    net.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder, net.eval(), processor


@pytest.mark.parametrize(("kind", "n_dims"), [("vit", 16), ("resnet", 12)])
def test_encoders_of_transformers(tmp_path, kind, n_dims):
    folder, net, processor = _save_encoder(tmp_path / "model", kind)
    faces = [noise(0), noise(1, 60)]
    out = FaceEmbedder(str(folder)).fit_transform(faces)
    assert list(out.columns) == [f"{kind}_frames", "seconds"]
    for face, found in zip(faces, out.iloc[:, 0], strict=True):
        pixels = processor([face], return_tensors="pt")["pixel_values"]
        with torch.no_grad():
            states = net(pixel_values=pixels).last_hidden_state
        expected = states[:, 0] if kind == "vit" else states.mean(dim=(2, 3))
        assert found.shape == (1, n_dims)
        np.testing.assert_allclose(found, expected, atol=1e-5)
    assert np.abs(out.iloc[0, 0] - out.iloc[1, 0]).max() > 1e-3


@pytest.mark.parametrize("kind", ["vit", "resnet"])
def test_classifiers_of_transformers(tmp_path, kind):
    folder, net, processor = _save_encoder(tmp_path / "model", kind, classes=5)
    embedder = FaceEmbedder(folder, output="probabilities", pooling="mean").fit([None])
    assert embedder.class_names() == [f"emotion {i}" for i in range(5)]
    vectors = embedder.transform([[noise(0)]])
    assert vectors.columns.tolist() == [f"{kind}_probabilities_emotion {i}" for i in range(5)]
    with torch.no_grad():
        logits = net(**processor([noise(0)], return_tensors="pt")).logits
    np.testing.assert_allclose(vectors, torch.softmax(logits, dim=1), atol=1e-5)
    frames = FaceEmbedder(folder).fit_transform([noise(0)])
    assert frames.iloc[0, 0].shape == (1, 16 if kind == "vit" else 12)


def test_an_encoder_without_a_classifier(tmp_path):
    folder, _, _ = _save_encoder(tmp_path / "model", "vit")
    with pytest.raises(ValueError, match="without a classifier, so it gives no probabilities"):
        FaceEmbedder(folder, output="probabilities").fit([None])


def test_folders_that_are_no_encoder_of_images(tmp_path, make_bert):
    with pytest.raises(FileNotFoundError, match=r"There is no folder './no/such'"):
        FaceEmbedder("./no/such").fit([None])
    bert = make_bert(tmp_path / "bert", hidden_size=16, n_layers=1)
    with pytest.raises(ValueError, match=r"no encoder of images .*'bert'"):
        FaceEmbedder(bert).fit([None])
    folder, _, _ = _save_encoder(tmp_path / "model", "vit")
    (folder / "preprocessor_config.json").unlink()
    with pytest.raises(ValueError, match=r"no preprocessor_config\.json"):
        FaceEmbedder(folder).fit([None])


def test_damaged_weights_of_an_encoder(tmp_path):
    folder, _, _ = _save_encoder(tmp_path / "model", "vit")
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:1000])
    with pytest.raises(ValueError, match="corrupted or truncated"):
        FaceEmbedder(folder).fit_transform([noise(0)])


def test_weights_that_lack_tensors(tmp_path):
    folder, _, _ = _save_encoder(tmp_path / "model", "vit")
    file = folder / "model.safetensors"
    tensors = load_file(file)
    name = next(name for name in tensors if "layernorm" in name.lower())
    del tensors[name]
    save_file(tensors, file, metadata={"format": "pt"})
    with pytest.raises(ValueError, match=r"lack 1 tensors .*layernorm"):
        FaceEmbedder(folder).fit_transform([noise(0)])


FACES = [noise(i, side) for i, side in enumerate([48, 64, 30, 20] * 3)]
LABELS = ["sad", "happy", "anger"] * 4
FIT = {"max_epochs": 1, "batch_size": 12, "validation_fraction": None, "random_state": 0}


def _train(path, model="cnn4_small", y=LABELS, groups=None, **settings):
    net = FaceCNNClassifier(model, detect=False, lr=1e-4, **FIT | settings)
    net.fit(FACES, y, groups=groups).save_weights(path)
    return net


@pytest.fixture
def trained(tmp_path):
    """A net that was trained here, and its file."""
    return _train(tmp_path / "faces.safetensors"), tmp_path / "faces.safetensors"


def _embedder(path, output="embedding", **settings):
    return FaceEmbedder(path, output=output, **{"pooling": "mean", "detect": False} | settings)


def _same(path, net, faces=FACES):
    """Whether embedder and net say the same of faces."""
    for output, of_net in (("probabilities", net.predict_proba), ("embedding", net.transform)):
        found = _embedder(path, output, cache_dir=False).fit_transform(faces).to_numpy()
        expected = of_net(faces)
        np.testing.assert_allclose(found, expected, atol=1e-5)
        assert np.ptp(found, axis=0).max() > 1e-4


@pytest.mark.parametrize("size", [None, 33])
@pytest.mark.parametrize("model", GRAY_SIZES)
def test_nets_that_were_trained_here(tmp_path, model, size):
    net = _train(tmp_path / "faces.safetensors", model, image_size=size)
    _same(tmp_path / "faces.safetensors", net)


@pytest.mark.parametrize("kind", ["vit", "resnet"])
def test_encoders_of_color_that_were_trained_here(tmp_path, kind):
    folder, _, _ = _save_encoder(tmp_path / "model", kind)
    net = _train(tmp_path / "faces.safetensors", str(folder), finetune="head")
    (folder / "model.safetensors").unlink()
    _same(tmp_path / "faces.safetensors", net)


@pytest.mark.parametrize(
    ("y", "classes", "names"),
    [
        (LABELS, None, ["anger", "happy", "sad"]),
        (LABELS, ["sad", "anger"], ["anger", "sad"]),
        ([3, 10, 2] * 4, None, ["2", "3", "10"]),
        ([True, False, True] * 4, None, ["False", "True"]),
        (["_x", "a__b", "c d"] * 4, None, ["_x", "a__b", "c d"]),
        (np.array(["Wut", "Freude", "Ärger"] * 4, dtype=object), None, ["Freude", "Wut", "Ärger"]),
    ],
)
def test_classes_are_those_of_the_training(tmp_path, y, classes, names):
    net = _train(tmp_path / "a.safetensors", y=y, classes=classes)
    embedder = _embedder(tmp_path / "a.safetensors", "probabilities").fit([None])
    assert embedder.class_names() == names
    found = embedder.transform(FACES[:2])
    plain = [name.replace("__", "_").removeprefix("_") for name in names]
    assert list(found) == [f"facecnn_probabilities_{name}" for name in plain]
    np.testing.assert_allclose(found, net.predict_proba(FACES[:2]), atol=1e-5)


def test_only_some_classes_are_trained(tmp_path):
    net = _train(tmp_path / "a.safetensors", classes=["sad", "anger"], head="chosen")
    _same(tmp_path / "a.safetensors", net)


def test_names_are_those_of_the_nets_transform(trained):
    net, path = trained
    X = pd.DataFrame({"face": pd.Series(FACES, dtype=object)})
    expected = net.fit(X, LABELS).transform(X)
    assert list(_embedder(path).fit_transform(X)) == list(expected)
    frames = FaceEmbedder(str(path), detect=False).fit_transform(X)
    assert list(frames) == ["facecnn_frames", "seconds"]


@pytest.mark.parametrize("batch_size", [1, 5, 64])
def test_what_a_trained_net_says_depends_on_the_face_alone(trained, batch_size):
    net, path = trained
    cells = [FACES[0], None, [FACES[1], FACES[2]], *FACES[3:]]
    out = _embedder(path, batch_size=batch_size, cache_dir=False).fit_transform(cells)
    assert out.iloc[1].isna().all()
    expected = net.transform([cell for cell in cells if cell is not None])
    np.testing.assert_allclose(out.dropna(), expected, atol=1e-5)
    black = np.zeros((48, 48), np.uint8)
    with pytest.raises(ValueError, match="row 1 is blank"):
        _embedder(path).fit_transform([FACES[0], black])
    with pytest.warns(UserWarning, match="1 of 2 cells could not be read"):
        kept = _embedder(path, errors="missing").fit_transform([FACES[0], black])
    assert kept.isna().all(axis=1).tolist() == [False, True]


def test_the_store_knows_a_net_by_its_digest(trained, monkeypatch):
    _, path = trained
    expected = _embedder(path).fit_transform(FACES)
    monkeypatch.setattr(backbones.TrainedBackbone, "load", lambda *_: pytest.fail("loads a net"))
    unload_models()
    pd.testing.assert_frame_equal(clone(_embedder(path)).fit_transform(FACES), expected)
    monkeypatch.undo()
    other = _train(path, random_state=1)
    found = _embedder(path).fit_transform(FACES)
    np.testing.assert_allclose(found, other.transform(FACES), atol=1e-5)
    assert np.abs(found.to_numpy() - expected.to_numpy()).max() > 1e-3


def test_a_pickle_of_a_trained_net_holds_no_weights(trained, tmp_path):
    _, path = trained
    embedder = _embedder(path, "probabilities", cache_dir=False)
    expected = embedder.fit_transform(FACES)
    content = pickle.dumps(embedder)
    assert len(content) < 10_000
    path.rename(tmp_path / "moved")
    unload_models()
    elsewhere = pickle.loads(content)
    assert elsewhere.class_names() == ["anger", "happy", "sad"]
    with pytest.raises(FileNotFoundError, match="relocate_weights"):
        elsewhere.transform(FACES)
    relocate_weights(elsewhere, tmp_path / "moved")
    pd.testing.assert_frame_equal(elsewhere.transform(FACES), expected)
    pd.testing.assert_frame_equal(
        clone(embedder).set_params(model=tmp_path / "moved").fit_transform(FACES), expected
    )


def test_a_trained_net_draws_nothing(trained):
    before = torch.get_rng_state()
    _embedder(trained[1]).fit_transform(FACES)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_speakers_of_a_trained_net_are_not_tested_on(tmp_path):
    path = tmp_path / "a.safetensors"
    _train(path, groups=np.repeat(["s1", "s2", "s3"], 4))
    X = pd.DataFrame({"face": pd.Series(FACES, dtype=object)})
    model = make_pipeline(_embedder(path), LogisticRegression())
    settings = {"cv": GroupKFold(2), "n_resamples": 10}
    with pytest.raises(ValueError, match=r"FaceEmbedder\) was trained on groups .*'s2'"):
        evaluate(model, X, LABELS, groups=np.repeat(["s2", "s4"], 6), **settings)
    assert evaluate(model, X, LABELS, groups=np.repeat(["s5", "s4"], 6), **settings)
    embedder = _embedder(path).fit([None])
    path.unlink()
    assert embedder.seen_groups_ == ["s1", "s2", "s3"]
    assert clone(embedder).seen_groups_ is FaceEmbedder().seen_groups_ is None


def _rewritten(path, *, tensors=None, left_out=(), metadata=None, params=None, **learned):
    state, said = load_file(path), read_metadata(path)
    of_net = {**json.loads(said["learned"]), **learned}
    of_net["module_params_"] |= params or {}
    of_net = {name: value for name, value in of_net.items() if value is not None}
    said = {**said, "learned": json.dumps(of_net), **(metadata or {})}
    state = {name: value for name, value in state.items() if name not in left_out}
    save_file({**state, **(tensors or {})}, path, {k: v for k, v in said.items() if v is not None})


def _values(*values, dtype="<U5"):
    return {"values": list(values), "dtype": dtype}


TRANSFORMERS = {"model": "transformers", "n_channels": 3, "config": {"model_type": "vit"}}
BAD_FILES = {
    "bare tensors": ({"metadata": {"class": None}}, "does not say whose they are.*weights=path"),
    "another estimator": (
        {"metadata": {"class": "SpeechResNetClassifier"}},
        r"weights of SpeechResNetClassifier, not of Face.*SpeechResNetClassifier\(\)\.load_weights",
    ),
    "no description": ({"metadata": {"learned": None}}, "stands beside its tensors is damaged"),
    "torn": ({"metadata": {"learned": "{torn"}}, "stands beside its tensors is damaged"),
    "a list": ({"metadata": {"learned": "[]"}}, "does not say what net it is"),
    "no net": ({"params": {"model": None}}, "its net None is none of 'cnn4', .*and encoders"),
    "another net": ({"params": {"model": "cnn9"}}, "its net 'cnn9' is none of"),
    "a net of parts": ({"params": {"model": ["cnn4"]}}, r"its net \['cnn4'\] is none of"),
    "color": ({"params": {"n_channels": 3}}, "images of cnn4_small have no 3 channels"),
    "endless images": ({"params": {"size": 10**9}}, "cannot be 1000000000 pixels"),
    "images of text": ({"params": {"size": "48"}}, "cannot be '48' pixels"),
    "larger images": ({"params": {"size": 96}}, "layer 'net.net.linear.0.weight' has shape"),
    "small images": ({"params": {"size": 8}}, "net cannot be made .*too small"),
    "an unknown setting": ({"params": {"run": "this"}}, "its net cannot be made"),
    "no scale": ({"params": {"scale": [0.0]}}, "its net cannot be made"),
    "a scale of zero": ({"params": {"scale": [0.0, 0.0]}}, "deviation above 0, both finite"),
    "a scale of NaN": ({"params": {"scale": [float("nan"), 1.0]}}, "above 0, both finite"),
    "no encoder": ({"params": TRANSFORMERS | {"config": {}}}, "its net cannot be made"),
    "endless layers": (
        {"params": TRANSFORMERS | {"config": {"model_type": "vit", "num_hidden_layers": 10**8}}},
        "cannot be made with num_hidden_layers",
    ),
    "no classes": ({"net_classes_": None}, "has no net_classes_"),
    "no chosen classes": ({"classes_": None}, "has no classes_"),
    "four classes": ({"net_classes_": _values(*"abcd"), "classes_": _values("a")}, "3 outputs for"),
    "a class twice": ({"net_classes_": _values("sad", "sad", "happy")}, "classes_ cannot be"),
    "classes of others": ({"classes_": _values("calm", "sad")}, "classes_ cannot be"),
    "no class": ({"classes_": _values()}, "classes_ cannot be"),
    "wide texts": ({"classes_": _values("sad", dtype="<U900000000")}, "classes_ cannot be"),
    "groups of text": ({"_seen_groups": "s1"}, "_seen_groups cannot be 's1'"),
    "a tensor less": ({"left_out": ["net.net.head.bias"]}, "layer 'net.net.head.bias' is missing"),
    "a tensor more": ({"tensors": {"more": torch.zeros(1)}}, "layer 'more' is unknown"),
    "a scale of pixels": ({"tensors": {"scale/face/std": torch.ones(9)}}, "std' is unknown"),
    "NaN": (
        {"tensors": {"net.net.head.bias": torch.full((3,), torch.nan)}},
        "layer 'net.net.head.bias' holds NaN or infinity",
    ),
}


@pytest.mark.parametrize("case", BAD_FILES.values(), ids=BAD_FILES)
def test_files_that_hold_no_trained_net(trained, case):
    changes, told = case
    _rewritten(trained[1], **changes)
    with pytest.raises(ValueError, match=rf"faces\.safetensors'.*{told}"):
        _embedder(trained[1]).fit_transform(FACES[:1])


def test_files_of_other_kinds(trained, tmp_path):
    _, path = trained
    whole = path.read_bytes()
    for content in (b"", b"weights", whole[:1000], whole[:-10], b"\x89HDF" + whole):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"faces\.safetensors' is damaged.*save_weights"):
            _embedder(path).fit([None])
    bare = save_net(densenet.FaceDenseNet(), tmp_path / "bare.safetensors")
    with pytest.raises(ValueError, match=r"bare\.safetensors'.*FaceEmbedder\('densenet', weights="):
        _embedder(bare).fit([None])
    frames = pd.DataFrame({"audio": pd.Series([np.eye(3)] * 4, dtype=object)})
    sequences = SequenceClassifier(hidden_size=2, **FIT).fit(frames, ["a", "b"] * 2)
    sequences.save_weights(tmp_path / "audio.safetensors")
    with pytest.raises(ValueError, match=r"audio\.safetensors' holds weights of Sequence"):
        _embedder(tmp_path / "audio.safetensors").fit([None])
    with pytest.raises(FileNotFoundError, match=r"no\.safetensors' is not the path .*save_weights"):
        _embedder(tmp_path / "no.safetensors").fit([None])


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"weights": "fer"}, "a trained net such as .*faces.safetensors' brings its own"),
        ({"normalize": (127.5, 127.5)}, "other nets bring their own scaling"),
        ({"model": "cnn4"}, r"'cnn4' are not public.*FaceEmbedder\(path\)"),
        ({"model": "densenet"}, r"'densenet' are not public.*FaceEmbedder\(path\)"),
    ],
)
def test_parameters_that_do_not_go_with_a_trained_net(trained, settings, told):
    with pytest.raises(ValueError, match=told):
        _embedder(**{"path": trained[1]}).set_params(**settings).fit([None])


@pytest.mark.parametrize("model", ["mini_xception", "densenet"])
def test_a_trained_net_is_no_file_of_bare_weights(trained, model):
    embedder = FaceEmbedder(model, weights=trained[1])
    with pytest.raises(ValueError, match=r"weights of FaceCNNClassifier.*FaceEmbedder\(path\)"):
        embedder.fit_transform(FACES[:1])


@pytest.mark.parametrize("model", GRAY_SIZES)
def test_the_scaling_of_gray_values_is_that_of_the_file(tmp_path, model):
    path = tmp_path / "a.safetensors"
    net = _train(path, model)
    _rewritten(path, params={"scale": [0.1, 2.0]})
    loaded = FaceCNNClassifier(detect=False).load_weights(path)
    found = _embedder(path).fit_transform(FACES)
    np.testing.assert_allclose(found, loaded.transform(FACES), atol=1e-5)
    assert np.abs(found.to_numpy() - net.transform(FACES)).max() > 1e-3
