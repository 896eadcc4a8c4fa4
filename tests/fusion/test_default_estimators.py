import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import recall_score
from sklearn.model_selection import GroupKFold
from sklearn.preprocessing import StandardScaler

from emoest.fusion import (
    EarlyFusionClassifier,
    EarlyFusionRegressor,
    LateFusionClassifier,
    LateFusionRegressor,
    MonteCarloFusionClassifier,
    MultiplicativeFusionClassifier,
    SegmentClassifier,
)
from emoest.fusion._default_estimators import (
    FACTORS,
    LOGIT_VARIANCE,
    SHRINKING_FACTORS,
    default_classifier,
    default_regressor,
    total_variance,
)
from emoest.utils import with_groups

CLASSIFIERS = [
    EarlyFusionClassifier(random_state=0),
    LateFusionClassifier(random_state=0),
    LateFusionClassifier(rule="product", random_state=0),
    LateFusionClassifier(rule="vote", random_state=0),
    LateFusionClassifier(rule="stacking", cv=3, random_state=0),
    MultiplicativeFusionClassifier(random_state=0),
    MonteCarloFusionClassifier(cv=3, n_draws=200, random_state=0),
    MonteCarloFusionClassifier(strategy="agreement", n_draws=500, random_state=0),
    SegmentClassifier(vote="mean_proba", random_state=0),
]
REGRESSORS = [
    EarlyFusionRegressor(random_state=0),
    LateFusionRegressor(random_state=0),
    LateFusionRegressor(rule="stacking", cv=3, random_state=0),
]


def sample(n_columns=150, seed=0):
    """Two modalities of many noisy columns and few samples, as embeddings are."""
    rng = np.random.default_rng(seed)
    codes = np.tile(np.arange(3), 60)
    columns = {}
    for name, strength in (("audio", 1.6), ("text", 1.2)):
        latent = strength * np.eye(3)[codes] @ rng.normal(size=(3, 8)) + rng.normal(size=(180, 8))
        block = latent @ rng.normal(size=(8, n_columns)) + 6 * rng.normal(size=(180, n_columns))
        columns |= {f"{name}__{i:03d}": block[:, i] for i in range(n_columns)}
    X = pd.DataFrame(columns)
    X["speaker"] = np.repeat([f"s{i}" for i in range(18)], 10)
    return with_groups(X), np.array(["low", "mid", "top"])[codes], codes.astype(float)


def rescaled(X):
    """The same table in other units: a column in thousandths, a column in thousands."""
    return X.assign(audio__000=1e3 * X["audio__000"], text__001=1e-3 * X["text__001"] + 5)


def ids(estimators):
    return [repr(each)[:60] for each in estimators]


@pytest.mark.parametrize("model", CLASSIFIERS, ids=ids(CLASSIFIERS))
def test_no_default_classifier_depends_on_units_of_columns(model):
    X, y, _ = sample(6)
    proba = model.fit(X, y).predict_proba(X)
    assert_allclose(model.fit(rescaled(X), y).predict_proba(rescaled(X)), proba, atol=1e-3)


@pytest.mark.parametrize("model", REGRESSORS, ids=ids(REGRESSORS))
def test_no_default_regressor_depends_on_units_of_columns(model):
    X, _, y = sample(6)
    assert_allclose(
        model.fit(rescaled(X), y).predict(rescaled(X)), model.fit(X, y).predict(X), atol=1e-6
    )


def strengths(X):
    y = np.arange(len(X)) % 2
    return (
        default_classifier(X, y, None, None).C,
        1 / default_regressor(X, y.astype(float), None, None).alpha,
    )


def test_the_usual_penalty_follows_the_number_of_columns_and_their_common_scale():
    X = np.random.default_rng(0).normal(size=(50, 4))
    total = X.var(axis=0).sum()
    assert_allclose(strengths(X), [LOGIT_VARIANCE / total, 1 / total])
    assert_allclose(strengths(10 * X), np.array(strengths(X)) / 100)
    assert_allclose(strengths(np.hstack([X, X])), np.array(strengths(X)) / 2)


