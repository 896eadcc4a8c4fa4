"""Trials of an Optuna study: what they choose from, which count, and how they are seeded."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
from sklearn.base import clone

from emoest.utils.warn import warn_user


class FailedTrialWarning(UserWarning):
    """A trial of a search failed; the search went on without it."""


def suggest(trial: Any, name: str, choices: Any) -> Any:
    """Let a trial choose; estimators and other objects are stored by position and name.

    Examples
    --------
    >>> from optuna.trial import FixedTrial
    >>> suggest(FixedTrial({"C": 2.0}), "C", [1.0, 2.0])
    2.0
    >>> suggest(FixedTrial({"C": "1: range(0, 3)"}), "C", [range(2), range(3)])
    range(0, 3)
    """
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if isinstance(choices, FloatDistribution | IntDistribution):
        real = isinstance(choices, FloatDistribution)
        ask = trial.suggest_float if real else trial.suggest_int
        return ask(name, choices.low, choices.high, step=choices.step, log=choices.log)
    if isinstance(choices, CategoricalDistribution):
        choices = choices.choices
    if all(isinstance(choice, str | int | float | bool | None) for choice in choices):
        return trial.suggest_categorical(name, choices)
    labels = [f"{i}: {_label(choice)}" for i, choice in enumerate(choices)]
    return choices[labels.index(trial.suggest_categorical(name, labels))]


def cloned(params: Mapping[str, Any]) -> dict[str, Any]:
    """Copy parameter values, so that no trial fits an estimator that another one holds.

    Examples
    --------
    >>> cloned({"C": 1.0})
    {'C': 1.0}
    """
    return {name: clone(value, safe=False) for name, value in params.items()}


def trial_seed(seed: int, number: int) -> int:
    """Seed of the trial that follows on `number` finished ones, however often resumed.

    Examples
    --------
    >>> trial_seed(0, 3) == trial_seed(0, 3), trial_seed(0, 3) == trial_seed(0, 4)
    (True, False)
    """
    return int(np.random.SeedSequence([seed, number]).generate_state(1)[0] >> 1)


def reseed(study: Any, seed: int) -> None:
    """Give the study a sampler that depends on `seed` and its finished trials alone."""
    from optuna.samplers import TPESampler

    number = len(finished_trials(study))
    study.sampler = TPESampler(seed=trial_seed(seed, number), constant_liar=False)


def complete_trials(study: Any) -> list[Any]:
    """Trials that have a score."""
    return [t for t in study.get_trials(deepcopy=False) if t.state.name == "COMPLETE"]


def finished_trials(study: Any) -> list[Any]:
    """Trials that count: complete ones and failed ones, but not interrupted ones."""
    return [
        trial
        for trial in study.get_trials(deepcopy=False)
        if trial.state.name == "COMPLETE" or "error" in trial.user_attrs
    ]


def warn_failed(trial: Any) -> None:
    """Name a failed trial, its parameters and its error in a warning."""
    if "error" in trial.user_attrs:
        warn_user(
            f"Trial {trial.number} with {trial.params} failed and is left out: "
            f"{trial.user_attrs['error']}",
            FailedTrialWarning,
        )


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
    if verbose < 2:
        optuna.logging.set_verbosity(max(before, optuna.logging.ERROR))
    try:
        yield
    finally:
        optuna.logging.set_verbosity(before)


def _label(choice: Any) -> str:
    text = re.sub(r" at 0x[0-9a-f]+", "", " ".join(repr(choice).split()))
    return text if len(text) <= 80 else f"{text[:77]}..."
