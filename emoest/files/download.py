"""Downloads that can be trusted: resumed, and checked by digest before they take their name."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import requests

CHUNK_BYTES = 1 << 16
TIMEOUT = 30


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
    verbose: int = 0,
) -> None:
    """Download a file once: to ``<file>.part``, checked, then renamed; one process at a time.

    A download that was interrupted is continued where it stopped if the server can do so.

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
    verbose : int, default=0
        Above 0 a bar shows the progress.

    Raises
    ------
    ValueError
        If what was sent has another digest or size; it is removed.
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
    part = path.with_name(f"{path.name}.part")
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_name(f"{path.name}.lock")):
        if path.exists():
            return
        try:
            _receive(file, part, name, session, verbose)
        except requests.RequestException as error:
            kept = part.stat().st_size if part.exists() else 0
            total = f"{file.size:,}" if file.size else "an unknown number of"
            resume = f" {kept:,} of {total} bytes are kept; call again to go on." if kept else ""
            raise ConnectionError(
                f"The {what} {name!r} could not be downloaded from {file.url} ({error})."
                f"{resume}{by_hand and ' '}{by_hand}"
            ) from error
        try:
            _check_received(file, part, what)
        except ValueError:
            part.unlink()
            raise
        part.replace(path)


def _check_received(file: RemoteFile, part: Path, what: str) -> None:
    remedy = f"What {file.url} sent was removed; try again."
    if file.digest is not None:
        check_digest(part, file.digest, what=f"{what} file", size=file.size, remedy=remedy)
    elif file.size is not None and part.stat().st_size != file.size:
        raise ValueError(
            f"The {what} file {str(part)!r} is corrupted or truncated: expected {file.size:,} "
            f"bytes, found {part.stat().st_size:,}. {remedy}"
        )


def _receive(
    file: RemoteFile, part: Path, name: str, session: "requests.Session | None", verbose: int
) -> None:
    """Fill `part`, going on where it ends if the server can do so."""
    import requests
    from tqdm import tqdm

    done = part.stat().st_size if part.exists() else 0
    if file.size is not None and done == file.size:
        return
    if file.size is not None and done > file.size:
        part.unlink()
        done = 0
    # Compressed on the way, bytes could be neither counted nor continued.
    headers = {"Accept-Encoding": "identity"}
    if done:
        headers["Range"] = f"bytes={done}-"
    get = requests.get if session is None else session.get
    with get(file.url, headers=headers, stream=True, timeout=TIMEOUT) as response:
        # There is nothing behind what is here: the file is whole, or its digest says otherwise.
        if response.status_code == requests.codes.requested_range_not_satisfiable and done:
            return
        response.raise_for_status()
        resumed = response.status_code == requests.codes.partial_content
        coming = response.headers.get("Content-Length")
        start = done if resumed else 0
        total = file.size or (start + int(coming) if coming else None)
        with (
            open(part, "ab" if resumed else "wb") as sink,
            tqdm(
                total=total,
                initial=start,
                desc=name,
                unit="B",
                unit_scale=True,
                disable=verbose < 1,
            ) as bar,
        ):
            for chunk in response.iter_content(CHUNK_BYTES):
                sink.write(chunk)
                bar.update(len(chunk))
                if file.size is not None and sink.tell() > file.size:
                    break
