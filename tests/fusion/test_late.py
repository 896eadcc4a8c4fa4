import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, cross_validate
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from emoest.aggregation import StatisticsPooling
from emoest.fusion import LateFusionClassifier
from emoest.tables.cells import object_column
from emoest.testing import check_cell_estimator
from emoest.utils import NotSpeakerIndependentWarning, with_groups
from tests.fusion.late_samples import Spy, sample, with_holes

ALL_RULES = ["mean", "product", "log_pool", "max", "vote", "stacking"]


class LengthOfText(TransformerMixin, BaseEstimator):
    """Number of words and letters."""

    def fit(self, X, y=None):
        self.n_features_in_ = X.shape[1]
        self.columns_ = list(X.columns)
        return self

    def transform(self, X):
        return np.array([[len(cell.split()), len(cell)] for cell in X["text"]])


class MeanOfFrames(TransformerMixin, BaseEstimator):
    def fit(self, X, y=None):
        self.columns_ = list(X.columns)
        return self

    def transform(self, X):
        return np.array([cell.mean(axis=0) for cell in X["audio__frames"]])


def test_mean_rule_equals_soft_voting_on_the_same_learners():
    X, y = sample()
    X = X.drop(columns="speaker")
    bases = {"audio": GaussianNB(), "face": LogisticRegression(), "text": KNeighborsClassifier()}
    late = LateFusionClassifier(list(bases.items())).fit(X, y)
    voters = [
        (
            name,
            make_pipeline(
                ColumnTransformer([("x", "passthrough", [c for c in X if c.startswith(name)])]),
                base,
            ),
        )
        for name, base in bases.items()
    ]
    for rule, voting, weights in [
        ("mean", "soft", None),
        ("weighted", "soft", [3, 1, 2]),
        ("vote", "hard", None),
    ]:
        late.set_params(rule=rule, weights=weights).fit(X, y)
        voter = VotingClassifier(voters, voting=voting, weights=weights).fit(X, y)
        if voting == "soft":
            assert_allclose(late.predict_proba(X), voter.predict_proba(X))
        # VotingClassifier gives ties to the first label.
        top = np.sort(late.predict_proba(X), axis=1)[:, -2:]
        decided = top[:, 1] - top[:, 0] > 1e-6
        assert decided.mean() > 0.8
        assert late.predict(X)[decided].tolist() == voter.predict(X)[decided].tolist()


def test_each_base_gets_its_present_rows_and_columns_only():
    X, y = sample()
    holed = with_holes(X)
    model = LateFusionClassifier(Spy()).fit(holed, y)
    seen = model.estimators_["face"]
    present = holed["face__0"].notna()
    assert list(seen.X_.columns) == ["face__0", "face__1", "face__2"]
    assert seen.X_.index.equals(holed.index[present])
    assert seen.y_.tolist() == y[present].tolist()
    assert seen.sample_weight_ is None
    assert seen.groups_ is None
    assert len(model.estimators_["audio"].X_) == len(X)


def test_partly_missing_blocks_get_the_training_mean():
    X, y = sample()
    holed = with_holes(X)
    weight = np.linspace(1, 2, len(X))
    model = LateFusionClassifier(Spy()).fit(holed, y, sample_weight=weight)
    seen = model.estimators_["audio"].X_
    known = holed["audio__1"].notna()
    mean = np.average(holed.loc[known, "audio__1"], weights=weight[known])
    assert_allclose(seen.loc[~known, "audio__1"], mean)
    assert_allclose(seen.loc[known, "audio__1"], holed.loc[known, "audio__1"])


def test_impute_raise_names_the_modality_and_the_place():
    X, y = sample()
    message = (
        r"modality 'audio' is partly NaN in 15 row\(s\), first in row 'clip0', column 'audio__1'"
    )
    with pytest.raises(ValueError, match=message):
        LateFusionClassifier(impute="raise").fit(with_holes(X), y)


@pytest.mark.parametrize("rule", ALL_RULES)
def test_a_missing_modality_has_weight_zero(rule):
    X, y = sample()
    X = with_groups(X)
    model = LateFusionClassifier(rule=rule, random_state=0).fit(X, y)
    test = X.iloc[:6].copy()
    test.loc[:, [c for c in X if c.startswith("face")]] = np.nan
    without = model.predict_proba(test)
    assert_allclose(without.sum(axis=1), 1.0)
    if rule == "mean":
        single = [
            model.estimators_[m].predict_proba(test[[c for c in X if c.startswith(m)]])
            for m in ("audio", "text")
        ]
        assert_allclose(without, np.mean(single, axis=0))
    if rule not in {"vote"}:
        assert np.abs(without - model.predict_proba(X.iloc[:6])).max() > 1e-3


def test_a_row_with_nothing_gets_the_training_prior_and_a_warning():
    X, y = sample()
    kept = y != "sad"
    kept[:30] = True
    X, y = X[kept], y[kept]
    model = LateFusionClassifier().fit(X, y)
    empty = X.iloc[:3].copy()
    empty.iloc[1, :-1] = np.nan
    message = (
        r"have no modality with a fitted estimator \(row 'clip1'\) and get the training prior\."
    )
    with pytest.warns(UserWarning, match=message):
        proba = model.predict_proba(empty)
    assert_allclose(proba[1], [np.mean(y == c) for c in model.classes_])
    assert_allclose(proba[[0, 2]], model.predict_proba(X.iloc[[0, 2]]))
    with pytest.warns(UserWarning, match=r"\(row 5\) and get the training prior\."):
        model.predict_proba(empty.set_axis([9, 5, 7]))


