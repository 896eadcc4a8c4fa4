import logging

import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import FixedTrial
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

from emoest.tuning._trials import cloned, quiet, reseed, suggest


def test_each_kind_of_choice_is_suggested():
    trial = FixedTrial({"C": 0.5, "n": 4, "kernel": "rbf", "flag": True})
    assert suggest(trial, "C", FloatDistribution(0.1, 1, log=True)) == 0.5
    assert suggest(trial, "n", IntDistribution(2, 8, step=2)) == 4
    assert suggest(trial, "kernel", CategoricalDistribution(["rbf", "linear"])) == "rbf"
    assert suggest(trial, "flag", [True, False]) is True
    assert trial.distributions["C"] == FloatDistribution(0.1, 1, log=True)
    assert trial.distributions["n"] == IntDistribution(2, 8, step=2)


def test_estimators_are_chosen_by_name():
    choices = [LogisticRegression(), LinearSVC(C=2.0)]
    trial = FixedTrial({"model": "1: LinearSVC(C=2.0)"})
    assert suggest(trial, "model", choices) is choices[1]
    assert cloned({"model": choices[1]})["model"] is not choices[1]


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
