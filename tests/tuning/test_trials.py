import logging

import numpy as np
import optuna
import pytest

from emoest.tuning._trials import cv_results, quiet, reseed


def test_the_sampler_depends_on_seed_and_finished_trials_alone():
    def values(n_runs):
        study = optuna.create_study()
        for _ in range(n_runs):
            reseed(study, 3)
            study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=1, callbacks=None)
        return [trial.value for trial in study.trials]

    with quiet(optuna, 0):
        assert values(12) == values(12)
        assert values(3) == values(12)[:3]
        assert len(set(values(12))) == 12


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
    results = cv_results(params, scores)
    assert results["params"] == params
    assert results["param_C"].tolist() == [1.0, 2.0, [3], None]
    assert results["param_kernel"].mask.tolist() == [True, False, True, True]
    assert results["rank_test_score"].tolist() == [3, 4, 1, 1]
    np.testing.assert_array_equal(results["split1_test_score"], scores[:, 1])
    np.testing.assert_array_equal(results["mean_test_score"], scores.mean(axis=1))
    np.testing.assert_array_equal(results["std_test_score"], scores.std(axis=1))
