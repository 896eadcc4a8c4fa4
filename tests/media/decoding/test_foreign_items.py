import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

from emoest.features import AcousticFunctionals, DifferentialEntropy
from emoest.media import read_audio, read_image
from emoest.media.decoding.foreign_items import own_item
from emoest.media.transformer import CellTransformer

RATE = 8_000
SIGNAL = (0.2 * np.sin(np.arange(RATE) * 0.2)).astype(np.float32)


def wav():
    file = io.BytesIO()
    soundfile.write(file, SIGNAL, RATE, format="WAV", subtype="FLOAT")
    return file.getvalue()


class _Decoder:
    """Looks like the decoder of audio that newer Hugging Face datasets hold."""

    def get_all_samples(self):
        import torch

        samples = type("Samples", (), {})()
        samples.data, samples.sample_rate = torch.from_numpy(SIGNAL)[None], RATE
        return samples


_Decoder.__module__ = "torchcodec.decoders"


def sounds(folder):
    import torch

    path = folder / "my clip.wav"
    path.write_bytes(wav())
    return {
        "row of a dataset": {"path": "x.wav", "array": SIGNAL, "sampling_rate": RATE},
        "row with a list": {"array": SIGNAL.tolist(), "sampling_rate": RATE},
        "row of bytes": {"bytes": wav(), "path": "x.wav"},
        "row of bytes alone": {"bytes": wav(), "path": None},
        "row of a path": {"bytes": None, "path": str(path)},
        "decoder": _Decoder(),
        "bytes": wav(),
        "view of bytes": memoryview(wav()),
        "tensor and rate": (torch.from_numpy(SIGNAL).requires_grad_(), RATE),
        "address": path.as_uri(),
        "part of an address": f"{path.as_uri()}#t=0,1",
        "home": "~/my clip.wav",
        "path in the home": Path("~/my clip.wav"),
    }


NAMES = (
    "row of a dataset, row with a list, row of bytes, row of bytes alone, row of a path, decoder, "
    "bytes, view of bytes, tensor and rate, address, part of an address, home, path in the home"
)


@pytest.mark.parametrize("name", NAMES.split(", "))
def test_sound_of_other_libraries_is_read(tmp_path, monkeypatch, name):
    monkeypatch.setenv("HOME", str(tmp_path))
    item = sounds(tmp_path)[name]
    signal, rate = read_audio(item)
    assert rate == RATE
    np.testing.assert_allclose(signal, SIGNAL, atol=1e-6)
    X = pd.DataFrame({"audio": pd.Series([item, None], dtype=object)})
    found = AcousticFunctionals().fit_transform(X)
    expected = AcousticFunctionals().fit_transform([(SIGNAL, RATE)])
    np.testing.assert_allclose(found.iloc[0, 0], expected.iloc[0, 0], rtol=1e-3, atol=1e-3)


def images():
    pillow = pytest.importorskip("PIL.Image")
    pixels = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    alpha = np.dstack([pixels, np.full((4, 4), 9, np.uint8)])
    file = io.BytesIO()
    pillow.fromarray(pixels).save(file, format="PNG")
    return pixels, {
        "image": pillow.fromarray(pixels),
        "transparent image": pillow.fromarray(alpha),
        "transparent array": alpha,
        "row of a dataset": {"bytes": file.getvalue(), "path": None},
        "bytes": file.getvalue(),
    }


@pytest.mark.parametrize(
    "name", ["image", "transparent image", "transparent array", "row of a dataset", "bytes"]
)
def test_images_of_other_libraries_are_read(name):
    pixels, items = images()
    np.testing.assert_array_equal(read_image(items[name]), pixels)


def test_a_photo_is_turned_as_it_says():
    pillow = pytest.importorskip("PIL.Image")
    image = pillow.fromarray(np.arange(8, dtype=np.uint8).reshape(2, 4))
    image.getexif()[0x0112] = 6
    assert read_image(image).shape == (4, 2, 3)


def test_arrays_and_epochs_of_eeg_are_samples():
    signals = np.random.default_rng(0).normal(scale=10, size=(3, 2, 512))
    found = DifferentialEntropy(sampling_rate=128).fit_transform(signals)
    listed = DifferentialEntropy(sampling_rate=128).fit_transform(list(signals))
    pd.testing.assert_frame_equal(found, listed)
    assert len(found) == 3


def test_equal_bytes_are_one_item(tmp_path):
    first, second = own_item(wav()), own_item({"bytes": wav(), "path": None})
    assert first == second and Path(first).read_bytes() == wav()


@pytest.mark.parametrize(
    ("item", "message"),
    [
        ("file://server/share/a.wav", "is a file of the machine 'server'"),
        (b"", "there are no bytes"),
        ({"bytes": b"", "path": "a.wav"}, "there are no bytes"),
    ],
)
def test_what_cannot_be_converted_is_said(item, message):
    with pytest.raises(ValueError, match=message):
        own_item(item)
    X = pd.DataFrame({"audio": pd.Series([item], dtype=object)})
    with pytest.raises(ValueError, match=f"row 0, column 'audio'.*{message}"):
        AcousticFunctionals().fit_transform(X)


def test_texts_are_left_alone():
    class Shout(CellTransformer):
        _stem, _media = "shout", "text"
        errors, cache_dir, batch_size, verbose = "raise", False, 1, 0

        def _recipe(self):
            return {}

        def _n_dims(self):
            return 1

        def _read_item(self, item, name):
            return item

        def _compute(self, batch):
            return [np.full((1, 1), len(text), dtype=np.float32) for text in batch]

    assert Shout().fit_transform(["~ 20", "file://"]).to_numpy().tolist() == [[4.0], [7.0]]
