"""Whitening of one block of features, by Cholesky factor or by singular value decomposition."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import linalg
from sklearn.covariance import ledoit_wolf_shrinkage

from emoest.tables.vectors import weighted_mean, weighted_std
from emoest.utils.typing import Floats, Rows
from emoest.utils.warn import warn_user

MIN_RECIPROCAL_CONDITION = 1e-8
"""Below this reciprocal condition number a covariance matrix is not factored by Cholesky."""

TALL = 2.0
"""From this many rows a column on, the covariance matrix is cheaper than the SVD of the block."""


@dataclass(frozen=True)
class Whitening:
    """Linear map that gives the training rows of one block the identity as covariance.

    With shrinkage c the covariance meant is ``(1 - c) S + c trace(S) / p I``.

    Parameters
    ----------
    mean : ndarray of shape (n_features,)
        Training mean of each column over its present values.
    scale : ndarray of shape (n_features,)
        What each column is divided by; infinite for a constant column, which thereby vanishes.
    maps : ndarray of shape (n_features, rank)
        Standardized rows times this matrix are white.
    shrinkage : float
        The shrinkage that was used.
    route : {"cholesky", "svd"}
        How the map was found.
    """

    mean: Floats
    scale: Floats
    maps: Floats
    shrinkage: float
    route: str

    @property
    def rank(self) -> int:
        """Number of white dimensions."""
        return int(self.maps.shape[1])

    def standardize(self, X: Floats) -> Floats:
        """Center and scale raw rows; NaN becomes 0, the training mean."""
        return standardize(X, self.mean, self.scale)


Whitened = tuple[Whitening, Floats, Floats | None]
"""What `whiten` returns: the map, the standardized rows, and the white rows if at hand."""


def standardize(X: Floats, mean: Floats, scale: Floats) -> Floats:
    """Center and scale rows; NaN and columns of infinite scale become 0.

    Examples
    --------
    >>> standardize(np.array([[3.0, np.nan, 7.0]]), np.ones(3), np.array([2.0, 2.0, np.inf]))
    array([[1., 0., 0.]])
    """
    Z = X - mean
    Z /= scale
    if np.isnan(Z).any():
        np.nan_to_num(Z, copy=False, nan=0.0)
    return Z


def center_and_scale(X: Floats, scale: bool = True) -> tuple[Floats, Floats]:
    """Compute mean and standard deviation of each column; infinite for a constant one.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
        Raw rows; NaN is left out.
    scale : bool, default=True
        Whether columns are to be divided by their standard deviation.

    Returns
    -------
    mean, scale : ndarray of shape (n_features,)

    Examples
    --------
    >>> mean, std = center_and_scale(np.array([[1.0, 5.0], [3.0, 5.0]]))
    >>> mean.tolist(), std.tolist()
    ([2.0, 5.0], [1.0, inf])
    """
    if np.isnan(X).any():
        mean = weighted_mean(X)
        std = weighted_std(X, mean)
    else:
        mean, std = X.mean(axis=0), X.std(axis=0)
    # A constant column has a standard deviation of rounding error size, rarely exactly 0.
    tiny = 10 * np.finfo(np.float64).eps * np.maximum(np.abs(mean), np.finfo(np.float64).tiny)
    return mean, np.where(std <= tiny, np.inf, std if scale else 1.0)


def whiten(
    X: Floats,
    *,
    shrinkage: float | str = 0.0,
    scale: bool = True,
    solver: str = "auto",
) -> Whitened:
    """Find the whitening of a block.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
        Training rows; NaN counts as the column's mean.
    shrinkage : float in [0, 1] or "auto", default=0.0
        Weight of the scaled identity in the covariance; ``"auto"`` is the estimate of Ledoit and
        Wolf. Being scaled by the mean variance it has no unit.
    scale : bool, default=True
        Whether columns are divided by their standard deviation first.
    solver : {"auto", "cholesky", "svd"}, default="auto"
        ``"auto"`` takes the Cholesky factor of the covariance where there are at least `TALL` rows
        a column and its reciprocal condition number is not below `MIN_RECIPROCAL_CONDITION`, else
        the thin SVD, which works for any input. ``"cholesky"`` falls back to the SVD too, with a
        warning.

    Returns
    -------
    whitening : Whitening
        The map.
    Z : ndarray of shape (n_samples, n_features)
        The standardized rows.
    white : ndarray of shape (n_samples, rank) or None
        The white rows where the route has them at hand (SVD).

    Examples
    --------
    >>> rows = np.random.default_rng(0).normal(size=(50, 3)) @ np.diag([1.0, 9.0, 0.1])
    >>> whitening, Z, _ = whiten(rows)
    >>> bool(np.allclose(np.cov((Z @ whitening.maps).T), np.eye(3)))
    True
    """
    mean, std = center_and_scale(X, scale)
    Z = standardize(X, mean, std)
    active = np.flatnonzero(np.isfinite(std))
    if len(active) == 0:
        blank = Whitening(mean, std, np.empty((X.shape[1], 0)), 0.0, "svd")
        return blank, Z, np.empty((len(X), 0))
    # Indexing copies, which is to be spared the usual block without constant columns.
    kept = Z if len(active) == X.shape[1] else Z[:, active]
    weight = _shrinkage(kept, shrinkage)
    maps = white = None
    if solver == "cholesky" or (solver == "auto" and len(X) >= TALL * len(active)):
        maps = _cholesky_maps(kept, weight)
        if maps is None and solver == "cholesky":
            warn_user(
                "solver='cholesky' was asked for, but the covariance matrix is singular or too "
                "ill-conditioned; the SVD is used instead. Raise shrinkage to avoid this.",
            )
    route = "svd" if maps is None else "cholesky"
    if maps is None:
        maps, white = _svd_maps(kept, weight)
    if len(active) < X.shape[1]:
        maps = _spread(maps, active, X.shape[1])
    return Whitening(mean, std, maps, weight, route), Z, white


def _shrinkage(Z: Floats, shrinkage: Any) -> float:
    if isinstance(shrinkage, str):
        return float(ledoit_wolf_shrinkage(Z, assume_centered=True))
    return float(shrinkage)


def _cholesky_maps(Z: Floats, shrinkage: float) -> Floats | None:
    """Inverse of the upper Cholesky factor of the covariance, or None if that is not safe."""
    covariance = Z.T @ Z
    covariance /= max(len(Z) - 1, 1)
    mean_variance = np.trace(covariance) / len(covariance)
    covariance *= 1 - shrinkage
    covariance.flat[:: len(covariance) + 1] += shrinkage * mean_variance
    norm = float(np.abs(covariance).sum(axis=0).max())
    factor, info = linalg.lapack.dpotrf(covariance, lower=0, clean=1)
    if info != 0:
        return None
    reciprocal_condition, info = linalg.lapack.dpocon(factor, norm)
    if info != 0 or reciprocal_condition < MIN_RECIPROCAL_CONDITION:
        return None
    inverse, info = linalg.lapack.dtrtri(factor, lower=0)
    return inverse if info == 0 else None


def _svd_maps(Z: Floats, shrinkage: float) -> tuple[Floats, Floats]:
    """Whitening map and white rows from the thin SVD of the standardized rows."""
    u, s, vt = linalg.svd(Z, full_matrices=False, lapack_driver="gesdd")
    # The rank as numpy.linalg.matrix_rank counts it: what is smaller is rounding error, which
    # whitening would blow up to unit variance.
    rank = int((s > s[0] * max(Z.shape) * np.finfo(np.float64).eps).sum()) if s[0] > 0 else 0
    u, s, vt = u[:, :rank], s[:rank], vt[:rank]
    variance = s**2 / max(len(Z) - 1, 1)
    d = np.sqrt((1 - shrinkage) * variance + shrinkage * variance.sum() / Z.shape[1])
    return vt.T / d, u * (s / d)


def _spread(maps: Floats, active: Rows, n_features: int) -> Floats:
    full = np.zeros((n_features, maps.shape[1]))
    full[active] = maps
    return full
