"""One fold of a trial: fitted, scored by each metric, and timed."""

import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from joblib import delayed, effective_n_jobs
from sklearn.base import is_classifier
from sklearn.utils import get_tags, indexable
from sklearn.utils.multiclass import check_classification_targets

from emoest.evaluation._cross_fitting import fit_clone, run_parallel, with_group_level
from emoest.tables.groups import Split, inner_splits, resolve_groups
from emoest.utils._sklearn import num_samples, safe_indexing
from emoest.utils.routing import check_weight
from emoest.utils.seeds import isolated_generators, resolve_seed, spawn_seeds


@dataclass(frozen=True)
class Rows:
    """The samples of a search, their weights, how they are split, and the seed."""

    X: Any
    y: Any
    groups: Any
    weights: Any
    splits: list[Split]
    seed: int


def make_rows(search: Any, X: Any, y: Any, sample_weight: Any, groups: Any) -> tuple[Rows, bool]:
    """Validate the samples of a search and split them; say whether groups are kept apart."""
    classifier = is_classifier(search.estimator)
    if y is None and get_tags(search.estimator).target_tags.required:
        raise ValueError(
            f"{type(search).__name__} requires y to be passed, but the target y is None."
        )
    X, y, groups = indexable(X, y, groups)
    weights = check_weight(sample_weight, X)
    if classifier:
        check_classification_targets(np.asarray(y))
    groups = resolve_groups(X, groups, search.group_column)
    seed = resolve_seed(search.random_state)
    options = {"cv": search.cv, "classifier": classifier and np.ndim(y) == 1}
    splits, grouped = inner_splits(X, y, groups=groups, random_state=seed, **options)
    if not splits:
        raise ValueError(
            f"cv={search.cv!r} gives no fold of the n_samples={num_samples(X)} samples whose "
            "training part holds every class. A search needs two groups (speakers) with each "
            "class, or two samples of each class."
        )
    return Rows(with_group_level(X, groups), y, groups, weights, splits, seed), grouped


@dataclass(frozen=True)
class FoldScore:
    """Scores by metric of one fold, seconds, and the error where it failed."""

    scores: dict[str, float]
    fit_seconds: float = 0.0
    score_seconds: float = 0.0
    error: str = ""


def score_folds(
    model: Any,
    rows: Rows,
    *,
    scorers: Mapping[str, Any],
    error_score: Any,
    seed: int,
    n_jobs: int | None,
    may_stop: bool = False,
) -> Iterator[FoldScore]:
    """Fit and score a model on every fold, in their order, at most `n_jobs` ahead.

    Who may stop before the last one says so: then no more than `n_jobs` are begun at once.
    """
    seeds = spawn_seeds(seed, len(rows.splits))
    options = {"scorers": scorers, "error_score": error_score}
    # Splits of the other folds need not travel to a worker.
    samples = (rows.X, rows.y, rows.groups, rows.weights)
    calls = [
        delayed(score_fold)(model, *samples, split=split, seed=each, **options)
        for split, each in zip(rows.splits, seeds, strict=True)
    ]
    # joblib ends its workers, with the models they hold, when folds in flight are given up.
    at_once = effective_n_jobs(n_jobs) if may_stop else len(calls)
    for start in range(0, len(calls), at_once):
        yield from list(run_parallel(calls[start : start + at_once], n_jobs))


def score_fold(
    model: Any,
    X: Any,
    y: Any,
    groups: Any,
    weights: Any,
    *,
    split: Split,
    scorers: Mapping[str, Any],
    seed: int,
    error_score: Any = "raise",
) -> FoldScore:
    """Fit a clone on the training part and score its predictions of the test part.

    Where that fails, the scores are `error_score`, unless it is NaN or ``"raise"``.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.dummy import DummyClassifier
    >>> from emoest.evaluation import uar_scorer
    >>> X, y, split = np.zeros((4, 1)), np.array([0, 1, 0, 1]), (np.array([0, 1]), np.array([2, 3]))
    >>> scorers = {"uar": uar_scorer}
    >>> score_fold(DummyClassifier(), X, y, None, None, split=split, scorers=scorers, seed=0).scores
    {'uar': 0.5}
    """
    train, test = split
    y_test = None if y is None else safe_indexing(y, test)
    begun = time.perf_counter()
    try:
        with isolated_generators(seed):
            fitted = fit_clone(model, X, y, groups, train, seed=seed, sample_weight=weights)
            done = time.perf_counter()
            X_test = safe_indexing(X, test)
            scores = {
                name: float(scorer(fitted, X_test, y_test)) for name, scorer in scorers.items()
            }
    except Exception as error:
        if error_score == "raise" or math.isnan(error_score):
            raise
        failed = dict.fromkeys(scorers, float(error_score))
        return FoldScore(failed, error=f"{type(error).__name__}: {error}")
    return FoldScore(scores, done - begun, time.perf_counter() - done)