def test_a_modality_without_training_rows_is_left_out():
    X, y = sample()
    X[[c for c in X if c.startswith("face")]] = np.nan
    with pytest.warns(UserWarning, match="modality 'face' is missing in every training row"):
        model = LateFusionClassifier().fit(X, y)
    assert model.modalities_ == ["audio", "text"]
    both = X.assign(face__0=1.0, face__1=1.0, face__2=1.0)
    assert_allclose(model.predict_proba(both), model.predict_proba(X))


def test_no_row_has_any_modality():
    X, y = sample()
    X.iloc[:, :-1] = np.nan
    with (
        pytest.warns(UserWarning, match="missing in every training row"),
        pytest.raises(
            ValueError, match="No base estimator could be fitted: none of the modalities"
        ),
    ):
        LateFusionClassifier().fit(X, y)


def test_a_modality_of_one_class_is_left_out():
    X, y = sample()
    X.loc[y != "sad", [c for c in X if c.startswith("text")]] = np.nan
    with pytest.warns(UserWarning, match=r"'text' is present in .* one class only \('sad'\)"):
        model = LateFusionClassifier().fit(X, y)
    assert list(model.estimators_) == ["audio", "face"]


@pytest.mark.parametrize("rule", ALL_RULES)
def test_classes_that_a_base_has_not_seen_are_aligned(rule):
    X, y = sample()
    X = with_groups(X)
    X.loc[y == "happy", [c for c in X if c.startswith("text")]] = np.nan
    model = LateFusionClassifier(rule=rule, random_state=0).fit(X, y)
    assert model.estimators_["text"].classes_.tolist() == ["angry", "sad"]
    proba = model.predict_proba(X)
    assert proba.shape == (len(X), 3)
    assert_allclose(proba.sum(axis=1), 1.0)
    if rule == "mean":
        blocks = {
            m: X.iloc[[0]][[c for c in X if c.startswith(m)]] for m in ("audio", "face", "text")
        }
        parts = {m: model.estimators_[m].predict_proba(block)[0] for m, block in blocks.items()}
        expected = (parts["audio"][1] + parts["face"][1] + 0.0) / 3
        assert proba[0, 1] == pytest.approx(expected)
        assert proba[0, 2] == pytest.approx(sum(part[-1] for part in parts.values()) / 3)


def test_context_columns_reach_bases_only_when_named():
    X, y = sample()
    model = LateFusionClassifier(Spy(), context=["speaker"]).fit(X, y)
    assert list(model.estimators_["text"].X_.columns) == ["text__0", "text__1", "speaker"]
    with pytest.raises(ValueError, match="context names 'session', but X has no such"):
        LateFusionClassifier(context=["session"]).fit(X, y)


def test_bases_may_be_pipelines_on_media_frames_and_numbers():
    rng = np.random.default_rng(0)
    y = np.tile(["calm", "loud"], 12)
    texts = ["no" if label == "calm" else "so many words here" for label in y]
    frames = [
        rng.normal(2.0 * (label == "loud"), 1, size=(3 + i % 4, 2)) for i, label in enumerate(y)
    ]
    X = pd.DataFrame({"text": texts, "face__smile": rng.normal(size=24) + (y == "loud")})
    X["audio__frames"] = object_column(frames, X.index)
    X["audio__seconds"] = object_column([np.ones(len(f)) for f in frames], X.index)
    X["speaker"] = np.repeat(list("abcdef"), 4)
    X.loc[3, "text"] = None
    X.loc[5, "audio__frames"] = None
    X.loc[7, "face__smile"] = np.nan
    model = LateFusionClassifier(
        [
            ("text", make_pipeline(LengthOfText(), LogisticRegression())),
            ("audio", make_pipeline(MeanOfFrames(), StandardScaler(), LogisticRegression())),
            ("face", LogisticRegression()),
        ]
    ).fit(X, y)
    assert model.modalities_ == ["text", "face", "audio"]
    assert model.estimators_["text"][0].columns_ == ["text"]
    assert model.estimators_["audio"][0].columns_ == ["audio__frames", "audio__seconds"]
    assert model.score(X, y) == 1.0
    silent = X.assign(text=np.nan)
    assert_allclose(model.predict_proba(silent).sum(axis=1), 1.0)
    order = rng.permutation(24)
    assert_allclose(model.predict_proba(X.iloc[order]), model.predict_proba(X)[order])
    scores = cross_validate(model, X, y, groups=X["speaker"], cv=GroupKFold(3), error_score="raise")
    assert scores["test_score"].mean() > 0.9


@pytest.mark.parametrize("rule", ["mean", "stacking"])
def test_the_checks_for_tables_of_frames(rule):
    rng = np.random.default_rng(0)
    X = pd.DataFrame(index=[f"row{i}" for i in range(12)])
    for name in ("audio", "face"):
        cells = [rng.normal(i % 2, 1, size=(2 + i % 3, 2)).astype("float32") for i in range(12)]
        X[f"{name}__frames"] = object_column(cells, X.index)
    y = np.array(["happy", "sad"] * 6)
    base = make_pipeline(StatisticsPooling(), LogisticRegression())
    model = LateFusionClassifier(base, rule=rule, cv=2, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotSpeakerIndependentWarning)
        check_cell_estimator(model, X, y)


def test_columns_may_stand_in_any_order():
    X, y = sample()
    order = np.random.default_rng(0).permutation(X.shape[1])
    expected = LateFusionClassifier().fit(X, y).predict_proba(X)
    mixed = X.iloc[:, order]
    assert_allclose(LateFusionClassifier().fit(mixed, y).predict_proba(mixed), expected, rtol=1e-4)


def test_a_notebook_shows_the_bases():
    model = LateFusionClassifier([("audio", SVC(C=0.25)), ("text", "drop")])
    assert "0.25" in model._repr_html_()
