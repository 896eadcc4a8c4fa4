"""The study of a search: its name, what it is a study of, and trials that nobody runs any more."""

import time
import uuid
from copy import deepcopy
from typing import Any

import joblib
import numpy as np
from scipy.sparse import issparse
from sklearn.pipeline import Pipeline

from emoest.tuning._folds import Rows
from emoest.tuning._space import asked_params, without_addresses
from emoest.tuning._storage import open_storage
from emoest.utils._sklearn import num_samples
from emoest.utils.messages import listed, short_repr
from emoest.utils.processes import process_runs, this_process
from emoest.utils.versions import versions
from emoest.utils.warn import warn_user

_IDENTITY = "emoest"
"""The attribute of a study that holds digests of all that its trials depend on."""

_DECIDING_VERSIONS = ("emoest", "scikit-learn", "torch")

_NAMELESS_SECONDS = 5.0
"""How long a worker may need to write its name into a trial that it has begun."""

_running: set[str] = set()
"""Searches of this process that run now."""


def open_study(
    search: Any, rows: Rows, metrics: dict[str, Any], objectives: list[str], sampler: Any
) -> Any:
    """Make or find the study of a search, with the trials that it is to try first.

    Raises
    ------
    ValueError
        If its name stands for another study, or `enqueue` does not fit the space.
    """
    import optuna

    identity = identity_of(
        search.estimator,
        rows,
        space=search.space,
        scoring=metrics | {"objectives": objectives},
        error_score=search.error_score,
    )
    asked = [asked_params(each, search.space) for each in search.enqueue or ()]
    name = search.study_name
    if name is None and search.storage is not None:
        name = study_name(search.estimator, identity)
    study = optuna.create_study(
        storage=open_storage(search.storage),
        study_name=name,
        directions=["maximize"] * len(objectives),
        load_if_exists=True,
        sampler=sampler,
        pruner=deepcopy(search.pruner) or optuna.pruners.NopPruner(),
    )
    check_study(study, identity)
    describe_study(study, search.estimator, rows, identity, objectives)
    fail_abandoned(study)
    for each in asked:
        study.enqueue_trial(each, skip_if_exists=True)
    return study


def identity_of(
    estimator: Any, rows: Rows, *, space: Any, scoring: dict[str, Any], error_score: Any
) -> dict[str, str]:
    """Compute a digest of each thing that trials depend on: a search only resumes its own."""
    space = getattr(space, "__qualname__", repr(space))
    score = str(scoring)
    if error_score != "raise" and not np.isnan(error_score):
        score += f" {error_score}"
    parts = {
        "samples": rows.X if issparse(rows.X) else np.asarray(rows.X),
        "target": np.asarray(rows.y),
        "weights": rows.weights,
        "groups": rows.groups,
        "folds": rows.splits,
        "estimator": without_addresses(f"{type(estimator)} {estimator.get_params()}"),
        "space": without_addresses(space),
        "scoring": without_addresses(score),
        "random_state": rows.seed,
    }
    return {name: joblib.hash(part) for name, part in parts.items()}


def study_name(estimator: Any, identity: dict[str, str]) -> str:
    """Name a study by the model that decides and a digest.

    Examples
    --------
    >>> from sklearn.svm import SVC
    >>> study_name(SVC(), {"samples": "ab"}).startswith("SVC-")
    True
    """
    while isinstance(estimator, Pipeline):
        estimator = estimator.steps[-1][1]
    return f"{type(estimator).__name__}-{joblib.hash(identity)[:12]}"


def check_study(study: Any, identity: dict[str, str]) -> None:
    """Check that the study of a name that the user gave is one of this search.

    Raises
    ------
    ValueError
        If its trials are of other samples, folds or parameters, or of no search of emoest.
    """
    # Trials first: another worker may begin the study now, and names it before its first trial.
    has_trials = bool(study.get_trials(deepcopy=False))
    known = study.user_attrs.get(_IDENTITY)
    if known is None:
        if has_trials:
            raise ValueError(
                f"The study {study.study_name!r} has trials that OptunaSearchCV did not make. Give "
                "another study_name, or None for one of its own."
            )
        return
    differs = [name for name, digest in identity.items() if known.get(name) != digest]
    if differs:
        raise ValueError(
            f"The study {study.study_name!r} is of another search: {listed(differs, most=9)} "
            "differ. Give another study_name, or None for one study for each set of samples "
            "(an evaluation with outer folds has one for each)."
        )


def describe_study(
    study: Any, estimator: Any, rows: Rows, identity: dict[str, str], metrics: list[str]
) -> None:
    """Write into a new study what it is of; warn if it was begun with other versions."""
    now = versions()
    if (begun := study.user_attrs.get("versions")) is not None:
        differ = [
            f"{name} {begun[name]} (now {now[name]})"
            for name in _DECIDING_VERSIONS
            if name in begun and name in now and begun[name] != now[name]
        ]
        if differ:
            warn_user(
                f"The study {study.study_name!r} was begun with {listed(differ)}: its older trials "
                "may score otherwise than the new ones."
            )
        return
    known = None if rows.groups is None else len(np.unique(rows.groups.astype(str)))
    # The identity first: a worker that finds the versions writes nothing itself, and begins.
    described = {
        _IDENTITY: identity,
        "model": short_repr(estimator),
        "metrics": metrics,
        "n_samples": num_samples(rows.X),
        "n_groups": known,
        "n_splits": len(rows.splits),
        "versions": now,
    }
    for name, value in described.items():
        study.set_user_attr(name, value)


class Worker:
    """A process at work on a study; its name stands in each trial that it runs."""

    def __enter__(self) -> "Worker":
        self.name = f"{this_process()} {uuid.uuid4().hex[:8]}"
        _running.add(self.name)
        return self

    def __exit__(self, *error: object) -> None:
        _running.discard(self.name)


def fail_abandoned(study: Any) -> int:
    """End the running trials whose process was killed; return how many there were.

    Parameters that a user had asked for are tried again.
    """
    import optuna

    # Only trials without a name from the first look to the last: another worker begins new ones
    # meanwhile, and a trial has no name for the moment before its worker writes it.
    end = time.monotonic() + _NAMELESS_SECONDS
    nameless = _nameless_numbers(study)
    while nameless and time.monotonic() < end:
        time.sleep(0.05)
        nameless &= _nameless_numbers(study)
    abandoned = [
        trial
        for trial in _running_trials(study)
        if trial.number in nameless or _is_abandoned(trial)
    ]
    for trial in abandoned:
        try:
            study.tell(trial.number, state=optuna.trial.TrialState.FAIL)
        except (ValueError, optuna.exceptions.UpdateFinishedTrialError):
            # Another worker has just done so.
            continue
        if (asked := trial.system_attrs.get("fixed_params")) is not None:
            study.enqueue_trial(asked)
    return len(abandoned)


def _running_trials(study: Any) -> list[Any]:
    return [each for each in study.get_trials(deepcopy=False) if each.state.name == "RUNNING"]


def _nameless_numbers(study: Any) -> set[int]:
    return {each.number for each in _running_trials(study) if "worker" not in each.user_attrs}


def _is_abandoned(trial: Any) -> bool:
    name = trial.user_attrs.get("worker")
    if name is None:
        return False
    process, _, _ = name.rpartition(" ")
    if process == this_process():
        return name not in _running
    return process_runs(process) is False
