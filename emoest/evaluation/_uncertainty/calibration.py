"""Calibration: whether a probability of 0.8 is right in 80 of 100 samples."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.optimize import minimize_scalar
from sklearn.model_selection import GroupKFold, KFold

from emoest.evaluation._inputs.aligned import check_group_names
from emoest.evaluation._uncertainty.probabilities import check_probabilities
from emoest.utils.messages import listed
from emoest.utils.typing import Floats

_LEAST = 1e-12


def reliability_table(
    y_true: Any, proba: Any, *, classes: Sequence[Any] | None = None, n_bins: int = 10
) -> pd.DataFrame:
    """Compare how sure a model is with how often it is right, bin by bin.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        The true classes.
    proba : array-like of shape (n_samples, n_classes)
        Probabilities; a DataFrame names its classes by its columns (``proba_`` is left out).
    classes : sequence, default=None
        The class of each column; None takes the columns of a DataFrame, else the sorted classes of
        `y_true`. The columns of a DataFrame are joined with them by name.
    n_bins : int, default=10
        Number of bins of equal width.

    Returns
    -------
    table : DataFrame
        One row for each bin that holds samples: ``low`` and ``high`` of the largest probability,
        its mean ``confidence``, ``accuracy``, and the number ``n`` of samples.

    Raises
    ------
    ValueError
        If shapes differ, the same index stands in another order, a label or probability is missing,
        rows do not sum to 1, names of columns are not `classes`, one of these stands twice, or a
        label is spelled in another way (``Sad`` and ``sad``).

    Examples
    --------
    >>> table = reliability_table([0, 0, 1], [[0.9, 0.1], [0.8, 0.2], [0.9, 0.1]], n_bins=2)
    >>> table[["confidence", "accuracy", "n"]].round(3).to_numpy().tolist()
    [[0.867, 0.667, 3.0]]
    """
    codes, values, _ = check_probabilities(y_true, proba, classes)
    if n_bins < 1:
        raise ValueError(f"n_bins must be at least 1, got {n_bins}.")
    sure, right = values.max(axis=1), values.argmax(axis=1) == codes
    bins = np.minimum((sure * n_bins).astype(int), n_bins - 1)
    table = pd.DataFrame({"bin": bins, "confidence": sure, "accuracy": right.astype(float)})
    found = table.groupby("bin").agg(
        confidence=("confidence", "mean"), accuracy=("accuracy", "mean"), n=("accuracy", "size")
    )
    edges = found.index.to_numpy() / n_bins
    found.insert(0, "low", edges)
    found.insert(1, "high", edges + 1 / n_bins)
    return found.reset_index(drop=True)


def expected_calibration_error(
    y_true: Any, proba: Any, *, classes: Sequence[Any] | None = None, n_bins: int = 10
) -> float:
    """Compute the ECE: the mean distance of confidence and accuracy over the bins.

    Parameters
    ----------
    y_true, proba, classes, n_bins : object
        As in `reliability_table`.

    Returns
    -------
    error : float
        Between 0 and 1.

    Raises
    ------
    ValueError
        As `reliability_table`.

    References
    ----------
    C. Guo et al. (2017). On Calibration of Modern Neural Networks. ICML.

    Examples
    --------
    >>> round(expected_calibration_error([0, 0, 1], [[0.9, 0.1], [0.8, 0.2], [0.9, 0.1]]), 3)
    0.333
    """
    table = reliability_table(y_true, proba, classes=classes, n_bins=n_bins)
    apart = (table["confidence"] - table["accuracy"]).abs()
    return float(np.average(apart, weights=table["n"]))


def fit_temperature(codes: npt.NDArray[np.intp], proba: Floats) -> float:
    """Find the temperature under which the true classes are most likely.

    Examples
    --------
    >>> proba = np.tile([[0.9, 0.1]], (10, 1))
    >>> round(fit_temperature(np.array([0] * 7 + [1] * 3), proba), 2)
    2.59
    """
    logs, known = np.log(np.maximum(proba, _LEAST)), codes >= 0
    rows = np.flatnonzero(known)

    def loss(log_temperature: float) -> float:
        scaled = logs[rows] / np.exp(log_temperature)
        peak = scaled.max(axis=1, keepdims=True)
        normal = peak[:, 0] + np.log(np.exp(scaled - peak).sum(axis=1))
        return float(np.mean(normal - scaled[np.arange(len(rows)), codes[rows]]))

    found = minimize_scalar(loss, bounds=(np.log(0.05), np.log(20)), method="bounded")
    return float(np.exp(found.x))


def temperature_scaled(
    y_true: Any,
    proba: Any,
    groups: Any = None,
    *,
    classes: Sequence[Any] | None = None,
    n_splits: int = 5,
) -> pd.DataFrame:
    """Scale probabilities by a temperature that is fitted on other speakers.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        The true classes.
    proba : array-like of shape (n_samples, n_classes)
        Probabilities on held-out samples, for example of `evaluate`.
    groups : array-like of shape (n_samples,), default=None
        Who each sample is from. The temperature of a speaker's samples is fitted without them; None
        leaves out single samples.
    classes : sequence, default=None
        As in `reliability_table`.
    n_splits : int, default=5
        In so many parts speakers are split.

    Returns
    -------
    proba : DataFrame of shape (n_samples, n_classes)
        The same order of classes, so the same predictions, less or more sure of them.

    Raises
    ------
    ValueError
        As `reliability_table`; if a group is missing, there are fewer groups than parts, or no
        label is a class of `proba`.

    References
    ----------
    C. Guo et al. (2017). On Calibration of Modern Neural Networks. ICML.

    Examples
    --------
    >>> proba = np.tile([[0.9, 0.1]], (20, 1))
    >>> y, speakers = [0, 0, 0, 1] * 5, np.repeat(list("abcde"), 4)
    >>> temperature_scaled(y, proba, speakers).iloc[0].round(2).tolist()
    [0.75, 0.25]
    """
    codes, values, names = check_probabilities(y_true, proba, classes, groups)
    unit = np.arange(len(codes)) if groups is None else check_group_names(groups)
    if len(np.unique(unit)) < n_splits:
        raise ValueError(
            f"{n_splits} parts need as many groups (speakers), but there are "
            f"{len(np.unique(unit))}. Pass n_splits={max(2, len(np.unique(unit)))}."
        )
    splitter = KFold(n_splits) if groups is None else GroupKFold(n_splits)
    scaled = np.empty_like(values)
    for fitted, held_out in splitter.split(values, codes, None if groups is None else unit):
        if (codes[fitted] < 0).all():
            raise ValueError(
                "No temperature can be fitted: in a part, no label of the other groups is a class "
                f"of proba. The classes are {listed(names)}."
            )
        temperature = fit_temperature(codes[fitted], values[fitted])
        powers = np.maximum(values[held_out], _LEAST) ** (1 / temperature)
        scaled[held_out] = powers / powers.sum(axis=1, keepdims=True)
    index = proba.index if isinstance(proba, pd.DataFrame) else None
    return pd.DataFrame(scaled, index=index, columns=list(names))
