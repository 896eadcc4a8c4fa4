"""What ``fit`` leaves on an estimator."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

_WITH_PARTS = ("emoest.", "sklearn.")


def forget_fit(estimator: Any) -> None:
    """Delete what an earlier ``fit`` learned, so that fitting twice is fitting once.

    For estimators that learn other attributes under other parameters: one that this ``fit`` does
    not set would stay as the last one left it.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> model = SimpleNamespace(C=1.0, coef_=[2.0])
    >>> forget_fit(model)
    >>> model
    namespace(C=1.0)
    """
    for name in list(vars(estimator)):
        if name.endswith("_") and not name.startswith("_"):
            delattr(estimator, name)


@contextmanager
def restored_on_failure(estimator: Any, *, when: bool) -> Iterator[None]:
    """Give an estimator back the attributes that it had, if what is done inside fails.

    Parameters
    ----------
    estimator : object
        The estimator. What its attributes refer to must not be changed inside.
    when : bool
        Whether to do so at all.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> model = SimpleNamespace(coef_=[2.0])
    >>> try:
    ...     with restored_on_failure(model, when=True):
    ...         model.coef_ = 1 / 0
    ... except ZeroDivisionError:
    ...     print(model)
    namespace(coef_=[2.0])
    """
    before = dict(vars(estimator))
    try:
        yield
    except BaseException:
        if when:
            vars(estimator).clear()
            vars(estimator).update(before)
        raise


def walk_parts(model: Any) -> Iterator[Any]:
    """Yield a model and all that it holds: estimators, what they fitted, what is between them.

    Objects of emoest and scikit-learn and estimators of others are entered, and so are lists,
    tuples, dicts and arrays of objects. Each object comes once.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> parts = walk_parts(make_pipeline(StandardScaler()))
    >>> [type(part).__name__ for part in parts if hasattr(part, "fit")]
    ['Pipeline', 'StandardScaler']
    """
    seen: set[int] = set()
    waiting = [model]
    while waiting:
        part = waiting.pop()
        if id(part) in seen or isinstance(part, str | bytes | int | float | None):
            continue
        seen.add(id(part))
        yield part
        waiting.extend(reversed(_inner(part)))


def _inner(part: Any) -> list[Any]:
    if isinstance(part, type):
        return []
    if isinstance(part, Mapping):
        return list(part.values())
    if isinstance(part, list | tuple | set | frozenset):
        return list(part)
    if isinstance(part, np.ndarray):
        return part.ravel().tolist() if part.dtype == object else []
    entered = type(part).__module__.startswith(_WITH_PARTS) or hasattr(part, "get_params")
    return list(getattr(part, "__dict__", {}).values()) if entered else []
