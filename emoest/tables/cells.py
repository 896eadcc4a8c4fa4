"""Cells: the one test for "missing" and the one reader and writer of frames.

A cell of media holds a path, a text, an array or a list of such items, a cell of frames those of
one row, ``float32 (n_frames, n_dims)`` or the path of an ``.npy`` file.
"""

import io
import math
import os
import tokenize
from pathlib import Path
from typing import Any, TypeGuard

import numpy as np
import numpy.typing as npt
import pandas as pd

from emoest.utils.atomic import written_whole

Frames = npt.NDArray[np.float32]

HEADER_ERRORS = (
    ArithmeticError,
    AttributeError,
    LookupError,
    MemoryError,
    RecursionError,
    SyntaxError,
    TypeError,
    tokenize.TokenError,
)
"""What numpy lets through, beside ValueError, where the header of an ``.npy`` file is damaged."""

# Version 3 is for names of fields that are not Latin, which arrays of numbers do not have.
_HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


def is_missing(cell: Any) -> bool:
    """Check whether a cell is missing: `None`, `NaN`, `pandas.NA` or a blank text.

    A text without any character but blanks says nothing, and a path of blanks leads nowhere. A list
    is present, even if it is empty or holds missing items.

    Parameters
    ----------
    cell : object
        What stands in a column of media or frames.

    Returns
    -------
    missing : bool
        Whether there is nothing.

    Examples
    --------
    >>> is_missing(None), is_missing(float("nan")), is_missing(" "), is_missing([None])
    (True, True, True, False)
    """
    if cell is None or cell is pd.NA or cell is pd.NaT:
        return True
    if isinstance(cell, str):
        return not cell or cell.isspace()
    return isinstance(cell, float | np.floating) and bool(np.isnan(cell))


def holds_nothing(cell: Any) -> bool:
    """Check whether a cell is missing, or an array of no frames or of NaN alone.

    Examples
    --------
    >>> holds_nothing(np.zeros((0, 2))), holds_nothing(np.full(3, np.nan)), holds_nothing([])
    (True, True, False)
    """
    if not isinstance(cell, np.ndarray):
        return is_missing(cell)
    if cell.size == 0 or cell.dtype.kind != "f":
        return cell.size == 0
    # One look spares all but absent arrays a second one.
    return bool(np.isnan(cell.flat[0]) and np.isnan(cell).all())


def missing_cells(column: Any) -> npt.NDArray[np.bool_]:
    """Apply `is_missing` to every cell of a column.

    Examples
    --------
    >>> missing_cells(["a", None]).tolist()
    [False, True]
    """
    return np.fromiter((is_missing(cell) for cell in column), dtype=bool, count=len(column))


def is_array(cell: Any) -> TypeGuard[npt.NDArray[Any]]:
    """Check whether a cell holds an array itself, and not a path, a text or a list.

    Examples
    --------
    >>> is_array(np.zeros(2)), is_array("a.npy")
    (True, False)
    """
    return isinstance(cell, np.ndarray)


def is_path(cell: Any) -> bool:
    """Check whether a cell is a path (str or path object).

    Examples
    --------
    >>> is_path("frames.npy"), is_path([1.0])
    (True, False)
    """
    return isinstance(cell, str | os.PathLike)


