"""Items of a cell: their content as bytes, the text that names them in an error, their pooling."""

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from emoest.files.digests import file_digest
from emoest.files.folders import CacheDir
from emoest.media.sources import check_exists, spelling, split_fragment
from emoest.tables.cells import describe, is_missing, object_column
from emoest.tables.inputs import as_pandas
from emoest.tables.names import is_context
from emoest.utils.messages import listed

POOLINGS = {"mean", "max"}

CELL_ERRORS = (ValueError, OSError)
"""What an unreadable item raises; anything else is no fault of the item's."""

_REMEDY = (
    "Fix the cell, put None into it, drop the row, or pass errors='missing' to count such cells "
    "as a missing modality."
)


def items_of(cell: Any) -> list[tuple[int | None, Any]]:
    """Split a cell of media into its present items; a list is several, anything else is one.

    Parameters
    ----------
    cell : object
        A cell; a missing one, and a list that holds missing items only, has no item.

    Returns
    -------
    items : list of (int or None, object)
        Each item and its place in the list; None where the cell is no list.

    Raises
    ------
    ValueError
        If the cell is an empty list.

    Examples
    --------
    >>> items_of("a.wav"), items_of([None, "a.wav"]), items_of(None)
    ([(None, 'a.wav')], [(1, 'a.wav')], [])
    """
    # Pandas and parquet hand lists back as arrays of objects.
    if isinstance(cell, np.ndarray) and cell.dtype == object and cell.ndim == 1:
        cell = list(cell)
    if not isinstance(cell, list):
        return [] if is_missing(cell) else [(None, cell)]
    if not cell:
        raise ValueError("the cell is an empty list. Put None where the modality is missing")
    return [(i, item) for i, item in enumerate(cell) if not is_missing(item)]


def content_of(
    item: Any, media: str, *, sampling_rate: float | None = None, cache_dir: CacheDir = None
) -> bytes:
    """Return the content of an item, so that equal items have equal bytes.

    Parameters
    ----------
    item : str, path object, ndarray or tuple (ndarray, rate)
        The item.
    media : {"file", "text"}
        What a str is: the path of a file, or a text.
    sampling_rate : float, default=None
        Rate in Hz of an array that comes without one.
    cache_dir : str, path object, False or None, default=None
        Where the digests of files are remembered.

    Returns
    -------
    content : bytes
        The text; the digest of the file's bytes and its part; the digest of the array and its rate.

    Raises
    ------
    FileNotFoundError, OSError
        If a file cannot be read.
    ValueError
        If the item is of none of these kinds, or an empty text.

    Examples
    --------
    >>> content_of("hello", "text")
    b'text:hello'
    >>> content_of(np.zeros(3), "file") == content_of(np.zeros(4), "file")
    False
    """
    if media == "text":
        if not isinstance(item, str):
            raise ValueError(f"expected a text (str), found {describe(item)}")
        if not item.strip():
            raise ValueError("the text is empty")
        return b"text:" + item.encode("utf-8", "surrogatepass")
    if isinstance(item, str | os.PathLike):
        path, start, end = split_fragment(os.fspath(item))
        digest = file_digest(_existing(path), cache_dir)
        return f"file:{digest}:{start}:{end}".encode()
    rate = sampling_rate
    if isinstance(item, tuple) and len(item) == 2 and np.ndim(item[1]) == 0:
        item, rate = item
    if not isinstance(item, np.ndarray) or item.dtype.hasobject:
        raise ValueError(
            f"expected the path of a file or an array, found {describe(item)}.{spelling(item)}"
        )
    digest = hashlib.sha256(np.ascontiguousarray(item).data).hexdigest()
    return f"array:{digest}:{item.dtype.str}:{item.shape}:{rate}".encode()


def _existing(path: str) -> Path:
    if not path:
        raise ValueError("the path is empty. Put None where the modality is missing")
    check_exists(path, f"the file {path!r}")
    if Path(path).is_dir():
        raise ValueError(f"{path!r} is a folder, not a file")
    return Path(path)


def where(position: int, label: Any, column: Any, item: int | None = None) -> str:
    """Name a cell, or one item of it, for an error.

    Examples
    --------
    >>> where(3, 3, "audio"), where(3, "clip_7", "audio", 0)
    ("row 3, column 'audio'", "row 'clip_7' (position 3), column 'audio', item 0 of the list")
    """
    row = f"row {label!r}" if label == position else f"row {label!r} (position {position})"
    named = f", column {column!r}" if isinstance(column, str) else ""
    within = "" if item is None else f", item {item} of the list"
    return f"{row}{named}{within}"


