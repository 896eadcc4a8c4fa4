"""Paths of media in a table: many at once, without opening a file."""

import os
from collections.abc import Sequence

from emoest.media.eeg_files import split_path

VIDEO_SUFFIXES = (".mp4", ".avi", ".flv", ".mkv", ".mov", ".webm")
IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".gif")
EEG_SUFFIXES = (".npy", ".mat")


def join_paths(root: str, cells: Sequence[object]) -> list[str | None]:
    """Return the paths with a folder before relative ones; missing cells become None.

    Examples
    --------
    >>> join_paths("/data", ["a.wav", "/b.wav", None]) == [
    ...     os.path.join("/data", "a.wav"), "/b.wav", None]
    True
    """
    return [
        None if not isinstance(cell, str) or cell == "" else os.path.join(root, cell)  # noqa: PTH118
        for cell in cells
    ]


def missing_files(paths: Sequence[str | None]) -> list[int]:
    """Find the positions of paths that lead to no file, listing each folder once.

    Parts (``a.wav#t=0,1``) and variables (``a.mat#eeg1``) of files are looked for as files.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.mkdtemp()
    >>> open(os.path.join(folder, "a.wav"), "w").close()
    >>> missing_files(join_paths(folder, ["a.wav", "a.wav#t=0,1", "b.wav", None]))
    [2]
    """
    listed: dict[str, set[str]] = {}
    missing = []
    for position, path in enumerate(paths):
        if path is None:
            continue
        head, tail = os.path.split(path)
        if head not in listed:
            listed[head] = _names(head)
        # The whole name first: a file name may hold a # itself.
        if tail in listed[head]:
            continue
        if split_path(tail)[0] not in listed[head]:
            missing.append(position)
    return missing


def _names(folder: str) -> set[str]:
    try:
        with os.scandir(folder or ".") as entries:
            return {entry.name for entry in entries}
    except OSError:
        return set()
