from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import FixedTrial
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

from emoest.tuning._space import cloned, suggest


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
