import pickle
import re

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from sklearn import config_context
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Perceptron
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_validate
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC

from emoest.evaluation import evaluate, uar_scorer
from emoest.fusion import EarlyFusionClassifier, LateFusionClassifier
from emoest.utils import with_groups
from tests.fusion.late_samples import Spy, sample, with_holes


def test_decision_functions_serve_rules_that_allow_them():
    X, y = sample()
    X = with_groups(X)
    for rule in ("mean", "max", "vote", "stacking"):
        model = LateFusionClassifier(SVC(), rule=rule, random_state=0).fit(X, y)
        assert_allclose(model.predict_proba(X).sum(axis=1), 1.0)
        assert model.score(X, y) > 0.6
    model = LateFusionClassifier([("audio", SVC()), ("face", "drop"), ("text", "drop")])
    scores = model.fit(X, y).estimators_["audio"].decision_function(X.filter(like="audio"))
    expected = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    assert_allclose(model.predict_proba(X), expected)


@pytest.mark.parametrize("rule", ["product", "log_pool"])
def test_decision_functions_are_no_probabilities(rule):
    X, y = sample()
    bases = [("audio", GaussianNB()), ("face", LinearSVC()), ("text", GaussianNB())]
    message = (
        rf"rule='{rule}' needs predict_proba, which the base estimator of modality 'face' "
        r"\(LinearSVC\) has not. Pass calibrate='sigmoid'"
    )
    with pytest.raises(ValueError, match=message):
        LateFusionClassifier(bases, rule=rule).fit(X, y)
    calibrated = LateFusionClassifier(bases, rule=rule, calibrate="sigmoid", random_state=0)
    assert calibrated.fit(with_groups(X), y).score(with_groups(X), y) > 0.7


def test_ties_of_votes_go_to_the_surer_modality_or_to_the_prior():
    class Fixed(ClassifierMixin, BaseEstimator):
        """Knows one class, and says so."""

        def __init__(self, known="a"):
            self.known = known

        def fit(self, X, y):
            self.classes_ = np.unique(y)
            return self

        def predict(self, X):
            return np.repeat(self.known, len(X))

    class Sure(Fixed):
        def predict_proba(self, X):
            proba = np.full((len(X), len(self.classes_)), 0.05 / (len(self.classes_) - 1))
            proba[:, np.flatnonzero(self.classes_ == self.known)] = 0.95
            return proba

    class Scored(Fixed):
        def decision_function(self, X):
            return 9.0 * (np.array([[1.0, 2.0, 3.0]] * len(X)) == 3.0)

    X = pd.DataFrame({"audio__f": np.zeros(10), "face__f": np.zeros(10)})
    rare, usual = ["a"] * 2 + ["b"] * 2 + ["c"] * 6, ["a"] * 6 + ["b"] * 2 + ["c"] * 2
    for first, second, y, winner in [
        (Fixed("a"), Fixed("c"), rare, "c"),
        (Fixed("c"), Fixed("a"), usual, "a"),
        (Sure("a"), Fixed("c"), rare, "a"),
        (Fixed("a"), Sure("c"), usual, "c"),
        (Fixed("a"), Scored("c"), usual, "c"),
        (Fixed("a"), Fixed("b"), rare, "a"),
    ]:
        model = LateFusionClassifier([("audio", first), ("face", second)], rule="vote").fit(X, y)
        assert set(model.predict(X)) == {winner}
        assert_allclose(model.predict_proba(X).max(axis=1), 0.5, atol=1e-8)


def test_one_modality_alone_votes_with_all_its_weight():
    X, y = sample()
    alone = X[["audio__0", "audio__1"]]
    with pytest.warns(UserWarning, match="one modality"):
        model = LateFusionClassifier(GaussianNB(), rule="vote").fit(alone, y)
    proba = model.predict_proba(alone)
    assert_allclose(np.sort(proba, axis=1)[:, -1], 1.0)
    assert model.predict(alone).tolist() == GaussianNB().fit(alone, y).predict(alone).tolist()


def test_predictions_alone_serve_votes_only():
    class Hard(ClassifierMixin, BaseEstimator):
        def fit(self, X, y):
            self.classes_, self.answer_ = np.unique(y), y[0]
            return self

        def predict(self, X):
            return np.repeat(self.answer_, len(X))

    X, y = sample()
    assert LateFusionClassifier(Hard(), rule="vote").fit(X, y).predict(X)[0] == y[0]
    with pytest.raises(
        ValueError, match=r"needs predict_proba or decision_function, which .*'audio'"
    ):
        LateFusionClassifier(Hard()).fit(X, y)


