"""Paths of media in a table: many at once, without opening a file."""

import os
import re
import unicodedata
from collections.abc import Sequence

from emoest.media.eeg_files import split_path


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


class Folders:
    """The files of some folders, each of which is listed once.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.mkdtemp()
    >>> open(os.path.join(folder, "a.wav"), "w").close()
    >>> paths = join_paths(folder, ["a.wav", "a.wav#t=0,1", "b.wav", None])
    >>> [path is None for path in Folders().find(paths)]
    [False, False, True, True]
    """

    def __init__(self) -> None:
        self._listed: dict[str, set[str]] = {}

    def find(self, paths: Sequence[str | None]) -> list[str | None]:
        r"""Return the paths as they are on disk, and None where they lead to no file.

        Parts (``a.wav#t=0,1``) and variables (``a.mat#eeg1``) of files are looked for as files. A
        path that leads nowhere is also looked for with letters composed another way (NFC, NFD) and
        with ``/`` in the place of ``\\``.
        """
        return [None if path is None else self._find(path) for path in paths]

    def hint(self, root: str, name: str) -> str:
        """Return advice for a table none of whose files is there; empty if there is none.

        `name` is a path as the table has it.
        """
        name = name.replace("\\", "/")
        if re.match("[A-Za-z]:/", name):
            return (
                "Paths with a drive letter are those of another computer: write them relative to "
                "one folder, and pass media_folder=."
            )
        if os.path.isabs(name):  # noqa: PTH117
            return ""
        for folder in _sub_folders(root):
            if self._find(os.path.join(folder, name)) is not None:  # noqa: PTH118
                return f"They are in a sub-folder: pass media_folder={folder!r}."
        above = os.path.dirname(os.path.abspath(root))  # noqa: PTH100, PTH120
        if self._find(os.path.join(above, name)) is not None:  # noqa: PTH118
            return f"They are in the folder above: pass media_folder={above!r}."
        return ""

    def _find(self, path: str) -> str | None:
        if self._is_file(path):
            return path
        if "\\" in path and os.sep == "/":
            path = path.replace("\\", "/")
            if self._is_file(path):
                return path
        return None if path.isascii() else self._find_composed(path)

    def _is_file(self, path: str) -> bool:
        head, tail = os.path.split(path)
        names = self._names(head)
        # The whole name first: a file name may hold a # itself.
        return tail in names or split_path(tail)[0] in names

    def _find_composed(self, path: str) -> str | None:
        """Go down the path, taking at each step the name with the same composed letters."""
        name, parts = split_path(path)[0], path
        head, tail = os.path.split(name)
        steps = [tail]
        while head and not self._names(head) and os.path.dirname(head) != head:  # noqa: PTH120
            head, tail = os.path.split(head)
            steps.append(tail)
        for step in reversed(steps):
            wanted = unicodedata.normalize("NFC", step)
            found = [n for n in self._names(head) if unicodedata.normalize("NFC", n) == wanted]
            if not found:
                return None
            head = os.path.join(head, found[0])  # noqa: PTH118
        return head + parts[len(name) :]

    def _names(self, folder: str) -> set[str]:
        if folder not in self._listed:
            try:
                with os.scandir(folder or ".") as entries:
                    self._listed[folder] = {entry.name for entry in entries}
            except OSError:
                self._listed[folder] = set()
        return self._listed[folder]


def _sub_folders(root: str) -> list[str]:
    try:
        with os.scandir(root or ".") as entries:
            return sorted(entry.path for entry in entries if entry.is_dir())
    except OSError:
        return []
