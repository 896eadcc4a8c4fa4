"""Downloads that can be trusted: resumed, checked by digest, unpacked without leaving a folder."""

import contextlib
import os
import shutil
import stat
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    import requests

CHUNK_BYTES = 1 << 16
TIMEOUT = 30
MAX_UNPACKED_BYTES = 64 * 2**30
MAX_MEMBERS = 200_000

_READ_ERRORS = (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, NotImplementedError)


class UnsafeArchiveError(ValueError):
    """An archive would write outside its folder, hold links, or fill the disk."""


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


def find_digest(path: Path, algorithm: str = "sha256") -> str:
    """Digest of a file, in hexadecimal.

    Parameters
    ----------
    path : Path
        The file.
    algorithm : str, default="sha256"
        Name of the algorithm in `hashlib`.

    Returns
    -------
    digest : str

    Examples
    --------
    >>> path = Path(tempfile.mkdtemp()) / "a"
    >>> path.write_bytes(b"")
    0
    >>> find_digest(path, "md5")
    'd41d8cd98f00b204e9800998ecf8427e'
    """
    import pooch

    return str(pooch.file_hash(str(path), alg=algorithm))


def check_digest(
    path: Path, digest: str, *, what: str = "file", size: int | None = None, remedy: str
) -> None:
    """Raise `ValueError` if a file does not have the digest that it should have.

    Parameters
    ----------
    path : Path
        The file.
    digest : str
        The digest that is expected, as in `RemoteFile`.
    what : str, default="file"
        What to call it in the message.
    size : int, default=None
        Its size in bytes, if that is known.
    remedy : str
        The end of the message: what to do.

    Examples
    --------
    >>> path = Path(tempfile.mkdtemp()) / "a.zip"
    >>> _ = path.write_bytes(b"")
    >>> check_digest(path, "md5:00", remedy="Get it again.")
    Traceback (most recent call last):
        ...
    ValueError: The file '...a.zip' is corrupted or truncated: expected md5 00, found d41d8...
    """
    algorithm, _, expected = digest.rpartition(":")
    algorithm = algorithm or "sha256"
    found = find_digest(path, algorithm)
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
    headers = {"Accept-Encoding": "identity"}
    if done:
        headers["Range"] = f"bytes={done}-"
    get = requests.get if session is None else session.get
    with get(file.url, headers=headers, stream=True, timeout=TIMEOUT) as response:
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


def unpack(
    archive: str | os.PathLike[str],
    folder: str | os.PathLike[str],
    *,
    max_bytes: int = MAX_UNPACKED_BYTES,
    max_members: int = MAX_MEMBERS,
) -> Path:
    """Unpack a zip or tar archive into a new folder, which is there only once all is well.

    No member is written outside the folder, through a link, or beyond the limits: all names and
    sizes are looked at first, and bytes are counted again while they are written, since an archive
    may lie. Permissions of the archive are not taken over.

    Parameters
    ----------
    archive : str or path object
        A zip archive, or a tar archive of any compression.
    folder : str or path object
        Where its members go. It must be absent or empty.
    max_bytes : int, default=64 GiB
        How large all members may be together.
    max_members : int, default=200000
        How many there may be.

    Returns
    -------
    folder : Path

    Raises
    ------
    UnsafeArchiveError
        If a member has an absolute path or a path with ``..``, is a link or a device, comes twice,
        or if the limits are passed; nothing is left behind.
    ValueError
        If it is no archive, or a damaged one.
    FileExistsError
        If the folder is not empty.

    Examples
    --------
    >>> here = Path(tempfile.mkdtemp())
    >>> with zipfile.ZipFile(here / "a.zip", "w") as file:
    ...     file.writestr("Actor_01/a.txt", "Hm.")
    >>> (unpack(here / "a.zip", here / "a") / "Actor_01" / "a.txt").read_text()
    'Hm.'
    """
    archive, folder = Path(archive), Path(folder)
    if folder.exists() and any(folder.iterdir()):
        raise FileExistsError(f"{str(folder)!r} is not empty. Choose an empty or a new folder.")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as scratch:
        inside = Path(scratch) / "unpacked"
        inside.mkdir()
        try:
            with _open_archive(archive) as opened:
                _write_members(opened, inside, archive, max_bytes, max_members)
        except _READ_ERRORS as error:
            raise ValueError(
                f"{str(archive)!r} is damaged or no zip or tar archive ({error}). Get it again."
            ) from error
        if folder.exists():
            folder.rmdir()
        shutil.move(inside, folder)
    return folder


