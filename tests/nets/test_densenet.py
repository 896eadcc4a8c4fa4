import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from emoest.nets.densenet import CLASSES, FaceDenseNet, load_face_densenet
from emoest.nets.weight_files.safetensors_io import save_net


@pytest.fixture(scope="module")
def net():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        net = FaceDenseNet()
        for module in net.modules():
            if isinstance(module, nn.BatchNorm2d):
                nn.init.uniform_(module.running_mean, -0.5, 0.5)
                nn.init.uniform_(module.running_var, 0.5, 2.0)
    return net.eval()


@pytest.fixture(scope="module")
def faces():
    return torch.randn(3, 64, 64, generator=torch.Generator().manual_seed(1))


def test_parameter_count(net):
    """Counted from the description alone: growth 12, bottleneck 48, 3 x 16 layers."""
    count, width = 9 * 24, 24
    widths = [width]
    for block in range(3):
        for _ in range(16):
            count += 2 * width + 48 * width + 2 * 48 + 9 * 48 * 12
            width += 12
        widths.append(width)
        if block < 2:
            count += 2 * width + width * (width // 2)
            width //= 2
            widths.append(width)
    count += 2 * width + 8 * width + 8
    assert widths == [24, 216, 108, 300, 150, 342]
    assert count == 768_044
    assert sum(parameter.numel() for parameter in net.parameters()) == count


def test_maps(net, faces):
    x = net.features.conv0(faces[:, None])
    assert tuple(x.shape) == (3, 24, 32, 32)
    shapes = []
    for name, module in list(net.features.named_children())[1:]:
        x = module(x)
        shapes.append((name, *x.shape[1:]))
    assert shapes == [
        ("denseblock1", 216, 32, 32),
        ("transition1", 108, 16, 16),
        ("denseblock2", 300, 16, 16),
        ("transition2", 150, 8, 8),
        ("denseblock3", 342, 8, 8),
        ("norm3", 342, 8, 8),
    ]


def test_a_layer_is_dense(net):
    layer = net.features.denseblock1.denselayer2
    x = torch.randn(2, 36, 8, 8, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        out = layer(x)
        found = layer.conv1(layer.norm1(x).clamp(min=0))
        found = layer.conv2(layer.norm2(found).clamp(min=0))
    assert torch.equal(out[:, :36], x)
    torch.testing.assert_close(out[:, 36:], found)


def test_outputs(net, faces):
    with torch.no_grad():
        embeddings, probabilities = net(faces)
        maps = net.features(faces[:, None]).clamp(min=0)
    assert tuple(embeddings.shape) == (3, 342)
    assert tuple(probabilities.shape) == (3, len(CLASSES)) == (3, 8)
    torch.testing.assert_close(embeddings, nn.functional.avg_pool2d(maps, 8)[:, :, 0, 0])
    torch.testing.assert_close(probabilities, torch.softmax(net.classifier(embeddings), dim=1))


def test_outputs_do_not_depend_on_the_batch(net, faces):
    with torch.no_grad():
        alone = torch.cat([net(face[None])[0] for face in faces])
        torch.testing.assert_close(net(faces)[0], alone, atol=1e-5, rtol=0)


def test_trains(faces):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        net = FaceDenseNet().train()
        nn.functional.nll_loss(net(faces)[1].log(), torch.arange(3)).backward()
    assert all(parameter.grad is not None for parameter in net.parameters())


def test_safetensors(net, faces, tmp_path):
    path = save_net(net, tmp_path / "net.safetensors")
    loaded = load_face_densenet(path)
    assert not loaded.training
    with torch.no_grad():
        assert torch.equal(loaded(faces)[1], net(faces)[1])


def test_names_are_those_of_common_implementations(net, tmp_path):
    """A state with counters, as torch saves it, needs no renaming."""
    state = net.state_dict()
    names = [
        *["features.conv0.weight", "features.denseblock1.denselayer1.norm1.weight"],
        *["features.denseblock3.denselayer16.conv2.weight", "features.transition2.conv.weight"],
        *["features.norm3.running_mean", "features.norm3.num_batches_tracked", "classifier.bias"],
    ]
    assert set(names) <= set(state)
    path = tmp_path / "state.safetensors"
    save_file({name: value.contiguous() for name, value in state.items()}, path)
    load_face_densenet(path)


def test_bad_files(net, tmp_path):
    pickled = tmp_path / "net.pth"
    pickled.write_bytes(b"PK\x03\x04 a pickle")
    with pytest.raises(ValueError, match=r"is not a \.safetensors file .*Pickled weights"):
        load_face_densenet(pickled)
    path = save_net(net, tmp_path / "net.safetensors")
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ValueError, match="damaged or truncated"):
        load_face_densenet(path)
    other = tmp_path / "other.safetensors"
    save_file({"a": torch.zeros(1)}, other)
    with pytest.raises(ValueError, match=r"DenseNet-BC for faces: layer .* \(and \d+ more"):
        load_face_densenet(other)