def read_frames(cell: Any, *, name: str = "cell") -> Frames | None:
    """Read one cell of frames.

    Parameters
    ----------
    cell : ndarray of shape (n_frames, n_dims), path of an ``.npy`` file, None or NaN
        The cell. A 1-D array of shape (n_dims,) is one frame.
    name : str, default="cell"
        What to call the cell in an error, for example ``"row 3, column 'audio__frames'"``.

    Returns
    -------
    frames : ndarray of shape (n_frames, n_dims), dtype float32, or None
        The frames, or None where the cell is missing.

    Raises
    ------
    FileNotFoundError
        If the cell is a path and the file is not there.
    ValueError
        If the cell does not hold frames.

    Examples
    --------
    >>> read_frames([[1, 2], [3, 4]]).shape
    (2, 2)
    >>> read_frames(None) is None
    True
    """
    if is_missing(cell):
        return None
    if is_path(cell):
        cell = _load_npy(Path(cell), name)
    try:
        frames = np.asarray(cell, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{name} does not hold frames: expected an array of shape (n_frames, n_dims) or the "
            f"path of an .npy file, found {describe(cell)}."
        ) from error
    if frames.ndim == 1:
        frames = frames[None, :]
    if frames.ndim != 2:
        raise ValueError(
            f"{name} does not hold frames: expected an array of shape (n_frames, n_dims), found "
            f"one of shape {frames.shape}."
        )
    return frames


def _load_npy(path: Path, name: str) -> npt.NDArray[Any]:
    try:
        return load_array(path)
    except (ValueError, OSError) as error:
        if path.suffix != ".npy":
            raise ValueError(
                f"{name} holds {str(path)!r}, which is no .npy file of frames. An embedder or a "
                "feature with pooling=None makes frames out of media."
            ) from error
        if not isinstance(error, FileNotFoundError):
            raise ValueError(
                f"{name}: {str(path)!r} is not a readable .npy file of numbers ({error})."
            ) from error
        raise FileNotFoundError(
            f"{name}: the file of frames {str(path)!r} is not there. If the store was moved or "
            "cleared, run the embedder again."
        ) from None


def check_frames(
    frames: Frames,
    n_dims: int,
    where: str,
    *,
    known: str = "but in fit they had",
    allow: str = "absent",
) -> None:
    """Raise if frames have another width, or hold values that cannot be used.

    Parameters
    ----------
    frames : ndarray of shape (n_frames, n_dims)
        The frames.
    n_dims : int
        The width that they must have.
    where : str
        What to call them in an error.
    known : str, default="but in fit they had"
        Where the width is known from, for an error.
    allow : {"absent", "nan", "any"}, default="absent"
        ``"absent"`` lets frames pass that are NaN throughout, which are absent; ``"nan"`` any NaN;
        ``"any"`` infinite values too.

    Raises
    ------
    ValueError
        If the frames cannot be used; the message begins with `where`.

    Examples
    --------
    >>> check_frames(np.zeros((2, 3), "float32"), 3, "row 0")
    """
    if frames.shape[1] != n_dims:
        raise ValueError(
            f"{where}: the frames have {frames.shape[1]} dimensions, {known} {n_dims}. All frames "
            "of a modality must come from one encoder."
        )
    if allow == "any":
        return
    finite = np.isfinite(frames)
    if finite.all():
        return
    bad = np.isinf(frames).any(axis=1)
    if allow == "absent":
        bad |= ~finite.all(axis=1) & ~np.isnan(frames).all(axis=1)
    if bad.any():
        what, hint = "NaN or infinity", "Repair the frames, or put None into the cell"
        if allow == "nan":
            what, hint = "infinite values", "Put NaN there, which counts as a missing value"
        raise ValueError(
            f"{where}: frame {int(bad.argmax())} of {len(frames)} holds {what}. {hint}."
        )


def present_frames(frames: Frames) -> Frames:
    """Leave out the frames that are absent: those that are NaN throughout.

    Examples
    --------
    >>> present_frames(np.array([[1.0, 2.0], [np.nan, np.nan]])).tolist()
    [[1.0, 2.0]]
    """
    # Most tables have none, and a look at one column is quicker than one at all.
    if not np.isnan(frames[:, :1]).any():
        return frames
    return frames[~np.isnan(frames).all(axis=1)]


