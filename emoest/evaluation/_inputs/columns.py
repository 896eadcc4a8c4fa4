"""Columns of true and predicted values, as arrays, or what is wrong with them."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.utils import column_or_1d
from sklearn.utils.multiclass import type_of_target

from emoest.evaluation._inputs.aligned import check_aligned
from emoest.utils.messages import listed
from emoest.utils.typing import Array, Floats


def check_classes(y_true: Any, y_pred: Any, sample_weight: Any) -> tuple[Array, Array, Floats]:
    """Convert true classes, predicted ones and weights to arrays, or say what is wrong with them.

    Examples
    --------
    >>> check_classes(["a"], ["b"], None)[2].tolist()
    [1.0]
    """
    columns = {"y_true": y_true, "y_pred": y_pred}
    true, pred = check_labels(columns, also={"sample_weight": sample_weight})
    return true, pred, _check_weight(sample_weight, len(true))


def check_labels(
    columns: Mapping[str, Any], *, also: Mapping[str, Any] | None = None
) -> list[Array]:
    """Convert columns of classes of the same samples to arrays of one kind of label.

    Parameters
    ----------
    columns : dict of str to array-like of shape (n_samples,)
        Classes, by the names that a message gives the columns.
    also : dict of str to array-like, default=None
        What else belongs to the same samples (weights, groups); None in it is left out.

    Returns
    -------
    labels : list of ndarray
        In the order of `columns`.

    Raises
    ------
    ValueError
        If there is no sample, lengths or orders differ, a label is missing, a column holds no
        classes, or one holds text and another numbers.

    Examples
    --------
    >>> [each.tolist() for each in check_labels({"y_true": ["a", "b"], "y_pred": ["a", "a"]})]
    [['a', 'b'], ['a', 'a']]
    """
    labels = {name: check_kind(column, name) for name, column in columns.items()}
    check_aligned({**columns, **(also or {})})
    first, *others = labels
    for name in others:
        if is_text(labels[first]) != is_text(labels[name]):
            raise ValueError(
                f"{first} and {name} hold labels of different kinds: {labels[first][0]!r} against "
                f"{labels[name][0]!r}."
            )
    return list(labels.values())


def is_text(labels: Array) -> bool:
    """Check whether labels of `check_kind` are texts.

    Examples
    --------
    >>> is_text(np.array(["sad"])), is_text(np.array([1]))
    (True, False)
    """
    return labels.dtype.kind in "OU"


def check_kind(y: Any, name: str) -> Array:
    """Convert one column of classes to an array.

    Examples
    --------
    >>> check_kind(pd.Series([1, 2], dtype=object), "y_true").dtype.kind
    'i'
    """
    if np.ndim(y) == 2 and np.shape(y)[1] > 1:
        raise ValueError(
            f"{name} has {np.shape(y)[1]} columns, and this score is of one target: score each "
            "column, use multilabel_uar for zeros and ones, or emoest.evaluation.evaluate, which "
            "gives one row a target."
        )
    labels: Array = column_or_1d(np.asarray(y))
    # numpy writes what stands in a list beside text as text, NaN as the label "nan".
    if labels.dtype.kind == "U" and isinstance(y, list | tuple):
        labels = np.array(y, dtype=object).reshape(labels.shape)
    _check_present(pd.isna(labels), name)
    if labels.dtype.kind == "O":
        text = [isinstance(label, str) for label in labels]
        if any(text) and not all(text):
            raise ValueError(f"{name} mixes strings with labels of another kind.")
        # Numbers in an object column sort and compare as numbers in an array of their own kind.
        labels = labels if all(text) else np.array(labels.tolist())
    if (kind := type_of_target(labels)) not in ("binary", "multiclass"):
        raise ValueError(f"{name} must hold classes, but it is {kind}, for example {labels[0]!r}.")
    return labels


def check_ratings(y_true: Any, y_pred: Any, sample_weight: Any) -> tuple[Floats, Floats, Floats]:
    """Convert true values, predicted values and weights to arrays, or say what is wrong with them.

    Examples
    --------
    >>> check_ratings([1], [2], None)
    (array([1.]), array([2.]), array([1.]))
    """
    true = np.asarray(column_or_1d(np.asarray(y_true)), dtype=np.float64)
    pred = np.asarray(column_or_1d(np.asarray(y_pred)), dtype=np.float64)
    _check_present(~np.isfinite(true), "y_true")
    _check_present(~np.isfinite(pred), "y_pred")
    check_aligned({"y_true": y_true, "y_pred": y_pred, "sample_weight": sample_weight})
    return true, pred, _check_weight(sample_weight, len(true))


def check_multilabel(y_true: Any, y_pred: Any) -> tuple[pd.Index, Array, Array]:
    """Convert two tables of zeros and ones to arrays, columns of the same names side by side.

    Examples
    --------
    >>> first, second = pd.DataFrame({"a": [1], "b": [0]}), pd.DataFrame({"b": [0], "a": [1]})
    >>> check_multilabel(first, second)[2].tolist()
    [[1, 0]]
    """
    frame = pd.DataFrame(y_true)
    true, pred = frame.to_numpy(), np.asarray(y_pred)
    if all(isinstance(each, pd.DataFrame) for each in (y_true, y_pred)):
        pred = _same_columns(frame, y_pred).to_numpy()
    if true.shape != pred.shape:
        raise ValueError(f"y_true has the shape {true.shape} and y_pred {pred.shape}.")
    for name, values in (("y_true", true), ("y_pred", pred)):
        if not np.isin(values, [0, 1]).all():
            raise ValueError(f"{name} of a multi-label target must hold zeros and ones only.")
    check_aligned({"y_true": y_true, "y_pred": y_pred})
    return frame.columns, true.astype(np.intp), pred.astype(np.intp)


def _same_columns(true: pd.DataFrame, pred: pd.DataFrame) -> pd.DataFrame:
    """Take predictions in the order of the true columns; columns without names stay in theirs."""
    if true.columns.equals(pred.columns) or isinstance(pred.columns, pd.RangeIndex):
        return pred
    if true.columns.is_unique and set(true.columns) == set(pred.columns):
        return pred[list(true.columns)]
    raise ValueError(
        f"y_true has the columns {listed(true.columns, quoted=True)}, and y_pred "
        f"{listed(pred.columns, quoted=True)}: give both the same names."
    )


def _check_present(bad: npt.NDArray[np.bool_], name: str) -> None:
    if len(bad) == 0:
        raise ValueError(f"{name} is empty: there is nothing to score.")
    if bad.any():
        rows = np.flatnonzero(bad)
        raise ValueError(
            f"{name} has {len(rows)} missing or infinite value(s), at position {listed(rows)}. "
            "Drop these samples first."
        )


def _check_weight(sample_weight: Any, n_samples: int) -> Floats:
    if sample_weight is None:
        return np.ones(n_samples)
    weight: Floats = np.asarray(column_or_1d(sample_weight), dtype=np.float64)
    if not (weight >= 0).all() or weight.sum() == 0:
        raise ValueError("sample_weight must not be negative or missing, nor zero everywhere.")
    return weight
