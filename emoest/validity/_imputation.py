"""Fill missing modalities with a constant, and mark which were missing."""

from numbers import Real
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from emoest.tables.cells import Frames
from emoest.tables.frames import Changes, FrameTable
from emoest.tables.groups import remember_groups, resolve_groups
from emoest.tables.names import is_context
from emoest.tables.vectors import Blocks, fill_missing, weighted_mean
from emoest.utils import constraints
from emoest.utils._sklearn import StrOptions, check_sample_weight, fit_context
from emoest.utils.typing import Floats
from emoest.validity._base import ModalityTransformer

PRESENT = "present"
"""The modality that the columns of `ModalityIndicator` belong to."""


class ModalityImputer(ModalityTransformer):
    """Fill missing modalities and single missing values with a constant of each column.

    Parameters
    ----------
    modalities : "auto", list of str or dict, default="auto"
        Which columns belong to which modality; see `emoest.utils.find_modalities`.
    strategy : {"mean", "median", "constant"}, default="mean"
        What is filled in: the training mean or median of the column's present values, or
        `fill_value`. A column that has none is filled with 0 and kept.
    fill_value : float, default=0.0
        For ``"constant"``.
    partial : bool, default=True
        Whether single missing values of a present modality are filled.
    whole : bool, default=True
        Whether wholly missing modalities are filled; False leaves them to a step that can do
        better.

    Attributes
    ----------
    modalities_ : list of str
        Names of the modalities.
    statistics_ : ndarray of shape (n_columns,)
        What each column is filled with, context columns left out; of frames, what each dimension
        of each modality is filled with.
    seen_groups_ : list or None
        Groups of the training samples; None where nothing named any.
    n_features_in_ : int
        Number of columns seen in ``fit``, context included.
    feature_names_in_ : ndarray of str
        Their names, when X had any.

    Raises
    ------
    ValueError
        If the median is wanted with sample weights.

    See Also
    --------
    emoest.validity.ProxyFeatureGenerator : Fills from the modalities that are present.
    emoest.validity.ModalityIndicator : Remembers what was missing.

    Notes
    -----
    In a table of frames statistics are taken over all frames, and a missing cell gets as
    many frames as the longest modality of the sample has. NaN in frames are missing values. A
    sample without any modality stays so; a modality that no training sample has is left out.

    Examples
    --------
    >>> import pandas as pd
    >>> X = pd.DataFrame({"audio__f0": [1.0, np.nan, 3.0], "text__w": [0.0, 1.0, np.nan]})
    >>> ModalityImputer().fit_transform(X)["audio__f0"].tolist()
    [1.0, 2.0, 3.0]
    """

    _parameter_constraints: dict = {
        **constraints.MODALITIES,
        "strategy": [StrOptions({"mean", "median", "constant"})],
        "fill_value": [Real],
        "partial": ["boolean"],
        "whole": ["boolean"],
    }

    def __init__(
        self,
        *,
        modalities: Any = "auto",
        strategy: str = "mean",
        fill_value: float = 0.0,
        partial: bool = True,
        whole: bool = True,
    ) -> None:
        self.modalities = modalities
        self.strategy = strategy
        self.fill_value = fill_value
        self.partial = partial
        self.whole = whole

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> "ModalityImputer":
        """Learn what each column is filled with.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_samples, n_columns)
            Numbers, where a wholly NaN block is a missing modality, or a DataFrame of frames.
        y : None
            Ignored.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples, for the mean.

        Returns
        -------
        self : ModalityImputer
        """
        if self.strategy == "median" and sample_weight is not None:
            raise ValueError("strategy='median' takes no sample_weight; use strategy='mean'.")
        table = self._read(X, reset=True)
        remember_groups(self, resolve_groups(X))
        if sample_weight is not None:
            sample_weight = check_sample_weight(sample_weight, X, dtype=np.float64)
        if isinstance(table, Blocks):
            self.statistics_ = self._statistics(table.values, sample_weight)
            return self
        parts = []
        for name in table.names:
            values, owners = table.stacked(name)
            weight = None if sample_weight is None else sample_weight[owners]
            parts.append(self._statistics(values, weight))
        self.statistics_ = np.concatenate(parts)
        return self

    def _statistics(self, values: Floats, sample_weight: Any) -> Floats:
        if self.strategy == "constant":
            return np.full(values.shape[1], float(self.fill_value))
        if self.strategy == "mean":
            return weighted_mean(values, sample_weight)
        known = ~np.isnan(values).all(axis=0)
        statistics = np.zeros(values.shape[1])
        statistics[known] = np.nanmedian(values[:, known], axis=0)
        return statistics

    def transform(self, X: Any) -> Any:
        """Fill what is missing.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_samples, n_columns)
            The columns seen in ``fit``.

        Returns
        -------
        X : DataFrame or ndarray of shape (n_samples, n_columns)
            A copy, context columns last.
        """
        check_is_fitted(self)
        table = self._read(X, reset=False)
        if not isinstance(table, Blocks):
            return table.rebuild(self._fill_frames(table))
        values = table.values
        filled = fill_missing(values, self.statistics_)
        for missing, positions in zip(table.missing.T, table.modalities.values(), strict=True):
            fill = np.where(missing, self.whole, self.partial)[:, None]
            filled[:, positions] = np.where(fill, filled[:, positions], values[:, positions])
        return table.rebuild(filled)

    def _fill_frames(self, table: FrameTable) -> Changes:
        ends = np.cumsum(list(self._widths.values()))[:-1]
        fills = dict(zip(self.modalities_, np.split(self.statistics_, ends), strict=True))
        steps = table.lengths.max(axis=1)
        changes: dict[str, dict[int, Any]] = {name: {} for name in table.names}
        for name, cells in table.cells.items():
            for row, cell in enumerate(cells if len(fills[name]) else ()):
                if cell is None and steps[row] > 0 and self.whole:
                    changes[name][row] = np.tile(fills[name], (steps[row], 1)).astype(np.float32)
                elif cell is not None and np.isnan(cell).any():
                    changes[name][row] = self._filled(cell, fills[name])
        return changes

    def _filled(self, cell: Frames, fill: Floats) -> Frames:
        """Fill missing frames and single values of a cell, whichever is asked for."""
        absent = np.isnan(cell)
        missing = absent.all(axis=1, keepdims=True)
        filled = np.where(absent & np.where(missing, self.whole, self.partial), fill, cell)
        return filled.astype(np.float32)


