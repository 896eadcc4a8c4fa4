"""Whether columns that belong together hold the same samples in the same order."""

from collections.abc import Mapping
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from emoest.tables.groups import GROUP_LEVEL, require_groups
from emoest.utils._sklearn import num_samples
from emoest.utils.messages import listed


def check_aligned(columns: Mapping[str, Any]) -> None:
    """Raise if columns differ in length, or have the same index in different orders.

    Parameters
    ----------
    columns : dict of str to array-like
        By the names that a message gives them; None is left out. Arrays and lists have no index,
        and are taken by position.

    Raises
    ------
    ValueError
        If lengths differ, or one index is a permutation of another.

    Examples
    --------
    >>> first = pd.Series(["sad", "glad"], index=["a", "b"])
    >>> check_aligned({"y_true": first, "y_pred": first.iloc[::-1]})
    Traceback (most recent call last):
    ValueError: y_true and y_pred have the same index in different orders. Align them first:
    y_pred.loc[y_true.index]; of two evaluations take
    result.select().set_index('position').sort_index().
    """
    given = {name: each for name, each in columns.items() if each is not None}
    sizes = [num_samples(each) for each in given.values()]
    if len(set(sizes)) > 1:
        *most, last = map(str, sizes)
        *names, final = given
        raise ValueError(
            f"{', '.join(names)} and {final} have {', '.join(most)} and {last} samples: they must "
            "be of the same ones."
        )
    indexed = {k: v for k, v in given.items() if isinstance(v, pd.DataFrame | pd.Series)}
    for (first, one), (second, other) in combinations(indexed.items(), 2):
        if is_permuted(one.index, other.index):
            raise ValueError(
                f"{first} and {second} have the same index in different orders. Align them first: "
                f"{second}.loc[{first}.index]; of two evaluations take "
                "result.select().set_index('position').sort_index()."
            )


def is_permuted(first: pd.Index, second: pd.Index) -> bool:
    """Check whether two indices name the same samples in different orders, groups left out.

    Examples
    --------
    >>> is_permuted(pd.Index(["a", "b"]), pd.Index(["b", "a"]))
    True
    """
    mine, its = without_groups(first), without_groups(second)
    if len(mine) != len(its) or mine.nlevels != its.nlevels or mine.equals(its):
        return False
    return mine.is_unique and its.is_unique and bool(its.isin(mine).all())


def without_groups(index: pd.Index) -> pd.Index:
    """Leave out the level of groups, where an index has others.

    Examples
    --------
    >>> without_groups(pd.MultiIndex.from_tuples([(7, "s1")], names=["row", "group"])).tolist()
    [7]
    """
    if isinstance(index, pd.MultiIndex) and GROUP_LEVEL in index.names:
        return index.droplevel([GROUP_LEVEL])
    return index


def check_group_names(groups: Any) -> npt.NDArray[Any]:
    """Return who each sample is from as an array in which none is missing.

    Raises
    ------
    ValueError
        If a group is missing, text and numbers are mixed, or `groups` is no column.

    Examples
    --------
    >>> check_group_names(["s1", None])
    Traceback (most recent call last):
    ValueError: groups has missing values, at position 1: every sample needs a group (speaker).
    """
    if np.ndim(groups) != 1:
        raise ValueError(f"groups must be one column, got shape {np.shape(groups)}.")
    missing = np.flatnonzero(pd.isna(pd.Series(groups)))
    if len(missing):
        raise ValueError(
            f"groups has missing values, at position {listed(missing)}: every sample needs a group "
            "(speaker)."
        )
    return require_groups(np.asarray(groups))
