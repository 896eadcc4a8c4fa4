import io
import warnings
import zipfile

import numpy as np
import pytest

from emoest.datasets import load_mfn_sequences, load_mosi_features
from emoest.datasets._reading.npz import NpzFile


def mosi_arrays(n=3):
    arrays = {"text": np.ones((n, 4)), "audio": np.ones((n, 3)), "video": np.ones((n, 2))}
    names = {"video_id": np.array(["v"] * n), "utt_no": np.arange(n)}
    told = {"transcript": np.array(["so it is"] * n), "y": np.linspace(-1, 1, n)}
    return {f"train_{name}": value for name, value in {**arrays, **names, **told}.items()}


def mfn_arrays(n=3):
    return {"audio_train": np.ones((n, 5, 74), np.float32), "y_train": np.linspace(0, 2, n)}


LOADERS = {
    "mosi": (load_mosi_features, "mosi_a.npz", mosi_arrays()),
    "mfn": (lambda folder: load_mfn_sequences(folder, "mmmo"), "mmmo.npz", mfn_arrays()),
}


@pytest.fixture(params=LOADERS)
def archive(request, tmp_path):
    load, name, arrays = LOADERS[request.param]
    np.savez(tmp_path / name, **arrays)
    return load, tmp_path / name, arrays


def quiet(load, folder):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return load(folder)


def test_arrays_come_back(tmp_path):
    arrays = {"a": np.arange(6).reshape(2, 3), "b": np.array(["x", "yy"]), "c": np.float32(2.0)}
    np.savez_compressed(tmp_path / "a.npz", **arrays)
    found = NpzFile(tmp_path / "a.npz")
    assert found.files == list(arrays)
    for name, value in arrays.items():
        np.testing.assert_array_equal(found[name], value)


def test_objects_are_not_opened_and_the_hint_is_none_to_open_them(archive):
    load, path, arrays = archive
    for name, value in arrays.items():
        np.savez(path, **{**arrays, name: value.astype(object)})
        with pytest.raises(
            ValueError, match=rf"array '{name}' of .*{path.name}.*objects"
        ) as caught:
            quiet(load, path.parent)
        assert "allow_pickle" not in str(caught.value)


@pytest.mark.parametrize("compressed", [False, True])
def test_damaged_archives_are_named(archive, compressed):
    load, path, arrays = archive
    (np.savez_compressed if compressed else np.savez)(path, **arrays)
    sound, generator, n_refused = path.read_bytes(), np.random.default_rng(0), 0
    damaged = [sound[:end] for end in range(0, len(sound), max(1, len(sound) // 40))]
    for _ in range(80):
        content = bytearray(sound)
        content[generator.integers(len(content))] ^= 1 << generator.integers(8)
        damaged.append(bytes(content))
    for content in damaged:
        path.write_bytes(content)
        try:
            quiet(load, path.parent)
        except (ValueError, FileNotFoundError) as error:
            n_refused += 1
            assert path.name in str(error) or str(path.parent) in str(error)
    assert n_refused > 40


def test_an_array_over_the_limit_is_refused_before_it_is_unpacked(archive, monkeypatch):
    _, path, arrays = archive
    name, value = next(iter(arrays.items()))
    np.savez_compressed(path, **{**arrays, name: np.zeros((len(value), 100_000))})
    monkeypatch.setenv("EMOEST_MAX_BYTES", "200000")
    monkeypatch.setattr(zipfile.ZipFile, "read", lambda *args: pytest.fail("unpacked"))
    with pytest.raises(ValueError, match=r"is too large: .*EMOEST_MAX_BYTES"):
        NpzFile(path)[name]


def test_an_array_that_declares_more_than_it_has_is_refused(tmp_path):
    header = b"{'descr': '<f4', 'fortran_order': False, 'shape': (900000000, 900), }"
    member = io.BytesIO()
    np.save(member, np.zeros(3, np.float32))
    content = member.getvalue()[:10] + header.ljust(117) + b"\n" + bytes(12)
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as file:
        file.writestr("a.npy", content)
    with pytest.raises(ValueError, match="declares 3,240,000,000,000 bytes, and 12 are left"):
        NpzFile(tmp_path / "a.npz")["a"]
