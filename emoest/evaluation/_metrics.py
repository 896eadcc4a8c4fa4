"""Scores of emotion recognition: UAR and its relatives for classes, CCC for continuous targets.

Every score is a plain function of true and predicted values; `_scorers` wraps them.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import f1_score

from emoest.evaluation._inputs.columns import (
    check_classes,
    check_kind,
    check_multilabel,
    check_ratings,
)
from emoest.utils.typing import Array, Floats
from emoest.utils.warn import warn_user


def uar_score(
    y_true: Any,
    y_pred: Any,
    *,
    labels: Sequence[Any] | None = None,
    sample_weight: Any = None,
) -> float:
    """Compute the unweighted average recall: the mean over the classes present in `y_true`.

    Each class counts the same however many samples it has. A class that is only predicted lowers
    the recall of the classes it was taken for and has none of its own, so it does not count (macro
    recall would count it as zero).

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        The true classes.
    y_pred : array-like of shape (n_samples,)
        The predicted classes.
    labels : sequence of classes, default=None
        The classes to average over, those of them that are present in `y_true`; None takes all
        that are present.
    sample_weight : array-like of shape (n_samples,), default=None
        Weights of the samples inside their class.

    Returns
    -------
    uar : float
        Between 0 and 1; a constant prediction gives one over the number of classes present.

    Raises
    ------
    ValueError
        If the lengths differ, the same index stands in another order, a label is missing, `y_true`
        is empty or not made of classes, or none of `labels` is present.

    Warns
    -----
    UserWarning
        If classes of `labels`, or predicted ones, are absent from `y_true`; once, with all names.

    References
    ----------
    B. Schuller, S. Steidl, A. Batliner (2009). The INTERSPEECH 2009 Emotion Challenge.

    Examples
    --------
    >>> uar_score(["sad", "sad", "sad", "happy"], ["sad", "sad", "happy", "happy"])
    0.833...
    >>> uar_score([0, 0, 1], [0, 0, 1], labels=[0])
    1.0
    """
    true, pred, weight = check_classes(y_true, y_pred, sample_weight)
    classes, support, hits = _tally(true, pred, weight)
    wanted = classes if labels is None else check_kind(labels, "labels")
    present = dict(zip(classes.tolist(), (support > 0).tolist(), strict=True))
    absent = [label for label in wanted.tolist() if not present.get(label, False)]
    counted = np.isin(classes, wanted) & (support > 0)
    if not counted.any():
        raise ValueError(f"None of the labels {wanted.tolist()} is present in y_true.")
    if absent:
        warn_user(
            f"Classes absent from y_true: {absent}. UAR is the mean recall over the others: "
            f"{classes[counted].tolist()}.",
        )
    return float(np.mean(hits[counted] / support[counted]))


def recall_per_class(
    y_true: Any,
    y_pred: Any,
    *,
    labels: Sequence[Any] | None = None,
    sample_weight: Any = None,
) -> "pd.Series[float]":
    """Compute the recall of each class.

    Parameters
    ----------
    y_true, y_pred : array-like of shape (n_samples,)
        The true and the predicted classes.
    labels : sequence of classes, default=None
        Which classes, in which order; None takes all that are true or predicted, sorted.
    sample_weight : array-like of shape (n_samples,), default=None
        Weights of the samples.

    Returns
    -------
    recall : Series of shape (n_classes,)
        Indexed by class; NaN for a class that is absent from `y_true`.

    Raises
    ------
    ValueError
        As `uar_score`.

    Examples
    --------
    >>> recall_per_class(["a", "a", "b"], ["a", "b", "b"]).to_dict()
    {'a': 0.5, 'b': 1.0}
    """
    classes, support, hits = _tally(*check_classes(y_true, y_pred, sample_weight))
    recall = np.full(len(classes), np.nan)
    np.divide(hits, support, out=recall, where=support > 0)
    series = pd.Series(recall, index=pd.Index(classes, name="class"), name="recall")
    return series if labels is None else series.reindex(pd.Index(list(labels), name="class"))


def multilabel_uar(y_true: Any, y_pred: Any) -> "pd.Series[float]":
    """Compute the UAR of each label of a multi-label target, each label being a binary task.

    Parameters
    ----------
    y_true : DataFrame or array-like of shape (n_samples, n_labels)
        Zeros and ones.
    y_pred : DataFrame or array-like of shape (n_samples, n_labels)
        Zeros and ones; of two DataFrames, columns are joined by name.

    Returns
    -------
    uar : Series of shape (n_labels,)
        Indexed by the columns of `y_true`.

    Raises
    ------
    ValueError
        If shapes, names of columns or the order of the rows differ, or an entry is neither 0 nor 1.

    Examples
    --------
    >>> Y = pd.DataFrame({"happy": [1, 1, 0, 0], "angry": [0, 1, 0, 1]})
    >>> multilabel_uar(Y, [[1, 0], [0, 1], [0, 0], [0, 1]]).to_dict()
    {'happy': 0.75, 'angry': 1.0}
    """
    names, true, pred = check_multilabel(y_true, y_pred)
    scores = [uar_score(true[:, k], pred[:, k]) for k in range(len(names))]
    return pd.Series(scores, index=names, name="uar")


def macro_f1_score(y_true: Any, y_pred: Any) -> float:
    """Compute macro-F1: the mean F1 over the classes, or over the labels of a multi-label target.

    Parameters
    ----------
    y_true, y_pred : array-like of shape (n_samples,) or (n_samples, n_labels)
        Classes; or zeros and ones, one column for each label.

    Returns
    -------
    f1 : float
        The mean is over all classes that are true or predicted. One that is only predicted counts
        as 0 (`uar_score` leaves it out), and so does a label that is neither anywhere.

    Raises
    ------
    ValueError
        For classes as `uar_score`; for labels if the shapes differ or an entry is neither 0 nor 1.

    Examples
    --------
    >>> macro_f1_score(["sad", "sad", "happy"], ["sad", "happy", "happy"])
    0.666...
    >>> macro_f1_score([[1, 0], [1, 1], [0, 0], [0, 1]], [[1, 0], [0, 1], [0, 0], [0, 1]])
    0.833...
    """
    if np.ndim(y_true) == 1:
        true, pred, _ = check_classes(y_true, y_pred, None)
    else:
        _, true, pred = check_multilabel(y_true, y_pred)
    return float(f1_score(true, pred, average="macro", zero_division=0))


def ccc_score(y_true: Any, y_pred: Any, *, sample_weight: Any = None) -> float:
    """Compute the concordance correlation coefficient (CCC).

    It is Pearson's r, lowered by differences of mean and scale.

    Parameters
    ----------
    y_true, y_pred : array-like of shape (n_samples,)
        The true and the predicted values.
    sample_weight : array-like of shape (n_samples,), default=None
        Weights of the samples.

    Returns
    -------
    ccc : float
        Between -1 and 1, with population variances; 0 where both are constant.

    Raises
    ------
    ValueError
        If lengths or the order of an index differ, or a value is missing or infinite.

    References
    ----------
    L. I.-K. Lin (1989). A concordance correlation coefficient to evaluate reproducibility.
    Biometrics 45, 255-268.

    Examples
    --------
    >>> ccc_score([1.0, 2.0, 3.0], [2.0, 3.0, 4.0])
    0.571...
    """
    return float(ccc_of_sums(rating_sums(*check_ratings(y_true, y_pred, sample_weight)).sum(0)))


def pearson_score(y_true: Any, y_pred: Any, *, sample_weight: Any = None) -> float:
    """Compute Pearson's correlation of true and predicted values.

    Parameters
    ----------
    y_true, y_pred : array-like of shape (n_samples,)
        The true and the predicted values.
    sample_weight : array-like of shape (n_samples,), default=None
        Weights of the samples.

    Returns
    -------
    r : float
        Between -1 and 1; 0 where one of them is constant.

    Raises
    ------
    ValueError
        If lengths or the order of an index differ, or a value is missing or infinite.

    Examples
    --------
    >>> round(pearson_score([1.0, 2.0, 3.0], [2.0, 3.0, 4.0]), 12)
    1.0
    """
    true, pred, weight = check_ratings(y_true, y_pred, sample_weight)
    # The variance of a constant, computed from sums, is rarely 0 exactly.
    if np.ptp(true[weight > 0]) == 0 or np.ptp(pred[weight > 0]) == 0:
        return 0.0
    return float(pearson_of_sums(rating_sums(true, pred, weight).sum(0)))


def rating_sums(true: Floats, pred: Floats, weight: Floats) -> Floats:
    """Compute sums from which CCC follows, one row a sample, so that they add up over any samples.

    Both are shifted by the mean of what is true, which changes neither CCC nor Pearson's r.

    Examples
    --------
    >>> rating_sums(np.array([1.0, 3.0]), np.array([2.0, 2.0]), np.ones(2)).sum(0).tolist()
    [2.0, 0.0, 0.0, 2.0, 0.0, 0.0]
    """
    shift = np.average(true, weights=weight)
    x, y = true - shift, pred - shift
    return weight[:, None] * np.column_stack([np.ones_like(x), x, y, x * x, y * y, x * y])


def pearson_of_sums(sums: Floats) -> Floats:
    """Compute Pearson's r from the sums of `rating_sums`, over the last axis.

    Examples
    --------
    >>> float(pearson_of_sums(np.array([2.0, 0.0, 0.0, 2.0, 2.0, -2.0])))
    -1.0
    """
    n, x, y, xx, yy, xy = np.moveaxis(np.asarray(sums, dtype=np.float64), -1, 0)
    spread = np.maximum(xx / n - (x / n) ** 2, 0.0) * np.maximum(yy / n - (y / n) ** 2, 0.0)
    scale = np.sqrt(spread)
    covariance = xy / n - x * y / n**2
    r = np.divide(covariance, scale, out=np.zeros_like(scale), where=scale > 0)
    return np.clip(r, -1.0, 1.0)


def ccc_of_sums(sums: Floats) -> Floats:
    """Compute CCC from the sums of `rating_sums`, over the last axis.

    Examples
    --------
    >>> float(ccc_of_sums(np.array([2.0, 0.0, 0.0, 2.0, 2.0, 2.0])))
    1.0
    """
    n, x, y, xx, yy, xy = np.moveaxis(np.asarray(sums, dtype=np.float64), -1, 0)
    mean_x, mean_y = x / n, y / n
    covariance = xy / n - mean_x * mean_y
    # The variances and the squared difference of the means, in one term.
    spread = (xx + yy) / n - 2 * mean_x * mean_y
    return np.divide(2 * covariance, spread, out=np.zeros_like(spread), where=spread > 0)


def _tally(true: Array, pred: Array, weight: Floats) -> tuple[Array, Floats, Floats]:
    classes, codes = np.unique(np.concatenate([true, pred]), return_inverse=True)
    support = np.bincount(codes[: len(true)], weights=weight, minlength=len(classes))
    right = weight * (true == pred)
    hits = np.bincount(codes[: len(true)], weights=right, minlength=len(classes))
    return classes, support.astype(np.float64), hits.astype(np.float64)
