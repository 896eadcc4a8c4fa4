"""What a deep estimator is given, as rows of ragged frames: zone 2, or numbers as single frames."""

import tokenize
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.utils.validation import validate_data

from emoest.nets.batches import FrameDataset, Scale, check_frames
from emoest.tables.cells import is_path, read_frames
from emoest.tables.frame_columns import find_frames, may_hold_frames
from emoest.tables.names import is_context
from emoest.tables.vectors import fill_missing, missing_blocks, validate_blocks, weighted_mean
from emoest.utils.typing import Floats
from emoest.utils.warn import warn_user

_SHOWN = 5


@dataclass
class FrameTable:
    """A validated table of frames.

    Parameters
    ----------
    cells : dict of str to list
        For each modality one cell a row: an array, a path, or None.
    lengths : dict of str to ndarray of int, shape (n_samples,)
        Frames of each cell.
    dims : dict of str to int
        Width of the frames of each modality.
    rows : list
        Names of the rows.
    numbers : bool, default=False
        Whether each cell is a row of a numeric table; only those may have holes (NaN).
    """

    cells: dict[str, list[Any]]
    lengths: dict[str, npt.NDArray[np.int64]]
    dims: dict[str, int]
    rows: list[Any]
    numbers: bool = False

    @property
    def empty(self) -> npt.NDArray[np.bool_]:
        """Which rows have no modality at all, shape (n_samples,)."""
        return np.max(np.stack(list(self.lengths.values())), axis=0) == 0

    def dataset(self, *, several: bool, scales: dict[str, Scale]) -> FrameDataset:
        """Make the data set that batches are taken from."""
        return FrameDataset(
            self.cells, self.lengths, self.dims, scales=scales, rows=self.rows, several=several
        )


def read_table(
    estimator: Any, X: Any, *, reset: bool, modalities: Any = "auto", dims: Any = None
) -> FrameTable:
    """Validate frames (object columns) or numbers (each row one frame) and find the modalities.

    Parameters
    ----------
    estimator : estimator
        Whose ``fit`` or ``predict`` was called; gets or is held to ``n_features_in_`` and
        ``feature_names_in_``.
    X : DataFrame, Series or array-like of shape (n_samples, n_columns)
        Zone 2 or 3.
    reset : bool
        True in ``fit``.
    modalities : "auto", list or dict, default="auto"
        Which modalities.
    dims : dict of str to int, default=None
        Modalities and widths known from ``fit``, to which the table is held.

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
        If X has no rows or no columns to learn from, a cell holds no frames, NaN, or another width
        than the others (the message names row and modality), or the modalities are not those of
        `dims`.
    """
    X = _as_table(estimator, X)
    if not _holds_frames(X):
        table = _read_numbers(estimator, X, reset, modalities)
        _settle_modalities(estimator, table, dims)
        return table
    validate_data(estimator, X, reset=reset, skip_check_array=True)
    frame = X if isinstance(X, pd.DataFrame) else pd.DataFrame(X)
    found = find_frames(frame, modalities)
    if dims is not None and len(dims) == len(found) == 1:
        found = dict(zip(dims, found.values(), strict=True))
    table = FrameTable({}, {}, {} if dims is None else dict(dims), list(frame.index))
    for name, column in found.items():
        if dims is None or name in dims:
            _read_column(table, name, frame.iloc[:, column.position], known=dims is not None)
    _settle_modalities(estimator, table, dims)
    return table


def _settle_modalities(estimator: Any, table: FrameTable, dims: dict[str, int] | None) -> None:
    """Hold a table to the modalities of ``fit``; in ``fit`` leave out those that no row has."""
    if dims is not None:
        _hold_to(table, dims)
    elif not table.empty.all():
        _leave_out_absent(table, estimator.n_dims_ if estimator._goes_on else {})


def _leave_out_absent(table: FrameTable, learned: dict[str, int]) -> None:
    """Leave out modalities that no row has, but for those of the fit that this one goes on from."""
    for name in [name for name, lengths in table.lengths.items() if not lengths.any()]:
        if name in learned:
            table.dims[name] = learned[name]
            continue
        warn_user(
            f"No training row has the modality {name!r}, so nothing is learned from it; it is left "
            "out in prediction too."
        )
        del table.cells[name], table.lengths[name]
    table.dims = {name: table.dims[name] for name in table.cells}


