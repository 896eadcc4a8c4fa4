import errno
import json
import os
import subprocess
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pytest

from emoest.files import store as module
from emoest.files.store import Store, cache_folder, clear, file_digest, info, prune

RECIPE = {"weights": "abc", "version": 1}
VALUE = np.arange(6, dtype=np.float32).reshape(2, 3)


def fill(folder, name="yamnet", n_items=3):
    store = Store(name, RECIPE, folder)
    keys = [store.key(bytes([i])) for i in range(n_items)]
    for key in keys:
        store.put(key, VALUE)
    return store, keys


def age(path, days):
    then = time.time() - days * 86_400
    os.utime(path, (then, then))


def test_the_folder_is_looked_up_at_run_time(tmp_path, monkeypatch):
    monkeypatch.setenv("EMOEST_CACHE", str(tmp_path / "a"))
    store = Store("x", RECIPE)
    assert store.root == tmp_path / "a" / "store"
    assert cache_folder(tmp_path / "b") == tmp_path / "b"
    monkeypatch.delenv("EMOEST_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "c"))
    assert cache_folder() == tmp_path / "c" / "emoest"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "d"))
    assert cache_folder() == tmp_path / "d" / ".cache" / "emoest"


def test_an_entry_comes_back_from_its_place(tmp_path):
    store, keys = fill(tmp_path, n_items=1)
    key = keys[0]
    assert len(key) == 64
    path = store.path(key)
    assert path.parent.name == key[:2]
    assert path.name == f"{key[2:]}.npy"
    assert path.parent.parent.name.startswith("yamnet-")
    assert path.parent.parent.parent == tmp_path / "store"
    np.testing.assert_array_equal(store.get(key), VALUE)
    assert store.get(store.key(b"other")) is None


@pytest.mark.parametrize("changed", [{"weights": "other"}, {"version": 2}, {"more": 0}])
def test_another_recipe_finds_nothing(tmp_path, changed):
    _, keys = fill(tmp_path)
    other = Store("yamnet", {**RECIPE, **changed}, tmp_path)
    assert other.key(bytes([0])) != keys[0]
    assert other.get(other.key(bytes([0]))) is None
    same = Store("yamnet", dict(reversed(RECIPE.items())), tmp_path)
    assert same.key(bytes([0])) == keys[0]


def test_false_keeps_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("EMOEST_CACHE", str(tmp_path))
    store, keys = fill(False)
    assert store.get(keys[0]) is None
    assert list(tmp_path.rglob("*")) == []


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: data[: len(data) // 2],
        lambda data: data[:-1],
        lambda data: b"",
        lambda data: b"\0" * len(data),
        lambda data: b"not an array at all",
        lambda data: data.replace(b"(2, 3)", b"(2, 3 "),
        lambda data: b"PK\3\4" + data,
    ],
)
def test_a_torn_entry_is_a_miss_with_a_warning(tmp_path, spoil):
    store, keys = fill(tmp_path)
    path = store.path(keys[0])
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.warns(UserWarning, match=f"{path.name}.* is truncated or corrupt .*computed again"):
        assert store.get(keys[0]) is None
    store.put(keys[0], VALUE)
    np.testing.assert_array_equal(store.get(keys[0]), VALUE)


def test_a_pickle_is_not_opened(tmp_path):
    store, keys = fill(tmp_path)
    np.save(store.path(keys[0]), np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.warns(UserWarning, match="truncated or corrupt"):
        assert store.get(keys[0]) is None


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS])
def test_a_disk_that_cannot_be_written_warns_once(tmp_path, monkeypatch, code):
    def refuse(array, target):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(module, "save_array", refuse)
    store = Store("x", RECIPE, tmp_path)
    with pytest.warns(UserWarning, match=f"{os.strerror(code)}.*work continues") as caught:
        for i in range(3):
            store.put(store.key(bytes([i])), VALUE)
    assert len(caught) == 1
    assert "EMOEST_CACHE" in str(caught[0].message)
    assert store.get(store.key(b"\0")) is None


def test_a_file_where_the_folder_should_be_warns(tmp_path):
    (tmp_path / "file").write_text("")
    store = Store("x", RECIPE, tmp_path / "file")
    with pytest.warns(UserWarning, match="cannot be written"):
        store.put(store.key(b"a"), VALUE)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert store.get(store.key(b"a")) is None


def test_no_temporary_is_left_and_old_ones_are_removed(tmp_path):
    store, keys = fill(tmp_path)
    assert list(tmp_path.rglob("*.tmp")) == []
    folder = store.path(keys[0]).parent
    old, young = folder / "a.npy.1-x.tmp", folder / "b.npy.1-x.tmp"
    old.write_bytes(b"")
    young.write_bytes(b"")
    age(old, 1.1)
    module._swept.clear()
    store.put(keys[1], VALUE)
    assert not old.exists()
    assert young.exists()


def test_a_write_that_fails_half_way_leaves_no_entry(tmp_path, monkeypatch):
    store = Store("x", RECIPE, tmp_path)
    key = store.key(b"a")

    def half(file, array, **kwargs):
        file.write(b"\x93NUMPY")
        raise KeyboardInterrupt

    monkeypatch.setattr(np, "save", half)
    with pytest.raises(KeyboardInterrupt):
        store.put(key, VALUE)
    monkeypatch.undo()
    assert store.get(key) is None
    assert list(tmp_path.rglob("*.tmp")) == []


