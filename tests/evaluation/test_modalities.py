import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import NotFittedError
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GroupKFold
from sklearn.pipeline import make_pipeline

from emoest.evaluation import (
    ablation_table,
    evaluate,
    modality_importance,
    modality_shapley,
    uar_score,
)
from emoest.evaluation._subsets import shapley_weights
from emoest.fusion import EarlyFusionClassifier, LateFusionClassifier
from emoest.tables.cells import object_column
from emoest.utils import with_groups


def tolerant():
    return make_pipeline(SimpleImputer(keep_empty_features=True), LogisticRegression())


def sample(n_speakers=10, per_speaker=6, seed=0):
    """Audio tells the emotion, the face tells it less, the text is noise."""
    rng = np.random.default_rng(seed)
    n = n_speakers * per_speaker
    y = np.array(["happy", "sad"])[np.arange(n) % 2]
    sign = np.where(y == "sad", 1.0, -1.0)
    X = pd.DataFrame(
        {
            "audio__0": 2.0 * sign + rng.normal(size=n),
            "audio__1": rng.normal(size=n),
            "face__0": 0.6 * sign + rng.normal(size=n),
            "text__0": rng.normal(size=n),
        }
    )
    X["speaker"] = np.repeat([f"s{i}" for i in range(n_speakers)], per_speaker)
    return X.drop(columns="speaker"), y, X["speaker"].to_numpy()


