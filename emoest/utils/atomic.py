"""Files that are written whole: under a temporary name first, then renamed into place."""

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

# A folder that another process removes is made anew, unless that goes on and on.
_ATTEMPTS = 5


@contextmanager
def written_whole(target: Path) -> Iterator[BinaryIO]:
    """Open a temporary file that becomes `target` at the end, so that nobody reads half a file.

    Parent folders are made. If the block raises, there is no file afterwards. If another process
    removes the temporary file meanwhile, `FileNotFoundError` is raised.

    Examples
    --------
    >>> import tempfile
    >>> target = Path(tempfile.mkdtemp()) / "a" / "b.txt"
    >>> with written_whole(target) as file:
    ...     _ = file.write(b"all of it")
    >>> target.read_bytes()
    b'all of it'
    """
    temporary = target.with_name(f"{target.name}.{os.getpid()}-{uuid.uuid4().hex}.tmp")
    file = _opened(temporary)
    try:
        with file:
            yield file
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def _opened(path: Path) -> BinaryIO:
    for _ in range(_ATTEMPTS - 1):
        # Both errors come up where the folder is removed at that moment, between two calls.
        with suppress(FileNotFoundError, FileExistsError):
            path.parent.mkdir(parents=True, exist_ok=True)
            return open(path, "wb")
    path.parent.mkdir(parents=True, exist_ok=True)
    return open(path, "wb")
