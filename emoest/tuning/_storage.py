"""Where a study is kept: a data base or a journal, and what may be wrong with it."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_ATTEMPTS = 10
"""How often a storage is opened while another process makes it."""

_LOCK_SECONDS = 60
"""How long a process waits for another one that writes into the same file."""

_HEARTBEAT_SECONDS = 60
"""How often a worker on a server says that its trial still runs."""

_DATABASES = {".db", ".sqlite", ".sqlite3"}

_BROKEN = "It is no journal of Optuna, or a line of it is broken: name another storage."

_REASONS = {
    "locked": "Another program holds it. Close that, or wait, and fit again.",
    "full": "The disk is full. Make room and fit again.",
    "No space left": "The disk is full. Make room and fit again.",
    "Disk quota": "Your quota of the disk is used up. Make room and fit again.",
    "File too large": "The file may not grow any more. Make room and fit again.",
    "disk I/O error": "The disk is full or broken. Make room and fit again.",
    "readonly": "It may be read only. Give the permission to write, or name another storage.",
    "Permission denied": "Give the permission to write, or name another storage.",
    "Read-only": "It may be read only. Give the permission to write, or name another storage.",
    "not a database": "It is a file of another kind. Name another storage.",
    "no such table": "It holds something else than studies of Optuna. Name another storage.",
    "no such column": "It is of another version of Optuna: run `optuna storage upgrade`.",
    "unable to open": "Its folder is not there, or may not be written.",
    "No such file": "Its folder is not there.",
    "unable to connect": "Its server gives no answer.",
    "JSONDecodeError": _BROKEN,
    "Invalid log": _BROKEN,
}


_OF_STORAGE = ("optuna.storages", "emoest.tuning._storage", "emoest.tuning._journal")


class StudyStorageError(OSError):
    """The storage of a study could not be read or written; what it holds already is kept."""


def open_storage(storage: Any) -> Any:
    """Open what `storage` names; several processes may do so, and make its tables, at once.

    An address (``"sqlite:///search.db"``) or a file that ends in ``.db`` is a data base, any other
    file a journal. Objects of Optuna, and None, stay as they are.
    """
    if not isinstance(storage, str | os.PathLike):
        return storage
    name = os.fspath(storage)
    if "://" not in name:
        path = Path(name).expanduser().absolute()
        if path.suffix.lower() not in _DATABASES:
            from emoest.tuning._journal import open_journal

            return open_journal(path)
        name = f"sqlite:///{path}"
    return _open_database(name)


def _open_database(url: str) -> Any:
    from optuna.storages import RDBStorage
    from sqlalchemy.exc import DatabaseError

    if url.startswith("sqlite"):
        # SQLite lets one write at a time, and gives up on the others after five seconds.
        options: dict[str, Any] = {"engine_kwargs": {"connect_args": {"timeout": _LOCK_SECONDS}}}
    else:
        # Nobody here can see whether a process on another machine still runs.
        options = {"heartbeat_interval": _HEARTBEAT_SECONDS}
    for attempt in range(_ATTEMPTS):
        try:
            return RDBStorage(url, **options)
        except DatabaseError:
            # Another process has begun to make the tables: they are there in a moment.
            if attempt == _ATTEMPTS - 1:
                raise
            time.sleep(0.1 * (attempt + 1))
    return None


def is_of_storage(error: BaseException) -> bool:
    """Check whether an error was raised by a storage of Optuna, not by what is tuned."""
    trace, names = error.__traceback__, []
    while trace is not None:
        names.append(trace.tb_frame.f_globals.get("__name__", ""))
        trace = trace.tb_next
    # The first is where the error was caught, in this module or another.
    return any(name.startswith(_OF_STORAGE) for name in names[1:])


@contextmanager
def storage_errors(storage: Any) -> Iterator[None]:
    """Raise errors of the storage as StudyStorageError, with what to do."""
    try:
        yield
    except Exception as error:
        chain = list(_chain(error))
        if not any(map(is_of_storage, chain)):
            raise
        texts = [f"{type(each).__name__}: {str(each).splitlines()[0]}" for each in chain]
        found = [(text, say) for text in texts for key, say in _REASONS.items() if key in text]
        text, advice = found[0] if found else (texts[-1], "")
        raise StudyStorageError(
            f"The study in {str(storage)!r} could not be read or written ({text}). {advice} "
            "Finished trials that it holds are kept, and the next fit goes on from them."
        ) from error


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """An error and those that led to it: Optuna fails again where it cleans up."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
