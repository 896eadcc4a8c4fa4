"""Tables of frames (zone 2) in this room: read them, and write cells back."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.utils.validation import validate_data

from emoest.tables.cells import Frames, may_hold_frames, object_column, read_frames
from emoest.tables.names import (
    FrameColumn,
    Modalities,
    context_last,
    find_frames,
    is_context,
    is_sidecar,
)
from emoest.tables.vectors import Blocks, validate_blocks
from emoest.utils.typing import Floats

Owners = npt.NDArray[np.intp]
Changes = Mapping[str, Mapping[int, Frames | None]]


@dataclass(frozen=True)
class FrameTable:
    """A validated table of frames.

    Parameters
    ----------
    X : DataFrame of shape (n_samples, n_columns)
        The table.
    columns : dict of str to FrameColumn
        Where the frames of each modality stand.
    cells : dict of str to list of (ndarray of shape (n_frames, n_dims) or None)
        The frames; None where there are none.
    widths : dict of str to int
        Number of dimensions of each modality; 0 where no cell has shown it.
    """

    X: pd.DataFrame
    columns: dict[str, FrameColumn]
    cells: dict[str, list[Frames | None]]
    widths: dict[str, int]

    @property
    def names(self) -> list[str]:
        """Names of the modalities."""
        return list(self.columns)

    @property
    def modalities(self) -> Modalities:
        """Positions of the dimensions of each modality when frames stand side by side."""
        return side_by_side(self.widths)

    @property
    def lengths(self) -> npt.NDArray[np.intp]:
        """Number of frames of each cell, shape (n_samples, n_modalities); 0 is missing."""
        return np.array(
            [[0 if cell is None else len(cell) for cell in cells] for cells in self.cells.values()],
            dtype=np.intp,
        ).T.reshape(len(self.X), len(self.cells))

    @property
    def missing(self) -> npt.NDArray[np.bool_]:
        """Which samples miss which modality, shape (n_samples, n_modalities)."""
        return self.lengths == 0

    @property
    def on_one_clock(self) -> bool:
        """Whether all modalities that a row has are equally long, in every row."""
        lengths = self.lengths
        return bool(((lengths == 0) | (lengths == lengths.max(axis=1, keepdims=True))).all())

    def clock(self, why: str) -> npt.NDArray[np.intp]:
        """Return the number of steps of each row, 0 where it has no modality.

        Parameters
        ----------
        why : str
            What needs one clock, to begin an error with.

        Raises
        ------
        ValueError
            If the modalities of a row differ in their number of frames.
        """
        for label, counts in zip(self.X.index, self.lengths, strict=True):
            found = {name: int(n) for name, n in zip(self.names, counts, strict=True) if n > 0}
            if len(set(found.values())) > 1:
                raise ValueError(
                    f"row {label!r}: the modalities have different numbers of frames, {found}. "
                    f"{why} needs one clock: align them with emoest.aggregation.FrameAligner, or "
                    "take the mean over frames."
                )
        return self.lengths.max(axis=1, initial=0)

    def stacked(self, name: str) -> tuple[Floats, Owners]:
        """Return all frames of one modality, one below the other, and the sample of each."""
        cells = [(i, cell) for i, cell in enumerate(self.cells[name]) if cell is not None]
        if not cells:
            return np.empty((0, self.widths[name])), np.empty(0, dtype=np.intp)
        values = np.concatenate([cell for _, cell in cells]).astype(np.float64)
        owners = np.repeat([i for i, _ in cells], [len(cell) for _, cell in cells])
        return values, owners.astype(np.intp)

    def rebuild(self, changes: Changes) -> pd.DataFrame:
        """Return a copy of the table with some cells changed, context columns last.

        Parameters
        ----------
        changes : dict of str to dict of int to (ndarray or None)
            The new cells of each modality by position of the row; what stands beside a cell that
            becomes None becomes None too.
        """
        output = self.X.copy()
        for name, cells in changes.items():
            column = self.columns[name]
            gone = dict.fromkeys((row for row, cell in cells.items() if cell is None), None)
            for position in (column.position, *column.sidecars.values()):
                new = cells if position == column.position else gone
                if new:
                    label = self.X.columns[position]
                    output[label] = _with_cells(self.X.iloc[:, position], new, label)
        return output[list(context_last(self.X.columns))]


def _with_cells(column: pd.Series, new: Mapping[int, Any], label: object) -> pd.Series:
    cells = [new.get(row, cell) for row, cell in enumerate(column)]
    return object_column(cells, column.index, label)


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
    columns = [
        X.iloc[:, i]
        for i, name in enumerate(X.columns)
        if not is_context(name) and not is_sidecar(name)
    ]
    framed = [may_hold_frames(column) for column in columns]
    rest = [column for column, may in zip(columns, framed, strict=True) if not may]
    return any(framed) and all(bool(column.isna().all()) for column in rest)


def read_table(X: pd.DataFrame, modalities: Any, widths: dict[str, int] | None) -> FrameTable:
    """Read a table of frames.

    Parameters
    ----------
    X : DataFrame of shape (n_samples, n_columns)
        One object column of frames per modality; zero frames count as a missing cell.
    modalities : "auto", list or dict
        Which modalities; see `emoest.utils.find_frames`.
    widths : dict of str to int or None
        Number of dimensions that each modality must have; None, and 0, take those of its first
        cell.

    Returns
    -------
    table : FrameTable

    Raises
    ------
    ValueError
        If widths differ or a value is infinite; the message names row and column.

    Examples
    --------
    >>> X = pd.DataFrame({"audio__frames": [np.zeros((2, 3)), None]})
    >>> table = read_table(X, "auto", None)
    >>> table.widths, table.lengths.tolist()
    ({'audio': 3}, [[2], [0]])
    """
    columns = find_frames(X, modalities)
    cells, found = {}, {}
    for name, column in columns.items():
        width = 0 if widths is None else widths[name]
        cells[name], found[name] = _read_column(X, column, width)
    return FrameTable(X, columns, cells, found)


def _read_column(
    X: pd.DataFrame, column: FrameColumn, width: int
) -> tuple[list[Frames | None], int]:
    cells: list[Frames | None] = []
    for label, cell in zip(X.index, X.iloc[:, column.position], strict=True):
        where = f"row {label!r}, column {column.column!r}"
        frames = read_frames(cell, name=where)
        if frames is None or len(frames) == 0:
            cells.append(None)
            continue
        width = width or frames.shape[1]
        if frames.shape[1] != width:
            raise ValueError(
                f"{where} has frames of {frames.shape[1]} dimensions where {width} were expected."
            )
        if np.isinf(frames).any():
            raise ValueError(
                f"{where} holds infinite values. Put NaN there, which counts as a missing value."
            )
        cells.append(frames)
    return cells, width


def validate_zone(
    estimator: Any, X: Any, *, reset: bool, **check_params: Any
) -> Blocks | FrameTable:
    """Validate a table of numbers or of frames, whichever X is, or was in ``fit``.

    Sets or checks ``n_features_in_`` and ``feature_names_in_``, and remembers in ``_framed`` and
    ``_widths`` what was seen.

    Parameters
    ----------
    estimator : estimator
        Whose ``fit`` or ``transform`` was called; it has the parameter ``modalities``.
    X : DataFrame or array-like of shape (n_samples, n_columns)
        The table.
    reset : bool
        True in ``fit``, False elsewhere.
    **check_params : dict
        For numbers; see `emoest.tables.vectors.validate_blocks`.

    Returns
    -------
    table : Blocks or FrameTable

    Raises
    ------
    ValueError
        If X mixes frames with numbers, or has no rows in ``fit``.

    Examples
    --------
    >>> from emoest.validity import ModalityImputer
    >>> X = pd.DataFrame({"audio__frames": [np.zeros((2, 3)), None]})
    >>> type(validate_zone(ModalityImputer(), X, reset=True)).__name__
    'FrameTable'
    """
    if reset:
        estimator._framed = holds_frames(X)
        if estimator._framed and len(X) == 0:
            raise ValueError(f"X has 0 samples; {type(estimator).__name__} needs one at least.")
    if not estimator._framed:
        _refuse_mixture(X)
        return validate_blocks(
            estimator, X, reset=reset, modalities=estimator.modalities, **check_params
        )
    validate_data(estimator, X, reset=reset, skip_check_array=True)
    table = read_table(X, estimator.modalities, None if reset else estimator._widths)
    if reset:
        estimator._widths = table.widths
    return table


def _refuse_mixture(X: Any) -> None:
    """Raise if frames stand among numbers."""
    if not isinstance(X, pd.DataFrame):
        return
    for i, name in enumerate(X.columns):
        column = X.iloc[:, i]
        if is_context(name) or column.dtype != object:
            continue
        if any(isinstance(cell, np.ndarray) for cell in column):
            raise ValueError(
                f"X mixes frames (column {name!r}) with numbers. Pool the frames first, for "
                "example with emoest.aggregation.StatisticsPooling, or leave the numbers out."
            )


def side_by_side(widths: Mapping[str, int]) -> Modalities:
    """Positions of the columns of each modality when blocks of these widths stand side by side.

    Examples
    --------
    >>> side_by_side({"audio": 2, "text": 1})["text"].tolist()
    [2]
    """
    edges = np.cumsum([0, *widths.values()])
    spans = zip(widths, pairwise(edges.tolist()), strict=True)
    return Modalities({name: np.arange(*span) for name, span in spans})
