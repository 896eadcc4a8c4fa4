"""A study in a journal, a file of one line a step. Imports Optuna, so it is imported late."""

from pathlib import Path
from typing import Any

from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend, JournalFileSymlinkLock

_FIRST = b'{"op_code":'
"""What every line of a journal begins with."""

_GRACE_SECONDS = 10
"""After how long the lock of a journal whose process was killed is taken over."""


class Journal(JournalFileBackend):
    """A journal that holds whole lines only, also where the disk is full."""

    def __init__(self, path: Path):
        self._path = path
        # A relative path would make a link that points nowhere, which is waited for without an end.
        self._guard = JournalFileSymlinkLock(str(path), grace_period=_GRACE_SECONDS)
        if path.exists():
            cut_torn_line(path, self._guard)
        super().__init__(str(path), lock_obj=self._guard)

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Append lines; what is written in part is taken out again."""
        try:
            super().append_logs(logs)
        except OSError:
            cut_torn_line(self._path, self._guard)
            raise


def open_journal(path: Path) -> JournalStorage:
    """Open the study in a file, or begin one."""
    return JournalStorage(Journal(path))


def cut_torn_line(path: Path, lock: JournalFileSymlinkLock) -> None:
    """Cut a last line that was written in part, by a process that was killed or on a full disk.

    What is written after it would join it, and make a line that nobody can read.

    Raises
    ------
    ValueError
        If the file is no journal. It is left as it is: somebody named it by mistake.
    """
    lock.acquire()
    try:
        with path.open("r+b") as file:
            lines = file.read()
            if lines[: len(_FIRST)] != _FIRST[: len(lines)]:
                raise ValueError("Invalid log: it begins as no journal does")
            whole = lines.rfind(b"\n") + 1
            if whole < len(lines):
                file.truncate(whole)
    finally:
        lock.release()
