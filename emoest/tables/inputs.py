"""The door of estimators: tables of other libraries, and names that only fit or predict has."""

from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils.validation import validate_data


def as_pandas(X: Any) -> Any:
    """Convert a polars DataFrame with its names; anything else is returned as it is.

    Examples
    --------
    >>> as_pandas([[1.0]])
    [[1.0]]
    """
    if type(X).__module__.split(".")[0] != "polars" or not hasattr(X, "get_columns"):
        return X
    columns = {}
    for column in X.get_columns():
        # Not to_pandas(), which needs pyarrow.
        numeric = column.dtype.is_numeric()
        values = column.to_numpy() if numeric else _objects(column.to_list())
        columns[column.name] = values
    return pd.DataFrame(columns)


def _objects(cells: list[Any]) -> Any:
    values = np.empty(len(cells), dtype=object)
    values[:] = cells
    return values


def as_fitted(estimator: Any, X: Any, *, reset: bool) -> Any:
    """Give `X` the form of the table of ``fit``: names by position, or none.

    scikit-learn's rule for a table with names after one without, and the other way round: it warns,
    and columns are taken by position.

    Parameters
    ----------
    estimator : estimator
        Fitted, if not `reset`.
    X : DataFrame (pandas or polars) or array-like of shape (n_samples, n_columns)
        The table.
    reset : bool
        True in ``fit``, where `X` decides about the form.

    Returns
    -------
    X : DataFrame or array-like

    Raises
    ------
    ValueError
        If `X` has another number of columns than in ``fit``.

    Examples
    --------
    >>> from emoest.normalization import ZScoreNormalizer
    >>> fitted = ZScoreNormalizer().fit(pd.DataFrame({"audio__f0": [1.0, 3.0]}))
    >>> import warnings
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     as_fitted(fitted, np.array([[2.0]]), reset=False).columns.tolist()
    ['audio__f0']
    """
    X = as_pandas(X)
    if reset:
        return X
    names = getattr(estimator, "feature_names_in_", None)
    named = isinstance(X, pd.DataFrame)
    if named == (names is not None) or not _is_table(X):
        return X
    if named and not (hasattr(estimator, "n_features_in_") and _has_names(X)):
        return X
    validate_data(estimator, X, reset=False, skip_check_array=True)
    return X.to_numpy() if named else pd.DataFrame(_plain(X), columns=names)


def _is_table(X: Any) -> bool:
    return isinstance(X, pd.DataFrame) or (isinstance(X, np.ndarray | list) and _plain(X).ndim == 2)


def _plain(X: Any) -> Any:
    if isinstance(X, np.ndarray):
        return X
    try:
        return np.asarray(X)
    except ValueError:
        return np.empty(0)


def _has_names(X: pd.DataFrame) -> bool:
    return all(isinstance(column, str) for column in X.columns)
