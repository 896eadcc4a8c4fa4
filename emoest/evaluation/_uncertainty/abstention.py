"""What a model gains where it may abstain."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from emoest.evaluation._inputs.columns import check_kind
from emoest.evaluation._uncertainty.probabilities import check_probabilities
from emoest.utils.typing import Floats

_TIED = 1e-9
"""Probabilities this near are the same but for rounding."""


def abstention_curve(
    y_true: Any,
    proba: Any,
    *,
    classes: Sequence[Any] | None = None,
    coverage: Sequence[float] = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5),
) -> pd.DataFrame:
    """Score the samples that a model is surest of.

    Parameters
    ----------
    y_true, proba, classes : object
        As in `reliability_table`.
    coverage : sequence of float, default=(1.0, 0.9, 0.8, 0.7, 0.6, 0.5)
        Fractions of the samples that are predicted; on the others, those with the least largest
        probability, the model abstains. Where the last place falls among samples of the same
        probability, each of these counts in part, with the chance of being drawn.

    Returns
    -------
    curve : DataFrame
        One row for each fraction: ``coverage``; ``uar`` over all classes of `y_true`, NaN where
        some are left without a sample (scores over other classes cannot be compared); ``wa``;
        ``n``; ``n_classes`` that are left; and ``least_proba``, the least probability that is still
        predicted.

    Raises
    ------
    ValueError
        As `reliability_table`; if a fraction is not above 0 and at most 1.

    Examples
    --------
    >>> proba = [[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.55, 0.45]]
    >>> abstention_curve([0, 1, 0, 1], proba, coverage=[1.0, 0.5])["uar"].tolist()
    [0.75, 1.0]
    """
    codes, values, _ = check_probabilities(y_true, proba, classes)
    if any(not 0 < fraction <= 1 for fraction in coverage):
        raise ValueError(f"coverage={list(coverage)!r} must hold fractions above 0 and at most 1.")
    sure, true = values.max(axis=1), check_kind(y_true, "y_true")
    right = values.argmax(axis=1) == codes
    order = np.sort(sure)[::-1]
    places = np.unique(true, return_inverse=True)[1]
    rows = []
    for fraction in coverage:
        n = max(1, round(fraction * len(order)))
        weight = _chance_of_being_kept(sure, order[n - 1], n)
        support = np.bincount(places, weight)
        hits = np.bincount(places, weight * right)
        complete = bool((support > 0).all())
        rows.append(
            {
                "coverage": n / len(order),
                "uar": float(np.mean(hits / support)) if complete else float("nan"),
                "wa": float(hits.sum() / n),
                "n": n,
                "n_classes": int((support > 0).sum()),
                "least_proba": float(order[n - 1]),
            }
        )
    return pd.DataFrame(rows)


def _chance_of_being_kept(sure: Floats, least: float, n: int) -> Floats:
    """Share the places that are left after the surer samples among those that are tied."""
    # Rounding errors of 1e-12 would tell apart what a model holds equal.
    tied = np.abs(sure - least) <= _TIED
    surer = (sure > least) & ~tied
    return surer + tied * (n - surer.sum()) / tied.sum()
