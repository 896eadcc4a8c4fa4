"""Frames as rows of numbers, and back: what the validity room computes with, and writes."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from emoest.tables.cells import Frames
from emoest.tables.frames import Changes, FrameTable, Owners, side_by_side
from emoest.tables.vectors import Blocks
from emoest.utils.typing import Floats

READINGS = ("mean", "flatten", "frames")


def stack(
    table: FrameTable, reading: str, n_frames: Mapping[str, int] | None = None
) -> tuple[Blocks, Owners]:
    """Make rows of numbers of a table of frames: one a sample, or one a step.

    Parameters
    ----------
    table : FrameTable
        The table.
    reading : {"mean", "flatten", "frames"}
        One row a sample: the mean over its frames, NaN left out, or all frames side by side. Or
        one row for each step of each sample; a frame that is wholly NaN is missing.
    n_frames : dict of str to int, default=None
        For ``"flatten"``: how many frames each modality has; None takes those of its first cell.

    Returns
    -------
    blocks : Blocks
        float64; a modality that a row misses is NaN.
    owners : ndarray of int, shape (n_rows,)
        The sample of each row, in increasing order.

    Raises
    ------
    ValueError
        If steps are wanted of modalities that are not on one clock, or frames side by side of
        cells that are not equally long.

    Examples
    --------
    >>> import pandas as pd
    >>> from emoest.tables.frames import read_table
    >>> X = pd.DataFrame({"audio": [np.array([[1.0], [3.0]]), np.array([[5.0]])]})
    >>> table = read_table(X, "auto", None)
    >>> stack(table, "mean")[0].values.ravel().tolist()
    [2.0, 5.0]
    >>> stack(table, "frames")[1].tolist()
    [0, 0, 1]
    """
    n_samples = len(table.X)
    if reading == "frames":
        steps = table.clock("A reading of single frames")
    else:
        steps = np.ones(n_samples, dtype=np.intp)
    owners = np.repeat(np.arange(n_samples), steps)
    starts = np.cumsum(steps) - steps
    blocks = []
    for name, cells in table.cells.items():
        length = _flat_length(table, name, n_frames) if reading == "flatten" else 1
        block = np.full((len(owners), length * table.widths[name]), np.nan)
        for row, cell in enumerate(cells):
            if cell is not None:
                block[starts[row] : starts[row] + steps[row]] = _rows_of(cell, reading)
        blocks.append(block)
    columns = {n: block.shape[1] for n, block in zip(table.names, blocks, strict=True)}
    return Blocks(np.hstack(blocks), side_by_side(columns), None, None), owners


def _rows_of(cell: Frames, reading: str) -> Floats:
    frames = cell.astype(np.float64)
    if reading == "frames":
        return frames
    if reading == "flatten":
        return frames.reshape(1, -1)
    present = ~np.isnan(frames)
    count = present.sum(axis=0)
    total = np.where(present, frames, 0.0).sum(axis=0)
    mean = np.divide(total, count, out=np.full(frames.shape[1], np.nan), where=count > 0)
    return mean[None, :]


def _flat_length(table: FrameTable, name: str, n_frames: Mapping[str, int] | None) -> int:
    """Number of frames that all cells of a modality share."""
    length = 0 if n_frames is None else n_frames[name]
    for label, cell in zip(table.X.index, table.cells[name], strict=True):
        if cell is None:
            continue
        length = length or len(cell)
        if len(cell) != length:
            raise ValueError(
                f"row {label!r}, column {table.columns[name].column!r} has {len(cell)} frames "
                f"where {length} were expected. reading='flatten' needs equal lengths: pad or cut "
                "with emoest.aggregation.FrameAligner, or take the mean over frames."
            )
    return length


def reject(table: FrameTable, valid: npt.NDArray[np.bool_], owners: Owners) -> Changes:
    """Say which cells change when what is not valid is taken out.

    Parameters
    ----------
    table : FrameTable
        The table.
    valid : ndarray of bool, shape (n_rows, n_modalities)
        Of each row that `stack` made.
    owners : ndarray of int, shape (n_rows,)
        The sample of each row.

    Returns
    -------
    changes : dict of str to dict of int to (ndarray or None)
        None where no frame is valid, else frames with NaN where they are not.
    """
    changes: dict[str, dict[int, Frames | None]] = {name: {} for name in table.names}
    edges = np.searchsorted(owners, np.arange(len(table.X) + 1))
    for j, name in enumerate(table.names):
        for row in np.unique(owners[~valid[:, j]]):
            cell, kept = table.cells[name][row], valid[edges[row] : edges[row + 1], j]
            if cell is not None:
                changes[name][int(row)] = _kept_frames(cell, kept) if kept.any() else None
    return changes


def _kept_frames(cell: Frames, kept: npt.NDArray[np.bool_]) -> Frames:
    return np.where(kept[:, None], cell, np.float32(np.nan))


def fill(
    table: FrameTable, blocks: Blocks, values: Floats, owners: Owners, reading: str
) -> Changes:
    """Say which cells change when missing rows of numbers have been filled.

    Parameters
    ----------
    table : FrameTable
        The table.
    blocks : Blocks
        What `stack` made of it.
    values : ndarray of shape (n_rows, n_columns)
        The same with missing blocks filled.
    owners : ndarray of int, shape (n_rows,)
        The sample of each row.
    reading : {"mean", "flatten", "frames"}
        How it was read.

    Returns
    -------
    changes : dict of str to dict of int to ndarray
        Cells that were missing, and cells with missing frames where rows are steps. What is still
        NaN throughout is left as it is.
    """
    changes: dict[str, dict[int, Frames | None]] = {name: {} for name in table.names}
    edges = np.searchsorted(owners, np.arange(len(table.X) + 1))
    steps = table.lengths.max(axis=1, initial=0)
    for name, missing in zip(table.names, blocks.missing.T, strict=True):
        block = values[:, blocks.modalities[name]]
        for row in np.unique(owners[missing]):
            cell, new = table.cells[name][row], block[edges[row] : edges[row + 1]]
            n_frames = steps[row] if cell is None else len(cell)
            if n_frames == 0 or np.isnan(new).all():
                continue
            if reading == "mean":
                new = np.repeat(new, n_frames, axis=0)
            changes[name][int(row)] = new.reshape(-1, table.widths[name]).astype(np.float32)
    return changes
