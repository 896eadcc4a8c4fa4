"""The store: what was computed from one item is kept on disk and found again by content.

An entry's key is the SHA-256 of the cache key parameters (weights, preprocessing, versions; in code
the recipe) and the content (a text, the digest of a file's bytes, an array's bytes), one ``.npy``
file an item. So any split, grid, process or later day finds it again, and nothing can leak, since
an entry depends on one item alone.
"""

import hashlib
import json
import os
import shutil
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emoest.files.folders import ENVIRONMENT, CacheDir, cache_folder
from emoest.tables.cells import load_array, save_array
from emoest.utils.typing import Array
from emoest.utils.warn import warn_user

_FOLDER = "store"
_DIGESTS = "digests"
_RECIPE_FILE = "recipe.json"
_DAY = 86_400.0
# Seconds in which a second change might not move a file's time.
_RECENT = 2.0

_digests: dict[tuple[str, int, int, int], str] = {}
_swept: set[Path] = set()
_warned: set[Path] = set()


class Store:
    """The entries of one set of cache key parameters, a recipe.

    Parameters
    ----------
    name : str
        What makes the entries, for example ``"yamnet"``; the folder's name starts with it.
    recipe : mapping
        All that the values depend on except the item: plain values that JSON can hold.
    cache_dir : str, path object, False or None, default=None
        See `cache_folder`; False keeps nothing.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> store = Store("double", {"version": 1}, tempfile.mkdtemp())
    >>> store.get(store.key(b"abc")) is None
    True
    >>> store.put(store.key(b"abc"), np.ones((1, 2), dtype="float32"))
    >>> store.get(store.key(b"abc")).tolist()
    [[1.0, 1.0]]
    """

    def __init__(self, name: str, recipe: Mapping[str, Any], cache_dir: CacheDir = None) -> None:
        self._text = json.dumps(dict(recipe), sort_keys=True)
        self._digest = hashlib.sha256(self._text.encode())
        self.root = None if cache_dir is False else cache_folder(cache_dir) / _FOLDER
        self._folder = f"{name}-{self._digest.hexdigest()[:16]}"

    def key(self, content: bytes) -> str:
        """Compute the key of an item from its content: 64 hexadecimal digits."""
        digest = self._digest.copy()
        digest.update(b"\0" + content)
        return digest.hexdigest()

    def path(self, key: str) -> Path | None:
        """Return where an entry is or would be; None when nothing is kept."""
        if self.root is None:
            return None
        return self.root / self._folder / key[:2] / f"{key[2:]}.npy"

    def get(self, key: str) -> Array | None:
        """Read an entry; None if it is not there, and with a warning if it is truncated."""
        path = self.path(key)
        if path is None:
            return None
        try:
            array = load_array(path)
            _mark_used(path)
        except FileNotFoundError:
            return None
        except (ValueError, OSError) as error:
            warn_corrupt(path, error)
            return None
        return array

    def put(self, key: str, array: Array) -> None:
        """Keep an entry; a disk that is full or read-only costs one warning and nothing else."""
        path = self.path(key)
        if path is None or self.root is None:
            return
        recipe = self.root / self._folder
        try:
            if recipe not in _swept:
                _swept.add(recipe)
                _remove_old_temporaries(recipe)
                write_text(self._text, recipe / _RECIPE_FILE)
            save_array(array, path)
        except OSError as error:
            _warn_once(self.root, error)


def warn_corrupt(path: Path | None, reason: object) -> None:
    """Warn that an entry is truncated or corrupt and will be computed again.

    Examples
    --------
    >>> import warnings
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     warn_corrupt(Path("a.npy"), "no data left")
    >>> str(caught[0].message)
    "The stored entry 'a.npy' is truncated or corrupt (no data left) and is computed again."
    """
    warn_user(
        f"The stored entry {str(path)!r} is truncated or corrupt ({reason}) and is computed again.",
    )