def pool(frames: np.ndarray, how: str, weights: np.ndarray | None = None) -> np.ndarray:
    """Pool frames to one vector.

    Parameters
    ----------
    frames : ndarray of shape (n_frames, n_dims)
        At least one frame.
    how : {"mean", "max"}
        The mean, or the largest value of each dimension.
    weights : ndarray of shape (n_frames,), default=None
        Weights of the mean; all alike when None or when they sum to zero.

    Returns
    -------
    vector : ndarray of shape (n_dims,), dtype float32

    Examples
    --------
    >>> pool(np.array([[0.0], [1.0]]), "mean", np.array([1.0, 3.0])).tolist()
    [0.75]
    """
    if how == "max":
        return frames.max(axis=0).astype(np.float32)
    if weights is not None and weights.sum() <= 0:
        weights = None
    # In float32 the mean over the frames of a long recording would lose digits.
    return np.average(frames.astype(np.float64), axis=0, weights=weights).astype(np.float32)


def pool_item(value: np.ndarray, auxiliary: Sequence[str], how: str) -> np.ndarray:
    """Pool the frames of one item to one row; behind them stand their auxiliary values.

    ``"seconds"`` are added up, other auxiliary values averaged; for `how` see `pool`.

    Examples
    --------
    >>> pool_item(np.array([[2.0, 1.0], [4.0, 1.0]], dtype=np.float32), ["seconds"], "mean")
    array([[3., 2.]], dtype=float32)
    """
    frames, beside = np.split(value, [value.shape[1] - len(auxiliary)], axis=1)
    merged = [
        column.sum() if name == "seconds" else column.mean()
        for name, column in zip(auxiliary, beside.T, strict=True)
    ]
    return np.concatenate([pool(frames, how), np.asarray(merged, dtype=np.float32)])[None, :]


def failure_of_cell(name: str, error: Exception, errors: str) -> str:
    """Return what is wrong with a cell or an item of it, or raise it with ``errors="raise"``.

    Parameters
    ----------
    name : str
        What `where` calls it.
    error : Exception
        What reading it raised; its message may begin with the name.
    errors : {"raise", "missing"}
        The parameter of the reader.

    Returns
    -------
    message : str

    Raises
    ------
    ValueError, FileNotFoundError
        With ``errors="raise"``: what is wrong, where, and what to do.

    Examples
    --------
    >>> failure_of_cell("row 3", ValueError("row 3 has no sampling rate."), "missing")
    'row 3 has no sampling rate'
    """
    message = str(error).rstrip(". ")
    message = message if name in message else f"{name}: {message}"
    if errors == "raise":
        kind = FileNotFoundError if isinstance(error, FileNotFoundError) else ValueError
        raise kind(f"{message}. {_REMEDY}") from error
    return message


def as_table(X: Any) -> pd.DataFrame:
    """Convert what a transformer of cells takes to a DataFrame.

    Parameters
    ----------
    X : DataFrame (pandas or polars), Series or array-like of shape (n_samples,) or (n_samples, 1)
        Cells. In a list, each element is one cell; of an array of numbers with three axes or more,
        such as EEG (n_samples, n_channels, n_times), each array along the first. An `mne.Epochs`
        gives one cell an epoch.

    Returns
    -------
    table : DataFrame
        X itself if it is one; else one column, named as the Series or 0.

    Raises
    ------
    ValueError
        If X is one cell, or an array of numbers.
    TypeError
        If X is a dict or a table of another library.

    Examples
    --------
    >>> as_table(["a.wav", None]).shape
    (2, 1)
    """
    if type(X).__module__.partition(".")[0] == "mne":
        # Its reader imports this module.
        from emoest.media.eeg import cells_from_mne

        X = cells_from_mne(X)
    X = as_pandas(X, lists=False)
    if isinstance(X, pd.DataFrame):
        return X
    if isinstance(X, pd.Series):
        return X.to_frame(0 if X.name is None else X.name)
    if isinstance(X, np.ndarray) and X.ndim > 2 and X.dtype.kind in "iuf":
        X = list(X)
    if isinstance(X, np.ndarray):
        if X.dtype.kind not in "OUT" or X.ndim not in {1, 2} or (X.ndim == 2 and X.shape[1] != 1):
            raise ValueError(
                f"X must hold one cell of media a row, found an array of {X.dtype} of shape "
                f"{X.shape}. Pass a DataFrame with one column, or a list of cells."
            )
        X = list(X.ravel())
    if not isinstance(X, list | tuple):
        raise ValueError(
            f"X must be a DataFrame, a Series or a list of cells, found {describe(X)}. For one "
            "sample pass a list of one cell."
        )
    return object_column(list(X), pd.RangeIndex(len(X)), 0).to_frame()


def media_position(table: pd.DataFrame, media: str, reader: str) -> int:
    """Find the one column of `media` in a table; raise if there is none or several.

    Examples
    --------
    >>> media_position(pd.DataFrame({"speaker": ["a"], "text": ["hello"]}), "text", "BERT")
    1
    """
    found = [i for i, column in enumerate(table.columns) if not is_context(column)]
    if len(found) == 1:
        return found[0]
    columns = list(table.columns[found])
    several = f"{len(found)}: {listed(columns, most=6, quoted=True)}" if columns else "none"
    raise ValueError(
        f"{reader} takes one column of {media}s (beside context columns such as 'speaker'); X has "
        f"{several}. Choose one, for example with X[[{columns[0] if columns else 'audio'!r}]] or a "
        "ColumnTransformer."
    )
