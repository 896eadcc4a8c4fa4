import pickle
import re
import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from sklearn import config_context
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin, clone
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier, VotingClassifier
from sklearn.linear_model import LogisticRegression, Perceptron
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_validate
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC

from emoest.aggregation import StatisticsPooling
from emoest.evaluation import evaluate, uar_scorer
from emoest.fusion import EarlyFusionClassifier, LateFusionClassifier
from emoest.tables.cells import object_column
from emoest.testing import check_cell_estimator
from emoest.utils import NotSpeakerIndependentWarning, with_groups

ALL_RULES = ["mean", "product", "log_pool", "max", "vote", "stacking"]


def sample(n_speakers=12, per_speaker=6, seed=0):
    """Three modalities that each tell something, three classes, holes of both kinds."""
    rng = np.random.default_rng(seed)
    n = n_speakers * per_speaker
    codes = np.arange(n) % 3
    y = np.array(["angry", "happy", "sad"])[codes]
    columns = {}
    for name, width, strength in [("audio", 4, 1.2), ("face", 3, 1.0), ("text", 2, 0.6)]:
        centers = strength * rng.normal(size=(3, width))
        block = centers[codes] + rng.normal(size=(n, width))
        columns |= {f"{name}__{i}": block[:, i] for i in range(width)}
    X = pd.DataFrame(columns, index=[f"clip{i}" for i in range(n)])
    X["speaker"] = np.repeat([f"s{i:02d}" for i in range(n_speakers)], per_speaker)
    return X, y


def with_holes(X):
    holed = X.copy()
    holed.loc[holed.index[2::7], [c for c in X if c.startswith("face")]] = np.nan
    holed.loc[holed.index[::5], "audio__1"] = np.nan
    return holed


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


class Spy(ClassifierMixin, BaseEstimator):
    """Remembers what it was fitted on."""

    def fit(self, X, y, sample_weight=None, groups=None):
        self.X_, self.y_, self.sample_weight_, self.groups_ = X, y, sample_weight, groups
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        return np.full((len(X), len(self.classes_)), 1 / len(self.classes_))

    def predict(self, X):
        return np.repeat(self.classes_[0], len(X))


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


def test_stacking_learns_from_out_of_fold_probabilities_of_other_speakers():
    X, y = sample(n_speakers=6)
    seen = []

    class Recorder(LogisticRegression):
        def fit(self, X, y, sample_weight=None):
            seen.append(X.index.get_level_values("group").unique().tolist())
            return super().fit(X, y, sample_weight)

    model = LateFusionClassifier(Recorder(), rule="stacking", cv=3, random_state=0)
    model.fit(with_groups(X), y)
    assert model.grouped_ is True
    fits = [set(speakers) for speakers in seen]
    assert sum(len(speakers) == 6 for speakers in fits) == 3
    parts = [speakers for speakers in fits if len(speakers) == 4]
    assert len(parts) == 9
    assert set.union(*parts) == set(X["speaker"])
    assert model.final_estimator_.n_features_in_ == 3 * 3 + 3


def test_stacking_trusts_out_of_fold_answers_not_memory():
    X, y = sample(n_speakers=20, seed=1)
    rng = np.random.default_rng(0)
    X[["text__0", "text__1"]] = rng.normal(size=(len(X), 2))
    bases = [
        ("audio", LogisticRegression()),
        ("face", "drop"),
        ("text", KNeighborsClassifier(1)),
    ]
    split = 60
    accuracy = {}
    for rule in ("mean", "stacking"):
        model = LateFusionClassifier(bases, rule=rule, random_state=0)
        model.fit(with_groups(X.iloc[:split]), y[:split])
        accuracy[rule] = model.score(with_groups(X.iloc[split:]), y[split:])
    assert accuracy["stacking"] > accuracy["mean"] + 0.1


class RecordingSplitter(GroupKFold):
    def split(self, X, y=None, groups=None):
        self.seen_ = list(groups)
        return super().split(X, y, groups)


