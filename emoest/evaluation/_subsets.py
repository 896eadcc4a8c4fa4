"""A model evaluated on every subset of modalities: the others are taken away."""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import combinations
from math import comb
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from joblib import delayed
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.pipeline import Pipeline

from emoest.evaluation._bootstrap import GroupSums, group_sums
from emoest.evaluation._checks import check_models, plan_folds
from emoest.evaluation._context import without_unused_context
from emoest.evaluation._cross_fitting import Groups, fit_clone, run_parallel, with_group_level
from emoest.evaluation._evaluate import evaluate
from emoest.evaluation._result import EvaluationResult
from emoest.tables.groups import Split
from emoest.tables.names import Modalities, find_modalities
from emoest.utils._sklearn import safe_indexing
from emoest.utils.seeds import isolated_generators, resolve_seed, spawn_seeds
from emoest.utils.typing import Floats

MAX_EXACT = 10
"""Most modalities whose subsets are all tried (1,023 of them)."""

Subset = tuple[str, ...]
Absent = Literal["missing", "drop"]

_EXPECTED = (
    r"(?s).*(missing in every training|No training (row|sample) has|no modality|groups .* only:)"
)
"""Warnings that follow from taking modalities away, or that would be repeated for each subset."""


class KeepModalities(TransformerMixin, BaseEstimator):
    """Keep some modalities of a table of media, frames or vectors, and remove the others."""

    def __init__(
        self, keep: Sequence[str] = (), *, modalities: Any = "auto", absent: Absent = "missing"
    ) -> None:
        self.keep = keep
        self.modalities = modalities
        self.absent = absent

    def fit(self, X: Any, y: Any = None) -> "KeepModalities":
        """Find the modalities."""
        self.found_ = find_modalities(X, self.modalities)
        return self

    def transform(self, X: Any) -> Any:
        """Remove the others."""
        away = [self.found_[name] for name in self.found_ if name not in self.keep]
        positions = np.concatenate([np.empty(0, dtype=np.intp), *away])
        if len(positions) == 0:
            return X
        if self.absent == "drop":
            kept = np.setdiff1d(np.arange(np.shape(X)[1]), positions)
            return X.iloc[:, kept] if isinstance(X, pd.DataFrame) else np.asarray(X)[:, kept]
        return _blank(X, positions)


def _blank(X: Any, positions: npt.NDArray[np.intp]) -> Any:
    if not isinstance(X, pd.DataFrame):
        values = np.array(X, dtype=np.float64)
        values[:, positions] = np.nan
        return values
    blanked = X.copy()
    dtypes = X.dtypes.tolist()
    for position in positions.tolist():
        numeric = pd.api.types.is_numeric_dtype(dtypes[position])
        empty = np.full(len(X), np.nan) if numeric else np.full(len(X), None, dtype=object)
        # The column is replaced: one of numbers could not hold None.
        blanked.isetitem(position, empty)
    return blanked


def find_subsets(found: Modalities, y: Any) -> list[Subset]:
    """List every non-empty subset of the modalities, the small ones first."""
    if np.ndim(y) == 2 and np.shape(y)[1] > 1:
        raise ValueError(f"One target at a time: y has shape {np.shape(y)}.")
    if len(found) > MAX_EXACT:
        raise ValueError(
            f"X has {len(found)} modalities; all subsets are tried for at most {MAX_EXACT}. Join "
            "some of them with modalities={...}."
        )
    sizes = range(1, len(found) + 1)
    return [subset for size in sizes for subset in combinations(found.names, size)]


def on_subset(estimator: Any, subset: Subset, modalities: Any, absent: Absent) -> Pipeline:
    """Make a Pipeline of a step that removes the other modalities, and the model."""
    if absent not in {"missing", "drop"}:
        raise ValueError(f"absent must be 'missing' or 'drop', got {absent!r}.")
    keep = KeepModalities(subset, modalities=modalities, absent=absent)
    return Pipeline([("keep", keep), ("model", estimator)])


