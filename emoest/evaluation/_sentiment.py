"""Scores of sentiment on the scale from -3 to 3, as studies of MOSI and MOSEI report them."""

from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import accuracy_score, f1_score

from emoest.evaluation._inputs.columns import check_ratings
from emoest.evaluation._metrics import ccc_score, pearson_score
from emoest.utils.typing import Floats


def sentiment_scores(y_true: Any, y_pred: Any) -> "pd.Series[float]":
    """Compute the scores of sentiment analysis from values between -3 and 3.

    Parameters
    ----------
    y_true, y_pred : array-like of shape (n_samples,)
        The true and the predicted sentiment. Values of another scale are brought to this one
        first: ratings from -4 to 4 are divided by 4/3.

    Returns
    -------
    scores : Series of shape (9,)
        ``mae`` (mean absolute error), ``pearson`` (Pearson's r), ``ccc`` (concordance);
        ``acc_7`` and ``acc_5``, the proportion of values that are equal when clipped to -3 to 3 (-2
        to 2) and rounded, a half to the even number; and accuracy and weighted F1 of the sign in
        both conventions: ``acc_2_has0`` and ``f1_has0`` tell values below 0 from all others, over
        all samples; ``acc_2_non0`` and ``f1_non0`` tell values above 0 from all others, over the
        samples whose true value is not 0 (NaN if there is none).

    Raises
    ------
    ValueError
        If the lengths differ, there are no samples, or a value is missing or infinite.

    Notes
    -----
    The definitions are those of the evaluation script of UniMSE, which takes them over from
    earlier studies of MOSI. A table that gives accuracy as a pair, such as 85.85/86.90, most
    probably gives ``acc_2_has0`` before ``acc_2_non0`` (inferred from the order of that script).

    References
    ----------
    G. Hu, T.-E. Lin, Y. Zhao, G. Lu, Y. Wu, Y. Li (2022). UniMSE: towards unified multimodal
    sentiment analysis and emotion recognition. EMNLP.

    Examples
    --------
    >>> scores = sentiment_scores([-1.0, 0.0, 2.4, 3.0], [-0.6, -0.2, 2.6, 2.9])
    >>> scores[["mae", "acc_7", "acc_2_has0", "acc_2_non0"]].round(3).tolist()
    [0.225, 0.75, 0.75, 1.0]
    """
    true, pred, _ = check_ratings(y_true, y_pred, None)
    known = true != 0
    signs = {
        "has0": (true >= 0, pred >= 0),
        "non0": (true[known] > 0, pred[known] > 0),
    }
    scores = {
        "mae": float(np.abs(true - pred).mean()),
        "pearson": pearson_score(true, pred),
        "ccc": ccc_score(true, pred),
        "acc_7": _rounded_accuracy(true, pred, 3.0),
        "acc_5": _rounded_accuracy(true, pred, 2.0),
    }
    for name, (positive, predicted) in signs.items():
        scores[f"acc_2_{name}"] = _or_nan(accuracy_score, positive, predicted)
    for name, (positive, predicted) in signs.items():
        scores[f"f1_{name}"] = _or_nan(_weighted_f1, positive, predicted)
    return pd.Series(scores, name="score")


def _rounded_accuracy(true: Floats, pred: Floats, most: float) -> float:
    rounded = [np.round(np.clip(values, -most, most)) for values in (true, pred)]
    return float((rounded[0] == rounded[1]).mean())


def _weighted_f1(true: Any, pred: Any) -> float:
    return float(f1_score(true, pred, average="weighted", zero_division=0))


def _or_nan(score: Any, true: Any, pred: Any) -> float:
    return float(score(true, pred)) if len(true) else float("nan")