def test_calibration_uses_other_speakers():
    X, y = sample()
    X = with_groups(with_holes(X))
    model = LateFusionClassifier(Perceptron(), calibrate="isotonic", cv=3, random_state=0)
    model.fit(X, y)
    assert model.grouped_ is True
    assert len(model.estimators_["face"].calibrated_classifiers_) == 3
    assert model.predict_proba(X).max() <= 1.0


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"estimators": [("eeg", SVC())]}, "names the modality 'eeg', which X does not have"),
        ({"estimators": [("audio", SVC())]}, r"'face' of X has no estimator. Add \('face', est"),
        ({"estimators": []}, r"list of \(modality, estimator\) pairs"),
        ({"estimators": [SVC()]}, r"list of \(modality, estimator\) pairs"),
        (
            {"estimators": [("audio", "drop"), ("face", "drop"), ("text", "drop")]},
            "Every modality is dropped",
        ),
        ({"rule": "weighted"}, r"rule='weighted' needs weights, such as \{'audio': 1.0"),
        ({"rule": "mean", "weights": [1, 1, 1]}, "weights serve the rules .* not rule='mean'"),
        ({"rule": "weighted", "weights": [1, 1]}, "2 weights were given for the modalities"),
        ({"rule": "weighted", "weights": [0, 0, 0]}, "'face', 'text'] sum to zero"),
        ({"rule": "weighted", "weights": [-1, 1, 1]}, "finite and not negative"),
        (
            {"rule": "weighted", "weights": {"audio": 1, "eeg": 1}},
            "weights has .*'eeg'.* but the modalities are",
        ),
        ({"modalities": ["audio", "eeg"]}, "No column of X belongs to the modality 'eeg'"),
    ],
)
def test_settings_that_do_not_fit_are_explained(params, message):
    X, y = sample()
    with pytest.raises(ValueError, match=message):
        LateFusionClassifier(**params).fit(X, y)


def test_a_base_that_is_no_estimator_is_named():
    X, y = sample()
    bases = [("audio", SVC), ("face", SVC()), ("text", SVC())]
    with pytest.raises(TypeError, match="base estimator of modality 'audio' must be an estimator"):
        LateFusionClassifier(bases).fit(X, y)


def test_an_error_inside_a_base_names_the_modality():
    X, y = sample()
    bases = [("audio", SVC()), ("face", LogisticRegression(C=-1)), ("text", SVC())]
    with pytest.raises(ValueError) as caught:
        LateFusionClassifier(bases).fit(X, y)
    assert caught.value.__notes__ == [
        "This happened while fitting the base estimator of modality 'face'."
    ]


def test_weights_that_are_left_after_a_modality_fell_out_may_not_be_zero():
    X, y = sample()
    X[[c for c in X if c.startswith("face")]] = np.nan
    weights = {"audio": 0, "face": 1, "text": 0}
    with (
        pytest.warns(UserWarning, match="'face' is missing in every"),
        pytest.raises(ValueError, match=re.escape("modalities ['audio', 'text'] sum to zero")),
    ):
        LateFusionClassifier(rule="weighted", weights=weights).fit(X, y)


def test_several_targets_point_to_multi_target():
    X, _ = sample()
    with pytest.raises(ValueError, match="MultiTarget"):
        LateFusionClassifier().fit(X, np.zeros((len(X), 2)))


def test_one_class_is_refused():
    X, y = sample()
    with pytest.raises(ValueError, match="needs at least two classes; y holds one class only"):
        LateFusionClassifier().fit(X[y == "sad"], y[y == "sad"])


def test_one_modality_answers_alone_and_warns():
    X, y = sample()
    audio = X.filter(like="audio")
    with pytest.warns(UserWarning, match=r"one modality \('audio'\)"):
        model = LateFusionClassifier(GaussianNB(), rule="stacking").fit(audio, y)
    expected = GaussianNB().fit(audio, y).predict_proba(audio)
    assert_allclose(model.predict_proba(audio), expected)
    assert not hasattr(model, "final_estimator_")


