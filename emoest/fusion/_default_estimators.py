"""What early fusion fits when it is given no estimator: linear models of a chosen strength."""

import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import mean_squared_error, recall_score

from emoest.tables.groups import inner_splits
from emoest.tables.vectors import weighted_mean, weighted_std
from emoest.utils.typing import Array, Floats

FACTORS = (0.1, 1.0, 10.0, 100.0)
"""How much weaker than usual the penalty may be, from the strongest on."""

SHRINKING_FACTORS = (0.001, 0.01, *FACTORS)
"""The same where probabilities count: down to where a modality without news gives the prior."""

N_SPLITS = 4

LOGIT_VARIANCE = np.pi**2 / 3
"""Variance of the logits a priori: that of the logistic distribution, so that a probability may be
anything between 0 and 1."""


def default_classifier(
    X: Any,
    y: Array,
    sample_weight: Floats | None,
    groups: Array | None,
    scoring: str = "uar",
) -> LogisticRegression:
    """Make a logistic regression whose penalty fits the columns and, with groups, the data.

    With a fixed C the penalty is the weaker the more columns there are: at C = 1 hundreds of
    columns of an embedding are learned by heart. The usual C is `LOGIT_VARIANCE` over the total
    variance of the columns, so that logits have the same spread a priori whatever their number.
    Where groups are known, C is that of `FACTORS` times the usual one which has the best UAR on
    held-out groups, or that of `SHRINKING_FACTORS` with the least log loss; nothing is chosen
    without, as rows of one speaker would be on both sides.

    Parameters
    ----------
    X : DataFrame or ndarray of shape (n_samples, n_columns)
        The columns, without NaN.
    y : ndarray of shape (n_samples,)
        The classes.
    sample_weight : ndarray of shape (n_samples,) or None
        Weights.
    groups : ndarray of shape (n_samples,) or None
        Groups.
    scoring : {"uar", "neg_log_loss"}, default="uar"
        What is best on held-out groups.

    Returns
    -------
    model : LogisticRegression
        Not fitted.

    Examples
    --------
    >>> X = np.array([[1.0, -1.0], [-1.0, 1.0]])
    >>> round(default_classifier(X, np.array([0, 1]), None, None).C, 3)
    1.645
    """
    usual = LOGIT_VARIANCE / total_variance(X, sample_weight)
    factors, score, method = CHOICES[scoring]
    models = {f: LogisticRegression(C=usual * f, max_iter=1000) for f in factors}
    given = {"X": X, "y": y, "sample_weight": sample_weight, "groups": groups}
    return choose(models, score, method, **given)


def default_regressor(
    X: Any, y: Array, sample_weight: Floats | None, groups: Array | None
) -> Ridge:
    """Make a ridge regression whose penalty fits the columns and, with groups, the data.

    The usual ``alpha`` is the total variance of the columns: as much signal as noise a priori. The
    parameters are those of `default_classifier`; the least squared error on held-out groups wins.

    Examples
    --------
    >>> X = np.array([[1.0, -1.0], [-1.0, 1.0]])
    >>> default_regressor(X, np.array([0.0, 1.0]), None, None).alpha
    2.0
    """
    usual = total_variance(X, sample_weight)
    models = {factor: Ridge(alpha=usual / factor) for factor in FACTORS}
    given = {"X": X, "y": y, "sample_weight": sample_weight, "groups": groups}
    return choose(models, _negative_error, _values, **given)


def choose(
    models: Mapping[float, Any],
    score: Callable[..., float],
    method: Callable[..., Array],
    *,
    X: Any,
    y: Array,
    sample_weight: Floats | None,
    groups: Array | None,
) -> Any:
    """Return the model of the best score on held-out groups, the first among equals.

    Without groups, or if no inner split can be made of them, it is the usual one, whose factor
    is 1.
    """
    usual = models[1.0]
    if groups is None or pd.isna(groups).any():
        return usual
    values = np.asarray(X, dtype=np.float64)
    splits, _ = inner_splits(
        values,
        y,
        groups=groups,
        cv=N_SPLITS,
        classifier=isinstance(usual, LogisticRegression),
        # Fixed, so that the fit of a default is repeatable without a random_state.
        random_state=0,
    )
    if not splits:
        return usual
    weight = np.ones(len(values)) if sample_weight is None else sample_weight
    tested = np.concatenate([test for _, test in splits])
    scores = []
    for model in models.values():
        answers = []
        for train, test in splits:
            with warnings.catch_warnings():
                # A candidate that has not converged may lose, which is no news to anyone.
                warnings.simplefilter("ignore", ConvergenceWarning)
                model.fit(values[train], y[train], sample_weight=weight[train])
            answers.append(method(model, values[test], y[test]))
        scores.append(score(y[tested], np.concatenate(answers), weight[tested]))
    best = list(models.values())[int(np.argmax(scores))]
    return type(best)(**best.get_params())


def _values(model: Any, X: Floats, y: Array) -> Array:
    return model.predict(X)


def _log_probabilities(model: Any, X: Floats, y: Array) -> Floats:
    """Logarithm of the probability of what is true; that of a class never seen is bounded."""
    known, place = np.isin(y, model.classes_), np.searchsorted(model.classes_, y)
    probabilities = model.predict_proba(X)[np.arange(len(y)), np.where(known, place, 0)]
    return np.log(np.maximum(np.where(known, probabilities, 0.0), np.finfo(np.float64).eps))


def _uar(y: Array, predicted: Array, weight: Floats) -> float:
    labels = np.unique(y)
    return recall_score(
        y, predicted, labels=labels, average="macro", sample_weight=weight, zero_division=0.0
    )


def _sum(y: Array, answers: Floats, weight: Floats) -> float:
    return float((weight * answers).sum())


def _negative_error(y: Array, predicted: Array, weight: Floats) -> float:
    return -mean_squared_error(y, predicted, sample_weight=weight)


CHOICES = {
    "uar": (FACTORS, _uar, _values),
    "neg_log_loss": (SHRINKING_FACTORS, _sum, _log_probabilities),
}
"""What may choose the penalty of a classifier: its candidates, the score, what is scored."""


def total_variance(X: Any, sample_weight: Floats | None = None) -> float:
    """Sum the (weighted) variances of the columns; 1 if none varies.

    Examples
    --------
    >>> total_variance(np.array([[0.0, 5.0], [2.0, 5.0]]))
    1.0
    """
    values = np.asarray(X, dtype=np.float64)
    mean = weighted_mean(values, sample_weight)
    total = float((weighted_std(values, mean, sample_weight) ** 2).sum())
    return total if np.isfinite(total) and total > 0 else 1.0
