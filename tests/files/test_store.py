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
from emoest.files.digests import file_digest
from emoest.files.folders import cache_folder
from emoest.files.store import Store, clear, info, prune

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
        lambda data: data + b"\0",
        lambda data: data[:-40] + b"\0" * 40,
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


def flipped(data, position):
    return data[:position] + bytes([data[position] ^ 4]) + data[position + 1 :]


@pytest.mark.parametrize("share", [0.0, 0.3, 0.6, 0.7, 0.75, 0.8, 0.99])
def test_a_flipped_bit_anywhere_is_a_miss_with_a_warning(tmp_path, share):
    store, keys = fill(tmp_path)
    path = store.path(keys[0])
    data = path.read_bytes()
    path.write_bytes(flipped(data, int(share * len(data))))
    with pytest.warns(UserWarning, match="truncated or corrupt .*computed again"):
        assert store.get(keys[0]) is None
    np.testing.assert_array_equal(store.get(keys[1]), VALUE)


def test_a_zeroed_block_is_a_miss_with_a_warning(tmp_path):
    store = Store("x", RECIPE, tmp_path)
    key = store.key(b"a")
    store.put(key, np.ones((100, 64), dtype="float32"))
    data = store.path(key).read_bytes()
    store.path(key).write_bytes(data[:4096] + b"\0" * 4096 + data[8192:])
    with pytest.warns(UserWarning, match="its checksum is another"):
        assert store.get(key) is None


def test_an_entry_without_a_checksum_is_computed_again_once(tmp_path):
    store, keys = fill(tmp_path)
    np.save(store.path(keys[0]), VALUE)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert store.get(keys[0]) is None
        store.put(keys[0], VALUE)
        np.testing.assert_array_equal(store.get(keys[0]), VALUE)


@pytest.mark.parametrize(
    "value",
    [VALUE, VALUE.T, VALUE[:0], np.zeros((0, 3), "float32"), np.float32(1.5), np.arange(3)],
    ids=["C", "Fortran", "empty", "no rows", "scalar", "int"],
)
def test_entries_are_files_that_numpy_reads_and_arrays_that_can_be_changed(tmp_path, value):
    store = Store("x", RECIPE, tmp_path)
    key = store.key(b"a")
    store.put(key, np.asarray(value))
    np.testing.assert_array_equal(np.load(store.path(key)), value)
    found = store.get(key)
    np.testing.assert_array_equal(found, value)
    assert found.flags.writeable and found.dtype == value.dtype


def test_a_pickle_is_not_opened(tmp_path):
    store, keys = fill(tmp_path)
    np.save(store.path(keys[0]), np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.warns(UserWarning, match="truncated or corrupt"):
        assert store.get(keys[0]) is None


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS])
def test_a_disk_that_cannot_be_written_warns_once(tmp_path, monkeypatch, code):
    def refuse(target):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(module, "written_whole", refuse)
    store = Store("x", RECIPE, tmp_path)
    with pytest.warns(UserWarning, match=f"{os.strerror(code)}.*work continues") as caught:
        for i in range(3):
            store.put(store.key(bytes([i])), VALUE)
    assert len(caught) == 1
    assert "EMOEST_CACHE" in str(caught[0].message)
    assert store.get(store.key(b"\0")) is None


def a_file(folder):
    (folder / "file").write_text("")
    return folder / "file"


def a_dangling_link(folder):
    (folder / "link").symlink_to(folder / "nowhere" / "else")
    (folder / "nowhere").write_text("")
    return folder / "link"


@pytest.mark.parametrize(
    "place",
    [a_file, lambda folder: a_file(folder) / "inside", a_dangling_link, lambda f: f / ("x" * 300)],
    ids=["file", "below a file", "dangling link", "name too long"],
)
def test_a_folder_that_is_none_costs_one_warning(tmp_path, place):
    store = Store("x", RECIPE, place(tmp_path))
    with pytest.warns(UserWarning) as caught:
        for i in range(3):
            file_digest(__file__, store.root.parent)
            assert store.get(store.key(bytes([i]))) is None
            store.put(store.key(bytes([i])), VALUE)
            assert store.get(store.key(bytes([i]))) is None
    (message,) = {str(warning.message) for warning in caught}
    assert "cannot be read or written" in message and "corrupt" not in message
    assert len(caught) == 1
    assert info(store.root.parent) == []
    assert prune(store.root.parent) == clear(store.root.parent) == 0


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

    def half(path, target):
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", half)
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


@pytest.mark.parametrize("name", ["days", "max_bytes"])
@pytest.mark.parametrize("amount", [-1, -0.5, np.inf, -np.inf, np.nan, True, "3", np.float64(-1)])
def test_prune_takes_finite_amounts_only(tmp_path, name, amount):
    store, keys = fill(tmp_path)
    for folder in (tmp_path, False):
        with pytest.raises(ValueError, match=f"{name} must be a finite number from 0 on, found"):
            prune(folder, **{name: amount})
    assert all(store.get(key) is not None for key in keys)


@pytest.mark.parametrize("linked", ["store", "recipe"])
def test_clear_works_where_folders_are_links(tmp_path, linked):
    cache, disk = tmp_path / "cache", tmp_path / "disk"
    store, keys = fill(cache)
    (cache / "store" / "mine.txt").write_text("not the store's")
    place = cache / "store" if linked == "store" else store.path(keys[0]).parents[1]
    place.rename(disk)
    place.symlink_to(disk, target_is_directory=True)
    assert [found.entries for found in info(cache)] == [3]
    assert clear(cache) == 3
    assert info(cache) == [] or info(cache)[0].entries == 0
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["mine.txt"]
    assert place.is_symlink()
    store.put(keys[0], VALUE)
    np.testing.assert_array_equal(store.get(keys[0]), VALUE)


def test_clear_leaves_what_another_process_writes_meanwhile(tmp_path, monkeypatch):
    store, keys = fill(tmp_path)
    rmdir = Path.rmdir

    def slow(path):
        if not store.path(keys[0]).exists():
            store.put(keys[0], VALUE)
        rmdir(path)

    monkeypatch.setattr(Path, "rmdir", slow)
    assert clear(tmp_path) == 3
    np.testing.assert_array_equal(store.get(keys[0]), VALUE)
    assert [found.recipe for found in info(tmp_path)] == [RECIPE]


def test_clearing_and_writing_at_once_disturbs_neither(tmp_path):
    code = (
        "import sys, numpy as np\n"
        "from emoest.files.store import Store\n"
        f"store = Store('shared', {RECIPE!r}, sys.argv[1])\n"
        "for i in range(500):\n"
        "    key = store.key(bytes([i % 250]))\n"
        "    found = store.get(key)\n"
        "    assert found is None or (found == i % 250).all()\n"
        "    store.put(key, np.full((2, 2), i % 250, dtype='float32'))\n"
    )
    command = [sys.executable, "-W", "error", "-c", code, str(tmp_path)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE)
    while process.poll() is None:
        clear(tmp_path)
        info(tmp_path)
        prune(tmp_path, days=1)
    assert process.returncode == 0, process.stderr.read().decode()
    clear(tmp_path)
    assert list(tmp_path.rglob("*")) == []


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
