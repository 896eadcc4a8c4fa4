"""What a fitted estimator holds: nothing of an earlier fit, its groups, what skops can write."""

import inspect
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline

from emoest.evaluation._leakage import of_unknown_speakers, pretrained_groups, seen_before
from emoest.fusion import (
    EarlyFusionClassifier,
    EarlyFusionRegressor,
    LateFusionClassifier,
    LateFusionRegressor,
    MonteCarloFusionClassifier,
    MultiplicativeFusionClassifier,
    SegmentClassifier,
)
from emoest.multioutput import MultiTarget
from emoest.normalization import (
    BlockScaler,
    SampleZScoreNormalizer,
    SpeakerZScoreNormalizer,
    ZScoreNormalizer,
)
from emoest.tuning import OptunaSearchCV
from emoest.utils import with_groups
from emoest.validity import (
    CCAValidityFilter,
    CorruptModality,
    ModalityDropout,
    ModalityImputer,
    ModalityIndicator,
    ProxyFeatureGenerator,
    RegularizedCCA,
)

skops_io = pytest.importorskip("skops.io")

BASE = LogisticRegression()
ONE = {"one": [f"{name}__{i}" for name in ("audio", "text") for i in range(3)]}
CASES = [
    (EarlyFusionClassifier(), {"estimator": GaussianNB(), "normalize": None}),
    (EarlyFusionRegressor(), {"missing_indicator": True}),
    (LateFusionClassifier(BASE, rule="stacking", cv=3), {"rule": "mean"}),
    (LateFusionClassifier(BASE, rule="weighted", weights=[1, 2]), {"rule": "max", "weights": None}),
    (LateFusionClassifier(BASE, calibrate="sigmoid", cv=3), {"calibrate": None}),
    (LateFusionRegressor(rule="stacking", cv=3), {"rule": "mean", "modalities": ONE}),
    (MultiplicativeFusionClassifier(BASE, reweight="liu", cv=3), {"reweight": None}),
    (MonteCarloFusionClassifier(BASE, n_draws=20, cv=3), {"strategy": "confusion"}),
    (
        MonteCarloFusionClassifier(BASE, strategy="confusion", n_draws=20, cv=3),
        {"strategy": "agreement"},
    ),
    (SegmentClassifier(vote="mean_proba"), {"vote": "majority"}),
    (ZScoreNormalizer(), {"modalities": ONE}),
    (SpeakerZScoreNormalizer(), {"unseen": "global"}),
    (SampleZScoreNormalizer(), {"modalities": ONE}),
    (BlockScaler(), {"criterion": "norm"}),
    (RegularizedCCA(), {"modalities": ONE}),
    (CCAValidityFilter(), {"modalities": ONE}),
    (ProxyFeatureGenerator(), {"modalities": ONE}),
    (ModalityImputer(), {"strategy": "median"}),
    (ModalityIndicator(), {"modalities": ONE}),
    (ModalityDropout(), {"modalities": ONE}),
    (CorruptModality(), {"modalities": ONE}),
]
IDS = [f"{type(model).__name__}-{','.join(changes)}" for model, changes in CASES]


def sample(speakers=True):
    rng = np.random.default_rng(0)
    y = np.tile([0, 1], 30)
    shared = rng.normal(size=(60, 3)) + 2.0 * y[:, None]
    X = pd.DataFrame(
        np.hstack([shared, shared]) + 0.3 * rng.normal(size=(60, 6)), columns=ONE["one"]
    )
    X["speaker"] = np.repeat([f"s{i}" for i in range(10)], 6)
    return (with_groups(X) if speakers else X), y


def seeded(model):
    return model.set_params(random_state=0) if "random_state" in model.get_params() else model


def learned(model):
    return {name for name in vars(model) if name.endswith("_") and not name.startswith("_")}


def fit(model, X, y):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return model.fit(X, y)


