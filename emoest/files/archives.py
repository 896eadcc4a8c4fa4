"""Archives unpacked without leaving a folder, following a link or filling the disk."""

import os
import shutil
import stat
import tarfile
import tempfile
import zipfile
import zlib
from pathlib import Path, PurePosixPath, PureWindowsPath

MAX_UNPACKED_BYTES = 64 * 2**30
MAX_MEMBERS = 200_000

_READ_ERRORS = (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, NotImplementedError)


class UnsafeArchiveError(ValueError):
    """An archive would write outside its folder, hold links, or fill the disk."""


def unpack(
    archive: str | os.PathLike[str],
    folder: str | os.PathLike[str],
    *,
    max_bytes: int = MAX_UNPACKED_BYTES,
    max_members: int = MAX_MEMBERS,
) -> Path:
    """Unpack a zip or tar archive into a new folder, which is there only once all is well.

    No member is written outside the folder, through a link, or beyond the limits: all names and
    sizes are looked at before anything is written. Permissions and times of the archive are not
    taken over.

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
            if zipfile.is_zipfile(archive):
                with zipfile.ZipFile(archive) as opened_zip:
                    _check_members(opened_zip.infolist(), archive, max_bytes, max_members)
                    opened_zip.extractall(inside)
            else:
                with tarfile.open(archive) as opened:
                    _check_members(opened.getmembers(), archive, max_bytes, max_members)
                    # Not the argument `filter`, which Python 3.11 has from 3.11.4 on only.
                    opened.extraction_filter = _plain_data
                    opened.extractall(inside)
        except _READ_ERRORS as error:
            raise ValueError(
                f"{str(archive)!r} is damaged or no zip or tar archive ({error}). Get it again."
            ) from error
        if folder.exists():
            folder.rmdir()
        shutil.move(inside, folder)
    return folder


def _plain_data(member: tarfile.TarInfo, folder: str) -> tarfile.TarInfo:
    """Apply the filter for data of `tarfile`, and leave out permissions and times as well."""
    kept = tarfile.data_filter(member, folder)
    return kept.replace(mode=None, mtime=None)  # type: ignore[arg-type]


def _check_members(
    members: list[zipfile.ZipInfo] | list[tarfile.TarInfo],
    archive: Path,
    max_bytes: int,
    max_members: int,
) -> None:
    if len(members) > max_members:
        raise UnsafeArchiveError(
            f"{str(archive)!r} has {len(members):,} members; {max_members:,} are allowed."
        )
    seen: set[str] = set()
    n_bytes = 0
    for member in members:
        name, size, is_folder = _check_member(member, archive)
        if not is_folder and name in seen:
            raise UnsafeArchiveError(f"{str(archive)!r} has {name!r} twice.")
        seen.add(name)
        n_bytes += size
    # Neither reader writes more of a member than the size that is counted here: zipfile stops
    # there and then finds another checksum, and a tar archive holds no more of it.
    if n_bytes > max_bytes:
        raise UnsafeArchiveError(
            f"{str(archive)!r} unpacks to more than the {max_bytes:,} bytes that are allowed."
        )


def _check_member(
    member: zipfile.ZipInfo | tarfile.TarInfo, archive: Path
) -> tuple[str, int, bool]:
    """Return name, size and whether it is a folder, of a member that may be written."""
    if isinstance(member, zipfile.ZipInfo):
        name, size, is_folder = member.filename, member.file_size, member.is_dir()
        kind = stat.S_IFMT(member.external_attr >> 16)
        plain = kind in (0, stat.S_IFREG, stat.S_IFDIR)
        if member.flag_bits & 1:
            raise ValueError(f"{str(archive)!r} is encrypted. Unpack it yourself.")
    else:
        name, size, is_folder = member.name, member.size, member.isdir()
        plain = member.isreg() or is_folder
    # zipfile would rename such members without a word and tarfile some of them, so that a file
    # would stand where no loader looks for it; an archive of a corpus has none.
    windows = PureWindowsPath(name)
    parts = (*PurePosixPath(name).parts, *windows.parts)
    if name.startswith(("/", "\\")) or windows.drive or ".." in parts or "\0" in name:
        raise UnsafeArchiveError(
            f"{str(archive)!r} has the member {name!r}, which would be written outside the folder. "
            "Nothing was unpacked; do not use this archive."
        )
    if not plain:
        raise UnsafeArchiveError(
            f"{str(archive)!r} has the member {name!r}, which is a link or a device. Nothing was "
            "unpacked; do not use this archive."
        )
    return name, size, is_folder