def _hold_to(table: FrameTable, dims: dict[str, int]) -> None:
    """Give a table the modalities of ``fit``, in their order; one has that name by position."""
    if len(dims) == len(table.cells) == 1:
        ((name, cells),), ((_, lengths),) = table.cells.items(), table.lengths.items()
        (fitted,) = dims
        table.dims = {fitted: table.dims.get(name, dims[fitted])}
        table.cells, table.lengths = {fitted: cells}, {fitted: lengths}
    for name in table.cells.keys() - dims.keys():
        del table.cells[name], table.lengths[name]
    if set(table.cells) != set(dims):
        raise ValueError(
            f"fit saw the modalities {', '.join(dims)}; X has {', '.join(table.cells)}."
        )
    for name, width in dims.items():
        if table.lengths[name].any() and table.dims[name] != width:
            raise ValueError(
                f"The modality {name!r} has {table.dims[name]} dimensions, it had {width} in fit."
            )
    table.dims = dict(dims)


def _as_table(estimator: Any, X: Any) -> Any:
    """Take a Series of frames as a table of one column; say what is wrong with bare sequences."""
    if isinstance(X, pd.Series) and not pd.api.types.is_numeric_dtype(X.dtype):
        X = X.to_frame()
    if isinstance(X, pd.DataFrame):
        if len(X) == 0:
            raise ValueError(
                f"Found array with 0 sample(s) (shape={X.shape}) while a minimum of 1 is required "
                f"by {type(estimator).__name__}."
            )
        if all(is_context(column) for column in X.columns):
            raise ValueError(f"X has no column of frames or numbers, only {list(X.columns)}.")
        return X
    first = X[0] if isinstance(X, np.ndarray | list | tuple) and len(X) else None
    if isinstance(first, np.ndarray) and first.ndim > 1:
        raise ValueError(
            f"{type(estimator).__name__} takes sequences as cells of a table, one column a "
            "modality, not as a list or a 3-D array. Take "
            "emoest.utils.object_column(list(X), range(len(X)), 'audio__frames').to_frame()."
        )
    return X


def _holds_frames(X: Any) -> bool:
    """Say whether X is a table of frames, of numbers otherwise."""
    if isinstance(X, pd.DataFrame):
        columns = [X.iloc[:, i] for i, name in enumerate(X.columns) if not is_context(name)]
        return any(may_hold_frames(column) for column in columns)
    if not isinstance(X, np.ndarray) or X.dtype != object or X.ndim != 2 or not X.size:
        return False
    return any(
        isinstance(cell, np.ndarray | list) or (is_path(cell) and str(cell).endswith(".npy"))
        for cell in X[:, 0]
    )


def _read_column(table: FrameTable, name: str, column: pd.Series, *, known: bool) -> None:
    cells: list[Any] = []
    lengths = np.zeros(len(column), dtype=np.int64)
    others = "those seen in fit have"
    for i, (label, cell) in enumerate(zip(column.index, column, strict=True)):
        where = f"row {label!r}, column {column.name!r}"
        n_frames, n_dims, kept = _measure(cell, where)
        cells.append(kept if n_frames else None)
        lengths[i] = n_frames
        if not n_frames:
            continue
        if not known:
            known, others = True, f"those of row {label!r} have"
            table.dims[name] = n_dims
        if n_dims != table.dims[name]:
            raise ValueError(
                f"{where}: its frames have {n_dims} dimensions, {others} {table.dims[name]}."
            )
    table.cells[name], table.lengths[name] = cells, lengths


def _measure(cell: Any, where: str) -> tuple[int, int, Any]:
    """Number and width of a cell's frames, and the cell as it is kept (a path stays a path)."""
    if is_path(cell):
        n_frames, n_dims = _shape_of_file(cell, where)
        return (n_frames if n_dims else 0), n_dims, cell
    frames = read_frames(cell, name=where)
    if frames is None or not frames.size:
        return 0, 0, None
    check_frames(frames, frames.shape[1], where)
    return len(frames), frames.shape[1], frames


def _shape_of_file(path: Any, where: str) -> tuple[int, int]:
    """Shape of the frames in an ``.npy`` file, without reading them where it is sound."""
    try:
        mapped = np.lib.format.open_memmap(path, mode="r")
    except (OSError, ValueError, EOFError, tokenize.TokenError, SyntaxError):
        mapped = None
    if mapped is not None and mapped.ndim == 2 and mapped.dtype.kind in "fiub":
        return mapped.shape
    frames = read_frames(path, name=where)
    assert frames is not None, "a path is never missing"
    return frames.shape


