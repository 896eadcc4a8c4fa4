"""A model judged on every subset of modalities: the others are taken away."""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from joblib import Parallel, delayed
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.pipeline import Pipeline

from emoest.evaluation._bootstrap import GroupSums, ccc_sums, group_codes, uar_sums
from emoest.evaluation._checks import (
    check_groups,
    check_models,
    check_overlap,
    check_targets,
    make_splits,
)
from emoest.evaluation._cross_fitting import Groups, make_splitter, with_group_level
from emoest.evaluation._evaluate import evaluate
from emoest.evaluation._result import EvaluationResult
from emoest.tables.groups import Split, resolve_groups
from emoest.tables.names import Modalities, find_modalities
from emoest.utils._sklearn import safe_indexing
from emoest.utils.routing import fit_parameters
from emoest.utils.seeds import RandomState, isolated_generators, resolve_seed, spawn_seeds

MAX_EXACT = 10
"""Most modalities whose subsets are all tried (1,023 of them)."""

Subset = tuple[str, ...]
Absent = Literal["missing", "drop"]

_EXPECTED = r"(?s).*(missing in every training row|No training row has|no modality)"
"""Warnings that follow from taking modalities away here, and are not repeated for each subset."""


class KeepModalities(TransformerMixin, BaseEstimator):
    """Leave some modalities of X, in any zone, as they are, and take the others away."""

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
        """Take the others away."""
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
    for position in positions.tolist():
        numeric = pd.api.types.is_numeric_dtype(X.dtypes.iloc[position])
        empty = np.full(len(X), np.nan) if numeric else np.full(len(X), None, dtype=object)
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
    """Put a model behind a step that takes the other modalities away."""
    if absent not in {"missing", "drop"}:
        raise ValueError(f"absent must be 'missing' or 'drop', got {absent!r}.")
    keep = KeepModalities(subset, modalities=modalities, absent=absent)
    return Pipeline([("keep", keep), ("model", estimator)])


def sums_of(result: EvaluationResult) -> GroupSums:
    """Sums by group of an evaluation of one model on one target."""
    rows = result.select()
    task = result.protocol.task
    key = "position" if result.protocol.n_groups is None else "group"
    return _sums(rows["y"].infer_objects(), rows["y_pred"].infer_objects(), rows[key], task)


def _sums(y: Any, y_pred: Any, key: Any, task: str) -> GroupSums:
    codes = group_codes(key, len(y))
    return ccc_sums(y, y_pred, codes) if task == "regression" else uar_sums(y, y_pred, codes)


def floor_of(y: Any, task: str) -> float:
    """Score of knowing nothing."""
    return 0.0 if task == "regression" else 1 / len(np.unique(np.asarray(y)))


@contextmanager
def _expected_warnings_hidden() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=_EXPECTED, category=UserWarning)
        yield


@dataclass
class Judge:
    """The settings of `evaluate`, the same for every subset."""

    groups: Any
    group_column: str | None
    cv: Any
    n_resamples: int
    confidence: float
    n_jobs: int | None
    random_state: RandomState

    def __post_init__(self) -> None:
        self.seed = resolve_seed(self.random_state)
        if hasattr(self.cv, "__next__"):
            self.cv = list(self.cv)

    def evaluate(self, model: Any, X: Any, y: Any) -> EvaluationResult:
        """Evaluate one model."""
        with _expected_warnings_hidden():
            return evaluate(
                model,
                X,
                y,
                groups=self.groups,
                group_column=self.group_column,
                cv=self.cv,
                proba=False,
                n_resamples=self.n_resamples,
                confidence=self.confidence,
                n_jobs=self.n_jobs,
                random_state=self.seed,
            )

    def evaluate_each(self, models: Sequence[Any], X: Any, y: Any) -> list[EvaluationResult]:
        """Evaluate a model for each subset, one after the other."""
        return [self.evaluate(model, X, y) for model in models]

    def ask_subsets(
        self, estimator: Any, X: Any, y: Any, subsets: Sequence[Subset], modalities: Any
    ) -> tuple[list[GroupSums], float]:
        """Fit once in each fold of `evaluate` and ask about every subset."""
        models = check_models(estimator)
        targets = check_targets(X, y, models)
        known = check_groups(X, resolve_groups(X, self.groups, self.group_column))
        splitter = make_splitter(
            self.cv,
            targets.y,
            known,
            classifier=targets.task == "classification",
            stratify=targets.stratify,
            seed=self.seed,
        )
        splits = make_splits(splitter, X, targets.y, known)
        check_overlap(models, splits, known, allow_overlap=False)
        fold = delayed(_ask_fold)
        rows, asked = with_group_level(X, known), _Question(subsets, modalities)
        answers = Parallel(n_jobs=self.n_jobs)(
            fold(estimator, rows, targets.y, known, split=split, seed=seed, question=asked)
            for split, seed in zip(splits, spawn_seeds(self.seed, len(splits)), strict=True)
        )
        order = np.concatenate([test for _, test in splits])
        true = np.asarray(targets.frame.iloc[order, 0].infer_objects())
        key = order if known is None else known[order]
        joined = [np.concatenate(parts) for parts in zip(*answers, strict=True)]
        sums = [_sums(true, predicted, key, targets.task) for predicted in joined]
        return sums, floor_of(true, targets.task)


@dataclass(frozen=True)
class _Question:
    subsets: Sequence[Subset]
    modalities: Any


def _ask_fold(
    estimator: Any, X: Any, y: Any, groups: Groups, *, split: Split, seed: int, question: _Question
) -> list[npt.NDArray[Any]]:
    """Fit one model on all modalities, and ask it about the test rows with some taken away."""
    train, test = split
    with isolated_generators(seed):
        model = clone(estimator)
        parameters = fit_parameters(model, groups=None if groups is None else groups[train])
        model.fit(safe_indexing(X, train), safe_indexing(y, train), **parameters)
        rows = safe_indexing(X, test)
        keepers = [KeepModalities(s, modalities=question.modalities) for s in question.subsets]
        with _expected_warnings_hidden():
            return [np.asarray(model.predict(keeper.fit_transform(rows))) for keeper in keepers]
