"""Z-scores over the training samples, and within each sample."""

from typing import Any

import numpy as np

from emoest.normalization._base import BlockTransformer
from emoest.normalization._statistics import column_statistics, sample_zscore, zscore
from emoest.tables.groups import remember_groups, resolve_groups
from emoest.tables.vectors import Blocks
from emoest.utils import constraints
from emoest.utils._sklearn import fit_context
from emoest.utils.routing import check_weight
from emoest.utils.typing import Floats
from emoest.utils.warn import warn_user


class ZScoreNormalizer(BlockTransformer):
    """Standardize each column to zero mean and unit variance over the training samples.

    Statistics are taken over present values. NaN passes through, so a missing modality stays
    missing. A column that is constant over the training samples, or has no value there, holds
    nothing that was learned and becomes 0 (scikit-learn's ``StandardScaler`` would let its raw
    deviations through).

    Parameters
    ----------
    modalities : "auto", list or dict, default="auto"
        Which columns belong to which modality, see `emoest.utils.find_modalities`. It is checked;
        the result does not depend on it, since statistics are per column.

    Attributes
    ----------
    mean_ : ndarray of shape (n_columns,)
        Mean of each column; context columns do not count.
    scale_ : ndarray of shape (n_columns,)
        Population standard deviation; 0 for a constant column.
    modalities_ : list of str
        The modalities found in ``fit``.
    seen_groups_ : list or None
        Groups of the training samples; None where nothing named any.
    n_features_in_ : int
        Number of columns seen in ``fit``, context included.
    feature_names_in_ : ndarray of str
        Their names, when X was a DataFrame.

    See Also
    --------
    SpeakerZScoreNormalizer : The same with the statistics of each speaker.

    Examples
    --------
    >>> import pandas as pd
    >>> X = pd.DataFrame({"audio__f0": [100.0, 300.0, np.nan], "text__w": [1.0, 1.0, 1.0],
    ...                   "speaker": ["s1", "s2", "s3"]})
    >>> ZScoreNormalizer().fit_transform(X)
       audio__f0  text__w speaker
    0       -1.0      0.0      s1
    1        1.0      0.0      s2
    2        NaN      0.0      s3
    """

    _parameter_constraints: dict = {**constraints.MODALITIES}

    def __init__(self, *, modalities: Any = "auto"):
        self.modalities = modalities

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> "ZScoreNormalizer":
        """Learn mean and standard deviation of each column.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_samples, n_columns)
            Numeric columns; a whole block of NaN is a missing modality.
        y : None
            Ignored.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples.

        Returns
        -------
        self : ZScoreNormalizer
        """
        blocks = self._read(X, reset=True)
        statistics = column_statistics(blocks.values, check_weight(sample_weight, blocks.values))
        self.mean_, self.scale_ = statistics.mean, statistics.scale
        remember_groups(self, resolve_groups(X))
        return self

    def _normalize(self, blocks: Blocks) -> Floats:
        return zscore(blocks.values, self.mean_, self.scale_)


class SampleZScoreNormalizer(BlockTransformer):
    """Standardize each sample to zero mean and unit variance within each modality.

    It removes the level and the spread of a vector and keeps its shape. Nothing is learned. NaN is
    left out and stays; a sample that is constant within a modality becomes 0 there.

    Parameters
    ----------
    modalities : "auto", list or dict, default="auto"
        Which columns belong to which modality, see `emoest.utils.find_modalities`.

    Attributes
    ----------
    modalities_ : list of str
        The modalities found in ``fit``.
    n_features_in_ : int
        Number of columns seen in ``fit``, context included.
    feature_names_in_ : ndarray of str
        Their names, when X was a DataFrame.

    Warns
    -----
    UserWarning
        If a modality has a single column, which always becomes 0.

    Examples
    --------
    >>> import pandas as pd
    >>> X = pd.DataFrame([[1.0, 3.0, 10.0, 30.0]], columns=["a__0", "a__1", "b__0", "b__1"])
    >>> SampleZScoreNormalizer().fit_transform(X).iloc[0].tolist()
    [-1.0, 1.0, -1.0, 1.0]
    """

    _parameter_constraints: dict = {**constraints.MODALITIES}

    def __init__(self, *, modalities: Any = "auto"):
        self.modalities = modalities

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None) -> "SampleZScoreNormalizer":
        """Check X; nothing is learned.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_samples, n_columns)
            Numeric columns; a whole block of NaN is a missing modality.
        y : None
            Ignored.

        Returns
        -------
        self : SampleZScoreNormalizer
        """
        modalities = self._read(X, reset=True).modalities
        single = [name for name in modalities if len(modalities[name]) == 1]
        if single:
            warn_user(
                f"The modalities {single} have one column each, which becomes 0 in every sample, "
                "as it has no spread within one. Use ZScoreNormalizer for them.",
            )
        return self

    def _normalize(self, blocks: Blocks) -> Floats:
        scores = np.empty_like(blocks.values)
        for name, positions in blocks.modalities.items():
            scores[:, positions] = sample_zscore(blocks.block(name))
        return scores
