import numpy as np
import pytest
import torch

from emoest.embeddings._speech.yamnet_patches import iter_patches
from emoest.nets.weight_files.safetensors_io import save_net
from emoest.nets.weight_files.tflite_reader import CONV_2D, read_tflite
from emoest.nets.yamnet import YAMNet, keras_names, load_yamnet, same_padding
from tests.nets.flatbuffers import numbers, reference, table, tflite, vector


@pytest.fixture(scope="module")
def net():
    """A net whose every parameter and statistic is random."""
    generator = torch.Generator().manual_seed(0)
    net = YAMNet().eval()
    with torch.no_grad():
        for name, value in net.state_dict().items():
            if name.endswith("conv.weight"):
                scale = (2 / value[0].numel()) ** 0.5
                value.copy_(scale * torch.randn(value.shape, generator=generator))
            elif name.endswith("running_var"):
                value.copy_(0.5 + torch.rand(value.shape, generator=generator))
            else:
                value.copy_(0.1 * torch.randn(value.shape, generator=generator))
    return net


@pytest.fixture(scope="module")
def patches():
    return torch.randn(3, 96, 64, generator=torch.Generator().manual_seed(1))


def _conv_same(x, kernel, stride, depthwise):
    """Convolution of (height, width, channels) with TensorFlow's SAME padding, written plainly."""
    size = kernel.shape[0]
    pads = [same_padding(n, size, stride) for n in x.shape[:2]]
    x = np.pad(x, (*pads, (0, 0)))
    out = []
    for i in range(0, x.shape[0] - size + 1, stride):
        row = []
        for j in range(0, x.shape[1] - size + 1, stride):
            window = x[i : i + size, j : j + size]
            if depthwise:
                row.append((window * kernel[:, :, :, 0]).sum(axis=(0, 1)))
            else:
                row.append(np.tensordot(window, kernel, axes=3))
        out.append(row)
    return np.array(out)


def _write_h5(net, path):
    """Write a net under the official names, in Keras' axis order."""
    h5py = pytest.importorskip("h5py")
    state = {name: value.numpy() for name, value in net.state_dict().items()}
    with h5py.File(path, "w") as file:
        for i, (layer, kernel) in enumerate(keras_names()):
            axes = (2, 3, 0, 1) if kernel == "depthwise_kernel" else (2, 3, 1, 0)
            file[f"{layer}/{layer}/{kernel}:0"] = state[f"blocks.{i}.conv.weight"].transpose(axes)
            norm = f"{layer}/bn/{layer}/bn"
            file[f"{norm}/beta:0"] = state[f"blocks.{i}.norm.beta"]
            file[f"{norm}/moving_mean:0"] = state[f"blocks.{i}.norm.running_mean"]
            file[f"{norm}/moving_variance:0"] = state[f"blocks.{i}.norm.running_var"]
        file["logits/logits/kernel:0"] = state["head.weight"].T
        file["logits/logits/bias:0"] = state["head.bias"]


def test_parameter_counts():
    net = YAMNet()
    assert sum(p.numel() for p in net.parameters() if p.requires_grad) == 3_729_481
    assert sum(value.numel() for value in net.state_dict().values()) == 3_751_369
    per_block = [block.conv.weight.numel() for block in net.blocks]
    assert per_block[0] == 288
    pairs = [per_block[i] + per_block[i + 1] for i in range(1, 27, 2)]
    middle = [266_752] * 5
    start = [2_336, 8_768, 17_536, 33_920, 67_840, 133_376]
    assert pairs == [*start, *middle, 528_896, 1_057_792]


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "expected"),
    [(96, 3, 2, (0, 1)), (64, 3, 1, (1, 1)), (7, 3, 2, (1, 1)), (6, 1, 1, (0, 0))],
)
def test_same_padding(size, kernel, stride, expected):
    assert same_padding(size, kernel, stride) == expected


def test_forward_equals_a_plain_one(net, patches):
    """Convolution, normalization and ReLU of the first three blocks, in numpy and float64."""
    x = patches[0].numpy().astype(np.float64)[:, :, None]
    for i, (stride, axes, depthwise) in enumerate(
        [(2, (2, 3, 1, 0), False), (1, (2, 3, 0, 1), True), (1, (2, 3, 1, 0), False)]
    ):
        block = net.blocks[i]
        kernel = block.conv.weight.detach().numpy().astype(np.float64).transpose(axes)
        norm = {name: value.numpy() for name, value in block.norm.state_dict().items()}
        x = _conv_same(x, kernel, stride, depthwise)
        x = (x - norm["running_mean"]) / np.sqrt(norm["running_var"] + 1e-4) + norm["beta"]
        x = np.maximum(x, 0)
    with torch.inference_mode():
        found = net.blocks[:3](patches[:1, None])[0].numpy()
    assert found.shape == (64, 48, 32)
    np.testing.assert_allclose(found.transpose(1, 2, 0), x, atol=1e-4)


def test_outputs_do_not_depend_on_the_batch(net, patches):
    with torch.inference_mode():
        embeddings, scores = net(patches)
        single = [net(patch[None]) for patch in patches]
    assert embeddings.shape == (3, 1024)
    assert scores.shape == (3, 521)
    assert embeddings.std() > 0.01
    np.testing.assert_allclose(embeddings, torch.cat([e for e, _ in single]), atol=1e-5)
    np.testing.assert_allclose(scores, torch.cat([s for _, s in single]), atol=1e-5)


def test_folding(net, patches):
    before = {name: value.clone() for name, value in net.state_dict().items()}
    folded = net.folded()
    assert len(list(folded.parameters())) == 2 * 26 + 2
    with torch.inference_mode():
        many = patches.repeat(6, 1, 1)
        for found, expected in zip(folded(many), net(many), strict=True):
            torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-4)
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    with pytest.raises(RuntimeError, match=r"Call eval\(\) first"):
        YAMNet().folded()


def test_trains(patches):
    net = YAMNet().train()
    net(patches)[1].sum().backward()
    assert all(parameter.grad is not None for parameter in net.parameters())
    assert net.blocks[0].norm.running_mean.abs().sum() > 0


def test_official_names(net, patches, tmp_path):
    path = tmp_path / "yamnet.h5"
    _write_h5(net, path)
    loaded = load_yamnet(path)
    assert not loaded.training
    with torch.inference_mode():
        np.testing.assert_allclose(loaded(patches)[0], net(patches)[0], atol=1e-6)
        np.testing.assert_allclose(loaded(patches)[1], net(patches)[1], atol=1e-6)


def test_h5_that_is_not_yamnet(net, tmp_path):
    h5py = pytest.importorskip("h5py")
    path = tmp_path / "other.h5"
    with h5py.File(path, "w") as file:
        file["dense/kernel:0"] = np.zeros(3)
    with pytest.raises(ValueError, match=r"other\.h5.*does not hold YAMNet.*layer1"):
        load_yamnet(path)
    _write_h5(net, path)
    with h5py.File(path, "a") as file:
        del file["layer3/pointwise_conv/layer3/pointwise_conv/kernel:0"]
        file["layer3/pointwise_conv/layer3/pointwise_conv/kernel:0"] = np.zeros((1, 1, 64, 99))
    with pytest.raises(ValueError, match=r"blocks\.4\.conv\.weight.*\(99, 64.*\(128, 64, 1, 1\)"):
        load_yamnet(path)


def test_h5_without_h5py(net, tmp_path, monkeypatch):
    path = tmp_path / "yamnet.h5"
    path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100))
    monkeypatch.setitem(__import__("sys").modules, "h5py", None)
    with pytest.raises(ImportError, match=r"'h5py'.*install 'emoest\[keras\]'"):
        load_yamnet(path)


def test_safetensors(net, patches, tmp_path):
    path = save_net(net, tmp_path / "yamnet.safetensors")
    loaded = load_yamnet(path)
    assert not loaded.training
    with torch.inference_mode():
        assert torch.equal(loaded(patches)[0], net(patches)[0])


def test_safetensors_with_another_head(tmp_path):
    path = save_net(YAMNet(n_classes=4), tmp_path / "four.safetensors")
    assert load_yamnet(path).head.out_features == 4


@pytest.mark.parametrize("kind", ["h5", "safetensors"])
@pytest.mark.parametrize("kept", [50, 10_000])
def test_truncated(net, tmp_path, kind, kept):
    path = tmp_path / f"yamnet.{kind}"
    _write_h5(net, path) if kind == "h5" else save_net(net, path)
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(ValueError, match=rf"yamnet\.{kind}.*truncated"):
        load_yamnet(path)


@pytest.mark.parametrize("content", [b"", b"index,mid,display_name\n"])
def test_files_of_another_kind(tmp_path, content):
    path = tmp_path / "weights.bin"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"weights\.bin.*holds no YAMNet weights"):
        load_yamnet(path)


