"""Rules that fuse the predictions of several modalities: plain functions on arrays.

Every rule takes `proba`, the probabilities, of shape (n_samples, n_modalities, n_classes), and
`present`, of bool and shape (n_samples, n_modalities): which of them are there. What an absent
modality holds is never read. Those with weights take them as array-like of shape (n_modalities,),
not negative; None means equal ones. Every rule returns an array of shape (n_samples, n_classes)
whose rows sum to one, and NaN in rows without any present modality (or whose present modalities all
have weight zero).

To add a rule, write its function here and name it in `LATE_RULES` or `MULTIPLICATIVE_RULES`, at the
end: the estimators take their options from there.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import softmax

from emoest.utils.typing import Floats, Mask

PROBA, SCORES, VOTES, VALUES = "proba", "scores", "votes", "values"
"""What a rule needs of base estimators: probabilities; probabilities, or else decision scores that
are made to sum to one; the predicted class, see `mark_votes`; a number."""

CLIP = 1e-6
"""Probabilities are kept this far from 0 and 1 where a logarithm is taken."""

TIE = 1e-9
"""What `vote_rule` takes off the votes and gives to the probabilities, so that they break ties."""


def mean_rule(proba: Floats, present: Mask, weights: Any = None) -> Floats:
    """Average the present modalities, each with its weight (the linear opinion pool).

    Weights of the present modalities are made to sum to one.

    Examples
    --------
    >>> P = np.array([[[0.8, 0.2], [0.4, 0.6]]])
    >>> mean_rule(P, np.array([[True, True]])).round(3).tolist()
    [[0.6, 0.4]]
    >>> mean_rule(P, np.array([[False, True]])).round(3).tolist()
    [[0.4, 0.6]]
    """
    scaled = row_weights(present, weights)
    return np.einsum("nm,nmk->nk", scaled, np.where(present[..., None], proba, 0.0))


def product_rule(proba: Floats, present: Mask, weights: Any = None) -> Floats:
    """Multiply the present modalities, each to the power of its weight, and normalize.

    Probabilities are kept above `CLIP`, so that a class one modality has never seen is held against
    that class but decides nothing alone. No weights mean the power 1 for each.

    References
    ----------
    J. Kittler, M. Hatef, R. P. W. Duin, J. Matas (1998). On combining classifiers. IEEE TPAMI 20,
    without the division by priors.

    Examples
    --------
    >>> P = np.array([[[0.5, 0.2, 0.2, 0.1], [0.3, 0.4, 0.2, 0.1]]])
    >>> product_rule(P, np.array([[True, True]])).round(4).tolist()
    [[0.5357, 0.2857, 0.1429, 0.0357]]
    """
    powers = present * (np.ones(proba.shape[1]) if weights is None else _checked(weights))
    return _from_scores(np.einsum("nm,nmk->nk", powers, log_proba(proba, present)), powers)


def log_pool_rule(proba: Floats, present: Mask, weights: Any = None) -> Floats:
    """Compute the weighted geometric mean of the present modalities (the logarithmic opinion pool).

    Like `product_rule` with powers that sum to one over the present modalities: it decides as the
    product does when weights are equal, but is not surer the more modalities there are.

    Examples
    --------
    >>> P = np.array([[[0.8, 0.2], [0.5, 0.5]]])
    >>> log_pool_rule(P, np.array([[True, True]])).round(4).tolist()
    [[0.6667, 0.3333]]
    """
    scaled = row_weights(present, weights)
    return _from_scores(np.einsum("nm,nmk->nk", scaled, log_proba(proba, present)), scaled)


def max_rule(proba: Floats, present: Mask) -> Floats:
    """Compute each class's largest probability over the present modalities, and normalize.

    Examples
    --------
    >>> P = np.array([[[0.8, 0.2], [0.4, 0.6]]])
    >>> max_rule(P, np.array([[True, True]])).round(4).tolist()
    [[0.5714, 0.4286]]
    """
    # No probability is below the zero of an absent modality.
    largest = np.where(present[..., None], proba, 0.0).max(axis=1)
    return _normalize(largest)


def vote_rule(proba: Floats, present: Mask, weights: Any = None) -> Floats:
    """Let each present modality vote for its likeliest class; return the proportions of the votes.

    Of classes with equally many votes that with the larger (weighted) sum of probabilities wins: it
    is ahead by less than `TIE`. What is equal there too goes to the first label.

    Examples
    --------
    >>> P = np.array([[[0.8, 0.2], [0.4, 0.6], [0.3, 0.7]]])
    >>> vote_rule(P, np.ones((1, 3), bool)).round(4).tolist()
    [[0.3333, 0.6667]]
    >>> vote_rule(np.array([[[0.6, 0.4], [0.1, 0.9]]]), np.ones((1, 2), bool)).argmax().item()
    1
    """
    filled = np.where(present[..., None], proba, 0.0)
    votes = np.eye(proba.shape[2])[filled.argmax(axis=2)]
    return mean_rule((1 - TIE) * votes + TIE * filled, present, weights)


def mark_votes(predicted: Any, evidence: Floats) -> Floats:
    """Give half of the weight to the predicted class and half to the evidence for every class.

    The largest entry is the vote whatever the evidence says, and the sums over voters of classes
    with equally many votes are in the order of their evidence.

    Parameters
    ----------
    predicted : ndarray of int, shape (n_samples,)
        Positions of the predicted classes.
    evidence : ndarray of shape (n_classes,) or (n_samples, n_classes)
        Probabilities, or the prior.

    Examples
    --------
    >>> mark_votes(np.array([0]), np.array([[0.25, 0.75]])).tolist()
    [[0.625, 0.375]]
    """
    evidence = np.asarray(evidence)
    return (np.eye(evidence.shape[-1])[predicted] + evidence) / 2


def liu_rule(proba: Floats, present: Mask, beta: float = 0.5) -> Floats:
    """Fuse as Liu et al. do: a modality's error counts less where others are already right.

    The class of the least loss ``- sum_i q_ic log p_ic`` wins, with the weights of `liu_weights`.
    ``beta=0`` is the product rule. The result is the softmax of the negative losses.

    References
    ----------
    K. Liu, Y. Li, N. Xu, P. Natarajan (2018). Learn to combine modalities in multimodal deep
    learning. arXiv:1805.11730.

    Examples
    --------
    >>> P = np.array([[[0.5, 0.2, 0.2, 0.1], [0.3, 0.4, 0.2, 0.1]]])
    >>> liu_rule(P, np.array([[True, True]]), beta=0).round(4).tolist()
    [[0.5357, 0.2857, 0.1429, 0.0357]]
    """
    weighted = liu_weights(proba, present, beta) * log_proba(proba, present)
    return _from_scores(weighted.sum(axis=1), present)


def liu_weights(proba: Floats, present: Mask, beta: float) -> Floats:
    """Weigh each modality's term by how far the others are from recognizing the class.

    ``q_ic = prod_{j != i} (1 - p_jc) ** (beta / (M - 1))`` over the present modalities; 1 where a
    modality is alone, 0 where it is absent. M is the number of present modalities of each row, and
    beta=0 makes every weight 1. The result has the shape of `proba`.

    Examples
    --------
    >>> P = np.array([[[0.75, 0.25], [0.5, 0.5]]])
    >>> liu_weights(P, np.array([[True, True]]), beta=1.0).round(3).tolist()
    [[[0.5, 0.5], [0.25, 0.75]]]
    """
    there = present[..., None]
    # Certainty would be an infinite doubt, and the others' a difference of infinities.
    doubts = np.log1p(-np.where(there, np.clip(proba, CLIP, 1 - CLIP), 0.0))
    others = doubts.sum(axis=1, keepdims=True) - doubts
    return np.where(there, np.exp(_exponent(present, beta)[:, None, None] * others), 0.0)


def confidence_rule(proba: Floats, present: Mask, beta: float = 0.5) -> Floats:
    """Multiply the modalities, each to a power that grows with its confidence.

    The power ``max_c p_ic ** (beta / (M - 1))`` is the same for all classes, so the decision
    rises with every probability, which that of `m3er_min_loss_rule` does not.

    Examples
    --------
    >>> P = np.array([[[0.9, 0.1], [0.4, 0.6]]])
    >>> confidence_rule(P, np.array([[True, True]]), beta=1.0).argmax().item()
    0
    """
    top = np.where(present[..., None], proba, 1.0).max(axis=2)
    powers = present * np.clip(top, CLIP, 1.0) ** _exponent(present, beta)[:, None]
    return _from_scores(np.einsum("nm,nmk->nk", powers, log_proba(proba, present)), powers)


def m3er_min_loss_rule(proba: Floats, present: Mask, beta: float = 0.5) -> Floats:
    """Choose the class of the least M3ER loss, to the letter; not a sound rule.

    The loss ``- sum_i p_ic ** (beta / (M - 1)) log p_ic`` vanishes at p = 0 as it does at p = 1, so
    a class that every modality excludes can win, and often does where there are many classes: then
    the rule is right less often than chance. It is here to show that. A modality that is alone
    is taken as it is. The result is the softmax of the negative losses.

    References
    ----------
    T. Mittal, U. Bhattacharya, R. Chandra, A. Bera, D. Manocha (2020). M3ER. AAAI, equation 3
    (reconstructed; the authors' code is not available).

    Examples
    --------
    >>> P = np.array([[[0.60, 0.39, 0.01], [0.55, 0.44, 0.01]]])
    >>> m3er_min_loss_rule(P, np.array([[True, True]]), beta=2.0).argmax().item()
    2
    """
    logs = log_proba(proba, present)
    exponent = _exponent(present, beta)[:, None, None]
    return _from_scores((np.exp(exponent * logs) * logs).sum(axis=1), present)


def liu_sample_weights(
    true_proba: Floats, present: Mask, beta: float, sample_weight: Any = None
) -> Floats:
    """Weigh training samples by how far the other modalities are from the true class.

    Parameters
    ----------
    true_proba : ndarray of shape (n_samples, n_modalities)
        Each modality's out-of-fold probability of the true class.
    present : ndarray of bool, shape (n_samples, n_modalities)
        Which are there.
    beta : float
        Strength of the weights.
    sample_weight : ndarray of shape (n_samples,), default=None
        What a row counts in the mean.

    Returns
    -------
    weights : ndarray of shape (n_samples, n_modalities)
        With mean one over the present samples of each modality; 1 where it is absent.

    Examples
    --------
    >>> weights = liu_sample_weights(np.array([[0.9, 0.2], [0.1, 0.2]]), np.ones((2, 2), bool), 1)
    >>> weights.round(2).tolist()
    [[1.0, 0.2], [1.0, 1.8]]
    """
    weights = liu_weights(true_proba[..., None], present, beta)[..., 0]
    return _mean_one(weights, present, sample_weight)


def m3er_sample_weights(
    true_proba: Floats, present: Mask, beta: float, sample_weight: Any = None
) -> Floats:
    """Weigh training samples by how likely the modality itself finds the true class.

    Parameters and result are those of `liu_sample_weights`.

    Examples
    --------
    >>> weights = m3er_sample_weights(np.array([[0.9, 0.2], [0.1, 0.2]]), np.ones((2, 2), bool), 1)
    >>> weights.round(2).tolist()
    [[1.8, 1.0], [0.2, 1.0]]
    """
    likely = np.clip(np.where(present, true_proba, 1.0), CLIP, 1.0)
    return _mean_one(likely ** _exponent(present, beta)[:, None], present, sample_weight)


def row_weights(present: Mask, weights: Any = None) -> Floats:
    """Make the weights of each row's present modalities sum to one; NaN where that cannot be.

    Examples
    --------
    >>> row_weights(np.array([[True, True], [True, False], [False, False]]), [3, 1]).tolist()
    [[0.75, 0.25], [1.0, 0.0], [nan, nan]]
    """
    return _normalize(
        present * (np.ones(present.shape[1]) if weights is None else _checked(weights))
    )


def _checked(weights: Any) -> Floats:
    array = np.asarray(weights, dtype=np.float64)
    if not np.isfinite(array).all() or (array < 0).any() or array.sum() == 0:
        raise ValueError(
            f"Weights of modalities must be finite, not negative and not all zero; got "
            f"{array.tolist()}."
        )
    return array


def _exponent(present: Mask, beta: float) -> Floats:
    """Beta / (M - 1) for each row; 0 where a modality is alone, so that weights become 1."""
    others = present.sum(axis=1) - 1
    return np.divide(beta, others, out=np.zeros(len(present)), where=others > 0)


def log_proba(proba: Floats, present: Mask) -> Floats:
    """Take logarithms of probabilities, `CLIP` and more of them; 0 for absent modalities."""
    return np.log(np.clip(np.where(present[..., None], proba, 1.0), CLIP, 1.0))


def _from_scores(scores: Floats, powers: Any) -> Floats:
    fused = softmax(scores, axis=1)
    fused[np.sum(powers, axis=1) == 0] = np.nan
    return fused


def _normalize(values: Floats) -> Floats:
    total = values.sum(axis=1, keepdims=True)
    return np.divide(values, total, out=np.full(values.shape, np.nan), where=total > 0)


def _mean_one(weights: Floats, present: Mask, sample_weight: Any) -> Floats:
    counts = present * (1.0 if sample_weight is None else sample_weight[:, None])
    total = (weights * counts).sum(axis=0)
    mean = np.divide(total, counts.sum(axis=0), out=np.ones(len(total)), where=total > 0)
    return np.where(present, weights / mean, 1.0)


@dataclass(frozen=True)
class Rule:
    """A rule of late fusion.

    Parameters
    ----------
    fuse : callable
        Its function.
    output : {"proba", "scores", "votes"}
        What it needs of the classifiers.
    weights : {"none", "optional", "required"}, default="none"
        Whether it takes weights of the modalities.
    fuses_numbers : bool, default=False
        Whether it serves regressors too.
    """

    fuse: Callable[..., Floats]
    output: str
    weights: str = "none"
    fuses_numbers: bool = False


LATE_RULES = {
    "mean": Rule(mean_rule, SCORES, fuses_numbers=True),
    "weighted": Rule(mean_rule, SCORES, weights="required", fuses_numbers=True),
    "product": Rule(product_rule, PROBA),
    "log_pool": Rule(log_pool_rule, PROBA, weights="optional"),
    "max": Rule(max_rule, SCORES),
    "vote": Rule(vote_rule, VOTES, weights="optional"),
}
"""The rules of `LateFusionClassifier` and `LateFusionRegressor`, by name."""

MULTIPLICATIVE_RULES = {
    "liu": liu_rule,
    "confidence": confidence_rule,
    "m3er_min_loss": m3er_min_loss_rule,
}
"""The rules of `MultiplicativeFusionClassifier`, by name: functions of probabilities, presence and
`beta`."""

SAMPLE_WEIGHTS = {"liu": liu_sample_weights, "m3er": m3er_sample_weights}
"""What `MultiplicativeFusionClassifier(reweight=...)` weighs training samples by."""
