"""Similarity scores of two modalities of one sample, from its canonical variates.

A canonical correlation belongs to a set of samples. These functions are ways to score one sample:
given its canonical scores ``u`` and ``v`` in two modalities (ndarrays of shape (n_samples,
n_components), standardized over the training set) and the held-out canonical correlations ``rho``
(ndarray of shape (n_components,), in [0, 1)), each returns an ndarray of shape (n_samples,). Higher
means more similar; ``-inf`` means that a modality says nothing (it equals its training mean).
"""

import numpy as np

from emoest.utils.typing import Floats, Rows

# Canonical scores have unit variance over the training set; of a smaller norm they are rounding
# errors around the training mean, and their direction means nothing.
NO_EVIDENCE = 1e-9

MIN_FRAMES = 8
"""A correlation over time needs at least this many frames."""


def weighted_cosine(u: Floats, v: Floats, rho: Floats) -> Floats:
    """Compute the cosine of u and v, each component weighted by its held-out correlation.

    Does not depend on the signs of canonical pairs, and components that carry nothing vanish.

    Examples
    --------
    >>> u = np.array([[1.0, 2.0], [1.0, 0.0], [0.0, 0.0]])
    >>> weighted_cosine(u, 3 * u, np.array([0.9, 0.1])).round(6).tolist()
    [1.0, 1.0, -inf]
    """
    norm_u, norm_v = (u**2 @ rho) ** 0.5, (v**2 @ rho) ** 0.5
    known = np.minimum(norm_u, norm_v) > NO_EVIDENCE
    product, nothing = (u * v) @ rho, np.full(len(u), -np.inf)
    score = np.divide(product, norm_u * norm_v, out=nothing, where=known)
    return np.clip(score, None, 1.0)


def cosine(u: Floats, v: Floats, rho: Floats) -> Floats:
    """Compute the cosine of u and v, all components alike.

    Examples
    --------
    >>> cosine(np.array([[1.0, 0.0]]), np.array([[1.0, 1.0]]), np.ones(2)).round(3).tolist()
    [0.707]
    """
    return weighted_cosine(u, v, np.ones_like(rho))


def pearson(u: Floats, v: Floats, rho: Floats) -> Floats:
    """Compute the Pearson correlation over the components of a sample: M3ER to the letter.

    It depends on the arbitrary signs of canonical pairs, and components without shared signal
    count as much as the others. One component alone gives ``-inf``.

    Examples
    --------
    >>> u = np.array([[1.0, 2.0, 3.0]])
    >>> pearson(u, 5 - u, np.ones(3)).round(6).tolist()
    [-1.0]
    """
    u = u - u.mean(axis=1, keepdims=True)
    v = v - v.mean(axis=1, keepdims=True)
    return cosine(u, v, rho)


def pointwise_information(u: Floats, v: Floats, rho: Floats) -> Floats:
    """Compute the pointwise mutual information of u and v under the Gaussian CCA model, in nats.

    The log-likelihood ratio of the two modalities belonging together against being independent:
    the sum over components of ``(rho u v - rho^2 (u^2 + v^2) / 2) / (1 - rho^2) - log(1 - rho^2) /
    2``. Unlike a cosine it has no bounds, and it also falls when a modality is louder than it
    should be.

    Examples
    --------
    >>> u = np.array([[1.0], [3.0]])
    >>> pointwise_information(u, u, np.array([0.5])).round(3).tolist()
    [0.477, 3.144]
    """
    slack = 1 - rho**2
    score = (u * v) @ (rho / slack) - (u**2 + v**2) @ (rho**2 / slack) / 2
    score -= np.log(slack).sum() / 2
    silent = np.minimum(u**2 @ rho, v**2 @ rho) <= NO_EVIDENCE**2
    return np.where(silent, -np.inf, score)


def over_time(u: Floats, v: Floats, rho: Floats, rows: Rows, n_samples: int) -> Floats:
    """Compute the correlation over the frames of each sample, averaged over components by rho.

    Parameters
    ----------
    u, v : ndarray of shape (n_frames, n_components)
        Canonical scores of the frames of all samples.
    rho : ndarray of shape (n_components,)
        Held-out canonical correlations, not negative.
    rows : ndarray of int, shape (n_frames,)
        The sample that each frame belongs to.
    n_samples : int
        Number of samples.

    Returns
    -------
    score : ndarray of shape (n_samples,)
        In [-1, 1]; ``-inf`` where a modality does not move, NaN with fewer than `MIN_FRAMES`
        frames or none, where nothing can be said.

    Examples
    --------
    >>> u = np.arange(10.0)[:, None]
    >>> over_time(u, -u, np.array([0.5]), np.zeros(10, dtype=int), 2).round(6).tolist()
    [-1.0, nan]
    """
    counts = np.bincount(rows, minlength=n_samples)
    per_sample = np.maximum(counts, 1)[:, None]
    u, v = (w - (_sum_by(w, rows, n_samples) / per_sample)[rows] for w in (u, v))
    variance_u, variance_v = (_sum_by(w**2, rows, n_samples) for w in (u, v))
    norm = np.sqrt(variance_u * variance_v)
    correlation = np.divide(
        _sum_by(u * v, rows, n_samples), norm, out=np.zeros_like(norm), where=norm > NO_EVIDENCE
    )
    score = correlation @ rho / max(rho.sum(), NO_EVIDENCE)
    still = np.minimum(variance_u @ rho, variance_v @ rho) <= NO_EVIDENCE
    return np.where(counts < MIN_FRAMES, np.nan, np.where(still, -np.inf, score))


def _sum_by(values: Floats, rows: Rows, n_samples: int) -> Floats:
    total = np.zeros((n_samples, values.shape[1]))
    np.add.at(total, rows, values)
    return total


VECTOR_SCORES = {
    "weighted_cosine": weighted_cosine,
    "cosine": cosine,
    "pearson": pearson,
    "pmi": pointwise_information,
}
"""Scores of samples that are one vector per modality."""


def score_samples(
    u: Floats,
    v: Floats,
    rho: Floats,
    *,
    score: str,
    rows: Rows,
    n_samples: int,
) -> Floats:
    """Score samples by name; samples that have no row in `rows` get NaN.

    Parameters
    ----------
    u, v : ndarray of shape (n_rows, n_components)
        Canonical scores of rows (or, for ``"time"``, of frames).
    rho : ndarray of shape (n_components,)
        Held-out canonical correlations.
    score : {"weighted_cosine", "cosine", "pearson", "pmi", "time"}
        Which score.
    rows : ndarray of int, shape (n_rows,)
        The sample of each row.
    n_samples : int
        Number of samples.

    Returns
    -------
    score : ndarray of shape (n_samples,)
    """
    if score == "time":
        return over_time(u, v, rho, rows, n_samples)
    scores = np.full(n_samples, np.nan)
    scores[rows] = VECTOR_SCORES[score](u, v, rho)
    return scores