def _toy_tflite():
    """One convolution with an int8 kernel, scaled per output channel, and a float bias."""
    kernel = np.array([[1, -2, 3], [4, 5, -128]], dtype=np.int8)
    bias = np.array([0.5, -0.5], dtype=np.float32)
    scale = vector(np.array([0.5, 2.0], dtype=np.float32))
    zero = vector(np.array([0, 1], dtype=np.int64))
    quantization = table([None, None, reference(scale), reference(zero), None, None, None])
    shape = vector(np.array([2, 1, 1, 3], dtype=np.int32))
    weights = table([reference(shape), ("byte", 9), ("uint", 1), None, reference(*quantization)])
    two = vector(np.array([2], dtype=np.int32))
    biases = table([reference(two), ("byte", 0), ("uint", 2)])
    signal = table([reference(two), ("byte", 0), ("uint", 0)])
    inputs = vector(np.array([0, 1, 2, -1], dtype=np.int32))
    operator = table([None, reference(inputs)])
    buffers = [table([]), numbers(kernel), numbers(bias)]
    return tflite([signal, weights, biases], [operator], buffers, CONV_2D)


def test_tflite_reader(tmp_path):
    path = tmp_path / "toy.tflite"
    path.write_bytes(_toy_tflite())
    (operator,) = read_tflite(path)
    assert operator.code == CONV_2D
    weights, bias = operator.constants
    assert weights.shape == (2, 1, 1, 3)
    assert weights.ravel().tolist() == [0.5, -1.0, 1.5, 6.0, 8.0, -258.0]
    assert bias.tolist() == [0.5, -0.5]


def test_tflite_that_is_not_yamnet(tmp_path):
    path = tmp_path / "toy.tflite"
    path.write_bytes(_toy_tflite())
    with pytest.raises(ValueError, match=r"toy\.tflite.*found 1 convolutions and 0 heads"):
        load_yamnet(path)


def test_truncated_tflite(tmp_path):
    path = tmp_path / "toy.tflite"
    path.write_bytes(_toy_tflite()[:120])
    with pytest.raises(ValueError, match=r"toy\.tflite.*damaged or truncated"):
        load_yamnet(path)
    path.write_bytes(b"something else")
    with pytest.raises(ValueError, match="is not a TensorFlow Lite file"):
        read_tflite(path)


def _signal(name):
    if name == "zeros":
        return np.zeros(48_000)
    if name == "random":
        return np.random.RandomState(51773).uniform(-1, 1, 48_000)
    return np.sin(2 * np.pi * 440 * np.arange(48_000) / 16_000)


@pytest.fixture(scope="module")
def real_net(real_data):
    return load_yamnet(real_data / "yamnet" / "yamnet_int8_dynamic.tflite")


@pytest.mark.real_data
@pytest.mark.parametrize(("name", "tolerance"), [("zeros", 1e-3), ("random", 1e-3), ("sine", 0.05)])
def test_reference_embeddings(real_data, real_net, name, tolerance):
    patches = np.concatenate(list(iter_patches([_signal(name)], padding=False)))
    with torch.inference_mode():
        embeddings, scores = real_net(torch.from_numpy(patches))
    with np.load(real_data / "yamnet" / "reference_vectors.npz") as reference:
        expected = reference[f"{name}|numpy_embeddings"]
        expected_scores = reference[f"{name}|numpy_scores"]
    assert embeddings.shape == expected.shape == (5, 1024)
    np.testing.assert_allclose(embeddings, expected, atol=tolerance)
    np.testing.assert_allclose(scores, expected_scores, atol=tolerance)


@pytest.mark.real_data
@pytest.mark.parametrize("padding", [True, False])
@pytest.mark.parametrize(
    ("name", "label"), [("zeros", "Silence"), ("random", "White noise"), ("sine", "Sine wave")]
)
def test_official_test(real_data, real_net, name, label, padding):
    """The test of the original: the label is among the ten highest of the mean scores."""
    lines = (real_data / "yamnet" / "yamnet_class_map.csv").read_text().splitlines()[1:]
    labels = [line.split(",", 2)[2].strip('"') for line in lines]
    patches = np.concatenate(list(iter_patches([_signal(name)], padding=padding)))
    assert len(patches) == (6 if padding else 5)
    with torch.inference_mode():
        scores = real_net(torch.from_numpy(patches))[1].mean(dim=0)
    assert label in [labels[i] for i in scores.topk(10).indices.tolist()]


@pytest.mark.real_data
def test_real_weights_survive_saving(real_net, tmp_path):
    loaded = load_yamnet(save_net(real_net, tmp_path / "yamnet.safetensors"))
    patches = torch.from_numpy(next(iter_patches([_signal("sine")])))
    with torch.inference_mode():
        assert torch.equal(loaded(patches)[0], real_net(patches)[0])
