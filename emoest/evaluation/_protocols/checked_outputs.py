"""What models predicted, checked before it is scored."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from emoest.evaluation._cross_fitting import FoldOutput
from emoest.utils.messages import listed, short_repr

_APART = 1e-3
"""Probabilities of a sample may sum to 1 but for this; single precision stays within it."""

_MIXED = "values of several kinds"


def describe_bad_output(output: FoldOutput, targets: pd.DataFrame, task: str) -> str:
    """Say what is wrong with the predictions of a fold; empty if they can be scored.

    Examples
    --------
    >>> from emoest.evaluation._cross_fitting import FoldTask
    >>> task = FoldTask("m", 1, None, np.array([0]), np.array([1]), seed=0)
    >>> targets = pd.DataFrame({"y": ["sad", "glad"]})
    >>> describe_bad_output(FoldOutput(task, np.array([3])), targets, "classification")
    "predict gave numbers (3), but 'y' holds texts ('glad')"
    >>> describe_bad_output(FoldOutput(task, np.array(["sad"])), targets, "classification")
    ''
    """
    test, y_pred = output.task.test, output.y_pred
    if y_pred.ndim == 0:
        return f"predict gave {short_repr(y_pred[()])} instead of an array"
    if len(y_pred) != len(test):
        return f"predict gave {len(y_pred)} predictions for {len(test)} samples"
    n_targets = targets.shape[1]
    if y_pred.ndim > 2 or y_pred.size != len(test) * n_targets:
        wanted = "one value a sample" if n_targets == 1 else f"{n_targets} values a sample"
        return f"predict gave an array of shape {y_pred.shape}, but {wanted} is scored"
    columns = y_pred.reshape(len(test), n_targets).T
    for values, target in zip(columns, targets, strict=True):
        if wrong := _describe_values(values, targets[target].iloc[test], task, test):
            return wrong
    found = (_describe_probabilities(table, test) for table in output.probabilities.values())
    return next(filter(None, found), "")


def _describe_values(
    values: npt.NDArray[Any], true: "pd.Series[Any]", task: str, test: npt.NDArray[np.intp]
) -> str:
    gaps = pd.isna(values)
    if gaps.any():
        return f"predict gave no value (NaN or None) for {_where(gaps, test)}"
    given, wanted = _kind(values), _kind(true.to_numpy(dtype=object))
    if given != wanted and (task == "regression" or _MIXED not in (given, wanted)):
        first, known = (listed(each[:1], quoted=True) for each in (values, true))
        return f"predict gave {given} ({first}), but {true.name!r} holds {wanted} ({known})"
    if task == "regression" and not (finite := np.isfinite(values.astype(np.float64))).all():
        return f"predict gave infinite values for {_where(~finite, test)}"
    return ""


def _kind(values: npt.NDArray[Any]) -> str:
    if values.dtype.kind in "biuf":
        return "numbers"
    for name, types in (("texts", str), ("numbers", int | float | np.number | np.bool_)):
        if all(isinstance(value, types) for value in values):
            return name
    return _MIXED


def _describe_probabilities(table: pd.DataFrame, test: npt.NDArray[np.intp]) -> str:
    # As missing columns they would count as 0 later.
    gaps = table.isna().any(axis=1).to_numpy()
    if gaps.any():
        return f"predict_proba gave NaN for {_where(gaps, test)}. Pass proba=False to do without"
    values = table.to_numpy(dtype=np.float64)
    negative = (values < -_APART).any(axis=1)
    wrong = negative | (np.abs(values.sum(axis=1) - 1) > _APART)
    if wrong.any():
        what = "are negative" if negative.any() else "do not sum to 1"
        return (
            f"predict_proba gave probabilities that {what} for {_where(wrong, test)}. Pass "
            "proba=False to do without"
        )
    return ""


def _where(wrong: npt.NDArray[np.bool_], test: npt.NDArray[np.intp]) -> str:
    return f"{wrong.sum()} sample(s), at position {test[wrong.argmax()]}"
