"""The container in, the container out: what every normalizer shares."""

from typing import Any

from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from emoest.tables.transformers import ContextLastMixin
from emoest.tables.vectors import Blocks, validate_blocks
from emoest.utils.typing import Floats


class BlockTransformer(ContextLastMixin, TransformerMixin, BaseEstimator):
    """Base of the normalizers; a subclass writes ``_normalize``, or a ``transform`` of its own."""

    def _read(self, X: Any, *, reset: bool) -> Blocks:
        blocks = validate_blocks(self, X, reset=reset, modalities=self.modalities)
        if reset:
            self.modalities_ = blocks.modalities.names
        return blocks

    def _normalize(self, blocks: Blocks) -> Floats:
        raise NotImplementedError

    def transform(self, X: Any) -> Any:
        """Normalize `X`, as the class says, by what was learned in ``fit``.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_samples, n_columns)
            The columns of ``fit``.

        Returns
        -------
        X_out : DataFrame or ndarray of shape (n_samples, n_columns)
            A DataFrame (same index, context last) if `X` is one.
        """
        check_is_fitted(self)
        blocks = self._read(X, reset=False)
        return blocks.rebuild(self._normalize(blocks))