def test_nested_parameters_drop_and_grid_search():
    X, y = sample()
    model = LateFusionClassifier(
        [
            ("audio", make_pipeline(StandardScaler(), SVC())),
            ("face", GaussianNB()),
            ("text", GaussianNB()),
        ]
    )
    assert model.get_params()["audio__svc__C"] == 1.0
    model.set_params(audio__svc__C=0.5, text="drop", rule="max")
    assert clone(model).get_params()["audio__svc__C"] == 0.5
    assert list(model.fit(X, y).estimators_) == ["audio", "face"]
    single = LateFusionClassifier(LogisticRegression()).set_params(estimators__C=0.1)
    assert single.fit(X, y).estimators_["face"].C == 0.1
    grid = {"audio__svc__C": [0.1, 1.0], "face": ["drop", GaussianNB()]}
    search = GridSearchCV(model, grid, cv=GroupKFold(3), error_score="raise")
    search.fit(X, y, groups=X["speaker"])
    assert set(search.best_params_) == {"audio__svc__C", "face"}


def test_routing_needs_no_requests():
    X, y = sample()
    with config_context(enable_metadata_routing=True):
        model = LateFusionClassifier(Spy(), rule="stacking", random_state=0)
        scores = cross_validate(
            model, X, y, params={"groups": X["speaker"]}, cv=GroupKFold(3), return_estimator=True
        )
    assert all(fitted.grouped_ for fitted in scores["estimator"])


def test_results_are_the_same_after_refit_pickle_and_in_parallel():
    X, y = sample()
    X = with_groups(with_holes(X))
    forest = RandomForestClassifier(5)
    model = LateFusionClassifier(forest, rule="stacking", random_state=3)
    expected = model.fit(X, y).predict_proba(X)
    model.fit(X.iloc[:40], y[:40]).fit(X, y)
    assert_allclose(model.predict_proba(X), expected)
    assert_allclose(pickle.loads(pickle.dumps(model)).predict_proba(X), expected)
    assert_allclose(clone(model).set_params(n_jobs=2).fit(X, y).predict_proba(X), expected)
    order = np.random.default_rng(0).permutation(len(X))
    assert_allclose(model.predict_proba(X.iloc[order]), expected[order])
    other = clone(model).set_params(random_state=4).fit(X, y).predict_proba(X)
    assert np.abs(other - expected).max() > 1e-3


def load_audio_and_faces(folder):
    """Audio and face features of RAVDESS actors 1 to 16."""
    tables = []
    for name in ("audio", "video"):
        table = pd.read_csv(folder / "ravdess_av_features" / f"{name}_summary.csv")
        tables.append(table.set_index(table["file"].str.extract(r"\d\d-([\d-]+)\.")[0]))
    audio, face = tables[0], tables[1].loc[tables[0].index]
    labels = ["file", "emotion", "intensity", "actor", "gender"]
    X = pd.concat(
        [
            audio.drop(columns=labels).add_prefix("audio__"),
            face.drop(columns=labels).add_prefix("face__"),
        ],
        axis=1,
    )
    kept = audio["actor"].astype(int) <= 16
    return X[kept], audio["emotion"][kept], audio["actor"][kept].to_numpy()


@pytest.mark.real_data
def test_early_and_product_fusion_beat_the_better_modality_by_five_points_on_ravdess(real_data):
    X, y, actors = load_audio_and_faces(real_data)
    assert X.shape == (240, 125)
    assert X.isna().any(axis=1).sum() > 100

    def tuned(model, name):
        grid = {name: [0.01, 0.1, 1.0, 10.0]}
        return GridSearchCV(model, grid, scoring=uar_scorer, cv=GroupKFold(4))

    learner = LogisticRegression(max_iter=2000)
    base = tuned(make_pipeline(StandardScaler(), learner), "logisticregression__C")
    models = {
        "audio": LateFusionClassifier([("audio", base), ("face", "drop")]),
        "face": LateFusionClassifier([("audio", "drop"), ("face", base)]),
        "early": tuned(EarlyFusionClassifier(learner, random_state=0), "estimator__C"),
        "product": LateFusionClassifier(base, rule="product"),
    }
    result = evaluate(models, X, y, groups=actors, cv=GroupKFold(8), random_state=0)
    uar = result.table["uar"]
    assert 0.40 < uar["audio"] < uar["face"] < 0.68
    assert uar["early"] > uar["face"] + 0.05
    assert uar["product"] > uar["face"] + 0.05
    assert (result.table["uar_low"] < uar).all()
    assert (result.table["uar_high"] > uar).all()
    assert result.protocol.speaker_independent
