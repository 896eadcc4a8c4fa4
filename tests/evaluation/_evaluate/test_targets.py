import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GroupKFold, cross_val_predict
from sklearn.multioutput import MultiOutputClassifier
from sklearn.svm import LinearSVC

from emoest.evaluation import ccc_score, evaluate, macro_f1_score, uar_score
from tests.evaluation._evaluate.helpers import logistic


def test_several_targets_get_a_row_each(data):
    X, y, speakers = data
    Y = pd.DataFrame({"emotion": y, "arousal": np.where(y == "sad", "low", "high")}, index=X.index)
    model = MultiOutputClassifier(LogisticRegression())
    result = evaluate(model, X, Y, groups=speakers, random_state=0)
    assert result.protocol.splitter.startswith("GroupKFold")
    assert result.table.index.tolist() == [
        ("MultiOutputClassifier", "emotion"),
        ("MultiOutputClassifier", "arousal"),
    ]
    cv = GroupKFold(5, shuffle=True, random_state=0)
    for k, target in enumerate(Y):
        expected = cross_val_predict(model, X, Y, groups=speakers, cv=cv)[:, k]
        row = result.table.loc[("MultiOutputClassifier", target)]
        assert row["uar"] == pytest.approx(uar_score(Y[target].to_numpy(), expected))
    assert result.table["chance"].tolist() == [1 / 3, 1 / 2]
    assert result.confusion(target="arousal").index.tolist() == ["low", "high"]
    part = result.select(target="arousal")
    assert part["proba_high"].notna().all()
    assert part["proba_sad"].isna().all()
    with pytest.raises(ValueError, match="There are several targets"):
        result.confusion()
    assert "arousal" in result.to_html()


def test_multilabel_is_scored_by_label(data):
    X, y, speakers = data
    Y = pd.get_dummies(y).astype(int)
    model = MultiOutputClassifier(LogisticRegression())
    result = evaluate(model, X, Y, groups=speakers, random_state=0)
    wide = result.predictions.pivot(index="position", columns="target", values=["y", "y_pred"])
    true, pred = wide["y"].astype(int), wide["y_pred"].astype(int)
    for label in Y:
        row = result.table.loc[("MultiOutputClassifier", label)]
        assert row["uar"] == uar_score(true[label], pred[label])
    expected = macro_f1_score(true, pred)
    assert result.table["f1"].mean() == pytest.approx(expected)
    assert f"macro-F1 of MultiOutputClassifier: {expected:.3f}" in result.summary()


def test_ratings_are_judged_by_ccc(data):
    X, _, speakers = data
    y = X.sum(axis=1) + np.random.default_rng(1).normal(size=len(X))
    result = evaluate(
        {"ridge": Ridge(), "strong": Ridge(1e4)}, X, y, groups=speakers, random_state=0
    )
    expected = cross_val_predict(
        Ridge(), X, y, groups=speakers, cv=GroupKFold(5, shuffle=True, random_state=0)
    )
    row = result.table.loc["ridge"]
    assert row["ccc"] == pytest.approx(ccc_score(y, expected))
    assert row["mae"] == pytest.approx(np.abs(y - expected).mean())
    assert row["ccc_low"] < row["ccc"] < row["ccc_high"]
    assert result.comparison["low"].item() > 0
    assert result.summary().startswith("CCC, speaker-independent")
    assert 'class="chart"' in result.to_html()
    assert "By speaker" in result.to_html()
    with pytest.raises(ValueError, match="no confusion matrix"):
        result.confusion("ridge")


def test_a_class_missing_in_training_has_probability_zero():
    X = np.arange(8.0)[:, None]
    y = np.array(["a", "b", "a", "b", "a", "c", "a", "c"])
    groups = np.array([1, 1, 1, 1, 2, 2, 2, 2])
    result = evaluate(LogisticRegression(), X, y, groups=groups, cv=GroupKFold(2))
    tested = result.predictions.set_index("position")
    assert (tested.loc[[0, 1, 2, 3], "proba_b"] == 0).all()
    assert tested.filter(like="proba_").notna().all(axis=None)
    assert result.table["recall_b"].item() == 0


def test_probabilities_are_optional(data):
    X, y, speakers = data
    for model, proba in ((LinearSVC(), True), (logistic(), False)):
        result = evaluate(model, X, y, groups=speakers, cv=2, proba=proba)
        assert result.predictions.columns[-1] == "y_pred"


@pytest.mark.parametrize("kind", [list, np.asarray, pd.Categorical])
def test_labels_of_any_container(data, kind):
    X, y, speakers = data
    result = evaluate(logistic(), X.to_numpy(), kind(y), groups=list(speakers), random_state=0)
    same = evaluate(logistic(), X, y, groups=speakers, random_state=0)
    assert result.table["uar"].item() == same.table["uar"].item()
    assert result.predictions["row"].tolist() == result.predictions["position"].tolist()


def test_integer_and_boolean_labels(data):
    X, y, speakers = data
    for labels in (y.eq("sad"), y.eq("sad").astype(int)):
        result = evaluate(logistic(), X, labels, groups=speakers, random_state=0)
        assert result.confusion().to_numpy().sum() == len(y)
        assert 0.5 < result.table["uar"].item() < 1
