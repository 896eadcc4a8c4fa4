"""Files that a repository keeps in Git LFS: read their pointers, and download them one by one."""

import re
import threading
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

from emoest.datasets._fetching.sources import LargeFiles
from emoest.files.download import RemoteFile, check_digest, download
from emoest.utils.messages import listed
from emoest.utils.progress import progress

CONNECTIONS = 4
RETRIES = 4
BACKOFF = 1.0
"""Seconds before the first new try; each further one waits twice as long."""

_LONGEST_WAIT = 60.0
# The specification of Git LFS demands that a pointer is shorter than this.
_POINTER_BYTES = 1024
_TABLE_BYTES = 2**24
_POINTER = re.compile(
    r"version https://git-lfs\.github\.com/spec/v1\n"
    r"(?:ext-\S+ \S+\n)*oid sha256:(?P<sha256>[0-9a-f]{64})\nsize (?P<size>[0-9]+)\n?"
)
_PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


def read_pointers(archive: Path, large: LargeFiles) -> dict[str, RemoteFile]:
    r"""Read what the archive of a repository tells about its large files.

    An archive of a repository holds, in the place of a file in Git LFS, a text of three lines with
    the file's SHA-256 and size. Nothing is unpacked, and only plain names are taken. All members
    of the archive lie in one folder; a damaged archive, one without such files, or something else
    in the place of a pointer is an error. Files are returned by name, in alphabetical order.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "a.zip"
    >>> pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize 9\n"
    >>> with zipfile.ZipFile(path, "w") as file:
    ...     file.writestr("CREMA-D-1/AudioWAV/a.wav", pointer)
    >>> large = LargeFiles("https://localhost/", "AudioWAV", ".wav", 9, 1)
    >>> read_pointers(path, large)["a.wav"].size
    9
    """
    found = {}
    with _opened(archive) as opened:
        for member in sorted(opened.infolist(), key=lambda member: member.filename):
            path = PurePosixPath(member.filename)
            if len(path.parts) != 3 or path.parts[1] != large.folder or path.suffix != large.suffix:
                continue
            if not _PLAIN_NAME.fullmatch(path.name):
                raise ValueError(
                    f"{str(archive)!r} has the member {member.filename!r}, whose name is none of a "
                    "clip. Nothing was downloaded; do not use this archive."
                )
            content = opened.open(member).read(_POINTER_BYTES).decode("ascii", errors="replace")
            match = _POINTER.fullmatch(content)
            if match is None:
                raise ValueError(
                    f"{member.filename!r} in {str(archive)!r} is no pointer of Git LFS, so that "
                    "nobody tells its digest. Get the archive again."
                )
            url = f"{large.url}{large.folder}/{path.name}"
            found[path.name] = RemoteFile(url, match["sha256"], int(match["size"]))
    if not found:
        raise ValueError(
            f"{str(archive)!r} has no file like '*/{large.folder}/*{large.suffix}'. Get it again."
        )
    return found


def copy_tables(archive: Path, large: LargeFiles, folder: Path) -> None:
    """Copy the small files that are stored next to the large ones out of an archive to a folder.

    A damaged archive, or one that lacks such a file, is an error, and so is a file of over 16 MiB.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "a.zip"
    >>> with zipfile.ZipFile(path, "w") as file:
    ...     file.writestr("CREMA-D-1/names.csv", "Filename")
    >>> copy_tables(path, LargeFiles("", "AudioWAV", ".wav", 0, 0, ("names.csv",)), path.parent)
    >>> (path.parent / "names.csv").read_text()
    'Filename'
    """
    with _opened(archive) as opened:
        by_path = {"/".join(PurePosixPath(name).parts[1:]): name for name in opened.namelist()}
        for table in large.tables:
            if table not in by_path:
                raise ValueError(f"{str(archive)!r} has no {table!r}. Get it again.")
            content = opened.open(by_path[table]).read(_TABLE_BYTES + 1)
            if len(content) > _TABLE_BYTES:
                raise ValueError(f"{table!r} in {str(archive)!r} is larger than 16 MiB.")
            (folder / table).write_bytes(content)


