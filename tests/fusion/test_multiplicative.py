import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC

from emoest.fusion import LateFusionClassifier, MultiplicativeFusionClassifier
from emoest.fusion._modality_estimators import ModalityEstimator
from emoest.fusion._multiplicative import join_subsets
from emoest.fusion._rules import confidence_rule, liu_rule, m3er_sample_weights
from emoest.utils import with_groups


def sample(n_speakers=12, per_speaker=8, seed=0):
    rng = np.random.default_rng(seed)
    n = n_speakers * per_speaker
    codes = np.arange(n) % 4
    y = np.array(["angry", "happy", "neutral", "sad"])[codes]
    columns = {}
    for name, strength in [("audio", 1.5), ("face", 1.0), ("text", 0.6)]:
        block = strength * rng.normal(size=(4, 3))[codes] + rng.normal(size=(n, 3))
        columns |= {f"{name}__{i}": block[:, i] for i in range(3)}
    X = pd.DataFrame(columns)
    X["speaker"] = np.repeat([f"s{i:02d}" for i in range(n_speakers)], per_speaker)
    return with_groups(X), y


def answers_of(model, X):
    blocks = [X.filter(like=name) for name in model.modalities_]
    parts = [
        estimator.predict_proba(block)
        for estimator, block in zip(model.estimators_.values(), blocks, strict=True)
    ]
    return np.stack(parts, axis=1), np.ones((len(X), len(parts)), dtype=bool)


@pytest.mark.parametrize(("rule", "function"), [("liu", liu_rule), ("confidence", confidence_rule)])
def test_the_rule_fuses_what_the_bases_say(rule, function):
    X, y = sample()
    model = MultiplicativeFusionClassifier(GaussianNB(), rule=rule, beta=0.8).fit(X, y)
    expected = function(*answers_of(model, X), 0.8)
    assert_allclose(model.predict_proba(X), expected)
    assert model.predict(X).tolist() == model.classes_[expected.argmax(axis=1)].tolist()
    assert model.score(X, y) > 0.8


def test_without_beta_it_is_late_fusion_by_the_product():
    X, y = sample()
    X.iloc[::4, 3:6] = np.nan
    base = LogisticRegression()
    product = LateFusionClassifier(base, rule="product").fit(X, y).predict_proba(X)
    fused = MultiplicativeFusionClassifier(base, beta=0).fit(X, y).predict_proba(X)
    assert_allclose(fused, product, rtol=1e-6)
    other = MultiplicativeFusionClassifier(base, beta=2.0).fit(X, y).predict_proba(X)
    assert np.abs(other - product).max() > 0.01


def test_mixtures_train_on_every_subset():
    X, y = sample()
    X.iloc[0, 3:6] = np.nan
    model = MultiplicativeFusionClassifier(LogisticRegression(), mixtures=True).fit(X, y)
    assert model.modalities_ == [
        "audio",
        "face",
        "text",
        "audio+face",
        "audio+text",
        "face+text",
        "audio+face+text",
    ]
    assert list(model.estimators_["audio+text"].feature_names_in_) == [
        *(f"audio__{i}" for i in range(3)),
        *(f"text__{i}" for i in range(3)),
    ]
    parts = {
        "audio": X.filter(like="audio"),
        "text": X.filter(like="text"),
        "audio+text": X.filter(regex="audio|text"),
    }
    known = [model.estimators_[k].predict_proba(v.iloc[:1]) for k, v in parts.items()]
    expected = liu_rule(np.stack(known, axis=1), np.ones((1, 3), dtype=bool), 0.5)
    assert_allclose(model.predict_proba(X)[:1], expected)


def test_mixtures_need_one_estimator():
    X, y = sample()
    bases = [(name, GaussianNB()) for name in ("audio", "face", "text")]
    with pytest.raises(ValueError, match="needs one estimator that is cloned"):
        MultiplicativeFusionClassifier(bases, mixtures=True).fit(X, y)


def test_subsets_come_small_ones_first():
    single = [ModalityEstimator(name, (name,), None) for name in "abc"]
    members = [each.members for each in join_subsets(single)]
    assert members[3:] == [("a", "b"), ("a", "c"), ("b", "c"), ("a", "b", "c")]