def output(model, X):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if hasattr(model, "predict_proba"):
            return np.asarray(model.predict_proba(X))
        if hasattr(model, "predict"):
            return np.asarray(model.predict(X))
        return model.transform(X).drop(columns="speaker").to_numpy()


@pytest.mark.parametrize(("model", "changes"), CASES, ids=IDS)
def test_fitting_again_with_other_parameters_is_fitting_once(model, changes):
    X, y = sample()
    again = fit(seeded(clone(model)), X, y)
    fit(again.set_params(**changes), X, y)
    once = fit(seeded(clone(model)).set_params(**changes), X, y)
    assert learned(again) == learned(once)
    np.testing.assert_array_equal(output(again, X), output(once, X))


@pytest.mark.parametrize(("model", "changes"), CASES, ids=IDS)
def test_skops_writes_and_reads_every_estimator(model, changes):
    X, y = sample()
    fitted = fit(seeded(clone(model)), X, y)
    data = skops_io.dumps(fitted)
    read = skops_io.loads(data, trusted=skops_io.get_untrusted_types(data=data))
    np.testing.assert_array_equal(output(read, X), output(fitted, X))


WITH_GROUPS = [model for model, _ in CASES if "groups" in inspect.signature(model.fit).parameters]


@pytest.mark.parametrize("model", WITH_GROUPS, ids=lambda model: repr(model)[:50])
def test_groups_of_fit_are_remembered_and_found_by_evaluate(model):
    X, y = sample()
    fitted = fit(seeded(clone(model)), X, y)
    assert sorted(fitted.seen_groups_) == sorted(X["speaker"].unique())
    assert seen_before(pretrained_groups(FrozenEstimator(fitted)), np.array(["s3", "new"])) != {}
    assert seen_before(pretrained_groups(FrozenEstimator(fitted)), np.array(["new"])) == {}
    plain, _ = sample(speakers=False)
    assert fit(fitted, plain, y).seen_groups_ is None
    given = fitted.fit(plain, y, groups=np.repeat(["a", "b", "c"], 20))
    assert given.seen_groups_ == ["a", "b", "c"]


FROM_INDEX = [
    ZScoreNormalizer(),
    BlockScaler(),
    RegularizedCCA(),
    ModalityImputer(),
    MultiTarget(LogisticRegression()),
    OptunaSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}, n_trials=1, cv=2, random_state=0),
]


@pytest.mark.parametrize("model", FROM_INDEX, ids=lambda model: type(model).__name__)
def test_groups_of_the_index_are_remembered_and_found_by_evaluate(model):
    X, y = sample()
    X = X.drop(columns="speaker")
    speakers = X.index.get_level_values("group").unique()
    target = pd.DataFrame({"one": y, "other": 1 - y}) if isinstance(model, MultiTarget) else y
    fitted = fit(clone(model), X, target)
    assert sorted(fitted.seen_groups_) == sorted(speakers)
    frozen = make_pipeline(FrozenEstimator(fitted), GaussianNB())
    assert seen_before(pretrained_groups(frozen), np.array(["s3", "new"])) != {}
    assert of_unknown_speakers(frozen) == []
    if isinstance(model, OptunaSearchCV):
        return
    fit(fitted, X.droplevel("group"), target)
    assert fitted.seen_groups_ is None


@pytest.mark.parametrize(
    "model", [*WITH_GROUPS, *FROM_INDEX[:-1]], ids=lambda model: repr(model)[:50]
)
def test_what_was_fitted_without_groups_is_named_as_unknown(model):
    X, y = sample(speakers=False)
    if isinstance(model, MultiTarget):
        X, y = X.drop(columns="speaker"), pd.DataFrame({"one": y, "other": 1 - y})
    fitted = fit(seeded(clone(model)), X, y)
    frozen = make_pipeline(FrozenEstimator(fitted), GaussianNB())
    assert of_unknown_speakers(frozen) == [type(model).__name__]
