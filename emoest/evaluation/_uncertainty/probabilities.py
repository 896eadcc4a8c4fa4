"""Probabilities of classes, checked, and joined with their classes by the names of columns."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from emoest.evaluation._inputs.aligned import check_aligned
from emoest.evaluation._inputs.columns import check_kind, is_text
from emoest.tables.spelling import describe_alike, find_alike
from emoest.utils.messages import listed
from emoest.utils.typing import Floats


def column_classes(table: pd.DataFrame) -> list[Any]:
    """Read the classes off the names of columns, without ``proba_``.

    Examples
    --------
    >>> column_classes(pd.DataFrame(columns=["proba_sad", "glad"]))
    ['sad', 'glad']
    """
    return [c.removeprefix("proba_") if isinstance(c, str) else c for c in table]


def by_class(proba: Any, classes: Sequence[Any] | npt.NDArray[Any], what: str = "proba") -> Floats:
    """Return probabilities with one column for each of `classes`, in their order.

    The columns of a DataFrame are joined by name; those of an array, and of a DataFrame whose
    columns are only numbered, are taken in their order.

    Raises
    ------
    ValueError
        If the number of columns or their names are not those of `classes`, or a class is named
        twice.

    Examples
    --------
    >>> by_class(pd.DataFrame({"sad": [0.9], "glad": [0.1]}), ["glad", "sad"]).tolist()
    [[0.1, 0.9]]
    """
    wanted = list(np.asarray(classes).tolist())
    if twice := _twice(wanted):
        raise ValueError(f"classes names {listed(twice, quoted=True)} twice.")
    values = np.asarray(proba, dtype=np.float64)
    if values.ndim != 2 or values.shape[1] != len(wanted):
        raise ValueError(
            f"{what} has the shape {values.shape}; {len(wanted)} columns are needed, for "
            f"{listed(wanted)}."
        )
    if not isinstance(proba, pd.DataFrame):
        return values
    # Numbers become texts in the names of columns.
    names, texts = [str(name) for name in column_classes(proba)], [str(name) for name in wanted]
    if set(names) == set(texts) and not _twice(names):
        return values[:, [names.index(text) for text in texts]]
    if isinstance(proba.columns, pd.RangeIndex):
        return values
    raise ValueError(
        f"{what} has the columns {listed(proba.columns, quoted=True)}, but the classes are "
        f"{listed(wanted, quoted=True)}: give columns the names of the classes, with or without "
        "'proba_' before them."
    )


def _twice(names: list[Any]) -> list[Any]:
    return [name for name in dict.fromkeys(names) if names.count(name) > 1]


def check_rows(values: Floats, what: str = "proba") -> None:
    """Raise if a row is missing or does not sum to 1.

    Examples
    --------
    >>> check_rows(np.array([[0.5, 0.5]]))
    """
    bad = ~np.isfinite(values).all(axis=1) | (np.abs(values.sum(axis=1) - 1) > 1e-3)
    bad |= (values < -1e-9).any(axis=1)
    if bad.any():
        raise ValueError(
            f"{what} is no table of probabilities: {int(bad.sum())} row(s) are missing or do not "
            f"sum to 1 or have a negative entry, at position {listed(np.flatnonzero(bad))}."
        )


def check_probabilities(
    y_true: Any, proba: Any, classes: Sequence[Any] | None, groups: Any = None
) -> tuple[npt.NDArray[np.intp], Floats, npt.NDArray[Any]]:
    """Return the column of each true class (-1 if it has none), probabilities and classes.

    Examples
    --------
    >>> check_probabilities(["b", "a"], [[0.5, 0.5], [1.0, 0.0]], ["a", "b"])[0].tolist()
    [1, 0]
    """
    true, shape = check_kind(y_true, "y_true"), np.shape(proba)
    if classes is None and isinstance(proba, pd.DataFrame):
        classes = column_classes(proba)
    names = np.unique(true) if classes is None else np.asarray(classes)
    if shape != (len(true), len(names)):
        raise ValueError(
            f"proba has the shape {shape}, but there are {len(true)} sample(s) and "
            f"{len(names)} classes; pass one row a sample and one column a class, and classes= "
            "where some are absent from y_true."
        )
    check_aligned({"y_true": y_true, "proba": proba, "groups": groups})
    values = by_class(proba, names)
    check_rows(values)
    if not set(names.tolist()) & set(true.tolist()):
        # Numbers that became texts in the names of columns.
        written = {str(name): name for name in true.tolist()}
        names = np.array([written.get(str(name), name) for name in names.tolist()])
    places = {name: i for i, name in enumerate(names.tolist())}
    codes = np.array([places.get(name, -1) for name in true.tolist()], dtype=np.intp)
    _check_unknown(true, codes, names)
    return codes, values, names


def _check_unknown(
    true: npt.NDArray[Any], codes: npt.NDArray[np.intp], names: npt.NDArray[Any]
) -> None:
    """Texts may all be of classes that the model never saw; other spellings are a mistake."""
    unknown = np.unique(true[codes < 0])
    if (codes < 0).all() and is_text(names) != is_text(true):
        raise ValueError(
            f"No label of y_true is a class of proba: labels are {listed(unknown)}, "
            f"classes {listed(names)}. Name the class of each column by classes=."
        )
    if alike := find_alike([*unknown.tolist(), *names.tolist()]):
        raise ValueError(
            "Labels of y_true are spelled in another way than the classes of proba: "
            f"{describe_alike(alike)}. Give each one name."
        )
