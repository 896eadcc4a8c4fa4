"""Metrics, weights, samplers, pruners, callbacks and trials that are tried first."""

import numpy as np
import optuna
import pytest
from optuna.distributions import IntDistribution
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, GroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from emoest.evaluation import uar_scorer
from tests.tuning.rows import SPACE, SPEAKERS, Threshold, X, Y, fit, search


def test_several_metrics_are_laid_out_as_scikit_learn_does():
    scoring = {"uar": uar_scorer, "acc": "accuracy"}
    fitted = fit(search(scoring=scoring, refit="acc", cv=GroupKFold(4)))
    grid = {"threshold": [params["threshold"] for params in fitted.cv_results_["params"]]}
    theirs = GridSearchCV(Threshold(), grid, scoring=scoring, refit="acc", cv=GroupKFold(4))
    theirs.fit(X, Y, groups=SPEAKERS)
    assert set(theirs.cv_results_) == set(fitted.cv_results_)
    for name, expected in theirs.cv_results_.items():
        if "time" not in name and "param" not in name:
            np.testing.assert_allclose(fitted.cv_results_[name], expected)
    assert fitted.multimetric_
    assert fitted.best_params_ == theirs.best_params_
    assert fitted.best_score_ == theirs.best_score_
    assert fitted.score(X, Y) == theirs.score(X, Y)
    assert {"uar_fold_1", "acc_fold_4"} <= set(fitted.trials_)
    assert fitted.study_.user_attrs["metrics"] == ["acc"]


def test_two_objectives_give_a_front_and_one_of_them_decides():
    scoring = {"uar": "uar", "late": lambda model, X, y: model.threshold}
    fitted = fit(search(scoring=scoring, objectives=["uar", "late"], refit="uar", n_trials=8))
    found = [trial.values for trial in fitted.study_.get_trials()]
    np.testing.assert_allclose(
        found,
        np.transpose([fitted.cv_results_[f"mean_test_{name}"] for name in ("uar", "late")]),
    )
    front = {trial.number for trial in fitted.study_.best_trials}
    for i, mine in enumerate(found):
        beaten = any(
            all(np.greater_equal(other, mine)) and any(np.greater(other, mine)) for other in found
        )
        assert (i in front) != beaten
    assert fitted.best_score_ == max(uar for uar, _ in found)
    assert fitted.best_estimator_.threshold == fitted.best_params_["threshold"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"scoring": ["uar", "accuracy"]}, "refit names the one that decides: 'uar', 'accuracy'"),
        ({"scoring": ["uar", "accuracy"], "refit": "f1"}, "refit='f1' is not a metric"),
        ({"refit": "uar"}, "refit='uar' is not a metric of scoring: 'score'"),
        ({"scoring": [uar_scorer]}, "scorers go into a dict"),
        ({"scoring": {}}, "scoring is empty"),
        ({"objectives": ["ccc"]}, "objectives names 'ccc'"),
        (
            {
                "scoring": ["uar", "accuracy"],
                "refit": "uar",
                "objectives": ["uar", "accuracy"],
                "pruner": optuna.pruners.MedianPruner(),
            },
            "prunes by one objective only",
        ),
        ({"enqueue": [{"thresholds": 1}]}, "enqueue names 'thresholds', which is not in the space"),
        ({"enqueue": [{"threshold": 9}]}, "threshold=9, which is not between -2.0 and 2.0"),
        ({"n_trials": None}, "would never end"),
    ],
)
def test_what_does_not_go_together_is_named(options, message):
    with pytest.raises(ValueError, match=message):
        fit(search(**options))


def test_no_refit_takes_the_first_metric():
    fitted = fit(search(scoring=["accuracy", "uar"], refit=False))
    assert fitted.best_score_ == fitted.cv_results_["mean_test_accuracy"].max()


