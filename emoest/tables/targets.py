"""Targets: one value a row, none missing."""

from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils import column_or_1d
from sklearn.utils.validation import check_array, check_consistent_length

from emoest.tables.cells import missing_cells
from emoest.utils.messages import listed
from emoest.utils.typing import Array, Floats


def read_target(estimator: Any, X: Any, y: Any, *, numeric: bool) -> Array:
    """Validate a target of one value a row.

    Parameters
    ----------
    estimator : estimator
        For the messages.
    X : DataFrame or array-like
        The samples.
    y : array-like of shape (n_samples,)
        The target.
    numeric : bool
        Whether it must be numbers.

    Returns
    -------
    y : ndarray of shape (n_samples,)

    Raises
    ------
    ValueError
        If there is none, it has several columns or another length than X, or a value is missing;
        the message names rows.

    Examples
    --------
    >>> read_target(None, [[0.0], [1.0]], ["sad", "happy"], numeric=False).tolist()
    ['sad', 'happy']
    """
    if y is None:
        raise ValueError(
            f"This {type(estimator).__name__} estimator requires y to be passed, but the target y "
            "is None."
        )
    refuse_several_targets(estimator, y)
    y = column_or_1d(y, warn=True)
    check_consistent_length(X, y)
    _refuse_missing_targets(X, y)
    if numeric or y.dtype.kind in "fc":
        dtype = np.float64 if numeric else None
        y = check_array(y, ensure_2d=False, dtype=dtype, input_name="y")
    return y


def _refuse_missing_targets(X: Any, y: Array) -> None:
    if y.dtype.kind not in ("f", "O"):
        return
    missing = np.flatnonzero(missing_cells(y))
    if len(missing):
        names = list(X.index if isinstance(X, pd.DataFrame | pd.Series) else range(len(y)))
        raise ValueError(
            f"Input y contains NaN or None in {len(missing)} row(s), for example "
            f"{listed([names[i] for i in missing], quoted=True)}. Leave out the rows without a "
            "label."
        )


def refuse_several_targets(estimator: Any, y: Any) -> None:
    """Raise `ValueError` if `y` has several columns, and say what fits one model each.

    Examples
    --------
    >>> refuse_several_targets(None, [0, 1, 1])
    """
    shape = np.asarray(y).shape
    if len(shape) == 2 and shape[1] > 1:
        raise ValueError(
            f"{type(estimator).__name__} takes a 1d array of targets, y has shape {shape}. Several "
            "targets (valence and arousal) need one model each: "
            f"emoest.multioutput.MultiTarget({type(estimator).__name__}(...))."
        )


def class_prior(codes: Any, n_classes: int, sample_weight: Any = None) -> Floats:
    """Compute the (weighted) proportion of each class; uniform where no sample has a weight.

    Parameters
    ----------
    codes : ndarray of int, shape (n_samples,)
        Position of each sample's class.
    n_classes : int
        How many there are.
    sample_weight : ndarray of shape (n_samples,), default=None
        Weights of the samples.

    Returns
    -------
    prior : ndarray of shape (n_classes,)

    Examples
    --------
    >>> class_prior(np.array([0, 1, 1]), 3).tolist()
    [0.3333333333333333, 0.6666666666666666, 0.0]
    >>> class_prior(np.array([0, 1]), 2, np.zeros(2)).tolist()
    [0.5, 0.5]
    """
    counts = np.bincount(codes, weights=sample_weight, minlength=n_classes)
    total = counts.sum()
    return counts / total if total > 0 else np.full(n_classes, 1 / n_classes)
