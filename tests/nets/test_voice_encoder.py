import os
import pickle

import pytest
import torch

from emoest.nets.voice_encoder import (
    N_DIMS,
    VoiceEncoder,
    load_voice_encoder,
)
from emoest.nets.weight_files.safetensors_io import save_net


def make():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return VoiceEncoder().eval(), torch.rand(3, 160, 40)


def as_published(net):
    """The layout of the published checkpoint, with what the net has no use for."""
    extra = {"similarity_weight": torch.ones(1), "similarity_bias": torch.ones(1)}
    return {"step": 7, "model_state": {**net.state_dict(), **extra}, "optimizer_state": {"a": 1}}


def test_it_has_the_published_sizes():
    net, _ = make()
    assert sum(p.numel() for p in net.parameters()) == 1_423_616
    assert {name: tuple(t.shape) for name, t in net.state_dict().items()}["lstm.weight_ih_l0"] == (
        1024,
        40,
    )


def test_vectors_are_not_negative_and_of_length_one():
    net, mels = make()
    with torch.inference_mode():
        vectors = net(mels)
        alone = net(mels[1:2])
    assert vectors.shape == (3, N_DIMS)
    assert (vectors >= 0).all()
    torch.testing.assert_close(vectors.norm(dim=1), torch.ones(3))
    torch.testing.assert_close(vectors[1:2], alone, atol=1e-6, rtol=0)
    with torch.no_grad():
        net.linear.bias.fill_(-100.0)
        assert net(mels).abs().sum() == 0


def test_both_kinds_of_file_give_the_same(tmp_path):
    net, mels = make()
    torch.save(as_published(net), tmp_path / "pretrained.pt")
    save_net(net, tmp_path / "net.safetensors")
    with torch.inference_mode():
        expected = net(mels)
        for name in ("pretrained.pt", "net.safetensors"):
            loaded = load_voice_encoder(tmp_path / name)
            assert not loaded.training
            torch.testing.assert_close(loaded(mels), expected, atol=0, rtol=0)


class _Runs:
    def __reduce__(self):
        return os.mkdir, (str(pickle.dumps("ran")),)


def test_code_in_a_pickle_is_not_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    net, _ = make()
    torch.save({**as_published(net), "more": _Runs()}, tmp_path / "bad.pt")
    with pytest.raises(ValueError, match="or no file of tensors, and nothing else in it is run"):
        load_voice_encoder(tmp_path / "bad.pt")
    assert [path.name for path in tmp_path.iterdir()] == ["bad.pt"]


def test_damaged_and_foreign_files_are_named(tmp_path):
    net, _ = make()
    whole = tmp_path / "whole.pt"
    torch.save(as_published(net), whole)
    torn = tmp_path / "torn.pt"
    torn.write_bytes(whole.read_bytes()[:-1000])
    with pytest.raises(
        ValueError, match=r"torn\.pt' is corrupted, truncated or no file of tensors"
    ):
        load_voice_encoder(torn)
    (tmp_path / "torn.safetensors").write_bytes(b"12345")
    with pytest.raises(ValueError, match=r"torn\.safetensors' is damaged or truncated"):
        load_voice_encoder(tmp_path / "torn.safetensors")
    torch.save({"weights": torch.ones(1)}, tmp_path / "other.pt")
    with pytest.raises(ValueError, match="does not hold the voice encoder: no 'model_state'"):
        load_voice_encoder(tmp_path / "other.pt")
    state = as_published(net)
    state["model_state"]["linear.bias"] = torch.ones(3)
    torch.save(state, tmp_path / "shape.pt")
    with pytest.raises(ValueError, match=r"'linear.bias' has shape \(3,\), the net needs \(256,\)"):
        load_voice_encoder(tmp_path / "shape.pt")
