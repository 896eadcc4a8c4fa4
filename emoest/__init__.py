"""emoest: multimodal emotion recognition with scikit-learn.

Every part is an estimator with fit / transform / predict, a whole system is a `Pipeline`, and a
system is judged by UAR (unweighted average recall) under speaker-independent cross-validation.
Sub-packages and modules are loaded when they are first used.
"""

import importlib
from types import ModuleType

__version__ = "0.1.0"

_SUBMODULES = [
    "aggregation",
    "datasets",
    "embeddings",
    "evaluation",
    "features",
    "files",
    "fusion",
    "media",
    "multioutput",
    "neural",
    "normalization",
    "persistence",
    "systems",
    "testing",
    "tuning",
    "utils",
    "validity",
]

__all__ = [*_SUBMODULES, "__version__"]  # noqa: PLE0604


def __getattr__(name: str) -> ModuleType:
    if name in _SUBMODULES:
        return importlib.import_module(f"emoest.{name}")
    raise AttributeError(f"module 'emoest' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