def test_weights_reach_every_fit_and_no_weights_none():
    weights = np.arange(len(Y), dtype=float)
    given = []

    def scorer(model, X, y):
        given.append(getattr(model, "steps", [[model]])[-1][-1])
        return 0.0

    model = make_pipeline(StandardScaler(), Threshold())
    tuned = search(model, {"threshold__threshold": [0.0]}, scoring=scorer, n_trials=1)
    best = tuned.fit(X, Y, sample_weight=weights, groups=SPEAKERS).best_estimator_
    np.testing.assert_array_equal(best[-1].weights_, weights)
    assert sorted(np.concatenate([each.weights_ for each in given])) == sorted(weights.tolist() * 3)
    given.clear()
    tuned.fit(X, Y, groups=SPEAKERS)
    assert [each.weights_ for each in given] == [None] * 4
    with pytest.raises(ValueError, match="takes none"):
        search(PCA(), {"whiten": [True]}, scoring=scorer, n_trials=1).fit(
            X, Y, sample_weight=weights, groups=SPEAKERS
        )


def test_weights_count_in_what_a_stored_search_is_of(tmp_path):
    stored = search(storage=tmp_path / "study.journal", n_trials=1)
    names = {
        stored.fit(X, Y, sample_weight=weights, groups=SPEAKERS).study_.study_name
        for weights in (None, np.ones(len(Y)), np.arange(len(Y)))
    }
    assert len(names) == 3


SAMPLERS = {
    "class": optuna.samplers.RandomSampler,
    "function, all parameters at once": lambda seed: optuna.samplers.TPESampler(
        seed=seed, multivariate=True, n_startup_trials=2
    ),
}


@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
@pytest.mark.parametrize("sampler", SAMPLERS.values(), ids=SAMPLERS)
def test_any_sampler_is_seeded_and_resumes(sampler, tmp_path):
    whole = fit(search(sampler=sampler, n_trials=7))
    again = fit(search(sampler=sampler, n_trials=7))
    storage = tmp_path / "study.journal"
    fit(search(sampler=sampler, n_trials=3, storage=storage))
    resumed = fit(search(sampler=sampler, n_trials=7, storage=storage))
    drawn = [fitted.trials_["params_threshold"].tolist() for fitted in (whole, again, resumed)]
    assert drawn[0] == drawn[1] == drawn[2]
    assert len(set(drawn[0])) == 7
    default = fit(search(n_trials=7)).trials_["params_threshold"].tolist()
    # Random draws are what Optuna's default begins with.
    assert (default == drawn[0]) == (sampler is optuna.samplers.RandomSampler)


def test_a_sampler_itself_is_left_as_it_was():
    sampler = optuna.samplers.GridSampler({"threshold": [-1.0, 0.5]}, seed=0)
    for _ in range(2):
        fitted = fit(search(sampler=sampler, n_trials=2))
        assert sorted(fitted.trials_["params_threshold"]) == [-1.0, 0.5]


@pytest.mark.parametrize("n_jobs", [None, 2])
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_pruning_ends_bad_trials_and_leaves_the_others_as_they_are(n_jobs):
    Threshold.fits = 0
    options = {"sampler": optuna.samplers.RandomSampler, "n_trials": 16, "n_jobs": n_jobs}
    whole = fit(search(**options))
    pruner = optuna.pruners.MedianPruner(n_startup_trials=4, n_warmup_steps=1)
    pruned = fit(search(pruner=pruner, **options))
    states = pruned.trials_["state"]
    assert 3 < (states == "PRUNED").sum() < 13
    kept = (states == "COMPLETE").to_numpy()
    for name, scores in pruned.cv_results_.items():
        if name.startswith("split"):
            np.testing.assert_array_equal(scores[kept], whole.cv_results_[name][kept])
    assert np.isnan(pruned.cv_results_["mean_test_score"][~kept]).all()
    assert not np.isnan(pruned.cv_results_["split0_test_score"]).any()
    assert pruned.best_score_ == whole.best_score_
    assert pruned.best_params_ == whole.best_params_
    assert (pruned.cv_results_["mean_fit_time"] >= 0).all()
    if n_jobs is None:
        folds = sum(np.isfinite(pruned.cv_results_[f"split{k}_test_score"]).sum() for k in range(4))
        assert Threshold.fits == 16 * 4 + folds + 2
        assert folds < 16 * 4


