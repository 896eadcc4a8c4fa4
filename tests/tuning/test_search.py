import pickle
import warnings

import joblib
import numpy as np
import optuna
import pandas as pd
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    StratifiedGroupKFold,
    cross_val_score,
    cross_validate,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.svm import LinearSVC

from emoest.evaluation import ccc_scorer, evaluate, uar_scorer
from emoest.utils import NotSpeakerIndependentWarning, with_groups
from tests.tuning.pipelines import SPACE, pipeline, search


def test_the_best_trial_is_the_best_of_grouped_uar(data):
    X, y, speakers = data
    fitted = search().fit(X, y, groups=speakers)
    assert fitted.trials_["value"].tolist() == [t.value for t in fitted.study_.trials]
    assert fitted.best_score_ == fitted.trials_["value"].max()
    cv = StratifiedGroupKFold(3, shuffle=True, random_state=0)
    for _, trial in fitted.trials_.iterrows():
        model = pipeline().set_params(logisticregression__C=trial["params_logisticregression__C"])
        scores = cross_val_score(model, X, y, groups=speakers, cv=cv, scoring=uar_scorer)
        assert trial[["fold_1", "fold_2", "fold_3"]].tolist() == pytest.approx(scores.tolist())
        assert trial["value"] == pytest.approx(scores.mean())
        assert trial["seconds"] > 0
    assert fitted.grouped_
    assert fitted.n_splits_ == 3
    by_hand = pipeline().set_params(**fitted.best_params_).fit(X, y)
    np.testing.assert_array_equal(fitted.predict(X), by_hand.predict(X))
    # Older releases of SciPy round the same solver's steps differently from fit to fit.
    for method in ("predict_proba", "decision_function"):
        found, expected = getattr(fitted, method)(X), getattr(by_hand, method)(X)
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)
    assert fitted.score(X, y) == uar_scorer(by_hand, X, y)
    assert fitted.classes_.tolist() == ["angry", "happy", "sad"]
    assert fitted.n_features_in_ == 3


def test_groups_come_from_fit_column_or_index(data):
    X, y, speakers = data
    values = search().fit(X, y, groups=speakers).trials_["value"].tolist()
    table = X.assign(speaker=speakers)
    assert search().fit(with_groups(table)[list(X)], y).trials_["value"].tolist() == values
    with pytest.warns(NotSpeakerIndependentWarning):
        ungrouped = search().fit(X, y)
    assert not ungrouped.grouped_
    drop = make_pipeline(KeepNumbers(), LogisticRegression())
    by_column = search(drop, group_column="speaker").fit(table, y)
    assert by_column.grouped_


class KeepNumbers(StandardScaler):
    def fit(self, X, y=None, sample_weight=None):
        return super().fit(X.select_dtypes("number"))

    def transform(self, X, copy=None):
        return super().transform(X.select_dtypes("number"))


@pytest.mark.parametrize("estimator", [None, RandomForestClassifier(3)])
def test_seeded_searches_agree_for_any_n_jobs(data, estimator):
    X, y, speakers = data
    space = SPACE if estimator is None else {"max_depth": [1, 2, 3, 4]}
    one, again, two = (
        search(estimator, space, n_jobs=n).fit(X, y, groups=speakers) for n in (1, None, 2)
    )
    figures = [name for name in one.trials_ if name != "seconds"]
    pd.testing.assert_frame_equal(one.trials_[figures], again.trials_[figures])
    pd.testing.assert_frame_equal(one.trials_[figures], two.trials_[figures])
    np.testing.assert_array_equal(one.predict(X), two.predict(X))
    other = search(estimator, space, random_state=1).fit(X, y, groups=speakers)
    assert other.trials_["value"].tolist() != one.trials_["value"].tolist()


def test_a_function_of_the_trial_is_a_space(data):
    X, y, speakers = data

    def space(trial):
        params = {"logisticregression": trial.suggest_categorical("model", ["svm", "logistic"])}
        C = trial.suggest_float("C", 0.1, 10, log=True)
        svm = params["logisticregression"] == "svm"
        return {"logisticregression": LinearSVC(C=C) if svm else LogisticRegression(C=C)}

    fitted = search(space=space).fit(X, y, groups=speakers)
    best = fitted.study_.best_params
    kind = LinearSVC if best["model"] == "svm" else LogisticRegression
    assert isinstance(fitted.best_estimator_[-1], kind)
    assert best["C"] == fitted.best_params_["logisticregression"].C


