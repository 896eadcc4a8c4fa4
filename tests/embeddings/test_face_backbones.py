import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from emoest.embeddings import FaceEmbedder
from emoest.embeddings import _face_backbones as backbones
from emoest.nets import densenet, xception
from tests.image_processors import pil_processor

pytest.importorskip("cv2")


def _noise(seed, side=48):
    return np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8)


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
    faces = [_noise(0), _noise(1, 60)]
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
    vectors = embedder.transform([[_noise(0)]])
    assert vectors.columns.tolist() == [f"{kind}_probabilities_emotion {i}" for i in range(5)]
    with torch.no_grad():
        logits = net(**processor([_noise(0)], return_tensors="pt")).logits
    np.testing.assert_allclose(vectors, torch.softmax(logits, dim=1), atol=1e-5)
    frames = FaceEmbedder(folder).fit_transform([_noise(0)])
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
        FaceEmbedder(folder).fit_transform([_noise(0)])


def test_weights_that_lack_tensors(tmp_path):
    folder, _, _ = _save_encoder(tmp_path / "model", "vit")
    file = folder / "model.safetensors"
    tensors = load_file(file)
    name = next(name for name in tensors if "layernorm" in name.lower())
    del tensors[name]
    save_file(tensors, file, metadata={"format": "pt"})
    with pytest.raises(ValueError, match=r"lack 1 tensors .*layernorm"):
        FaceEmbedder(folder).fit_transform([_noise(0)])
