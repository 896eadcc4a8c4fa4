"""The samples of decision-level fusion, in any zone: each base gets its modality's columns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.utils import check_array, check_consistent_length, column_or_1d
from sklearn.utils.validation import validate_data

from emoest.tables.cells import missing_cells
from emoest.tables.frame_columns import holds_frames
from emoest.tables.frames import FrameTable, read_frames_table
from emoest.tables.names import Modalities, find_modalities, is_context, is_sidecar, tokens
from emoest.tables.targets import refuse_several_targets
from emoest.tables.vectors import Blocks, fill_missing, validate_blocks, weighted_mean
from emoest.utils._sklearn import num_samples
from emoest.utils.typing import Rows

Fill = Mapping[str, npt.NDArray[np.float64]]


@dataclass(frozen=True)
class Layout:
    """Where the modalities of a table stand; learned in fit.

    Parameters
    ----------
    modalities : Modalities
        Positions among the columns that are not context.
    media : frozenset of str
        The modalities that hold objects (media or frames) and not numbers.
    """

    modalities: Modalities
    media: frozenset[str]


@dataclass(frozen=True)
class Table:
    """Samples whose columns belong to modalities, in any zone.

    Parameters
    ----------
    data : DataFrame or ndarray of shape (n_samples, n_columns)
        All columns but the context.
    layout : Layout
        Which columns belong to which modality.
    context : DataFrame or None
        The context columns that the bases are to get; None when X was an array.
    missing : dict of str to ndarray of bool, shape (n_samples,)
        The rows that miss each modality.
    """

    data: Any
    layout: Layout
    context: pd.DataFrame | None
    missing: dict[str, npt.NDArray[np.bool_]]

    @property
    def names(self) -> list[str]:
        """Names of the modalities."""
        return self.layout.modalities.names

    def __len__(self) -> int:
        return num_samples(self.data)

    def present(self, members: Sequence[str]) -> npt.NDArray[np.bool_]:
        """Say which rows have all of some modalities."""
        return ~np.logical_or.reduce([self.missing[name] for name in members])

    def block(self, name: str, rows: Rows) -> Any:
        """Take the columns of one modality."""
        positions = self.layout.modalities[name]
        if isinstance(self.data, pd.DataFrame):
            return self.data.iloc[rows, positions]
        return self.data[np.ix_(rows, positions)]

    def learn_fill(self, members: Sequence[str], rows: Rows, sample_weight: Any) -> Fill:
        """Find what stands in for NaN: the mean of each numeric column over `rows`."""
        weight = None if sample_weight is None else sample_weight[rows]
        return {
            name: weighted_mean(np.asarray(self.block(name, rows), dtype=np.float64), weight)
            for name in members
            if name not in self.layout.media
        }

    def take(self, members: Sequence[str], rows: Rows, fill: Fill, impute: str) -> Any:
        """Take what a base gets: the columns of its modalities, NaN filled, then the context.

        Parameters
        ----------
        members : sequence of str
            The modalities.
        rows : ndarray of int
            Rows that have all of them.
        fill : dict of str to ndarray
            What `learn_fill` found.
        impute : {"mean", "raise"}
            What a partly NaN block means.

        Returns
        -------
        X : DataFrame or ndarray of shape (len(rows), n_columns)

        Raises
        ------
        ValueError
            If a block is partly NaN and ``impute="raise"``.
        """
        parts = [self._filled(name, rows, fill, impute) for name in members]
        if not isinstance(self.data, pd.DataFrame):
            return np.hstack(parts)
        if self.context is not None and self.context.shape[1]:
            parts.append(self.context.iloc[rows])
        return parts[0] if len(parts) == 1 else pd.concat(parts, axis=1)

    def _filled(self, name: str, rows: Rows, fill: Fill, impute: str) -> Any:
        block = self.block(name, rows)
        if name in self.layout.media:
            return block
        values = np.asarray(block, dtype=np.float64)
        holes = np.isnan(values)
        if not holes.any():
            return block
        if impute == "raise":
            self._refuse_holes(name, block, holes)
        filled = fill_missing(values, fill[name])
        if not isinstance(block, pd.DataFrame):
            return filled
        return pd.DataFrame(filled, index=block.index, columns=block.columns)

    def _refuse_holes(self, name: str, block: Any, holes: npt.NDArray[np.bool_]) -> None:
        row, column = np.argwhere(holes)[0]
        if isinstance(block, pd.DataFrame):
            (label,) = block.index[[row]]
            where = f"row {label!r}, column {block.columns[column]!r}"
        else:
            where = f"column {column} of its block"
        raise ValueError(
            f"The modality {name!r} is partly NaN in {int(holes.any(axis=1).sum())} row(s), first "
            f"in {where}. Fill it in a step before, or use impute='mean'."
        )


def read_table(
    estimator: Any,
    X: Any,
    y: Any = None,
    *,
    layout: Layout | None = None,
    classifier: bool = True,
) -> tuple[Table, Any]:
    """Validate the samples (and, in fit, the target) of an estimator of this room.

    Parameters
    ----------
    estimator : estimator
        With the parameters `modalities` and `context`.
    X : DataFrame or array-like of shape (n_samples, n_columns)
        The samples, in any zone.
    y : array-like of shape (n_samples,), default=None
        The target, in fit.
    layout : Layout, default=None
        What fit learned; None in fit.
    classifier : bool, default=True
        Whether `y` holds classes; otherwise it is made float.

    Returns
    -------
    table : Table
    y : ndarray of shape (n_samples,) or None

    Raises
    ------
    ValueError
        If `y` has several columns, X is empty, or the modalities or context columns are unknown.
    """
    reset = layout is None
    if reset:
        refuse_several_targets(estimator, y)
    if isinstance(X, pd.DataFrame) and _media_columns(X, layout):
        return _read_media(estimator, X, y, layout, classifier)
    params = {} if classifier or not reset else {"y_numeric": True}
    read = validate_blocks(
        estimator,
        X,
        *([y] if reset else []),
        reset=reset,
        modalities=estimator.modalities,
        **params,
    )
    blocks, target = read if reset else (read, None)
    layout = layout or Layout(blocks.modalities, frozenset())
    data = blocks.values
    if blocks.context is not None:
        data = pd.DataFrame(blocks.values, index=blocks.context.index, columns=blocks.columns)
    missing = dict(zip(blocks.modalities, blocks.missing.T, strict=True))
    return Table(data, layout, _context(estimator, blocks.context), missing), target


def _media_columns(X: pd.DataFrame, layout: Layout | None) -> bool:
    if layout is not None:
        return bool(layout.media)
    return any(
        not is_context(column) and not pd.api.types.is_numeric_dtype(dtype)
        for column, dtype in zip(X.columns, X.dtypes, strict=True)
    )


def _read_media(
    estimator: Any, X: pd.DataFrame, y: Any, layout: Layout | None, classifier: bool
) -> tuple[Table, Any]:
    validate_data(estimator, X, reset=layout is None, skip_check_array=True)
    if len(X) == 0:
        raise ValueError("X has 0 sample(s); at least one is needed.")
    target = None
    if layout is None:
        target = _check_target(estimator, X, y, classifier)
    outside = [is_context(column) for column in X.columns]
    data, context = X.loc[:, np.logical_not(outside)], X.loc[:, outside]
    if layout is None:
        modalities = find_modalities(data, estimator.modalities)
        layout = Layout(modalities, _media_modalities(data, modalities))
    missing = {
        name: _missing_media(data.iloc[:, positions])
        if name in layout.media
        else _missing_numbers(estimator, data.iloc[:, positions])
        for name, positions in layout.modalities.items()
    }
    return Table(data, layout, _context(estimator, context), missing), target


def _check_target(estimator: Any, X: Any, y: Any, classifier: bool) -> Any:
    if y is None:
        raise ValueError(
            f"This {type(estimator).__name__} estimator requires y to be passed, but the target y "
            "is None."
        )
    target = column_or_1d(y, warn=True)
    check_consistent_length(X, target)
    if not classifier:
        target = check_array(target, ensure_2d=False, dtype=np.float64, input_name="y")
    return target


def _media_modalities(data: pd.DataFrame, modalities: Modalities) -> frozenset[str]:
    numeric = np.array([pd.api.types.is_numeric_dtype(dtype) for dtype in data.dtypes])
    return frozenset(name for name, at in modalities.items() if not numeric[at].all())


def _missing_media(block: pd.DataFrame) -> npt.NDArray[np.bool_]:
    main = [i for i, column in enumerate(block.columns) if not is_sidecar(column)]
    positions = main or range(block.shape[1])
    return np.logical_and.reduce([missing_cells(block.iloc[:, i]) for i in positions])


def _missing_numbers(estimator: Any, block: pd.DataFrame) -> npt.NDArray[np.bool_]:
    values = check_array(
        block,
        dtype=np.float64,
        ensure_all_finite="allow-nan",
        estimator=estimator,
        input_name="X",
    )
    return np.isnan(values).all(axis=1)


def _context(estimator: Any, context: pd.DataFrame | None) -> pd.DataFrame | None:
    wanted = list(estimator.context)
    if context is None:
        if wanted:
            raise ValueError(
                f"context={wanted} names columns, but X has no column names. Pass a DataFrame."
            )
        return None
    chosen = []
    for name in wanted:
        hits = [c for c in context.columns if c == name or tokens(c)[-1] == name]
        if not hits:
            raise ValueError(
                f"context names {name!r}, but X has no such context column; it has "
                f"{list(context.columns)}."
            )
        chosen.append(hits[0])
    return context[chosen]


def validate_frames_or_blocks(
    estimator: Any,
    X: Any,
    *,
    reset: bool,
    widths: Mapping[str, int] | None = None,
    lazy: bool = False,
    allow: str = "absent",
    **check_params: Any,
) -> Blocks | FrameTable:
    """Validate a table of frames or of numbers, whichever X is, or was in ``fit``.

    Sets or checks ``n_features_in_`` and ``feature_names_in_``, and remembers in ``_framed``,
    ``_widths`` and ``_left_out`` what was seen.

    Parameters
    ----------
    estimator : estimator
        Whose ``fit`` or ``transform`` was called; it has the parameter ``modalities``.
    X : DataFrame, Series or array-like of shape (n_samples, n_columns)
        The table.
    reset : bool
        True in ``fit``, False elsewhere.
    widths, lazy, allow
        For frames; see `emoest.tables.frames.read_frames_table`.
    **check_params : dict
        For numbers; see `emoest.tables.vectors.validate_blocks`.

    Returns
    -------
    table : Blocks or FrameTable

    Raises
    ------
    ValueError
        If X mixes frames with numbers, has no rows in ``fit``, or is no table.

    Examples
    --------
    >>> from emoest.validity import ModalityImputer
    >>> X = pd.DataFrame({"audio__frames": [np.zeros((2, 3)), None]})
    >>> type(validate_frames_or_blocks(ModalityImputer(), X, reset=True)).__name__
    'FrameTable'
    """
    _refuse_bare_sequences(estimator, X)
    if reset:
        estimator._framed, estimator._left_out = holds_frames(X), {}
    # A net of saved weights remembers its widths only, and takes what X is.
    framed = estimator._framed if widths is None else holds_frames(X)
    if not framed:
        return validate_blocks(
            estimator, X, reset=reset, modalities=estimator.modalities, **check_params
        )
    # Transformers pass a table without rows through; a net, which knows its widths, does not.
    if len(X) == 0 and (reset or widths is not None):
        raise ValueError(
            f"Found array with 0 sample(s) (shape={X.shape}) while a minimum of 1 is required by "
            f"{type(estimator).__name__}."
        )
    table = read_frames_table(
        estimator,
        X,
        reset=reset,
        modalities=estimator.modalities,
        widths=widths if reset or widths is not None else estimator._widths,
        lazy=lazy,
        allow=allow,
    )
    if reset:
        estimator._widths, estimator._left_out = table.widths, table.left_out
    return table


def _refuse_bare_sequences(estimator: Any, X: Any) -> None:
    if isinstance(X, pd.DataFrame):
        if all(is_context(column) for column in X.columns):
            raise ValueError(f"X has no column of frames or numbers, only {list(X.columns)}.")
        return
    first = X[0] if isinstance(X, np.ndarray | list | tuple) and len(X) else None
    if isinstance(first, np.ndarray) and first.ndim > 1:
        raise ValueError(
            f"{type(estimator).__name__} takes sequences as cells of a table, one column a "
            "modality, not as a list or a 3-D array. Take "
            "emoest.utils.object_column(list(X), range(len(X)), 'audio__frames').to_frame()."
        )
