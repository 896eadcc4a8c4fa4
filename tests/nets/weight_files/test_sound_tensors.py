"""Tensors that fit by name and shape, and still are no weights; sizes taken from names."""

import json

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file
from safetensors.torch import save_file

from emoest.nets.densenet import FaceDenseNet, load_face_densenet
from emoest.nets.speech_resnet import ResNetTrunk
from emoest.nets.voice_encoder import VoiceEncoder, load_voice_encoder
from emoest.nets.weight_files.ctranslate2_reader import read_ctranslate2
from emoest.nets.weight_files.safetensors_io import fit_state, read_safetensors, save_net
from emoest.nets.weight_files.transformers_folder import load_encoder
from emoest.nets.weight_files.trunk_weights import TrunkWeights
from emoest.nets.whisper import load_whisper_encoder
from emoest.nets.xception import MiniXception, load_mini_xception
from emoest.nets.yamnet import YAMNet, load_yamnet
from tests.nets.tiny_whisper import save_whisper
from tests.nets.weight_files.test_ctranslate2_reader import model, record, write

NETS = {
    load_yamnet: YAMNet,
    load_mini_xception: MiniXception,
    load_face_densenet: FaceDenseNet,
    load_voice_encoder: VoiceEncoder,
}


def saved(make, path):
    with torch.random.fork_rng():
        return save_net(make(), path)


@pytest.mark.parametrize("load", NETS, ids=lambda load: load.__name__)
@pytest.mark.parametrize("value", [torch.nan, torch.inf, -torch.inf])
def test_weights_that_are_not_finite_are_named(tmp_path, load, value):
    path = saved(NETS[load], tmp_path / "a.safetensors")
    state = read_safetensors(path)
    name = sorted(state)[-1]
    state[name].flatten()[-1] = value
    save_file(state, path)
    with pytest.raises(ValueError, match=rf"a\.safetensors' .*layer '{name}' holds NaN or inf"):
        load(path)


@pytest.mark.parametrize("load", NETS, ids=lambda load: load.__name__)
@pytest.mark.parametrize("change", ["half", "complex", "integers", "scalar head", "endless head"])
def test_other_kinds_of_numbers_either_fit_or_are_named(tmp_path, load, change):
    path = saved(NETS[load], tmp_path / "a.safetensors")
    state = read_safetensors(path)
    last = {load_face_densenet: "classifier", load_voice_encoder: "linear"}.get(load, "head")
    name = f"{last}.bias"
    if change == "half":
        state = {each: value.half() for each, value in state.items()}
    elif change == "complex":
        state[name] = state[name].to(torch.complex64)
    elif change == "integers":
        state[name] = torch.zeros(state[name].shape, dtype=torch.int64)
    elif change == "scalar head":
        state[name] = state[f"{last}.weight"] = torch.zeros(())
    else:
        # No byte of the file, and a head of a trillion classes.
        state[name] = state[f"{last}.weight"] = torch.zeros(10**12, 0)
    save_file({each: value.clone() for each, value in state.items()}, path)
    if change in {"half", "integers"}:
        assert load(path).state_dict()[name].dtype == torch.float32
    else:
        with pytest.raises(ValueError, match=r"a\.safetensors' does not hold .*: layer '"):
            load(path)


def test_what_does_not_fit_changes_nothing():
    net = torch.nn.Linear(1, 1)
    before = net.weight.item()
    with pytest.raises(ValueError, match="a line: layer 'bias' holds NaN or infinity"):
        fit_state(
            net, {"weight": torch.ones(1, 1), "bias": torch.tensor([torch.nan])}, "'a' is no a line"
        )
    assert net.weight.item() == before


