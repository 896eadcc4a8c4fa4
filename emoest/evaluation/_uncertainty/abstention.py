"""What a model gains where it may abstain."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from emoest.evaluation._metrics import recall_per_class
from emoest.evaluation._uncertainty.calibration import check_probabilities


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
        probability, the model abstains. Ties are kept in the order of the samples.

    Returns
    -------
    curve : DataFrame
        One row for each fraction: ``coverage``, ``uar`` over the classes that are left, ``wa``,
        ``n``, ``n_classes`` and ``least_proba``, the least probability that is still predicted.

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
    _, values, names = check_probabilities(y_true, proba, classes)
    if any(not 0 < fraction <= 1 for fraction in coverage):
        raise ValueError(f"coverage={list(coverage)!r} must hold fractions above 0 and at most 1.")
    sure, true = values.max(axis=1), np.asarray(y_true)
    pred = names[values.argmax(axis=1)]
    order = np.argsort(-sure, kind="stable")
    rows = []
    for fraction in coverage:
        kept = order[: max(1, round(fraction * len(order)))]
        rows.append(
            {
                "coverage": len(kept) / len(order),
                "uar": float(recall_per_class(true[kept], pred[kept]).mean()),
                "wa": float(np.mean(true[kept] == pred[kept])),
                "n": len(kept),
                "n_classes": len(np.unique(true[kept])),
                "least_proba": float(sure[kept].min()),
            }
        )
    return pd.DataFrame(rows)
