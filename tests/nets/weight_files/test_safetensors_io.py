import pytest
import torch
from torch import nn

from emoest.nets.weight_files.safetensors_io import (
    as_tensor,
    channels_last,
    fit_state,
    read_metadata,
    read_safetensors,
    save_net,
    tensors_of,
    write_safetensors,
)


@pytest.fixture
def net():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return nn.Sequential(nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4))


def test_round_trip(net, tmp_path):
    path = save_net(net, tmp_path / "net.safetensors")
    state = read_safetensors(path)
    assert sorted(state) == [
        *["0.bias", "0.weight", "1.bias", "1.running_mean", "1.running_var", "1.weight"]
    ]
    other = nn.Sequential(nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4))
    fit_state(other, state, "a net")
    for name, value in tensors_of(net).items():
        assert torch.equal(value, tensors_of(other)[name])


def test_counters_may_be_missing_and_travel_where_they_are_there(net):
    state = net.state_dict()
    state["1.num_batches_tracked"] = torch.tensor(7)
    fit_state(net, state, "a file")
    assert int(net[1].num_batches_tracked) == 7
    fit_state(net, tensors_of(net), "a file")
    fit_state(net[0], {**tensors_of(net[0]), "num_batches_tracked": torch.tensor(7)}, "a file")
    assert int(net[1].num_batches_tracked) == 7


def test_what_is_written_beside_the_tensors_is_read_without_them(net, tmp_path):
    path = write_safetensors(tensors_of(net), tmp_path / "a.safetensors", {"layout": "small"})
    assert read_metadata(path) == {"layout": "small"}
    assert read_metadata(save_net(net, path)) == {"net": "Sequential"}


@pytest.mark.parametrize("read", [read_metadata, read_safetensors])
def test_a_file_or_folder_that_is_not_there(net, tmp_path, read):
    with pytest.raises(FileNotFoundError, match=r"no file of weights at .*nowhere"):
        read(tmp_path / "nowhere.safetensors")
    with pytest.raises(FileNotFoundError, match=r"no folder .*nowhere"):
        save_net(net, tmp_path / "nowhere" / "a.safetensors")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s.pop("1.bias"), "layer '1.bias' is missing"),
        (lambda s: s.update(more=torch.zeros(1)), "layer 'more' is unknown"),
        (
            lambda s: s.update({"0.bias": torch.zeros(5)}),
            r"'0.bias' .*\(5,\), .*needs \(4,\)",
        ),
    ],
)
def test_tensors_that_do_not_fit(net, change, message):
    state = tensors_of(net)
    before = net[0].weight.detach().clone()
    state["0.weight"] = torch.zeros(4, 2, 3, 3)
    change(state)
    with pytest.raises(ValueError, match=f"'a file' does not hold a net: .*{message}"):
        fit_state(net, state, "'a file' does not hold a net")
    assert torch.equal(net[0].weight, before)


def test_a_truncated_file(net, tmp_path):
    path = save_net(net, tmp_path / "net.safetensors")
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(ValueError, match=r"net\.safetensors' is damaged or truncated"):
        read_safetensors(path)
    with pytest.raises(ValueError, match=r"net\.safetensors' is damaged or truncated"):
        read_metadata(path)


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
