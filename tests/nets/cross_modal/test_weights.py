import copy

import numpy as np
import pytest
import torch

from emoest.nets.batches import Scale
from emoest.nets.cross_modal.net import ClassificationNet, PretrainingNet
from emoest.nets.cross_modal.weights import MEmoBERTWeights, seen_speakers
from emoest.nets.weight_files.safetensors_io import tensors_of
from tests.nets.cross_modal.helpers import TEXTS, learn_pieces

SIZES = {
    "hidden_size": 16,
    "n_layers": 1,
    "n_heads": 2,
    "intermediate_size": 32,
    "n_positions": 64,
}


def make_weights():
    pieces = learn_pieces()
    net = PretrainingNet(pieces.vocab_size, {"audio": 3}, **SIZES)
    scale = Scale(np.ones(3, "float32"), np.full(3, 2.0, "float32"))
    return MEmoBERTWeights(
        tensors_of(net), SIZES, pieces, {"audio": 3}, {"audio": scale}, ("s1", 2)
    )


def test_weights_come_back_from_their_file(tmp_path):
    weights = make_weights()
    weights.save(tmp_path / "a.safetensors")
    read = MEmoBERTWeights.load(tmp_path / "a.safetensors")
    assert read.state.keys() == weights.state.keys()
    assert all(torch.equal(read.state[name], value) for name, value in weights.state.items())
    assert (read.sizes, read.dims, read.speakers) == (SIZES, {"audio": 3}, ("s1", 2))
    assert read.scales["audio"].std.tolist() == [2.0, 2.0, 2.0]
    assert read.pieces.encode(TEXTS[0])[0].tolist() == weights.pieces.encode(TEXTS[0])[0].tolist()
    assert seen_speakers(tmp_path / "a.safetensors") == ["s1", 2]
    assert read.vocab_size == weights.pieces.vocab_size


def test_a_net_takes_the_layers_that_it_shares():
    weights = make_weights()
    net = ClassificationNet(weights.vocab_size, {"audio": 3, "face": 2}, 4, **SIZES)
    before = net.trunk.frames["face"].project.weight.clone()
    weights.load_into(net)
    for name, value in net.trunk.layers.state_dict().items():
        assert torch.equal(value, weights.state[f"trunk.layers.{name}"])
    assert torch.equal(net.trunk.frames["face"].project.weight, before)


def test_another_shape_is_named_and_nothing_is_changed():
    weights = make_weights()
    net = ClassificationNet(weights.vocab_size, {"audio": 5}, 4, **SIZES)
    before = tensors_of(net)["trunk.text.words.weight"].clone()
    with pytest.raises(ValueError, match=r"layer 'trunk.frames.audio.mask' has \(3,\), \(5,\)"):
        weights.load_into(net)
    assert torch.equal(net.trunk.text.words.weight, before)
    with pytest.raises(ValueError, match="frames of 'audio' of 3 dimensions, these have 5"):
        weights.check_dims({"audio": 5})
    assert weights.check_dims({"face": 2}) == {"audio": 3, "face": 2}


def test_a_copy_is_the_object_itself():
    weights = make_weights()
    assert copy.deepcopy(weights) is weights
    assert copy.copy(weights) is weights
    assert "speakers: 2" in repr(weights)


@pytest.mark.parametrize("name", ["a.pt", "b"])
def test_files_have_their_ending(tmp_path, name):
    with pytest.raises(ValueError, match=r"must end in \.safetensors"):
        make_weights().save(tmp_path / name)


def test_other_files_are_refused(tmp_path):
    from safetensors.torch import save_file

    save_file({"a": torch.zeros(1)}, str(tmp_path / "a.safetensors"))
    with pytest.raises(ValueError, match="holds no weights of a MEmoBERT"):
        MEmoBERTWeights.load(tmp_path / "a.safetensors")
    with pytest.raises(FileNotFoundError):
        MEmoBERTWeights.load(tmp_path / "no.safetensors")
