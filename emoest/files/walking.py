"""Walks through folders in which other processes write and remove at the same time."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path


def walk_files(folder: Path, suffix: str) -> Iterator[tuple[Path, os.stat_result]]:
    """Give each file of a suffix and its status; what is removed meanwhile is left out.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> (folder / "a.npy").write_bytes(b"abc")
    3
    >>> [(path.name, status.st_size) for path, status in walk_files(folder, ".npy")]
    [('a.npy', 3)]
    """
    # Unlike Path.glob, os.walk goes on where a folder is gone.
    for place, _, names in os.walk(folder):
        for path in (Path(place, name) for name in names if name.endswith(suffix)):
            with suppress(FileNotFoundError):
                yield path, path.stat()


def remove_files(folder: Path, suffix: str) -> int:
    """Remove the files of a suffix; how many this process removed.

    Examples
    --------
    >>> import tempfile
    >>> remove_files(Path(tempfile.mkdtemp()), ".npy")
    0
    """
    removed = 0
    for path, _ in walk_files(folder, suffix):
        with suppress(FileNotFoundError):
            path.unlink()
            removed += 1
    return removed


def remove_empty_folders(root: Path) -> None:
    """Remove empty folders from the inside out; one into which others write is not empty.

    Examples
    --------
    >>> import tempfile
    >>> root = Path(tempfile.mkdtemp())
    >>> (root / "a" / "b").mkdir(parents=True)
    >>> remove_empty_folders(root)
    >>> root.exists()
    False
    """
    for place, _, _ in os.walk(root, topdown=False):
        with suppress(OSError):
            Path(place).rmdir()
