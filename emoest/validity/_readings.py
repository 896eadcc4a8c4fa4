"""What the validity filter reads of a table: rows, or frames, of each modality."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from emoest.utils.blocks import Blocks
from emoest.utils.cells import read_frames
from emoest.utils.modalities import FrameColumn, is_context, is_sidecar

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Readings:
    """The modalities of a table as stacked rows.

    Parameters
    ----------
    values : dict of str to ndarray of shape (n_rows, n_features)
        One row a sample, or one a frame; NaN is a missing value.
    rows : dict of str to ndarray of int, shape (n_rows,)
        The sample that each stacked row belongs to, in increasing order.
    observed : ndarray of bool, shape (n_samples, n_modalities)
        Which sample has which modality.
    """

    values: dict[str, Floats]
    rows: dict[str, npt.NDArray[np.intp]]
    observed: npt.NDArray[np.bool_]

    @property
    def names(self) -> list[str]:
        """Names of the modalities."""
        return list(self.values)

    @property
    def n_samples(self) -> int:
        """Number of samples."""
        return len(self.observed)

    def both(self, first: str, second: str) -> npt.NDArray[np.bool_]:
        """Which samples have both modalities."""
        positions = [self.names.index(first), self.names.index(second)]
        return self.observed[:, positions].all(axis=1)

    def select(self, name: str, samples: npt.NDArray[np.bool_]) -> Floats:
        """Return the stacked rows of the chosen samples in one modality."""
        return self.values[name][samples[self.rows[name]]]

    def samples_of(self, name: str, samples: npt.NDArray[np.bool_]) -> npt.NDArray[np.intp]:
        """Return the sample of each row that `select` gives."""
        return self.rows[name][samples[self.rows[name]]]


def holds_frames(X: Any) -> bool:
    """Say whether X is a table of frames (zone 2) rather than of numbers.

    Examples
    --------
    >>> X = pd.DataFrame({"audio__frames": [np.zeros((2, 3)), None]})
    >>> holds_frames(X), holds_frames(np.zeros((2, 3)))
    (True, False)
    """
    if not isinstance(X, pd.DataFrame):
        return False
    frames = [c for c in X.columns if not is_context(c) and not is_sidecar(c)]
    return bool(frames) and all(X[c].dtype == object for c in frames)


def read_vectors(blocks: Blocks) -> Readings:
    """Read one row a sample from a table of numbers."""
    rows = np.arange(len(blocks.values))
    return Readings(
        {name: blocks.block(name) for name in blocks.modalities},
        dict.fromkeys(blocks.modalities, rows),
        ~blocks.missing,
    )


def read_cells(
    X: pd.DataFrame,
    frames: dict[str, FrameColumn],
    widths: dict[str, int] | None,
    *,
    aligned: bool,
) -> Readings:
    """Read a table of frames, frame by frame or as the mean over the frames.

    Parameters
    ----------
    X : DataFrame
        A table in zone 2.
    frames : dict of str to FrameColumn
        Where the frames are.
    widths : dict of str to int or None
        Number of dimensions that each modality must have; None takes those of its first cell.
    aligned : bool
        True keeps frames and asks for the same number in all modalities of a sample, False takes
        their mean.

    Raises
    ------
    ValueError
        If widths differ, or if aligned modalities of a sample differ in their number of frames.
    """
    values, rows, observed, lengths = {}, {}, [], []
    for name, column in frames.items():
        width = None if widths is None else widths[name]
        cells = _read_column(X, column, width)
        present = [i for i, cell in enumerate(cells) if cell is not None]
        counts = np.array([0 if cell is None else len(cell) for cell in cells], dtype=np.intp)
        stack = [np.asarray(cells[i], dtype=np.float64) for i in present]
        if not aligned:
            stack = [_mean_over_frames(cell) for cell in stack]
        n_dims = stack[0].shape[1] if stack else (width or 0)
        values[name] = np.concatenate(stack) if stack else np.empty((0, n_dims))
        rows[name] = np.repeat(present, counts[present] if aligned else 1).astype(np.intp)
        observed.append(counts > 0)
        lengths.append(counts)
    if aligned:
        _check_aligned(X, list(frames), np.column_stack(lengths))
    return Readings(values, rows, np.column_stack(observed))


def _read_column(
    X: pd.DataFrame, column: FrameColumn, width: int | None
) -> list[npt.NDArray[np.float32] | None]:
    cells = []
    for label, cell in zip(X.index, X.iloc[:, column.position], strict=True):
        frames = read_frames(cell, name=f"row {label!r}, column {column.column!r}")
        if frames is not None and len(frames) == 0:
            frames = None
        if frames is not None:
            width = frames.shape[1] if width is None else width
            if frames.shape[1] != width:
                raise ValueError(
                    f"row {label!r}, column {column.column!r} has frames of {frames.shape[1]} "
                    f"dimensions where {width} were expected."
                )
        cells.append(frames)
    return cells


def _mean_over_frames(frames: Floats) -> Floats:
    present = ~np.isnan(frames)
    count = present.sum(axis=0)
    total = np.where(present, frames, 0.0).sum(axis=0)
    mean = np.divide(total, count, out=np.full(frames.shape[1], np.nan), where=count > 0)
    return mean[None, :]


def _check_aligned(X: pd.DataFrame, names: list[str], lengths: npt.NDArray[np.intp]) -> None:
    for label, counts in zip(X.index, lengths, strict=True):
        found = {name: int(n) for name, n in zip(names, counts, strict=True) if n > 0}
        if len(set(found.values())) > 1:
            raise ValueError(
                f"row {label!r}: the modalities have different numbers of frames, {found}. "
                "agreement='time' needs one clock: resample them to it, or use another agreement, "
                "which takes the mean over frames."
            )
