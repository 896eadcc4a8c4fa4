"""Tables of frames: the one reader of cells, and the way back into a table."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.utils.validation import validate_data

from emoest.tables.cells import Frames, is_path, object_column, present_frames
from emoest.tables.frame_cells import iter_contents, warn_of_absence
from emoest.tables.frame_columns import FrameColumn, as_frame, find_frame_columns
from emoest.tables.inputs import as_fitted
from emoest.tables.names import Modalities, is_context
from emoest.tables.vectors import Blocks
from emoest.utils.messages import listed
from emoest.utils.typing import Array, Floats, Mask, Rows

Changes = Mapping[str, Mapping[int, Frames | None]]


@dataclass
class FrameTable:
    """A validated table of frames.

    Parameters
    ----------
    X : DataFrame of shape (n_samples, n_columns)
        The table.
    columns : dict of str to FrameColumn
        Where the frames of each modality stand.
    cells : dict of str to list of (ndarray of shape (n_frames, n_dims), str or None)
        The frames, or the path of a file that is not read yet; None where there are none.
    lengths : ndarray of int, shape (n_samples, n_modalities)
        Number of frames of each cell; 0 is missing.
    widths : dict of str to int
        Number of dimensions of each modality.
    left_out : dict of str to FrameColumn
        Modalities of X that are not read, as no training row has them.
    numbers : bool, default=False
        Whether each cell is a row of a table of numbers; only those may hold missing values.
    """

    X: pd.DataFrame
    columns: dict[str, FrameColumn]
    cells: dict[str, list[Any]]
    lengths: npt.NDArray[np.intp]
    widths: dict[str, int]
    left_out: dict[str, FrameColumn] = field(default_factory=dict)
    numbers: bool = False

    @property
    def names(self) -> list[str]:
        """Names of the modalities."""
        return list(self.cells)

    @cached_property
    def rows(self) -> list[Any]:
        """Names of the rows."""
        return list(self.X.index)

    @property
    def modalities(self) -> Modalities:
        """Positions of the dimensions of each modality when frames stand side by side."""
        return side_by_side(self.widths)

    @property
    def missing(self) -> Mask:
        """Which samples miss which modality, shape (n_samples, n_modalities)."""
        return self.lengths == 0

    @property
    def empty(self) -> Mask:
        """Which samples miss every modality, shape (n_samples,)."""
        return np.logical_and.reduce(self.missing, axis=1)

    @property
    def time_aligned(self) -> bool:
        """Whether all modalities that a row has are equally long, in every row."""
        longest = self.lengths.max(axis=1, keepdims=True, initial=0)
        return bool((self.missing | (self.lengths == longest)).all())

    def steps(self, why: str, instead: str = "") -> Rows:
        """Return the number of steps of each row, 0 where it has no modality.

        Parameters
        ----------
        why : str
            What needs time-aligned modalities, to begin a sentence with.
        instead : str, default=""
            What else helps, to end it with.

        Raises
        ------
        ValueError
            If the modalities of a row differ in their number of frames.
        """
        longest = self.lengths.max(axis=1, initial=0)
        off = (self.lengths > 0) & (self.lengths < longest[:, None])
        if off.any():
            row = int(off.any(axis=1).argmax())
            counts = zip(self.names, self.lengths[row].tolist(), strict=True)
            found = {name: count for name, count in counts if count}
            raise ValueError(
                f"row {self.rows[row]!r}: the modalities have different numbers of frames, "
                f"{found}. {why} needs time-aligned modalities: align them with "
                f"emoest.aggregation.FrameAligner{instead}."
            )
        return longest

    def stacked(self, name: str) -> tuple[Floats, Rows]:
        """Return all frames of one modality, one below the other, and the sample of each."""
        cells = [(i, cell) for i, cell in enumerate(self.cells[name]) if cell is not None]
        if not cells:
            return np.empty((0, self.widths[name])), np.empty(0, dtype=np.intp)
        values = np.concatenate([cell for _, cell in cells]).astype(np.float64)
        owners = np.repeat([i for i, _ in cells], [len(cell) for _, cell in cells])
        return values, owners.astype(np.intp)

    def select(self, names: list[str]) -> "FrameTable":
        """Keep the modalities in `names`, in that order; `rebuild` leaves out the others."""
        at = [self.names.index(name) for name in names]
        return replace(
            self,
            columns={name: self.columns[name] for name in names if name in self.columns},
            cells={name: self.cells[name] for name in names},
            lengths=self.lengths[:, at],
            widths={name: self.widths[name] for name in names},
            left_out={**self.left_out, **{n: c for n, c in self.columns.items() if n not in names}},
        )

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
            for position in column.positions:
                new = cells if position == column.position else gone
                if new:
                    output.isetitem(position, _with_cells(self.X.iloc[:, position], new))
        return output.iloc[:, kept_positions(self.X.columns, self.left_out)]


def _with_cells(column: pd.Series, new: Mapping[int, Any]) -> Array:
    cells = [new.get(row, cell) for row, cell in enumerate(column)]
    return object_column(cells, column.index).to_numpy()


def kept_positions(names: Any, left_out: Mapping[str, FrameColumn]) -> list[int]:
    """Return the positions of the columns that come out: no modality left out, context last.

    Examples
    --------
    >>> kept_positions(["speaker", "a", "b"], {"a": FrameColumn(1, {}, "a")})
    [2, 0]
    """
    gone = {position for column in left_out.values() for position in column.positions}
    kept = [i for i in range(len(names)) if i not in gone]
    return sorted(kept, key=lambda i: is_context(names[i]))


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


def read_frames_table(
    estimator: Any,
    X: Any,
    *,
    reset: bool,
    modalities: Any = "auto",
    widths: Mapping[str, int] | None = None,
    lazy: bool = False,
    allow: str = "absent",
) -> FrameTable:
    """Validate a table of frames and read it.

    Parameters
    ----------
    estimator : estimator
        Whose ``fit`` or ``transform`` was called; gets or is held to ``n_features_in_`` and
        ``feature_names_in_``.
    X : DataFrame or object array of shape (n_samples, n_columns)
        One object column of frames per modality; zero frames count as a missing cell.
    reset : bool
        True in ``fit``.
    modalities : "auto", list or dict, default="auto"
        Which modalities; see `emoest.utils.find_frames`.
    widths : dict of str to int, default=None
        Modalities and widths of ``fit``, to which the table is held. In ``fit``, those that stay
        even if no row has them.
    lazy : bool, default=False
        Whether files stay closed. Only their shape is looked at then.
    allow : {"absent", "nan", "any"}, default="absent"
        See `emoest.tables.cells.check_frames`. With ``"absent"`` a cell whose frames are all
        absent is missing.

    Returns
    -------
    table : FrameTable

    Warns
    -----
    UserWarning
        In ``fit``, of a modality that no row has while others are there: it is left out.

    Raises
    ------
    ValueError
        If no row has any modality, frames stand beside numbers, a cell cannot be used (the message
        names row and column), or X lacks a modality of ``fit``.

    Examples
    --------
    >>> from sklearn.base import BaseEstimator
    >>> X = pd.DataFrame({"audio__frames": [np.zeros((2, 3)), None]})
    >>> table = read_frames_table(BaseEstimator(), X, reset=True)
    >>> table.widths, table.lengths.tolist()
    ({'audio': 3}, [[2], [0]])
    """
    X = as_frame(as_fitted(estimator, X, reset=reset))
    validate_data(estimator, X, reset=reset, skip_check_array=True)
    columns = find_frame_columns(X, modalities)
    learned = {} if reset or widths is None else dict(widths)
    if len(learned) == len(columns) == 1:
        # Names may be lost on the way to a prediction; the only modality is that of fit.
        columns = dict(zip(learned, columns.values(), strict=True))
    table = FrameTable(X, columns, {}, np.zeros((len(X), len(columns)), np.intp), {})
    for j, (name, column) in enumerate(columns.items()):
        cells: list[Any] = []
        width = learned.get(name, 0)
        if reset or name in learned:
            for i, (content, shape) in enumerate(iter_contents(X, column, width, allow, lazy=lazy)):
                there = 0 not in shape and not (allow == "absent" and _all_absent(content))
                cells.append(content if there else None)
                table.lengths[i, j] = shape[0] if there else 0
                width = width or (shape[1] if there else 0)
        table.cells[name], table.widths[name] = cells, width
    return settle_modalities(estimator, table, reset=reset, widths=widths)


def _all_absent(content: Any) -> bool:
    return not is_path(content) and not len(present_frames(content))


def settle_modalities(
    estimator: Any, table: FrameTable, *, reset: bool, widths: Mapping[str, int] | None
) -> FrameTable:
    """Hold a table to the modalities of ``fit``; in ``fit`` leave out those that no row has.

    For `reset` and `widths` see `read_frames_table`, which does this to all that it reads.
    """
    known = {} if widths is None else dict(widths)
    if not reset:
        if len(known) == len(table.cells) == 1:
            table.cells = dict(zip(known, table.cells.values(), strict=True))
            table.widths = dict(zip(known, table.widths.values(), strict=True))
        if not set(known) <= set(table.cells):
            raise ValueError(
                f"fit saw the modalities {listed(known)}; X has {listed(table.cells)}."
            )
        for j, name in enumerate(table.names):
            width = known.get(name, table.widths[name])
            if table.widths[name] != width and table.lengths[:, j].any():
                raise ValueError(
                    f"The modality {name!r} has {table.widths[name]} dimensions, it had {width} in "
                    "fit."
                )
        return table.select(list(known))
    if table.empty.all():
        raise ValueError(
            f"{type(estimator).__name__} has nothing to learn from: none of the {len(table.X)} "
            f"rows of X has frames or numbers in any modality ({listed(table.names)})."
        )
    absent = [name for name, gone in zip(table.names, table.missing.T, strict=True) if gone.all()]
    for name in absent:
        if name in known:
            table.widths[name] = known[name]
        else:
            warn_of_absence(name, table.columns[name].column if table.columns else name)
    return table.select([name for name in table.names if name in known or name not in absent])


def drop_absent_frames(table: FrameTable) -> None:
    """Leave out the frames that are NaN throughout, in place; files stay closed."""
    for j, cells in enumerate(table.cells.values()):
        for i, cell in enumerate(cells):
            if isinstance(cell, np.ndarray) and not table.numbers:
                cells[i] = present_frames(cell)
                table.lengths[i, j] = len(cells[i])


def rows_as_frames(blocks: Blocks) -> FrameTable:
    """Return a table of numbers as one of frames: each row is one float32 frame.

    Examples
    --------
    >>> from sklearn.base import BaseEstimator
    >>> from emoest.tables.vectors import validate_blocks
    >>> table = rows_as_frames(validate_blocks(BaseEstimator(), [[1.0], [np.nan]], reset=True))
    >>> table.lengths.tolist(), table.cells["features"][0].tolist()
    ([[1], [0]], [[1.0]])
    """
    missing = blocks.missing
    cells = {}
    for name, gone in zip(blocks.modalities, missing.T, strict=True):
        values = blocks.block(name).astype(np.float32)
        cells[name] = [None if absent else values[i : i + 1] for i, absent in enumerate(gone)]
    widths = {name: len(at) for name, at in blocks.modalities.items()}
    X = pd.DataFrame(index=range(len(missing))) if blocks.context is None else blocks.context
    return FrameTable(X, {}, cells, (~missing).astype(np.intp), widths, numbers=True)
