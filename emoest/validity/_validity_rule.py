"""From pair scores to valid modalities: the rule, and what is kept when none is valid."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from emoest.utils.typing import Floats, Mask, Rows
from emoest.validity._agreement import score_samples
from emoest.validity._base import Pair
from emoest.validity._frame_summaries import PairSamples
from emoest.validity._pair_fit import PairCheck, project


def score_pairs(samples: PairSamples, checks: dict[Pair, PairCheck], score: str) -> Floats:
    """Score each sample in each pair, in the order of `checks`; NaN if it misses one of the two."""
    scores = np.full((samples.n_samples, len(checks)), np.nan)
    for p, (pair, check) in enumerate(checks.items()):
        u, v, rows = project(samples, pair, check.directions)
        if len(rows):
            how = {"score": score, "rows": rows, "n_samples": samples.n_samples}
            scores[:, p] = score_samples(u, v, check.correlations, **how)
    return scores


def check_thresholds(threshold: Any, pairs: list[Pair]) -> None:
    """Raise if a dict of thresholds leaves out a pair or names one that is not there.

    Examples
    --------
    >>> check_thresholds({("a", "x"): 0.3}, [("a", "b")])
    Traceback (most recent call last):
        ...
    ValueError: threshold must give one float for each of [('a', 'b')]; it has no pair ('a', 'x').
    """
    if not isinstance(threshold, dict):
        return
    threshold = _by_pair(threshold)
    known = {frozenset(pair) for pair in pairs}
    unknown = [pair for pair in threshold if frozenset(pair) not in known]
    given = {frozenset(pair) for pair in threshold}
    absent = [pair for pair in pairs if frozenset(pair) not in given]
    if unknown or absent:
        problem = f"has no pair {unknown[0]}" if unknown else f"leaves out {absent[0]}"
        raise ValueError(f"threshold must give one float for each of {pairs}; it {problem}.")


def _by_pair(threshold: dict[Any, float]) -> dict[Any, float]:
    """Read the names of pairs too, as `thresholds_` has them."""
    return {
        tuple(key.split(" ~ ")) if isinstance(key, str) else key: value
        for key, value in threshold.items()
    }


def find_threshold(threshold: Any, pair: Pair, scores: Floats, alpha: float) -> float:
    """Find the score from which on a pair is consistent.

    Parameters
    ----------
    threshold : "quantile", float or dict of pair to float
        Given, or the `alpha`-quantile of `scores`.
    pair : pair of modality names
        For a dict, in either order.
    scores : ndarray
        Out-of-fold scores of the training samples, NaN where there is none.
    alpha : float
        Proportion of them that falls below.

    Examples
    --------
    >>> find_threshold("quantile", ("a", "b"), np.arange(100.0), 0.05)
    4.0
    """
    if isinstance(threshold, dict):
        given = _by_pair(threshold)
        return float(given.get(pair, given.get(pair[::-1])))
    if isinstance(threshold, str):
        known = scores[~np.isnan(scores)]
        # Scores may be -inf, between which and a number there is nothing to interpolate.
        return float(np.quantile(known, alpha, method="lower")) if len(known) else -np.inf
    return float(threshold)


def by_row(values: Any, owners: Rows, n_rows: int, how: str) -> Any:
    """Merge what was found of samples by the row of the table that they belong to.

    Parameters
    ----------
    values : ndarray of shape (n_samples, n_columns)
        Scores, or which sample is valid.
    owners : ndarray of int, shape (n_samples,)
        The row of each sample, in increasing order.
    n_rows : int
        Number of rows of the table.
    how : {"median", "any"}
        The median leaves NaN out; ``"any"`` is for truth values.

    Returns
    -------
    values : ndarray of shape (n_rows, n_columns)
        NaN, or False, for a row without samples.

    Examples
    --------
    >>> by_row(np.array([[1.0], [3.0], [5.0]]), np.array([0, 0, 2]), 3, "median").ravel().tolist()
    [1.0, nan, 5.0]
    """
    if len(owners) == n_rows and (owners == np.arange(n_rows)).all():
        return values
    empty, merge = (False, np.any) if how == "any" else (np.nan, _median)
    output = np.full((n_rows, values.shape[1]), empty)
    edges = np.searchsorted(owners, np.arange(n_rows + 1))
    for row in np.unique(owners):
        output[row] = merge(values[edges[row] : edges[row + 1]], axis=0)
    return output


def _median(values: Floats, axis: int) -> Floats:
    known = ~np.isnan(values).all(axis=axis)
    median = np.full(values.shape[1], np.nan)
    median[known] = np.nanquantile(values[:, known], 0.5, axis=axis, method="lower")
    return median


def decide(
    scores: Floats, thresholds: Floats, observed: Mask, pairs: list[Pair], names: list[str]
) -> tuple[Mask, Floats]:
    """Apply the rule "a valid modality is consistent with at least one other".

    Parameters
    ----------
    scores : ndarray of shape (n_samples, n_pairs)
        Scores of each pair; NaN where nothing can be said.
    thresholds : ndarray of shape (n_pairs,)
        A pair is consistent from this score on.
    observed : ndarray of bool, shape (n_samples, n_modalities)
        Which sample has which modality.
    pairs : list of pairs of modality names
        The pairs of `scores`.
    names : list of str
        The modalities of `observed`.

    Returns
    -------
    valid : ndarray of bool, shape (n_samples, n_modalities)
        Observed, and either not checked or consistent with at least one other.
    margins : ndarray of shape (n_samples, n_modalities)
        Largest score above threshold; ``-inf`` where there is none.

    Examples
    --------
    >>> scores = np.array([[0.9, -0.2, 0.1]])
    >>> pairs = [("a", "t"), ("a", "f"), ("t", "f")]
    >>> observed = np.ones((1, 3), dtype=bool)
    >>> decide(scores, np.full(3, 0.5), observed, pairs, ["a", "t", "f"])[0].tolist()
    [[True, True, False]]
    """
    shape = (len(scores), len(names))
    checked, consistent = np.zeros(shape, dtype=bool), np.zeros(shape, dtype=bool)
    margins = np.full(shape, -np.inf)
    for p, pair in enumerate(pairs):
        known = ~np.isnan(scores[:, p])
        above = scores[:, p] >= thresholds[p]
        # A threshold of -inf would make the margin of a score of -inf NaN.
        margin = scores[:, p] - max(thresholds[p], np.finfo(np.float64).min)
        for name in pair:
            j = names.index(name)
            checked[:, j] |= known
            consistent[:, j] |= above
            margins[known, j] = np.maximum(margins[known, j], margin[known])
    return observed & (~checked | consistent), margins


def keep_best(valid: Mask, margins: Floats, observed: Mask, confidence: Floats) -> Mask:
    """Keep one modality of each sample that has some but none that is valid.

    Parameters
    ----------
    valid : ndarray of bool, shape (n_samples, n_modalities)
        What `decide` gave.
    margins : ndarray of shape (n_samples, n_modalities)
        What `decide` gave; the largest wins.
    observed : ndarray of bool, shape (n_samples, n_modalities)
        Which sample has which modality.
    confidence : ndarray of shape (n_samples, n_modalities)
        Breaks ties; the most consistent pair gives both its members the same margin.

    Returns
    -------
    valid : ndarray of bool, shape (n_samples, n_modalities)

    Examples
    --------
    >>> nothing, everything = np.zeros((1, 2), dtype=bool), np.ones((1, 2), dtype=bool)
    >>> keep_best(nothing, np.zeros((1, 2)), everything, np.array([[0.1, 0.3]])).tolist()
    [[False, True]]
    """
    lost = observed.any(axis=1) & ~valid.any(axis=1)
    margins = np.where(observed, margins, -np.inf)
    tied = observed & (margins == margins.max(axis=1, keepdims=True))
    best = np.where(tied, confidence, -np.inf)[lost].argmax(axis=1)
    valid = valid.copy()
    valid[np.flatnonzero(lost), best] = True
    return valid


def confidence_by_typicality(samples: PairSamples, checks: dict[Pair, PairCheck]) -> Floats:
    """Compute how typical the norm of each modality's canonical scores is, over its pairs.

    Noise, zeros and a wrong gain give projections of a norm that clean samples rarely have. The sum
    of two-sided tail probabilities, shape (n_samples, n_modalities).
    """
    confidence = np.zeros(samples.observed.shape)
    for pair, check in checks.items():
        *projected, rows = project(samples, pair, check.directions)
        count = np.maximum(np.bincount(rows, minlength=samples.n_samples), 1)
        for name, u in zip(pair, projected, strict=True):
            typicality = check.typicality(name, u)
            total = np.bincount(rows, weights=typicality, minlength=samples.n_samples)
            confidence[:, samples.names.index(name)] += total / count
    return confidence


def confidence_by_priority(names: list[str], priority: Sequence[str], n_samples: int) -> Floats:
    """Rank modalities: the first in `priority` highest, those not in it lowest.

    Examples
    --------
    >>> confidence_by_priority(["audio", "text"], ["text"], 1).tolist()
    [[0.0, 1.0]]
    """
    confidence = np.zeros((n_samples, len(names)))
    for rank, name in enumerate(reversed(priority), start=1):
        confidence[:, names.index(name)] = rank
    return confidence
