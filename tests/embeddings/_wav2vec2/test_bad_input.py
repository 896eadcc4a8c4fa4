import json
import shutil
import sys

import numpy as np
import pytest

from emoest.embeddings import Wav2Vec2Embedder
from tests.embeddings._wav2vec2.small_encoders import RATE, sound, table


def test_a_missing_package_names_the_extra(wav2vec2, monkeypatch):
    embedder = Wav2Vec2Embedder(wav2vec2, cache_dir=False).fit(table())
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(ImportError, match=r"Wav2Vec2Embedder needs .*'emoest\[text\]'"):
        embedder.transform(table())


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ((np.zeros(399), RATE), r"row 1: .*lasts 0\.0249 s.*for one frame \(0\.025 s\)"),
        ((np.zeros(0), RATE), "row 1.* has no samples"),
        ((np.full(800, np.nan), RATE), "row 1.* holds a NaN or infinite sample at 0.000 s"),
        ((sound(0.1), 0), "row 1.* must be a positive number of Hz, found 0"),
        (sound(0.1), "row 1.* has no sampling rate"),
        ("no.wav", "row 1.*'no.wav' is not there"),
    ],
)
def test_bad_cells(wav2vec2, cell, message):
    cells = [(sound(0.1), RATE), cell]
    message = message.replace("row 1: ", "row 1.*")
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        Wav2Vec2Embedder(wav2vec2).fit_transform(cells)
    with pytest.warns(UserWarning, match="1 of 2 cells could not be read"):
        output = Wav2Vec2Embedder(wav2vec2, pooling="mean", errors="missing").fit_transform(cells)
    assert output.isna().all(axis=1).tolist() == [False, True]


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"layer": 4}, "layer=4 is out of range: .* has 3 layers"),
        ({"layer": "first"}, "'layer' parameter of Wav2Vec2Embedder"),
        ({"step": 0}, "'step' parameter of Wav2Vec2Embedder"),
        ({"max_seconds": 0.5}, "'max_seconds' parameter of Wav2Vec2Embedder"),
        ({"model": "./nowhere"}, "There is no folder './nowhere'"),
    ],
)
def test_bad_parameters(wav2vec2, kwargs, message):
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        Wav2Vec2Embedder(**{"model": wav2vec2, **kwargs}).fit(table())


def test_a_model_without_safetensors_is_refused(wav2vec2, tmp_path):
    folder = shutil.copytree(wav2vec2, tmp_path / "copy")
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(FileNotFoundError, match=r"no safetensors weights.*are not opened"):
        Wav2Vec2Embedder(folder).fit(table())


def test_a_model_without_its_feature_extractor_is_refused(wav2vec2, tmp_path):
    folder = shutil.copytree(wav2vec2, tmp_path / "copy")
    settings = json.loads((folder / "preprocessor_config.json").read_text())
    (folder / "preprocessor_config.json").unlink()
    with pytest.raises(FileNotFoundError, match=r"holds no preprocessor_config\.json"):
        Wav2Vec2Embedder(folder).fit(table())
    (folder / "processor_config.json").write_text(json.dumps({"feature_extractor": settings}))
    assert Wav2Vec2Embedder(folder).fit(table()).sampling_rate_ == RATE
    for wrong in ({"sampling_rate": 0}, {"feature_extractor_type": "WhisperFeatureExtractor"}):
        changed = {**settings, **wrong}
        (folder / "preprocessor_config.json").write_text(json.dumps(changed))
        with pytest.raises(ValueError, match="runs encoders of raw audio"):
            Wav2Vec2Embedder(folder).fit(table())


def test_a_text_encoder_is_refused(tiny_bert):
    with pytest.raises(ValueError, match=r"no encoder of raw audio .* has no conv_kernel"):
        Wav2Vec2Embedder(tiny_bert).fit(table())


def test_an_encoder_of_several_frame_rates_is_refused(wav2vec2, tmp_path):
    folder = shutil.copytree(wav2vec2, tmp_path / "copy")
    config = json.loads((folder / "config.json").read_text())
    config.update(model_type="sew", squeeze_factor=2)
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(ValueError, match=r"\(sew\) has layers of different frame rates"):
        Wav2Vec2Embedder(folder).fit(table())


def test_an_unknown_revision_is_named(monkeypatch):
    import huggingface_hub

    unknown = huggingface_hub.errors.RevisionNotFoundError

    def snapshot_download(name, *, revision=None, local_files_only=False, **wanted):
        if local_files_only:
            raise huggingface_hub.errors.LocalEntryNotFoundError("not here")
        raise unknown.__new__(unknown)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot_download)
    with pytest.raises(FileNotFoundError, match=r"no model 'org/speech' at revision 'v7'"):
        Wav2Vec2Embedder("org/speech", revision="v7").fit(table())


def test_weights_that_lack_tensors_are_said(wav2vec2, tmp_path):
    from safetensors.numpy import load_file, save_file

    folder = shutil.copytree(wav2vec2, tmp_path / "copy")
    tensors = load_file(folder / "model.safetensors")
    del tensors["encoder.layers.1.feed_forward.output_dense.weight"]
    tensors.pop("masked_spec_embed", None)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ValueError, match=r"lack 1 tensors .*layers\.1\.feed_forward"):
        Wav2Vec2Embedder(folder).fit_transform(table())


def test_truncated_weights_are_named(wav2vec2, tmp_path):
    folder = shutil.copytree(wav2vec2, tmp_path / "copy")
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(ValueError, match=r"weights in '.*copy' are corrupted or truncated"):
        Wav2Vec2Embedder(folder).fit_transform(table())
