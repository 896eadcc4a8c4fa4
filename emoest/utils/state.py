"""What ``fit`` leaves on an estimator."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


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