@pytest.mark.parametrize("how", ["explicit", "column", "index"])
def test_groups_come_from_fit_then_column_then_index(how):
    X, y = sample()
    speakers, halves = X["speaker"].tolist(), (np.arange(len(X)) // 9).tolist()
    X = X.assign(session=halves).set_index(pd.Index(range(len(X)), name="group"), append=True)
    splitter = RecordingSplitter(4)
    model = LateFusionClassifier(rule="stacking", cv=splitter)
    if how == "explicit":
        model.set_params(group_column="speaker").fit(X, y, groups=halves)
        assert splitter.seen_ == halves
    elif how == "column":
        model.set_params(group_column="speaker").fit(X, y)
        assert splitter.seen_ == speakers
    else:
        model.fit(X, y)
        assert splitter.seen_ == list(range(len(X)))
    assert model.grouped_ is True


def test_without_groups_stacking_warns():
    X, y = sample()
    with pytest.warns(NotSpeakerIndependentWarning):
        model = LateFusionClassifier(rule="stacking").fit(X, y)
    assert model.grouped_ is False


def test_one_speaker_cannot_be_stacked():
    X, y = sample(n_speakers=1, per_speaker=12)
    with pytest.raises(ValueError, match="needs inner splits here, and none can be made of 12"):
        LateFusionClassifier(rule="stacking").fit(with_groups(X), y)


def test_sample_weight_reaches_pipelines_and_is_refused_by_name():
    X, y = sample()
    weight = np.linspace(0.5, 2, len(X))
    model = LateFusionClassifier(make_pipeline(StandardScaler(), Spy())).fit(X, y, weight)
    assert_allclose(model.estimators_["face"][-1].sample_weight_, weight)
    bases = [("audio", Spy()), ("face", KNeighborsClassifier()), ("text", Spy())]
    message = r"base estimator of modality 'face' \(KNeighborsClassifier\) takes none"
    with pytest.raises(ValueError, match=message):
        LateFusionClassifier(bases).fit(X, y, weight)
    LateFusionClassifier(bases).fit(X, y)


def test_negative_weights_are_refused():
    X, y = sample()
    with pytest.raises(ValueError, match="Negative values in data passed to `sample_weight`"):
        LateFusionClassifier().fit(X, y, sample_weight=-np.ones(len(X)))


def test_final_estimator_without_weights_is_named():
    X, y = sample()
    model = LateFusionClassifier(rule="stacking", final_estimator=KNeighborsClassifier())
    with pytest.raises(ValueError, match=r"final_estimator \(KNeighborsClassifier\) takes none"):
        model.fit(with_groups(X), y, sample_weight=np.ones(len(X)))


@pytest.mark.parametrize("how", ["explicit", "column", "index"])
def test_groups_go_on_to_bases_that_take_them(how):
    X, y = sample()
    X = with_holes(X)
    speakers, present = X["speaker"].to_numpy(), X["face__0"].notna().to_numpy()
    model = LateFusionClassifier(Spy(), group_column="speaker" if how == "column" else None)
    rows = with_groups(X) if how == "index" else X
    model.fit(rows, y, groups=speakers if how == "explicit" else None)
    assert model.estimators_["face"].groups_.tolist() == speakers[present].tolist()


def test_a_base_that_searches_keeps_the_speakers_of_the_index_apart():
    X, y = sample()
    base = GridSearchCV(
        LogisticRegression(), {"C": [0.1, 1.0]}, scoring=uar_scorer, cv=GroupKFold(3)
    )
    model = LateFusionClassifier(base, rule="stacking", cv=GroupKFold(3), random_state=0)
    rows = with_groups(with_holes(X))
    found = model.fit(rows, y).estimators_["face"].cv_results_
    present = with_holes(X)["face__0"].notna()
    face = X.loc[present, [c for c in X if c.startswith("face")]]
    by_hand = clone(base).fit(face, y[present], groups=X.loc[present, "speaker"])
    assert_allclose(found["mean_test_score"], by_hand.cv_results_["mean_test_score"])
    with pytest.raises(ValueError, match="'groups' parameter") as caught:
        LateFusionClassifier(base).fit(X, y)
    assert caught.value.__notes__ == [
        "This happened while fitting the base estimator of modality 'audio'."
    ]


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
