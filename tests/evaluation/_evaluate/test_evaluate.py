import pickle
import warnings
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    PredefinedSplit,
    ShuffleSplit,
    StratifiedGroupKFold,
    cross_val_predict,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from emoest.evaluation import (
    EvaluationError,
    EvaluationInterrupted,
    evaluate,
    uar_interval,
    uar_score,
)
from emoest.utils import NotSpeakerIndependentWarning
from tests.evaluation._evaluate.helpers import N_EACH, N_SPEAKERS, logistic


def test_pooled_uar_and_interval_equal_cross_val_predict(data):
    X, y, speakers = data
    result = evaluate(logistic(), X, y, groups=speakers, random_state=1)
    cv = StratifiedGroupKFold(5, shuffle=True, random_state=1)
    expected = cross_val_predict(logistic(), X, y, groups=speakers, cv=cv)
    row = result.table.loc["LogisticRegression"]
    assert row["uar"] == uar_score(y, expected)
    assert (row["uar_low"], row["uar_high"]) == uar_interval(y, expected, speakers, random_state=1)
    assert row["wa"] == np.mean(y == expected)
    assert row["recall_happy"] == np.mean(expected[y == "happy"] == "happy")
    assert row["chance"] == 1 / 3
    assert (row["n"], row["n_groups"]) == (len(y), N_SPEAKERS)


def test_predictions_say_whose_row_they_are(data):
    X, y, speakers = data
    predictions = evaluate(logistic(), X, y, groups=speakers, random_state=0).predictions
    assert list(predictions) == [
        *("row", "position", "fold", "group", "y", "y_pred"),
        *("proba_angry", "proba_happy", "proba_sad"),
    ]
    where = predictions["position"].to_numpy()
    assert sorted(where) == list(range(len(y)))
    assert predictions["row"].tolist() == X.index[where].tolist()
    assert predictions["group"].tolist() == speakers[where].tolist()
    assert predictions["y"].tolist() == y.iloc[where].tolist()
    assert predictions["fold"].is_monotonic_increasing
    assert predictions["fold"].unique().tolist() == [1, 2, 3, 4, 5]
    assert predictions.groupby("group")["fold"].nunique().max() == 1
    proba = predictions.filter(like="proba_")
    np.testing.assert_allclose(proba.sum(axis=1), 1)
    best = proba.idxmax(axis=1).str.removeprefix("proba_")
    assert best.tolist() == predictions["y_pred"].tolist()


def test_fold_figures_are_of_single_folds(data):
    X, y, speakers = data
    result = evaluate(logistic(), X, y, groups=speakers, cv=4, random_state=0)
    by_fold = [uar_score(f["y"], f["y_pred"]) for _, f in result.predictions.groupby("fold")]
    np.testing.assert_allclose(result.folds["uar"], by_fold)
    assert result.table["fold_mean"].item() == pytest.approx(np.mean(by_fold))
    assert result.table["fold_std"].item() == pytest.approx(np.std(by_fold, ddof=1))
    assert result.folds["n"].sum() == len(y)


@pytest.mark.parametrize("model", [RandomForestClassifier(5), logistic()])
def test_any_n_jobs_gives_the_same_and_an_unseeded_model_is_seeded(data, model):
    X, y, speakers = data
    one, again, two = (
        evaluate(model, X, y, groups=speakers, cv=3, random_state=0, n_jobs=n) for n in (1, None, 2)
    )
    pd.testing.assert_frame_equal(one.predictions, again.predictions)
    pd.testing.assert_frame_equal(one.predictions, two.predictions)
    pd.testing.assert_frame_equal(one.table, two.table)


def test_a_drawn_seed_is_named_and_repeats_the_result(data):
    X, y, speakers = data
    model = RandomForestClassifier(5)
    first = evaluate(model, X, y, groups=speakers, cv=3)
    again = evaluate(model, X, y, groups=speakers, cv=3, random_state=first.protocol.seed)
    pd.testing.assert_frame_equal(first.predictions, again.predictions)
    assert f"seed                 {first.protocol.seed}" in first.summary()


def test_groups_are_found_by_the_resolver(data):
    X, y, speakers = data
    explicit = evaluate(logistic(), X, y, groups=speakers, random_state=0).predictions
    indexed = X.set_index(pd.Index(speakers, name="group"), append=True)
    by_index = evaluate(logistic(), indexed, y, random_state=0).predictions
    pd.testing.assert_frame_equal(explicit, by_index)
    table = X.assign(speaker=speakers)
    model = make_pipeline(Columns(list(X)), logistic())
    by_column = evaluate(model, table, y, group_column="speaker", random_state=0).predictions
    pd.testing.assert_frame_equal(explicit, by_column)
    with pytest.warns(NotSpeakerIndependentWarning, match="group_column='speaker'"):
        none = evaluate(model, table, y, random_state=0)
    assert not none.protocol.speaker_independent
    assert none.protocol.splitter.startswith("StratifiedKFold")
    assert "speaker-independent  no (no groups were known)" in none.summary()
    assert none.summary().startswith("UAR, NOT speaker-independent")


