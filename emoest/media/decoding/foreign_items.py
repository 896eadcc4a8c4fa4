"""Items as other libraries hold them, converted to those that are read here."""

import hashlib
import os
import tempfile
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import numpy as np

_FILE = "file://"


def own_item(item: Any) -> Any:
    """Convert an item of another library to a path, an array or a tuple (array, rate).

    Converted are rows of Hugging Face datasets (``{"array", "sampling_rate"}``,
    ``{"bytes", "path"}``) and the decoders of audio that newer ones hold, the bytes of a file,
    tensors of torch, images of Pillow (turned as their EXIF entry says; transparency is ignored),
    ``file://`` addresses and ``~``. Anything else is returned as it is.

    Parameters
    ----------
    item : object
        The item.

    Returns
    -------
    item : object
        Bytes become the path of a temporary file, which is removed when the process ends.

    Raises
    ------
    ValueError
        If a ``file://`` address names another machine, or there are no bytes.

    Examples
    --------
    >>> own_item({"array": [0.0, 1.0], "sampling_rate": 8000, "path": None})
    (array([0., 1.]), 8000)
    >>> own_item("file:///data/my%20clip.wav"), own_item("a.wav")
    ('/data/my clip.wav', 'a.wav')
    """
    if isinstance(item, str | os.PathLike):
        return _own_path(item)
    if isinstance(item, bytes | bytearray | memoryview):
        return _written(bytes(item), "")
    if isinstance(item, dict):
        return _own_row(item)
    if isinstance(item, tuple) and len(item) == 2:
        return (_own_array(item[0]), item[1])
    return _own_array(item)


def _own_path(item: Any) -> Any:
    path = os.fspath(item)
    if not isinstance(path, str):
        return item
    if path.lower().startswith(_FILE):
        address = urlsplit(path[: len(_FILE)].lower() + path[len(_FILE) :])
        if address.netloc not in {"", "localhost"}:
            raise ValueError(
                f"{path!r} is a file of the machine {address.netloc!r}; only files of this one are "
                "read. Copy it, or mount the folder, and write its path"
            )
        part = f"#{address.fragment}" if address.fragment else ""
        return unquote(address.path) + part
    return os.path.expanduser(path) if path.startswith("~") else item  # noqa: PTH111


def _own_row(row: dict[Any, Any]) -> Any:
    """Convert a row of a dataset of sound or images; another dict is left as it is."""
    if row.get("array") is not None and "sampling_rate" in row:
        return np.asarray(_own_array(row["array"])), row["sampling_rate"]
    path = row.get("path")
    if row.get("bytes") is not None:
        return _written(row["bytes"], "" if path is None else Path(path).suffix)
    return row if path is None else _own_path(path)


def _own_array(item: Any) -> Any:
    package = type(item).__module__.partition(".")[0]
    if package == "torch" and hasattr(item, "detach"):
        return item.detach().cpu().numpy()
    if package == "torchcodec" and hasattr(item, "get_all_samples"):
        samples = item.get_all_samples()
        return samples.data.cpu().numpy().T, samples.sample_rate
    if package == "PIL" and hasattr(item, "convert"):
        from PIL.ImageOps import exif_transpose

        return np.array(exif_transpose(item).convert("RGB"), dtype=np.uint8)
    return item


def _written(content: bytes, suffix: str) -> str:
    """Write bytes to a file named by their digest, once a process."""
    if not content:
        raise ValueError("there are no bytes. Put None where the modality is missing")
    path = _folder() / (hashlib.sha256(content).hexdigest() + suffix)
    if not path.exists():
        temporary = path.with_name(f"{path.name}.{os.urandom(8).hex()}")
        temporary.write_bytes(content)
        temporary.replace(path)
    return str(path)


@cache
def _temporary_folder(process: int) -> Any:
    # The object is kept, since the folder goes with it. A forked process makes its own.
    return tempfile.TemporaryDirectory(prefix="emoest-", ignore_cleanup_errors=True)


def _folder() -> Path:
    return Path(_temporary_folder(os.getpid()).name)
