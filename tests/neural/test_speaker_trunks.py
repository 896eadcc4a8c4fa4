import hashlib

import pytest
import torch

from emoest.files.catalogue import WEIGHTS
from emoest.nets.speech_resnet import ResNetTrunk
from emoest.neural import TrunkWeights, load_speaker_weights
from emoest.neural._speaker_trunks import find_trunk, speakers_of_file


@pytest.fixture
def path(tmp_path):
    with torch.random.fork_rng():
        weights = TrunkWeights.of(ResNetTrunk(8, channels=2), speakers=["s1", "s2"])
    weights.save(tmp_path / "trunk.safetensors")
    return tmp_path / "trunk.safetensors"


def test_a_file_of_our_own_is_read(path):
    assert load_speaker_weights(path).speakers == ("s1", "s2")
    assert load_speaker_weights(str(path)).source == str(path)


def test_a_digest_is_held_to(path):
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert load_speaker_weights(path, sha256=digest).n_mels == 8
    with pytest.raises(ValueError, match="corrupted or truncated"):
        load_speaker_weights(path, sha256="00" * 32)


def test_an_unknown_name_is_told_the_known_ones():
    for name in ("resnet34", "yamnet"):
        with pytest.raises(ValueError, match=r"wespeaker-resnet34.*'speaker', 'imagenet'"):
            load_speaker_weights(name)


def test_other_files_go_to_the_reader_of_public_weights(tmp_path):
    (tmp_path / "voxceleb.onnx").write_bytes(b"nothing")
    with pytest.raises(ValueError, match="no ONNX file"):
        load_speaker_weights(tmp_path / "voxceleb.onnx")


def test_the_public_weights_are_pinned():
    entry = WEIGHTS["wespeaker-resnet34"]
    assert entry.sha256.startswith("7bb2f06e9df17cdf")
    assert (entry.license, entry.dims, entry.size) == ("CC-BY-4.0", 256, 26_530_309)


def test_layouts_objects_and_files_are_told_apart(path):
    assert find_trunk("imagenet") == ("imagenet", None)
    weights = load_speaker_weights(path)
    assert find_trunk(weights) == ("speaker", weights)
    layout, loaded = find_trunk(path)
    assert layout == "speaker"
    assert loaded.speakers == weights.speakers


def test_only_files_of_our_own_name_speakers(path):
    assert speakers_of_file(path) == ["s1", "s2"]
    for trunk in ("speaker", "wespeaker-resnet34", "voxceleb.onnx", load_speaker_weights(path)):
        assert speakers_of_file(trunk) is None
    path.unlink()
    assert speakers_of_file(path) is None
