"""What a deep estimator is to learn: one value a row, none missing."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.utils import column_or_1d
from sklearn.utils.validation import check_array, check_consistent_length

from emoest.tables.cells import missing_cells
from emoest.tables.targets import refuse_several_targets

_SHOWN = 5


def read_target(estimator: Any, X: Any, y: Any, *, numeric: bool) -> npt.NDArray[Any]:
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


def _refuse_missing_targets(X: Any, y: npt.NDArray[Any]) -> None:
    missing = np.flatnonzero(missing_cells(y)) if y.dtype.kind in ("f", "O") else []
    if len(missing):
        names = X.index if isinstance(X, pd.DataFrame | pd.Series) else range(len(y))
        shown = ", ".join(repr(names[i]) for i in missing[:_SHOWN])
        raise ValueError(
            f"Input y contains NaN or None in {len(missing)} row(s), for example {shown}. Leave "
            "out the rows without a label."
        )