@pytest.mark.parametrize(("n_rows", "noise"), [(400, 0.1), (60, 30.0)])
def test_the_penalty_is_chosen_on_held_out_groups(n_rows, noise):
    rng = np.random.default_rng(0)
    target = rng.normal(size=n_rows)
    X = StandardScaler().fit_transform(
        target[:, None] * np.linspace(0, 1, 40) + noise * rng.normal(size=(n_rows, 40))
    )
    groups = np.arange(n_rows) % 12
    usual, chosen = (
        np.array(
            [
                default_classifier(X, target > 0, None, given).C,
                1 / default_regressor(X, target, None, given).alpha,
            ]
        )
        for given in (None, groups)
    )
    factors = (chosen / usual).round(6).tolist()
    assert set(factors) <= set(FACTORS)
    assert (factors[1] > 1) if noise < 1 else (factors[1] == 0.1)


def test_a_speaker_on_both_sides_would_choose_another_penalty():
    rng = np.random.default_rng(0)
    speakers = np.repeat(np.arange(30), 8)
    y = rng.normal(size=30)[speakers]
    X = rng.normal(size=(30, 60))[speakers] + 0.1 * rng.normal(size=(240, 60))
    alpha = [default_regressor(X, y, None, g).alpha for g in (speakers, np.arange(240))]
    assert alpha[0] > alpha[1]


@pytest.mark.parametrize(
    "groups", [None, np.zeros(40), np.where(np.arange(40) == 7, np.nan, np.arange(40) % 4)]
)
def test_without_groups_to_hold_out_nothing_is_chosen_nor_said(groups):
    X, y = np.random.default_rng(0).normal(size=(40, 5)), np.arange(40) % 2
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = default_classifier(X, y, None, groups)
    assert_allclose(model.C, LOGIT_VARIANCE / X.var(axis=0).sum())


def test_weights_count_as_repetitions_in_the_total_variance():
    X, weight = np.random.default_rng(0).normal(size=(20, 3)), np.arange(20) % 3
    assert_allclose(total_variance(X, weight), total_variance(np.repeat(X, weight, axis=0)))
    assert total_variance(np.ones((4, 2))) == 1.0


def test_early_fusion_fits_the_default_on_what_it_concatenates():
    X, y, _ = sample(10)
    model = EarlyFusionClassifier(random_state=0).fit(X.droplevel("group"), y)
    assert_allclose(model.estimator_.C, LOGIT_VARIANCE / 20)
    again = EarlyFusionClassifier(random_state=0).fit(X.droplevel("group"), y, groups=X["speaker"])
    in_index = EarlyFusionClassifier(random_state=0).fit(X, y)
    assert again.estimator_.C == in_index.estimator_.C
    given = EarlyFusionClassifier(LogisticRegression(C=7.0)).fit(X, y)
    assert given.estimator_.C == 7.0
    raw = EarlyFusionClassifier(normalize=None).fit(X.droplevel("group"), y)
    total = X.drop(columns="speaker").var(ddof=0).sum()
    assert_allclose(raw.estimator_.C, LOGIT_VARIANCE / total)


def uar(model, X, y, groups):
    predicted = np.empty_like(y)
    for train, test in GroupKFold(3).split(X, y, groups):
        predicted[test] = model.fit(X.iloc[train], y[train]).predict(X.iloc[test])
    return recall_score(y, predicted, average="macro")


@pytest.mark.parametrize("seed", [0, 1])
def test_many_columns_and_few_samples_do_not_drown_the_default(seed):
    X, y, _ = sample(seed=seed)
    speakers = X["speaker"]
    fixed = EarlyFusionClassifier(LogisticRegression(C=1.0, max_iter=1000))
    best = max(
        uar(EarlyFusionClassifier(LogisticRegression(C=C, max_iter=1000)), X, y, speakers)
        for C in (1e-4, 1e-3, 1e-2, 1e-1)
    )
    default = uar(EarlyFusionClassifier(random_state=0), X, y, speakers)
    assert default > best - 0.04
    assert default >= uar(fixed, X, y, speakers) - 0.01


