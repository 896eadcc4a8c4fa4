"""Hyperparameter search with Optuna over any pipeline, grouped by speaker and scored by UAR."""

from emoest.tuning._plots import plot_search
from emoest.tuning._search import OptunaSearchCV
from emoest.tuning._storage import StudyStorageError
from emoest.tuning._trials import FailedTrialWarning

__all__ = ["FailedTrialWarning", "OptunaSearchCV", "StudyStorageError", "plot_search"]
