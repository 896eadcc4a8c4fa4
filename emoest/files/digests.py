"""Digests of files, remembered until a file changes."""

import hashlib
import json
import os
import time
from pathlib import Path

from emoest.files.folders import STORE, CacheDir, cache_folder, warn_unusable
from emoest.utils.atomic import written_whole

DIGESTS = "digests"
"""The folder of the store in which they are remembered."""

# Seconds in which a second change might not move a file's times.
_RECENT = 2.0

_Stamp = tuple[str, int, int, int, int]

_digests: dict[_Stamp, str] = {}


def file_digest(path: str | os.PathLike[str], cache_dir: CacheDir = None) -> str:
    """Compute the SHA-256 of a file's bytes, remembered by path, size, times and inode.

    The times are that of the last modification, which programs can set back, and that of the last
    change of any kind, which they cannot. `cache_dir` is that of `cache_folder`; False remembers
    for this process only. A file changed within the last two seconds is not remembered, since a
    second change might not move its times.

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
    times = status.st_mtime_ns, status.st_ctime_ns
    stamp = (str(resolved), status.st_size, *times, status.st_ino)
    if stamp in _digests:
        return _digests[stamp]
    memo = None if cache_dir is False else _memo_path(cache_dir, stamp[0])
    digest = None if memo is None else _read_memo(memo, stamp)
    if digest is None:
        with open(resolved, "rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if any(abs(time.time() - each / 1e9) < _RECENT for each in times):
            return digest
        if memo is not None:
            _write_memo(memo, stamp, digest)
    _digests[stamp] = digest
    return digest


def named_file(cell: object) -> tuple[Path, str] | None:
    """Find the file that a cell names, and the part of it behind ``#``; None where it names none.

    Examples
    --------
    >>> named_file("It was the best day of my life.") is None
    True
    """
    if not isinstance(cell, str | os.PathLike):
        return None
    name, _, part = str(cell).partition("#")
    if "." not in name:
        return None
    # A text may be longer than any path, and then is_file raises.
    path = Path(name) if 0 < len(name) < 1000 and "\0" not in name else None
    return (path, part) if path is not None and path.suffix and path.is_file() else None


def forget_digests() -> None:
    """Forget what this process remembers.

    Examples
    --------
    >>> forget_digests()
    """
    _digests.clear()


def _memo_path(cache_dir: CacheDir, path: str) -> Path:
    name = hashlib.sha256(path.encode("utf-8", "surrogateescape")).hexdigest()
    return cache_folder(cache_dir) / STORE / DIGESTS / name[:2] / f"{name[2:]}.json"


def _read_memo(memo: Path, stamp: _Stamp) -> str | None:
    try:
        found = json.loads(memo.read_text(encoding="utf-8"))
        digest = found["sha256"]
        sound = found["stamp"] == list(stamp[1:]) and found["check"] == _check(stamp, digest)
        return digest if sound else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _write_memo(memo: Path, stamp: _Stamp, digest: str) -> None:
    content = {"stamp": list(stamp[1:]), "sha256": digest, "check": _check(stamp, digest)}
    try:
        with written_whole(memo) as file:
            file.write(json.dumps(content).encode())
    except FileNotFoundError:
        # Another process cleared the store at that moment.
        return
    except OSError as error:
        warn_unusable(memo.parents[2], error)


def _check(stamp: _Stamp, digest: str) -> str:
    # A damaged memo would give sound weights another digest, at every try.
    return hashlib.sha256(f"{stamp[1:]}{digest}".encode()).hexdigest()[:16]
