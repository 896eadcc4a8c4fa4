import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import FixedTrial
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

from emoest.tuning._space import check_space, cloned, suggest


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


@pytest.mark.parametrize(
    ("choices", "spelling"),
    [
        ((0.001, 10), r"FloatDistribution\(0.001, 10\).*\[0.001, 10\]"),
        ((1, 5), r"IntDistribution\(1, 5\).*\[1, 5\]"),
    ],
)
def test_a_tuple_of_two_numbers_may_be_a_range(choices, spelling):
    with pytest.raises(ValueError, match=spelling):
        check_space({"C": choices}, LogisticRegression())


def test_other_tuples_are_choices():
    check_space({"C": (0.1, 1.0, 10.0), "fit_intercept": (True, False)}, LogisticRegression())
