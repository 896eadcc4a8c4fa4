"""The cluster bootstrap: intervals and comparisons from resampling whole groups (speakers).

A speaker's samples resemble each other, so resampling single samples gives intervals that are too
narrow. Here whole groups are drawn with replacement. The scores used follow from sums over samples,
so that one matrix product of draws and sums per group scores many resamples at once.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats

from emoest.evaluation._checks import check_bootstrap
from emoest.evaluation._inputs.aligned import check_group_names
from emoest.evaluation._inputs.columns import check_labels
from emoest.evaluation._metrics import ccc_of_sums, rating_sums
from emoest.utils.seeds import RandomState, resolve_seed
from emoest.utils.typing import Floats
from emoest.utils.warn import warn_user

_CHUNK = 2_000_000
"""Most entries of the matrix of draws that is held at a time (16 MB)."""

MOST_EXACT = 12
"""Most groups whose exchanges are all counted (4096 of them)."""

FEW_GROUPS = 10
"""Below this many groups a warning says what an interval is worth."""


@dataclass(frozen=True)
class GroupSums:
    """What a score needs to know of each group.

    Parameters
    ----------
    sums : ndarray of shape (n_groups, n_sums)
        Sums over the samples of each group.
    score : callable
        From sums of shape (n_resamples, n_sums) to scores of shape (n_resamples,).
    single : bool, default=False
        Whether each group is one sample and the score follows from a confusion matrix: samples of
        the same classes, true and predicted, are drawn together.
    """

    sums: Floats
    score: Callable[[Floats], Floats]
    single: bool = False

    def value(self) -> float:
        """Score of all groups together."""
        return float(self.score(self.sums.sum(axis=0, keepdims=True))[0])


def group_codes(groups: Any, n_samples: int) -> npt.NDArray[np.intp]:
    """Number the groups from zero in sorted order; without groups each sample is its own.

    Examples
    --------
    >>> group_codes(["b", "a", "b"], 3).tolist(), group_codes(None, 2).tolist()
    ([1, 0, 1], [0, 1])
    """
    if groups is None:
        return np.arange(n_samples)
    return np.unique(np.asarray(groups), return_inverse=True)[1].astype(np.intp)


def uar_sums(y_true: Any, y_pred: Any, codes: npt.NDArray[np.intp]) -> GroupSums:
    """Count hits and support of each class in each group.

    In a resample that misses a class, UAR is the mean over the others.

    Examples
    --------
    >>> uar_sums(["a", "a", "b"], ["a", "b", "b"], np.array([0, 0, 1])).value()
    0.75
    """
    true, pred = np.asarray(y_true), np.asarray(y_pred)
    classes, positions = np.unique(true, return_inverse=True)
    support = np.zeros((int(codes.max()) + 1, len(classes)))
    hits = support.copy()
    np.add.at(support, (codes, positions), 1.0)
    np.add.at(hits, (codes, positions), (true == pred).astype(np.float64))
    return GroupSums(np.hstack([hits, support]), uar_of_sums)


def ccc_sums(y_true: Any, y_pred: Any, codes: npt.NDArray[np.intp]) -> GroupSums:
    """Sum values, their squares and products in each group, for CCC.

    Examples
    --------
    >>> ccc_sums([1.0, 2.0, 3.0], [1.0, 2.0, 3.0], np.array([0, 0, 1])).value()
    1.0
    """
    true, pred = np.asarray(y_true, dtype=np.float64), np.asarray(y_pred, dtype=np.float64)
    rows = rating_sums(true, pred, np.ones_like(true))
    sums = np.zeros((int(codes.max()) + 1, rows.shape[1]))
    np.add.at(sums, codes, rows)
    return GroupSums(sums, ccc_of_sums)


def group_sums(y_true: Any, y_pred: Any, groups: Any, task: str) -> GroupSums:
    """Sum up in each group what UAR, for ``"regression"`` CCC, follows from.

    Examples
    --------
    >>> group_sums(["a", "a", "b"], ["a", "b", "b"], None, "classification").value()
    0.75
    """
    codes = group_codes(groups, len(y_true))
    if task == "regression":
        return ccc_sums(y_true, y_pred, codes)
    return replace(uar_sums(y_true, y_pred, codes), single=groups is None)


def mean_of_sums(parts: Sequence[GroupSums]) -> GroupSums:
    """Join the sums of several runs over the same groups; the score is the mean over the runs.

    Examples
    --------
    >>> codes = np.array([0, 1])
    >>> runs = [uar_sums([0, 1], [0, 1], codes), uar_sums([0, 1], [0, 0], codes)]
    >>> mean_of_sums(runs).value()
    0.75
    """
    ends = np.cumsum([part.sums.shape[1] for part in parts])[:-1].tolist()

    def score(sums: Floats) -> Floats:
        columns = np.split(sums, ends, axis=-1)
        scores = [part.score(each) for part, each in zip(parts, columns, strict=True)]
        mean: Floats = np.mean(scores, axis=0)
        return mean

    single = all(part.single for part in parts)
    return GroupSums(np.hstack([part.sums for part in parts]), score, single)


def resample_scores(parts: Sequence[GroupSums], n_resamples: int, seed: int) -> Floats:
    """Score every part, for example one a model, on the same resamples of the groups.

    The scores have the shape (n_resamples, n_parts); all parts have the same groups in one order.
    Of single samples, the counts of the cells of the confusion matrix are drawn from a multinomial
    distribution: the same in distribution as drawing the samples.

    Examples
    --------
    >>> part = uar_sums([0, 1, 0, 1], [0, 1, 0, 1], np.array([0, 0, 1, 1]))
    >>> resample_scores([part], 3, seed=0).ravel().tolist()
    [1.0, 1.0, 1.0]
    """
    n_groups = len(parts[0].sums)
    tables, counts = [part.sums for part in parts], None
    if all(part.single for part in parts):
        ends = np.cumsum([table.shape[1] for table in tables])[:-1].tolist()
        cells, counts = np.unique(np.hstack(tables), axis=0, return_counts=True)
        tables = np.split(cells, ends, axis=1)
    scores = [
        [part.score(draws @ table) for part, table in zip(parts, tables, strict=True)]
        for draws in draw_groups(n_groups, n_resamples, seed, counts)
    ]
    return np.concatenate([np.stack(chunk, axis=1) for chunk in scores])


def draw_groups(
    n_groups: int,
    n_resamples: int,
    seed: int,
    counts: npt.NDArray[np.intp] | None = None,
) -> Iterator[Floats]:
    """Yield, chunk by chunk, how often each group was drawn: arrays (n, n_groups).

    With `counts`, of `n_groups` groups so many are alike, and are counted together.

    Examples
    --------
    >>> [draws.sum(axis=1).tolist() for draws in draw_groups(4, 2, seed=0)]
    [[4.0, 4.0]]
    """
    rng = np.random.default_rng(seed)
    shares = np.full(n_groups, 1 / n_groups) if counts is None else counts / n_groups
    chunk = max(1, _CHUNK // len(shares))
    for start in range(0, n_resamples, chunk):
        size = min(chunk, n_resamples - start)
        yield rng.multinomial(n_groups, shares, size).astype(np.float64)


def widening(n_groups: int, confidence: float = 0.95) -> float:
    """Compute the factor by which few groups widen an interval from resampling them.

    A resample varies as if the groups were the population, which is less by (n - 1) / n, and its
    quantiles are those of a normal distribution where Student's with n - 1 degrees of freedom is
    due: so t / z * sqrt(n / (n - 1)).

    Examples
    --------
    >>> [round(widening(n), 2) for n in (5, 10, 24, 1000)]
    [1.58, 1.22, 1.08, 1.0]
    """
    upper = (1 + confidence) / 2
    student = stats.t.ppf(upper, n_groups - 1) / stats.norm.ppf(upper)
    return float(student * np.sqrt(n_groups / (n_groups - 1)))


def bootstrap_interval(
    value: float,
    scores: Floats,
    n_groups: int,
    confidence: float = 0.95,
    bounds: tuple[float, float] = (0.0, 1.0),
) -> tuple[float, float]:
    """Compute the interval of a score from its resamples; NaN with fewer than two groups.

    Both arms of the percentile interval, as seen from the score itself, are widened for the number
    of groups, and end at the bounds of the score.

    Examples
    --------
    >>> low, high = bootstrap_interval(0.5, np.linspace(0.4, 0.6, 101), n_groups=6)
    >>> round(low, 3), round(high, 3)
    (0.364, 0.636)
    """
    # One group is always drawn itself: an interval without width would look like certainty.
    if n_groups < 2:
        return float("nan"), float("nan")
    tail = (1 - confidence) / 2
    below, above = np.quantile(scores, [tail, 1 - tail])
    factor = widening(n_groups, confidence)
    low = value - factor * max(0.0, value - below)
    high = value + factor * max(0.0, above - value)
    return float(max(low, bounds[0])), float(min(high, bounds[1]))


def sign_flip_p(parts: Sequence[GroupSums], n_resamples: int, seed: int) -> float:
    """Compute the two-sided p of "no difference" of two models on the same groups.

    Under that hypothesis a group's predictions might as well be the other model's: the fraction of
    exchanges, group by group, that give a difference as large as the one found. All of them are
    counted if they are at most 4096 (12 groups), else `n_resamples` are drawn, with one added to
    counts and draws so that p is never zero. NaN with fewer than two groups.

    Examples
    --------
    >>> first = uar_sums([0, 1] * 3, [0, 1] * 3, np.repeat([0, 1, 2], 2))
    >>> second = uar_sums([0, 1] * 3, [1, 0] * 3, np.repeat([0, 1, 2], 2))
    >>> sign_flip_p([first, second], 2000, seed=0)
    0.25
    """
    first, second = parts
    n_groups = len(first.sums)
    if n_groups < 2:
        return float("nan")
    exact = n_groups <= MOST_EXACT
    if exact:
        kept = (np.arange(2**n_groups)[:, None] >> np.arange(n_groups)) & 1
    else:
        kept = np.random.default_rng(seed).integers(0, 2, (n_resamples, n_groups))
    kept = kept.astype(np.float64)
    apart = first.score(kept @ first.sums + (1 - kept) @ second.sums)
    apart = apart - second.score(kept @ second.sums + (1 - kept) @ first.sums)
    # A tie is as large: sums in another order differ in the last digit.
    count = int(np.sum(np.abs(apart) >= abs(first.value() - second.value()) - 1e-9))
    return count / len(kept) if exact else (count + 1) / (n_resamples + 1)


def warn_few(n_groups: int | None) -> None:
    """Warn if an interval or a p-value rests on few groups."""
    if n_groups is not None and 1 < n_groups < FEW_GROUPS:
        warn_user(
            f"There are {n_groups} groups (speakers) only: intervals are wide and widened further, "
            f"no p-value can be below {2.0 ** (1 - n_groups):.3g}, and another {n_groups} speakers "
            "may give another score. Report single speakers too.",
        )


def uar_interval(
    y_true: Any,
    y_pred: Any,
    groups: Any = None,
    *,
    n_resamples: int = 2000,
    confidence: float = 0.95,
    random_state: RandomState = None,
) -> tuple[float, float]:
    """Compute an interval of UAR from resampling whole groups (speakers).

    Its arms are those of the percentile interval, widened for the number of groups by
    t / z * sqrt(n / (n - 1)); ``benchmarks/interval_coverage.py`` measures how often it holds the
    true score.

    Parameters
    ----------
    y_true, y_pred : array-like of shape (n_samples,)
        The true and the predicted classes.
    groups : array-like of shape (n_samples,), default=None
        Who each sample is from; None resamples single samples, which is too narrow where
        speakers have several. Their number hardly matters for the time: how many there are of each
        true and predicted class is drawn at once.
    n_resamples : int, default=2000
        How often the groups are drawn with replacement.
    confidence : float, default=0.95
        Of the interval.
    random_state : int, RandomState instance or None, default=None
        Where the draws come from.

    Returns
    -------
    low, high : float
        NaN with fewer than two groups. The interval holds what varies with the speakers tested,
        not what varies with the training set or the seed of the model.

    Raises
    ------
    ValueError
        If lengths or the order of an index differ, a label or group is missing, labels are no
        classes or of two kinds, `n_resamples` is below 1, or `confidence` is not between 0 and 1.

    Warns
    -----
    UserWarning
        If there are fewer than 10 groups.

    References
    ----------
    A. C. Davison, D. V. Hinkley (1997). Bootstrap Methods and their Application, section 3.8
    (resampling of clusters).

    Examples
    --------
    >>> uar_interval([0, 1, 0, 1], [0, 1, 0, 1], ["s1", "s1", "s2", "s2"], random_state=0)
    (1.0, 1.0)
    """
    check_bootstrap(n_resamples, confidence)
    true, pred = check_labels({"y_true": y_true, "y_pred": y_pred}, also={"groups": groups})
    sums = group_sums(
        true, pred, None if groups is None else check_group_names(groups), "classification"
    )
    n_groups = len(sums.sums)
    warn_few(None if groups is None else n_groups)
    scores = resample_scores([sums], n_resamples, resolve_seed(random_state))
    return bootstrap_interval(sums.value(), scores[:, 0], n_groups, confidence)


def uar_of_sums(sums: Floats) -> Floats:
    """Compute UAR from hits and then support of each class, over the last axis.

    Examples
    --------
    >>> float(uar_of_sums(np.array([1.0, 2.0, 2.0, 2.0])))
    0.75
    """
    hits, support = np.split(sums, 2, axis=-1)
    # A resample may lack the only speaker with a class: UAR is then over the classes that it has.
    present = support > 0
    recall = np.divide(hits, support, out=np.zeros_like(hits), where=present)
    return recall.sum(axis=-1) / present.sum(axis=-1)
