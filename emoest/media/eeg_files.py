"""Files of EEG: one array in an ``.npy`` file, or the variables of a ``.mat`` file."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from emoest.media.decoding.damage import decoder_errors
from emoest.media.decoding.limits import check_limit
from emoest.media.decoding.mat_files import mat_variables, read_mat
from emoest.media.sources import check_exists, name_file, split_fragment
from emoest.utils.messages import listed


def split_path(item: str) -> tuple[str, str | None, float, float | None]:
    """Split ``subject.mat#cz_eeg1#t=1,30`` into the file, the variable and the part in seconds.

    Parameters
    ----------
    item : str
        The path of a cell.

    Returns
    -------
    path : str
        The file alone.
    variable : str or None
        The variable of a ``.mat`` file.
    start, end : float, float or None
        The part in seconds; 0 and None are the whole.

    Examples
    --------
    >>> split_path("subject.mat#cz_eeg1#t=1,30"), split_path("take #3.npy")
    (('subject.mat', 'cz_eeg1', 1.0, 30.0), ('take #3.npy', None, 0.0, None))
    """
    path, start, end = split_fragment(item)
    file, mark, variable = path.rpartition("#")
    if mark and file.lower().endswith(".mat"):
        return file, variable, start, end
    return path, None, start, end


def cells_from_mat(path: str | os.PathLike[str], pattern: str = r"_eeg(\d+)$") -> list[str]:
    r"""Make cells of the trials in one ``.mat`` file, such as those of SEED-IV.

    Only the names of the variables are read; a cell is a path with a variable.

    Parameters
    ----------
    path : str or path object
        The file.
    pattern : str, default="_eeg(\d+)$"
        Regular expression that finds the variables of trials; its first group is the number by
        which they are ordered. The default is the naming of SEED-IV's ``eeg_raw_data``.

    Returns
    -------
    cells : list of str
        ``"<path>#<variable>"``, by trial number.

    Raises
    ------
    FileNotFoundError, ValueError
        If the file cannot be read or no variable fits.

    Examples
    --------
    >>> import tempfile
    >>> from scipy.io import savemat
    >>> path = tempfile.mkdtemp() + "/1_20160518.mat"
    >>> savemat(path, {f"cz_eeg{k}": np.zeros((62, 800)) for k in (10, 2)})
    >>> [cell.rpartition("#")[2] for cell in cells_from_mat(path)]
    ['cz_eeg2', 'cz_eeg10']
    """
    file = os.fspath(path)
    check_exists(file, f"EEG file {file!r}: the file")
    names = list(mat_variables(file, f"EEG file {file!r}"))
    found = [(int(match[1]), name) for name in names if (match := re.search(pattern, name))]
    if not found:
        raise ValueError(
            f"EEG file {file!r} holds no variable that fits {pattern!r}; it holds "
            f"{listed(names, most=8, quoted=True)}."
        )
    return [f"{file}#{name}" for _, name in sorted(found)]


def load_file(path: str, variable: str | None, name: str) -> npt.NDArray[Any]:
    """Read the array in a file, of a ``.mat`` file a variable or the only one, unchecked."""
    name = name_file(path, name)
    if _suffix(path, name) == ".npy":
        return _read_npy(path, name)
    return read_mat(path, _choose(mat_variables(path, name), variable, name), name)


def file_shape(path: str, variable: str | None, name: str) -> tuple[int, ...]:
    """Return the shape of the array in a file, of which only the header is read."""
    name = name_file(path, name)
    if _suffix(path, name) == ".npy":
        return _read_npy(path, name, header_only=True).shape
    variables = mat_variables(path, name)
    return variables[_choose(variables, variable, name)].shape


def _suffix(path: str, name: str) -> str:
    check_exists(path, f"{name}: the file")
    suffix = Path(path).suffix.lower()
    if suffix not in {".npy", ".mat"}:
        raise ValueError(
            f"{name}: EEG is read from .npy, .mat and .csv files. Open other formats with MNE "
            "and make cells with emoest.media.cells_from_mne."
        )
    return suffix


def _read_npy(path: str, name: str, header_only: bool = False) -> npt.NDArray[Any]:
    with decoder_errors(name, "is not a readable .npy file of numbers. Get the file again"):
        # A map is refused where the file is shorter than its header says; reading would allocate.
        array: npt.NDArray[Any] = np.lib.format.open_memmap(path, mode="r")
        if header_only:
            return array
        check_limit(array.nbytes, "EMOEST_MAX_BYTES", name)
        return np.array(array)


def _choose(variables: Mapping[str, object], variable: str | None, name: str) -> str:
    """Find the variable that is named, or the only one."""
    if variable is None and len(variables) == 1:
        return next(iter(variables))
    if variable is not None and variable in variables:
        return variable
    asked = "names no variable" if variable is None else f"has no variable {variable!r}"
    raise ValueError(
        f"{name} {asked}; write '<file>.mat#<variable>'. The file holds "
        f"{listed(variables, most=8, quoted=True)}."
    )
