"""Packages whose names are loaded when they are first used."""

import importlib
from collections.abc import Callable, Mapping
from typing import Any


def lazy_names(
    package: str, homes: Mapping[str, str]
) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """Make `__getattr__`, `__dir__` and `__all__` of a package that loads its names lazily.

    Parameters
    ----------
    package : str
        The package, its `__name__`.
    homes : mapping of str to str
        The module where each public name is defined.

    Returns
    -------
    getattr, dir, all : callable, callable and list of str
        To be bound to the dunder names in the package.

    Examples
    --------
    >>> load, _, names = lazy_names("numbers", {"sqrt": "math"})
    >>> names, load("sqrt")(9.0)
    (['sqrt'], 3.0)
    """

    def load(name: str) -> Any:
        if name in homes:
            return getattr(importlib.import_module(homes[name]), name)
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    names = sorted(homes)
    return load, lambda: names, names
