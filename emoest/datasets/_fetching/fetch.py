"""fetch_*: download the corpora that may be downloaded, and show their license."""

import os
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from emoest.datasets._fetching.folders import MARK, is_fetched, target_folder
from emoest.datasets._fetching.git_lfs import copy_tables, download_all, read_pointers
from emoest.datasets._fetching.sources import SOURCES, LargeFiles, Source
from emoest.datasets._reading.corpora import CORPORA
from emoest.datasets._reading.record import corpus_record
from emoest.files.archives import unpack
from emoest.files.digests import file_digest
from emoest.files.download import RemoteFile, check_digest, download
from emoest.utils.warn import warn_user

Digests = str | Mapping[str, str]


class UnverifiedDownloadWarning(UserWarning):
    """A file was downloaded whose true digest nobody told."""


def fetch_corpus(
    name: str,
    folder: str | os.PathLike[str] | None = None,
    *,
    sha256: Digests | None = None,
    verbose: int = 1,
) -> Path:
    """Download a corpus once, and return the folder for its loader.

    Before a download, the license and the source are written to standard error. A download that was
    interrupted is continued. Files are collected next to the folder and moved there when all is
    well, so that no half of a corpus is ever found; see `emoest.files.unpack` for the members of an
    archive that raise an error. The clips of CREMA-D are downloaded one by one, four at a time.

    Parameters
    ----------
    name : str
        Short name of the corpus: ``"cremad"`` (audio), ``"emodb"``, ``"goemotions"``, ``"isear"``,
        ``"meld"`` (texts) or ``"ravdess"`` (speech).
    folder : str or path object, default=None
        Where its files go; None takes a sub-folder of `corpora_folder`.
    sha256 : str or dict of str to str, default=None
        Digest of the file, or digests by file name. It is demanded instead of the known one, if
        any. Where none is known and none is given, a warning names the one that was found.
    verbose : int, default=1
        Above 0 a bar shows the progress.

    Returns
    -------
    folder : Path

    Raises
    ------
    ValueError
        If the corpus cannot be downloaded by anyone, if what was sent is corrupted, if an archive
        is damaged or would write outside its folder, or if `sha256` names no file.
    FileExistsError
        If the folder holds something that was not fetched.
    ConnectionError
        If there is no network; the message says what to do.

    Warns
    -----
    UnverifiedDownloadWarning
        If the true digest of a file is unknown.

    Examples
    --------
    >>> fetch_corpus("iemocap")
    Traceback (most recent call last):
    ValueError: 'iemocap' cannot be fetched; cremad, emodb, goemotions, isear, meld, ...
    """
    if name not in SOURCES:
        raise ValueError(_how_to_get(name))
    source = _with_digests(SOURCES[name], name, sha256)
    target = target_folder(name, folder)
    if is_fetched(name, folder):
        return target
    downloads = target.with_name(f".{target.name}-downloads")
    known = {file.file_name for file in source.files}
    if target.exists() and any(target.iterdir()):
        raise FileExistsError(
            f"{str(target)!r} holds files that were not fetched. Load them as they are, or fetch "
            f"{name!r} into another folder."
        )
    _show_license(name, source)
    for file in source.files:
        _download(file, downloads, name, source.max_bytes, verbose)
    if source.large is None:
        _put(source, downloads, target)
    else:
        _put_large(source.large, downloads / source.files[0].file_name, target, name, verbose)
    _mark(source, target)
    for path in downloads.iterdir():
        if path.name.removesuffix(".lock") in known:
            path.unlink()
    if not any(downloads.iterdir()):
        downloads.rmdir()
    return target


def _how_to_get(name: str) -> str:
    """Return the message for a corpus that cannot be fetched."""
    record, listed = corpus_record(name), CORPORA[name]
    if listed.access == "generated":
        return f"{name!r} is generated: call emoest.datasets.{listed.function}."
    end = "" if record.access.endswith(".") else "."
    return (
        f"{name!r} cannot be fetched; {', '.join(sorted(SOURCES))} can. How to get it: "
        f"{record.access}{end} Homepage: {record.homepage} . Then read it with "
        f"emoest.datasets.{listed.function}(folder). What is known about it: "
        f"datasets_cards/{name}.md in the repository of emoest."
    )


def _with_digests(source: Source, name: str, sha256: Digests | None) -> Source:
    """Replace digests of the table by those of the user."""
    if sha256 is None:
        return source
    names = [file.file_name for file in source.files]
    if isinstance(sha256, str):
        if len(names) > 1:
            raise ValueError(
                f"sha256 is one digest, but {name!r} has {len(names)} files: pass a dict with "
                f"digests of {', '.join(names)}."
            )
        sha256 = {names[0]: sha256}
    for key, digest in sha256.items():
        if key not in names:
            raise ValueError(f"sha256 names {key!r}; {name!r} has {', '.join(names)}.")
        if not re.fullmatch("[0-9a-fA-F]{64}", digest):
            raise ValueError(
                f"sha256 of {key!r} is {digest!r}, which is no SHA-256: 64 hexadecimal digits are."
            )
    files = (replace(file, digest=sha256.get(file.file_name, file.digest)) for file in source.files)
    return replace(source, files=tuple(files))


