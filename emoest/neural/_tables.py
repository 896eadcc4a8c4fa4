"""What a deep estimator is given, as rows of ragged frames: zone 2, or numbers as single frames."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.utils import column_or_1d
from sklearn.utils.validation import check_array, check_consistent_length, validate_data

from emoest.nets.batches import FrameDataset, Scale, check_frames
from emoest.utils.blocks import (
    Floats,
    fill_missing,
    missing_blocks,
    validate_blocks,
    weighted_mean,
)
from emoest.utils.cells import is_path, load_array, read_frames
from emoest.utils.modalities import find_frames, is_context
from emoest.utils.targets import refuse_several_targets

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
    X : DataFrame or array-like of shape (n_samples, n_columns)
        Zone 2 or 3.
    reset : bool
        True in ``fit``.
    modalities : "auto", list or dict, default="auto"
        Which modalities.
    dims : dict of str to int, default=None
        Widths known from ``fit``.

    Returns
    -------
    table : FrameTable

    Raises
    ------
    ValueError
        If a cell holds no frames, NaN, or another width than the others; the message names row and
        modality.
    """
    if not _holds_frames(X):
        return _read_numbers(estimator, X, reset, modalities)
    validate_data(estimator, X, reset=reset, skip_check_array=True)
    frame = X if isinstance(X, pd.DataFrame) else pd.DataFrame(X)
    names = list(modalities) if isinstance(modalities, dict) else modalities
    found = find_frames(frame, names)
    table = FrameTable({}, {}, {} if dims is None else dict(dims), list(frame.index))
    for name, column in found.items():
        _read_column(table, name, frame.iloc[:, column.position])
    return table


def _holds_frames(X: Any) -> bool:
    if isinstance(X, pd.DataFrame):
        return any(
            not is_context(column) and not pd.api.types.is_numeric_dtype(dtype)
            for column, dtype in zip(X.columns, X.dtypes, strict=True)
        )
    if not isinstance(X, np.ndarray) or X.dtype != object or X.ndim != 2 or not X.size:
        return False
    return any(isinstance(cell, np.ndarray | list) for cell in X[:, 0])


def _read_column(table: FrameTable, name: str, column: pd.Series) -> None:
    cells: list[Any] = []
    lengths = np.zeros(len(column), dtype=np.int64)
    for i, cell in enumerate(column):
        where = f"row {column.index[i]!r}, column {column.name!r}"
        n_frames, n_dims, kept = _measure(cell, where)
        cells.append(kept if n_frames else None)
        lengths[i] = n_frames
        if n_frames:
            width = table.dims.setdefault(name, n_dims)
            if n_dims != width:
                raise ValueError(
                    f"{where}: its frames have {n_dims} dimensions, others of this column {width}."
                )
    if name not in table.dims:
        raise ValueError(f"The column {column.name!r} has no frames in any row, so none to learn.")
    table.cells[name], table.lengths[name] = cells, lengths


def _measure(cell: Any, where: str) -> tuple[int, int, Any]:
    """Number and width of a cell's frames, and the cell as it is kept (a path stays a path)."""
    if is_path(cell):
        shape = _shape_of_file(cell, where)
        return shape[0], shape[1], cell
    frames = read_frames(cell, name=where)
    if frames is None:
        return 0, 0, None
    check_frames(frames, frames.shape[1], where)
    return len(frames), frames.shape[1], frames


def _shape_of_file(path: Any, where: str) -> tuple[int, int]:
    """Shape of the frames in an ``.npy`` file, without reading them where it is sound."""
    try:
        shape = np.load(path, mmap_mode="r", allow_pickle=False).shape
    except (OSError, ValueError, EOFError):
        frames = read_frames(path, name=where)
        shape = () if frames is None else frames.shape
    if len(shape) != 2:
        frames = read_frames(load_array(path), name=where)
        shape = () if frames is None else frames.shape
    return int(shape[0]), int(shape[1])


def _read_numbers(estimator: Any, X: Any, reset: bool, modalities: Any) -> FrameTable:
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


def column_means(table: FrameTable, rows: npt.NDArray[np.intp]) -> dict[str, Floats]:
    """Mean of each column of a numeric table over the present values of some rows.

    Parameters
    ----------
    table : FrameTable
        The table; frames have no holes, so they give nothing.
    rows : ndarray of int
        Positions of the training rows.

    Returns
    -------
    means : dict of str to ndarray of shape (n_dims,)
        0 for a column without any value.
    """
    if not table.numbers:
        return {}
    means = {}
    for name, n_dims in table.dims.items():
        present = [table.cells[name][i] for i in rows if table.lengths[name][i]]
        values = np.concatenate(present) if present else np.empty((0, n_dims))
        means[name] = weighted_mean(values.astype(np.float64))
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


def read_target(estimator: Any, X: Any, y: Any, *, numeric: bool) -> npt.NDArray[Any]:
    """Validate a target of one value a row.

    Parameters
    ----------
    estimator : estimator
        For the messages.
    X : DataFrame or array-like
        The samples.
    y : array-like of shape (n_samples,)
        The target.
    numeric : bool
        Whether it must be numbers.

    Returns
    -------
    y : ndarray of shape (n_samples,)

    Raises
    ------
    ValueError
        If there is none, it has several columns or another length than X, or holds NaN.

    Examples
    --------
    >>> read_target(None, [[0.0], [1.0]], ["sad", "happy"], numeric=False).tolist()
    ['sad', 'happy']
    """
    if y is None:
        raise ValueError(
            f"This {type(estimator).__name__} estimator requires y to be passed, but the target y "
            "is None."
        )
    refuse_several_targets(estimator, y)
    y = column_or_1d(y, warn=True)
    check_consistent_length(X, y)
    if numeric or y.dtype.kind in "fc":
        dtype = np.float64 if numeric else None
        y = check_array(y, ensure_2d=False, dtype=dtype, input_name="y")
    return y


def fit_scales(data: FrameDataset) -> dict[str, Scale]:
    """Mean and standard deviation of each dimension over all frames, one pass in double precision.

    Parameters
    ----------
    data : FrameDataset
        The training rows, unscaled.

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
    scales = {}
    for name, n_dims in data.dims.items():
        count, mean, spread = 0, np.zeros(n_dims), np.zeros(n_dims)
        for row in range(len(data)):
            frames = data.read(name, row)
            if frames is None:
                continue
            frames = frames.astype(np.float64)
            step = frames.mean(axis=0) - mean
            share = len(frames) / (count + len(frames))
            spread += ((frames - frames.mean(axis=0)) ** 2).sum(axis=0) + step**2 * count * share
            mean += step * share
            count += len(frames)
        std = np.sqrt(spread / max(count, 1))
        std[std <= 1e-7 * np.maximum(np.abs(mean), 1e-30)] = 1.0
        scales[name] = Scale(mean.astype(np.float32), std.astype(np.float32))
    return scales
