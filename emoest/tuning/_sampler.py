"""A sampler that is seeded anew before each trial. Imports Optuna, so it is imported late."""

from copy import deepcopy
from typing import Any

from optuna.samplers import BaseSampler, TPESampler

from emoest.tuning._trials import finished_trials, trial_seed


class SeededSampler(BaseSampler):
    """Make the sampler of each trial from a seed and the number of trials that count before it.

    A sampler's own generator would go on from where it stood, which a resumed search cannot know.
    What other workers are running counts, so that no two draw the same.

    Parameters
    ----------
    sampler : class, callable, sampler or None
        What makes a sampler when it is called with ``seed=``; None stands for Optuna's
        tree-structured Parzen estimator. A sampler is taken as it is, with its own generator.
    seed : int
        Seed of the search.

    Attributes
    ----------
    number : int
        How many trials counted before the one that was begun last.
    """

    def __init__(self, sampler: Any, seed: int):
        self._make = None if isinstance(sampler, BaseSampler) else sampler or TPESampler
        self._seed = seed
        self._inner = deepcopy(sampler) if self._make is None else self._make(seed=seed)
        self.number = 0

    def before_trial(self, study: Any, trial: Any) -> None:
        # trial.number counts interrupted trials too, and a resumed search would differ by them.
        before = finished_trials(study, running=True)
        self.number = sum(each.number < trial.number for each in before)
        if self._make is not None:
            self._inner = self._make(seed=trial_seed(self._seed, self.number))
        self._inner.before_trial(study, trial)

    def infer_relative_search_space(self, study: Any, trial: Any) -> Any:
        return self._inner.infer_relative_search_space(study, trial)

    def sample_relative(self, study: Any, trial: Any, search_space: Any) -> Any:
        return self._inner.sample_relative(study, trial, search_space)

    def sample_independent(
        self, study: Any, trial: Any, param_name: str, param_distribution: Any
    ) -> Any:
        return self._inner.sample_independent(study, trial, param_name, param_distribution)

    def after_trial(self, study: Any, trial: Any, state: Any, values: Any) -> None:
        self._inner.after_trial(study, trial, state, values)
