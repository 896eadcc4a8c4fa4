"""Deep estimators: nets trained through skorch, with fit / transform / predict."""

from emoest.neural._sequence import SequenceClassifier, SequenceRegressor

__all__ = ["SequenceClassifier", "SequenceRegressor"]
