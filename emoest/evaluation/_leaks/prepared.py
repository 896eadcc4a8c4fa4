"""Traces of work done on all rows before they were split."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.frozen import FrozenEstimator

from emoest.evaluation._leakage import nested
from emoest.tables.groups import Split
from emoest.tables.names import is_context, numeric_columns
from emoest.utils.typing import Floats

_TOLERANCE = 1e-4
_LEAST_ROWS = 10
_MOST_COLUMNS = 50
_STORED = ("support_vectors_", "_fit_X", "X_fit_", "X_train_")
"""Where estimators of scikit-learn keep rows that they were fitted on."""


def numeric_values(X: Any) -> Floats | None:
    """Take the numeric columns that are no context; None if there are none.

    Examples
    --------
    >>> numeric_values(pd.DataFrame({"audio__f0": [1.5], "speaker": ["a"]})).tolist()
    [[1.5]]
    """
    if not isinstance(X, pd.DataFrame):
        array = np.asarray(X)
        return array.astype(np.float64) if array.ndim == 2 and array.dtype.kind in "fiu" else None
    kept = numeric_columns(X)
    return X.iloc[:, kept].to_numpy(dtype=np.float64) if kept else None


def describe_scaling(values: Floats | None, groups: Any = None) -> str:
    """Say how a table of numbers was scaled over all of its rows; empty if it shows no sign of it.

    Examples
    --------
    >>> values = np.random.default_rng(0).normal(3.0, 2.0, size=(20, 2))
    >>> describe_scaling(values)
    ''
    >>> describe_scaling((values - values.mean(0)) / values.std(0))
    'columns have mean 0 and deviation 1 over all rows: z-scores of training and test rows together'
    """
    if values is None or len(values) < _LEAST_ROWS:
        return ""
    values = values[:, np.isfinite(values).all(axis=0)]
    values = values[:, np.ptp(values, axis=0) > 0] if values.size else values
    if values.shape[1] < 2:
        return ""
    if np.all(values.min(axis=0) == 0) and np.all(np.abs(values.max(axis=0) - 1) <= 1e-12):
        return "columns reach from 0 to 1 over all rows: scaled on training and test rows together"
    scale = values.std(axis=0)
    centered = np.all(np.abs(values.mean(axis=0)) <= _TOLERANCE * scale)
    return _describe_centered(values, scale, groups) if centered else ""


def _describe_centered(values: Floats, scale: Floats, groups: Any) -> str:
    if groups is not None and _centered_by(values, groups):
        return "columns have mean 0 within each group: normalized by group, test rows included"
    ddof = np.sqrt(len(values) / (len(values) - 1))
    if any(np.all(np.abs(scale * factor - 1) <= _TOLERANCE) for factor in (1.0, ddof)):
        return (
            "columns have mean 0 and deviation 1 over all rows: z-scores of training and test "
            "rows together"
        )
    some = values[:, :_MOST_COLUMNS]
    apart = np.abs(np.corrcoef(some, rowvar=False) - np.eye(some.shape[1])).max()
    if len(values) > 2 * values.shape[1] and apart < _TOLERANCE:
        return (
            "columns have mean 0 and are uncorrelated over all rows: principal components of "
            "training and test rows together"
        )
    return ""


def _centered_by(values: Floats, groups: Any) -> bool:
    codes = pd.factorize(np.asarray(groups))[0]
    counts = np.bincount(codes)
    if len(counts) < 2 or counts.min() < 2:
        return False
    sums = np.stack([np.bincount(codes, weights=column) for column in values.T], axis=1)
    return bool(np.all(np.abs(sums / counts[:, None]) <= _TOLERANCE * values.std(axis=0)))


def columns_that_tell(X: Any, y: Any) -> tuple[list[Any], list[Any]]:
    """Find columns that are another name of the label, and numeric ones that determine it.

    Examples
    --------
    >>> X = pd.DataFrame({"code": ["A", "S", "A"], "audio__f0": [0.0, 1.0, 0.0]})
    >>> columns_that_tell(X, ["angry", "sad", "angry"])
    (['code'], ['audio__f0'])
    """
    if not isinstance(X, pd.DataFrame):
        return [], []
    labels = pd.factorize(np.asarray(y, dtype=object))[0]
    n_classes = int(labels.max()) + 1
    names: list[Any] = []
    numbers: list[Any] = []
    for i, column in enumerate(X.columns):
        if is_context(column):
            continue
        values = X.iloc[:, i]
        numeric = pd.api.types.is_numeric_dtype(values.dtype)
        # Most columns show more values than there are classes in their first rows already.
        if not all(map(_is_plain, values.iloc[:50])) or values.iloc[:50].nunique() > n_classes:
            continue
        # A modality may be missing in all of the first rows.
        if not numeric and not all(map(_is_plain, values)):
            continue
        codes = pd.factorize(values)[0]
        pairs = len(np.unique(np.column_stack([codes, labels]), axis=0))
        if pairs == n_classes == codes.max() + 1 and codes.min() >= 0:
            (numbers if numeric else names).append(column)
    return names, numbers


def _is_plain(cell: Any) -> bool:
    return isinstance(cell, str | int | float | np.generic | None)


def rows_in_frozen_parts(
    model: Any, values: Floats | None, splits: Sequence[Split]
) -> dict[str, str]:
    """Find finished parts that show that they were fitted on test rows of a fold.

    Looked at are rows that they keep (support vectors, neighbors) and means of all rows; parts
    behind others see other numbers, and tell nothing. What the training part of a fold explains,
    the same row or the same means, says nothing of its test part.

    Examples
    --------
    >>> from sklearn.preprocessing import StandardScaler
    >>> values = np.random.default_rng(0).normal(size=(20, 2))
    >>> splits = [(np.arange(10), np.arange(10, 20))]
    >>> rows_in_frozen_parts(FrozenEstimator(StandardScaler().fit(values)), values, splits)
    {'StandardScaler': 'its means are those of all rows'}
    >>> rows_in_frozen_parts(FrozenEstimator(StandardScaler().fit(values[:10])), values, splits)
    {}
    """
    found: dict[str, str] = {}
    if values is None:
        return found
    for _, frozen in nested(model):
        if not isinstance(frozen, FrozenEstimator):
            continue
        for _, part in nested(frozen.estimator):
            best = getattr(part, "best_estimator_", None)
            for _, inner in [("", part), *nested(best)]:
                if says := _memory(inner, values, splits):
                    found[type(inner).__name__] = says
    return found


def _memory(part: Any, values: Floats, splits: Sequence[Split]) -> str:
    mean = getattr(part, "mean_", None)
    if mean is not None and np.shape(mean) == (values.shape[1],):
        scale = np.maximum(np.nanstd(values, axis=0), 1e-12)

        def is_of(rows: Floats) -> bool:
            return bool(np.all(np.abs(mean - np.nanmean(rows, axis=0)) <= 1e-6 * scale))

        # Columns that are centered within speakers have the same means in every part.
        if is_of(values) and any(not is_of(values[train]) for train, _ in splits):
            return "its means are those of all rows"
    for name in _STORED:
        stored = getattr(part, name, None)
        if isinstance(stored, np.ndarray) and stored.ndim == 2:
            n_same = _count_tested(stored, values, splits)
            if n_same:
                return f"it keeps {n_same} of the rows tested"
    return ""


def _count_tested(stored: npt.NDArray[Any], values: Floats, splits: Sequence[Split]) -> int:
    """Count the test rows that are stored and that no training row of their fold is the same as."""
    if stored.shape[1] != values.shape[1]:
        return 0
    own = {row.tobytes() for row in np.ascontiguousarray(stored, dtype=np.float64)}
    rows = [row.tobytes() for row in np.ascontiguousarray(values)]
    kept = np.array([row in own for row in rows], dtype=bool)
    found: set[int] = set()
    for train, test in splits:
        tested = test[kept[test]].tolist()
        trained = {rows[i] for i in train[kept[train]]} if tested else set()
        found.update(i for i in tested if rows[i] not in trained)
    return len(found)
