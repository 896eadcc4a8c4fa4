"""The door of estimators: tables of other libraries, and names that only fit or predict has."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import issparse
from sklearn.utils.validation import validate_data

from emoest.tables.cells import object_column

_ONE_TABLE = ", and emoest takes one table: a row a sample, a column (or several) a modality"
_CONVERTERS = ("collect", "to_pandas")
"""Methods by which lazy tables of polars and tables of pyarrow and others become DataFrames."""


def as_pandas(X: Any, *, lists: bool = True) -> Any:
    """Convert a polars DataFrame with its names; what is a table already is returned as it is.

    Parameters
    ----------
    X : DataFrame (pandas or polars), Series or array-like
        The table.
    lists : bool, default=True
        Whether a list is a table of rows, so that one of frames or dicts is none; False where it
        is a column of cells of media.

    Returns
    -------
    X : DataFrame, Series or array-like

    Raises
    ------
    TypeError
        If X is a dict, a list of dicts or a table of another library.
    ValueError
        If X is a list of frames or an array of more than two dimensions.

    Examples
    --------
    >>> as_pandas([[1.0]])
    [[1.0]]
    >>> as_pandas({"audio": ["a.wav"]})
    Traceback (most recent call last):
        ...
    TypeError: X is a dict, and emoest takes one table... Take pandas.DataFrame(X).
    """
    if isinstance(X, pd.DataFrame | pd.Series):
        return X
    if isinstance(X, np.ndarray | list | tuple):
        if lists:
            _refuse_list(X)
        return X
    if type(X).__module__.split(".")[0] == "polars" and not hasattr(X, "collect"):
        return _from_polars(X if hasattr(X, "get_columns") else X.to_frame())
    # Sparse arrays are left to scikit-learn; those by key are dicts.
    if isinstance(X, Mapping) and not issparse(X):
        raise TypeError(f"X is a {type(X).__name__}{_ONE_TABLE}. {_table_from_mapping(X)}")
    method = next((name for name in _CONVERTERS if callable(getattr(X, name, None))), None)
    if method is not None:
        library = type(X).__module__.split(".")[0]
        raise TypeError(f"X is a {type(X).__name__} of {library}{_ONE_TABLE}. Take X.{method}().")
    return X


def _refuse_list(X: Any) -> None:
    scalar = isinstance(X, np.ndarray) and X.ndim == 0
    first = None if scalar else next(iter(X), None)
    if isinstance(first, Mapping):
        raise TypeError(f"X is a list of dicts{_ONE_TABLE}. Take pandas.DataFrame(X).")
    if isinstance(first, np.ndarray) and first.ndim > 1:
        kind = f"an array of shape {X.shape}" if isinstance(X, np.ndarray) else "a list of arrays"
        raise ValueError(
            f"X is {kind}, and emoest takes frames as cells of a table, one column a modality. "
            "Take emoest.utils.object_column(list(X), range(len(X)), 'audio__frames').to_frame(), "
            "and for an estimator of numbers pool the frames first (emoest.aggregation)."
        )


def _table_from_mapping(X: Mapping[Any, Any]) -> str:
    values = list(X.values())
    if all(isinstance(value, np.ndarray) and value.ndim == 2 for value in values) and values:
        edges = np.cumsum([0, *(value.shape[1] for value in values)]).tolist()
        slices = ", ".join(
            f"{name!r}: slice({start}, {end})"
            for name, start, end in zip(X, edges, edges[1:], strict=False)
        )
        return f"Take numpy.hstack(list(X.values())) and modalities={{{slices}}}."
    return "Take pandas.DataFrame(X)."


def _from_polars(X: Any) -> pd.DataFrame:
    columns = {}
    for column in X.get_columns():
        # Not to_pandas(), which needs pyarrow.
        numeric = column.dtype.is_numeric()
        cells = None if numeric else column.to_list()
        columns[column.name] = (
            column.to_numpy() if cells is None else object_column(cells, pd.RangeIndex(len(cells)))
        )
    return pd.DataFrame(columns)


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
