"""Groups (speakers) inside an estimator: one resolver, one maker of inner splits.

Explicit ``fit(..., groups=)`` comes first, then ``group_column=`` (a context column of X), then the
index level ``group``, then none.
"""

import warnings
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    StratifiedGroupKFold,
    StratifiedKFold,
    check_cv,
)
from sklearn.utils import check_consistent_length

from emoest.tables.inputs import as_pandas
from emoest.tables.names import tokens
from emoest.utils.messages import listed
from emoest.utils.seeds import RandomState, private_generator
from emoest.utils.warn import warn_user

GROUP_LEVEL = "group"

Split = tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]


class NotSpeakerIndependentWarning(UserWarning):
    """An inner split had no groups to keep apart, so speakers may be on both sides."""


def with_groups(X: Any, column: str = "speaker") -> pd.DataFrame:
    """Put a column of `X` into its index as the level ``group``, where every step can find it.

    Parameters
    ----------
    X : DataFrame (pandas or polars)
        A table with a context column.
    column : str, default="speaker"
        The column whose values say which rows belong together.

    Returns
    -------
    X : DataFrame
        A copy, of pandas, with one more index level; the column itself stays.

    Raises
    ------
    ValueError
        If `X` has no such column or its index has a level ``group`` already.

    Examples
    --------
    >>> X = pd.DataFrame({"text": ["a", "b"], "speaker": ["s1", "s2"]})
    >>> with_groups(X).index.get_level_values("group").tolist()
    ['s1', 's2']
    """
    X = as_pandas(X)
    if column not in X.columns:
        raise ValueError(f"X has no column {column!r} to group by; it has {list(X.columns)}.")
    if GROUP_LEVEL in X.index.names:
        raise ValueError("The index of X has a level 'group' already.")
    return X.set_index(X[column].rename(GROUP_LEVEL), append=True)


def resolve_groups(
    X: Any, groups: Any = None, group_column: str | None = None
) -> npt.NDArray[Any] | None:
    """Find the group of each row of `X`.

    Parameters
    ----------
    X : DataFrame or array-like
        The samples.
    groups : array-like of shape (n_samples,), default=None
        Explicit groups; they win.
    group_column : str, default=None
        A context column of `X`, by its full name or its last token.

    Returns
    -------
    groups : ndarray of shape (n_samples,) or None
        The groups, or None when nothing names any.

    Raises
    ------
    ValueError
        If `groups` has another length than `X`, or `group_column` is not there.

    Examples
    --------
    >>> X = pd.DataFrame({"text": ["a", "b"], "speaker": ["s1", "s2"]})
    >>> resolve_groups(X) is None
    True
    >>> resolve_groups(with_groups(X)).tolist()
    ['s1', 's2']
    >>> resolve_groups(X, group_column="speaker").tolist()
    ['s1', 's2']
    """
    X = as_pandas(X, lists=False)
    if groups is not None:
        check_consistent_length(X, groups)
        return _as_array(groups)
    if group_column is not None:
        return np.asarray(_column(X, group_column))
    if isinstance(X, pd.DataFrame | pd.Series) and GROUP_LEVEL in X.index.names:
        return np.asarray(X.index.get_level_values(GROUP_LEVEL))
    return None


def _as_array(groups: Any) -> npt.NDArray[Any]:
    """Convert groups to an array in which a missing one stays missing."""
    array = np.asarray(groups)
    # numpy writes the NaN of a list of names as the name "nan".
    if array.dtype.kind in "US" and not isinstance(groups, np.ndarray):
        kept = np.empty(len(array), dtype=object)
        kept[:] = list(groups)
        return kept if pd.isna(kept).any() else array
    return array


