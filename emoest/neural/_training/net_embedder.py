"""A fitted net as a transformer: its penultimate vectors, under names of their own."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import TransformerMixin
from sklearn.utils.validation import check_is_fitted

from emoest.tables.context_table import beside_context
from emoest.tables.names import context_last, is_context


class NetEmbedder(TransformerMixin):
    """What makes a deep estimator a transformer; it has ``net_`` and ``_outputs``."""

    _outputs_prefix = "deep"

    def transform(self, X: Any) -> Any:
        """Compute the penultimate vector of each sample: the net as an embedder.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_samples, n_columns)
            The columns of ``fit``.

        Returns
        -------
        vectors : DataFrame or ndarray of shape (n_samples, n_units)
            A DataFrame when X is one, context columns last; NaN in a sample without frames.
        """
        outputs, known = self._outputs(X, "embed")
        vectors = np.full((len(known), self._n_units()), np.nan, dtype=np.float32)
        if known.any():
            vectors[known] = outputs
        if not isinstance(X, pd.DataFrame | pd.Series):
            return vectors
        frame = pd.DataFrame(vectors, index=X.index, columns=self._unit_names())
        if isinstance(X, pd.Series):
            return frame
        context = X.loc[:, [is_context(column) for column in X.columns]]
        return beside_context(frame, context)

    def get_feature_names_out(self, input_features: Any = None) -> npt.NDArray[Any]:
        """Return the names of the columns that `transform` gives.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Ignored; the names are those of ``fit``.

        Returns
        -------
        names : ndarray of str
        """
        check_is_fitted(self)
        names = getattr(self, "feature_names_in_", [])
        return context_last([*self._unit_names(), *(name for name in names if is_context(name))])

    def _unit_names(self) -> list[str]:
        return [f"{self._outputs_prefix}_{i:04d}" for i in range(self._n_units())]

    def _n_units(self) -> int:
        return int(self.net_.module_.n_units)