def floor_of(y: Any, task: str) -> float:
    """Score that predictions at chance level reach."""
    return 0.0 if task == "regression" else 1 / len(np.unique(np.asarray(y)))


@contextmanager
def _expected_warnings_hidden() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=_EXPECTED, category=UserWarning)
        yield


@dataclass
class SubsetEvaluation:
    """Parameters of `evaluate` by their names there, the same for every subset."""

    groups: Any
    group_column: str | None
    cv: Any
    n_resamples: int
    confidence: float
    n_jobs: int | None
    random_state: Any

    def __post_init__(self) -> None:
        # One seed for all subsets, so that they see the same folds and models.
        self.random_state = resolve_seed(self.random_state)
        # A generator of splits would be used up by the first subset.
        if hasattr(self.cv, "__next__"):
            self.cv = list(self.cv)

    def evaluate(self, model: Any, X: Any, y: Any) -> EvaluationResult:
        """Evaluate one model, without the warnings that missing modalities bring."""
        with _expected_warnings_hidden():
            return evaluate(model, X, y, proba=False, **vars(self))

    def predict_subsets(
        self, estimator: Any, X: Any, y: Any, subsets: Sequence[Subset], modalities: Any
    ) -> tuple[list[GroupSums], float]:
        """Fit once in each fold of `evaluate` and predict from every subset."""
        plan = plan_folds(
            check_models(estimator),
            X,
            y,
            groups=self.groups,
            group_column=self.group_column,
            cv=self.cv,
            random_state=self.random_state,
        )
        keepers = [KeepModalities(subset, modalities=modalities) for subset in subsets]
        rows, groups, splits = with_group_level(X, plan.groups), plan.groups, plan.splits
        rows = without_unused_context(rows, estimator)
        seeds = spawn_seeds(self.random_state, len(splits))
        calls = [
            delayed(_predict_fold)(
                estimator, rows, plan.targets.y, groups, split=split, seed=seed, keepers=keepers
            )
            for split, seed in zip(splits, seeds, strict=True)
        ]
        outputs = run_parallel(calls, self.n_jobs)
        order = np.concatenate([test for _, test in splits])
        task, true = plan.targets.task, plan.targets.frame.iloc[order, 0].infer_objects()
        key = order if groups is None else groups[order]
        joined = [np.concatenate(parts) for parts in zip(*outputs, strict=True)]
        return [group_sums(true, y_pred, key, task) for y_pred in joined], floor_of(true, task)


def _predict_fold(
    estimator: Any,
    X: Any,
    y: Any,
    groups: Groups,
    *,
    split: Split,
    seed: int,
    keepers: Sequence[KeepModalities],
) -> list[npt.NDArray[Any]]:
    """Fit one model on all modalities, and predict the test rows with some taken away."""
    train, test = split
    with isolated_generators(seed):
        model = fit_clone(estimator, X, y, groups, train, seed=seed)
        rows = safe_indexing(X, test)
        with _expected_warnings_hidden():
            return [np.asarray(model.predict(keeper.fit_transform(rows))) for keeper in keepers]


def shapley_weights(names: Sequence[str], subsets: Sequence[Subset]) -> Floats:
    """Compute the weight with which the worth of each subset enters each Shapley value.

    The weights have the shape (n_names, n_subsets); the empty subset is worth nothing.

    Examples
    --------
    >>> shapley_weights(["a", "b"], [("a",), ("b",), ("a", "b")]).tolist()
    [[0.5, -0.5, 0.5], [-0.5, 0.5, 0.5]]
    """
    n = len(names)
    weights = np.zeros((n, len(subsets)))
    for i, name in enumerate(names):
        for j, subset in enumerate(subsets):
            if name in subset:
                weights[i, j] = 1 / (n * comb(n - 1, len(subset) - 1))
            else:
                weights[i, j] = -1 / (n * comb(n - 1, len(subset)))
    return weights