@contextmanager
def _opened(archive: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(archive) as opened:
            yield opened
    # zipfile raises RuntimeError for encrypted members.
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise ValueError(
            f"{str(archive)!r} is damaged or no zip archive ({error}). Get it again."
        ) from error


def download_all(
    files: Mapping[str, RemoteFile],
    folder: Path,
    *,
    corpus: str,
    by_hand: str = "",
    connections: int = CONNECTIONS,
    verbose: int = 0,
) -> None:
    """Download many files, a few at a time; those that are there and whole are not asked for.

    A file that is broken off is continued, and tried again a few times, as is a server that is busy
    (status 429 or from 500 on); its ``Retry-After`` is heeded up to a minute. Parameters and errors
    are those of `emoest.files.download.download`, for all files together; what came before an error
    is kept, and the message counts it.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> (folder / "a").touch()
    >>> empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    >>> download_all({"a": RemoteFile("https://localhost/a", empty, 0)}, folder, corpus="cremad")
    """
    folder.mkdir(parents=True, exist_ok=True)
    absent = {name: file for name, file in files.items() if not _is_whole(folder / name, file)}
    total = sum(file.size or 0 for file in files.values())
    coming = sum(file.size or 0 for file in absent.values())
    begun = total - coming
    with progress(
        total, corpus, verbose, leave=True, initial=begun, unit="B", unit_scale=True
    ) as bar:
        try:
            for file in _download_some(absent, folder, corpus, connections):
                bar.update(file.size or 0)
        except ConnectionError as error:
            raise ConnectionError(_how_far(files, folder, corpus, error, by_hand)) from error


def _download_some(
    files: Mapping[str, RemoteFile], folder: Path, corpus: str, connections: int
) -> Iterator[RemoteFile]:
    """Yield the files as they come; the first error ends all, once those on their way are here."""
    sessions = threading.local()
    stop = threading.Event()
    with ThreadPoolExecutor(connections) as pool:
        futures = {
            pool.submit(_download_one, file, folder / name, corpus, sessions, stop): file
            for name, file in files.items()
        }
        try:
            for future in as_completed(futures):
                future.result()
                yield futures[future]
        finally:
            stop.set()
            pool.shutdown(cancel_futures=True)


def _is_whole(path: Path, file: RemoteFile) -> bool:
    """Check whether a file is there with its digest, and remove one that is damaged."""
    if not path.exists():
        return False
    try:
        check_digest(path, file.digest or "", remedy="")
    except ValueError:
        path.unlink()
        return False
    return True


def _download_one(
    file: RemoteFile, path: Path, corpus: str, sessions: threading.local, stop: threading.Event
) -> None:
    import requests

    # A session is not safe between threads, and one a file would open a connection a file.
    if not hasattr(sessions, "session"):
        sessions.session = requests.Session()
    for attempt in range(RETRIES + 1):
        if stop.is_set():
            return
        try:
            download(file, path, what=f"file of {corpus}", session=sessions.session)
            return
        except ConnectionError as error:
            wait = _seconds_to_wait(error, attempt)
            if wait is None:
                raise
            stop.wait(wait)


def _seconds_to_wait(error: ConnectionError, attempt: int) -> float | None:
    """Return the seconds before the next try; None if there is no use in one."""
    response = getattr(error.__cause__, "response", None)
    if attempt == RETRIES or (
        response is not None and response.status_code != 429 and response.status_code < 500
    ):
        return None
    asked: Any = response.headers.get("Retry-After", "") if response is not None else ""
    wait = float(asked) if asked.isdigit() else BACKOFF * 2.0**attempt
    return min(wait, _LONGEST_WAIT)


def _how_far(
    files: Mapping[str, RemoteFile], folder: Path, corpus: str, error: Exception, by_hand: str
) -> str:
    absent = [name for name in files if not (folder / name).exists()]
    return (
        f"{len(files) - len(absent):,} of {len(files):,} files of {corpus} are here and kept; call "
        f"again to go on. Absent are {listed(absent)}. {error}{by_hand and ' '}{by_hand}"
    )
