"""What a search does in each trial."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import clone

from emoest.tuning._folds import FoldScore, Rows, score_folds
from emoest.tuning._space import cloned, suggest_params
from emoest.tuning._storage import is_of_storage
from emoest.tuning._trials import SECONDS, trial_seed


class TrialFailed(Exception):  # noqa: N818 -- it is no error of the search
    """What is tuned failed in a trial, which is written down in it."""


@dataclass(frozen=True)
class Plan:
    """What all trials of a search share.

    `objectives` are the metrics that the study maximizes, `prunes` says whether a pruner may end a
    trial after any fold, and `terminates` whether a callback asks for scores by fold.
    """

    estimator: Any
    space: Any
    rows: Rows
    scorers: dict[str, Any]
    objectives: list[str]
    error_score: Any
    n_jobs: int | None
    prunes: bool
    terminates: bool
    sampler: Any
    worker: str


def asks_for_folds(callback: Any) -> bool:
    """Check whether a callback needs the scores by fold in the form of Optuna's terminator."""
    return type(callback).__module__.startswith("optuna.terminator")


def run_trial(trial: Any, plan: Plan) -> float | tuple[float, ...]:
    """Fit and score one set of parameters on every fold."""
    import optuna

    try:
        trial.set_user_attr("worker", plan.worker)
        seed = trial_seed(plan.rows.seed, plan.sampler.number)
        model = clone(plan.estimator)
        model.set_params(**cloned(suggest_params(trial, plan.space)))
        return _objective_values(trial, model, seed, plan)
    except optuna.TrialPruned:
        raise
    except Exception as error:
        if is_of_storage(error):
            raise
        trial.set_user_attr("error", f"{type(error).__name__}: {error}")
        if plan.error_score == "raise":
            raise
        raise TrialFailed from error


def _objective_values(trial: Any, model: Any, seed: int, plan: Plan) -> Any:
    import optuna

    folds: list[FoldScore] = []
    outcomes = score_folds(
        model,
        plan.rows,
        scorers=plan.scorers,
        error_score=plan.error_score,
        seed=seed,
        n_jobs=plan.n_jobs,
        may_stop=plan.prunes,
    )
    for fold in outcomes:
        folds.append(fold)
        if plan.prunes:
            # After as many folds, trials are compared on the same samples.
            so_far = [each.scores[plan.objectives[0]] for each in folds]
            trial.report(float(np.mean(so_far)), step=len(folds) - 1)
            if len(folds) < len(plan.rows.splits) and trial.should_prune():
                _write_folds(trial, folds, plan)
                raise optuna.TrialPruned
    _write_folds(trial, folds, plan)
    means = {name: float(np.mean([fold.scores[name] for fold in folds])) for name in plan.scorers}
    for name, mean in means.items():
        if math.isnan(mean):
            raise ValueError(f"a score is not a number: {[fold.scores[name] for fold in folds]}")
    if plan.terminates and len(plan.objectives) == 1:
        from optuna.terminator import report_cross_validation_scores

        report_cross_validation_scores(trial, [f.scores[plan.objectives[0]] for f in folds])
    values = tuple(means[name] for name in plan.objectives)
    return values if len(values) > 1 else values[0]


def _write_folds(trial: Any, folds: list[FoldScore], plan: Plan) -> None:
    # One attribute for all folds: each is a write that waits for the disk.
    kept = {name: [fold.scores[name] for fold in folds] for name in plan.scorers}
    trial.set_user_attr("scores", kept)
    seconds = [[fold.fit_seconds for fold in folds], [fold.score_seconds for fold in folds]]
    trial.set_user_attr("seconds", dict(zip(SECONDS, seconds, strict=True)))
    for error in filter(None, (fold.error for fold in folds)):
        trial.set_user_attr("error", error)
