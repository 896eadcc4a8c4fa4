"""Archives of arrays, ``.npz``: read array by array, within limits, and never a pickle."""

import io
import zipfile
from pathlib import Path

from emoest.media.decoding.damage import decoder_errors
from emoest.media.decoding.limits import check_limit
from emoest.tables.cells import read_array
from emoest.utils.typing import Array

_SUFFIX = ".npy"
_DAMAGED = "cannot be read. Get the file again"


class NpzFile:
    """The arrays of an ``.npz`` file by name.

    Parameters
    ----------
    path : Path
        The file.

    Raises
    ------
    ValueError
        If the file is damaged or no archive; when an array is read, if it is damaged, holds objects
        or would take more than the limit of ``EMOEST_MAX_BYTES``. The message names the file.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> path = Path(tempfile.mkdtemp()) / "a.npz"
    >>> np.savez(path, a=np.arange(3))
    >>> arrays = NpzFile(path)
    >>> arrays.files, arrays["a"].tolist()
    (['a'], [0, 1, 2])
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        said = f"the archive {str(path)!r}"
        with decoder_errors(said, _DAMAGED), zipfile.ZipFile(path) as archive:
            names = archive.namelist()
        self.files = [name.removesuffix(_SUFFIX) for name in names if name.endswith(_SUFFIX)]

    def __getitem__(self, name: str) -> Array:
        said = f"the array {name!r} of {str(self.path)!r}"
        with decoder_errors(said, _DAMAGED), zipfile.ZipFile(self.path) as archive:
            member = archive.getinfo(name + _SUFFIX)
            check_limit(member.file_size, "EMOEST_MAX_BYTES", said)
            return read_array(io.BytesIO(archive.read(member)))