def _show_license(name: str, source: Source) -> None:
    record = corpus_record(name)
    urls = [file.url for file in source.files]
    if source.large is not None:
        urls.append(f"{source.large.url}{source.large.folder}")
    # To standard error, so that the output of a script stays its own.
    print(
        f"{record.title}\nLicense: {record.license}\nCite: {record.citation}\n"
        f"From: {', '.join(urls)} ({source.describe_size()})\n{source.origin}",
        file=sys.stderr,
        flush=True,
    )


def _download(file: RemoteFile, downloads: Path, name: str, max_bytes: int, verbose: int) -> None:
    path = downloads / file.file_name
    # A file of an earlier call is used again, but may have been damaged since.
    if path.exists() and file.digest is not None:
        check_digest(path, file.digest, remedy="Delete it and fetch again.")
    download(
        file,
        path,
        what=f"file of {name}",
        by_hand=_by_hand(name),
        max_bytes=max_bytes,
        verbose=verbose,
    )
    if file.digest is None:
        warn_user(
            f"Nobody told the digest of {file.url}, so that the file could be another than the "
            f"authors'. Its SHA-256 is {file_digest(path, False)}: compare it with a copy you "
            "trust, and pass it as sha256= next time.",
            UnverifiedDownloadWarning,
        )


def _by_hand(name: str) -> str:
    return (
        "Without a network: download it elsewhere, unpack it if it is an archive, and pass its "
        f"folder to load_{name}."
    )


def _put(source: Source, downloads: Path, target: Path) -> None:
    """Unpack or move the files."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_archive:
        for file in source.files:
            archive = downloads / file.file_name
            try:
                unpack(archive, target, max_bytes=source.max_bytes)
            except ValueError:
                # Kept, the next call would take it for a finished download.
                archive.unlink()
                raise
    else:
        target.mkdir(exist_ok=True)
        for file in source.files:
            (downloads / file.file_name).replace(target / file.file_name)


def _put_large(large: LargeFiles, archive: Path, target: Path, name: str, verbose: int) -> None:
    """Download the files whose pointers are in the archive, and move them when all are there."""
    clips = archive.parent / large.folder
    try:
        files = read_pointers(archive, large)
        copy_tables(archive, large, archive.parent)
    except ValueError:
        archive.unlink()
        raise
    download_all(files, clips, corpus=name, by_hand=_by_hand(name), verbose=verbose)
    # One lock a file was needed while several threads downloaded; a corpus holds none.
    for lock in clips.glob("*.lock"):
        lock.unlink()
    target.mkdir(parents=True, exist_ok=True)
    for table in large.tables:
        (archive.parent / table).replace(target / table)
    clips.replace(target / large.folder)


def _mark(source: Source, target: Path) -> None:
    """Write down what the folder was fetched from."""
    lines = "".join(f"{file.url}\t{file.digest or 'unknown'}\n" for file in source.files)
    (target / MARK).write_text(lines, encoding="utf-8")


def _fetcher(name: str, what: str, notes: str = "") -> Callable[..., Path]:
    """Make `fetch_<name>`, which is `fetch_corpus` of one corpus."""

    def fetch(
        folder: str | os.PathLike[str] | None = None,
        *,
        sha256: Digests | None = None,
        verbose: int = 1,
    ) -> Path:
        return fetch_corpus(name, folder, sha256=sha256, verbose=verbose)

    # help() and pickle go by these two names.
    fetch.__name__ = fetch.__qualname__ = f"fetch_{name}"
    fetch.__doc__ = _DOCSTRING.format(name=name, what=what, notes=notes)
    return fetch


_DOCSTRING = """Download {what}.

Parameters
----------
folder : str or path object, default=None
    See `fetch_corpus`.
sha256 : str or dict of str to str, default=None
    See `fetch_corpus`.
verbose : int, default=1
    See `fetch_corpus`.

Returns
-------
folder : Path
    For ``load_{name}``.

See Also
--------
fetch_corpus : What is checked, and what it raises and warns of.
{notes}
Examples
--------
>>> X, y = load_{name}(fetch_{name}(), return_X_y=True)  # doctest: +SKIP
"""

fetch_cremad = _fetcher(
    "cremad",
    "the audio of CREMA-D clip by clip (606 MB, ODbL)",
    """
Notes
-----
Each clip's SHA-256 is that of the authors' own pointer to it. The digest of the archive that
holds the pointers is unknown: that is what the warning speaks of, and what `sha256` may give.
Videos are not downloaded.
""",
)
fetch_isear = _fetcher("isear", "ISEAR, whose public extract has no known digest")
fetch_ravdess = _fetcher("ravdess", "the speech of RAVDESS (208 MB, CC BY-NC-SA 4.0)")
fetch_emodb = _fetcher("emodb", "EmoDB, whose site gives no digest")
fetch_meld = _fetcher("meld", "the texts and labels of MELD, without videos")
fetch_goemotions = _fetcher("goemotions", "the tables of GoEmotions")
