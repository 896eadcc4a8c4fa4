"""Weights of a trunk as a plain object."""

import copy
import pickle

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from emoest.nets.speech_resnet import ResNetTrunk
from emoest.nets.weight_files.trunk_weights import TrunkWeights, seen_speakers


@pytest.fixture
def weights():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        trunk = ResNetTrunk(24, channels=2)
        trunk.bn1.running_mean.normal_()
    return TrunkWeights.of(trunk, speakers=np.array([3, 5]), unbiased=False)


def new_trunk(*args, **settings):
    with torch.random.fork_rng():
        torch.manual_seed(1)
        return ResNetTrunk(*args, **settings)


def assert_same(one, other):
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_a_file_gives_everything_back(weights, tmp_path):
    weights.save(tmp_path / "a.safetensors")
    loaded = TrunkWeights.load(tmp_path / "a.safetensors")
    assert_same(loaded.state, weights.state)
    fields = ("layout", "channels", "n_mels", "unbiased", "speakers")
    assert all(getattr(loaded, name) == getattr(weights, name) for name in fields)
    assert loaded.seen_groups_ == [3, 5]
    assert seen_speakers(tmp_path / "a.safetensors") == [3, 5]


def test_names_of_speakers_keep_their_kind(weights):
    assert [type(name) for name in weights.speakers] == [int, int]
    named = TrunkWeights.of(new_trunk(8, channels=1), speakers=np.array(["s1"]))
    assert named.seen_groups_ == ["s1"]
    assert type(named.speakers[0]) is str


def test_loaded_into_a_trunk_it_gives_the_same(weights):
    trunk = new_trunk(24, channels=2)
    assert not torch.equal(trunk.conv1.weight, weights.state["conv1.weight"])
    weights.load_into(trunk)
    assert_same(TrunkWeights.of(trunk).state, weights.state)


def test_another_shape_is_refused_and_the_layer_named(weights):
    with pytest.raises(
        ValueError, match=r"'conv1.weight' has shape .*, the net needs \(3, 1, 3, 3\)"
    ):
        weights.load_into(new_trunk(24, channels=3))
    with pytest.raises(ValueError, match="n_mels=24"):
        weights.load_into(new_trunk(80, channels=2))


def test_copies_are_the_object_and_pickles_are_not(weights):
    assert copy.deepcopy(weights) is weights
    assert copy.copy(weights) is weights
    assert_same(pickle.loads(pickle.dumps(weights)).state, weights.state)


def test_a_copy_of_the_trunk_is_taken():
    trunk = new_trunk(8, channels=1)
    weights = TrunkWeights.of(trunk)
    with torch.no_grad():
        trunk.conv1.weight.zero_()
    assert weights.state["conv1.weight"].abs().sum() > 0


@pytest.mark.parametrize("read", [TrunkWeights.load, seen_speakers])
def test_other_files_are_refused(tmp_path, read):
    path = tmp_path / "a.safetensors"
    path.write_bytes(b"nothing")
    with pytest.raises(ValueError, match=r"a\.safetensors' is damaged or truncated"):
        read(path)
    save_file({"a": torch.zeros(1)}, path)
    with pytest.raises(ValueError, match="holds no weights of a backbone"):
        read(path)


def test_files_are_written_where_they_can_be_read_again(weights, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    weights.save("~/a.safetensors")
    assert TrunkWeights.load("~/a.safetensors").seen_groups_ == [3, 5]
    with pytest.raises(ValueError, match=r"a\.pt' must end in \.safetensors"):
        weights.save(tmp_path / "a.pt")
    with pytest.raises(FileNotFoundError, match=r"no folder .*nowhere"):
        weights.save(tmp_path / "nowhere" / "a.safetensors")