def require_groups(groups: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Give back groups by which rows can be split.

    Parameters
    ----------
    groups : ndarray of shape (n_samples,)
        The groups, as `resolve_groups` found them.

    Returns
    -------
    groups : ndarray of shape (n_samples,)
        The same.

    Raises
    ------
    ValueError
        If some are missing, or text and numbers are mixed.

    Examples
    --------
    >>> require_groups(np.array(["s1", "s2"])).tolist()
    ['s1', 's2']
    """
    missing = np.flatnonzero(pd.isna(groups))
    if len(missing):
        raise ValueError(
            f"groups is missing in {len(missing)} row(s), at position "
            f"{listed(missing, quoted=True)}: every row needs a group (speaker)."
        )
    if groups.dtype.kind == "O":
        kinds = {"text" if isinstance(group, str) else type(group).__name__ for group in groups}
        if "text" in kinds and len(kinds) > 1:
            raise ValueError(
                f"groups mixes kinds of names: {', '.join(sorted(kinds))}. Make them one, e.g. "
                "text: [str(group) for group in groups]."
            )
    return groups


def count_groups_of_one_label(y: Any, groups: Any) -> tuple[int, int]:
    """Count the groups of two and more rows all of which have the same label.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        Labels; rows without one are passed over.
    groups : array-like of shape (n_samples,)
        Group (speaker) of each row.

    Returns
    -------
    n_single, n_groups : int
        Groups with one label, and all groups of two and more rows.

    Examples
    --------
    >>> count_groups_of_one_label(["sad", "sad", "sad", "glad", "sad"], list("aabbc"))
    (1, 2)
    """
    _, n_labels = _label_counts(y, groups)
    return int((n_labels == 1).sum()), len(n_labels)


def label_is_determined_by_group(y: Any, groups: Any) -> bool:
    """Check whether labels and groups (speakers) are confounded: who speaks says what is felt.

    They are if more than half of the groups of two and more rows hold one label only, counted from
    the number that chance would give (as kappa does), and chance gives so many in less than one of
    a hundred corpora. Chance draws the label of each row by the frequency of the labels.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        Labels; rows without one are passed over.
    groups : array-like of shape (n_samples,)
        Group (speaker) of each row.

    Returns
    -------
    confounded : bool

    Examples
    --------
    >>> speakers = np.repeat(list("abcdef"), 4)
    >>> label_is_determined_by_group(np.repeat(["sad", "glad", "angry"], 8), speakers)
    True
    >>> label_is_determined_by_group(["sad", "glad", "angry", "sad"] * 6, speakers)
    False
    """
    n_rows, n_labels = _label_counts(y, groups)
    if not len(n_rows):
        return False
    labels = pd.factorize(np.asarray(y))[0]
    counts = np.bincount(labels[labels >= 0])
    shares = counts / counts.sum()
    by_chance = (shares[:, None] ** n_rows).sum(axis=0)
    n_single, expected = int((n_labels == 1).sum()), by_chance.sum()
    if n_single - expected <= 0.5 * (len(n_rows) - expected):
        return False
    # Probabilities of 0, 1, ... groups of one label: one factor for each group.
    distribution = np.ones(1)
    for probability in by_chance:
        distribution = np.convolve(distribution, [1.0 - probability, probability])
    return bool(distribution[n_single:].sum() < 0.01)


def describe_confounding(y: Any, groups: Any, what: str = "speakers") -> str | None:
    """Return a sentence for a warning if groups determine labels, else None.

    Examples
    --------
    >>> describe_confounding(np.repeat(["sad", "glad"], 12), np.repeat(list("abcdef"), 4))
    '6 of 6 speakers have one label only, so that speaker and label cannot be told apart.'
    >>> describe_confounding(["sad", "glad"], ["a", "b"]) is None
    True
    """
    if not label_is_determined_by_group(y, groups):
        return None
    n_single, n_groups = count_groups_of_one_label(y, groups)
    return (
        f"{n_single} of {n_groups} {what} have one label only, so that {what.removesuffix('s')} "
        "and label cannot be told apart."
    )


def _label_counts(y: Any, groups: Any) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Count rows and different labels of each group that has two rows and more."""
    check_consistent_length(y, groups)
    labels, places = (pd.factorize(np.asarray(each))[0] for each in (y, groups))
    known = (labels >= 0) & (places >= 0)
    labels, places = labels[known], places[known]
    n_rows = np.bincount(places)
    pairs = np.unique(places * (labels.max(initial=0) + 1) + labels)
    n_labels = np.bincount(pairs // (labels.max(initial=0) + 1), minlength=len(n_rows))
    several = n_rows > 1
    return n_rows[several], n_labels[several]


def remember_groups(estimator: Any, groups: npt.NDArray[Any] | None) -> None:
    """Keep in ``seen_groups_`` whose samples an estimator was fitted on; `evaluate` asks for them.

    None where nothing named groups, so that nobody can tell.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> model = SimpleNamespace()
    >>> remember_groups(model, np.array(["s2", "s1", "s2", None], dtype=object))
    >>> model.seen_groups_
    ['s2', 's1']
    """
    seen = None if groups is None else pd.Series(groups).dropna().unique().tolist()
    estimator.seen_groups_ = seen


def _column(X: Any, name: str) -> Any:
    if not isinstance(X, pd.DataFrame):
        raise ValueError(
            f"group_column={name!r} needs X to be a DataFrame; pass groups= to fit instead."
        )
    if name in X.columns:
        return X[name]
    matches = [column for column in X.columns if tokens(column)[-1] == name]
    if len(matches) == 1:
        return X[matches[0]]
    raise ValueError(
        f"group_column={name!r} is not a column of X. If a ColumnTransformer dropped it, pass it "
        f"through, or put it into the index with with_groups(X, {name!r}) before fit."
    )


def inner_splits(
    X: Any,
    y: Any,
    *,
    groups: npt.NDArray[Any] | None = None,
    cv: Any = 5,
    classifier: bool = True,
    random_state: RandomState = None,
) -> tuple[list[Split], bool]:
    """Make the splits that an estimator needs inside `fit`, by group where there are groups.

    Parameters
    ----------
    X : array-like of shape (n_samples, ...)
        The samples.
    y : array-like of shape (n_samples,)
        The target.
    groups : ndarray of shape (n_samples,), default=None
        The groups, as `resolve_groups` found them.
    cv : int, splitter or iterable, default=5
        An int makes StratifiedGroupKFold (with groups) or StratifiedKFold; at most as many folds
        as there are groups, or members of the smallest class. Anything else goes through
        `sklearn.model_selection.check_cv`.
    classifier : bool, default=True
        Whether to stratify by `y`.
    random_state : int, RandomState instance or None, default=None
        Shuffles the folds.

    Returns
    -------
    splits : list of (train, test) index arrays
        Only splits whose training part holds every class; empty if none can be made.
    grouped : bool
        Whether groups were kept apart.

    Raises
    ------
    ValueError
        If some groups are missing, or text and numbers are mixed.

    Warns
    -----
    NotSpeakerIndependentWarning
        If there are no groups.

    Examples
    --------
    >>> X, y = np.zeros((8, 1)), np.array([0, 1] * 4)
    >>> splits, grouped = inner_splits(X, y, groups=np.repeat([1, 2, 3, 4], 2), cv=2)
    >>> len(splits), grouped
    (2, True)
    """
    y = np.asarray(y)
    grouped = groups is not None
    if groups is not None:
        require_groups(groups)
    else:
        warn_user(
            "No groups were found, so an inner split is not speaker-independent: the same speaker "
            "may be on both sides. Pass groups= to fit, name group_column=, or use "
            "emoest.utils.with_groups(X, 'speaker').",
            NotSpeakerIndependentWarning,
        )
    splitter = cv
    if isinstance(cv, int | np.integer):
        splitter = _default_splitter(int(cv), y, groups, classifier, random_state)
    if splitter is None:
        return [], grouped
    splitter = check_cv(splitter, y, classifier=classifier)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        splits = list(splitter.split(X, y, groups))
    if classifier:
        n_classes = len(np.unique(y))
        splits = [s for s in splits if len(np.unique(y[s[0]])) == n_classes]
    return [s for s in splits if len(s[1]) > 0], grouped


def _default_splitter(
    n_splits: int,
    y: npt.NDArray[Any],
    groups: npt.NDArray[Any] | None,
    classifier: bool,
    random_state: RandomState,
) -> Any:
    limit = len(y) if groups is None else len(np.unique(groups))
    if classifier:
        counts = np.unique(y, return_counts=True)[1]
        limit = min(limit, int(counts.min() if groups is None else counts.max()))
    n_splits = min(n_splits, limit)
    if n_splits < 2:
        return None
    options = {
        "n_splits": n_splits,
        "shuffle": True,
        "random_state": private_generator(random_state),
    }
    if groups is None:
        return StratifiedKFold(**options) if classifier else KFold(**options)
    return StratifiedGroupKFold(**options) if classifier else GroupKFold(**options)
