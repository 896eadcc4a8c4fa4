"""The folds of a splitter, checked: positions of rows, none in both parts."""

import warnings
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from emoest.evaluation._cross_fitting import Groups
from emoest.tables.groups import Split
from emoest.utils._sklearn import num_samples
from emoest.utils.messages import listed


def make_splits(splitter: Any, X: Any, y: Any, groups: Groups) -> list[Split]:
    rows = X if isinstance(X, pd.DataFrame) else np.zeros((num_samples(X), 1))
    n_rows = num_samples(X)
    with warnings.catch_warnings():
        # A splitter without groups says so; whether any are on both sides is checked next.
        warnings.filterwarnings("ignore", "The groups parameter is ignored")
        splits = [
            (_positions(train, n_rows), _positions(test, n_rows))
            for train, test in splitter.split(rows, y, groups)
        ]
    if not splits:
        raise ValueError("cv gives no folds.")
    for fold, (train, test) in enumerate(splits, start=1):
        if len(train) == 0 or len(test) == 0:
            part = "training" if len(train) == 0 else "test"
            raise ValueError(f"The {part} part of fold {fold} of {len(splits)} is empty.")
        both = np.intersect1d(train, test)
        if len(both):
            raise ValueError(
                f"{len(both)} row(s) are in both the training and the test part of fold {fold} of "
                f"{len(splits)}, at position {listed(both)}: no row can be tested by a model that "
                "was trained on it."
            )
    return splits


def _positions(part: Any, n_rows: int) -> npt.NDArray[np.intp]:
    """Return the positions that a part of a split names; a mask names those where it is True."""
    rows = np.asarray(part)
    if rows.dtype == bool:
        if len(rows) != n_rows:
            raise ValueError(f"A mask of cv has {len(rows)} entries for {n_rows} rows.")
        return np.flatnonzero(rows)
    outside = rows[(rows < 0) | (rows >= n_rows)] if rows.dtype.kind in "iu" else rows
    if len(outside):
        raise ValueError(
            f"cv holds {listed(outside, quoted=True)}, but a fold holds positions of rows, "
            f"counted from 0 to {n_rows - 1}."
        )
    return rows.astype(np.intp)
