import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.naive_bayes import GaussianNB

from emoest.evaluation import evaluate, uar_interval, uar_score

N = 120
SPEAKERS = np.repeat([f"s{i:02d}" for i in range(12)], 10)
SEX = np.where(np.arange(N) < 60, "female", "male")


@pytest.fixture(scope="module")
def result():
    rng = np.random.default_rng(0)
    y = np.tile(["sad", "glad"], N // 2)
    X = rng.normal(size=(N, 2)) + 2 * ((y == "sad") & (SEX == "male"))[:, None]
    return evaluate(GaussianNB(), X, y, groups=SPEAKERS, cv=4, n_resamples=300, random_state=0)


def test_each_subgroup_has_its_score_and_the_worst_is_first(result):
    table = result.subgroups(SEX)
    assert table.index.tolist() == ["female", "male"]
    rows = result.predictions
    sex = SEX[rows["position"]]
    for name, row in table.iterrows():
        part = rows[sex == name]
        assert row["uar"] == pytest.approx(uar_score(part["y"], part["y_pred"]))
        low, high = uar_interval(
            part["y"],
            part["y_pred"],
            part["group"],
            n_resamples=300,
            random_state=result.protocol.seed,
        )
        assert (row["uar_low"], row["uar_high"]) == pytest.approx((low, high))
        assert (row["n"], row["n_groups"], row["few"]) == (60, 6, False)
    assert table["uar"].is_monotonic_increasing


def test_speakers_are_subgroups_too(result):
    table = result.subgroups("group")
    assert len(table) == 12
    assert table["few"].all()
    # One speaker alone has no interval.
    assert table["uar_low"].isna().all()
    assert len(result.subgroups("fold")) == 4


def test_small_and_unknown_subgroups_are_kept():
    y = np.tile(["sad", "glad"], N // 2)
    result = evaluate(DummyClassifier(), np.zeros((N, 1)), y, groups=SPEAKERS, cv=4, random_state=0)
    ages = np.array([20.0] * 118 + [np.nan, 70.0], dtype=object)
    table = result.subgroups(ages)
    assert table.loc[70.0, ["n", "n_classes", "few"]].tolist() == [1, 1, True]
    assert "not known" in table.index
    X = pd.DataFrame({"a": np.zeros(N)})
    several = evaluate(
        DummyRegressor(), X, np.linspace(0, 1, N), groups=SPEAKERS, cv=4, random_state=0
    )
    assert "ccc" in several.subgroups(SEX)


def test_seeds_count_as_runs():
    y = np.tile(["sad", "glad"], N // 2)
    result = evaluate(
        DummyClassifier(strategy="stratified"), np.zeros((N, 1)), y, groups=SPEAKERS, seeds=[0, 1]
    )
    assert result.subgroups(SEX)["n"].tolist() == [60, 60]
    few = np.where(np.arange(N) < 11, "a", "b")
    assert result.subgroups(few).loc["a", ["n", "few"]].tolist() == [11, True]
    rows = result.predictions.assign(sex=SEX[result.predictions["position"]])
    for sex, part in rows.groupby("sex"):
        scores = [uar_score(run["y"], run["y_pred"]) for _, run in part.groupby("seed")]
        assert result.subgroups(SEX).loc[sex, "uar"] == pytest.approx(np.mean(scores))


@pytest.mark.parametrize("by", ["sex", SEX[:5], [["a"]]])
def test_what_names_no_subgroups_is_refused(result, by):
    with pytest.raises(ValueError, match="by"):
        result.subgroups(by)


def test_a_series_belongs_to_its_samples(result):
    sex = pd.Series(SEX)
    assert result.subgroups(sex).equals(result.subgroups(SEX))
    # Another index says nothing of the order.
    assert result.subgroups(sex.set_axis(sex.index + 1000)).equals(result.subgroups(SEX))
    for call in (result.subgroups, lambda by: result.to_html(subgroups={"sex": by})):
        with pytest.raises(ValueError, match="index of the samples in another order"):
            call(sex.iloc[::-1])


def test_a_page_takes_kinds_with_their_values(result):
    with pytest.raises(TypeError, match=r"subgroups=\['sex'\] must be a dict or a DataFrame"):
        result.to_html(subgroups=["sex"])