LATE = {
    "mean": LateFusionClassifier(random_state=0),
    "product": LateFusionClassifier(rule="product", random_state=0),
    "vote": LateFusionClassifier(rule="vote", random_state=0),
    "confidence": MultiplicativeFusionClassifier(rule="confidence", cv=2, random_state=0),
}


def test_a_modality_without_news_takes_nothing_from_the_others():
    X, y, _ = sample(20)
    X, y = X[y != "mid"], y[y != "mid"]
    audio = X[[c for c in X.columns if c.startswith("audio")]]
    noise = np.random.default_rng(1).normal(size=(len(X), 60))
    both = audio.assign(**{f"face__{i:02d}": noise[:, i] for i in range(60)})
    train, test = next(GroupKFold(2).split(X, y, X["speaker"]))
    models = {"alone": (EarlyFusionClassifier(random_state=0), audio)}
    models |= {name: (model, both) for name, model in LATE.items()}
    found = {
        name: recall_score(
            y[test],
            model.fit(table.iloc[train], y[train]).predict(table.iloc[test]),
            average="macro",
        )
        for name, (model, table) in models.items()
    }
    assert found["alone"] > 0.7
    assert min(found.values()) > found["alone"] - 0.05, found


@pytest.mark.parametrize("n_classes", [2, 3])
def test_a_penalty_for_probabilities_shrinks_what_says_nothing(n_classes):
    rng = np.random.default_rng(0)
    X, y, groups = rng.normal(size=(90, 40)), np.arange(90) % n_classes, np.arange(90) // 15
    kept = ~((groups == 0) & (y == 1))
    for rows in (slice(None), kept):
        given = X[rows], y[rows], None, groups[rows]
        usual = LOGIT_VARIANCE / total_variance(X[rows])
        assert 0.5 * usual > default_classifier(*given, "neg_log_loss").C


def test_a_class_of_one_group_only_is_chosen_for_as_well():
    X, y, _ = sample(10)
    y = np.where((X["speaker"] == "s0") & (y == "low"), "rare", y)
    groups = X["speaker"].to_numpy()
    values = X.drop(columns="speaker").to_numpy()
    model = default_classifier(values, y, None, groups, "neg_log_loss")
    usual = LOGIT_VARIANCE / total_variance(values)
    assert any(np.isclose(model.C, usual * factor) for factor in SHRINKING_FACTORS)


@pytest.mark.parametrize("fusion", [EarlyFusionClassifier, EarlyFusionRegressor])
@pytest.mark.parametrize("named", [False, True])
def test_a_table_without_modalities_is_one_and_is_said_to_be(fusion, named):
    X, _, y = sample(4)
    values = X.drop(columns="speaker").to_numpy()
    table = pd.DataFrame(values, columns=[f"f{i}" for i in range(8)]) if named else values
    with pytest.warns(UserWarning, match=r"X names no modality, so .* takes its 8 column"):
        fusion().fit(table, y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fusion().fit(X, y)
        fusion(modalities={"a": slice(0, 4), "b": slice(4, 8)}).fit(table, y)


def test_names_lost_on_the_way_are_said_and_the_speaker_number_is_no_silent_feature():
    X, y, _ = sample(4)
    numbered = X.assign(speaker=X["speaker"].str[1:].astype(float))
    lost = StandardScaler().fit_transform(numbered)
    with pytest.warns(UserWarning, match=r"takes its 9 column.* stands for a speaker"):
        EarlyFusionClassifier().fit(lost, y)
    kept = StandardScaler().set_output(transform="pandas").fit_transform(numbered)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(EarlyFusionClassifier().fit(kept, y).estimator_.feature_names_in_) == 8


@pytest.mark.parametrize("model", CLASSIFIERS[1:], ids=ids(CLASSIFIERS[1:]))
def test_the_default_inside_late_fusion_does_not_complain_of_its_one_modality(model):
    X, y, _ = sample(3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        if isinstance(model, SegmentClassifier):
            X = X.filter(like="audio__")
        model.fit(X, y)