def test_estimators_are_choices_and_stay_unfitted(data):
    X, y, speakers = data
    scalers = [StandardScaler(), MinMaxScaler(), "passthrough"]
    space = {"standardscaler": scalers, "logisticregression__C": [0.1, 1.0]}
    fitted = search(space=space, n_trials=8).fit(X, y, groups=speakers)
    assert fitted.best_params_["standardscaler"] in scalers
    assert not hasattr(scalers[0], "mean_")
    assert not hasattr(scalers[1], "min_")
    labels = set(fitted.trials_["params_standardscaler"])
    assert labels <= {"0: StandardScaler()", "1: MinMaxScaler()", "2: 'passthrough'"}
    assert len(labels) > 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tuned = {"standardscaler": CategoricalDistribution(["passthrough", None])}
        search(space=tuned, n_trials=1).fit(X, y, groups=speakers)


def test_a_stored_search_resumes_as_if_never_stopped(data, tmp_path):
    X, y, speakers = data
    storage = f"sqlite:///{tmp_path}/search.db"
    whole = search(n_trials=12).fit(X, y, groups=speakers)
    first = search(n_trials=5, storage=storage).fit(X, y, groups=speakers)
    assert len(first.trials_) == 5
    resumed = search(n_trials=12, storage=storage).fit(X, y, groups=speakers)
    column = "params_logisticregression__C"
    assert resumed.trials_[column].tolist() == pytest.approx(whole.trials_[column].tolist())
    assert resumed.trials_["value"].tolist() == pytest.approx(whole.trials_["value"].tolist())
    done = search(n_trials=3, storage=storage).fit(X, y, groups=speakers)
    assert len(done.trials_) == 12


def test_a_store_never_mixes_rows_or_settings(data, tmp_path):
    X, y, speakers = data
    storage = f"sqlite:///{tmp_path}/search.db"
    names = {
        fitted.study_.study_name
        for fitted in (
            search(n_trials=1, storage=storage).fit(X, y, groups=speakers),
            search(n_trials=1, storage=storage).fit(X[8:], y[8:], groups=speakers[8:]),
            search(n_trials=1, storage=storage).fit(X, np.roll(y, 1), groups=speakers),
            search(n_trials=1, storage=storage, random_state=1).fit(X, y, groups=speakers),
            search(n_trials=1, storage=storage, cv=2).fit(X, y, groups=speakers),
            search(n_trials=1, storage=storage, scoring="accuracy").fit(X, y, groups=speakers),
            *(
                search(n_trials=1, storage=storage, cv=GroupKFold(2), random_state=seed).fit(
                    X, y, groups=speakers
                )
                for seed in (0, 1)
            ),
        )
    }
    assert len(names) == 8
    again = search(n_trials=1, storage=storage).fit(X, y, groups=speakers)
    assert again.study_.study_name in names
    assert len(again.trials_) == 1


def test_results_are_those_of_scikit_learns_searches(data):
    X, y, speakers = data
    fitted = search().fit(X, y, groups=speakers)
    values = fitted.trials_["params_logisticregression__C"].tolist()
    cv = StratifiedGroupKFold(3, shuffle=True, random_state=0)
    for i, C in enumerate(values):
        grid = {"logisticregression__C": [C]}
        theirs = GridSearchCV(pipeline(), grid, scoring=uar_scorer, cv=cv)
        expected = theirs.fit(X, y, groups=speakers).cv_results_
        for name in set(expected) - {"params", "rank_test_score"}:
            if "time" not in name:
                np.testing.assert_array_equal(fitted.cv_results_[name][i], expected[name][0])
        assert fitted.cv_results_["params"][i] == expected["params"][0]
    assert set(expected) <= set(fitted.cv_results_)
    mean = fitted.cv_results_["mean_test_score"]
    assert fitted.best_index_ == mean.argmax()
    assert fitted.best_score_ == mean.max()
    assert fitted.best_params_ == fitted.cv_results_["params"][fitted.best_index_]
    assert fitted.cv_results_["rank_test_score"][fitted.best_index_] == 1


