"""Regenerate the features of one modality from those of another: plain functions on arrays.

All functions take standardized blocks (training mean 0): a query ``z`` of the source modality and
paired reference rows ``V`` (source) and ``W`` (target). M3ER assumes an unknown linear map from
source to target, writes the query as a combination of observed source vectors and applies the same
coefficients to their partners.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from scipy import linalg
from sklearn.neighbors import NearestNeighbors

from emoest.tables.groups import Split
from emoest.utils.typing import Floats, Mask, Rows

LOCAL_METHODS = ("local_linear", "affine", "mean")
GLOBAL_METHODS = ("ridge", "ols")

# Neighbors of a chunk of queries are gathered at once: 2**24 numbers are 128 MiB.
_CHUNK_NUMBERS = 2**24


def combination_weights(V: Floats, z: Floats, *, ridge: float, affine: bool = False) -> Floats:
    """Compute the coefficients that write each query as a combination of its neighbors.

    Solves ``(V V' + ridge trace(V V') / k I) a = V z``; the affine form, that of locally linear
    embedding, does so on differences to the query and lets the coefficients sum to one. Without
    ridge the solution explodes when there are about as many neighbors as features.

    Parameters
    ----------
    V : ndarray of shape (n_queries, k, n_features)
        Neighbors of each query.
    z : ndarray of shape (n_queries, n_features)
        The queries.
    ridge : float
        Penalty, in units of the mean squared length of a neighbor; without one the shortest
        solution is taken.
    affine : bool, default=False
        Whether coefficients sum to one.

    Returns
    -------
    coefficients : ndarray of shape (n_queries, k)
        Equal ones where all neighbors are zero.

    Examples
    --------
    >>> V = np.array([[[2.0, 0.0], [0.0, 1.0]]])
    >>> combination_weights(V, np.array([[1.0, 1.0]]), ridge=0.0).round(6).tolist()
    [[0.5, 1.0]]
    """
    k = V.shape[1]
    if affine:
        V = V - z[:, None, :]
    gram = V @ V.transpose(0, 2, 1)
    mean_square = np.trace(gram, axis1=1, axis2=2) / k
    flat = mean_square <= np.finfo(np.float64).tiny
    gram[flat] = np.eye(k)
    right = np.ones((len(V), k)) if affine else np.einsum("nkd,nd->nk", V, z)
    right[flat] = 1 / k
    if ridge > 0:
        gram += (ridge * mean_square)[:, None, None] * np.eye(k)
        coefficients = np.linalg.solve(gram, right[:, :, None])[:, :, 0]
    else:
        inverse = np.linalg.pinv(gram, rcond=k * np.finfo(np.float64).eps, hermitian=True)
        coefficients = np.einsum("nij,nj->ni", inverse, right)
    if affine:
        coefficients /= coefficients.sum(axis=1, keepdims=True)
    coefficients[flat] = 1 / k
    return coefficients


def linear_map(V: Floats, W: Floats, *, ridge: float) -> Floats:
    """Compute the least-squares map from source to target; the shortest of several.

    Parameters
    ----------
    V : ndarray of shape (n_samples, n_source)
        Source rows.
    W : ndarray of shape (n_samples, n_target)
        Target rows.
    ridge : float
        Penalty, in units of the mean squared singular value over source features; 0 is ordinary
        least squares.

    Returns
    -------
    coefficients : ndarray of shape (n_source, n_target)

    Examples
    --------
    >>> V = np.array([[1.0, 0.0], [0.0, 2.0], [1.0, 1.0]])
    >>> linear_map(V, V @ [[3.0], [-1.0]], ridge=0.0).round(6).tolist()
    [[3.0], [-1.0]]
    """
    u, s, vt = linalg.svd(V, full_matrices=False)
    kept = s > (s[0] if len(s) else 0.0) * max(V.shape) * np.finfo(np.float64).eps
    u, s, vt = u[:, kept], s[kept], vt[kept]
    penalty = ridge * (s**2).sum() / V.shape[1]
    return vt.T @ ((s / (s**2 + penalty))[:, None] * (u.T @ W))


class LocalProxy:
    """Proxies from the nearest reference rows of each query; see `make_proxy`."""

    def __init__(
        self,
        V: Floats,
        W: Floats,
        *,
        method: str,
        n_neighbors: int,
        ridge: float,
        n_jobs: int | None = None,
    ) -> None:
        self.V = V
        self.W = W
        self.method = method
        self.n_neighbors = min(n_neighbors, len(V))
        self.ridge = ridge
        self.n_jobs = n_jobs
        self._index()

    def _index(self) -> None:
        neighbors = NearestNeighbors(n_neighbors=self.n_neighbors, n_jobs=self.n_jobs)
        self.neighbors = neighbors.fit(self.V)

    def __getstate__(self) -> dict[str, Any]:
        # scikit-learn trusts the addresses inside a tree, so a file must not bring one.
        return {name: value for name, value in vars(self).items() if name != "neighbors"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._index()

    def predict(self, Z: Floats) -> Floats:
        """Compute target rows of source rows; a reference row equal to the query is not used.

        Parameters
        ----------
        Z : ndarray of shape (n_queries, n_source)
            Source rows.

        Returns
        -------
        proxies : ndarray of shape (n_queries, n_target)
        """
        # One more than wanted, since a training sample is its own nearest neighbor.
        asked = min(self.n_neighbors + 1, len(self.V))
        step = max(1, _CHUNK_NUMBERS // (asked * max(self.V.shape[1], self.W.shape[1])))
        parts = [
            self._predict_chunk(Z[start : start + step], asked) for start in range(0, len(Z), step)
        ]
        return np.concatenate(parts) if parts else np.empty((0, self.W.shape[1]))

    def _predict_chunk(self, Z: Floats, asked: int) -> Floats:
        index = self.neighbors.kneighbors(Z, n_neighbors=asked, return_distance=False)
        if asked > self.n_neighbors:
            index = self._without_self(Z, index)
        if self.method == "mean":
            return self.W[index].mean(axis=1)
        affine = self.method == "affine"
        a = combination_weights(self.V[index], Z, ridge=self.ridge, affine=affine)
        return np.einsum("nk,nkq->nq", a, self.W[index])

    def _without_self(self, Z: Floats, index: Rows) -> Rows:
        """Return neighbors without one of each query: the query itself, or else the farthest."""
        same = (self.V[index] == Z[:, None, :]).all(axis=2)
        drop = np.where(same.any(axis=1), same.argmax(axis=1), index.shape[1] - 1)
        kept = np.arange(index.shape[1]) != drop[:, None]
        return index[kept].reshape(len(index), -1)


class GlobalProxy:
    """Proxies by one linear map for all queries; see `make_proxy`."""

    def __init__(self, V: Floats, W: Floats, *, ridge: float) -> None:
        self.coefficients = linear_map(V, W, ridge=ridge)

    def predict(self, Z: Floats) -> Floats:
        """Compute target rows, shape (n_queries, n_target), of source rows."""
        return Z @ self.coefficients


def make_proxy(
    V: Floats, W: Floats, *, method: str, n_neighbors: int, ridge: float, n_jobs: int | None = None
) -> LocalProxy | GlobalProxy:
    """Learn from reference rows how target rows come from source rows.

    Parameters
    ----------
    V : ndarray of shape (n_reference, n_source)
        Source rows of the reference.
    W : ndarray of shape (n_reference, n_target)
        Target rows of the same samples.
    method : {"local_linear", "affine", "mean", "ridge", "ols"}
        How neighbors are combined, or which linear map is taken.
    n_neighbors : int
        For the first three; at most as many as there are.
    ridge : float
        See `combination_weights` and `linear_map`.
    n_jobs : int, default=None
        For the neighbor search.
    """
    if method in GLOBAL_METHODS:
        return GlobalProxy(V, W, ridge=ridge if method == "ridge" else 0.0)
    return LocalProxy(V, W, method=method, n_neighbors=n_neighbors, ridge=ridge, n_jobs=n_jobs)


def explained_variance(truth: Floats, proxy: Floats, mean: Floats) -> tuple[float, float]:
    """Compute the squared error of a proxy and of the training mean, over rows and features.

    Examples
    --------
    >>> explained_variance(np.array([[1.0], [3.0]]), np.array([[1.0], [2.0]]), np.zeros(1))
    (1.0, 10.0)
    """
    return float(((truth - proxy) ** 2).sum()), float(((truth - mean) ** 2).sum())


def held_out_r2(
    make: Callable[[Floats, Floats], Any],
    V: Floats,
    W: Floats,
    *,
    both: Mask,
    reference: Mask,
    splits: list[Split],
) -> float:
    """Compute the proportion of the target's variance that proxies explain on held-out rows.

    Parameters
    ----------
    make : callable
        Takes source and target rows and returns a `LocalProxy` or `GlobalProxy`.
    V : ndarray of shape (n_rows, n_source)
        Source rows.
    W : ndarray of shape (n_rows, n_target)
        Target rows.
    both : ndarray of bool, shape (n_rows,)
        Which rows have both.
    reference : ndarray of bool, shape (n_rows,)
        Which rows proxies may be made from.
    splits : list of (train, test) index arrays
        How rows are held out.

    Returns
    -------
    r2 : float
        NaN where nothing could be held out.

    Examples
    --------
    >>> V, every = np.arange(4.0)[:, None], np.ones(4, dtype=bool)
    >>> splits = [(np.array([0, 1, 3]), np.array([2]))]
    >>> make = lambda V, W: GlobalProxy(V, W, ridge=0.0)
    >>> r2 = held_out_r2(make, V, 2 * V, both=every, reference=every, splits=splits)
    >>> round(r2, 6)
    1.0
    """
    error = total = 0.0
    for train, test in splits:
        inside, outside = np.zeros((2, len(V)), dtype=bool)
        inside[train], outside[test] = True, True
        inside, outside = inside & both & reference, outside & both
        if not inside.any() or not outside.any():
            continue
        proxy = make(V[inside], W[inside]).predict(V[outside])
        e, t = explained_variance(W[outside], proxy, W[inside].mean(axis=0))
        error, total = error + e, total + t
    return 1 - error / total if total > 0 else float("nan")


def check_clip(clip: Any) -> None:
    """Raise `ValueError` if `clip` is neither None nor two increasing quantiles."""
    if clip is None:
        return
    if len(clip) != 2 or not 0 <= clip[0] < clip[1] <= 1:
        raise ValueError(
            f"clip must be two increasing quantiles in [0, 1], such as (0.001, 0.999); found "
            f"{clip!r}."
        )


def source_weights(r2: Mapping[str, float], combine: str) -> dict[str, float]:
    """Weigh the sources of a proxy: alike, or by their R2 where any of these could be measured.

    Examples
    --------
    >>> source_weights({"audio to text": 0.5, "face to text": -0.1}, "weighted")
    {'audio to text': 0.5, 'face to text': 0.0}
    >>> source_weights({"audio to text": float("nan")}, "weighted")
    {'audio to text': 1.0}
    """
    measured = {way: max(value, 0.0) for way, value in r2.items() if not np.isnan(value)}
    if combine == "mean" or not measured:
        return dict.fromkeys(r2, 1.0)
    return {way: measured.get(way, 0.0) for way in r2}
