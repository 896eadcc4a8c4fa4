"""Versions of Python and of the libraries that a result or a model depends on."""

import importlib.metadata
import platform
import sys
from functools import cache

_LIBRARIES = ("numpy", "pandas", "scipy", "scikit-learn")
_LOADED = ("torch", "skorch", "transformers", "sentence_transformers", "xgboost", "lightgbm")


def versions() -> dict[str, str]:
    """Name the versions of Python and of the libraries in use.

    Examples
    --------
    >>> sorted(versions())[:3]
    ['emoest', 'numpy', 'pandas']
    """
    names = [*_LIBRARIES, *(name for name in _LOADED if name in sys.modules)]
    found = {name: version_of(name) or "unknown" for name in names}
    own = str(getattr(sys.modules["emoest"], "__version__", "unknown"))
    return {"python": platform.python_version(), "emoest": own} | found


@cache
def version_of(name: str) -> str | None:
    """Version of a distribution, else of a loaded module of that name; None where neither is here.

    Examples
    --------
    >>> version_of("no-such-package") is None
    True
    """
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        found = getattr(sys.modules.get(name), "__version__", None)
        return None if found is None else str(found)
