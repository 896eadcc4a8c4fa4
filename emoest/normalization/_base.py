"""The container in, the container out: what every normalizer shares."""

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils import Tags

from emoest.tables.names import context_last
from emoest.tables.vectors import Blocks, validate_blocks
from emoest.utils._sklearn import check_sample_weight
from emoest.utils.typing import Floats


class BlockTransformer(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """What the classes of this room share: the container in, the container out."""

    def _read(self, X: Any, reset: bool) -> Blocks:
        return validate_blocks(self, X, reset=reset, modalities=self.modalities)

    def get_feature_names_out(self, input_features: Any = None) -> npt.NDArray[Any]:
        """Get the names of the columns that come out.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Names of the columns that went in; None takes those of ``fit``.

        Returns
        -------
        names : ndarray of str
            The same names, context columns last.
        """
        return context_last(super().get_feature_names_out(input_features))

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags


def check_weight(sample_weight: Any, values: Floats) -> Floats | None:
    """Validate the weights of the rows; None stays None."""
    if sample_weight is None:
        return None
    return check_sample_weight(sample_weight, values, dtype=np.float64, ensure_non_negative=True)
