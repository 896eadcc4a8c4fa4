"""What ``fit`` leaves on an estimator."""

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
