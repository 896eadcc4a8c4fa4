"""Labels of a user's own corpus: codes, numbers, and spellings of one label."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from emoest.tables.spelling import clean_names, describe_alike, find_alike, text_codes
from emoest.utils.warn import warn_user

_DECIMAL_COMMA = re.compile(r"\s*[+-]?[0-9]+(?:,[0-9]+)?\s*")
# Beyond this the dictionary in the message is longer than what it is good for.
_MOST_CODES = 30


def read_own_labels(column: pd.Series, separator: str = "") -> pd.Series:
    """Return labels as they are in a table, or as numbers if all of them are numbers.

    Texts of digits with a leading zero are names (``01``). In a table with semicolons a comma is a
    decimal point, with a warning.

    Examples
    --------
    >>> read_own_labels(pd.Series(["1", "2"])).tolist()
    [1, 2]
    >>> read_own_labels(pd.Series(["01", "02"])).tolist()
    ['01', '02']
    """
    if not (column.dtype == object or pd.api.types.is_string_dtype(column)):
        return column
    present = column.dropna()
    if separator == ";" and present.map(lambda cell: isinstance(cell, str)).all():
        commas = present.str.contains(",", regex=False)
        if commas.any() and present.map(lambda cell: bool(_DECIMAL_COMMA.fullmatch(cell))).all():
            warn_user(
                f"The {int(commas.sum())} decimal commas of {column.name!r}, such as "
                f"{present[commas].iloc[0]!r}, are read as decimal points."
            )
            column = column.str.replace(",", ".", regex=False)
    numbers = pd.to_numeric(column, errors="coerce")
    if (numbers.isna() & column.notna()).any() or text_codes(present):
        return clean_names(column)
    return numbers


def translate(values: Sequence[Any], labels: Mapping[Any, str]) -> list[str | None]:
    """Look up codes; one that is unknown gives None.

    A code is found as it is written, or else as the number that it is (``1.0`` and ``01`` for 1).

    Examples
    --------
    >>> translate(["1.0", "2", "x"], {1: "sad", "2": "glad"})
    ['sad', 'glad', None]
    """
    as_written = {str(code): label for code, label in labels.items()}
    as_numbers = {_number(code): label for code, label in labels.items()}
    as_numbers.pop(None, None)
    found = {
        value: as_written.get(str(value).strip(), as_numbers.get(_number(value)))
        for value in dict.fromkeys(values)
    }
    return [found[value] for value in values]


def _number(code: Any) -> float | None:
    try:
        return float(str(code))
    except ValueError:
        return None


def warn_alike_labels(labels: pd.Series) -> None:
    """Warn if labels may be spellings of one, with the `labels` that would join them.

    Examples
    --------
    >>> import warnings
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warn_alike_labels(pd.Series(["Fear", "fear", "sad"], name="emotion"))
    >>> print(str(caught[0].message).partition(". ")[0])
    3 labels of 'emotion', some of which may be one: 'Fear' and 'fear'
    """
    names = [name for name in labels.dropna().unique().tolist() if isinstance(name, str)]
    alike = find_alike(names, inflected=True)
    if not alike:
        return
    joined = {name: _plainest(group) for group in alike for name in group}
    shown = {name: joined.get(name, name) for name in names}
    advice = f"To join them, pass labels={shown}." if len(shown) <= _MOST_CODES else ""
    warn_user(
        f"{len(names)} labels of {labels.name!r}, some of which may be one: "
        f"{describe_alike(alike)}. Each is a class of its own. {advice}".rstrip()
    )


def _plainest(names: Sequence[str]) -> str:
    return min(names, key=lambda name: (name != name.lower(), name != name.strip(), len(name)))