class ModalityIndicator(ModalityTransformer):
    """One column per modality: 1 where a sample has it, 0 where it is missing.

    The columns are named ``present__audio`` and make a modality of their own, so that beside the
    features they hide no missing block.

    Parameters
    ----------
    modalities : "auto", list of str or dict, default="auto"
        Which columns belong to which modality; see `emoest.utils.find_modalities`.
    append : bool, default=False
        Whether the columns of X come out too, before the indicators.

    Attributes
    ----------
    modalities_ : list of str
        Names of the modalities.
    n_features_in_ : int
        Number of columns seen in ``fit``, context included.
    feature_names_in_ : ndarray of str
        Their names, when X had any.

    See Also
    --------
    emoest.validity.ModalityImputer : Fills what is missing.

    Examples
    --------
    >>> import pandas as pd
    >>> X = pd.DataFrame({"audio__f0": [1.0, np.nan], "text__w": [0.0, 1.0], "speaker": ["a", "b"]})
    >>> print(ModalityIndicator().fit_transform(X))
       present__audio  present__text speaker
    0             1.0            1.0       a
    1             0.0            1.0       b
    """

    _parameter_constraints: dict = {**constraints.MODALITIES, "append": ["boolean"]}
    _takes_frames = False

    def __init__(self, *, modalities: Any = "auto", append: bool = False) -> None:
        self.modalities = modalities
        self.append = append

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None) -> "ModalityIndicator":
        """Learn the names of the modalities.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_samples, n_columns)
            Numbers; a wholly NaN block is a missing modality.
        y : None
            Ignored.

        Returns
        -------
        self : ModalityIndicator
        """
        self._read(X, reset=True)
        return self

    def _indicators(self) -> list[str]:
        return [f"{PRESENT}__{name}" for name in self.modalities_]

    def transform(self, X: Any) -> Any:
        """Mark which modality each sample has.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_samples, n_columns)
            The columns seen in ``fit``.

        Returns
        -------
        present : DataFrame or ndarray of shape (n_samples, n_modalities)
            1 or 0; the columns of X first with ``append=True``, context columns last.
        """
        check_is_fitted(self)
        blocks = self._read(X, reset=False)
        present = (~blocks.missing).astype(np.float64)
        if not self.append:
            return blocks.rebuild(present, self._indicators())
        names = None if blocks.columns is None else [*blocks.columns, *self._indicators()]
        return blocks.rebuild(np.hstack([blocks.values, present]), names)

    def _output_names(self, names: list[Any]) -> list[Any]:
        numbers = [name for name in names if not is_context(name)] if self.append else []
        return [*numbers, *self._indicators(), *filter(is_context, names)]
