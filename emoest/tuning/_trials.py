"""Trials of an Optuna study: how they are seeded, which count, and their table of results."""

import math
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from emoest.evaluation._cross_fitting import score_fold
from emoest.utils.typing import Floats
from emoest.utils.warn import warn_user

_ATTEMPTS = 10
"""How often a storage is opened while another process makes it."""


class FailedTrialWarning(UserWarning):
    """A trial of a search failed; the search went on."""


def trial_seed(seed: int, number: int) -> int:
    """Compute the seed of the trial that follows on `number` finished ones.

    Examples
    --------
    >>> trial_seed(0, 3) == trial_seed(0, 3), trial_seed(0, 3) == trial_seed(0, 4)
    (True, False)
    """
    return int(np.random.SeedSequence([seed, number]).generate_state(1)[0] >> 1)


def reseed(trial: Any, seed: int) -> int:
    """Set a sampler that depends on `seed` and the trials before this one; return their number."""
    from optuna.samplers import TPESampler

    # A sampler's own generator would go on from where it stood, which a resumed search cannot know.
    # What other workers are running counts, so that no two draw the same.
    before = finished_trials(trial.study, running=True)
    number = sum(each.number < trial.number for each in before)
    trial.study.sampler = TPESampler(seed=trial_seed(seed, number), constant_liar=False)
    return number


def open_storage(storage: Any) -> Any:
    """Open what `storage` names; several processes may do so, and make its tables, at once."""
    if not isinstance(storage, str) or "://" not in storage:
        return storage
    from optuna.storages import RDBStorage
    from sqlalchemy.exc import DatabaseError

    # SQLite lets one write at a time, and gives up on the others after five seconds.
    waits = {"connect_args": {"timeout": 60}} if storage.startswith("sqlite") else {}
    for attempt in range(_ATTEMPTS):
        try:
            return RDBStorage(storage, engine_kwargs=waits)
        except DatabaseError:
            # Another process has begun to make the tables: they are there in a moment.
            if attempt == _ATTEMPTS - 1:
                raise
            time.sleep(0.1 * (attempt + 1))
    return None


def complete_trials(study: Any) -> list[Any]:
    """List the trials that have a score."""
    return [t for t in study.get_trials(deepcopy=False) if t.state.name == "COMPLETE"]


def finished_trials(study: Any, *, running: bool = False) -> list[Any]:
    """List the trials that count: complete, failed and, if asked, running, but not interrupted."""
    states = {"COMPLETE", "RUNNING"} if running else {"COMPLETE"}
    return [
        trial
        for trial in study.get_trials(deepcopy=False)
        if trial.state.name in states or "error" in trial.user_attrs
    ]


def check_any_complete(study: Any) -> None:
    """Raise the first error of a study in which no trial has a score."""
    if complete_trials(study):
        return
    errors = [trial.user_attrs["error"] for trial in finished_trials(study)]
    if not errors:
        raise ValueError("No trial was complete before the timeout; give it more seconds.")
    # check_dtype_object of scikit-learn wants the TypeError of the estimator as a TypeError.
    kind = TypeError if errors[0].startswith("TypeError") else ValueError
    raise kind(f"Every trial failed ({len(errors)}). The first: {errors[0]}")


def warn_failed(trial: Any) -> None:
    """Name a failed trial, its parameters and its error in a warning."""
    if "error" in trial.user_attrs:
        what = "and is left out" if trial.value is None else f"in part and scores {trial.value:.3f}"
        warn_user(
            f"Trial {trial.number} with {trial.params} failed {what}: {trial.user_attrs['error']}",
            FailedTrialWarning,
        )


def score_or_error(*fold: Any, error_score: Any, **options: Any) -> tuple[float, str]:
    """Score a fold as `score_fold`; where it fails, return `error_score` and the error."""
    try:
        return score_fold(*fold, **options), ""
    except Exception as error:
        if error_score == "raise" or math.isnan(error_score):
            raise
        return float(error_score), f"{type(error).__name__}: {error}"


def trials_table(study: Any) -> pd.DataFrame:
    """Lay out all trials of a study, one row a trial."""
    kept = ("number", "state", "value", "duration", "params", "user_attrs")
    trials = study.trials_dataframe(attrs=kept)
    trials.columns = [column.removeprefix("user_attrs_") for column in trials.columns]
    trials = trials.rename(columns={"duration": "seconds"})
    if len(trials):
        trials["seconds"] = trials["seconds"].dt.total_seconds()
    return trials


def cv_results(params: Sequence[dict[str, Any]], scores: Floats) -> dict[str, Any]:
    """Lay out parameters and scores (n_candidates, n_splits) as scikit-learn's searches do.

    Examples
    --------
    >>> results = cv_results([{"C": 1.0}, {"C": 2.0}], np.array([[0.5, 0.7], [0.7, 0.9]]))
    >>> results["rank_test_score"].tolist(), results["param_C"].tolist()
    ([2, 1], [1.0, 2.0])
    """
    results: dict[str, Any] = {}
    for name in dict.fromkeys(name for each in params for name in each):
        values = np.ma.masked_all(len(params), dtype=object)
        for i, each in enumerate(params):
            if name in each:
                values[i] = each[name]
        results[f"param_{name}"] = values
    results["params"] = list(params)
    results |= {f"split{k}_test_score": column for k, column in enumerate(scores.T)}
    mean = np.array([np.mean(row) for row in scores])
    results["mean_test_score"] = mean
    results["std_test_score"] = np.array([np.std(row) for row in scores])
    # Failed candidates share the last rank.
    ranks = rankdata(np.where(np.isnan(mean), np.inf, -mean), method="min")
    results["rank_test_score"] = ranks.astype(np.int32)
    return results


@contextmanager
def quiet(optuna: Any, verbose: int) -> Iterator[None]:
    """Silence Optuna's messages inside, and give its verbosity back as it was.

    Examples
    --------
    >>> import optuna
    >>> before = optuna.logging.get_verbosity()
    >>> with quiet(optuna, 0):
    ...     optuna.logging.get_verbosity() >= optuna.logging.ERROR
    True
    >>> optuna.logging.get_verbosity() == before
    True
    """
    before = optuna.logging.get_verbosity()
    # A user who has silenced more than that keeps it so.
    if verbose < 2:
        optuna.logging.set_verbosity(max(before, optuna.logging.ERROR))
    try:
        yield
    finally:
        optuna.logging.set_verbosity(before)
