import logging

import numpy as np
import optuna
import pytest

from emoest.tuning._sampler import SeededSampler
from emoest.tuning._trials import cv_results, quiet


def test_the_sampler_depends_on_seed_and_the_trials_that_count():
    def draw(study, seed):
        study.sampler = SeededSampler(None, seed)
        trial = study.ask()
        return study.sampler.number, trial.suggest_float("C", 0, 1), trial

    first = optuna.create_study(direction="maximize")
    number, drawn, trial = draw(first, 3)
    # Another worker asks while that one is running.
    assert draw(first, 3)[0] == number + 1 == 1
    first.tell(trial, 0.5)
    second = optuna.create_study(direction="maximize")
    second.tell(second.ask(), state=optuna.trial.TrialState.FAIL)
    assert draw(second, 3)[:2] == (0, drawn)
    assert draw(optuna.create_study(), 4)[1] != drawn


def test_quiet_gives_the_verbosity_back_after_an_error():
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(logging.CRITICAL)
    try:
        with pytest.raises(RuntimeError), quiet(optuna, 0):
            assert optuna.logging.get_verbosity() == logging.CRITICAL
            raise RuntimeError
        assert optuna.logging.get_verbosity() == logging.CRITICAL
    finally:
        optuna.logging.set_verbosity(before)


def test_results_are_laid_out_as_scikit_learn_does():
    scores = np.array([[0.5, 0.7], [np.nan, np.nan], [0.9, 0.7], [0.9, 0.7]])
    params = [{"C": 1.0}, {"C": 2.0, "kernel": "rbf"}, {"C": [3]}, {"C": None}]
    results = cv_results(params, {"score": scores})
    assert results["params"] == params
    assert results["param_C"].tolist() == [1.0, 2.0, [3], None]
    assert results["param_kernel"].mask.tolist() == [True, False, True, True]
    assert results["rank_test_score"].tolist() == [3, 4, 1, 1]
    np.testing.assert_array_equal(results["split1_test_score"], scores[:, 1])
    np.testing.assert_array_equal(results["mean_test_score"], scores.mean(axis=1))
    np.testing.assert_array_equal(results["std_test_score"], scores.std(axis=1))
