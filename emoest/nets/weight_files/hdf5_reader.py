"""A reader of the arrays in Keras files (HDF5), each checked before it is read.

Keras writes an array in one piece, so its size is also the number of bytes that it takes in the
file. Whatever could stand for more than it takes (chunks, compression, values that were never
written) or lies elsewhere (links, external storage) is not read.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from emoest.nets.weight_files.bounds import MAX_BYTES, DamagedError, check_size
from emoest.utils.optional import import_optional

T = TypeVar("T")


def read_hdf5(path: Path, read: Callable[[Any], T], *, what: str, purpose: str) -> T:
    """Open an HDF5 file, and hand it to a function that reads it.

    Parameters
    ----------
    path : Path
        The file.
    read : callable
        Takes the open file; raises KeyError where something is not there.
    what : str
        What the file should hold, for the error.
    purpose : str
        What needs h5py, for the error where it is missing.

    Returns
    -------
    found : object
        What `read` returned.

    Raises
    ------
    ValueError
        If the file is damaged or does not hold `what`.
    """
    h5py = import_optional("h5py", extra="keras", purpose=purpose)
    try:
        check_size(path.stat().st_size, MAX_BYTES, "its size")
        with h5py.File(path, "r") as file:
            return read(file)
    # At damaged files h5py raises errors of many kinds.
    except Exception as error:
        raise ValueError(
            f"The HDF5 file {str(path)!r} is damaged, truncated or does not hold {what} ({error})."
        ) from error


def find_item(group: Any, name: str) -> Any:
    """Find a group or an array by its path in the file, through no links to elsewhere.

    Raises
    ------
    KeyError
        If it is not there.
    DamagedError
        If a link is on the way.
    """
    for part in name.split("/"):
        link = group.get(part, getlink=True) if hasattr(group, "keys") else None
        if link is None:
            raise KeyError(f"there is no data set {name!r}")
        if type(link).__name__ != "HardLink":
            raise DamagedError(f"{name!r} is a link to elsewhere")
        group = group[part]
    return group


def read_dataset(item: Any, most: int) -> npt.NDArray[Any]:
    """Read an array of numbers.

    Parameters
    ----------
    item : h5py.Dataset
        The array in the file.
    most : int
        Most numbers that it can have in the net that is read.

    Returns
    -------
    values : ndarray

    Raises
    ------
    DamagedError
        If it is no array of numbers, has more of them, or takes less space than they do.
    """
    name = f"the data set {item.name!r}"
    if not hasattr(item, "chunks") or item.dtype.kind not in "fiu" or item.shape is None:
        raise DamagedError(f"{name} is no array of numbers")
    check_size(item.size, most, f"the size of {name}")
    if item.chunks is not None or item.external or item.is_virtual:
        raise DamagedError(
            f"{name} is compressed, in pieces or in another file. Write the file anew as Keras does"
        )
    taken = item.id.get_storage_size()
    if taken != item.size * item.dtype.itemsize:
        raise DamagedError(f"{name} has {item.size:,} numbers in {taken:,} bytes")
    values: npt.NDArray[Any] = np.asarray(item[()])
    return values