class Columns(TransformerMixin, BaseEstimator):
    def __init__(self, columns):
        self.columns = columns

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return X[self.columns]


class SeesGroups(ClassifierMixin, BaseEstimator):
    """Raises unless the training groups arrive where the design says they are."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        assert X.index.names[-1] == "group"
        self.train_groups_ = set(X.index.get_level_values("group"))
        return self

    def predict(self, X):
        assert not self.train_groups_ & set(X.index.get_level_values("group"))
        return np.repeat(self.classes_[0], len(X))


def test_models_find_the_groups_in_the_index(data):
    X, y, speakers = data
    result = evaluate(SeesGroups(), X, y, groups=speakers, random_state=0)
    assert result.table["uar"].item() == pytest.approx(1 / 3)


def test_an_inner_grid_is_split_by_group(data):
    X, y, speakers = data
    grid = GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}, cv=GroupKFold(2))
    model = make_pipeline(StandardScaler(), grid)
    result = evaluate(model, X.to_numpy(), y, groups=speakers, cv=3, random_state=0)
    assert result.table.index.tolist() == ["GridSearchCV"]


def test_several_models_share_folds_and_are_compared(data):
    X, y, speakers = data
    models = {"logistic": logistic(), "chance": DummyClassifier(strategy="prior")}
    result = evaluate(models, X, y, groups=speakers, random_state=0)
    assert result.table.index.tolist() == ["logistic", "chance"]
    assert result.predictions["model"].unique().tolist() == ["logistic", "chance"]
    folds = [f["position"].tolist() for _, f in result.predictions.groupby("model")]
    assert folds[0] == folds[1]
    alone = evaluate(logistic(), X, y, groups=speakers, random_state=0)
    assert alone.table.iloc[0].tolist() == result.table.loc["logistic"].tolist()
    row = result.comparison.iloc[0]
    gap = result.table["uar"]["logistic"] - result.table["uar"]["chance"]
    assert row["difference"] == pytest.approx(gap)
    assert row["low"] > 0
    assert row["p"] == row["p_holm"] < 0.05
    assert evaluate(logistic(), X, y, groups=speakers, cv=2).comparison.empty


def test_a_model_against_itself_shows_no_difference(data):
    X, y, speakers = data
    models = {"a": logistic(), "b": logistic(), "c": logistic()}
    comparison = evaluate(models, X, y, groups=speakers, cv=2, random_state=0).comparison
    assert comparison[["model_a", "model_b"]].to_numpy().tolist() == [
        ["a", "b"],
        ["a", "c"],
        ["b", "c"],
    ]
    assert comparison[["difference", "low", "high"]].eq(0).all(axis=None)
    assert comparison[["p", "p_holm"]].eq(1).all(axis=None)


def test_a_group_on_both_sides_raises_unless_allowed(data):
    X, y, speakers = data
    cv = KFold(4)
    with pytest.raises(ValueError, match=r"both the training and the test part of fold 1 of 4: 's"):
        evaluate(logistic(), X, y, groups=speakers, cv=cv)
    result = evaluate(logistic(), X, y, groups=speakers, cv=cv, allow_overlap=True, random_state=0)
    assert not result.protocol.speaker_independent
    assert set(result.protocol.shared) == set(speakers)
    assert "no (12 groups in both parts of a fold)" in result.summary()


class Frozen(TransformerMixin, BaseEstimator):
    def __init__(self, weights=None):
        self.weights = weights

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return X

    def __sklearn_is_fitted__(self):
        return True


def test_a_trunk_that_has_seen_a_test_speaker_raises(data):
    X, y, speakers = data
    trunk = FrozenEstimator(Frozen(SimpleNamespace(seen_groups_=["s03", "other"])))
    model = {"padi": make_pipeline(trunk, logistic())}
    with pytest.raises(
        ValueError, match=r"'padi': .*was trained on .*test part of fold \d.*: 's03'"
    ):
        evaluate(model, X, y, groups=speakers, random_state=0)
    allowed = evaluate(model, X, y, groups=speakers, allow_overlap=True, random_state=0)
    assert allowed.protocol.shared == ["s03"]
    trunk.estimator.weights.seen_groups_ = ["other"]
    assert evaluate(model, X, y, groups=speakers, random_state=0).protocol.speaker_independent


class Fails(ClassifierMixin, BaseEstimator):
    """Fails on the fold whose test part holds a speaker, that is, whose training part lacks it."""

    def __init__(self, without="s05", error=RuntimeError):
        self.without = without
        self.error = error

    def fit(self, X, y):
        if self.without not in set(X.index.get_level_values("group")):
            raise self.error("no frames left")
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return np.repeat(self.classes_[0], len(X))


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_failing_fold_keeps_the_folds_done(data, n_jobs):
    X, y, speakers = data
    models = {"good": SeesGroups(), "bad": Fails()}
    cv = GroupKFold(4)
    tested = [set(speakers[test]) for _, test in cv.split(X, y, speakers)]
    failing = 1 + ["s05" in names for names in tested].index(True)
    assert failing > 1
    with pytest.raises(EvaluationError, match="RuntimeError: no frames left") as caught:
        evaluate(models, X, y, groups=speakers, cv=cv, n_jobs=n_jobs, random_state=0)
    error = caught.value
    assert (error.model, error.fold) == ("bad", failing)
    assert f"Model 'bad' failed in fold {failing} of 4 (groups tested: 's" in str(error)
    assert "no frames left. The " in str(error)
    assert isinstance(error.__cause__, RuntimeError)
    assert error.partial.folds["model"].tolist() == ["good"] * 4 + ["bad"] * (failing - 1)
    assert error.partial.table["n"]["good"] == len(y)
    assert "folds                4" in error.partial.summary()
    assert len(error.partial.comparison) == 1
    assert "<h1" in error.partial.to_html()


def test_nothing_done_is_none(data):
    X, y, speakers = data
    always = Fails(without="nobody")
    with pytest.raises(EvaluationError) as caught:
        evaluate(always, X, y, groups=speakers, cv=2)
    assert caught.value.partial is None


def test_an_interrupt_keeps_the_folds_done(data):
    X, y, speakers = data
    model = Fails(error=KeyboardInterrupt)
    with pytest.raises(KeyboardInterrupt) as caught:
        evaluate(model, X, y, groups=speakers, cv=GroupKFold(4))
    assert isinstance(caught.value, EvaluationInterrupted)
    done = caught.value.partial.folds["fold"].tolist()
    assert done
    assert done == list(range(1, len(done) + 1))
    assert f"Interrupted after {len(done)} of 4 folds" in str(caught.value)


def test_splits_that_test_some_rows_once_twice_or_never(data):
    X, y, speakers = data
    part = np.where(np.isin(speakers, ["s00", "s01", "s02"]), 0, -1)
    result = evaluate(logistic(), X, y, groups=speakers, cv=PredefinedSplit(part))
    assert result.table["n"].item() == 3 * N_EACH
    assert f"samples tested       {3 * N_EACH} of {len(y)}" in result.summary()
    twice = list(GroupKFold(3).split(X, y, speakers)) * 2
    repeated = evaluate(logistic(), X, y, groups=speakers, cv=twice, random_state=0)
    assert repeated.table["n"].item() == 2 * len(y)
    assert repeated.protocol.splitter == "6 splits given by hand"
    once = evaluate(logistic(), X, y, groups=speakers, cv=GroupKFold(3), random_state=0)
    figures = ["uar", "uar_low", "uar_high"]
    np.testing.assert_allclose(repeated.table[figures], once.table[figures])


def test_random_splitters_are_asked_once(data):
    X, y, _ = data
    cv = ShuffleSplit(2, random_state=np.random.RandomState(0))
    with pytest.warns(NotSpeakerIndependentWarning):
        result = evaluate({"a": logistic(), "b": logistic()}, X, y, cv=cv)
    assert result.comparison["difference"].item() == 0


class Unspoken(DummyClassifier):
    _emoest_transductive = True


def test_transductive_steps_stand_in_the_header(data):
    X, y, speakers = data
    models = {"own": Unspoken(), "plain": DummyClassifier()}
    text = evaluate(models, X, y, groups=speakers, cv=2).summary()
    assert "transductive steps   Unspoken in own (statistics of test samples)" in text


def test_the_models_stay_unfitted_and_the_data_untouched(data):
    X, y, speakers = data
    before, model = X.copy(), LogisticRegression()
    evaluate(model, X, y, groups=speakers, cv=2)
    assert not hasattr(model, "coef_")
    pd.testing.assert_frame_equal(X, before)


def test_no_output_unless_verbose(data, capsys):
    X, y, speakers = data
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        evaluate(logistic(), X, y, groups=speakers, cv=2)
    assert capsys.readouterr() == ("", "")
    evaluate(logistic(), X, y, groups=speakers, cv=2, verbose=1)
    assert "folds" in capsys.readouterr().err


def test_results_pickle(data):
    X, y, speakers = data
    result = evaluate(logistic(), X, y, groups=speakers, cv=2, random_state=0)
    again = pickle.loads(pickle.dumps(result))
    assert again.summary() == result.summary()
