"""Deep estimators: nets trained through skorch, with fit / transform / predict."""

from emoest.neural._m3er import M3ERClassifier
from emoest.neural._mfn import MFNClassifier, MFNRegressor
from emoest.neural._sequence import SequenceClassifier, SequenceRegressor

__all__ = [
    "M3ERClassifier",
    "MFNClassifier",
    "MFNRegressor",
    "SequenceClassifier",
    "SequenceRegressor",
]
