import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression

from emoest.evaluation import uar_score
from emoest.systems._ablation import evaluate_variants, make_variants, variant_table
from emoest.systems._choices import check_choice

VARIANTS = [("logistic", 0.01), ("logistic", 1.0), ("dummy", 1.0)]


def make(kind, C, seed):
    if kind == "dummy":
        return DummyClassifier(strategy="uniform", random_state=seed)
    return LogisticRegression(C=C)


@pytest.fixture(scope="module")
def runs():
    rng = np.random.default_rng(0)
    y = np.tile(["sad", "happy"], 30)
    X = pd.DataFrame(rng.normal(size=(60, 2)) + (y == "sad")[:, None], columns=["a__0", "b__0"])
    models = make_variants(make, VARIANTS, [3, 4])
    groups = np.repeat(np.arange(10), 6)
    return evaluate_variants(models, X, y, groups=groups, cv=3, n_resamples=100, random_state=0)


def test_variants_and_seeds_see_the_same_folds(runs):
    assert len(runs) == 2
    folds = [
        rows.set_index("position")["fold"].sort_index()
        for run in runs
        for _, rows in run.predictions.groupby("model")
    ]
    assert len(folds) == 6
    assert all(each.equals(folds[0]) for each in folds)


def test_the_table_pools_the_seeds(runs):
    table = variant_table(runs, VARIANTS, ["kind", "C"])
    assert table.index.tolist() == VARIANTS
    assert table.index.names == ["kind", "C"]
    rows = pd.concat([run.select(str(("dummy", 1.0))) for run in runs])
    assert table.loc[("dummy", 1.0), "uar"] == pytest.approx(uar_score(rows["y"], rows["y_pred"]))
    by_seed = [run.table.loc[str(("dummy", 1.0)), "uar"] for run in runs]
    assert table.loc[("dummy", 1.0), "seed_std"] == pytest.approx(np.std(by_seed, ddof=1))
    gains = table["uar"] - table["uar"].iloc[-1]
    np.testing.assert_allclose(table["gain"].iloc[:2], gains.iloc[:2])
    assert (table["gain_low"].iloc[:2] <= table["gain"].iloc[:2]).all()
    assert np.isnan(table["gain"].iloc[-1])


def test_a_wrong_choice_or_no_seed_is_named():
    with pytest.raises(ValueError, match="seeds is empty"):
        make_variants(make, VARIANTS, [])
    with pytest.raises(ValueError, match="kind='c' is unknown; choose one of a, b"):
        check_choice("kind", "c", ("a", "b"))
