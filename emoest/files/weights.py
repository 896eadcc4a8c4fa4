"""Pretrained weights: a pinned table, and one function that fetches from it.

Each entry of `WEIGHTS` pins a file by its sha256; what `fetch_weights` returns for a name has that
digest. Wherever a name is accepted, the path of a local file is accepted as well.
"""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from emoest.files import download
from emoest.files.store import CacheDir, cache_folder, file_digest

ENVIRONMENT = "EMOEST_WEIGHTS"
"""Environment variable that names a folder of weights."""

MODEL_SUFFIXES = (".json", ".txt", ".model", ".safetensors")
"""The files of a folder of weights that make the model: configuration, vocabulary, tensors."""


@dataclass(frozen=True)
class Weights:
    """One pinned file.

    Parameters
    ----------
    name : str
        What users call it.
    url : str
        Where it is fetched from.
    sha256 : str
        Digest of the file, in hexadecimal.
    size : int
        Size in bytes.
    license : str
        SPDX identifier of its license.
    dims : int or None
        Size of the embedding, or None where the file holds none.
    source : str
        Who made it.
    """

    name: str
    url: str
    sha256: str
    size: int
    license: str
    dims: int | None
    source: str

    @property
    def file_name(self) -> str:
        """Name of the file in the weights folder."""
        return self.url.rsplit("/", 1)[-1]


_ENTRIES = [
    Weights(
        name="yamnet",
        url="https://storage.googleapis.com/audioset/yamnet.h5",
        sha256="13c3308955bbfaef262f175ac9c40e47b134573a93984f009220dd7cc12a1744",
        size=15_296_092,
        license="Apache-2.0",
        dims=1024,
        source="TensorFlow Models, research/audioset/yamnet (float32, Keras HDF5)",
    ),
    Weights(
        name="yamnet-int8",
        url="https://raw.githubusercontent.com/Dhiveej/Aranyadhwani/"
        "77db24fcbe31c06f30801c958fb812e6a3d827a7/yamnet.tflite",
        sha256="687f226c147a2caab4706fbbab5e9cecb14b9a368264bf61108078b1fddf68f5",
        size=3_959_752,
        license="Apache-2.0",
        dims=1024,
        source="A third party's TensorFlow Lite conversion of the above (dynamic-range int8)",
    ),
    Weights(
        name="yamnet-classes",
        url="https://raw.githubusercontent.com/tensorflow/models/"
        "dbeeb148f10adf723067040eedcccda00bdce1e8/research/audioset/yamnet/yamnet_class_map.csv",
        sha256="cdf24d193e196d9e95912a2667051ae203e92a2ba09449218ccb40ef787c6df2",
        size=14_096,
        license="Apache-2.0",
        dims=None,
        source="TensorFlow Models, research/audioset/yamnet (names of the 521 classes)",
    ),
    Weights(
        name="wespeaker-resnet34",
        url="https://huggingface.co/Wespeaker/wespeaker-voxceleb-resnet34-LM/resolve/"
        "f0c48c298fd835726c27956a5d617bad7115627e/voxceleb_resnet34_LM.onnx",
        sha256="7bb2f06e9df17cdf1ef14ee8a15ab08ed28e8d0ef5054ee135741560df2ec068",
        size=26_530_309,
        license="CC-BY-4.0",
        dims=256,
        source="WeSpeaker, ResNet34 trained on the speakers of VoxCeleb (ONNX)",
    ),
]

WEIGHTS: dict[str, Weights] = {entry.name: entry for entry in _ENTRIES}
"""The pinned files, by name."""


def weights_folder(cache_dir: str | os.PathLike[str] | None = None) -> Path:
    """Return the folder of fetched weights; it is not made.

    `cache_dir`, else the environment variable ``EMOEST_WEIGHTS``, else ``weights`` in the folder
    that `emoest.files.cache_folder` names.

    Examples
    --------
    >>> weights_folder("here").name
    'here'
    """
    chosen = cache_dir or os.environ.get("EMOEST_WEIGHTS")
    if chosen:
        return Path(chosen).expanduser()
    return cache_folder() / "weights"


