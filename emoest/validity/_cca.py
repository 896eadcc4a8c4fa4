"""Regularized canonical correlation analysis as plain functions on two arrays.

The problem is Hotelling's (1936): directions of two blocks whose scores correlate most, successive
pairs being uncorrelated. Each block is whitened once (`emoest.validity._whitening`), after which
the canonical correlations are the singular values of the cross-covariance of the white rows.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy import linalg

from emoest.tables.groups import Split
from emoest.utils.typing import Floats
from emoest.utils.warn import warn_user
from emoest.validity._whitening import Whitened, Whitening, whiten

MAX_CORRELATION = 0.999
"""Held-out correlations are clipped here, so that 1 - rho^2 is never 0."""

# A partial eigen-decomposition is faster than the full SVD for up to a fourth of the vectors.
_PARTIAL = 4
# The Gram matrix squares singular values: below this part of the largest one, less than half of
# the digits of a float64 are left.
_SMALL_SINGULAR_VALUE = 1e-4


@dataclass(frozen=True)
class CanonicalPair:
    """Canonical directions of two blocks.

    Parameters
    ----------
    x, y : Whitening
        How raw rows of either block are standardized.
    x_weights, y_weights : ndarray of shape (n_features, n_components)
        Standardized rows times these are the canonical scores, of unit training variance.
    correlations : ndarray of shape (n_components,)
        Correlations of the training scores.
    singular_values : ndarray of shape (n_components,)
        Of the white cross-covariance; equal to the correlations where nothing is shrunk.
    n_samples : int
        Number of training rows.
    """

    x: Whitening
    y: Whitening
    x_weights: Floats
    y_weights: Floats
    correlations: Floats
    singular_values: Floats
    n_samples: int

    @property
    def n_components(self) -> int:
        """Number of canonical components."""
        return len(self.correlations)

    def scores(self, X: Floats, Y: Floats) -> tuple[Floats, Floats]:
        """Compute canonical scores of raw rows, each of shape (n_samples, n_components)."""
        return self.x.standardize(X) @ self.x_weights, self.y.standardize(Y) @ self.y_weights


def canonical_pair(
    X: Floats,
    Y: Floats,
    *,
    n_components: int | None = None,
    shrinkage: float | str = 0.0,
    scale: bool = True,
    solver: str = "auto",
) -> CanonicalPair:
    """Fit a regularized CCA of two blocks.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features_x)
        Rows of the first block; NaN counts as the column's mean.
    Y : ndarray of shape (n_samples, n_features_y)
        The same samples in the second block.
    n_components : int, default=None
        At most as many as the smaller rank; None takes all.
    shrinkage : float in [0, 1] or "auto", default=0.0
        See `whiten`.
    scale : bool, default=True
        Whether columns are divided by their standard deviation first.
    solver : {"auto", "cholesky", "svd"}, default="auto"
        See `whiten`.

    Returns
    -------
    pair : CanonicalPair
        With no component if a block is constant.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> shared = rng.normal(size=(500, 1))
    >>> X = shared + 0.5 * rng.normal(size=(500, 3))
    >>> pair = canonical_pair(X, -shared, n_components=1)
    >>> bool(0.94 < pair.correlations[0] < 0.98)
    True
    """
    options = {"shrinkage": shrinkage, "scale": scale, "solver": solver}
    return join(whiten(X, **options), whiten(Y, **options), n_components)


def join(x: Whitened, y: Whitened, n_components: int | None = None) -> CanonicalPair:
    """Find the canonical directions of two whitened blocks.

    Whitening is the larger part of the work; with several blocks each is whitened once and joined
    to every other.

    Parameters
    ----------
    x, y : tuple (Whitening, Z, white)
        What `whiten` returned for the same rows of either block.
    n_components : int, default=None
        At most as many as the smaller rank; None takes all.

    Returns
    -------
    pair : CanonicalPair
    """
    wx, zx, _ = x
    wy, zy, _ = y
    limit = min(wx.rank, wy.rank, max(len(zx) - 1, 0))
    k = limit if n_components is None else min(n_components, limit)
    left, singular, right = leading_singular(white_cross_covariance(x, y), k)
    x_weights, y_weights = wx.maps @ left, wy.maps @ right
    u, v = zx @ x_weights, zy @ y_weights
    u_std, v_std = (np.sqrt((s**2).sum(axis=0) / max(len(s) - 1, 1)) for s in (u, v))
    sign = _signs(x_weights)
    return CanonicalPair(
        wx,
        wy,
        x_weights * (sign / u_std),
        y_weights * (sign / v_std),
        np.clip((u * v).sum(axis=0) / ((len(u) - 1) * u_std * v_std), -1.0, 1.0),
        singular,
        len(zx),
    )


def _signs(weights: Floats) -> Floats:
    """Compute the sign that makes the largest weight of each component positive."""
    # Singular vectors come with arbitrary signs, which differ between LAPACKs.
    if weights.size == 0:
        return np.ones(weights.shape[1])
    largest = np.abs(weights).argmax(axis=0)
    return np.where(weights[largest, np.arange(weights.shape[1])] < 0, -1.0, 1.0)


def white_rows(block: Whitened) -> Floats:
    """Return the white training rows of a block, shape (n_samples, rank)."""
    whitening, Z, white = block
    return Z @ whitening.maps if white is None else white


def white_cross_covariance(x: Whitened, y: Whitened) -> Floats:
    """Compute the cross-covariance of the white rows of two blocks, shape (rank_x, rank_y)."""
    (wx, zx, white_x), (wy, zy, white_y) = x, y
    denominator = max(len(zx) - 1, 1)
    if white_x is not None or white_y is not None:
        return white_rows(x).T @ white_rows(y) / denominator
    # From the covariance there is no need to make the white rows, which are as large as the block.
    return wx.maps.T @ (zx.T @ zy / denominator) @ wy.maps


def leading_singular(matrix: Floats, k: int) -> tuple[Floats, Floats, Floats]:
    """Compute leading singular vectors and values.

    A small part of them comes from a partial eigen-decomposition of the smaller Gram matrix, which
    squares the singular values; when the last one wanted is too small for that, the full SVD is
    taken.

    Parameters
    ----------
    matrix : ndarray of shape (p, q)
        Any matrix.
    k : int
        How many.

    Returns
    -------
    left : ndarray of shape (p, k)
    singular : ndarray of shape (k,)
        In decreasing order.
    right : ndarray of shape (q, k)

    Examples
    --------
    >>> leading_singular(np.diag([1.0, 3.0, 2.0]), 2)[1].tolist()
    [3.0, 2.0]
    """
    p, q = matrix.shape
    if k == 0:
        return np.empty((p, 0)), np.empty(0), np.empty((q, 0))
    if p < q:
        right, singular, left = leading_singular(matrix.T, k)
        return left, singular, right
    if k * _PARTIAL <= q:
        values, vectors = linalg.eigh(matrix.T @ matrix, subset_by_index=[q - k, q - 1])
        singular = np.sqrt(np.maximum(values[::-1], 0.0))
        if singular[-1] > _SMALL_SINGULAR_VALUE * singular[0]:
            right = vectors[:, ::-1]
            return matrix @ right / singular, singular, right
    left, singular, right = linalg.svd(matrix, full_matrices=False)
    return left[:, :k], singular[:k], right[:k].T


def canonical_correlations(
    X: Floats,
    Y: Floats,
    *,
    n_components: int | None = None,
    shrinkage: float | str = 0.0,
    solver: str = "auto",
) -> Floats:
    """Compute the canonical correlations of two blocks in the sample at hand.

    They are optimistic: see `noise_floor` for what unrelated blocks reach, and
    `held_out_correlations` for what is left on new samples.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features_x)
        First block; NaN counts as the column's mean.
    Y : array-like of shape (n_samples, n_features_y)
        Second block.
    n_components : int, default=None
        At most as many as the smaller rank; None gives all.
    shrinkage : float in [0, 1] or "auto", default=0.0
        Weight of the scaled identity in each block's covariance.
    solver : {"auto", "cholesky", "svd"}, default="auto"
        How blocks are whitened; ``"auto"`` chooses by shape and condition.

    Returns
    -------
    correlations : ndarray of shape (n_components,)
        Correlations of the canonical scores.

    Raises
    ------
    ValueError
        If the blocks differ in length, or if without shrinkage there are not more samples than
        features, so that every correlation would be 1.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(100, 2))
    >>> canonical_correlations(X, X @ [[1.0, 2.0], [3.0, 4.0]]).round(6).tolist()
    [1.0, 1.0]
    """
    X, Y = check_pair(X, Y, shrinkage)
    pair = canonical_pair(X, Y, n_components=n_components, shrinkage=shrinkage, solver=solver)
    return pair.correlations


def check_pair(X: Floats, Y: Floats, shrinkage: float | str) -> tuple[Floats, Floats]:
    """Convert two blocks to arrays, and raise where CCA has no solution."""
    X, Y = np.asarray(X, dtype=np.float64), np.asarray(Y, dtype=np.float64)
    if X.ndim != 2 or Y.ndim != 2 or len(X) != len(Y):
        raise ValueError(
            f"CCA needs two 2-D blocks of the same samples; found shapes {X.shape} and {Y.shape}."
        )
    if len(X) < 3:
        raise ValueError(f"CCA needs at least 3 samples that have both blocks; found {len(X)}.")
    check_enough_samples(len(X), max(X.shape[1], Y.shape[1]), shrinkage)
    warn_of_few_samples(len(X), X.shape[1] + Y.shape[1], shrinkage)
    return X, Y


def check_enough_samples(
    n_samples: int, n_features: int, shrinkage: float | str, name: str = "a block"
) -> None:
    """Raise if a block has at least as many features as samples and nothing is shrunk."""
    if shrinkage == 0 and n_samples - 1 <= n_features:
        raise ValueError(
            f"{n_samples} samples and {name} of {n_features} features: without shrinkage every "
            "canonical correlation would be 1. Pass shrinkage=0.1 or 'auto', or reduce the "
            "features first, for example with PCA."
        )


def warn_of_few_samples(n_samples: int, n_features: int, shrinkage: float | str) -> None:
    """Warn if nothing is shrunk and both blocks have half as many features as samples, or more."""
    if shrinkage != 0 or 2 * n_features < n_samples:
        return
    sure = n_features > n_samples - 1
    what = "is 1 whatever the blocks hold" if sure else "is high also between unrelated blocks"
    warn_user(
        f"{n_samples} samples and two blocks of {n_features} features together: without shrinkage "
        f"the largest canonical correlation {what}. Pass shrinkage=0.1 or 'auto', look at held-out "
        "correlations, or reduce the features first."
    )


def held_out_correlations(
    X: Floats,
    Y: Floats,
    splits: Iterable[Split],
    *,
    n_components: int | None = None,
    shrinkage: float | str = 0.1,
) -> Floats:
    """Compute correlations of canonical scores on samples that the directions are not found on.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features_x)
        First block; NaN counts as the column's training mean.
    Y : array-like of shape (n_samples, n_features_y)
        Second block.
    splits : iterable of (train, test) index arrays
        For example ``GroupKFold(5).split(X, groups=speakers)``.
    n_components : int, default=None
        At most as many as the smallest rank met; None gives all.
    shrinkage : float in [0, 1] or "auto", default=0.1
        Weight of the scaled identity in each block's covariance.

    Returns
    -------
    correlations : ndarray of shape (n_components,)
        Mean over the splits, weighted by their number of test samples; may be negative.

    Raises
    ------
    ValueError
        See `canonical_correlations`; also if there is no split.

    Examples
    --------
    >>> from sklearn.model_selection import KFold
    >>> rng = np.random.default_rng(0)
    >>> X, Y = rng.normal(size=(60, 20)), rng.normal(size=(60, 20))
    >>> float(canonical_correlations(X, Y)[0]) > 0.9
    True
    >>> float(held_out_correlations(X, Y, KFold(5).split(X))[0]) < 0.5
    True
    """
    X, Y = check_pair(X, Y, shrinkage)
    found = []
    sizes = []
    for train, test in splits:
        pair = canonical_pair(X[train], Y[train], n_components=n_components, shrinkage=shrinkage)
        found.append(column_correlations(*pair.scores(X[test], Y[test])))
        sizes.append(len(test))
    if not found:
        raise ValueError("held_out_correlations needs at least one split.")
    k = min(len(rho) for rho in found)
    return np.average([rho[:k] for rho in found], axis=0, weights=sizes)


def column_correlations(u: Floats, v: Floats) -> Floats:
    """Compute the correlation of each column of `u` with that of `v`; 0 for a constant one.

    Examples
    --------
    >>> u = np.array([[1.0, 0.0], [2.0, 0.0], [3.0, 0.0]])
    >>> column_correlations(u, -u).round(6).tolist()
    [-1.0, 0.0]
    """
    u, v = u - u.mean(axis=0), v - v.mean(axis=0)
    norm = np.sqrt((u**2).sum(axis=0) * (v**2).sum(axis=0))
    return np.divide((u * v).sum(axis=0), norm, out=np.zeros_like(norm), where=norm > 0)


def noise_floor(n_samples: int, n_features_x: int, n_features_y: int) -> float:
    """Return the largest sample canonical correlation that unrelated blocks come close to.

    The upper edge of the spectrum of Wachter (1980): with a = p / n and b = q / n it is
    sqrt(a (1 - b)) + sqrt(b (1 - a)), valid while a + b < 1; 1 otherwise.

    Parameters
    ----------
    n_samples, n_features_x, n_features_y : int
        Shape of the two blocks.

    Returns
    -------
    correlation : float

    Examples
    --------
    >>> round(noise_floor(1000, 60, 40), 3)
    0.434
    """
    a, b = n_features_x / n_samples, n_features_y / n_samples
    if a + b >= 1:
        return 1.0
    return float(np.sqrt(a * (1 - b)) + np.sqrt(b * (1 - a)))
