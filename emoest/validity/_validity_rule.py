"""From pair scores to valid modalities: the rule, and what is kept when nothing fits."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from emoest.utils.typing import Floats, Mask
from emoest.validity._agreement import score_samples
from emoest.validity._frame_summaries import Readings
from emoest.validity._pair_fit import Pair, PairCheck


def score_pairs(readings: Readings, checks: dict[Pair, PairCheck], score: str) -> Floats:
    """Score each pair of each sample.

    Parameters
    ----------
    readings : Readings
        The samples.
    checks : dict of pair to PairCheck
        The pairs, in the order of the columns that come out.
    score : str
        See `emoest.validity._agreement.score_samples`.

    Returns
    -------
    scores : ndarray of shape (n_samples, n_pairs)
        NaN where a sample misses one of the two.
    """
    scores = np.full((readings.n_samples, len(checks)), np.nan)
    for p, (pair, check) in enumerate(checks.items()):
        both = readings.both(*pair)
        if both.any():
            u, v = check.directions.scores(*(readings.select(name, both) for name in pair))
            scores[:, p] = score_samples(
                u,
                v,
                check.correlations,
                score=score,
                rows=readings.samples_of(pair[0], both),
                n_samples=readings.n_samples,
            )
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
    known = {frozenset(pair) for pair in pairs}
    unknown = [pair for pair in threshold if frozenset(pair) not in known]
    given = {frozenset(pair) for pair in threshold}
    absent = [pair for pair in pairs if frozenset(pair) not in given]
    if unknown or absent:
        problem = f"has no pair {unknown[0]}" if unknown else f"leaves out {absent[0]}"
        raise ValueError(f"threshold must give one float for each of {pairs}; it {problem}.")


def find_threshold(threshold: Any, pair: Pair, scores: Floats, alpha: float) -> float:
    """Find the score from which on a pair fits.

    Parameters
    ----------
    threshold : "quantile", float or dict of pair to float
        Given, or the `alpha`-quantile of `scores`.
    pair : pair of modality names
        For a dict, in either order.
    scores : ndarray
        Out-of-fold scores of the training samples, NaN where there is none.
    alpha : float
        Share of them that falls below.

    Examples
    --------
    >>> find_threshold("quantile", ("a", "b"), np.arange(100.0), 0.05)
    4.0
    """
    if isinstance(threshold, dict):
        return float(threshold.get(pair, threshold.get(pair[::-1])))
    if isinstance(threshold, str):
        known = scores[~np.isnan(scores)]
        return float(np.quantile(known, alpha, method="lower")) if len(known) else -np.inf
    return float(threshold)


def by_row(values: Any, owners: npt.NDArray[np.intp], n_rows: int, how: str) -> Any:
    """Bring what was found of samples together by the row of the table that they belong to.

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
    """Apply the rule "a valid modality fits at least one other".

    Parameters
    ----------
    scores : ndarray of shape (n_samples, n_pairs)
        Scores of each pair; NaN where nothing can be said.
    thresholds : ndarray of shape (n_pairs,)
        A score at or above it is a fit.
    observed : ndarray of bool, shape (n_samples, n_modalities)
        Which sample has which modality.
    pairs : list of pairs of modality names
        The pairs of `scores`.
    names : list of str
        The modalities of `observed`.

    Returns
    -------
    valid : ndarray of bool, shape (n_samples, n_modalities)
        Observed, and either not checked or a fit with at least one other.
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
    checked, fits = np.zeros(shape, dtype=bool), np.zeros(shape, dtype=bool)
    margins = np.full(shape, -np.inf)
    for p, pair in enumerate(pairs):
        said = ~np.isnan(scores[:, p])
        fit = scores[:, p] >= thresholds[p]
        margin = scores[:, p] - max(thresholds[p], np.finfo(np.float64).min)
        for name in pair:
            j = names.index(name)
            checked[:, j] |= said
            fits[:, j] |= fit
            margins[said, j] = np.maximum(margins[said, j], margin[said])
    return observed & (~checked | fits), margins


def keep_best(valid: Mask, margins: Floats, observed: Mask, trust: Floats) -> Mask:
    """Keep one modality of each sample that has some but none that is valid.

    Parameters
    ----------
    valid : ndarray of bool, shape (n_samples, n_modalities)
        What `decide` gave.
    margins : ndarray of shape (n_samples, n_modalities)
        What `decide` gave; the largest wins.
    observed : ndarray of bool, shape (n_samples, n_modalities)
        Which sample has which modality.
    trust : ndarray of shape (n_samples, n_modalities)
        Breaks ties; a pair that fits best gives both its members the same margin.

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
    best = np.where(tied, trust, -np.inf)[lost].argmax(axis=1)
    valid = valid.copy()
    valid[np.flatnonzero(lost), best] = True
    return valid


def usual_size(readings: Readings, checks: dict[Pair, PairCheck]) -> Floats:
    """How usual the size of each modality's canonical scores is, summed over its pairs.

    Noise, zeros and a wrong gain give projections of a size that clean samples rarely have.

    Parameters
    ----------
    readings : Readings
        The samples.
    checks : dict of pair to PairCheck
        The pairs.

    Returns
    -------
    trust : ndarray of shape (n_samples, n_modalities)
        Sum of two-sided tail probabilities.
    """
    trust = np.zeros(readings.observed.shape)
    for pair, check in checks.items():
        both = readings.both(*pair)
        projected = check.directions.scores(*(readings.select(name, both) for name in pair))
        rows = readings.samples_of(pair[0], both)
        count = np.bincount(rows, minlength=readings.n_samples)
        for name, u in zip(pair, projected, strict=True):
            usual = check.typicality(name, u)
            total = np.bincount(rows, weights=usual, minlength=readings.n_samples)
            trust[:, readings.names.index(name)] += total / np.maximum(count, 1)
    return trust


def rank_trust(names: list[str], priority: Sequence[str], n_samples: int) -> Floats:
    """Trust by rank: the first in `priority` most, those not in it least.

    Examples
    --------
    >>> rank_trust(["audio", "text"], ["text"], 1).tolist()
    [[0.0, 1.0]]
    """
    trust = np.zeros((n_samples, len(names)))
    for rank, name in enumerate(reversed(priority), start=1):
        trust[:, names.index(name)] = rank
    return trust
