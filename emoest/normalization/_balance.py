"""Balance between modalities."""

from typing import Any

import numpy as np

from emoest.normalization._base import BlockTransformer
from emoest.normalization._statistics import block_factors, column_statistics
from emoest.tables.groups import remember_groups, resolve_groups
from emoest.tables.vectors import Blocks
from emoest.utils import constraints
from emoest.utils._sklearn import StrOptions, fit_context
from emoest.utils.routing import check_weight
from emoest.utils.typing import Floats


class BlockScaler(BlockTransformer):
    """Scale each modality as a whole, so that all have the same weight in distances.

    After z-scores, 1024 acoustic columns have more total variance than 768 linguistic ones, and a
    kernel or a distance listens to them more. Each block is multiplied by one number, after which
    all blocks have the same total variance: the mean number of columns of a block, so that the
    table as a whole is as large as a z-scored one. Columns are not centered, and within a block
    their relations stay. (Multiple factor analysis balances blocks in the same way, by the first
    singular value.)

    Parameters
    ----------
    criterion : {"variance", "norm"}, default="variance"
        What is made equal: the sum of the variances of a block's columns, or the mean squared norm
        of its samples. They agree on centered columns.
    modalities : "auto", list or dict, default="auto"
        Which columns belong to which modality, see `emoest.utils.find_modalities`.

    Attributes
    ----------
    factors_ : dict of str to float
        What each modality is multiplied by; 1.0 where the block has no variance (or norm) at all.
    modalities_ : list of str
        The modalities found in ``fit``.
    seen_groups_ : list or None
        Groups of the training samples; None where nothing named any.
    n_features_in_ : int
        Number of columns seen in ``fit``, context included.
    feature_names_in_ : ndarray of str
        Their names, when X was a DataFrame.

    Examples
    --------
    >>> import pandas as pd
    >>> X = pd.DataFrame({"a__0": [-3.0, 3.0], "a__1": [-4.0, 4.0], "b__0": [-1.0, 1.0],
    ...                   "b__1": [-1.0, 1.0]})
    >>> scaler = BlockScaler().fit(X)
    >>> {name: round(factor, 3) for name, factor in scaler.factors_.items()}
    {'a': 0.283, 'b': 1.0}
    >>> scaler.transform(X).var(ddof=0).round(2).tolist()
    [0.72, 1.28, 1.0, 1.0]
    """

    _parameter_constraints: dict = {
        "criterion": [StrOptions({"variance", "norm"})],
        **constraints.MODALITIES,
    }

    def __init__(self, criterion: str = "variance", *, modalities: Any = "auto"):
        self.criterion = criterion
        self.modalities = modalities

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> "BlockScaler":
        """Learn one factor per modality.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_samples, n_columns)
            Numeric columns; a whole block of NaN is a missing modality, whose samples do not count.
        y : None
            Ignored.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples.

        Returns
        -------
        self : BlockScaler
        """
        blocks = self._read(X, reset=True)
        found = column_statistics(blocks.values, check_weight(sample_weight, blocks.values))
        # The mean square of a column is its variance plus its squared mean.
        power = found.scale**2 + (found.mean**2 if self.criterion == "norm" else 0.0)
        positions = list(blocks.modalities.values())
        totals = np.array([power[columns].sum() for columns in positions])
        factors = block_factors(totals, np.array([len(columns) for columns in positions]))
        self.factors_ = dict(zip(blocks.modalities, factors.tolist(), strict=True))
        remember_groups(self, resolve_groups(X))
        return self

    def _normalize(self, blocks: Blocks) -> Floats:
        scaled = blocks.values.copy()
        for name, positions in blocks.modalities.items():
            scaled[:, positions] *= self.factors_[name]
        return scaled
