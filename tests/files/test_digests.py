import hashlib
import json
import os
from pathlib import Path

import pytest

from emoest.files import digests as module
from emoest.files.digests import file_digest, forget_digests


@pytest.fixture
def settled(monkeypatch):
    """The times of files that were changed just now are trusted."""
    monkeypatch.setattr(module, "_RECENT", 0.0)


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "clip.wav"
    path.write_bytes(b"one")
    return path


def sha256(content):
    return hashlib.sha256(content).hexdigest()


def in_place(path):
    path.write_bytes(b"two")


def in_place_with_its_time_kept(path):
    before = path.stat()
    path.write_bytes(b"two")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def with_its_time_in_the_future(path):
    path.write_bytes(b"two")
    os.utime(path, (4e9, 4e9))


def replaced_with_its_time_kept(path):
    other = path.with_name("other")
    other.write_bytes(b"two")
    os.utime(other, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))
    other.replace(path)


def replaced_by_a_link(path):
    other = path.with_name("other")
    in_place(other)
    path.unlink()
    path.symlink_to(other)


CHANGES = [
    in_place,
    in_place_with_its_time_kept,
    with_its_time_in_the_future,
    replaced_with_its_time_kept,
    replaced_by_a_link,
]


@pytest.mark.parametrize("new_process", [False, True])
@pytest.mark.parametrize("change", CHANGES)
def test_a_change_of_the_same_size_is_seen(tmp_path, path, settled, change, new_process):
    assert file_digest(path, tmp_path) == sha256(b"one")
    before = path.stat().st_ctime_ns
    # A file system's clock ticks every few milliseconds.
    while path.stat().st_ctime_ns == before:
        change(path)
        if path.is_symlink():
            break
    if new_process:
        forget_digests()
    assert file_digest(path, tmp_path) == sha256(b"two")


@pytest.mark.parametrize("change", CHANGES)
def test_a_file_changed_just_now_is_not_remembered(tmp_path, path, change):
    assert file_digest(path, tmp_path) == sha256(b"one")
    change(path)
    assert file_digest(path, tmp_path) == sha256(b"two")
    assert list(tmp_path.rglob("*.json")) == []


def test_a_digest_is_remembered_until_the_file_changes(tmp_path, path, settled, monkeypatch):
    first = file_digest(path, tmp_path)
    forget_digests()
    monkeypatch.setattr(module.hashlib, "file_digest", lambda *a: pytest.fail("read again"))
    assert file_digest(path, tmp_path) == first
    assert file_digest(str(path), tmp_path) == first


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: "{torn",
        lambda text: "[]",
        lambda text: "{}",
        lambda text: text.replace("7", "8"),
        lambda text: text.replace(sha256(b"one"), sha256(b"two")),
        lambda text: text.replace(f'"{sha256(b"one")}"', "null"),
        lambda text: json.dumps({**json.loads(text), "stamp": 3}),
    ],
)
def test_a_damaged_memo_is_ignored(tmp_path, path, settled, spoil):
    first = file_digest(path, tmp_path)
    (memo,) = (tmp_path / "store" / "digests").rglob("*.json")
    damaged = spoil(memo.read_text())
    assert damaged != memo.read_text()
    memo.write_text(damaged)
    forget_digests()
    assert file_digest(path, tmp_path) == first


def test_without_a_cache_nothing_is_written_for_a_digest(tmp_path, path, settled, monkeypatch):
    monkeypatch.setenv("EMOEST_CACHE", str(tmp_path / "cache"))
    file_digest(path, False)
    assert not (tmp_path / "cache").exists()


def test_a_missing_file_has_no_digest(tmp_path):
    with pytest.raises(FileNotFoundError):
        file_digest(Path(tmp_path, "none"), tmp_path)
