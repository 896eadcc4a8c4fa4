"""Folds: how samples are split by speaker, and one model fitted on one fold."""

import multiprocessing
import os
import pickle
import sys
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from joblib import Parallel, effective_n_jobs
from joblib.parallel import MultiprocessingBackend, get_active_backend
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    StratifiedGroupKFold,
    StratifiedKFold,
    check_cv,
)

from emoest.tables.conversion import explained_conversion
from emoest.tables.groups import GROUP_LEVEL
from emoest.utils._sklearn import safe_indexing
from emoest.utils.messages import listed
from emoest.utils.routing import fit_parameters
from emoest.utils.seeds import isolated_generators, seeded_clone
from emoest.utils.warn import collected_warnings, warn_user

Groups = npt.NDArray[Any] | None

_ATTEMPTS = 4
"""How often calls on a cluster are begun, whose workers may be lost meanwhile."""


@dataclass(frozen=True)
class FoldTask:
    """One model to be fitted on one fold and to predict it; folds count from 1.

    `run` is the seed of the run that it is part of; None if there is one run.
    """

    model: str
    fold: int
    estimator: Any
    train: npt.NDArray[np.intp]
    test: npt.NDArray[np.intp]
    seed: int
    run: int | None = None


@dataclass(frozen=True)
class FoldOutput:
    """What a model predicted for the test samples of a fold."""

    task: FoldTask
    y_pred: npt.NDArray[Any]
    probabilities: dict[Any, "pd.DataFrame"] = field(default_factory=dict)


@dataclass(frozen=True)
class FoldFailure:
    """What went wrong in a fold."""

    task: FoldTask
    error: Exception
    trace: str


def make_splitter(
    cv: Any, y: Any, groups: Groups, *, classifier: bool, stratify: bool, seed: int
) -> Any:
    """Make the splitter that `cv` stands for; None and integers split by group, seeded.

    Examples
    --------
    >>> groups = np.arange(8)
    >>> make_splitter(2, [0, 1] * 4, groups, classifier=True, stratify=True, seed=0)
    StratifiedGroupKFold(n_splits=2, random_state=0, shuffle=True)
    """
    if cv is not None and not isinstance(cv, int | np.integer):
        return check_cv(cv, y, classifier=classifier)
    n_splits = 5 if cv is None else int(cv)
    options = {"n_splits": n_splits, "shuffle": True, "random_state": seed}
    if groups is None:
        return StratifiedKFold(**options) if stratify else KFold(**options)
    names = np.unique(groups)
    if len(names) < 2:
        raise ValueError(
            f"All samples are of one group (speaker), {listed(names, quoted=True)}, so no split is "
            "speaker-independent. Pass other groups=, or cv=StratifiedKFold(...) with "
            "allow_overlap=True for a speaker-dependent score."
        )
    if len(names) < n_splits:
        raise ValueError(
            f"{n_splits} folds need at least {n_splits} groups (speakers), but there are only "
            f"{len(names)}: {listed(names, quoted=True)}. Pass cv={len(names)}."
        )
    splitter = StratifiedGroupKFold(**options) if stratify else GroupKFold(**options)
    # With about as many folds as groups, stratifying may leave a fold without any.
    if stratify and 2 * n_splits > len(names):
        rows = np.zeros((len(groups), 1))
        if any(len(test) == 0 for _, test in splitter.split(rows, y, groups)):
            return GroupKFold(**options)
    return splitter


def with_group_level(X: Any, groups: Groups) -> Any:
    """Add the groups to the index of a DataFrame that has none, where inner steps find them.

    Examples
    --------
    >>> with_group_level(pd.DataFrame({"a": [1.0]}), np.array(["s1"])).index.names
    FrozenList([None, 'group'])
    """
    if groups is None or not isinstance(X, pd.DataFrame) or GROUP_LEVEL in X.index.names:
        return X
    return X.set_index(pd.Index(groups, name=GROUP_LEVEL), append=True)


def fit_clone(
    model: Any,
    X: Any,
    y: Any,
    groups: Groups,
    rows: npt.NDArray[np.intp],
    *,
    seed: int,
    sample_weight: Any = None,
) -> Any:
    """Fit a clone on some of the rows, with their weights, and their groups if it takes groups.

    Parts of the model without a seed get theirs from `seed`.

    Examples
    --------
    >>> from sklearn.dummy import DummyClassifier
    >>> X, y = np.zeros((3, 1)), np.array(["a", "b", "b"])
    >>> fit_clone(DummyClassifier(), X, y, None, np.array([1, 2]), seed=0).classes_.tolist()
    ['b']
    """
    fitted = seeded_clone(model, seed, distinct=True)
    weights = None if sample_weight is None else sample_weight[rows]
    parameters = fit_parameters(fitted, weights, None if groups is None else groups[rows])
    y = None if y is None else safe_indexing(y, rows)
    with explained_conversion(X):
        fitted.fit(safe_indexing(X, rows), y, **parameters)
    return fitted


def run_parallel(calls: list[Any], n_jobs: int | None) -> Iterator[Any]:
    """Run delayed calls by joblib, at most `n_jobs` begun at a time, and yield results in order.

    Warnings of other processes are said here, at the user's line. Threads share the global
    generators, so there one call follows on the other: results are to be those of any other
    backend.

    Examples
    --------
    >>> from joblib import delayed
    >>> list(run_parallel([delayed(abs)(-1), delayed(abs)(-2)], n_jobs=None))
    [1, 2]
    """
    backend = get_active_backend()[0]
    if getattr(backend, "supports_sharedmem", False):
        n_jobs = 1
    _refuse_fork(backend, n_jobs)
    collecting: list[Any] = [(_collecting, (os.getpid(), *call), {}) for call in calls]
    for result, said in _by_backend(collecting, n_jobs, backend):
        for message, category in said:
            warn_user(message, category)
        yield result