@contextlib.contextmanager
def _open_archive(archive: Path) -> Iterator[zipfile.ZipFile | tarfile.TarFile]:
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as opened:
            yield opened
    else:
        with tarfile.open(archive) as opened_tar:
            yield opened_tar


def _write_members(
    opened: zipfile.ZipFile | tarfile.TarFile,
    folder: Path,
    archive: Path,
    max_bytes: int,
    max_members: int,
) -> None:
    members: list[zipfile.ZipInfo] | list[tarfile.TarInfo]
    members = opened.infolist() if isinstance(opened, zipfile.ZipFile) else opened.getmembers()
    if len(members) > max_members:
        raise UnsafeArchiveError(
            f"{str(archive)!r} has {len(members):,} members; {max_members:,} are allowed."
        )
    seen: set[str] = set()
    left = max_bytes
    for member in members:
        _check_member(member, archive)
        name = _name(member)
        if not _is_folder(member) and name in seen:
            raise UnsafeArchiveError(f"{str(archive)!r} has {name!r} twice.")
        seen.add(name)
        left -= _size(member)
    _check_room(left, archive, max_bytes)
    left = max_bytes
    for member in members:
        path = folder / _name(member)
        if _is_folder(member):
            path.mkdir(parents=True, exist_ok=True)
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        with _open_member(opened, member) as source, open(path, "xb") as sink:
            while chunk := source.read(CHUNK_BYTES):
                left -= len(chunk)
                _check_room(left, archive, max_bytes)
                sink.write(chunk)


def _check_room(left: int, archive: Path, max_bytes: int) -> None:
    if left < 0:
        raise UnsafeArchiveError(
            f"{str(archive)!r} unpacks to more than the {max_bytes:,} bytes that are allowed."
        )


def _check_member(member: zipfile.ZipInfo | tarfile.TarInfo, archive: Path) -> None:
    name = _name(member)
    parts = [*PurePosixPath(name).parts, *PureWindowsPath(name).parts]
    windows = PureWindowsPath(name)
    if name.startswith(("/", "\\")) or windows.drive or ".." in parts or "\0" in name:
        raise UnsafeArchiveError(
            f"{str(archive)!r} has the member {name!r}, which would be written outside the folder. "
            "Nothing was unpacked; do not use this archive."
        )
    if isinstance(member, zipfile.ZipInfo):
        kind = stat.S_IFMT(member.external_attr >> 16)
        plain = kind in (0, stat.S_IFREG, stat.S_IFDIR)
        if member.flag_bits & 1:
            raise ValueError(f"{str(archive)!r} is encrypted. Unpack it yourself.")
    else:
        plain = member.isreg() or member.isdir()
    if not plain:
        raise UnsafeArchiveError(
            f"{str(archive)!r} has the member {name!r}, which is a link or a device. Nothing was "
            "unpacked; do not use this archive."
        )


def _open_member(
    opened: zipfile.ZipFile | tarfile.TarFile, member: zipfile.ZipInfo | tarfile.TarInfo
) -> IO[bytes]:
    if isinstance(opened, zipfile.ZipFile):
        assert isinstance(member, zipfile.ZipInfo)
        return opened.open(member)
    assert isinstance(member, tarfile.TarInfo)
    source = opened.extractfile(member)
    assert source is not None
    return source


def _name(member: zipfile.ZipInfo | tarfile.TarInfo) -> str:
    return member.filename if isinstance(member, zipfile.ZipInfo) else member.name


def _size(member: zipfile.ZipInfo | tarfile.TarInfo) -> int:
    return member.file_size if isinstance(member, zipfile.ZipInfo) else member.size


def _is_folder(member: zipfile.ZipInfo | tarfile.TarInfo) -> bool:
    return member.is_dir() if isinstance(member, zipfile.ZipInfo) else member.isdir()
