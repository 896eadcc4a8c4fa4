"""A reader of the tensors in files of torch: nothing else in them is run, unpacked or believed."""

import io
import zipfile
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from emoest.nets.weight_files.bounds import MAX_BYTES, DamagedError, check_size


def read_torch(path: Path, member: str | None = None) -> Any:
    """Read what ``torch.save`` wrote: tensors, and plain containers of them.

    Parameters
    ----------
    path : Path
        The file.
    member : str, default=None
        End of the name of a file of torch that may be inside a zip archive at `path`.

    Returns
    -------
    found : object
        Tensors on the CPU.

    Raises
    ------
    ValueError
        If the file is damaged, holds more than tensors, or declares sizes that it does not have;
        the message is the rest of a sentence that names the file.
    """
    try:
        check_size(path.stat().st_size, MAX_BYTES, "its size")
        file = _inner_file(path, member) if member and zipfile.is_zipfile(path) else None
        file = io.BytesIO(path.read_bytes()) if file is None else file
        if zipfile.is_zipfile(file):
            _check_archive(file)
        file.seek(0)
        return torch.load(file, map_location="cpu", weights_only=True)
    # torch's own messages advise to run what is in the file.
    except Exception as error:
        known = isinstance(error, DamagedError)
        raise DamagedError(str(error) if known else type(error).__name__) from error


def _inner_file(path: Path, member: str) -> io.BytesIO | None:
    with zipfile.ZipFile(path) as archive:
        found = [each for each in archive.infolist() if each.filename.endswith(member)]
        if not found:
            return None
        # zipfile unpacks no more than a member declares.
        check_size(found[0].file_size, MAX_BYTES, f"the unpacked size of {found[0].filename!r}")
        return io.BytesIO(archive.read(found[0]))


def _check_archive(file: io.BytesIO) -> None:
    """Raise where parts of a file of torch are compressed or lie upon each other.

    torch compresses nothing, so a file takes what its tensors take.
    """
    with zipfile.ZipFile(file) as archive:
        parts = archive.infolist()
    packed = [part.filename for part in parts if part.compress_type != zipfile.ZIP_STORED]
    if packed:
        raise DamagedError(f"its part {packed[0]!r} is compressed, which torch does not do")
    unpacked = sum(part.file_size for part in parts)
    check_size(unpacked, len(file.getbuffer()), "the size of its parts")


def plain_tensors(state: dict[Any, Any]) -> dict[str, Tensor]:
    """Keep the tensors by name that hold numbers of their own.

    Examples
    --------
    >>> plain_tensors({"a": torch.zeros(2), "b": 1, "c": torch.zeros(1, device="meta")})
    {'a': tensor([0., 0.])}
    """
    return {
        name: value.detach()
        for name, value in state.items()
        if isinstance(name, str)
        and isinstance(value, Tensor)
        and value.layout == torch.strided
        and value.device.type == "cpu"
        and not value.is_quantized
    }
