"""Trials that fail, a search that is interrupted, and settings that are wrong."""

import numpy as np
import optuna
import pytest
from optuna.distributions import FloatDistribution
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from emoest.tuning import FailedTrialWarning
from tests.tuning.pipelines import search


def test_failing_trials_are_recorded_named_and_left_out(data):
    X, y, speakers = data
    space = {"pca__n_components": [1, 2, 99]}
    model = make_pipeline(PCA(), LogisticRegression())
    with pytest.warns(FailedTrialWarning, match=r"Trial \d+ with {'pca__n_components': 99} failed"):
        fitted = search(model, space, n_trials=10).fit(X, y, groups=speakers)
    failed = fitted.trials_[fitted.trials_["state"] == "FAIL"]
    assert 0 < len(failed) < 10
    assert failed["error"].str.startswith("ValueError: n_components=99").all()
    assert fitted.best_params_["pca__n_components"] in (1, 2)


def test_error_score_says_what_a_failure_counts(data):
    X, y, speakers = data
    model, space = make_pipeline(PCA(), LogisticRegression()), {"pca__n_components": [1, 2, 99]}

    def failing(**options):
        return search(model, space, n_trials=10, **options)

    with pytest.warns(FailedTrialWarning, match="99} failed and is left out"):
        left_out = failing().fit(X, y, groups=speakers)
    failed = left_out.cv_results_["param_pca__n_components"] == 99
    assert np.isnan(left_out.cv_results_["mean_test_score"][failed]).all()
    assert not np.isnan(left_out.cv_results_["mean_test_score"][~failed]).any()
    assert (left_out.cv_results_["rank_test_score"][failed] == (~failed).sum() + 1).all()
    with pytest.warns(FailedTrialWarning, match=r"99} failed in part and scores 0\.000"):
        worst = failing(error_score=0).fit(X, y, groups=speakers)
    failed = worst.cv_results_["param_pca__n_components"] == 99
    assert failed.any()
    assert (worst.cv_results_["mean_test_score"][failed] == 0).all()
    assert (worst.trials_["state"] == "COMPLETE").all()
    assert worst.best_params_["pca__n_components"] in (1, 2)
    with pytest.raises(ValueError, match="n_components=99") as raised:
        failing(error_score="raise").fit(X, y, groups=speakers)
    assert "Every trial failed" not in str(raised.value)


def test_a_space_that_fails_itself_is_in_the_results(data):
    X, y, speakers = data

    def space(trial):
        C = trial.suggest_categorical("C", [0.1, 1.0])
        if trial.number == 1:
            raise RuntimeError("no such choice")
        return {"logisticregression__C": C}

    with pytest.warns(FailedTrialWarning, match="RuntimeError: no such choice"):
        fitted = search(space=space).fit(X, y, groups=speakers)
    assert list(fitted.cv_results_["params"][1]) == ["C"]
    assert fitted.best_params_ == {"logisticregression__C": fitted.study_.best_params["C"]}


@pytest.mark.filterwarnings("ignore::emoest.tuning.FailedTrialWarning")
def test_a_search_in_which_every_trial_fails_says_why(data):
    X, y, speakers = data
    model = make_pipeline(PCA(), LogisticRegression())
    with pytest.raises(ValueError, match=r"Every trial failed \(2\)\. The first: .*components=99"):
        search(model, {"pca__n_components": [99]}, n_trials=2).fit(X, y, groups=speakers)
    with pytest.raises(ValueError, match="a score is not a number"):
        search(scoring=lambda *_: np.nan).fit(X, y, groups=speakers)


class Interrupts(ClassifierMixin, BaseEstimator):
    """Behaves as if Ctrl-C were pressed once, in the ninth fit."""

    fits = 0

    def __init__(self, C=1.0):
        self.C = C

    def fit(self, X, y):
        type(self).fits += 1
        if self.fits == 9:
            raise KeyboardInterrupt
        self.model_ = LogisticRegression(C=self.C).fit(X, y)
        self.classes_ = self.model_.classes_
        return self

    def predict(self, X):
        return self.model_.predict(X)


def test_an_interrupted_search_keeps_its_trials_and_resumes(data):
    X, y, speakers = data
    space = {"C": FloatDistribution(1e-3, 10, log=True)}
    Interrupts.fits = 0
    storage = optuna.storages.InMemoryStorage()
    model = search(Interrupts(), space, n_trials=12, storage=storage)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, y, groups=speakers)
    assert (model.trials_["state"] == "COMPLETE").sum() == 2
    assert len(model.cv_results_["params"]) == 2
    assert model.best_score_ == model.trials_["value"].max()
    assert model.best_params_["C"] in model.trials_["params_C"].tolist()
    assert not hasattr(model, "best_estimator_")
    model.fit(X, y, groups=speakers)
    whole = search(Interrupts(), space, n_trials=12).fit(X, y, groups=speakers)
    complete = model.trials_[model.trials_["state"] == "COMPLETE"]
    assert complete["params_C"].tolist() == whole.trials_["params_C"].tolist()


def test_bad_settings_are_named(data):
    X, y, speakers = data
    wrong = {"logisticregression__c": [1.0]}
    with pytest.raises(
        ValueError, match=r"'logisticregression__c', .* mean 'logisticregression__C"
    ):
        search(space=wrong).fit(X, y, groups=speakers)
    with pytest.raises(ValueError, match="would never end"):
        search(n_trials=None).fit(X, y, groups=speakers)
    with pytest.raises(ValueError, match="space is empty"):
        search(space={}).fit(X, y, groups=speakers)
    with pytest.raises(ValueError, match="must be an Optuna distribution or a list of choices"):
        search(space={"logisticregression__C": 1.0}).fit(X, y, groups=speakers)
    with pytest.raises(ValueError, match="gives no fold"):
        search().fit(X, y, groups=np.ones(len(y)))
    with pytest.raises(ValueError, match="scoring='uac' is unknown"):
        search(scoring="uac").fit(X, y, groups=speakers)
    with pytest.raises(ValueError, match="error_score"):
        search(error_score="ignore").fit(X, y, groups=speakers)
    with pytest.raises(ValueError, match="n_trials"):
        search(n_trials=0).fit(X, y, groups=speakers)
