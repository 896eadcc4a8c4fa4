import numpy as np
import pytest
import torch

from emoest.features._whisper_mel import whisper_log_mel
from emoest.nets.whisper import is_ctranslate2, load_whisper_encoder, read_whisper_sizes
from tests.nets.tiny_whisper import save_ctranslate2, save_whisper


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save_whisper(tmp_path_factory.mktemp("whisper"))


def sound(n_samples, seed=0):
    return (0.1 * np.random.default_rng(seed).normal(size=n_samples)).astype(np.float32)


def states(net, mels, counts=None):
    with torch.inference_mode():
        return [found.numpy() for found in net(torch.as_tensor(mels), counts)]


def test_padded_states_are_those_of_transformers(folder):
    from transformers import WhisperFeatureExtractor, WhisperModel

    signal = sound(20_000)
    extractor = WhisperFeatureExtractor.from_pretrained(folder)
    values = extractor(signal, sampling_rate=16_000, return_tensors="pt").input_features
    encoder = WhisperModel.from_pretrained(folder).encoder.eval()
    with torch.inference_mode():
        output = encoder(values, output_hidden_states=True)
    found = states(load_whisper_encoder(folder), whisper_log_mel(signal, padded=True)[None])
    assert len(found) == len(output.hidden_states) == 4
    for own, expected in zip(found, output.hidden_states, strict=True):
        np.testing.assert_allclose(own, expected.numpy(), atol=1e-4)
    np.testing.assert_allclose(found[-1], output.last_hidden_state.numpy(), atol=1e-4)


@pytest.mark.parametrize("rest", [0.0, 7.0], ids=["silence", "anything"])
def test_ragged_batches_equal_clip_by_clip(folder, rest):
    net = load_whisper_encoder(folder)
    clips = [whisper_log_mel(sound(n, n)) for n in (16_000, 321, 5_000)]
    counts = [clip.shape[1] // 2 for clip in clips]
    padded = np.full((3, 80, 100), rest, dtype=np.float32)
    for row, clip in zip(padded, clips, strict=True):
        row[:, : clip.shape[1]] = clip
    together = states(net, padded, counts)
    for i, clip in enumerate(clips):
        for batch, alone in zip(together, states(net, clip[None]), strict=True):
            np.testing.assert_allclose(batch[i, : counts[i]], alone[0], atol=1e-5)


@pytest.mark.parametrize(
    "kind", ["WhisperForConditionalGeneration", "WhisperForAudioClassification"]
)
def test_the_encoder_is_found_in_any_whisper_model(tmp_path, folder, kind):
    save_whisper(tmp_path, kind=kind)
    mel = whisper_log_mel(sound(3_000))[None]
    assert states(load_whisper_encoder(tmp_path), mel)[-1].shape == (1, 10, 16)


@pytest.mark.parametrize(
    ("quantization", "tolerance"),
    [("float32", 1e-6), ("float16", 2e-3), ("int16", 2e-2), ("int8", 2e-2)],
)
def test_ctranslate2_files_hold_the_same_encoder(tmp_path, folder, quantization, tolerance):
    pytest.importorskip("ctranslate2")
    save_ctranslate2(folder, tmp_path, quantization)
    expected, found = load_whisper_encoder(folder), load_whisper_encoder(tmp_path / "model.bin")
    for name, tensor in expected.state_dict().items():
        torch.testing.assert_close(
            found.state_dict()[name], tensor, atol=tolerance, rtol=tolerance, msg=name
        )


def test_ctranslate2_gives_the_same_states(tmp_path, folder):
    ctranslate2 = pytest.importorskip("ctranslate2")
    save_ctranslate2(folder, tmp_path, "float32")
    mel = whisper_log_mel(sound(20_000), padded=True)[None]
    model = ctranslate2.models.Whisper(str(tmp_path), compute_type="float32")
    expected = np.asarray(model.encode(ctranslate2.StorageView.from_array(mel)))
    found = states(load_whisper_encoder(tmp_path), mel)[-1]
    assert np.linalg.norm(found - expected) < 1e-2 * np.linalg.norm(expected)


def test_sizes_are_read_without_tensors(tmp_path, folder):
    assert read_whisper_sizes(folder) == (80, 16, 3)
    pytest.importorskip("ctranslate2")
    assert read_whisper_sizes(save_ctranslate2(folder, tmp_path)) == (80, 16, 3)


def test_which_folders_are_ctranslate2(tmp_path, folder):
    assert not is_ctranslate2(folder)
    (tmp_path / "model.bin").touch()
    assert is_ctranslate2(tmp_path) and is_ctranslate2(tmp_path / "model.bin")
    (tmp_path / "model.safetensors").touch()
    assert not is_ctranslate2(tmp_path)


def test_another_net_is_named(tmp_path, folder):
    from safetensors.torch import load_file, save_file

    tensors = load_file(folder / "model.safetensors")
    config = (folder / "config.json").read_text()

    def saved(changed, text=config):
        save_file(changed, tmp_path / "model.safetensors")
        (tmp_path / "config.json").write_text(text)
        return tmp_path

    with pytest.raises(FileNotFoundError, match=r"holds no config.json"):
        load_whisper_encoder(tmp_path)
    with pytest.raises(ValueError, match=r"'conv1.weight' is missing"):
        load_whisper_encoder(saved({"a": torch.zeros(1)}))
    less = {name: value for name, value in tensors.items() if "layers.1.fc2.bias" not in name}
    with pytest.raises(ValueError, match=r"layer 'layers.1.fc2.bias' is missing"):
        load_whisper_encoder(saved(less))
    with pytest.raises(ValueError, match=r"not the configuration of a Whisper model"):
        load_whisper_encoder(saved(tensors, "{}"))
    with pytest.raises(ValueError, match=r"3 heads cannot share 16"):
        load_whisper_encoder(saved(tensors, config.replace('heads": 2', 'heads": 3')))


def test_loading_leaves_the_generator_alone(folder):
    before = torch.random.get_rng_state()
    load_whisper_encoder(folder)
    assert torch.equal(before, torch.random.get_rng_state())
