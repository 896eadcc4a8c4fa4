import pytest
import torch
from torch import nn

from emoest.nets.weight_files.safetensors_io import (
    as_tensor,
    channels_last,
    load_state,
    read_safetensors,
    tensors_of,
    write_safetensors,
)


@pytest.fixture
def net():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return nn.Sequential(nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4))


def test_round_trip(net, tmp_path):
    path = write_safetensors(net, tmp_path / "net.safetensors", "a-layout")
    state = read_safetensors(path)
    assert sorted(state) == [
        *["0.bias", "0.weight", "1.bias", "1.running_mean", "1.running_var", "1.weight"]
    ]
    other = nn.Sequential(nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4))
    load_state(other, state, path, "a net")
    for name, value in tensors_of(net).items():
        assert torch.equal(value, tensors_of(other)[name])


def test_counters_are_ignored(net):
    state = net.state_dict()
    state["1.num_batches_tracked"] = torch.tensor(7)
    load_state(net, state, "a file", "a net")
    assert int(net[1].num_batches_tracked) == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s.pop("1.bias"), r"'1.bias' \(expected shape \(4,\), found None"),
        (lambda s: s.update(more=torch.zeros(1)), r"'more' \(expected shape None, found \(1,\)"),
        (lambda s: s.update({"0.bias": torch.zeros(5)}), r"'0.bias' .*\(4,\), found \(5,\)"),
    ],
)
def test_tensors_that_do_not_fit(net, change, message):
    state = tensors_of(net)
    before = net[0].weight.detach().clone()
    state["0.weight"] = torch.zeros(4, 2, 3, 3)
    change(state)
    with pytest.raises(ValueError, match=f"'a file' does not hold a net: .*{message}"):
        load_state(net, state, "a file", "a net")
    assert torch.equal(net[0].weight, before)


def test_a_truncated_file(net, tmp_path):
    path = write_safetensors(net, tmp_path / "net.safetensors", "a-layout")
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(ValueError, match=r"net\.safetensors' is damaged or truncated"):
        read_safetensors(path)


def test_as_tensor_copies():
    values = as_tensor([1, 2])
    assert values.dtype == torch.float32
    source = torch.zeros(2).numpy()
    copy = as_tensor(source)
    source[0] = 1
    assert copy.tolist() == [0, 0]


def test_channels_last_keeps_values(net):
    x = torch.arange(50.0).reshape(1, 2, 5, 5)
    before = net.eval()(x)
    assert channels_last(net) is net
    assert net[0].weight.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(net(x), before)
