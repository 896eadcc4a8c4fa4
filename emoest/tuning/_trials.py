"""Trials of an Optuna study: how they are seeded, which count, and their table of results."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from emoest.utils.typing import Floats
from emoest.utils.warn import warn_user

SECONDS = ("fit", "score")
"""What the seconds of a fold were spent on."""


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


def frozen_study(study: Any) -> Any:
    """Copy a study as it is now; other workers do not change the copy.

    Examples
    --------
    >>> import optuna
    >>> study = optuna.create_study()
    >>> copy = frozen_study(study)
    >>> _ = study.ask()
    >>> len(copy.get_trials())
    0
    """
    import optuna

    copy = optuna.create_study(
        storage=optuna.storages.InMemoryStorage(),
        study_name=study.study_name,
        directions=study.directions,
    )
    copy.add_trials(study.get_trials(deepcopy=False))
    return copy


def complete_trials(study: Any) -> list[Any]:
    """List the trials that have a score."""
    return [t for t in study.get_trials(deepcopy=False) if t.state.name == "COMPLETE"]


def finished_trials(study: Any, *, running: bool = False) -> list[Any]:
    """List the trials that count: complete, pruned, failed and, if asked, running.

    Interrupted ones do not.
    """
    states = {"COMPLETE", "PRUNED"} | ({"RUNNING"} if running else set())
    return [
        trial
        for trial in study.get_trials(deepcopy=False)
        if trial.state.name in states or "error" in trial.user_attrs
    ]


def check_any_complete(study: Any) -> None:
    """Raise the first error of a study in which no trial has a score."""
    if complete_trials(study):
        return
    finished = finished_trials(study)
    errors = [trial.user_attrs["error"] for trial in finished if "error" in trial.user_attrs]
    if not errors:
        raise ValueError(
            "No trial was complete before the timeout; give it more seconds."
            if not finished
            else f"All {len(finished)} trials were pruned; give the pruner more startup trials."
        )
    # check_dtype_object of scikit-learn wants the TypeError of the estimator as a TypeError.
    kind = TypeError if errors[0].startswith("TypeError") else ValueError
    raise kind(f"Every trial failed ({len(errors)}). The first: {errors[0]}")


def warn_failed(trial: Any) -> None:
    """Name a failed trial, its parameters and its error in a warning."""
    if "error" in trial.user_attrs:
        values = trial.values or []
        what = f"in part and scores {', '.join(f'{value:.3f}' for value in values)}"
        warn_user(
            f"Trial {trial.number} with {trial.params} failed "
            f"{what if values else 'and is left out'}: {trial.user_attrs['error']}",
            FailedTrialWarning,
        )


def trials_table(study: Any, metrics: Sequence[str], n_splits: int) -> pd.DataFrame:
    """Lay out all trials of a study, one row a trial.

    Scores by fold stand in ``fold_1`` ..., of several metrics in ``uar_fold_1`` ...
    """
    kept = ("number", "state", "value", "duration", "params")
    # Of several objectives, Optuna names the columns by metric.
    trials = study.trials_dataframe(attrs=kept).rename(columns={"duration": "seconds"})
    if not len(trials):
        return trials
    trials["seconds"] = trials["seconds"].dt.total_seconds()
    every = study.get_trials(deepcopy=False)
    columns = {}
    for metric in metrics:
        scores = fold_values(every, "scores", metric, n_splits)
        before = "" if len(metrics) == 1 else f"{metric}_"
        columns |= {f"{before}fold_{k}": column for k, column in enumerate(scores.T, start=1)}
    columns["error"] = [trial.user_attrs.get("error") for trial in every]
    columns["worker"] = [
        " ".join(trial.user_attrs.get("worker", "").split()[:2]) or None for trial in every
    ]
    return pd.concat([trials, pd.DataFrame(columns, index=trials.index)], axis=1)


def fold_values(trials: Sequence[Any], attribute: str, name: str, n_splits: int) -> Floats:
    """Collect what trials keep of their folds, (n_trials, n_splits); NaN where they have none."""
    values = np.full((len(trials), n_splits), np.nan)
    for row, trial in zip(values, trials, strict=True):
        found = trial.user_attrs.get(attribute, {}).get(name, [])
        row[: len(found)] = found
    return values


def cv_results(
    params: Sequence[dict[str, Any]],
    scores: dict[str, Floats],
    seconds: dict[str, Floats] | None = None,
) -> dict[str, Any]:
    """Lay out parameters, scores and seconds as scikit-learn's searches do.

    Parameters
    ----------
    params : sequence of dict
        One a candidate.
    scores : dict of str to ndarray of shape (n_candidates, n_splits)
        By metric; a single one is named ``"score"``.
    seconds : dict of str to ndarray of shape (n_candidates, n_splits), default=None
        How long each fold took, by what was done: ``"fit"`` and ``"score"``.

    Returns
    -------
    results : dict

    Examples
    --------
    >>> scores = {"score": np.array([[0.5, 0.7], [0.7, 0.9]])}
    >>> results = cv_results([{"C": 1.0}, {"C": 2.0}], scores)
    >>> results["rank_test_score"].tolist(), results["param_C"].tolist()
    ([2, 1], [1.0, 2.0])
    """
    results: dict[str, Any] = {}
    for name, each in (seconds or {}).items():
        # Folds that were pruned took no time.
        masked = np.ma.masked_invalid(each)
        results[f"mean_{name}_time"] = masked.mean(axis=1).filled(0.0)
        results[f"std_{name}_time"] = masked.std(axis=1).filled(0.0)
    for name in dict.fromkeys(name for each in params for name in each):
        values = np.ma.masked_all(len(params), dtype=object)
        for i, chosen in enumerate(params):
            if name in chosen:
                values[i] = chosen[name]
        results[f"param_{name}"] = values
    results["params"] = list(params)
    for metric, folds in scores.items():
        results |= {f"split{k}_test_{metric}": column for k, column in enumerate(folds.T)}
        mean = np.array([np.mean(row) for row in folds])
        results[f"mean_test_{metric}"] = mean
        results[f"std_test_{metric}"] = np.array([np.std(row) for row in folds])
        # Candidates that failed or were pruned share the last rank.
        ranks = rankdata(np.where(np.isnan(mean), np.inf, -mean), method="min")
        results[f"rank_test_{metric}"] = ranks.astype(np.int32)
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
