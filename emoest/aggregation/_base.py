"""Frames in, vectors out: what every aggregator shares."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted, validate_data

from emoest.tables.context_table import beside_context
from emoest.tables.frame_cells import FrameCell, find_widths, read_cells
from emoest.tables.frame_columns import FrameColumn, as_frame, find_frame_columns
from emoest.tables.inputs import as_fitted
from emoest.tables.names import is_context
from emoest.utils._sklearn import StrOptions, fit_context
from emoest.utils.messages import listed
from emoest.utils.typing import Array
from emoest.utils.warn import warn_user


class FrameReader(TransformerMixin, BaseEstimator):
    """Base of transformers that read frames, and pass all other columns through.

    A subclass has the parameter ``modalities`` and writes ``_names_of`` (the columns that come out
    of a modality).
    """

    _parameter_constraints: dict = {"modalities": [StrOptions({"auto"}), list, tuple]}

    def _names_of(self, modality: str) -> list[Any]:
        raise NotImplementedError

    def _find(self, X: pd.DataFrame, modalities: Any, reserved: list[int]) -> None:
        """Find the columns of frames, and those that pass through."""
        self.frames_ = find_frame_columns(X, modalities, numbers="pass", reserved=reserved)
        used = {*reserved, *(i for i, name in enumerate(X.columns) if is_context(name))}
        used.update(*(column.positions for column in self.frames_.values()))
        self._kept = [i for i in range(X.shape[1]) if i not in used]

    def _measure(self, X: pd.DataFrame) -> None:
        """Find the width of frames; a modality without any is left out."""
        self.n_dims_ = find_widths(X, self.frames_)
        self.frames_ = {name: self.frames_[name] for name in self.n_dims_}

    def _read(self, X: pd.DataFrame, name: str) -> Iterator[FrameCell | None]:
        return read_cells(X, name, self.frames_[name], self.n_dims_[name], allow="any")

    def _assemble(self, X: pd.DataFrame, parts: list[pd.DataFrame]) -> pd.DataFrame:
        """Return what became of the frames, then the other columns, context last."""
        context = X.loc[:, [is_context(column) for column in X.columns]]
        return beside_context(pd.concat([*parts, X.iloc[:, self._kept]], axis=1), context)

    def get_feature_names_out(self, input_features: Any = None) -> Array:
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
        names = self._names_in()
        made = [name for modality in self.frames_ for name in self._names_of(modality)]
        context = [name for name in names if is_context(name)]
        return np.asarray([*made, *(names[i] for i in self._kept), *context], dtype=object)

    def _names_in(self) -> list[Any]:
        return list(getattr(self, "feature_names_in_", range(self.n_features_in_)))

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.allow_nan = True
        return tags


class FrameAggregator(FrameReader):
    """Base of transformers that reduce the frames of each row to one vector per modality.

    A subclass has the parameter ``modalities`` and writes ``_aggregate`` (the frames of one cell
    to a vector; whatever had to be handled is added to the notes, which become one warning) and
    ``_names``. It may write ``_reserved`` (positions of columns that are neither frames nor to be
    passed through) and ``_check_columns`` (called in ``fit`` when the frames are found).
    """

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
            One object column of frames per modality, with its auxiliary columns; context and
            numeric columns may stand beside them. An object array counts as one modality: frames
            first, then seconds, speech and weights.
        y : None
            Ignored.

        Returns
        -------
        self : estimator

        Raises
        ------
        ValueError
            If a modality has no column of frames or several.

        Warns
        -----
        UserWarning
            Of a modality that has no frames in any row: no columns come out of it, in prediction
            neither.
        """
        X = as_frame(as_fitted(self, X, reset=True))
        validate_data(self, X, reset=True, skip_check_array=True)
        self._find(X, self.modalities, self._reserved(X))
        self._measure(X)
        self._check_columns(X)
        return self

    def transform(self, X: Any) -> pd.DataFrame:
        """Reduce the frames of each row to one vector per modality.

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
            If the frames of a row have another width than in ``fit``, or another number than what
            stands beside them; the message names row and column.

        Warns
        -----
        UserWarning
            If a row has zero frames, or had to be handled otherwise; the message names the rows.
        """
        check_is_fitted(self)
        X = as_frame(as_fitted(self, X, reset=False))
        validate_data(self, X, reset=False, skip_check_array=True)
        notes: list[str] = []
        parts = [self._block(X, name, notes) for name in self.frames_]
        if notes:
            warn_user(f"{type(self).__name__}: {listed(notes, separator='; ')}.")
        return self._assemble(X, parts)

    def _names_of(self, modality: str) -> list[Any]:
        return self._names(self.frames_[modality], self.n_dims_[modality])

    def _block(self, X: pd.DataFrame, name: str, notes: list[str]) -> pd.DataFrame:
        names = self._names_of(name)
        values = np.full((len(X), len(names)), np.nan)
        for cell in self._read(X, name):
            if cell is None:
                continue
            if cell.frames.size:
                values[cell.row] = self._aggregate(cell, notes)
            else:
                notes.append(f"{cell.where()}: zero frames, so the row misses this modality")
        return pd.DataFrame(values, index=X.index, columns=names)
