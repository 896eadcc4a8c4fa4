"""What must not meet: groups on both sides of a split, groups that a finished part has seen."""

import os
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator

from emoest.files.digests import file_digest, named_file
from emoest.tables.cells import is_array
from emoest.tables.groups import Split
from emoest.tables.names import is_context, numeric_columns
from emoest.utils._sklearn import BaseSearchCV
from emoest.utils.routing import fit_parameter


def nested(part: Any, path: str = "", seen: set[int] | None = None) -> Iterator[tuple[str, Any]]:
    """Yield an estimator and all it is made of, with the parameter names that lead there.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> [name for name, part in nested(make_pipeline(StandardScaler())) if hasattr(part, "fit")]
    ['', 'standardscaler']
    """
    seen = set() if seen is None else seen
    if id(part) in seen or isinstance(part, str | int | float | None):
        return
    seen.add(id(part))
    yield path, part
    if isinstance(part, type) or not hasattr(part, "get_params"):
        return
    # A frozen estimator shows its own parameter only, so get_params is called on each part.
    for name, value in part.get_params(deep=True).items():
        yield from nested(value, f"{path}__{name}" if path else name, seen)


def transductive_steps(estimator: Any) -> list[str]:
    """Name the parts that learn from the test samples, without labels, when they predict.

    Such a part says so by ``_emoest_transductive = True``, as attribute or property.

    Examples
    --------
    >>> from sklearn.svm import SVC
    >>> transductive_steps(SVC())
    []
    """
    return [
        type(part).__name__
        for _, part in nested(estimator)
        if getattr(part, "_emoest_transductive", False) is True
    ]


def shared_groups(split: Split, groups: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Find the groups that are in both parts of a split.

    Examples
    --------
    >>> shared_groups((np.array([0]), np.array([1, 2])), np.array(["a", "a", "b"])).tolist()
    ['a']
    """
    return np.intersect1d(groups[split[0]], groups[split[1]])


def inner_folds_without_groups(estimator: Any) -> list[str]:
    """Name the parts whose inner folds, for tuning or stacking, do not keep groups together.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegressionCV
    >>> from sklearn.model_selection import GridSearchCV, GroupKFold
    >>> inner_folds_without_groups(GridSearchCV(LogisticRegressionCV(), {}, cv=GroupKFold(3)))
    ['LogisticRegressionCV']
    """
    found = []
    for _, part in nested(estimator):
        foreign = not type(part).__module__.startswith("emoest.")
        if foreign and hasattr(part, "fit") and hasattr(part, "cv") and not isinstance(part, type):
            grouped = isinstance(part, BaseSearchCV) and fit_parameter(part, "groups") is not None
            if not grouped and part.cv != "prefit":
                found.append(type(part).__name__)
    return list(dict.fromkeys(found))


def of_unknown_speakers(estimator: Any) -> list[str]:
    """Name the finished parts of which nobody knows the groups that they were trained on.

    Examples
    --------
    >>> from sklearn.dummy import DummyClassifier
    >>> from sklearn.frozen import FrozenEstimator
    >>> of_unknown_speakers(FrozenEstimator(DummyClassifier().fit([[0], [0]], [0, 1])))
    ['DummyClassifier']
    """
    frozen = [part for _, part in nested(estimator) if isinstance(part, FrozenEstimator)]
    return [
        type(part.estimator).__name__
        for part in frozen
        # One that was fitted without groups has none, or an empty list, to show.
        if not any(getattr(each, "seen_groups_", None) for _, each in nested(part.estimator))
    ]


def find_copies(contents: Sequence[Any], groups: npt.NDArray[Any]) -> list[tuple[int, int]]:
    """Find samples with the content of an earlier one that is of another group, as positions.

    Examples
    --------
    >>> find_copies([7, 8, 7, None, None], np.array(["s1", "s2", "s3", "s4", "s5"]))
    [(0, 2)]
    """
    first: dict[Any, int] = {}
    copies = []
    for i, content in enumerate(contents):
        if content is not None:
            j = first.setdefault(content, i)
            if groups[i] != groups[j]:
                copies.append((j, i))
    return copies


def sample_contents(X: Any) -> list[Any]:
    """List what each sample holds, as something that can be compared; None if it says nothing.

    Compared are numbers (where one of them is no whole number: codes and counts repeat by chance),
    arrays, paths and the bytes of files. Texts alone are not: different speakers say the same.
    Nothing is listed for an array of whole numbers or of more than two dimensions.

    Examples
    --------
    >>> X = pd.DataFrame({"audio": [0.25, 0.5, 0.25], "text": ["a", "a", "a"]})
    >>> first, second, third = sample_contents(X)
    >>> first == third, first == second
    (True, False)
    """
    return list(_contents(X))


def _contents(X: Any) -> Iterator[Any]:
    if not isinstance(X, pd.DataFrame):
        values = np.asarray(X)
        X = pd.DataFrame(values) if values.ndim == 2 and values.dtype.kind == "f" else None
    if X is None:
        return
    kept = [i for i, column in enumerate(X.columns) if not is_context(column)]
    numeric = numeric_columns(X)
    cells = [X.iloc[:, i].tolist() for i in kept if i not in set(numeric)]
    numbers = X.iloc[:, numeric].to_numpy(dtype=np.float64) if numeric else np.zeros((len(X), 0))
    with np.errstate(invalid="ignore"):
        telling = np.any(numbers % 1 > 0, axis=1).tolist()
    for i in range(len(X)):
        found = [_cell_content(column[i]) for column in cells]
        if telling[i] or any(says for says, _ in found):
            yield hash((numbers[i].tobytes(), *(content for _, content in found)))
        else:
            yield None


def _cell_content(cell: Any) -> tuple[bool, Any]:
    """Return whether a cell alone tells one recording from another, and its content."""
    if is_array(cell):
        return cell.size > 1 and bool(np.ptp(cell) > 0), hash(cell.tobytes())
    if (named := named_file(cell)) is not None:
        return True, (file_digest(named[0]), named[1])
    if isinstance(cell, str | os.PathLike):
        return False, str(cell)
    if isinstance(cell, list | tuple):
        found = [_cell_content(each) for each in cell]
        return any(says for says, _ in found), tuple(content for _, content in found)
    return False, repr(cell)


def pretrained_groups(estimator: Any) -> dict[str, set[Any]]:
    """Find the groups that each pretrained part of a model was trained on.

    Such a part carries them as ``seen_groups_``. What each fold fits anew is left out, even if it
    was fitted before.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> pretrained_groups(SimpleNamespace(seen_groups_=["s1"]))
    {'SimpleNamespace': {'s1'}}
    """
    found = {}
    # Cloning drops what each fold fits anew; only pretrained parts keep their attributes.
    for name, part in nested(clone(estimator, safe=False)):
        known = getattr(part, "seen_groups_", None)
        if known is not None and not isinstance(part, type):
            label = type(part).__name__
            found[f"{name} ({label})" if name else label] = set(np.asarray(known).tolist())
    return found


def seen_before(parts: dict[str, set[Any]], test_groups: npt.NDArray[Any]) -> dict[str, list[Any]]:
    """Find the groups of a test fold that parts, as of `pretrained_groups`, were trained on.

    Examples
    --------
    >>> seen_before({"net": {"s1", "s2"}}, np.array(["s2", "s3"]))
    {'net': ['s2']}
    """
    tested = set(test_groups.tolist()) if parts else set()
    both = {name: sorted(tested & known, key=str) for name, known in parts.items()}
    return {name: groups for name, groups in both.items() if groups}