def test_optuna_is_quiet_and_its_verbosity_untouched(data, capsys):
    X, y, speakers = data
    before = optuna.logging.get_verbosity()
    search().fit(X, y, groups=speakers)
    assert capsys.readouterr() == ("", "")
    assert optuna.logging.get_verbosity() == before
    search(verbose=1).fit(X, y, groups=speakers)
    assert "trials" in capsys.readouterr().err


def test_clone_pickle_and_methods_of_the_inner_estimator(data, tmp_path):
    X, y, speakers = data
    model = search()
    assert clone(model).get_params()["estimator__logisticregression__C"] == 1.0
    assert not hasattr(model, "classes_")
    fitted = model.fit(X, y, groups=speakers)
    joblib.dump(fitted, tmp_path / "search.joblib")
    for again in (pickle.loads(pickle.dumps(fitted)), joblib.load(tmp_path / "search.joblib")):
        np.testing.assert_array_equal(again.predict(X), fitted.predict(X))
        assert again.study_.best_value == fitted.best_score_
    assert not hasattr(search(make_pipeline(StandardScaler(), LinearSVC())), "predict_proba")
    assert not hasattr(search(refit=False), "predict")
    unrefit = search(refit=False).fit(X, y, groups=speakers)
    assert unrefit.best_params_ == fitted.best_params_
    assert not hasattr(unrefit, "best_estimator_")
    steps = make_pipeline(StandardScaler(), PCA(), "passthrough")
    transforms = search(steps, {"pca__whiten": [True]}, scoring=lambda *_: 0.0, n_trials=1)
    assert transforms.fit(X, y, groups=speakers).transform(X).shape == X.shape


def test_nested_in_cross_validate_and_evaluate(data):
    X, y, speakers = data
    indexed = X.set_index(pd.Index(speakers, name="group"), append=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error", NotSpeakerIndependentWarning)
        scores = cross_validate(
            search(n_trials=2),
            indexed,
            y,
            groups=speakers,
            cv=GroupKFold(2),
            scoring=uar_scorer,
            return_estimator=True,
        )
        result = evaluate(search(n_trials=2), X, y, groups=speakers, cv=GroupKFold(2))
    assert all(each.grouped_ for each in scores["estimator"])
    by_fold = result.folds["uar"]
    np.testing.assert_allclose(by_fold, scores["test_score"])


def test_a_regressor_is_tuned_by_ccc(data):
    X, _, speakers = data
    y = X.sum(axis=1) + np.random.default_rng(0).normal(size=len(X))
    space = {"alpha": FloatDistribution(0.1, 1e4, log=True)}
    fitted = search(Ridge(), space, scoring="ccc", n_trials=8).fit(X, y, groups=speakers)
    assert fitted.scorer_ is ccc_scorer
    assert fitted.best_score_ == fitted.trials_["value"].max() > 0.5
    assert fitted.best_params_["alpha"] < 100


def test_a_timeout_ends_the_search(data):
    X, y, speakers = data
    fitted = search(n_trials=None, timeout=0.2).fit(X, y, groups=speakers)
    assert len(fitted.trials_) >= 1


@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
@pytest.mark.filterwarnings("ignore:.*optuna.terminator:FutureWarning")
def test_optunas_own_search_takes_our_scorer_and_groups(data):
    integration = pytest.importorskip("optuna_integration")
    X, y, speakers = data
    theirs = integration.OptunaSearchCV(
        pipeline(), SPACE, cv=GroupKFold(3), scoring=uar_scorer, n_trials=3, random_state=0
    )
    theirs.fit(X, y, groups=speakers)
    model = pipeline().set_params(**theirs.best_params_)
    expected = cross_val_score(
        model, X, y, groups=speakers, cv=GroupKFold(3), scoring=uar_scorer
    ).mean()
    assert theirs.best_score_ == pytest.approx(expected)
    assert set(theirs.predict(X)) <= set(y)
