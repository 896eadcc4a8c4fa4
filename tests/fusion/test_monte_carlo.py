import pickle

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.svm import SVC

from emoest.fusion import LateFusionClassifier, MonteCarloFusionClassifier
from emoest.fusion._rules import CLIP
from emoest.utils import NotSpeakerIndependentWarning, with_groups

STRATEGIES = ["weights", "agreement", "confusion"]


def sample(n_speakers=12, per_speaker=8, seed=0, useless="eeg"):
    """Faces tell the emotion, the EEG hardly; or the other way round."""
    rng = np.random.default_rng(seed)
    n = n_speakers * per_speaker
    codes = np.arange(n) % 4
    y = np.array(["fear", "happy", "neutral", "sad"])[codes]
    columns = {}
    for name in ("face", "eeg"):
        strength = 0.0 if name == useless else 1.5
        block = strength * rng.normal(size=(4, 3))[codes] + rng.normal(size=(n, 3))
        columns |= {f"{name}__{i}": block[:, i] for i in range(3)}
    X = pd.DataFrame(columns)
    X["speaker"] = np.repeat([f"s{i:02d}" for i in range(n_speakers)], per_speaker)
    return with_groups(X), y


@pytest.mark.parametrize("useless", ["face", "eeg"])
def test_random_weights_find_the_modality_that_tells(useless):
    X, y = sample(useless=useless, seed=2)
    base = LogisticRegression()
    model = MonteCarloFusionClassifier(base, n_draws=2000, random_state=0).fit(X, y)
    assert model.weights_.shape == (2, 1)
    assert_allclose(model.weights_.sum(), 1.0)
    other = {"face": "eeg", "eeg": "face"}[useless]
    weight = dict(zip(model.modalities_, model.weights_[:, 0], strict=True))
    assert weight[other] > 0.6
    assert model.grouped_ is True
    assert model.score(X, y) >= LateFusionClassifier(base).fit(X, y).score(X, y)
    assert np.log(0.5) < model.weights_score_ <= 0.0


def test_weights_are_chosen_on_out_of_fold_answers():
    """A base that knows its training rows by heart earns no weight for that."""
    X, y = sample(seed=2)
    from sklearn.neighbors import KNeighborsClassifier

    bases = [("face", LogisticRegression()), ("eeg", KNeighborsClassifier(1))]
    model = MonteCarloFusionClassifier(bases, n_draws=2000, random_state=0).fit(X, y)
    assert model.estimators_["eeg"].score(X.filter(like="eeg"), y) == 1.0
    assert model.weights_[0, 0] > 0.5


@pytest.mark.parametrize("pool", ["log", "linear"])
def test_the_mixture_is_that_of_the_weights(pool):
    X, y = sample()
    model = MonteCarloFusionClassifier(n_draws=500, pool=pool, random_state=0).fit(X, y)
    parts = [
        estimator.predict_proba(X.filter(like=name))
        for name, estimator in model.estimators_.items()
    ]
    face, eeg = model.weights_[:, 0]
    expected = face * parts[0] + eeg * parts[1]
    if pool == "log":
        face_proba, eeg_proba = (np.maximum(each, CLIP) for each in parts)
        expected = face_proba**face * eeg_proba**eeg
        expected /= expected.sum(axis=1, keepdims=True)
    assert_allclose(model.predict_proba(X), expected)
    holed = X.copy()
    holed.iloc[0, 3:6] = np.nan
    assert_allclose(model.predict_proba(holed)[0], parts[0][0])


def test_weights_of_each_class():
    X, y = sample()
    model = MonteCarloFusionClassifier(n_draws=500, per_class=True, random_state=0).fit(X, y)
    assert model.weights_.shape == (2, 4)
    assert_allclose(model.weights_.sum(axis=0), 1.0)
    assert np.ptp(model.weights_[0]) > 0.01
    X.iloc[3, :3] = np.nan
    assert_allclose(model.predict_proba(X).sum(axis=1), 1.0)


def test_what_is_best_is_the_score_that_was_asked_for():
    X, y = sample(n_speakers=20, seed=1)
    kept = (y != "sad") | (np.arange(len(y)) % 5 == 0)
    uar, accuracy, log = (
        MonteCarloFusionClassifier(
            LogisticRegression(), n_draws=300, scoring=scoring, random_state=0
        )
        .fit(X[kept], y[kept])
        .weights_score_
        for scoring in ("uar", "accuracy", "neg_log_loss")
    )
    assert uar != accuracy
    assert 0.5 < uar < 1
    assert 0.5 < accuracy < 1
    assert np.log(0.25) < log < 0


def test_keeping_all_draws_is_nearly_the_mean_rule():
    X, y = sample()
    model = MonteCarloFusionClassifier(n_draws=5000, keep=1.0, random_state=0).fit(X, y)
    assert_allclose(model.weights_[:, 0], [0.5, 0.5], atol=0.02)


