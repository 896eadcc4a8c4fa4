"""Frames of all rows, one below the other, each with the position of its row."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from emoest.tables.cells import is_path, read_frames
from emoest.tables.frame_columns import FrameColumn
from emoest.tables.names import is_context, is_sidecar, tokens
from emoest.tables.vectors import Blocks
from emoest.utils.typing import Rows

_SHOWN = 5


@dataclass(frozen=True)
class Segments:
    """The frames of all rows, one below the other.

    Parameters
    ----------
    values : ndarray of shape (n_segments, n_dims)
        The frames; those that are NaN throughout are left out.
    owners : ndarray of int, shape (n_segments,)
        Position of the row that each belongs to.
    labels : sequence
        Labels of the rows, for messages.
    """

    values: npt.NDArray[Any]
    owners: Rows
    labels: Any

    @property
    def empty(self) -> Rows:
        """Positions of the rows without any segment."""
        return np.setdiff1d(np.arange(len(self.labels)), self.owners)

    def names(self, rows: Iterable[int]) -> str:
        names = [repr(self.labels[i]) for i in rows]
        return ", ".join(names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")


def read_segments(X: Any, column: FrameColumn, n_dims: int | None = None) -> Segments:
    """Read the frames of a column.

    Parameters
    ----------
    X : DataFrame or object array of shape (n_samples, n_columns)
        The table.
    column : FrameColumn
        Where the frames stand.
    n_dims : int, default=None
        Width that they must have; None takes that of the first ones.

    Returns
    -------
    segments : Segments

    Raises
    ------
    ValueError
        If the frames of a row have another width; the message names row and column.
    """
    table = as_frame(X)
    parts, owners = [], []
    cells = zip(table.index, table.iloc[:, column.position], strict=True)
    for i, (label, cell) in enumerate(cells):
        where = f"row {label!r}, column {column.column!r}"
        frames = read_frames(cell, name=where)
        if frames is None or frames.size == 0:
            continue
        n_dims = n_dims or frames.shape[1]
        if frames.shape[1] != n_dims:
            raise ValueError(
                f"{where}: the frames have {frames.shape[1]} dimensions, those before have "
                f"{n_dims}. All frames must come from one encoder."
            )
        frames = frames[~np.isnan(frames).all(axis=1)]
        parts.append(frames)
        owners.append(np.full(len(frames), i))
    if not parts:
        return Segments(np.empty((0, 0)), np.empty(0, dtype=np.intp), table.index)
    return Segments(np.concatenate(parts), np.concatenate(owners), table.index)


def rows_as_segments(blocks: Blocks) -> Segments:
    """Take each row of a numeric table as one frame."""
    kept = np.flatnonzero(~np.isnan(blocks.values).all(axis=1))
    labels = range(len(blocks.values)) if blocks.context is None else blocks.context.index
    return Segments(blocks.values[kept], kept, labels)


def as_frame(X: Any) -> pd.DataFrame:
    """A table without names gets the numbers of its columns."""
    return X if isinstance(X, pd.DataFrame) else pd.DataFrame(np.asarray(X, dtype=object))


def holds_frames(X: Any) -> bool:
    """Say whether X is a table of frames; otherwise it is one of numbers."""
    if isinstance(X, pd.DataFrame):
        return any(_column_holds_frames(X.iloc[:, i]) for i in range(X.shape[1]))
    if not (isinstance(X, np.ndarray) and X.dtype == object and X.ndim == 2 and X.size):
        return False
    return any(_is_frames(cell) for cell in X[:, 0])


def _column_holds_frames(column: pd.Series) -> bool:
    if is_context(column.name) or is_sidecar(column.name):
        return False
    if tokens(column.name)[-1].endswith("frames") and column.isna().all():
        return True
    numeric = pd.api.types.is_numeric_dtype(column.dtype)
    return not numeric and any(_is_frames(cell) for cell in column)


def _is_frames(cell: Any) -> bool:
    return is_path(cell) or (isinstance(cell, list | np.ndarray) and np.ndim(cell) > 0)
