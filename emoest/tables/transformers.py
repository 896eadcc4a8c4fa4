"""What transformers of vectors and frames share: the names of the columns that come out."""

from typing import Any

import numpy as np
from sklearn.base import OneToOneFeatureMixin
from sklearn.utils import Tags

from emoest.tables.names import context_last
from emoest.utils.typing import Array


class ContextLastMixin(OneToOneFeatureMixin):
    """For transformers that let NaN pass and give context columns untouched and last.

    A subclass whose columns are not those of X writes ``_output_names``.
    """

    def _output_names(self, names: list[Any]) -> list[Any]:
        """Name the columns that come out of those that went in, which hold context last."""
        return names

    def get_feature_names_out(self, input_features: Any = None) -> Array:
        """Get the names of the columns that come out.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Names of the columns that went in; None takes those of ``fit``.

        Returns
        -------
        names : ndarray of str
            The names, those of context columns last.
        """
        names = context_last(super().get_feature_names_out(input_features))
        return np.asarray(self._output_names(list(names)), dtype=object)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        # A wholly NaN block is a missing modality, so NaN must get past scikit-learn's validation.
        tags.input_tags.allow_nan = True
        return tags
