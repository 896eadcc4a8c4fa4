"""Vectors: a table of numbers whose columns belong to modalities, with context beside them.

A row misses a modality if and only if the whole block of that modality is NaN; a partly NaN block
is present.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.utils.validation import check_array, validate_data

from emoest.tables.context_table import beside_context
from emoest.tables.frame_columns import refuse_cells
from emoest.tables.inputs import as_fitted, as_pandas
from emoest.tables.names import Modalities, find_modalities, is_context
from emoest.utils.typing import Floats, Rows


@dataclass
class Blocks:
    """A validated table of vectors.

    Parameters
    ----------
    values : ndarray of shape (n_samples, n_columns)
        The numbers, context columns taken out.
    modalities : Modalities
        Positions in `values` of each modality's columns.
    columns : list of str or None
        Names of the columns of `values`, or None when X was an array.
    context : DataFrame or None
        The context columns, or None when X was an array.
    bare : bool, default=False
        Whether X was an array whose names are those of ``fit``.
    """

    values: Floats
    modalities: Modalities
    columns: list[str] | None
    context: pd.DataFrame | None
    bare: bool = False

    @property
    def missing(self) -> npt.NDArray[np.bool_]:
        """Which rows miss which modality, shape (n_samples, n_modalities)."""
        return missing_blocks(self.values, self.modalities)

    @property
    def rows(self) -> list[Any]:
        """Names of the rows; their positions when X was an array."""
        return list(range(len(self.values)) if self.context is None else self.context.index)

    def block(self, name: str) -> Floats:
        """Return the columns of one modality."""
        return self.values[:, self.modalities[name]]

    def rebuild(self, values: npt.NDArray[Any], columns: list[str] | None = None) -> Any:
        """Give `values` the form that X had: a DataFrame with context last, or an array.

        Parameters
        ----------
        values : ndarray of shape (n_samples, n_out)
            The new numbers.
        columns : list of str, default=None
            Their names; None keeps those of X.
        """
        if self.context is None:
            return values
        names = self.columns if columns is None else columns
        made = pd.DataFrame(values, index=self.context.index, columns=names)
        frame = beside_context(made, self.context)
        return frame.to_numpy() if self.bare else frame


def validate_blocks(
    estimator: Any,
    X: Any,
    y: Any = "no_validation",
    *,
    reset: bool,
    modalities: Any = "auto",
    **check_params: Any,
) -> Any:
    """Validate a table of vectors (and y) and find its modalities.

    The counterpart of `sklearn.utils.validation.validate_data`: sets or checks
    ``n_features_in_`` and ``feature_names_in_`` (context columns included), leaves context columns
    out of the numbers, and lets NaN pass.

    Parameters
    ----------
    estimator : estimator
        Whose ``fit`` or ``transform`` was called.
    X : DataFrame or array-like of shape (n_samples, n_columns)
        The table.
    y : array-like of shape (n_samples,), default="no_validation"
        The target; when given, it is validated too and returned.
    reset : bool
        True in ``fit``, False elsewhere.
    modalities : "auto", list or dict, default="auto"
        See `emoest.utils.find_modalities`.
    **check_params : dict
        Passed on to `validate_data`, over ``dtype=float64`` and
        ``ensure_all_finite="allow-nan"``.

    Returns
    -------
    blocks : Blocks
        The table. With `y`, a pair (blocks, y).

    Raises
    ------
    ValueError
        If X is not numeric outside its context columns, holds infinity, or its columns differ
        from those of ``fit``.

    Examples
    --------
    >>> from sklearn.base import BaseEstimator
    >>> X = pd.DataFrame({"audio__a": [1.0, np.nan], "speaker": ["s1", "s2"]})
    >>> blocks = validate_blocks(BaseEstimator(), X, reset=True)
    >>> blocks.values.shape, blocks.missing.ravel().tolist(), list(blocks.context)
    ((2, 1), [False, True], ['speaker'])
    """
    params = {"dtype": np.float64, "ensure_all_finite": "allow-nan", **check_params}
    with_y = not (isinstance(y, str) and y == "no_validation")
    bare = not isinstance(as_pandas(X), pd.DataFrame)
    X = as_fitted(estimator, X, reset=reset)
    named = isinstance(X, pd.DataFrame)
    outside = np.array([is_context(column) for column in X.columns] if named else [], dtype=bool)
    try:
        if outside.any():
            validate_data(estimator, X, reset=reset, skip_check_array=True)
            for_array = {k: v for k, v in params.items() if k not in {"multi_output", "y_numeric"}}
            numbers = X.loc[:, ~outside]
            values = check_array(numbers, estimator=estimator, input_name="X", **for_array)
            target = _validate_target(estimator, values, y, params) if with_y else None
        else:
            checked = validate_data(estimator, X, y, reset=reset, **params)
            values, target = checked if with_y else (checked, None)
    except (TypeError, ValueError) as error:
        refuse_cells(X, error)
        raise
    if named:
        # All are numbers now, also those that stood in columns of objects.
        numbers = pd.DataFrame(values, columns=X.columns[~outside])
        found = find_modalities(numbers, modalities)
        blocks = Blocks(values, found, list(numbers.columns), X.loc[:, outside], bare)
    else:
        blocks = Blocks(values, find_modalities(values, modalities), None, None)
    return (blocks, target) if with_y else blocks


def _validate_target(estimator: Any, values: Floats, y: Any, params: dict[str, Any]) -> Any:
    from sklearn.utils import check_X_y

    kept = {k: v for k, v in params.items() if k in {"multi_output", "y_numeric"}}
    if y is None and estimator.__sklearn_tags__().target_tags.required:
        raise ValueError(
            f"This {type(estimator).__name__} estimator requires y to be passed, but the target y "
            "is None."
        )
    if y is None:
        return None
    return check_X_y(values, y, estimator=estimator, ensure_all_finite="allow-nan", **kept)[1]


def missing_blocks(values: npt.NDArray[Any], modalities: Modalities) -> npt.NDArray[np.bool_]:
    """Find which rows miss which modality: those whose whole block is NaN.

    Parameters
    ----------
    values : ndarray of shape (n_samples, n_columns)
        The numbers.
    modalities : Modalities
        Positions of each modality's columns.

    Returns
    -------
    missing : ndarray of bool, shape (n_samples, n_modalities)

    Examples
    --------
    >>> values = np.array([[np.nan, np.nan, 1.0], [np.nan, 0.0, np.nan]])
    >>> missing_blocks(values, Modalities({"a": np.array([0, 1]), "b": np.array([2])})).tolist()
    [[True, False], [False, True]]
    """
    missing = np.zeros((len(values), len(modalities)), dtype=bool)
    for j, positions in enumerate(modalities.values()):
        missing[:, j] = np.isnan(values[:, positions]).all(axis=1)
    return missing


def weighted_mean(values: Floats, sample_weight: Any = None) -> Floats:
    """Mean of each column over its present values; 0 for a column that has none.

    Parameters
    ----------
    values : ndarray of shape (n_samples, n_columns)
        The numbers; NaN is left out.
    sample_weight : ndarray of shape (n_samples,), default=None
        Weights of the rows.

    Returns
    -------
    mean : ndarray of shape (n_columns,)

    Examples
    --------
    >>> weighted_mean(np.array([[1.0, np.nan], [3.0, np.nan]])).tolist()
    [2.0, 0.0]
    """
    weight = _present_weight(values, sample_weight)
    total = weight.sum(axis=0)
    filled = np.where(np.isnan(values), 0.0, values)
    return np.divide(
        (filled * weight).sum(axis=0), total, out=np.zeros(values.shape[1]), where=total > 0
    )


def weighted_std(values: Floats, mean: Floats, sample_weight: Any = None) -> Floats:
    """Population standard deviation of each column over its present values.

    Parameters
    ----------
    values : ndarray of shape (n_samples, n_columns)
        The numbers; NaN is left out.
    mean : ndarray of shape (n_columns,)
        What `weighted_mean` returned.
    sample_weight : ndarray of shape (n_samples,), default=None
        Weights of the rows.

    Returns
    -------
    std : ndarray of shape (n_columns,)
        0 for a column that has no present value.

    Examples
    --------
    >>> X = np.array([[1.0], [3.0], [np.nan]])
    >>> weighted_std(X, weighted_mean(X)).tolist()
    [1.0]
    """
    variance = weighted_mean((values - mean) ** 2, sample_weight)
    return np.sqrt(variance)


def _present_weight(values: Floats, sample_weight: Any) -> Floats:
    present = (~np.isnan(values)).astype(np.float64)
    if sample_weight is None:
        return present
    return present * np.asarray(sample_weight, dtype=np.float64)[:, None]


def fill_missing(values: Floats, fill: Floats) -> Floats:
    """Put `fill` (one value a column) where `values` is NaN; a copy, no column is dropped.

    Examples
    --------
    >>> fill_missing(np.array([[np.nan, 1.0]]), np.array([5.0, 6.0])).tolist()
    [[5.0, 1.0]]
    """
    return np.where(np.isnan(values), fill, values)


def fill_block(block: Any, fill: Floats) -> Any:
    """Fill the missing values of a block by one value a column; a DataFrame stays one.

    Examples
    --------
    >>> fill_block(pd.DataFrame({"a": [np.nan, 1.0]}), np.array([5.0]))["a"].tolist()
    [5.0, 1.0]
    """
    filled = fill_missing(np.asarray(block, dtype=np.float64), fill)
    if not isinstance(block, pd.DataFrame):
        return filled
    return pd.DataFrame(filled, index=block.index, columns=block.columns)


def check_block(name: str, block: Any, rows: Rows) -> None:
    """Raise `ValueError` if a block, of the rows that have its modality, is partly NaN.

    The positions in `rows` name the rows of an array.

    Examples
    --------
    >>> check_block("audio", np.array([[1.0, np.nan]]), np.array([7]))
    Traceback (most recent call last):
        ...
    ValueError: The modality 'audio' is partly NaN in 1 row(s), first in row 7, column 1. ...
    """
    missing = np.isnan(np.asarray(block, dtype=np.float64))
    if not missing.any():
        return
    at, column = np.argwhere(missing)[0].tolist()
    row = rows[at].item()
    if isinstance(block, pd.DataFrame):
        (row,) = block.index[[at]]
        column = block.columns[column]
    raise ValueError(
        f"The modality {name!r} is partly NaN in {int(missing.any(axis=1).sum())} row(s), first in "
        f"row {row!r}, column {column!r}. Fill it in a step before, or use impute='mean'."
    )
