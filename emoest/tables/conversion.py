"""Errors of estimators that read any column as numbers: which column was none."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pandas as pd

from emoest.tables.frame_columns import refuse_cells
from emoest.tables.names import is_context

SOURCE = "emoest_source"
"""Key of the attributes of a DataFrame: columns of media that its numbers were made from."""

_SHOWN = 4
"""Columns that a message writes out."""

_STRING = re.compile(r"could not convert string to float: ['\"](.*)['\"]$", re.DOTALL)
_SEQUENCE = re.compile(r"setting an array element with a sequence|float\(\) argument must be")


@contextmanager
def explained_conversion(X: Any) -> Iterator[None]:
    """Explain an error of an estimator of numbers that X was handed to as it is.

    Parameters
    ----------
    X : DataFrame or object
        What the estimator got.

    Raises
    ------
    ValueError
        In place of numpy's own error, if a column of X is the reason; it names the column, what
        stands in it, and what makes numbers of that.

    Examples
    --------
    >>> X = pd.DataFrame({"audio": ["a.wav"], "speaker": ["SM1"]})
    >>> with explained_conversion(X):
    ...     X["speaker"].to_numpy(dtype=float)
    Traceback (most recent call last):
        ...
    ValueError: Column 'speaker' holds 'SM1' and says ... Pass X[['audio']], without such ...
    """
    try:
        yield
    except (TypeError, ValueError) as error:
        if isinstance(X, pd.DataFrame):
            _explain(X, error)
        raise


def _explain(X: pd.DataFrame, error: Exception) -> None:
    if _SEQUENCE.search(str(error)):
        refuse_cells(X, error)
    found = _STRING.search(str(error))
    if found is None:
        return
    for name in X.columns:
        if not any(isinstance(cell, str) and cell == found[1] for cell in X[name]):
            continue
        if not is_context(name):
            refuse_cells(X[[name]], error)
        raise ValueError(
            f"Column {name!r} holds {found[1]!r} and says what a sample belongs to; the estimator "
            f"reads it as a number. Pass {_without_context(X)}, without such columns "
            "(emoest.utils.with_groups keeps groups in the index), or put the estimator into "
            "EarlyFusionClassifier, which leaves them out."
        ) from error


def _without_context(X: pd.DataFrame) -> str:
    media = X.attrs.get(SOURCE) or [each for each in X.columns if not is_context(each)]
    if len(media) <= _SHOWN:
        return f"X[{media}]"
    return f"X.drop(columns={[each for each in X.columns if is_context(each)]})"
