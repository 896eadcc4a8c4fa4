"""Regularized CCA of two modalities as a transformer."""

from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from emoest.tables.groups import remember_groups, resolve_groups
from emoest.tables.names import is_context
from emoest.tables.vectors import Blocks
from emoest.utils import constraints
from emoest.utils._sklearn import StrOptions, fit_context
from emoest.utils.state import forget_fit
from emoest.validity._base import ModalityTransformer, warn_if_single
from emoest.validity._cca import (
    canonical_pair,
    check_enough_samples,
    noise_floor,
    warn_of_few_samples,
)
from emoest.validity._whitening import standardize


class RegularizedCCA(ModalityTransformer):
    """Canonical scores of two modalities, regularized and fast.

    Finds the directions in which two blocks of features correlate most and replaces each block by
    its scores in these directions. Found by whitening and a singular value decomposition rather
    than by iteration, so it reaches the optimum. Components come in decreasing order of what is
    maximized; with `shrinkage` that is not the correlation of the scores, which may rise again.

    Parameters
    ----------
    modalities : "auto", list of str or dict, default="auto"
        Which columns belong to which modality; see `emoest.utils.find_modalities`. Two are needed;
        with one, X passes through with a warning.
    n_components : int, default=None
        How many canonical components; None takes all, and more than the smaller rank are capped.
    shrinkage : float in [0, 1] or "auto", default=0.1
        Weight of the scaled identity in each block's covariance: ``(1 - c) S + c trace(S) / p I``.
        0 is classical CCA, ``"auto"`` the estimate of Ledoit and Wolf.
    scale : bool, default=True
        Whether columns are divided by their standard deviation first.
    solver : {"auto", "cholesky", "svd"}, default="auto"
        How a block is whitened. ``"auto"`` takes the Cholesky factor of the covariance where
        there are many more samples than columns and the covariance is well conditioned, and the
        thin SVD of the block anywhere else.

    Attributes
    ----------
    modalities_ : list of str
        Names of the modalities.
    seen_groups_ : list or None
        Groups of the training samples; None where nothing named any.
    n_components_ : int
        Number of components; 0 when X passes through.
    correlations_ : ndarray of shape (n_components,)
        Correlations of the training scores. Optimistic: see `noise_floor_`.
    weights_ : dict of str to ndarray of shape (n_features, n_components)
        Standardized columns times these give the scores.
    means_, scales_ : dict of str to ndarray of shape (n_features,)
        How columns are standardized; the scale of a constant column is infinite.
    solver_ : dict of str to str
        How each block was whitened.
    noise_floor_ : float
        Largest training correlation that unrelated blocks of this shape come close to.
    n_samples_ : int
        Number of training samples that have both modalities.
    n_features_in_ : int
        Number of columns seen in ``fit``, context included.
    feature_names_in_ : ndarray of str
        Their names, when X had any.

    Raises
    ------
    ValueError
        In ``fit``, if there are more than two modalities, if fewer than three samples have both,
        if a block is constant, or if without shrinkage there are not more samples than features.

    Warns
    -----
    UserWarning
        If without shrinkage the two modalities have half as many features as there are samples, or
        more: correlations are then high by chance, and 1 from as many features as samples on.

    See Also
    --------
    emoest.validity.canonical_correlations : The correlations alone, from two arrays.
    emoest.validity.permutation_test : Are they more than chance?
    emoest.validity.CCAValidityFilter : Rejects the modality that is inconsistent with the others.

    Notes
    -----
    Samples that miss a modality are left out of ``fit`` and get NaN scores for it. Single missing
    values count as the training mean. Hotelling (1936); shrinkage scaled by the mean variance is
    this package's choice, so that it has no unit.

    Examples
    --------
    >>> import pandas as pd
    >>> rng = np.random.default_rng(0)
    >>> shared = rng.normal(size=(200, 1))
    >>> X = pd.DataFrame(
    ...     np.hstack([shared + rng.normal(size=(200, 2)), shared + rng.normal(size=(200, 2))]),
    ...     columns=["audio__f0", "audio__energy", "text__w0", "text__w1"],
    ... )
    >>> cca = RegularizedCCA(n_components=1).fit(X)
    >>> cca.correlations_.round(1).tolist()
    [0.7]
    >>> list(cca.transform(X))
    ['audio__cca_0000', 'text__cca_0000']
    """

    _parameter_constraints: dict = {
        **constraints.MODALITIES,
        "n_components": [constraints.POSITIVE_INT, None],
        "shrinkage": [constraints.UNIT_INTERVAL, StrOptions({"auto"})],
        "scale": ["boolean"],
        "solver": [StrOptions({"auto", "cholesky", "svd"})],
    }
    _takes_frames = False

    def __init__(
        self,
        *,
        modalities: Any = "auto",
        n_components: int | None = None,
        shrinkage: float | str = 0.1,
        scale: bool = True,
        solver: str = "auto",
    ) -> None:
        self.modalities = modalities
        self.n_components = n_components
        self.shrinkage = shrinkage
        self.scale = scale
        self.solver = solver

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None) -> "RegularizedCCA":
        """Find the canonical directions.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_samples, n_columns)
            Numeric columns of two modalities; a wholly NaN block is a missing modality.
        y : None
            Ignored.

        Returns
        -------
        self : RegularizedCCA
        """
        forget_fit(self)
        blocks = self._read(X, reset=True, ensure_min_samples=3)
        remember_groups(self, resolve_groups(X))
        self.n_components_ = 0
        if warn_if_single(self, self.modalities_, "and CCA needs two"):
            return self
        if len(blocks.modalities) > 2:
            raise ValueError(
                f"RegularizedCCA takes two modalities; X has {self.modalities_}. Select two of "
                "them, or use CCAValidityFilter, which looks at every pair."
            )
        self._fit_pair(blocks)
        return self

    def _fit_pair(self, blocks: Blocks) -> None:
        both = ~blocks.missing.any(axis=1)
        first, second = self.modalities_
        if both.sum() < 3:
            raise ValueError(
                f"Only {int(both.sum())} samples have both {first!r} and {second!r}; "
                "RegularizedCCA needs at least 3."
            )
        x, y = blocks.block(first)[both], blocks.block(second)[both]
        for name, block in ((first, x), (second, y)):
            check_enough_samples(len(x), block.shape[1], self.shrinkage, f"a modality {name!r}")
        warn_of_few_samples(len(x), x.shape[1] + y.shape[1], self.shrinkage)
        pair = canonical_pair(
            x,
            y,
            n_components=self.n_components,
            shrinkage=self.shrinkage,
            scale=self.scale,
            solver=self.solver,
        )
        if pair.n_components == 0:
            constant = first if pair.x.rank == 0 else second
            raise ValueError(
                f"The modality {constant!r} is constant over the {len(x)} training samples that "
                "have both; CCA needs features that vary. Drop it or fix it."
            )
        self.n_components_ = pair.n_components
        self.n_samples_ = pair.n_samples
        self.correlations_ = pair.correlations
        self.weights_ = {first: pair.x_weights, second: pair.y_weights}
        self.means_ = {first: pair.x.mean, second: pair.y.mean}
        self.scales_ = {first: pair.x.scale, second: pair.y.scale}
        self.solver_ = {first: pair.x.route, second: pair.y.route}
        self.noise_floor_ = noise_floor(len(x), x.shape[1], y.shape[1])

    def transform(self, X: Any) -> Any:
        """Replace each block by its canonical scores.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_samples, n_columns)
            The columns seen in ``fit``.

        Returns
        -------
        scores : DataFrame or ndarray of shape (n_samples, 2 * n_components)
            First modality first, context last; NaN where a sample misses the modality. X itself
            when there was one modality.
        """
        check_is_fitted(self)
        blocks = self._read(X, reset=False)
        if self.n_components_ == 0:
            return blocks.rebuild(blocks.values)
        scores = []
        for name, missing in zip(self.modalities_, blocks.missing.T, strict=True):
            Z = standardize(blocks.block(name), self.means_[name], self.scales_[name])
            score = Z @ self.weights_[name]
            score[missing] = np.nan
            scores.append(score)
        return blocks.rebuild(np.hstack(scores), self._score_names())

    def _score_names(self) -> list[str]:
        return [f"{m}__cca_{i:04d}" for m in self.modalities_ for i in range(self.n_components_)]

    def _output_names(self, names: list[Any]) -> list[Any]:
        if self.n_components_ == 0:
            return names
        return [*self._score_names(), *filter(is_context, names)]