def test_several_processes_share_it(tmp_path):
    code = (
        "import sys, numpy as np\n"
        "from emoest.files.store import Store\n"
        f"store = Store('shared', {RECIPE!r}, sys.argv[1])\n"
        "for round in range(3):\n"
        "    for i in range(60):\n"
        "        key = store.key(bytes([i]))\n"
        "        found = store.get(key)\n"
        "        assert found is None or (found == i).all()\n"
        "        store.put(key, np.full((50, 64), i, dtype='float32'))\n"
    )
    command = [sys.executable, "-W", "error", "-c", code, str(tmp_path)]
    running = [subprocess.Popen(command, stderr=subprocess.PIPE) for _ in range(2)]
    for process in running:
        _, told = process.communicate(timeout=60)
        assert process.returncode == 0, told.decode()
    store = Store("shared", RECIPE, tmp_path)
    for i in range(60):
        assert (store.get(store.key(bytes([i]))) == i).all()
    assert list(tmp_path.rglob("*.tmp")) == []


def test_a_digest_is_remembered_until_the_file_changes(tmp_path, monkeypatch):
    path = tmp_path / "clip.wav"
    path.write_bytes(b"one")
    age(path, 1)
    first = file_digest(path, tmp_path)
    module._digests.clear()
    read = []
    monkeypatch.setattr(
        module.hashlib, "file_digest", lambda *a: read.append(a) or pytest.fail("read again")
    )
    assert file_digest(path, tmp_path) == first
    assert read == []
    monkeypatch.undo()
    path.write_bytes(b"two")
    age(path, 1)
    assert file_digest(path, tmp_path) != first


def test_a_file_replaced_with_the_same_size_and_time_is_read_again(tmp_path):
    path, other = tmp_path / "a", tmp_path / "b"
    path.write_bytes(b"one")
    other.write_bytes(b"two")
    age(path, 1)
    os.utime(other, ns=(path.stat().st_mtime_ns, path.stat().st_mtime_ns))
    first = file_digest(path, tmp_path)
    other.replace(path)
    assert file_digest(path, tmp_path) != first


def test_a_file_changed_just_now_is_not_remembered(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"one")
    stamp = path.stat().st_mtime_ns
    first = file_digest(path, tmp_path)
    path.write_bytes(b"two")
    os.utime(path, ns=(stamp, stamp))
    assert file_digest(path, tmp_path) != first


def test_a_damaged_memo_is_ignored(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"one")
    age(path, 1)
    first = file_digest(path, tmp_path)
    for memo in (tmp_path / "store" / "digests").rglob("*.json"):
        memo.write_text("{torn")
    module._digests.clear()
    assert file_digest(path, tmp_path) == first


def test_without_a_cache_nothing_is_written_for_a_digest(tmp_path, monkeypatch):
    monkeypatch.setenv("EMOEST_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "a"
    path.write_bytes(b"one")
    age(path, 1)
    file_digest(path, False)
    assert not (tmp_path / "cache").exists()


def test_a_missing_file_has_no_digest(tmp_path):
    with pytest.raises(FileNotFoundError):
        file_digest(tmp_path / "none", tmp_path)


def test_info_lists_recipes(tmp_path):
    fill(tmp_path, "a", 2)
    store, keys = fill(tmp_path, "b", 3)
    file_digest(__file__, tmp_path)
    found = info(tmp_path)
    assert [(f.folder[:2], f.entries, f.recipe) for f in found] == [
        ("a-", 2, RECIPE),
        ("b-", 3, RECIPE),
    ]
    assert found[1].size == 3 * store.path(keys[0]).stat().st_size
    assert info(tmp_path / "none") == []


def test_prune_removes_what_was_not_used_for_longest(tmp_path):
    store, keys = fill(tmp_path, n_items=4)
    size = store.path(keys[0]).stat().st_size
    for days, key in zip([9, 5, 3, 2], keys, strict=True):
        age(store.path(key), days)
    store.get(keys[0])
    assert prune(tmp_path, days=4) == 1
    assert [store.get(key) is not None for key in keys] == [True, False, True, True]
    age(store.path(keys[2]), 3)
    assert prune(tmp_path, max_bytes=2 * size) == 1
    assert [store.get(key) is not None for key in keys] == [True, False, False, True]
    assert prune(tmp_path) == 0


def test_clear_removes_the_store_and_nothing_else(tmp_path):
    fill(tmp_path)
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "yamnet.h5").write_bytes(b"x")
    assert clear(tmp_path) == 3
    assert [path.name for path in tmp_path.iterdir()] == ["weights"]
    assert clear(tmp_path) == 0
    store, keys = fill(tmp_path)
    assert json.loads((store.path(keys[0]).parents[1] / "recipe.json").read_text()) == RECIPE


def test_false_has_nothing_to_list_or_remove(tmp_path, monkeypatch):
    monkeypatch.setenv("EMOEST_CACHE", str(tmp_path))
    store, keys = fill(None)
    assert info(False) == []
    assert prune(False, max_bytes=0) == clear(False) == 0
    assert all(store.get(key) is not None for key in keys)


def test_relative_folders_work(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    store, keys = fill("here")
    assert store.get(keys[0]) is not None
    assert Path("here/store").is_dir()