def test_an_encoder_of_transformers_is_finite(tmp_path, make_bert):
    from transformers import AutoModel

    folder = make_bert(tmp_path / "bert", hidden_size=16, n_layers=1)
    state = read_safetensors(folder / "model.safetensors")
    state["embeddings.LayerNorm.bias"][0] = torch.nan
    save_file(state, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(ValueError, match=r"bert' are damaged: layer .*LayerNorm.bias' holds NaN"):
        load_encoder(folder, AutoModel, "cpu")


def describe(path, **changes):
    with torch.random.fork_rng():
        TrunkWeights.of(ResNetTrunk(8, channels=2)).save(path)
    about = {"format": "emoest-speech-trunk-1", "layout": "speaker", "channels": 2, "n_mels": 8}
    about |= {"unbiased": True, "speakers": ["s1"], **changes}
    about = {name: value for name, value in about.items() if value != "left out"}
    save_file(read_safetensors(path), path, {"trunk": json.dumps(about)})
    return path


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"channels": 10**9}, "channels cannot be 1000000000"),
        ({"channels": 4}, "layer .* has shape"),
        ({"channels": -2}, "channels cannot be -2"),
        ({"channels": "2"}, "channels cannot be '2'"),
        ({"channels": True}, "channels cannot be True"),
        ({"channels": "left out"}, "channels cannot be None"),
        ({"layout": "imagenet"}, "layer .* has shape"),
        ({"layout": "other"}, "layout cannot be 'other'"),
        ({"layout": ["speaker"]}, "layout cannot be"),
        ({"n_mels": 0}, "n_mels cannot be 0"),
        ({"unbiased": 1}, "unbiased cannot be 1"),
        ({"speakers": "s1"}, "speakers cannot be 's1'"),
        ({"speakers": [["s1"]]}, "speakers cannot be"),
        ({"speakers": None}, "speakers cannot be None"),
    ],
    ids=str,
)
def test_a_backbone_is_what_its_file_says(tmp_path, changes, told):
    path = describe(tmp_path / "a.safetensors", **changes)
    with pytest.raises(ValueError, match=rf"a\.safetensors' .*{told}"):
        TrunkWeights.load(path)


@pytest.mark.parametrize("text", ["", "[]", "3", "{torn", "[" * 100_000])
def test_a_description_that_is_none_is_named(tmp_path, text):
    save_file({"a": torch.zeros(1)}, tmp_path / "a.safetensors", {"trunk": text})
    with pytest.raises(ValueError, match=r"a\.safetensors' holds no weights of a backbone"):
        TrunkWeights.load(tmp_path / "a.safetensors")


@pytest.mark.parametrize("number", ["7", "999999999", "-1", "x", "01"])
def test_the_layers_of_whisper_are_counted_not_believed(tmp_path, number):
    folder = save_whisper(tmp_path / "whisper")
    state = read_safetensors(folder / "model.safetensors")
    old, new = "encoder.layers.2.", f"encoder.layers.{number}."
    save_file(
        {name.replace(old, new): value for name, value in state.items()},
        folder / "model.safetensors",
    )
    with pytest.raises(ValueError, match="layers are not numbered one after the other"):
        load_whisper_encoder(folder)


def test_sizes_of_whisper_that_its_tensors_do_not_have_are_named(tmp_path):
    folder = save_whisper(tmp_path / "whisper")
    state = {
        name: value
        for name, value in load_file(folder / "model.safetensors").items()
        if "encoder." in name
    }
    name = next(name for name in state if name.endswith("encoder.conv1.weight"))
    state[name] = np.zeros((400_000, 1, 3), np.float32)
    save_file(
        {name: torch.from_numpy(value) for name, value in state.items()},
        folder / "model.safetensors",
    )
    with pytest.raises(ValueError, match="has shape"):
        load_whisper_encoder(folder)


def test_many_names_of_one_tensor_are_one_array(tmp_path):
    values = np.arange(6, dtype=np.int8).reshape(2, 3)
    records = [record("e/w", values), record("e/w_scale", np.array([2.0, 4.0], np.float32))]
    aliases = [(f"d/{i}", "e/w") for i in range(50)]
    found = read_ctranslate2(write(tmp_path, model(records, aliases)), "d/").tensors
    assert set(found) == {name for name, _ in aliases}
    assert len({id(each) for each in found.values()}) == 1
    np.testing.assert_array_equal(found["d/7"], values / np.array([[2.0], [4.0]]))
