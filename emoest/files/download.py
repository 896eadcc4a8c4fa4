"""Downloads that can be trusted: resumed, and checked by digest before they take their name."""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from emoest.utils.progress import progress

if TYPE_CHECKING:
    import requests

CHUNK_BYTES = 1 << 16
TIMEOUT = 30
MAX_BYTES = 4 * 2**30
"""How much is received of a file whose size nobody told."""

# Statuses of HTTP: the whole file, what was asked for, nothing there; errors begin at 400.
_WHOLE, _FROM_THERE, _NO_MORE, _ERRORS = 200, 206, 416, 400
_CONTENT_RANGE = re.compile(r"bytes (?:(?P<start>[0-9]+)-[0-9]+|\*)/(?P<total>[0-9]+|\*)")


@dataclass(frozen=True)
class RemoteFile:
    """A file to download, and what is known about it.

    Parameters
    ----------
    url : str
        Where it is.
    digest : str or None
        Its digest in hexadecimal, ``"<algorithm>:<digest>"`` or plain for sha256; None if unknown.
    size : int or None
        Its size in bytes; None if unknown.
    """

    url: str
    digest: str | None = None
    size: int | None = None

    @property
    def file_name(self) -> str:
        """Last part of the address."""
        return self.url.rsplit("/", 1)[-1]


def check_digest(
    path: Path, digest: str, *, what: str = "file", size: int | None = None, remedy: str
) -> None:
    """Raise `ValueError` if a file does not have the digest that it should have.

    `digest` is as in `RemoteFile`; `what` names the file in the message, `size` is its size in
    bytes if that is known, and `remedy` ends the message: what to do.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "a.zip"
    >>> _ = path.write_bytes(b"")
    >>> check_digest(path, "md5:00", remedy="Get it again.")
    Traceback (most recent call last):
        ...
    ValueError: The file '...a.zip' is corrupted or truncated: expected md5 00, found d41d8...
    """
    algorithm, _, expected = digest.rpartition(":")
    algorithm = algorithm or "sha256"
    with open(path, "rb") as opened:
        found = hashlib.file_digest(opened, algorithm).hexdigest()
    if found == expected.lower():
        return
    shown = f" ({size:,} bytes)" if size else ""
    raise ValueError(
        f"The {what} {str(path)!r} is corrupted or truncated: expected {algorithm} {expected}"
        f"{shown}, found {found} ({path.stat().st_size:,} bytes). {remedy}"
    )


def download(
    file: RemoteFile,
    path: Path,
    *,
    what: str = "file",
    name: str | None = None,
    by_hand: str = "",
    session: "requests.Session | None" = None,
    max_bytes: int = MAX_BYTES,
    verbose: int = 0,
) -> None:
    """Download a file once: to ``<file>.part``, checked, then renamed; one process at a time.

    A download that was interrupted is continued where it stopped if the server can do so and says
    that the file is still the same; otherwise it begins anew. Without a digest, a server that
    names no version of the file (ETag, Last-Modified) is not believed. More bytes than the file
    has are not received.

    Parameters
    ----------
    file : RemoteFile
        The file. Without a digest only its size is checked, if that is known.
    path : Path
        Where to write it; nothing happens if it is there.
    what : str, default="file"
        What kind of file it is, for messages.
    name : str, default=None
        Its name in messages and in the progress bar; None takes that of `path`.
    by_hand : str, default=""
        The end of the message when there is no network: what to do instead.
    session : requests.Session, default=None
        Keeps the connection open between files of one server; one session per thread.
    max_bytes : int, default=4 * 2**30
        How much is received of a file of unknown size.
    verbose : int, default=0
        Above 0 a bar shows the progress.

    Raises
    ------
    ValueError
        If what was sent has another digest or size, or does not end; it is removed.
    ConnectionError
        If the file cannot be downloaded; what came is kept.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "a"
    >>> path.touch()
    >>> download(RemoteFile("https://localhost/a"), path)
    """
    import requests
    from filelock import FileLock

    name = name or path.name
    part = _Part(path)
    transfer = _Transfer(file, part, name, session, file.size or max_bytes, verbose)
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_name(f"{path.name}.lock")):
        if path.exists():
            return
        try:
            resumed = transfer.receive()
            if resumed and not _is_right(file, part.path):
                # The beginning may be that of another version: all of it once more.
                part.remove()
                transfer.receive()
            _check_received(file, part.path, what)
        except requests.RequestException as error:
            total = f"{file.size:,}" if file.size else "an unknown number of"
            kept = part.size()
            resume = f" {kept:,} of {total} bytes are kept; call again to go on." if kept else ""
            raise ConnectionError(
                f"The {what} {name!r} could not be downloaded from {file.url} ({error})."
                f"{resume}{by_hand and ' '}{by_hand}"
            ) from error
        except ValueError:
            part.remove()
            raise
        part.path.replace(path)
        part.remove()