def test_impossible_classes_and_absent_modalities_leave_a_distribution():
    X, y = sample()
    base = [("face", GaussianNB(var_smoothing=1e-12)), ("eeg", GaussianNB())]
    model = MonteCarloFusionClassifier(base, n_draws=200, per_class=True, random_state=0).fit(X, y)
    far = X.copy()
    far.iloc[:5, :3] = 1e3
    far.iloc[2:7, 3:6] = np.nan
    found = model.predict_proba(far)
    assert_allclose(found.sum(axis=1), 1.0)
    assert np.isfinite(found).all()


def test_agreement_tends_to_the_product_and_not_to_the_mean():
    X, y = sample()
    product = LateFusionClassifier(rule="product").fit(X, y).predict_proba(X)
    mean = LateFusionClassifier(rule="mean").fit(X, y).predict_proba(X)
    model = MonteCarloFusionClassifier(strategy="agreement", n_draws=100_000, random_state=0)
    fused = model.fit(X, y).predict_proba(X)
    assert np.abs(fused - product).max() < 0.03
    assert np.abs(fused - mean).max() > 0.1


def test_confusion_needs_predicted_classes_only():
    X, y = sample()
    model = MonteCarloFusionClassifier(SVC(), strategy="confusion", n_draws=4000, random_state=0)
    model.fit(X, y)
    counts = model.confusion_
    assert counts.shape == (2, 4, 4)
    assert_allclose(counts.sum(axis=2), 24)
    smooth = (counts + 1) / (counts + 1).sum(axis=2, keepdims=True)
    said = [
        np.searchsorted(model.classes_, estimator.predict(X.filter(like=name).iloc[:1]))[0]
        for name, estimator in model.estimators_.items()
    ]
    joint = model.class_prior_ * smooth[0, :, said[0]] * smooth[1, :, said[1]]
    assert_allclose(model.predict_proba(X)[0], joint / joint.sum(), atol=0.02)


def test_more_doubt_flattens_the_confusions():
    X, y = sample()
    tops = [
        MonteCarloFusionClassifier(strategy="confusion", alpha=alpha, n_draws=500, random_state=0)
        .fit(X, y)
        .predict_proba(X)
        .max()
        for alpha in (0.1, 100.0)
    ]
    assert tops[0] > tops[1] + 0.2


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_rows_do_not_depend_on_each_other_and_calls_repeat(strategy):
    X, y = sample()
    X.iloc[::5, 3:6] = np.nan
    model = MonteCarloFusionClassifier(strategy=strategy, n_draws=300, random_state=0).fit(X, y)
    proba = model.predict_proba(X)
    assert_allclose(model.predict_proba(X), proba)
    assert_allclose(model.predict_proba(X.iloc[[7, 3]]), proba[[7, 3]])
    assert_allclose(proba.sum(axis=1), 1.0)
    restored = pickle.loads(pickle.dumps(model))
    assert_allclose(restored.predict_proba(X), proba)
    assert_allclose(model.fit(X, y).predict_proba(X), proba)


def test_draws_follow_the_seed():
    X, y = sample()
    proba = [
        MonteCarloFusionClassifier(strategy="agreement", n_draws=100, random_state=seed)
        .fit(X, y)
        .predict_proba(X)
        for seed in (0, 0, 1)
    ]
    assert_allclose(proba[0], proba[1])
    assert np.abs(proba[0] - proba[2]).max() > 0.01


def test_sample_weight_counts_in_scores_and_confusions():
    X, y = sample()
    weight = np.where(y == "sad", 3.0, 1.0)
    model = MonteCarloFusionClassifier(strategy="confusion", n_draws=50, random_state=0)
    counts = model.fit(X, y, sample_weight=weight).confusion_
    assert_allclose(counts.sum(axis=2)[:, model.classes_ == "sad"], 72)


def test_a_pickle_holds_no_draws():
    X, y = sample()
    model = MonteCarloFusionClassifier(GaussianNB(), strategy="confusion", random_state=0)
    assert len(pickle.dumps(model.fit(X, y))) < 20_000


def test_without_groups_it_warns_where_it_splits():
    X, y = sample()
    X = X.reset_index(drop=True)
    with pytest.warns(NotSpeakerIndependentWarning):
        MonteCarloFusionClassifier(n_draws=10).fit(X, y)


@pytest.mark.parametrize("strategy", ["weights", "agreement"])
def test_probabilities_are_needed(strategy):
    X, y = sample()
    with pytest.raises(ValueError, match=f"strategy='{strategy}' needs predict_proba"):
        MonteCarloFusionClassifier(SVC(), strategy=strategy).fit(X, y)


def test_one_modality_answers_alone():
    X, y = sample()
    face = X.filter(like="face")
    with pytest.warns(UserWarning, match="one modality"):
        model = MonteCarloFusionClassifier(GaussianNB()).fit(face, y)
    assert_allclose(model.predict_proba(face), GaussianNB().fit(face, y).predict_proba(face))


@pytest.mark.parametrize(
    "params",
    [{"n_draws": 0}, {"keep": 0.0}, {"alpha": 0}, {"strategy": "sum"}, {"strategy": "product"}],
)
def test_parameters_are_checked(params):
    X, y = sample()
    with pytest.raises(ValueError, match=f"The '{next(iter(params))}' parameter"):
        MonteCarloFusionClassifier(**params).fit(X, y)
