"""Fill missing modalities with a constant, and say which were missing."""

from numbers import Real
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from emoest.utils import constraints
from emoest.utils._sklearn import StrOptions, check_sample_weight, fit_context
from emoest.utils.blocks import fill_missing, validate_blocks, weighted_mean
from emoest.validity._blocks import BlocksInBlocksOut

Floats = npt.NDArray[np.float64]

PRESENT = "present"
"""The modality that the columns of `ModalityIndicator` belong to."""


class ModalityImputer(BlocksInBlocksOut, TransformerMixin, BaseEstimator):
    """Fill missing modalities, and single missing values, column by column.

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
        Whether single missing values of a present modality are filled too, or only whole blocks.

    Attributes
    ----------
    modalities_ : list of str
        Names of the modalities.
    statistics_ : ndarray of shape (n_columns,)
        What each column is filled with, context columns left out.
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
    }

    def __init__(
        self,
        modalities: Any = "auto",
        *,
        strategy: str = "mean",
        fill_value: float = 0.0,
        partial: bool = True,
    ) -> None:
        self.modalities = modalities
        self.strategy = strategy
        self.fill_value = fill_value
        self.partial = partial

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> "ModalityImputer":
        """Learn what each column is filled with.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_samples, n_columns)
            Numbers; a wholly NaN block is a missing modality.
        y : None
            Ignored.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples, for the mean.

        Returns
        -------
        self : ModalityImputer
        """
        blocks = validate_blocks(self, X, reset=True, modalities=self.modalities)
        self.modalities_ = blocks.modalities.names
        if sample_weight is not None:
            if self.strategy == "median":
                raise ValueError("strategy='median' takes no sample_weight; use strategy='mean'.")
            sample_weight = check_sample_weight(sample_weight, blocks.values, dtype=np.float64)
        self.statistics_ = self._statistics(blocks.values, sample_weight)
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
        blocks = validate_blocks(self, X, reset=False, modalities=self.modalities)
        if self.partial:
            return blocks.rebuild(fill_missing(blocks.values, self.statistics_))
        values = blocks.values.copy()
        for missing, positions in zip(blocks.missing.T, blocks.modalities.values(), strict=True):
            values[np.ix_(missing, positions)] = self.statistics_[positions]
        return blocks.rebuild(values)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags


class ModalityIndicator(TransformerMixin, BaseEstimator):
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

    def __init__(self, modalities: Any = "auto", *, append: bool = False) -> None:
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
        blocks = validate_blocks(self, X, reset=True, modalities=self.modalities)
        self.modalities_ = blocks.modalities.names
        context = [] if blocks.context is None else list(blocks.context.columns)
        names = blocks.columns or [f"x{i}" for i in range(blocks.values.shape[1])]
        self._names_out = [*(names if self.append else []), *self._indicators(), *context]
        return self

    def _indicators(self) -> list[str]:
        return [f"{PRESENT}__{name}" for name in self.modalities_]

    def transform(self, X: Any) -> Any:
        """Say which modality each sample has.

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
        blocks = validate_blocks(self, X, reset=False, modalities=self.modalities)
        present = (~blocks.missing).astype(np.float64)
        if not self.append:
            return blocks.rebuild(present, self._indicators())
        names = None if blocks.columns is None else [*blocks.columns, *self._indicators()]
        return blocks.rebuild(np.hstack([blocks.values, present]), names)

    def get_feature_names_out(self, input_features: Any = None) -> npt.NDArray[Any]:
        """Get the names of the columns that come out.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Not used; there for scikit-learn's sake.

        Returns
        -------
        names : ndarray of str
            ``present__audio`` and so on, context columns last.
        """
        check_is_fitted(self)
        return np.asarray(self._names_out, dtype=object)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags
