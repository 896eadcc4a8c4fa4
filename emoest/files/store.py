"""The store: what was computed from one item is kept on disk and found again by content.

An entry's key is the SHA-256 of the cache key parameters (weights, preprocessing, versions; in code
the recipe) and the content (a text, the digest of a file's bytes, an array's bytes), one ``.npy``
file an item. So any split, grid, process or later day finds it again, and nothing can leak, since
an entry depends on one item alone.
"""

import hashlib
import io
import json
import math
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np

from emoest.files.digests import DIGESTS, forget_digests
from emoest.files.folders import STORE, CacheDir, cache_folder, warn_unusable
from emoest.files.walking import remove_empty_folders, remove_files, walk_files
from emoest.tables.cells import read_array
from emoest.utils.atomic import written_whole
from emoest.utils.typing import Array
from emoest.utils.warn import warn_user

_RECIPE_FILE = "recipe.json"
_DAY = 86_400.0
# Readers of .npy files stop at the end of the array, so a checksum behind it costs them nothing.
_MARK = b"emoest sha256:"
_ENDING = len(_MARK) + hashlib.sha256().digest_size

_swept: set[Path] = set()


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
        self.root = None if cache_dir is False else cache_folder(cache_dir) / STORE
        self._folder = f"{name}-{self._digest.hexdigest()[:16]}"

    def key(self, content: bytes) -> str:
        """Compute the key of an item from its content.

        Parameters
        ----------
        content : bytes
            A text, the digest of a file with its fragment, or the bytes of an array.

        Returns
        -------
        key : str
            64 hexadecimal digits.
        """
        digest = self._digest.copy()
        digest.update(b"\0" + content)
        return digest.hexdigest()

    def path(self, key: str) -> Path | None:
        """Return where an entry is or would be.

        Parameters
        ----------
        key : str
            What `key` returned.

        Returns
        -------
        path : Path or None
            None when nothing is kept.
        """
        if self.root is None:
            return None
        return self.root / self._folder / key[:2] / f"{key[2:]}.npy"

    def get(self, key: str) -> Array | None:
        """Read an entry; None if it is not there or was written before there were checksums.

        Parameters
        ----------
        key : str
            What `key` returned.

        Returns
        -------
        array : ndarray or None
            Frames or a vector of one item.

        An entry that is truncated or whose checksum is another costs a warning, a folder that
        cannot be read one for all entries; both give None.
        """
        path = self.path(key)
        if path is None or self.root is None:
            return None
        try:
            array = read_entry(path.read_bytes())
        except FileNotFoundError:
            return None
        except OSError as error:
            warn_unusable(self.root, error)
            return None
        except ValueError as error:
            warn_corrupt(path, error)
            return None
        if array is not None:
            _mark_used(path)
        return array

    def put(self, key: str, array: Array) -> None:
        """Keep an entry; a disk that is full or read-only costs one warning and nothing else.

        Parameters
        ----------
        key : str
            What `key` returned.
        array : ndarray
            Frames or a vector of one item.
        """
        path = self.path(key)
        if path is None or self.root is None:
            return
        folder = self.root / self._folder
        recipe = folder / _RECIPE_FILE
        try:
            if folder not in _swept:
                _swept.add(folder)
                _remove_old_temporaries(folder)
            # Another process may have cleared the store.
            if not recipe.exists():
                _write(self._text.encode(), recipe)
            _write(entry_bytes(array), path)
        except FileNotFoundError:
            # It was cleared between writing and renaming, and would be gone a moment later too.
            return
        except OSError as error:
            warn_unusable(self.root, error)


def entry_bytes(array: Array) -> bytes:
    """Convert an array to the bytes of an ``.npy`` file with a checksum behind them.

    Examples
    --------
    >>> len(entry_bytes(np.zeros(2))), len(entry_bytes(np.zeros(3)))
    (190, 198)
    """
    file = io.BytesIO()
    np.save(file, array, allow_pickle=False)
    file.write(_MARK + hashlib.sha256(file.getbuffer()).digest())
    return file.getvalue()


def read_entry(content: bytes) -> Array | None:
    """Read what `entry_bytes` wrote; None where a sound array has no checksum.

    Raises
    ------
    ValueError
        If the checksum is another, or there is neither an array nor a checksum.

    Examples
    --------
    >>> read_entry(entry_bytes(np.zeros(2))).tolist()
    [0.0, 0.0]
    """
    body, ending = content[:-_ENDING], content[-_ENDING:]
    if ending.startswith(_MARK):
        if hashlib.sha256(body).digest() != ending[len(_MARK) :]:
            raise ValueError("its checksum is another")
        return read_array(io.BytesIO(body))
    file = io.BytesIO(content)
    read_array(file)
    if file.read(1):
        raise ValueError("its checksum is damaged")
    return None


def _write(content: bytes, path: Path) -> None:
    with written_whole(path) as file:
        file.write(content)


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


def _mark_used(path: Path) -> None:
    """Renew the time of an entry that is read, once a day, so that `prune` knows what is used."""
    with suppress(OSError):
        # Not at every reading: it would cost a write each.
        if time.time() - path.stat().st_mtime > _DAY:
            os.utime(path)


def _remove_old_temporaries(folder: Path) -> int:
    removed = 0
    for path, status in walk_files(folder, ".tmp"):
        with suppress(OSError):
            if time.time() - status.st_mtime > _DAY:
                path.unlink()
                removed += 1
    return removed


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
    [(1, 182, {'version': 1})]
    """
    found = []
    for folder in _recipe_folders(cache_dir):
        sizes = [status.st_size for _, status in walk_files(folder, ".npy")]
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

    Raises
    ------
    ValueError
        If `days` or `max_bytes` is not a finite number from 0 on.

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
    _check_amount("days", days)
    _check_amount("max_bytes", max_bytes)
    if cache_dir is False:
        return 0
    folders = _recipe_folders(cache_dir)
    removed = _remove_old_temporaries(cache_folder(cache_dir) / STORE)
    entries = [entry for folder in folders for entry in walk_files(folder, ".npy")]
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
    """Remove every entry and every remembered digest; the number of entries that were removed.

    What others write meanwhile stays, and so do a link in the place of the store and files that
    are not the store's.

    Examples
    --------
    >>> import tempfile
    >>> clear(tempfile.mkdtemp())
    0
    """
    if cache_dir is False:
        return 0
    root = cache_folder(cache_dir) / STORE
    count = 0
    for folder in _recipe_folders(cache_dir):
        count += remove_files(folder, ".npy")
        remove_files(folder, ".tmp")
        (folder / _RECIPE_FILE).unlink(missing_ok=True)
        remove_empty_folders(folder)
    for suffix in (".json", ".tmp"):
        remove_files(root / DIGESTS, suffix)
    remove_empty_folders(root)
    forget_digests()
    _swept.clear()
    return count


def _check_amount(name: str, amount: float | None) -> None:
    if amount is None:
        return
    is_number = isinstance(amount, Real) and not isinstance(amount, bool)
    if not is_number or not 0 <= amount < math.inf:
        raise ValueError(f"{name} must be a finite number from 0 on, found {amount!r}.")


def _recipe_folders(cache_dir: CacheDir) -> list[Path]:
    root = cache_folder(cache_dir) / STORE
    if cache_dir is False:
        return []
    try:
        return sorted(path for path in root.iterdir() if path.is_dir() and path.name != DIGESTS)
    except PermissionError:
        raise
    except OSError:
        return []


def _read_recipe(folder: Path) -> dict[str, Any]:
    try:
        found = json.loads((folder / _RECIPE_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
