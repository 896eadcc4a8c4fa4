"""Frames reduced to the vectors that this room computes with, and cells written back."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from emoest.tables.cells import Frames
from emoest.tables.frames import FrameTable, side_by_side
from emoest.tables.groups import Split
from emoest.tables.vectors import Blocks
from emoest.utils.typing import Floats, Mask, Rows

REDUCTIONS = ("mean", "flatten", "frames")


def reduce_frames(
    table: FrameTable, reduction: str, n_frames: Mapping[str, int] | None = None
) -> tuple[Blocks, Rows]:
    """Reduce a table of frames to vectors: one a row of the table, or one a step.

    Parameters
    ----------
    table : FrameTable
        The table.
    reduction : {"mean", "flatten", "frames"}
        One vector a row: the mean over its frames, NaN left out, or all frames side by side. Or
        one vector for each step of each row; a frame that is wholly NaN is missing.
    n_frames : dict of str to int, default=None
        For ``"flatten"``: how many frames each modality has; None takes those of its first cell.

    Returns
    -------
    blocks : Blocks
        float64; a modality that is missing is NaN.
    owners : ndarray of int, shape (n_vectors,)
        The row of each vector, in increasing order.

    Raises
    ------
    ValueError
        If steps are wanted of modalities that are not time-aligned, or frames side by side of
        cells that are not equally long.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn.base import BaseEstimator
    >>> from emoest.tables.frames import read_frames_table
    >>> X = pd.DataFrame({"audio": [np.array([[1.0], [3.0]]), np.array([[5.0]])]})
    >>> table = read_frames_table(BaseEstimator(), X, reset=True)
    >>> reduce_frames(table, "mean")[0].values.ravel().tolist()
    [2.0, 5.0]
    >>> reduce_frames(table, "frames")[1].tolist()
    [0, 0, 1]
    """
    n_rows = len(table.X)
    if reduction == "frames":
        steps = table.steps("reading='frames'", instead=", or take the mean over frames")
    else:
        steps = np.ones(n_rows, dtype=np.intp)
    owners = np.repeat(np.arange(n_rows), steps)
    starts = np.cumsum(steps) - steps
    blocks = []
    for name, cells in table.cells.items():
        length = _flat_length(table, name, n_frames) if reduction == "flatten" else 1
        block = np.full((len(owners), length * table.widths[name]), np.nan)
        for row, cell in enumerate(cells):
            if cell is not None:
                block[starts[row] : starts[row] + steps[row]] = _vectors_of(cell, reduction)
        blocks.append(block)
    columns = {n: block.shape[1] for n, block in zip(table.names, blocks, strict=True)}
    return Blocks(np.hstack(blocks), side_by_side(columns), None, None), owners


def _vectors_of(cell: Frames, reduction: str) -> Floats:
    frames = cell.astype(np.float64)
    if reduction == "frames":
        return frames
    if reduction == "flatten":
        return frames.reshape(1, -1)
    # By hand, since numpy.nanmean warns of a dimension that is NaN throughout.
    present = ~np.isnan(frames)
    count = present.sum(axis=0)
    total = np.where(present, frames, 0.0).sum(axis=0)
    mean = np.divide(total, count, out=np.full(frames.shape[1], np.nan), where=count > 0)
    return mean[None, :]


def _flat_length(table: FrameTable, name: str, n_frames: Mapping[str, int] | None) -> int:
    """Return the number of frames that all cells of a modality have, or raise."""
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


def _cells_of(
    table: FrameTable, chosen: Mask, owners: Rows
) -> Iterator[tuple[str, int, slice, Frames | None]]:
    """Find the cells that any chosen vector was reduced from: where, which vectors, the cell."""
    edges = np.searchsorted(owners, np.arange(len(table.X) + 1))
    for name, of_name in zip(table.names, chosen.T, strict=True):
        for row in np.unique(owners[of_name]).tolist():
            yield name, row, slice(edges[row], edges[row + 1]), table.cells[name][row]


def set_missing(table: Blocks | FrameTable, valid: Mask, owners: Rows) -> Any:
    """Return a copy of a table in which only what is valid is left.

    Parameters
    ----------
    table : Blocks or FrameTable
        The table.
    valid : ndarray of bool, shape (n_vectors, n_modalities)
        Of each vector that `reduce_frames` made, or each row of numbers.
    owners : ndarray of int, shape (n_vectors,)
        The row of each vector.

    Returns
    -------
    X : DataFrame or ndarray
        With NaN blocks; or None where no frame of a cell is valid, else NaN in those that are not.
    """
    if isinstance(table, Blocks):
        values = table.values.copy()
        for rows, positions in zip(~valid.T, table.modalities.values(), strict=True):
            values[np.ix_(rows, positions)] = np.nan
        return table.rebuild(values)
    changes: dict[str, dict[int, Frames | None]] = {name: {} for name in table.names}
    for name, row, span, cell in _cells_of(table, ~valid, owners):
        kept = valid[span, table.names.index(name), None]
        if cell is not None:
            some = np.where(kept, cell, np.float32(np.nan))
            changes[name][row] = some if kept.any() else None
    return table.rebuild(changes)


def set_filled(
    table: Blocks | FrameTable, blocks: Blocks, values: Floats, owners: Rows, reduction: Any
) -> Any:
    """Return a copy of a table in which missing vectors are filled.

    Parameters
    ----------
    table : Blocks or FrameTable
        The table.
    blocks : Blocks
        What `reduce_frames` made of it, or the table itself.
    values : ndarray of shape (n_vectors, n_columns)
        The same with missing blocks filled.
    owners : ndarray of int, shape (n_vectors,)
        The row of each vector.
    reduction : {"mean", "flatten", "frames"} or None
        How it was reduced; None if it held numbers.

    Returns
    -------
    X : DataFrame or ndarray
        Of frames, cells that were missing are filled, and cells with missing frames where vectors
        are steps. What is still NaN throughout is left as it is.
    """
    if isinstance(table, Blocks):
        return table.rebuild(values)
    changes: dict[str, dict[int, Frames]] = {name: {} for name in table.names}
    steps = table.lengths.max(axis=1, initial=0)
    for name, row, span, cell in _cells_of(table, blocks.missing, owners):
        new = values[span, blocks.modalities[name]]
        n_frames = steps[row] if cell is None else len(cell)
        if n_frames == 0 or np.isnan(new).all():
            continue
        if reduction == "mean":
            new = np.repeat(new, n_frames, axis=0)
        changes[name][row] = new.reshape(-1, table.widths[name]).astype(np.float32)
    return table.rebuild(changes)


@dataclass(frozen=True)
class PairSamples:
    """What pairs of modalities are compared on.

    A sample is a row of the table or, where steps are compared one by one, a step of a row. It has
    one vector in each modality, or, where frames are compared over time, all its frames.

    Parameters
    ----------
    values : dict of str to ndarray of shape (n_vectors, n_features)
        The vectors of all samples in each modality; NaN is a missing value.
    rows : dict of str to ndarray of int, shape (n_vectors,)
        The sample that each vector belongs to, in increasing order.
    observed : ndarray of bool, shape (n_samples, n_modalities)
        Which sample has which modality.
    owners : ndarray of int, shape (n_samples,)
        The row of the table that each sample belongs to, in increasing order.
    """

    values: dict[str, Floats]
    rows: dict[str, Rows]
    observed: Mask
    owners: Rows

    @property
    def names(self) -> list[str]:
        """Names of the modalities."""
        return list(self.values)

    @property
    def n_samples(self) -> int:
        """Number of samples."""
        return len(self.observed)

    def both(self, first: str, second: str) -> Mask:
        """Return which samples have both modalities."""
        positions = [self.names.index(first), self.names.index(second)]
        return self.observed[:, positions].all(axis=1)

    def select(self, name: str, samples: Mask) -> Floats:
        """Return the vectors of the chosen samples in one modality."""
        return self.values[name][samples[self.rows[name]]]

    def samples_of(self, name: str, samples: Mask) -> Rows:
        """Return the sample of each vector that `select` gives."""
        return self.rows[name][samples[self.rows[name]]]


def vectors_to_samples(blocks: Blocks, owners: Rows) -> PairSamples:
    """Convert vectors to samples; `owners` are the rows of the table that they belong to."""
    values = {name: blocks.block(name) for name in blocks.modalities}
    rows = np.arange(len(blocks.values))
    return PairSamples(values, dict.fromkeys(values, rows), ~blocks.missing, owners)


def frames_to_samples(table: FrameTable) -> PairSamples:
    """Convert the frames of each row to one sample, to be compared over time.

    Raises
    ------
    ValueError
        If the modalities of a row differ in their number of frames.
    """
    table.steps("agreement='time'", instead=", or compare them otherwise")
    values, rows = {}, {}
    for name in table.names:
        values[name], rows[name] = table.stacked(name)
    return PairSamples(values, rows, table.lengths > 0, np.arange(len(table.X)))


def spread(splits: list[Split], owners: Rows) -> list[Split]:
    """Convert splits of the rows of a table into splits of the samples that belong to them.

    Parameters
    ----------
    splits : list of (train, test) index arrays
        Positions of rows.
    owners : ndarray of int, shape (n_samples,)
        The row of each sample.

    Examples
    --------
    >>> spread([(np.array([0]), np.array([1]))], np.array([0, 0, 1]))[0][0].tolist()
    [0, 1]
    """
    return [tuple(np.flatnonzero(np.isin(owners, part)) for part in split) for split in splits]