def _read_numbers(estimator: Any, X: Any, reset: bool, modalities: Any) -> FrameTable:
    if isinstance(X, pd.DataFrame):
        of_objects = X.columns[X.dtypes.map(pd.api.types.is_object_dtype)]
        objects = [name for name in of_objects if not is_context(name)]
        X = X.astype(dict.fromkeys(objects, np.float64))
    blocks = validate_blocks(estimator, X, reset=reset, modalities=modalities)
    rows = list(X.index) if isinstance(X, pd.DataFrame) else list(range(len(blocks.values)))
    missing = missing_blocks(blocks.values, blocks.modalities)
    table = FrameTable({}, {}, {}, rows, numbers=True)
    for j, name in enumerate(blocks.modalities.names):
        values = blocks.block(name).astype(np.float32)
        table.dims[name] = values.shape[1]
        table.lengths[name] = np.where(missing[:, j], 0, 1)
        table.cells[name] = [
            None if absent else values[i : i + 1] for i, absent in enumerate(missing[:, j])
        ]
    return table


def column_means(
    table: FrameTable, rows: npt.NDArray[np.intp], weight: npt.NDArray[np.float64]
) -> dict[str, Floats]:
    """Mean of each column of a numeric table over the present values of some rows.

    Parameters
    ----------
    table : FrameTable
        The table; frames have no holes, so they give nothing.
    rows : ndarray of int
        Positions of the training rows.
    weight : ndarray of shape (n_samples,)
        Weight of each row of the table.

    Returns
    -------
    means : dict of str to ndarray of shape (n_dims,)
        0 for a column without any value.
    """
    if not table.numbers:
        return {}
    means = {}
    for name, n_dims in table.dims.items():
        present = rows[table.lengths[name][rows] > 0]
        values = np.concatenate([np.empty((0, n_dims)), *(table.cells[name][i] for i in present)])
        means[name] = weighted_mean(values, weight[present])
    return means


def fill_holes(table: FrameTable, means: dict[str, Floats], impute: str) -> None:
    """Fill the holes of a numeric table by column means, or refuse them.

    Parameters
    ----------
    table : FrameTable
        The table, changed in place.
    means : dict of str to ndarray of shape (n_dims,)
        What `column_means` learned.
    impute : {"mean", "raise"}
        What to do.

    Raises
    ------
    ValueError
        If there are holes and `impute` is ``"raise"``.
    """
    if not table.numbers:
        return
    for name, cells in table.cells.items():
        holed = [i for i, cell in enumerate(cells) if cell is not None and np.isnan(cell).any()]
        if holed and impute == "raise":
            shown = ", ".join(repr(table.rows[i]) for i in holed[:_SHOWN])
            raise ValueError(
                f"{len(holed)} row(s) have NaN in some columns of the modality {name!r} and "
                f"numbers in others, for example {shown}. Fill the gaps first, or take "
                "impute='mean'."
            )
        for i in holed:
            cells[i] = fill_missing(cells[i], means[name]).astype(np.float32)


def fit_scales(
    data: FrameDataset, weight: npt.NDArray[np.float64] | None = None
) -> dict[str, Scale]:
    """Mean and standard deviation of each dimension over all frames, one pass in double precision.

    Parameters
    ----------
    data : FrameDataset
        The training rows, unscaled.
    weight : ndarray of shape (n_samples,), default=None
        Weight of each row's frames; None stands for ones.

    Returns
    -------
    scales : dict of str to Scale
        A constant dimension is divided by 1; a modality without frames stays as it is.

    Examples
    --------
    >>> cells = [np.array([[0.0], [2.0]], "float32")]
    >>> scale = fit_scales(FrameDataset({"a": cells}, {"a": np.array([2])}, {"a": 1}))["a"]
    >>> scale.mean.tolist(), scale.std.tolist()
    ([1.0], [1.0])
    """
    weight = np.ones(len(data)) if weight is None else weight
    scales = {}
    for name, n_dims in data.dims.items():
        total, mean, spread = 0.0, np.zeros(n_dims), np.zeros(n_dims)
        for row in np.flatnonzero(weight):
            frames = data.read(name, row)
            if frames is None:
                continue
            frames = frames.astype(np.float64)
            center, added = frames.mean(axis=0), weight[row] * len(frames)
            step, share = center - mean, added / (total + added)
            spread += weight[row] * ((frames - center) ** 2).sum(axis=0) + step**2 * total * share
            mean += step * share
            total += added
        std = np.sqrt(spread / total) if total else np.zeros(n_dims)
        std[std <= 1e-7 * np.maximum(np.abs(mean), 1e-30)] = 1.0
        scales[name] = Scale(mean.astype(np.float32), std.astype(np.float32))
    return scales
