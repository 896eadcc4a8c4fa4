"""Frames in, vectors out: what every aggregator shares."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted, validate_data

from emoest.tables.cells import Frames, read_frames
from emoest.tables.frame_columns import FrameColumn, find_frames
from emoest.tables.names import is_context, is_sidecar, tokens
from emoest.utils._sklearn import StrOptions, fit_context
from emoest.utils.warn import warn_user

_SHOWN = 5


@dataclass(frozen=True)
class FrameCell:
    """The frames of one row in one modality, at least one, and where they stand.

    Parameters
    ----------
    frames : ndarray of shape (n_frames, n_dims), dtype float32
        The frames.
    X : DataFrame
        The table.
    row : int
        Position of the row.
    modality : str
        The modality.
    column : FrameColumn
        Its columns.
    """

    frames: Frames
    X: pd.DataFrame
    row: int
    modality: str
    column: FrameColumn

    def beside(self, position: int) -> Any:
        """Take the cell of another column in the same row."""
        return self.X.iat[self.row, position]

    def where(self, position: int | None = None) -> str:
        """Name the row and a column (the frames' own when None) for a message."""
        column = self.column.column if position is None else self.X.columns[position]
        (label,) = self.X.index[[self.row]]
        return f"row {label!r}, column {column!r}"


class FrameAggregator(TransformerMixin, BaseEstimator):
    """Base of transformers that turn the frames of each row into one vector per modality.

    A subclass has the parameter ``modalities`` and writes ``_aggregate`` (the frames of one cell
    to a vector; whatever had to be handled is added to the notes, which become one warning) and
    ``_names``. It may write ``_reserved`` (positions of columns that are neither frames nor to be
    passed through) and ``_check_columns`` (called in ``fit`` when the frames are found).
    """

    _parameter_constraints: dict = {"modalities": [StrOptions({"auto"}), list, tuple]}

    def _aggregate(self, cell: FrameCell, notes: list[str]) -> npt.NDArray[Any]:
        raise NotImplementedError

    def _names(self, column: FrameColumn, n_dims: int) -> list[str]:
        raise NotImplementedError

    def _reserved(self, X: pd.DataFrame) -> list[int]:
        return []

    def _check_columns(self, X: pd.DataFrame) -> None:
        """Look for what ``_aggregate`` will need beside the frames."""

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None) -> "FrameAggregator":
        """Find the frames of each modality and how many dimensions they have; nothing else.

        Parameters
        ----------
        X : DataFrame of shape (n_samples, n_columns)
            One object column of frames per modality, with its sidecars; context and numeric
            columns may stand beside them. An object array counts as one modality: frames first,
            then seconds, speech and weights.
        y : None
            Ignored.

        Returns
        -------
        self : estimator

        Raises
        ------
        ValueError
            If a modality has no column of frames or several, or no frames in any row.
        """
        validate_data(self, X, reset=True, skip_check_array=True)
        X = as_frame(X)
        reserved = self._reserved(X)
        self.frames_ = find_frame_columns(X, self.modalities, reserved)
        self._check_columns(X)
        used = {*reserved, *(i for i, name in enumerate(X.columns) if is_context(name))}
        for column in self.frames_.values():
            used |= {column.position, *column.sidecars.values()}
        self._kept = [i for i in range(X.shape[1]) if i not in used]
        self.n_dims_ = {name: frame_width(X, name, column) for name, column in self.frames_.items()}
        return self

    def transform(self, X: Any) -> pd.DataFrame:
        """Turn the frames of each row into one vector per modality.

        Parameters
        ----------
        X : DataFrame of shape (n_samples, n_columns)
            The columns of ``fit``.

        Returns
        -------
        X_out : DataFrame of shape (n_samples, n_columns_out)
            The vectors of each modality, then other columns that were there, then context. A row
            without frames has NaN in the whole block.

        Raises
        ------
        ValueError
            If the frames of a row have another width than in ``fit``, or do not fit what stands
            beside them; the message names row and column.

        Warns
        -----
        UserWarning
            If a row has zero frames, or had to be handled otherwise; the message names the rows.
        """
        check_is_fitted(self)
        validate_data(self, X, reset=False, skip_check_array=True)
        X = as_frame(X)
        notes: list[str] = []
        parts = [self._block(X, name, notes) for name in self.frames_]
        if notes:
            more = f"; and {len(notes) - _SHOWN} more" if len(notes) > _SHOWN else ""
            message = "; ".join(notes[:_SHOWN])
            warn_user(f"{type(self).__name__}: {message}{more}.")
        parts.append(X.iloc[:, self._kept])
        parts.append(X.loc[:, [is_context(column) for column in X.columns]])
        return pd.concat(parts, axis=1)

    def get_feature_names_out(self, input_features: Any = None) -> npt.NDArray[Any]:
        """Get the names of the columns that come out.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Ignored; the names are those of ``fit``.

        Returns
        -------
        names : ndarray of str
        """
        check_is_fitted(self)
        names = list(getattr(self, "feature_names_in_", range(self.n_features_in_)))
        vectors = [
            name
            for modality, column in self.frames_.items()
            for name in self._names(column, self.n_dims_[modality])
        ]
        context = [name for name in names if is_context(name)]
        return np.asarray([*vectors, *(names[i] for i in self._kept), *context], dtype=object)

    def _block(self, X: pd.DataFrame, name: str, notes: list[str]) -> pd.DataFrame:
        column, n_dims = self.frames_[name], self.n_dims_[name]
        names = self._names(column, n_dims)
        values = np.full((len(X), len(names)), np.nan)
        contents = X.iloc[:, column.position]
        for i, (label, content) in enumerate(zip(X.index, contents, strict=True)):
            where = f"row {label!r}, column {column.column!r}"
            frames = read_frames(content, name=where)
            if frames is None:
                continue
            if frames.size == 0:
                notes.append(f"{where}: zero frames, so the row misses this modality")
                continue
            if frames.shape[1] != n_dims:
                raise ValueError(
                    f"{where}: the frames have {frames.shape[1]} dimensions, but in fit they had "
                    f"{n_dims}. All frames of a modality must come from one encoder."
                )
            values[i] = self._aggregate(FrameCell(frames, X, i, name, column), notes)
        return pd.DataFrame(values, index=X.index, columns=names)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.allow_nan = True
        return tags