class FirstWordRule(ClassifierMixin, BaseEstimator):
    """Needs audio and text to agree; knows no numbers."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        loud = np.array([np.mean(cell) > 0 for cell in X["audio__frames"]])
        return np.where(loud, "sad", "happy")


def test_importance_is_the_loss_when_rows_of_a_block_are_shuffled():
    X, y, _ = sample()
    model = LogisticRegression().fit(X, y)
    table = modality_importance(model, X, y, n_repeats=20, random_state=0)
    assert list(table.index) == ["audio", "face", "text"]
    assert table.loc["audio", "importance"] > 0.3
    assert table.loc["audio", "importance"] > 3 * table.loc["face", "importance"]
    assert abs(table.loc["text", "importance"]) < 0.05
    assert_allclose(table["score"], uar_score(y, model.predict(X)))
    again = modality_importance(model, X, y, n_repeats=20, random_state=0)
    pd.testing.assert_frame_equal(table, again)


def test_the_spread_of_importance_is_that_of_the_shuffles():
    X, y, _ = sample()
    model = LogisticRegression().fit(X, y)
    one, two = (
        modality_importance(model, X, y, n_repeats=n, random_state=1).loc["audio"] for n in (1, 2)
    )
    second = 2 * two["importance"] - one["importance"]
    assert second != one["importance"]
    assert_allclose(two["std"], abs(second - one["importance"]) / np.sqrt(2))
    assert np.isnan(one["std"])


def test_columns_of_a_modality_move_together():
    """Only the product of the two columns tells; shuffled alone they would lose it."""

    class Product(ClassifierMixin, BaseEstimator):
        def fit(self, X, y):
            self.classes_ = np.unique(y)
            return self

        def predict(self, X):
            assert (X["audio__0"] * X["audio__1"]).isin([1.0, -1.0]).all()
            assert sorted(zip(X["audio__0"], X["audio__1"], strict=True)) == pairs
            return np.where(X["text__0"] > 0, 1, 0)

    rng = np.random.default_rng(0)
    first = rng.choice([-2.0, 2.0], size=40)
    second = np.where(rng.random(40) < 0.2, -1, 1) / first
    pairs = sorted(zip(first, second, strict=True))
    X = pd.DataFrame({"audio__0": first, "audio__1": second, "text__0": rng.normal(size=40)})
    y = (X["text__0"] > 0).astype(int)
    table = modality_importance(Product().fit(X, y), X, y, random_state=0)
    assert table.loc["audio", "importance"] == 0
    assert table.loc["text", "importance"] > 0.3


def test_within_groups_leaves_what_tells_the_speaker():
    speakers = np.repeat(np.arange(8), 5)
    y = speakers % 2
    X = pd.DataFrame({"audio__0": y + 0.0, "text__0": np.zeros(40)})
    model = LogisticRegression().fit(X, y)
    free = modality_importance(model, X, y, random_state=0)
    tied = modality_importance(
        model, X, y, permute="within_groups", groups=speakers, random_state=0
    )
    assert free.loc["audio", "importance"] > 0.3
    assert tied.loc["audio", "importance"] == 0
    level = with_groups(X.assign(speaker=speakers)).drop(columns="speaker")
    pd.testing.assert_frame_equal(
        modality_importance(model, level, y, permute="within_groups", random_state=0), tied
    )


def test_importance_of_arrays_media_and_regressors():
    X, y, _ = sample()
    values = X.to_numpy()
    model = LogisticRegression().fit(values, y)
    blocks = {"audio": slice(0, 2), "rest": [2, 3]}
    table = modality_importance(model, values, y, modalities=blocks, random_state=0)
    assert table.loc["audio", "importance"] > 0.3
    frames = [np.full((2, 1), 1.0 if label == "sad" else -1.0) for label in y]
    media = pd.DataFrame({"text": ["word"] * len(y)})
    media["audio__frames"] = object_column(frames, media.index)
    table = modality_importance(FirstWordRule().fit(media, y), media, y, random_state=0)
    assert table.loc["text", "importance"] == 0
    assert table.loc["audio", "importance"] > 0.3
    target = X["audio__0"] * 2
    table = modality_importance(Ridge().fit(X, target), X, target, random_state=0)
    assert table.loc["audio", "score"] == pytest.approx(1.0, abs=0.01)
    assert table.loc["audio", "importance"] > 0.8


def test_importance_refuses_what_it_cannot_do():
    X, y, _ = sample()
    with pytest.raises(NotFittedError):
        modality_importance(LogisticRegression(), X, y)
    model = LogisticRegression().fit(X, y)
    with pytest.raises(ValueError, match="n_repeats must be at least 1"):
        modality_importance(model, X, y, n_repeats=0)
    with pytest.raises(ValueError, match="'all' or 'within_groups', got 'across'"):
        modality_importance(model, X, y, permute="across")
    with pytest.raises(ValueError, match="permute='within_groups' needs groups"):
        modality_importance(model, X, y, permute="within_groups")


def test_the_ablation_table_is_an_evaluation_of_every_subset():
    X, y, speakers = sample()
    settings = {"groups": speakers, "cv": GroupKFold(5), "random_state": 0}
    table = ablation_table(tolerant(), X, y, **settings)
    assert list(table.index) == [
        "audio",
        "face",
        "text",
        "audio+face",
        "audio+text",
        "face+text",
        "audio+face+text",
    ]
    assert table["n_modalities"].tolist() == [1, 1, 1, 2, 2, 2, 3]
    for names, columns in (
        ("audio", ["audio__0", "audio__1"]),
        ("face+text", ["face__0", "text__0"]),
        ("audio+face+text", list(X)),
    ):
        alone = evaluate(tolerant(), X[columns], y, **settings).table.iloc[0]
        row = table.loc[names]
        assert row["uar"] == pytest.approx(alone["uar"])
        assert row["low"] == pytest.approx(alone["uar_low"])
        assert row["high"] == pytest.approx(alone["uar_high"])
    assert table.loc["audio", "uar"] > table.loc["face", "uar"] > 0.6
    assert 0.3 < table.loc["text", "uar"] < 0.7
    assert_allclose(table["difference"], table["uar"] - table["uar"].iloc[-1])
    assert table.loc["text", "difference_high"] < 0
    assert table.iloc[-1][["difference", "difference_low", "difference_high"]].tolist() == [0, 0, 0]


def test_dropping_and_blanking_agree_where_both_work():
    X, y, speakers = sample()
    settings = {"groups": speakers, "cv": 3, "random_state": 0}
    blanked = ablation_table(tolerant(), X, y, **settings)
    dropped = ablation_table(LogisticRegression(), X, y, absent="drop", **settings)
    pd.testing.assert_frame_equal(blanked, dropped)


@pytest.mark.parametrize("value", ["retrain", "predict"])
def test_fusion_takes_missing_modalities_without_a_word(value):
    X, y, speakers = sample()
    learners = [(name, LogisticRegression()) for name in ("audio", "face", "text")]
    models = [LateFusionClassifier(learners, rule="product"), EarlyFusionClassifier()]
    for model in models:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            values = modality_shapley(
                model, X, y, groups=speakers, cv=3, value=value, random_state=0
            )
        assert values["shapley"].idxmax() == "audio"
        assert values["shapley"].abs().idxmin() == "text"


def test_shapley_values_share_out_what_is_above_chance():
    X, y, speakers = sample()
    settings = {"groups": speakers, "cv": 5, "random_state": 0}
    table = ablation_table(tolerant(), X, y, **settings)["uar"]
    values = modality_shapley(tolerant(), X, y, **settings)
    assert values["shapley"].sum() == pytest.approx(table["audio+face+text"] - 0.5)
    audio = (
        (table["audio"] - 0.5) / 3
        + (table["audio+face"] - table["face"]) / 6
        + (table["audio+text"] - table["text"]) / 6
        + (table["audio+face+text"] - table["face+text"]) / 3
    )
    assert values.loc["audio", "shapley"] == pytest.approx(audio)
    assert values.loc["audio", "alone"] == pytest.approx(table["audio"] - 0.5)
    last = table["audio+face+text"] - table["audio+face"]
    assert values.loc["text", "last"] == pytest.approx(last)
    assert (values["low"] < values["shapley"]).all()
    assert (values["high"] > values["shapley"]).all()
    assert values.loc["audio", "low"] > values.loc["text", "high"]


def test_predict_takes_modalities_away_from_one_model_a_fold():
    X, y, speakers = sample()
    fits = []

    class Counting(LogisticRegression):
        def fit(self, X, y, sample_weight=None):
            fits.append(np.isnan(X).any())
            return super().fit(X, y, sample_weight)

    model = make_pipeline(SimpleImputer(), Counting())
    splits = list(GroupKFold(3).split(X, y, speakers))
    values = modality_shapley(model, X, y, value="predict", groups=speakers, cv=splits)
    assert len(fits) == 3
    correct = {}
    for names in (["audio"], ["audio", "face", "text"]):
        hits = []
        for train, test in splits:
            fitted = make_pipeline(SimpleImputer(), LogisticRegression())
            fitted.fit(X.iloc[train], y[train])
            blank = X.iloc[test].copy()
            blank.loc[:, [c for c in X if c.split("__")[0] not in names]] = np.nan
            hits.append(pd.Series(fitted.predict(blank), index=test))
        predicted = pd.concat(hits).sort_index()
        correct["+".join(names)] = uar_score(y, predicted)
    assert values["shapley"].sum() == pytest.approx(correct["audio+face+text"] - 0.5)
    assert values.loc["audio", "alone"] == pytest.approx(correct["audio"] - 0.5)


def test_weights_of_shapley_values_are_those_of_all_orders():
    from itertools import combinations, permutations

    names = ["a", "b", "c", "d"]
    subsets = [s for size in range(1, 5) for s in combinations(names, size)]
    worth = dict(zip(subsets, np.random.default_rng(0).random(15), strict=True)) | {(): 0.0}
    gains = dict.fromkeys(names, 0.0)
    for order in permutations(names):
        for i, name in enumerate(order):
            before = tuple(sorted(order[:i]))
            gains[name] += worth[tuple(sorted((*before, name)))] - worth[before]
    values = shapley_weights(names, subsets) @ [worth[s] for s in subsets]
    assert_allclose(values, [gains[name] / 24 for name in names])


def test_ratings_are_judged_by_ccc():
    X, _, speakers = sample()
    y = X["audio__0"].to_numpy()
    model = make_pipeline(SimpleImputer(keep_empty_features=True), Ridge())
    table = ablation_table(model, X, y, groups=speakers, cv=3, random_state=0)
    assert table.loc["audio", "ccc"] > 0.95
    for value in ("retrain", "predict"):
        values = modality_shapley(model, X, y, groups=speakers, cv=3, random_state=0, value=value)
        assert values["shapley"].sum() == pytest.approx(table["ccc"].iloc[-1], abs=1e-9)


@pytest.mark.parametrize("function", [ablation_table, modality_shapley])
def test_too_many_modalities_and_two_targets_are_refused(function):
    X, y, speakers = sample()
    many = pd.DataFrame({f"m{i}__0": np.zeros(len(y)) for i in range(11)})
    with pytest.raises(ValueError, match="X has 11 modalities; all subsets are tried for at most"):
        function(tolerant(), many, y, groups=speakers)
    with pytest.raises(ValueError, match="One target at a time"):
        function(tolerant(), X, pd.DataFrame({"a": y, "b": y}), groups=speakers)


def test_values_that_do_not_exist_are_refused():
    X, y, speakers = sample()
    with pytest.raises(ValueError, match="'retrain' or 'predict', got 'loo'"):
        modality_shapley(tolerant(), X, y, groups=speakers, value="loo")
    with pytest.raises(ValueError, match="by absent='missing' only"):
        modality_shapley(tolerant(), X, y, groups=speakers, value="predict", absent="drop")
    for function in (ablation_table, modality_shapley):
        with pytest.raises(ValueError, match="absent must be 'missing' or 'drop', got 'dropped'"):
            function(tolerant(), X, y, groups=speakers, absent="dropped")


def test_splits_given_once_serve_every_subset():
    X, y, speakers = sample()
    table = ablation_table(
        tolerant(), X, y, groups=speakers, cv=GroupKFold(3).split(X, y, speakers), random_state=0
    )
    listed = list(GroupKFold(3).split(X, y, speakers))
    again = ablation_table(tolerant(), X, y, groups=speakers, cv=listed, random_state=0)
    pd.testing.assert_frame_equal(table, again)
