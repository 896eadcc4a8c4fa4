"""Folders whose files are pinned one by one, wherever they come from."""

import importlib.util
import shutil
from collections.abc import Iterator
from pathlib import Path

from emoest.files.catalogue import ENVIRONMENT, PinnedFile, PinnedFolder, Weights
from emoest.files.digests import file_digest
from emoest.files.download import RemoteFile, check_digest, download


def find_pinned_folder(
    entry: Weights, origin: PinnedFolder, folder: Path, verbose: int = 0
) -> Path:
    """Find a folder of the catalogue: whole on this machine, joined from packages, or downloaded.

    The places are tried in this order: `folder`; the hub's own store on this machine; the packages
    that carry the files, which are copied into `folder`, those in pieces joined, once; the hub.

    Parameters
    ----------
    entry : Weights
        What is wanted.
    origin : PinnedFolder
        Its files, and where they come from.
    folder : Path
        Where it lies or is put.
    verbose : int, default=0
        Above 0 a bar shows the progress of a download.

    Returns
    -------
    path : Path
        The folder; each file in it has its digest.

    Raises
    ------
    ValueError
        If a file in `folder` or what came from elsewhere has another digest.
    ConnectionError
        If it is not on this machine and cannot be downloaded.
    """
    for place in _places(origin, folder):
        if all((place / file.name).is_file() for file in origin.files):
            _check(entry, origin, place)
            return place
    pieces = {file.name: [package_file(*piece) for piece in file.pieces] for file in origin.files}
    found = {name: [p for p in paths if p is not None] for name, paths in pieces.items()}
    if all(paths and len(found[name]) == len(paths) for name, paths in pieces.items()):
        for file in origin.files:
            _join(file, found[file.name], folder, origin.install)
        return folder
    for file in origin.files:
        by_hand = (
            f"Without a network: {origin.install}, which carry the same files; or put them, from "
            f"elsewhere, into {str(folder)!r}, or into a folder {folder.name!r} of the folder that "
            f"the environment variable {ENVIRONMENT} names."
        )
        remote = RemoteFile(origin.url(file.name), file.sha256, file.size)
        what = f"{entry.name}/{file.name}"
        path = folder / file.name
        download(remote, path, what="weights", name=what, by_hand=by_hand, verbose=verbose)
    _check(entry, origin, folder)
    return folder


def _places(origin: PinnedFolder, folder: Path) -> Iterator[Path]:
    yield folder
    if importlib.util.find_spec("huggingface_hub") is None:
        return
    from huggingface_hub import try_to_load_from_cache

    path = try_to_load_from_cache(origin.model, origin.files[0].name, revision=origin.revision)
    if isinstance(path, str):
        yield Path(path).parent


def _check(entry: Weights, origin: PinnedFolder, place: Path) -> None:
    for file in origin.files:
        path = place / file.name
        # The digest is remembered by the file's time, so that 145 MB are not read in every fit.
        if file_digest(path) != file.sha256:
            remedy = f"Delete it and fetch {entry.name!r} again."
            check_digest(path, file.sha256, what="weights file", size=file.size, remedy=remedy)


def _join(file: PinnedFile, pieces: list[Path], folder: Path, install: str) -> None:
    """Copy a file out of packages, one piece after the other; one process at a time."""
    from filelock import FileLock

    path = folder / file.name
    part = folder / f"{file.name}.part"
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / f"{file.name}.lock"):
        if path.is_file() and file_digest(path) == file.sha256:
            return
        with open(part, "wb") as sink:
            for piece in pieces:
                with open(piece, "rb") as source:
                    shutil.copyfileobj(source, sink, 1 << 20)
        remedy = f"Install the packages again: {install}"
        try:
            check_digest(part, file.sha256, what="weights file", size=file.size, remedy=remedy)
        except ValueError:
            part.unlink()
            raise
        part.replace(path)


def package_file(package: str, file: str) -> Path | None:
    """Find a file inside an installed package, which is not imported; None if it is not there.

    Examples
    --------
    >>> package_file("emoest", "py.typed").name, package_file("no_such_package", "a")
    ('py.typed', None)
    """
    # What the package needs beside its files need not be installed.
    found = importlib.util.find_spec(package)
    places = found.submodule_search_locations if found is not None else None
    path = Path(next(iter(places))) / file if places else None
    return path if path is not None and path.is_file() else None