def write_frames(frames: Any, path: str | os.PathLike[str]) -> str:
    """Write frames to an ``.npy`` file in one step, so that no reader sees half a file.

    Parameters
    ----------
    frames : array-like of shape (n_frames, n_dims)
        The frames; stored as float32.
    path : str or path object
        Where to write; parent folders are made.

    Returns
    -------
    path : str
        The path, to be put into a cell.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.mkdtemp()
    >>> read_frames(write_frames([[1.0, 2.0]], folder + "/a.npy")).tolist()
    [[1.0, 2.0]]
    """
    target = Path(path)
    array = np.ascontiguousarray(np.asarray(frames, dtype=np.float32))
    save_array(array, target)
    return str(target)


def save_array(array: npt.NDArray[Any], target: Path) -> None:
    """Save an array as an ``.npy`` file, whole or not at all.

    Examples
    --------
    >>> import tempfile
    >>> target = Path(tempfile.mkdtemp()) / "a" / "b.npy"
    >>> save_array(np.zeros(3), target)
    >>> target.exists()
    True
    """
    with written_whole(target) as file:
        np.save(file, array, allow_pickle=False)


def load_array(path: str | os.PathLike[str]) -> npt.NDArray[Any]:
    """Load an array from an ``.npy`` file, and from nothing else.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If it is no ``.npy`` file, holds objects, or is damaged.

    Examples
    --------
    >>> import tempfile
    >>> target = Path(tempfile.mkdtemp()) / "b.npy"
    >>> save_array(np.zeros(3), target)
    >>> load_array(target).tolist()
    [0.0, 0.0, 0.0]
    """
    with open(path, "rb") as file:
        return read_array(file)


def read_array(file: io.BufferedIOBase) -> npt.NDArray[Any]:
    """Read the array of an ``.npy`` file that is open, or of its bytes; errors as `load_array`.

    Nothing is allocated before what the header declares was compared with what is left.

    Examples
    --------
    >>> file = io.BytesIO()
    >>> np.save(file, np.zeros(3))
    >>> _ = file.seek(0)
    >>> read_array(file).tolist()
    [0.0, 0.0, 0.0]
    """
    try:
        version = np.lib.format.read_magic(file)
        shape, by_columns, dtype = _HEADERS[version](file)
    except HEADER_ERRORS as error:
        raise ValueError(f"its header is damaged: {type(error).__name__} {error}") from error
    if dtype.hasobject:
        raise ValueError("it holds objects of Python, which are not opened; save numbers")
    start = file.tell()
    left = file.seek(0, os.SEEK_END) - start
    file.seek(start)
    size = math.prod(shape) * dtype.itemsize
    if min(shape, default=0) < 0 or size > left:
        raise ValueError(f"its header declares {size:,} bytes, and {left:,} are left")
    # Of bytes that can be changed, the array can be changed as well.
    content = bytearray(size)
    if file.readinto(content) != size:
        raise ValueError("it ended while it was read")
    flat = np.frombuffer(content, dtype) if size else np.empty(math.prod(shape), dtype)
    return flat.reshape(shape, order="F" if by_columns else "C")


def object_column(cells: list[Any], index: pd.Index, name: object = None) -> pd.Series:
    """Put cells, whatever they are, into an object Series, one a row.

    Parameters
    ----------
    cells : list
        Paths, texts, arrays, tuples, lists or None; pandas would unpack some of them.
    index : Index of length n_cells
        Names of the samples.
    name : object, default=None
        Name of the column.

    Returns
    -------
    column : Series of object
        The cells, as they were.

    Examples
    --------
    >>> object_column([np.zeros((2, 3)), None], pd.RangeIndex(2)).map(is_missing).tolist()
    [False, True]
    """
    values = np.empty(len(cells), dtype=object)
    for i, cell in enumerate(cells):
        values[i] = cell
    return pd.Series(values, index=index, name=name, dtype=object)


def describe(item: Any) -> str:
    """Show the type of a cell or an item, and the start of its text, for an error.

    Examples
    --------
    >>> describe(3)
    'int 3'
    """
    text = repr(item)
    return f"{type(item).__name__} {text if len(text) <= 60 else text[:57] + '...'}"
