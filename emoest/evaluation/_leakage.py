"""What must not meet: groups on both sides of a split, groups that a finished part has seen."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import clone

from emoest.tables.groups import Split


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


def seen_before(estimator: Any, test_groups: npt.NDArray[Any]) -> dict[str, list[Any]]:
    """Find the groups of a test fold that a pretrained part of the model was trained on.

    Such a part carries them as ``seen_groups_``. What each fold fits anew is left out, even if it
    was fitted before.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> seen_before(SimpleNamespace(seen_groups_=["s1", "s2"]), np.array(["s2", "s3"]))
    {'SimpleNamespace': ['s2']}
    """
    found = {}
    tested = set(test_groups.tolist())
    # Cloning drops what each fold fits anew; only pretrained parts keep their attributes.
    for name, part in nested(clone(estimator, safe=False)):
        known = getattr(part, "seen_groups_", None)
        if known is None or isinstance(part, type):
            continue
        both = sorted(tested.intersection(np.asarray(known).tolist()), key=str)
        if both:
            label = type(part).__name__
            found[f"{name} ({label})" if name else label] = both
    return found
