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


def is_label_distribution(y: Any) -> bool:
    """Check whether a target is a table of proportions: how many raters gave each label.

    Examples
    --------
    >>> is_label_distribution(pd.DataFrame({"glad": [0.25], "sad": [0.75]}))
    True
    >>> is_label_distribution(pd.DataFrame({"glad": [1.0], "sad": [1.0]}))
    False
    """
    if not isinstance(y, pd.DataFrame) or y.shape[1] < 2 or not len(y):
        return False
    if not all(kind.kind == "f" for kind in y.dtypes):
        return False
    values = y.to_numpy(dtype=np.float64)
    rated = ~np.isnan(values).all(axis=1)
    some = values[rated]
    return bool(rated.any() and (some >= 0).all() and np.allclose(some.sum(axis=1), 1.0, atol=1e-4))


def read_label_distribution(estimator: Any, X: Any, y: pd.DataFrame) -> tuple[Array, Array]:
    """Validate a table of proportions; see `is_label_distribution`.

    Parameters
    ----------
    estimator : estimator
        For the messages.
    X : DataFrame or array-like
        The samples.
    y : DataFrame of shape (n_samples, n_classes)
        Proportions; the columns are the classes.

    Returns
    -------
    classes : ndarray of shape (n_classes,)
        Sorted.
    target : ndarray of shape (n_samples, n_classes), dtype float32
        In their order.

    Raises
    ------
    ValueError
        If it has another length than X, or nobody rated a sample; the message names rows.

    Examples
    --------
    >>> y = pd.DataFrame({"sad": [0.75], "glad": [0.25]})
    >>> classes, target = read_label_distribution(None, [[0.0]], y)
    >>> classes.tolist(), target.tolist()
    (['glad', 'sad'], [[0.25, 0.75]])
    """
    check_consistent_length(X, y)
    unrated = y.index[y.isna().any(axis=1)]
    if len(unrated):
        raise ValueError(
            f"{len(unrated)} row(s) of y have no votes: {listed(unrated, quoted=True)}. "
            f"{type(estimator).__name__} needs them in every row; leave these rows out."
        )
    names = np.array(y.columns.tolist())
    order = np.argsort(names, kind="stable")
    target = y.to_numpy(dtype=np.float64)[:, order]
    return names[order], (target / target.sum(axis=1, keepdims=True)).astype(np.float32)


def class_prior(codes: Any, n_classes: int, sample_weight: Any = None) -> Floats:
    """Compute the (weighted) proportion of each class; uniform where no sample has a weight.

    Parameters
    ----------
    codes : ndarray of int, shape (n_samples,), or of float, shape (n_samples, n_classes)
        Position of each sample's class, or the proportion of each class.
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
    if np.ndim(codes) == 2:
        weight = np.ones(len(codes)) if sample_weight is None else sample_weight
        counts = np.asarray(weight) @ np.asarray(codes, dtype=np.float64)
    else:
        counts = np.bincount(codes, weights=sample_weight, minlength=n_classes)
    total = counts.sum()
    return counts / total if total > 0 else np.full(n_classes, 1 / n_classes)