def _collecting(caller: int, function: Any, args: Any, kwargs: Any) -> tuple[Any, list[Any]]:
    """Call a function, and hand the warnings back if this is another process."""
    if os.getpid() == caller:
        return function(*args, **kwargs), []
    with collected_warnings() as said:
        result = function(*args, **kwargs)
    return result, said


def _by_backend(calls: list[Any], n_jobs: int | None, backend: Any) -> Iterator[Any]:
    if not type(backend).__module__.startswith("joblib._dask"):
        yield from _results(calls, n_jobs, backend)
        return
    # Dask draws from numpy's global generator to guess how large a table is.
    before = np.random.get_state()  # noqa: NPY002
    try:
        yield from _results_of_cluster(calls, n_jobs, backend)
    finally:
        np.random.set_state(before)  # noqa: NPY002


def _refuse_fork(backend: Any, n_jobs: int | None) -> None:
    """Raise where processes would be forked from one that has torch's threads: they never end."""
    torch = sys.modules.get("torch")
    if torch is None or not isinstance(backend, MultiprocessingBackend):
        return
    method = os.environ.get("JOBLIB_START_METHOD") or multiprocessing.get_start_method()
    if method == "fork" and torch.get_num_threads() > 1 and effective_n_jobs(n_jobs) > 1:
        raise ValueError(
            "joblib's backend 'multiprocessing' forks this process, and torch, which has several "
            "threads in it, may wait for ever in a fork. Take 'loky', joblib's default, or call "
            "torch.set_num_threads(1) first."
        )


def _results_of_cluster(calls: list[Any], n_jobs: int | None, backend: Any) -> Iterator[Any]:
    """Run calls, those again whose samples were lost with a worker."""
    done = attempts = 0
    while done < len(calls):
        try:
            for result in _results(calls[done:], n_jobs, backend):
                done += 1
                yield result
        except Exception as error:
            attempts += 1
            # joblib keeps samples on workers of Dask; calls that need lost ones are cancelled.
            if attempts == _ATTEMPTS or not type(error).__module__.startswith("distributed."):
                raise


def _results(calls: list[Any], n_jobs: int | None, backend: Any) -> Iterator[Any]:
    if getattr(backend, "supports_return_generator", False):
        # Calls queued ahead would still run after an error.
        yield from Parallel(n_jobs=n_jobs, return_as="generator", pre_dispatch="n_jobs")(calls)
        return
    parallel = Parallel(n_jobs=n_jobs)
    at_once = effective_n_jobs(n_jobs)
    for start in range(0, len(calls), at_once):
        yield from parallel(calls[start : start + at_once])


def run_fold(
    task: FoldTask, X: Any, y: Any, *, groups: Groups, targets: list[Any], proba: bool
) -> FoldOutput | FoldFailure:
    """Fit a clone on the training part and predict the test part; an error is handed back."""
    try:
        with isolated_generators(task.seed):
            model = fit_clone(task.estimator, X, y, groups, task.train, seed=task.seed)
            X_test = safe_indexing(X, task.test)
            y_pred = np.asarray(model.predict(X_test))
            tables = class_probabilities(model, X_test, targets) if proba else {}
    except Exception as error:
        # Raised in a worker, it would end joblib's loop and lose the folds that are done.
        return FoldFailure(task, _portable(error), traceback.format_exc())
    return FoldOutput(task, y_pred, tables)


def class_probabilities(model: Any, X: Any, targets: list[Any]) -> dict[Any, "pd.DataFrame"]:
    """Probabilities of each target, one column a class; empty where the model gives none.

    Examples
    --------
    >>> from sklearn.dummy import DummyClassifier
    >>> model = DummyClassifier().fit([[0.0], [0.0]], ["a", "b"])
    >>> class_probabilities(model, [[0.0]], ["y"])["y"].to_dict("list")
    {'a': [0.5], 'b': [0.5]}
    """
    if not hasattr(model, "predict_proba"):
        return {}
    raw, known = model.predict_proba(X), getattr(model, "classes_", None)
    if isinstance(raw, Mapping):
        classes = known if isinstance(known, Mapping) else {}
        parts = {target: raw[target] for target in targets if target in raw}
        return {target: _proba_table(parts[target], classes.get(target)) for target in parts}
    if isinstance(raw, list):
        columns = zip(targets, raw, known or [], strict=True)
        return {target: _proba_table(part, labels) for target, part, labels in columns}
    if len(targets) == 1:
        return {targets[0]: _proba_table(raw, known)}
    # Multi-label classifiers give one column a label: the probability of its 1.
    return {
        target: _proba_table(np.column_stack([1 - ones, ones]), [0, 1])
        for target, ones in zip(targets, np.asarray(raw).T, strict=True)
    }


def _proba_table(part: Any, classes: Any) -> "pd.DataFrame":
    if isinstance(part, pd.DataFrame):
        return part.reset_index(drop=True)
    return pd.DataFrame(np.asarray(part), columns=np.asarray(classes).tolist())


def _portable(error: Exception) -> Exception:
    """Keep an error that survives the way back from a worker, otherwise its text."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        text = RuntimeError(f"{type(error).__name__}: {error}")
        return text.with_traceback(error.__traceback__)
    return error