class _Part:
    """What came of a file so far, and beside it the version that the server gave it."""

    def __init__(self, path: Path) -> None:
        self.path = path.with_name(f"{path.name}.part")
        self._version = path.with_name(f"{path.name}.part.version")

    def size(self) -> int:
        return self.path.stat().st_size if self.path.exists() else 0

    def remove(self) -> None:
        self.path.unlink(missing_ok=True)
        self._version.unlink(missing_ok=True)

    def version(self) -> str | None:
        try:
            return self._version.read_text(encoding="latin-1") or None
        except OSError:
            return None

    def note_version(self, version: str | None) -> None:
        if version is not None:
            self._version.write_text(version, encoding="latin-1")


def _is_right(file: RemoteFile, part: Path) -> bool:
    try:
        _check_received(file, part, "")
    except ValueError:
        return False
    return True


def _check_received(file: RemoteFile, part: Path, what: str) -> None:
    remedy = f"What {file.url} sent was removed; try again."
    if file.digest is not None:
        check_digest(part, file.digest, what=f"{what} file", size=file.size, remedy=remedy)
    elif file.size is not None and part.stat().st_size != file.size:
        raise ValueError(
            f"The {what} file {str(part)!r} is corrupted or truncated: expected {file.size:,} "
            f"bytes, found {part.stat().st_size:,}. {remedy}"
        )


@dataclass(frozen=True)
class _Transfer:
    """One file on its way; `limit` is the number of bytes that are received at most."""

    file: RemoteFile
    part: _Part
    name: str
    session: "requests.Session | None"
    limit: int
    verbose: int

    def receive(self) -> bool:
        """Fill the part, going on where it ends if that can be trusted; return whether it was."""
        done = self.part.size()
        if self.file.size is not None and done == self.file.size:
            return True
        # Without a version and without a digest nobody would notice that the file changed.
        unknown = self.part.version() is None and self.file.digest is None
        if done > self.limit or unknown:
            done = 0
        with self._get(done) as response:
            # The server has no more than what is here.
            if done and response.status_code == _NO_MORE and _range_of(response) == (None, done):
                return True
            if done and not self._goes_on(response, done):
                if response.status_code != _WHOLE:
                    self.part.remove()
                    return self.receive()
                done = 0
            response.raise_for_status()
            self._refuse_length(response, done)
            if not done:
                self.part.remove()
                self.part.note_version(_version_of(response))
            self._write(response, done)
        return done > 0

    def _get(self, done: int) -> "requests.Response":
        import requests

        headers = {"Accept-Encoding": "identity"}
        version = self.part.version()
        if done:
            headers["Range"] = f"bytes={done}-"
        if done and version is not None:
            headers["If-Range"] = version
        get = requests.get if self.session is None else self.session.get
        return get(self.file.url, headers=headers, stream=True, timeout=TIMEOUT)

    def _goes_on(self, response: "requests.Response", done: int) -> bool:
        """Check whether a server sends what comes after the first bytes, of the same file."""
        if response.status_code >= _ERRORS and response.status_code != _NO_MORE:
            # Not an answer about the file: what is here stays for the next call.
            response.raise_for_status()
        if response.status_code != _FROM_THERE:
            return False
        start, total = _range_of(response)
        known, told = self.part.version(), _version_of(response)
        same = known is None or told is None or known == told
        return same and start == done and (total is None or total == (self.file.size or total))

    def _refuse_length(self, response: "requests.Response", done: int) -> None:
        """Raise before anything is received if the server announces too much."""
        told = response.headers.get("Content-Length", "")
        if told.isdigit() and done + int(told) > self.limit:
            raise ValueError(f"{self.file.url} announces {done + int(told):,} bytes{self._more()}")

    def _more(self) -> str:
        known = self.file.size is not None
        why = "the size of the known file" if known else "the most for a file of unknown size"
        return f", more than {self.limit:,}, {why}. What came was removed."

    def _write(self, response: "requests.Response", done: int) -> None:
        coming = response.headers.get("Content-Length", "")
        with (
            open(self.part.path, "ab" if done else "wb") as sink,
            progress(
                self.file.size or (done + int(coming) if coming.isdigit() else None),
                self.name,
                self.verbose,
                leave=True,
                initial=done,
                unit="B",
                unit_scale=True,
            ) as bar,
        ):
            for chunk in response.iter_content(CHUNK_BYTES):
                if sink.tell() + len(chunk) > self.limit:
                    raise ValueError(f"{self.file.url} sends on{self._more()}")
                sink.write(chunk)
                bar.update(len(chunk))


def _version_of(response: "requests.Response") -> str | None:
    """The version of a file that a server can compare by, which a weak ETag is not."""
    tag = response.headers.get("ETag", "")
    if tag and not tag.startswith("W/"):
        return tag
    return response.headers.get("Last-Modified") or None


def _range_of(response: "requests.Response") -> tuple[int | None, int | None]:
    """Start and total of ``Content-Range``, each None if it is not told."""
    match = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
    if match is None:
        return None, None
    start, total = match["start"], match["total"]
    return (
        None if start is None else int(start),
        None if total == "*" else int(total),
    )
