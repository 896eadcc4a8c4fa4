"""Tests of predictions and scores: McNemar, corrected resampled t, permutation against chance."""

from typing import Any, NamedTuple

import numpy as np
from scipy import stats

from emoest.evaluation._bootstrap import group_codes
from emoest.evaluation._inputs.aligned import check_aligned, check_group_names
from emoest.evaluation._inputs.columns import check_labels
from emoest.utils.seeds import RandomState, resolve_seed
from emoest.utils.typing import Floats

_CHUNK = 4_000_000
"""Most labels that are permuted at a time."""


class PairedTest(NamedTuple):
    """Statistic and p-value of a test.

    Parameters
    ----------
    statistic : float
        What the test compares with chance; its unit is said by the function that made it.
    p : float
        The p-value.
    """

    statistic: float
    p: float


def mcnemar_test(y_true: Any, pred_a: Any, pred_b: Any) -> PairedTest:
    """Test whether two systems are right on different numbers of the same samples (McNemar, exact).

    It takes samples to be independent. Where speakers have several, its p is too small; `evaluate`
    exchanges predictions speaker by speaker.

    Parameters
    ----------
    y_true, pred_a, pred_b : array-like of shape (n_samples,)
        The true classes, and those that each system predicted.

    Returns
    -------
    statistic, p : float
        How many more samples the first system alone is right on than the second alone, and the
        exact two-sided binomial p of as large a difference if both were as good; 1 where both are
        right on the same samples.

    Raises
    ------
    ValueError
        If the lengths differ, there is no sample, the same index stands in another order, a label
        is missing, or labels are no classes or of two kinds.

    Notes
    -----
    Predictions of two evaluations stand in the order of their folds, which nothing tells from
    their index: take ``result.select().set_index("position").sort_index()`` of both.

    References
    ----------
    Q. McNemar (1947). Note on the sampling error of the difference between correlated proportions
    or percentages. Psychometrika 12(2).

    Examples
    --------
    >>> mcnemar_test([0] * 10, [0] * 10, [0] * 4 + [1] * 6)
    PairedTest(statistic=6.0, p=0.03125)
    """
    true, first, second = check_labels({"y_true": y_true, "pred_a": pred_a, "pred_b": pred_b})
    only_a = int(np.sum((first == true) & (second != true)))
    only_b = int(np.sum((second == true) & (first != true)))
    p = stats.binomtest(only_a, only_a + only_b).pvalue if only_a + only_b else 1.0
    return PairedTest(float(only_a - only_b), float(p))


def resampled_t_test(scores_a: Any, scores_b: Any, *, n_train: float, n_test: float) -> PairedTest:
    """Test the scores of two systems on the same folds, corrected for training parts that overlap.

    The variance of the differences is multiplied by 1/k + n_test/n_train instead of 1/k for k
    folds (Nadeau and Bengio).

    Parameters
    ----------
    scores_a, scores_b : array-like of shape (n_folds,)
        The scores of each system on each fold, or on each fold of each run.
    n_train, n_test : float
        Mean number of samples (or speakers) in the training and test parts.

    Returns
    -------
    statistic, p : float
        Student's t with k - 1 degrees of freedom and its two-sided p. Where every difference is the
        same, p is 1 if it is zero, else 0.

    Raises
    ------
    ValueError
        If there are fewer than two folds, lengths or the order of an index differ, a score is
        missing or a size is not positive.

    References
    ----------
    C. Nadeau, Y. Bengio (2003). Inference for the generalization error. Machine Learning 52.

    Examples
    --------
    >>> found = resampled_t_test([0.6, 0.7, 0.8], [0.5, 0.5, 0.7], n_train=80, n_test=40)
    >>> round(found.statistic, 3), round(found.p, 3)
    (2.53, 0.127)
    """
    first, second = (np.asarray(each, dtype=np.float64) for each in (scores_a, scores_b))
    if first.shape != second.shape or first.ndim != 1 or len(first) < 2:
        raise ValueError(
            f"scores have the shapes {first.shape} and {second.shape}; both systems need the score "
            "of the same folds, two at least."
        )
    check_aligned({"scores_a": scores_a, "scores_b": scores_b})
    apart = first - second
    if not np.isfinite(apart).all():
        raise ValueError("A score is missing or infinite.")
    if not (n_train > 0 and n_test > 0):
        raise ValueError(f"n_train={n_train!r} and n_test={n_test!r} must be positive.")
    k, mean = len(apart), float(apart.mean())
    variance = float(apart.var(ddof=1)) * (1 / k + n_test / n_train)
    # Equal differences leave rounding errors of this size.
    if variance <= 1e-24:
        same = abs(mean) <= 1e-12
        return PairedTest(0.0 if same else float(np.copysign(np.inf, mean)), 1.0 if same else 0.0)
    t = mean / np.sqrt(variance)
    return PairedTest(float(t), float(2 * stats.t.sf(abs(t), k - 1)))


def permutation_test(
    y_true: Any,
    y_pred: Any,
    groups: Any = None,
    *,
    n_permutations: int = 2000,
    random_state: RandomState = None,
) -> PairedTest:
    """Test UAR against chance: labels are permuted among the samples of each group.

    Parameters
    ----------
    y_true, y_pred : array-like of shape (n_samples,)
        The true and the predicted classes.
    groups : array-like of shape (n_samples,), default=None
        Who each sample is from: a system that only recognizes which speakers are often sad is at
        chance. None permutes among all samples.
    n_permutations : int, default=2000
        How often labels are permuted.
    random_state : int, RandomState instance or None, default=None
        Where the permutations come from.

    Returns
    -------
    statistic, p : float
        UAR, and the fraction of permutations (with the labels as they are counted as one) that
        reach it.

    Raises
    ------
    ValueError
        If the lengths differ, there is no sample, the same index stands in another order, a label
        or group is missing, labels are no classes or of two kinds, or `n_permutations` is below 1.

    Examples
    --------
    >>> permutation_test([0, 1] * 10, [0, 1] * 10, n_permutations=99, random_state=0)
    PairedTest(statistic=1.0, p=0.01)
    """
    true, pred = check_labels({"y_true": y_true, "y_pred": y_pred}, also={"groups": groups})
    codes = np.zeros(len(true), np.intp)
    if groups is not None:
        codes = group_codes(check_group_names(groups), len(true))
    if n_permutations < 1:
        raise ValueError(f"n_permutations must be at least 1, got {n_permutations}.")
    order = np.argsort(codes, kind="stable")
    classes, labels = np.unique(true[order], return_inverse=True)
    hit = np.searchsorted(classes, pred[order]).clip(max=len(classes) - 1)
    hit = np.where(classes[hit] == pred[order], hit, -1)
    support = np.bincount(labels)
    weight = 1 / support / len(classes)
    found = float(np.mean(np.bincount(labels[hit == labels], minlength=len(classes)) / support))
    rng = np.random.default_rng(resolve_seed(random_state))
    count, chunk = 0, max(1, _CHUNK // len(true))
    for start in range(0, n_permutations, chunk):
        keys: Floats = rng.random((min(chunk, n_permutations - start), len(true)))
        # Sorted by group first, random keys in (0, 1) permute inside each group.
        shuffled = labels[np.argsort(keys + codes[order], axis=1)]
        scores = np.sum(weight[shuffled] * (hit == shuffled), axis=1)
        count += int(np.sum(scores >= found - 1e-12))
    return PairedTest(found, (count + 1) / (n_permutations + 1))