class WeightSpy(LogisticRegression):
    def fit(self, X, y, sample_weight=None):
        self.weight_ = sample_weight
        return super().fit(X, y, sample_weight)


def test_reweighting_uses_out_of_fold_probabilities_of_the_true_class():
    X, y = sample()
    X.iloc[5, 3:6] = np.nan
    given = np.linspace(0.5, 1.5, len(X))
    model = MultiplicativeFusionClassifier(
        WeightSpy(), reweight="m3er", n_reweight_iter=1, cv=4, beta=1.0, random_state=0
    ).fit(X, y, sample_weight=given)
    assert model.grouped_ is True
    factors = model.sample_weights_
    assert factors.shape == (len(X), 3)
    assert factors[5, 1] == 1.0
    assert_allclose(model.estimators_["audio"].weight_, given * factors[:, 0])
    present = X["face__0"].notna().to_numpy()
    assert_allclose(model.estimators_["face"].weight_, (given * factors[:, 1])[present])
    assert_allclose(np.average(factors[present, 1], weights=given[present]), 1.0)
    in_sample = answers_of(model, X.fillna(0.0))[0][
        np.arange(len(X)), :, np.unique(y, return_inverse=True)[1]
    ]
    wrong = m3er_sample_weights(in_sample, np.ones_like(in_sample, dtype=bool), 1.0, given)
    assert np.abs(wrong - factors).max() > 0.05


def test_more_iterations_go_on_from_the_last_weights():
    X, y = sample()
    factors = [
        MultiplicativeFusionClassifier(reweight="liu", n_reweight_iter=n, beta=2.0, random_state=0)
        .fit(X, y)
        .sample_weights_
        for n in (1, 2, 2)
    ]
    assert np.abs(factors[0] - factors[1]).max() > 1e-3
    assert_allclose(factors[1], factors[2])


def test_bases_without_sample_weight_cannot_be_reweighted():
    X, y = sample()
    bases = [("audio", GaussianNB()), ("face", KNeighborsClassifier()), ("text", GaussianNB())]
    message = (
        r"reweight needs base estimators that take sample_weight; that of modality 'face' \(KNeigh"
    )
    with pytest.raises(ValueError, match=message):
        MultiplicativeFusionClassifier(bases, reweight="liu").fit(X, y)


def test_probabilities_are_needed_or_calibration():
    X, y = sample()
    with pytest.raises(
        ValueError, match=r"needs predict_proba, which the base estimator of modality 'audio'"
    ):
        MultiplicativeFusionClassifier(SVC()).fit(X, y)
    model = MultiplicativeFusionClassifier(SVC(), calibrate="sigmoid", random_state=0).fit(X, y)
    assert model.score(X, y) > 0.8


def test_the_literal_rule_warns_and_is_worse_than_chance_would_excuse():
    X, y = sample()
    model = MultiplicativeFusionClassifier(GaussianNB(), rule="m3er_min_loss", beta=2.0)
    with pytest.warns(UserWarning, match="prefers classes that all modalities exclude"):
        model.fit(X, y)
    sound = MultiplicativeFusionClassifier(GaussianNB(), beta=0.5).fit(X, y)
    assert model.score(X, y) < 0.3 < 0.8 < sound.score(X, y)


def test_an_empty_row_gets_the_prior():
    X, y = sample()
    X.iloc[0, :9] = np.nan
    model = MultiplicativeFusionClassifier().fit(X, y)
    with pytest.warns(UserWarning, match=r"1 row\(s\) have no modality"):
        proba = model.predict_proba(X)
    assert_allclose(proba[0], 0.25)


def test_one_modality_answers_alone():
    X, y = sample()
    audio = X.filter(like="audio")
    with pytest.warns(UserWarning, match="one modality"):
        model = MultiplicativeFusionClassifier(GaussianNB(), reweight="liu").fit(audio, y)
    assert_allclose(model.predict_proba(audio), GaussianNB().fit(audio, y).predict_proba(audio))


@pytest.mark.parametrize(
    "params", [{"beta": -1.0}, {"rule": "mean"}, {"n_reweight_iter": 0}, {"reweight": "both"}]
)
def test_parameters_are_checked(params):
    X, y = sample()
    with pytest.raises(ValueError, match=f"The '{next(iter(params))}' parameter"):
        MultiplicativeFusionClassifier(**params).fit(X, y)
