"""Monte Carlo fusion: three ways to "draw at random and merge", as plain functions on arrays.

`proba`, `present` and what the rules return are those of `emoest.fusion._rules`; `predictions` has
the shape of `proba`, and its largest entry is the predicted class. `weights` are samples of shape
(n_draws, n_modalities, n_classes or 1), `positions` the true class of each row.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from emoest.fusion._rules import CLIP, log_proba, product_rule
from emoest.utils.typing import Floats, Mask

_CHUNK = 4_000_000
"""Most entries of fused probabilities held at a time (32 MB)."""


def draw_weights(
    n_draws: int, n_modalities: int, rng: np.random.RandomState, n_classes: int = 1
) -> Floats:
    """Draw weights of modalities, uniform on the simplex (for two: u and 1 - u, u uniform).

    Those of the modalities sum to one; more than one class: for each class alone.

    Examples
    --------
    >>> weights = draw_weights(5, 2, np.random.RandomState(0))
    >>> weights.shape, bool(np.allclose(weights.sum(axis=1), 1))
    ((5, 2, 1), True)
    """
    drawn = rng.dirichlet(np.ones(n_modalities), size=(n_draws, n_classes))
    return np.swapaxes(drawn, 1, 2)


def score_weights(
    weights: Floats,
    proba: Floats,
    present: Mask,
    positions: Any,
    row_weights: Floats,
    *,
    pool: str = "linear",
    log: bool = False,
) -> Floats:
    """Score each sample of weights: the weighted proportion of rows whose fused class is right.

    `row_weights`, of shape (n_samples,), says what a row counts: equal for accuracy, one over its
    class's size for UAR. With `log` the score is the weighted mean of the logarithm of the true
    class's probability (at least `CLIP`) instead. `pool` as `mix_weights`.

    Examples
    --------
    >>> P = np.array([[[0.9, 0.1], [0.2, 0.8]]])
    >>> samples = np.array([[[1.0], [0.0]], [[0.0], [1.0]]])
    >>> score_weights(samples, P, np.ones((1, 2), bool), np.array([0]), np.ones(1)).tolist()
    [1.0, 0.0]
    """
    n_samples, _, n_classes = proba.shape
    chunk = max(1, _CHUNK // (n_samples * n_classes))
    counts = row_weights / row_weights.sum()
    scores = []
    for i in range(0, len(weights), chunk):
        fused = mix_weights(weights[i : i + chunk], proba, present, pool)
        if log:
            true = fused[:, np.arange(n_samples), positions]
            total = fused.sum(axis=2)
            share = np.divide(true, total, out=np.zeros_like(true), where=total > 0)
            scores.append(np.log(np.maximum(share, CLIP)) @ counts)
        else:
            scores.append((fused.argmax(axis=2) == positions) @ counts)
    return np.concatenate(scores)


def mix_weights(weights: Floats, proba: Floats, present: Mask, pool: str = "linear") -> Floats:
    """Average the present modalities with each sample of weights.

    Parameters
    ----------
    weights : ndarray of shape (n_draws, n_modalities, n_classes or 1)
    proba : ndarray of shape (n_samples, n_modalities, n_classes)
    present : ndarray of bool of shape (n_samples, n_modalities)
    pool : {"linear", "log"}, default="linear"
        The arithmetic mean (the linear opinion pool), or the geometric one (the logarithmic).

    Returns
    -------
    fused : ndarray of shape (n_draws, n_samples, n_classes)
        Not normalized; 0 in rows without any modality.

    Examples
    --------
    >>> P, there = np.array([[[0.8, 0.2], [0.4, 0.6]]]), np.ones((1, 2), bool)
    >>> mix_weights(np.array([[[0.5], [0.5]]]), P, there).round(2).tolist()
    [[[0.6, 0.4]]]
    >>> mix_weights(np.array([[[0.5], [0.5]]]), P, there, "log").round(2).tolist()
    [[[0.57, 0.35]]]
    """
    filled = log_proba(proba, present) if pool == "log" else np.where(present[..., None], proba, 0)
    fused = np.zeros((len(weights), len(proba), proba.shape[2]))
    total = np.zeros((len(weights), len(proba), weights.shape[2]))
    for m in range(proba.shape[1]):
        fused += weights[:, m, None, :] * filled[None, :, m, :]
        total += weights[:, m, None, :] * present[None, :, m, None]
    mixed = np.divide(fused, total, out=np.zeros_like(fused), where=total > 0)
    return np.where(total > 0, np.exp(mixed), 0.0) if pool == "log" else mixed


def choose_weights(weights: Floats, scores: Floats, keep: Any = "best") -> Floats:
    """Average the best samples: all with the highest score, or the proportion `keep` of them.

    Those that score as the last one kept stay in.

    Examples
    --------
    >>> samples = np.array([[[1.0], [0.0]], [[0.5], [0.5]], [[0.0], [1.0]]])
    >>> choose_weights(samples, np.array([0.9, 0.9, 0.1])).ravel().tolist()
    [0.75, 0.25]
    """
    n_kept = 1 if keep == "best" else max(1, round(keep * len(scores)))
    threshold = np.sort(scores)[-n_kept]
    # Equal scores are sums in other orders, so they may differ in the last digits.
    return weights[scores >= threshold - 1e-12].mean(axis=0)


def agreement_rule(proba: Floats, present: Mask, uniforms: Floats) -> Floats:
    """Draw a class from every present modality; keep samples in which all are the same.

    The proportion of each class among the kept samples tends to the product rule. The same uniform
    numbers, of shape (n_draws, n_modalities) and from [0, 1), serve every row, so a row's result
    does not depend on the others. A modality that is alone is taken as it is; a row without one
    agreement gets the product rule.

    Examples
    --------
    >>> P = np.array([[[0.5, 0.2, 0.2, 0.1], [0.3, 0.4, 0.2, 0.1]]])
    >>> uniforms = np.random.RandomState(0).uniform(size=(200_000, 2))
    >>> agreement_rule(P, np.ones((1, 2), bool), uniforms).round(2).tolist()
    [[0.54, 0.29, 0.14, 0.04]]
    """
    fused = product_rule(proba, present)
    for i, row in enumerate(present):
        there = np.flatnonzero(row)
        if len(there) == 1:
            fused[i] = proba[i, there[0]]
        elif len(there) > 1:
            counts = _agreements(proba[i, there], uniforms[:, there])
            if counts.any():
                fused[i] = counts / counts.sum()
    return fused


def _agreements(proba: Floats, uniforms: Floats) -> npt.NDArray[np.intp]:
    bounds = np.cumsum(proba, axis=1)
    bounds = (bounds / bounds[:, -1:])[:, :-1]
    first = np.searchsorted(bounds[0], uniforms[:, 0], side="right")
    same = np.ones(len(first), dtype=bool)
    for m in range(1, len(proba)):
        same &= np.searchsorted(bounds[m], uniforms[:, m], side="right") == first
    return np.bincount(first[same], minlength=proba.shape[1])


def confusion_counts(
    predictions: Floats, present: Mask, positions: Any, sample_weight: Any = None
) -> Floats:
    """Count what each modality predicted for each true class.

    Returns
    -------
    counts : ndarray of shape (n_modalities, n_classes, n_classes)
        True classes in rows; a row of `predictions` counts what its `sample_weight` says.

    Examples
    --------
    >>> P = np.array([[[0.9, 0.1]], [[0.8, 0.2]]])
    >>> confusion_counts(P, np.ones((2, 1), bool), np.array([0, 1])).tolist()
    [[[1.0, 0.0], [1.0, 0.0]]]
    """
    n_classes = predictions.shape[2]
    weight = np.ones(len(predictions)) if sample_weight is None else sample_weight
    counts = np.zeros((predictions.shape[1], n_classes, n_classes))
    for m in range(predictions.shape[1]):
        rows = present[:, m]
        predicted = predictions[rows, m].argmax(axis=1)
        np.add.at(counts[m], (positions[rows], predicted), weight[rows])
    return counts


def draw_confusions(
    counts: Floats, n_draws: int, rng: np.random.RandomState, alpha: float = 1.0
) -> Floats:
    """Draw confusion matrices: each row from Dirichlet(alpha + counts).

    Examples
    --------
    >>> samples = draw_confusions(np.zeros((2, 3, 3)), 4, np.random.RandomState(0))
    >>> samples.shape, bool(np.allclose(samples.sum(axis=3), 1))
    ((4, 2, 3, 3), True)
    """
    gammas = rng.standard_gamma(alpha + counts, size=(n_draws, *counts.shape))
    # A small alpha underflows to zeros, and a row of zeros has no sum to divide by.
    gammas = np.maximum(gammas, np.finfo(np.float64).tiny)
    return gammas / gammas.sum(axis=3, keepdims=True)


def confusion_rule(predictions: Floats, present: Mask, prior: Floats, confusions: Floats) -> Floats:
    """Weigh each class by how often modalities that predicted this were given it.

    ``p(c)`` is proportional to ``mean_s prior_c prod_m C_m^s[c, k_m]`` with k_m the class that
    modality m predicts and C^s the samples of `draw_confusions`.

    Examples
    --------
    >>> confusions = np.array([[[[0.9, 0.1], [0.4, 0.6]]]])
    >>> predicted = np.array([[[1.0, 0.0]]])
    >>> confusion_rule(predicted, np.ones((1, 1), bool), np.array([0.5, 0.5]), confusions).round(3)
    array([[0.692, 0.308]])
    """
    filled = np.where(present[..., None], predictions, 0.0)
    predicted = np.where(present, filled.argmax(axis=2), -1)
    # Rows with the same predictions share a result: few patterns, however many rows.
    patterns, which = np.unique(predicted, axis=0, return_inverse=True)
    table = np.full((len(patterns), len(prior)), np.nan)
    for i, pattern in enumerate(patterns):
        there = np.flatnonzero(pattern >= 0)
        if len(there):
            drawn = confusions[:, there, :, pattern[there]]
            joint = prior * drawn.prod(axis=0).mean(axis=0)
            table[i] = joint / joint.sum()
    return table[which.ravel()]
