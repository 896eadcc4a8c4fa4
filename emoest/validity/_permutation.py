"""Permutation test of canonical correlations: whiten once, permute rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import linalg
from sklearn.utils import check_random_state

from emoest.utils.seeds import RandomState
from emoest.utils.typing import Floats, Rows
from emoest.validity._cca import check_pair, white_cross_covariance, white_rows
from emoest.validity._whitening import whiten


@dataclass(frozen=True)
class PermutationTest:
    """Result of `permutation_test`.

    Parameters
    ----------
    statistics : ndarray of shape (n_components,)
        The observed canonical correlations; with shrinkage, the singular values of the white
        cross-covariance, which may exceed 1.
    p_values : ndarray of shape (n_components,)
        Step-down p-values, never decreasing.
    null_statistics : ndarray of shape (n_permutations, n_components)
        Largest statistic, among the dimensions still in play, of each permutation.
    """

    statistics: Floats
    p_values: Floats
    null_statistics: Floats


def permutation_test(
    X: Floats,
    Y: Floats,
    *,
    n_components: int = 1,
    n_permutations: int = 999,
    shrinkage: float | str = 0.0,
    groups: Sequence[Any] | None = None,
    random_state: RandomState = None,
) -> PermutationTest:
    """Test whether canonical correlations exceed what shuffled rows reach.

    Both blocks are whitened once. Shuffling the rows of one block leaves its covariance as it is,
    so each permutation costs one product of white rows and the largest eigenvalue of a Gram
    matrix. For the second and later dimensions the canonical variates already tested are taken out
    of both blocks before the rows are shuffled, and each p-value is at least the one before it; a
    test of dimension k against the largest correlation of all dimensions, or on permuted data that
    still hold the earlier variates, is not valid.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features_x)
        First block; NaN counts as the column's mean.
    Y : array-like of shape (n_samples, n_features_y)
        Second block.
    n_components : int, default=1
        How many dimensions to test, at most the smaller rank.
    n_permutations : int, default=999
        How many permutations; the smallest p-value is ``1 / (n_permutations + 1)``.
    shrinkage : float in [0, 1] or "auto", default=0.0
        Weight of the scaled identity in each block's covariance. With shrinkage the variates taken
        out are orthogonal in the shrunk covariance only; the first dimension's test stays exact,
        the later ones become approximate.
    groups : array-like of shape (n_samples,), default=None
        When given, rows are shuffled within each group only, so that what differs between speakers
        does not make two blocks look related.
    random_state : int, RandomState instance or None, default=None
        Draws the permutations.

    Returns
    -------
    result : PermutationTest
        Statistics, step-down p-values and the null distribution of each dimension.

    Raises
    ------
    ValueError
        See `canonical_correlations`; also if `groups` has another length or the counts are not
        positive.

    Notes
    -----
    The step-down follows Winkler, Renaud, Smith and Nichols (2020), "Permutation inference for
    canonical correlation analysis", NeuroImage 220, with Roy's largest root as the statistic.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> shared = rng.normal(size=(80, 1))
    >>> X = np.hstack([shared, rng.normal(size=(80, 3))])
    >>> Y = np.hstack([shared + rng.normal(size=(80, 1)), rng.normal(size=(80, 2))])
    >>> result = permutation_test(X, Y, n_components=2, n_permutations=199, random_state=0)
    >>> int((result.p_values <= 0.05).sum())
    1
    """
    X, Y = check_pair(X, Y, shrinkage)
    if n_components < 1 or n_permutations < 1:
        raise ValueError(
            "n_components and n_permutations must be at least 1; found "
            f"{n_components} and {n_permutations}."
        )
    order = _Shuffle(len(X), groups, check_random_state(random_state))
    x, y, observed = _canonical_variates(X, Y, shrinkage)
    k = min(n_components, len(observed))
    null = np.empty((n_permutations, k))
    for b in range(n_permutations):
        null[b] = _largest_by_step(x.T @ y[order.draw()] / (len(x) - 1), k)
    # A permutation that gives the observed order back counts, whatever its rounding.
    exceeding = (null >= observed[:k] - 1e-12).sum(axis=0)
    p_values = np.maximum.accumulate((exceeding + 1) / (n_permutations + 1))
    return PermutationTest(observed[:k], p_values, null)


def _canonical_variates(
    X: Floats, Y: Floats, shrinkage: float | str
) -> tuple[Floats, Floats, Floats]:
    """Compute all canonical variates of both blocks, those without a partner included."""
    x, y = whiten(X, shrinkage=shrinkage), whiten(Y, shrinkage=shrinkage)
    for name, block in (("first", x), ("second", y)):
        if block[0].rank == 0:
            raise ValueError(f"The {name} block is constant; CCA needs features that vary.")
    left, singular, right = linalg.svd(white_cross_covariance(x, y))
    variates_x, variates_y = white_rows(x) @ left, white_rows(y) @ right.T
    return variates_x, variates_y, singular


class _Shuffle:
    """Draws permutations of all rows, or of the rows within each group."""

    def __init__(
        self, n_samples: int, groups: Sequence[Any] | None, rng: np.random.RandomState
    ) -> None:
        self.rng = rng
        self.members = [np.arange(n_samples)]
        if groups is not None:
            labels = np.asarray(groups)
            if labels.shape != (n_samples,):
                raise ValueError(f"groups has shape {labels.shape}; expected ({n_samples},).")
            self.members = [np.flatnonzero(labels == label) for label in np.unique(labels)]
        self.order = np.arange(n_samples)

    def draw(self) -> Rows:
        for rows in self.members:
            self.order[rows] = self.rng.permutation(rows)
        return self.order


def _largest_by_step(cross: Floats, k: int) -> Floats:
    """Compute the largest singular value of ``cross[j:, j:]`` for each j below `k`."""
    if cross.shape[0] < cross.shape[1]:
        cross = cross.T
    gram = cross.T @ cross
    largest = np.empty(k)
    for j in range(k):
        # One Gram matrix serves all steps: the rows before j are taken off it.
        rest = gram[j:, j:] - cross[:j, j:].T @ cross[:j, j:]
        q = len(rest)
        value = linalg.eigh(rest, eigvals_only=True, subset_by_index=[q - 1, q - 1])[0]
        largest[j] = np.sqrt(max(value, 0.0))
    return largest