def fetch_weights(
    name_or_path: str | os.PathLike[str],
    *,
    sha256: str | None = None,
    cache_dir: str | os.PathLike[str] | None = None,
    verbose: int = 0,
) -> Path:
    """Return the path of weights; download them once if they have a name and are not there yet.

    A download goes to ``<file>.part`` and takes its name only when its digest is right; one that
    was interrupted is continued where it stopped if the server can do so.

    Parameters
    ----------
    name_or_path : str or path object
        A name of `WEIGHTS`, or the path of a local file.
    sha256 : str, default=None
        Digest that the file must have. A name is always checked against the table, a path only
        when this is given.
    cache_dir : str or path object, default=None
        Folder of the weights; see `weights_folder`.
    verbose : int, default=0
        Above 0 a bar shows the progress of a download.

    Returns
    -------
    path : Path
        The file.

    Raises
    ------
    ValueError
        If the file does not have the digest (it is corrupted or truncated), or if the name is
        unknown and no such file exists.
    ConnectionError
        If the file has to be downloaded and cannot be; the message says where it comes from and
        where to put it by hand.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "my.safetensors"
    >>> _ = path.write_bytes(b"weights")
    >>> fetch_weights(path).name
    'my.safetensors'
    """
    entry = WEIGHTS.get(str(name_or_path))
    if entry is None:
        path = Path(name_or_path).expanduser()
        if not path.is_file():
            raise ValueError(
                f"{str(name_or_path)!r} is neither the path of a file nor the name of known "
                f"weights ({', '.join(sorted(WEIGHTS))})."
            )
        if sha256 is not None:
            check_digest(path, sha256)
        return path
    path = weights_folder(cache_dir) / entry.file_name
    if not path.exists():
        _download(entry, path, verbose)
    check_digest(
        path,
        sha256 or entry.sha256,
        remedy=f"Delete it and fetch {entry.name!r} again, or get it from {entry.url}.",
    )
    return path


def check_digest(
    path: Path, sha256: str, *, remedy: str = "Get it again from where it came from."
) -> None:
    """Raise `ValueError` if a file does not have the digest that it should have.

    Parameters
    ----------
    path : Path
        The file.
    sha256 : str
        The digest that is expected.
    remedy : str, default="Get it again from where it came from."
        The end of the message: what to do.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "a.h5"
    >>> _ = path.write_bytes(b"")
    >>> check_digest(path, "00" * 32)
    Traceback (most recent call last):
        ...
    ValueError: The weights file '...a.h5' is corrupted or truncated: expected sha256 0000...
    """
    known = [entry.size for entry in WEIGHTS.values() if entry.sha256 == sha256.lower()]
    download.check_digest(
        path, sha256, what="weights file", size=known[0] if known else None, remedy=remedy
    )


def _download(entry: Weights, path: Path, verbose: int) -> None:
    download.download(
        download.RemoteFile(entry.url, entry.sha256, entry.size),
        path,
        what="weights",
        name=entry.name,
        by_hand=(
            "Without a network: download that file elsewhere and put it into "
            f"{str(path.parent)!r} under the name {entry.file_name!r}, or set the environment "
            "variable EMOEST_WEIGHTS to the folder that holds it."
        ),
        verbose=verbose,
    )


def weights_digest(path: Path, cache_dir: CacheDir = None) -> str:
    """Digest of a file of weights, or of a folder's model files.

    Parameters
    ----------
    path : Path
        A file, or a folder; of a folder the files that end in one of `MODEL_SUFFIXES` count,
        hidden ones left out.
    cache_dir : str, path object, False or None, default=None
        Where the digests of files are remembered.

    Returns
    -------
    digest : str
        SHA-256 of the file, or of the sorted relative names and digests of the folder's files.

    Raises
    ------
    FileNotFoundError
        If there is no such file, or no model file in the folder.

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
    names = sorted(
        file.relative_to(path).as_posix()
        for file in path.rglob("*")
        if file.suffix in MODEL_SUFFIXES and file.is_file()
    )
    names = [name for name in names if not any(part.startswith(".") for part in name.split("/"))]
    if not names:
        raise FileNotFoundError(f"the folder {str(path)!r} holds no model files")
    digest = hashlib.sha256()
    for name in names:
        digest.update(f"{name}\0{file_digest(path / name, cache_dir)}\n".encode())
    return digest.hexdigest()


def find_weights(name: str, folder: str | os.PathLike[str] | None = None) -> Path | None:
    """Look for a name in a folder of weights.

    Parameters
    ----------
    name : str
        Name or path of a model. ``org/model`` is looked for as ``org/model``, ``org--model`` and
        ``model``; a path by its last part.
    folder : str or path object, default=None
        The folder; None takes the environment variable ``EMOEST_WEIGHTS``.

    Returns
    -------
    path : Path or None
        None when there is no such folder or nothing of that name in it.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> (folder / "org--model").mkdir()
    >>> find_weights("org/model", folder).name
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