def write_text(text: str, path: Path) -> None:
    """Write a text under a temporary name and rename it into place.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "a" / "b.json"
    >>> write_text("{}", path)
    >>> path.read_text()
    '{}'
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}-{uuid.uuid4().hex}.tmp")
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def file_digest(path: str | os.PathLike[str], cache_dir: CacheDir = None) -> str:
    """Compute the SHA-256 of a file's bytes, remembered by path, size, modification time and inode.

    `cache_dir` is that of `cache_folder`; False remembers for this process only. A file changed
    within the last two seconds is not remembered, since a second change might not move its time.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "empty"
    >>> path.touch()
    >>> file_digest(path, cache_dir=False)[:8]
    'e3b0c442'
    """
    resolved = Path(path).resolve()
    status = resolved.stat()
    stamp = (str(resolved), status.st_size, status.st_mtime_ns, status.st_ino)
    if stamp in _digests:
        return _digests[stamp]
    memo = None if cache_dir is False else _memo_path(cache_dir, stamp[0])
    digest = None if memo is None else _read_memo(memo, stamp)
    if digest is None:
        with open(resolved, "rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if abs(time.time() - status.st_mtime) < _RECENT:
            return digest
        if memo is not None:
            _write_memo(memo, stamp, digest)
    _digests[stamp] = digest
    return digest


def _memo_path(cache_dir: CacheDir, path: str) -> Path:
    name = hashlib.sha256(path.encode("utf-8", "surrogateescape")).hexdigest()
    return cache_folder(cache_dir) / _FOLDER / _DIGESTS / name[:2] / f"{name[2:]}.json"


def _read_memo(memo: Path, stamp: tuple[str, int, int, int]) -> str | None:
    try:
        found = json.loads(memo.read_text(encoding="utf-8"))
        return str(found["sha256"]) if found["stamp"] == list(stamp[1:]) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _write_memo(memo: Path, stamp: tuple[str, int, int, int], digest: str) -> None:
    try:
        write_text(json.dumps({"stamp": list(stamp[1:]), "sha256": digest}), memo)
    except OSError as error:
        _warn_once(memo.parent.parent.parent, error)


def _mark_used(path: Path) -> None:
    """Renew the time of an entry that is read, once a day, so that `prune` knows what is used."""
    # Not at every reading: it would cost a write each.
    if time.time() - path.stat().st_mtime > _DAY:
        with suppress(OSError):
            os.utime(path)


def _remove_old_temporaries(folder: Path) -> int:
    removed = 0
    for path in folder.rglob("*.tmp"):
        with suppress(OSError):
            if time.time() - path.stat().st_mtime > _DAY:
                path.unlink()
                removed += 1
    return removed


def _warn_once(root: Path, error: OSError) -> None:
    if root not in _warned:
        _warned.add(root)
        warn_user(
            f"The store {str(root)!r} cannot be written ({error}); the work continues and its "
            f"results are not kept. Make room, or set cache_dir or {ENVIRONMENT} to a folder that "
            "can be written.",
        )


@dataclass(frozen=True)
class RecipeInfo:
    """What the store holds for one set of cache key parameters, a recipe.

    Parameters
    ----------
    folder : str
        Name of the recipe's folder.
    entries : int
        Number of items.
    size : int
        Bytes.
    recipe : dict
        What the values depend on except the item; empty if it cannot be read.
    """

    folder: str
    entries: int
    size: int
    recipe: dict[str, Any]


def info(cache_dir: CacheDir = None) -> list[RecipeInfo]:
    """List what the store holds, one record a recipe.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> folder = tempfile.mkdtemp()
    >>> store = Store("double", {"version": 1}, folder)
    >>> store.put(store.key(b"abc"), np.ones((1, 2), dtype="float32"))
    >>> [(found.entries, found.size, found.recipe) for found in info(folder)]
    [(1, 136, {'version': 1})]
    """
    found = []
    for folder in _recipe_folders(cache_dir):
        sizes = [status.st_size for _, status in _entries(folder)]
        found.append(RecipeInfo(folder.name, len(sizes), sum(sizes), _read_recipe(folder)))
    return found


def prune(
    cache_dir: CacheDir = None, *, days: float | None = None, max_bytes: int | None = None
) -> int:
    """Remove temporaries older than a day, and the entries that were not used for longest.

    Parameters
    ----------
    cache_dir : str, path object, False or None, default=None
        See `cache_folder`; False keeps nothing, so there is nothing to remove.
    days : float, default=None
        Remove entries not used for so many days.
    max_bytes : int, default=None
        Then remove the least recently used until the entries take no more than this.

    Returns
    -------
    removed : int
        Number of files removed.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> folder = tempfile.mkdtemp()
    >>> store = Store("double", {"version": 1}, folder)
    >>> store.put(store.key(b"abc"), np.ones((1, 2), dtype="float32"))
    >>> prune(folder), prune(folder, max_bytes=0)
    (0, 1)
    """
    if cache_dir is False:
        return 0
    folders = _recipe_folders(cache_dir)
    removed = _remove_old_temporaries(cache_folder(cache_dir) / _FOLDER)
    entries = [entry for folder in folders for entry in _entries(folder)]
    entries.sort(key=lambda entry: entry[1].st_mtime)
    total = sum(status.st_size for _, status in entries)
    for path, status in entries:
        too_old = days is not None and time.time() - status.st_mtime > days * _DAY
        too_much = max_bytes is not None and total > max_bytes
        if too_old or too_much:
            path.unlink(missing_ok=True)
            total -= status.st_size
            removed += 1
    return removed


def clear(cache_dir: CacheDir = None) -> int:
    """Remove every entry and every remembered digest; the number of entries that were there.

    Examples
    --------
    >>> import tempfile
    >>> clear(tempfile.mkdtemp())
    0
    """
    if cache_dir is False:
        return 0
    count = sum(found.entries for found in info(cache_dir))
    root = cache_folder(cache_dir) / _FOLDER
    if root.is_dir():
        shutil.rmtree(root)
    _digests.clear()
    _swept.clear()
    return count


def _recipe_folders(cache_dir: CacheDir) -> list[Path]:
    root = cache_folder(cache_dir) / _FOLDER
    if cache_dir is False or not root.is_dir():
        return []
    return sorted(path for path in root.iterdir() if path.is_dir() and path.name != _DIGESTS)


def _entries(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    for path in folder.glob("??/*.npy"):
        # Another process may prune the entry in between.
        with suppress(FileNotFoundError):
            yield path, path.stat()


def _read_recipe(folder: Path) -> dict[str, Any]:
    try:
        found = json.loads((folder / _RECIPE_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