def as_frame(X: Any) -> pd.DataFrame:
    """Give a table without names the numbers of its columns.

    Examples
    --------
    >>> list(as_frame(np.array([[None]], dtype=object)).columns)
    [0]
    """
    return X if isinstance(X, pd.DataFrame) else pd.DataFrame(np.asarray(X, dtype=object))


def find_frame_columns(
    X: pd.DataFrame, modalities: Any, reserved: list[int]
) -> dict[str, FrameColumn]:
    """Find the frames among the columns that can hold any.

    Parameters
    ----------
    X : DataFrame
        The table; numeric columns may stand beside the frames.
    modalities : "auto" or list of str
        See `emoest.utils.find_frames`.
    reserved : list of int
        Positions of columns that are no frames.

    Returns
    -------
    frames : dict of str to FrameColumn
        Positions are those in X.

    Raises
    ------
    ValueError
        If no column holds frames.

    Examples
    --------
    >>> X = pd.DataFrame({"text__length": [1.0], "audio__frames": [np.zeros((2, 3))]})
    >>> find_frame_columns(X, "auto", [])["audio"].position
    1
    """
    candidates = [i for i in range(X.shape[1]) if i not in reserved and _may_hold_frames(X, i)]
    if not candidates:
        raise ValueError(
            f"X has no column of frames (an object column such as 'audio__frames'). The columns "
            f"of X: {list(X.columns)[:6]}. An embedder gives frames with pooling=None."
        )
    found = find_frames(X.iloc[:, candidates], modalities)
    return {
        name: replace(
            column,
            position=candidates[column.position],
            sidecars={key: candidates[i] for key, i in column.sidecars.items()},
        )
        for name, column in found.items()
    }


def _may_hold_frames(X: pd.DataFrame, position: int) -> bool:
    """Numbers are no frames, unless the name says so: such a column misses every row."""
    name = X.columns[position]
    named = is_sidecar(name) or tokens(name)[-1].endswith("frames")
    return named or not pd.api.types.is_numeric_dtype(X.dtypes.iloc[position])


def frame_width(X: pd.DataFrame, name: str, column: FrameColumn) -> int:
    """Find how many dimensions the frames of a modality have.

    Raises
    ------
    ValueError
        If no row has frames.

    Examples
    --------
    >>> X = pd.DataFrame({"audio__frames": [np.zeros((2, 3))]})
    >>> frame_width(X, "audio", FrameColumn(0, {}, "audio__frames"))
    3
    """
    for label, cell in zip(X.index, X.iloc[:, column.position], strict=True):
        frames = read_frames(cell, name=f"row {label!r}, column {column.column!r}")
        if frames is not None and frames.size:
            return frames.shape[1]
    raise ValueError(
        f"The modality {name!r} (column {column.column!r}) has no frames in any of the {len(X)} "
        "rows of fit, so its dimensions are unknown. Fit on rows that have it, or drop the column."
    )