def test_when_all_is_pruned_the_pruner_is_named():
    pruner = optuna.pruners.ThresholdPruner(lower=2.0)
    with pytest.raises(ValueError, match="All 3 trials were pruned"):
        fit(search(pruner=pruner, n_trials=3))


def test_a_callback_stops_a_search_without_an_end():
    seen = []

    def stop(study, trial):
        seen.append(trial.number)
        if len(seen) == 3:
            study.stop()

    fitted = fit(search(n_trials=None, callbacks=[stop]))
    assert seen == [0, 1, 2]
    assert len(fitted.trials_) == 3


@pytest.mark.filterwarnings("ignore:.*terminator:FutureWarning")
@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
def test_optunas_terminator_gets_the_scores_by_fold():
    from optuna.terminator import (
        BestValueStagnationEvaluator,
        CrossValidationErrorEvaluator,
        Terminator,
        TerminatorCallback,
    )

    error = CrossValidationErrorEvaluator()
    terminator = TerminatorCallback(Terminator(BestValueStagnationEvaluator(3), error, 4))
    fitted = fit(search(n_trials=30, callbacks=[terminator]))
    assert 4 <= len(fitted.trials_) < 30
    best = fitted.study_.best_trial
    assert error.evaluate([best], None) > 0


def test_trials_are_tried_first_in_their_order():
    space = SPACE | {"scale": IntDistribution(1, 4, step=1)}

    class Scaled(Threshold):
        def __init__(self, threshold=0.0, scale=1):
            super().__init__(threshold)
            self.scale = scale

    asked = [{"threshold": 0.25, "scale": 2}, {"threshold": -0.5}]
    fitted = fit(search(Scaled(), space, enqueue=asked, n_trials=3))
    params = fitted.cv_results_["params"]
    assert params[0] == asked[0]
    assert params[1]["threshold"] == -0.5
    assert 1 <= params[1]["scale"] <= 4


def test_estimators_and_functions_are_tried_first_too(tmp_path):
    scalers = [StandardScaler(), MinMaxScaler()]
    model = make_pipeline(StandardScaler(), LogisticRegression())
    space = {"standardscaler": scalers, "logisticregression__C": [0.1, 1.0]}
    asked = [{"standardscaler": MinMaxScaler(), "logisticregression__C": 1.0}]
    options = {"n_trials": 2, "storage": tmp_path / "study.journal"}
    fitted = fit(search(model, space, enqueue=asked, **options))
    first = fitted.cv_results_["params"][0]
    assert (type(first["standardscaler"]), first["logisticregression__C"]) == (MinMaxScaler, 1.0)
    again = fit(search(model, space, enqueue=asked, **options | {"n_trials": 3}))
    assert len(again.trials_) == 3
    assert (again.trials_["params_standardscaler"].str.startswith("1: MinMax")).sum() <= 2
    with pytest.raises(ValueError, match="none of the choices"):
        fit(search(model, space, enqueue=[{"standardscaler": "passthrough"}]))

    def free(trial):
        return {"threshold": trial.suggest_float("cut", -2, 2)}

    fitted = fit(search(space=free, enqueue=[{"cut": 0.125}], n_trials=1))
    assert fitted.best_params_ == {"threshold": 0.125}


def test_the_study_says_what_it_is_of():
    fitted = fit(
        search(make_pipeline(StandardScaler(), Threshold()), {"threshold__threshold": [0]})
    )
    attributes = fitted.study_.user_attrs
    assert "Threshold()" in attributes["model"]
    assert (attributes["n_samples"], attributes["n_groups"], attributes["n_splits"]) == (48, 8, 4)
    assert attributes["versions"]["scikit-learn"]
    assert fitted.trials_["worker"].nunique() == 1
