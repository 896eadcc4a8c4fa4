"""Public speaker weights into the trunk; the files are made here, from random weights."""

import zipfile

import pytest
import torch
from torch import nn

from emoest.nets.speech_resnet import BLOCKS, ResNetTrunk
from emoest.nets.weight_files.wespeaker import load_wespeaker

EMBEDDING = torch.zeros(256, 5120)


@pytest.fixture(scope="module")
def trunk():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        trunk = ResNetTrunk(80).eval()
        for module in trunk.modules():
            if isinstance(module, nn.BatchNorm2d):
                nn.init.uniform_(module.weight, 0.5, 1.0)
                nn.init.normal_(module.bias, std=0.3)
                nn.init.normal_(module.running_mean, std=0.3)
                nn.init.uniform_(module.running_var, 0.5, 1.5)
    return trunk


def blocks():
    for i, n_blocks in enumerate(BLOCKS):
        for j in range(n_blocks):
            yield f"layer{i + 1}.{j}", i > 0 and j == 0


def layers():
    """Convolutions and their normalizations in the order in which an exporter meets them."""
    yield "conv1", "bn1"
    for block, has_shortcut in blocks():
        yield f"{block}.conv1", f"{block}.bn1"
        yield f"{block}.conv2", f"{block}.bn2"
        if has_shortcut:
            yield f"{block}.shortcut.0", f"{block}.shortcut.1"


def exported(trunk, *, folded):
    """Nodes and tensors as an exporter writes them, with names that tell nothing."""
    state = {name: value.detach() for name, value in trunk.state_dict().items()}
    nodes, tensors = [], {"seg_1.weight": EMBEDDING.numpy()}
    for k, (conv, norm) in enumerate(layers()):
        kernel = state[f"{conv}.weight"]
        parts = [state[f"{norm}.{n}"] for n in ("weight", "bias", "running_mean", "running_var")]
        scale, shift, mean, variance = parts
        if folded:
            factor = scale / (variance + 1e-5).sqrt()
            tensors[f"onnx::{k}w"] = (kernel * factor[:, None, None, None]).numpy()
            tensors[f"onnx::{k}b"] = (shift - mean * factor).numpy()
            nodes.append(("Conv", [f"x{k}", f"onnx::{k}w", f"onnx::{k}b"], [f"y{k}"]))
        else:
            tensors[f"onnx::{k}w"] = kernel.numpy()
            names = [f"onnx::{k}{letter}" for letter in "sbmv"]
            tensors |= {n: part.numpy() for n, part in zip(names, parts, strict=True)}
            nodes.append(("Conv", [f"x{k}", f"onnx::{k}w"], [f"c{k}"]))
            nodes.append(("BatchNormalization", [f"c{k}", *names], [f"y{k}"], {"epsilon": 1e-5}))
    nodes.append(("Gemm", ["pooled", "seg_1.weight", "seg_1.bias"], ["embs"], {"transB": 1}))
    return nodes, tensors


def assert_same_trunk(weights, trunk):
    with torch.random.fork_rng():
        loaded = ResNetTrunk(80).eval()
    weights.load_into(loaded)
    frames, lengths = torch.sin(torch.arange(3200.0)).reshape(1, 40, 80), torch.tensor([40])
    with torch.inference_mode():
        torch.testing.assert_close(
            loaded(frames, lengths)[0], trunk(frames, lengths)[0], rtol=1e-4, atol=1e-4
        )
    assert (weights.layout, weights.channels, weights.n_mels) == ("speaker", 32, 80)
    assert weights.unbiased
    assert weights.seen_groups_ == []


@pytest.mark.parametrize("folded", [True, False])
def test_onnx_gives_the_trunk(tmp_path, write_onnx, trunk, folded):
    path = write_onnx(tmp_path / "a.onnx", *exported(trunk, folded=folded))
    before = torch.random.get_rng_state()
    weights = load_wespeaker(path)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert_same_trunk(weights, trunk)


@pytest.mark.parametrize("zipped", [True, False])
def test_checkpoint_of_torch_gives_the_trunk(tmp_path, trunk, zipped):
    path = tmp_path / "avg_model.pt"
    more = {"seg_1.weight": EMBEDDING, "projection.weight": torch.zeros(3, 256)}
    torch.save({**trunk.state_dict(), **more}, path)
    if zipped:
        with zipfile.ZipFile(tmp_path / "voxceleb_resnet34.zip", "w") as archive:
            archive.write(path, "voxceleb_resnet34/avg_model.pt")
        path = tmp_path / "voxceleb_resnet34.zip"
    assert_same_trunk(load_wespeaker(path), trunk)


def test_a_pickle_that_runs_code_is_refused(tmp_path):
    class Evil:
        def __reduce__(self):
            return print, ("run",)

    torch.save({"seg_1.weight": Evil()}, tmp_path / "avg_model.pt")
    with pytest.raises(ValueError, match="nothing else in it is run") as caught:
        load_wespeaker(tmp_path / "avg_model.pt")
    assert "weights_only" not in str(caught.value), "torch's advice is to run the file"


def test_other_nets_are_refused_and_the_layer_named(tmp_path, write_onnx, trunk):
    nodes, tensors = exported(trunk, folded=True)
    path = tmp_path / "a.onnx"
    write_onnx(path, nodes[1:], tensors)
    with pytest.raises(ValueError, match=r"it has 32 convolutions of 3x3 and 3 of 1x1"):
        load_wespeaker(path)
    write_onnx(path, nodes, tensors | {"seg_1.weight": EMBEDDING[:, :2560].numpy()})
    with pytest.raises(ValueError, match=r"seg_1.weight.*found \(256, 2560\)"):
        load_wespeaker(path)
    swapped = [*nodes[4:6], *nodes[2:4], *nodes[:2], *nodes[6:]]
    write_onnx(path, swapped, tensors)
    with pytest.raises(ValueError, match=r"does not hold .*: layer 'conv1.weight' has shape"):
        load_wespeaker(path)


def test_a_checkpoint_without_a_layer_is_refused(tmp_path, trunk):
    state = {**trunk.state_dict(), "seg_1.weight": EMBEDDING}
    del state["layer3.2.conv1.weight"]
    torch.save(state, tmp_path / "avg_model.pt")
    with pytest.raises(ValueError, match=r"layer 'layer3.2.conv1.weight' is missing"):
        load_wespeaker(tmp_path / "avg_model.pt")
    torch.save([1], tmp_path / "avg_model.pt")
    with pytest.raises(ValueError, match="no tensors by name"):
        load_wespeaker(tmp_path / "avg_model.pt")
