"""Several seeds: each run is the evaluation with that seed, scores are means over the runs."""

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold
from sklearn.tree import DecisionTreeClassifier

from emoest.evaluation import EvaluationError, evaluate

N = 60
SPEAKERS = np.repeat([f"s{i:02d}" for i in range(12)], 5)
MODELS = {"tree": DecisionTreeClassifier(max_features=1), "chance": DummyClassifier()}


def data():
    rng = np.random.default_rng(0)
    y = rng.choice(["sad", "glad"], N)
    return rng.normal(size=(N, 3)) + (y == "sad")[:, None], y


def run(model, **options):
    return evaluate(model, *data(), groups=SPEAKERS, n_resamples=200, cv=4, **options)


def test_each_run_is_the_evaluation_with_its_seed():
    several = run(MODELS, seeds=[5, 9])
    for seed in (5, 9):
        alone = run(MODELS, random_state=seed)
        rows = several.predictions[several.predictions["seed"] == seed].drop(columns="seed")
        pd.testing.assert_frame_equal(rows.reset_index(drop=True), alone.predictions)
        for name in MODELS:
            one = several.folds[(several.folds["seed"] == seed) & (several.folds["model"] == name)]
            mine = alone.folds[alone.folds["model"] == name]
            np.testing.assert_allclose(one["uar"], mine["uar"])


def test_scores_are_means_over_the_runs():
    several = run(MODELS, seeds=[5, 9])
    alone = [run(MODELS, random_state=seed).table for seed in (5, 9)]
    for column in ("uar", "wa", "f1_macro", "f1_weighted", "fold_mean"):
        mean = (alone[0][column] + alone[1][column]) / 2
        np.testing.assert_allclose(several.table[column], mean)
    deviation = np.std([table.loc["tree", "uar"] for table in alone], ddof=1)
    assert several.table.loc["tree", "seed_std"] == pytest.approx(deviation)
    row = several.comparison.iloc[0]
    apart = several.table["uar"].iloc[0] - several.table["uar"].iloc[1]
    assert row["difference"] == pytest.approx(apart)
    assert row["low"] <= apart <= row["high"]
    assert "runs" in several.summary()
    assert "2, with seeds 5, 9" in several.summary()
    assert "more than once" not in several.summary()


def test_equal_runs_have_the_interval_of_one():
    once, twice = (
        evaluate(
            LogisticRegression(),
            *data(),
            groups=SPEAKERS,
            cv=GroupKFold(4),
            n_resamples=200,
            **options,
        )
        for options in ({"random_state": 1}, {"seeds": [1, 2]})
    )
    for column in ("uar", "uar_low", "uar_high"):
        assert twice.table[column].iloc[0] == pytest.approx(once.table[column].iloc[0])
    assert twice.table["seed_std"].iloc[0] == 0


def test_a_number_of_runs_draws_the_seeds():
    first, second = (run(DummyClassifier(), seeds=3, random_state=0) for _ in range(2))
    assert len(set(first.protocol.seeds)) == 3
    assert first.predictions.equals(second.predictions)
    splits = run(DummyClassifier(), seeds=1, random_state=0).protocol.seeds
    assert len(splits) == 1


def test_a_failure_keeps_the_runs_done_before():
    with pytest.raises(EvaluationError, match="fold 2 of 4, seed 8") as caught:
        run(Fails(), seeds=[7, 8])
    partial = caught.value.partial
    assert partial.folds["seed"].tolist() == [7] * 4 + [8]
    assert np.isfinite(partial.table["uar_low"].iloc[0])


class Fails(DummyClassifier):
    counts = [0]

    def fit(self, X, y):
        self.counts[0] += 1
        if self.counts[0] == 6:
            raise RuntimeError("no more memory")
        return super().fit(X, y)


@pytest.mark.parametrize("seeds", [0, -1, True, "ab", [], [1, 1], [0.5], [[1, 2]]])
def test_seeds_that_are_none_are_refused(seeds):
    with pytest.raises(ValueError, match="must be a number of runs"):
        run(DummyClassifier(), seeds=seeds)
