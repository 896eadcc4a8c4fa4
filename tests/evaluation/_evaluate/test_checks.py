import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GroupKFold

from emoest.evaluation import evaluate
from emoest.evaluation._checks import check_groups, check_models, check_targets, describe_splitter
from tests.evaluation._evaluate.helpers import logistic


def test_bad_input_is_named(data):
    X, y, speakers = data

    def run(match, error=ValueError, model=None, X=X, y=y, groups=speakers, **options):
        with pytest.raises(error, match=match):
            evaluate(logistic() if model is None else model, X, y, groups=groups, **options)

    run("holds one class only, 'sad'", y=pd.Series("sad", index=X.index, name="emotion"))
    run(r"'emotion' is missing in 1 sample\(s\), at position 2", y=y.where(y.index != "clip2"))
    run("20 folds need at least 20 groups", cv=20)
    run("inconsistent numbers of samples", y=y.iloc[:-1])
    run("inconsistent numbers of samples", groups=speakers[:-1])
    gap = speakers.astype(object)
    gap[4] = None
    run(r"groups is missing in 1 row\(s\), at position 4", groups=gap)
    run("same index in different orders", y=y.iloc[::-1])
    run("y is continuous, but model 'LogisticRegression' is a classifier", y=X["text__a"])
    run("cannot be compared", model={"a": Ridge(), "b": logistic()}, y=y.eq("sad").astype(int))
    run("dict is empty", model={})
    pass_it = r"'LogisticRegression' is a class .*pass an instance, LogisticRegression\(\)"
    run(pass_it, error=TypeError, model=LogisticRegression)
    run("'m' has no fit and predict: 3", error=TypeError, model={"m": 3})
    run("passed as a dict", error=TypeError, model=[logistic(), logistic()])
    run("Several models have one name: '1'", model={1: logistic(), "1": logistic()})
    run("There are no samples", X=X[:0], y=y[:0], groups=speakers[:0])
    run(r"seeds=\[1099511627776\] must be .* 2\*\*32 - 1", seeds=[2**40])
    run("random_state=1099511627776 must lie", random_state=2**40)
    run("random_state=-1 must lie", random_state=-1)
    run("n_resamples must be at least 1", n_resamples=0)
    run("confidence must lie between", confidence=95)
    run("cv gives no folds", cv=[])
    run("test part of fold 1 of 1 is empty", cv=[(np.arange(5), np.arange(0))])


HINTS = {
    "speaker": (["split", "speaker"], "'speaker'"),
    "text__speaker": (["session", "text__speaker"], "'text__speaker'"),
    "session": (["fold", "session"], "'session'"),
    "none": (["split", "fold"], None),
}


@pytest.mark.parametrize(("columns", "named"), HINTS.values(), ids=HINTS)
def test_the_column_of_speakers_is_the_one_to_pass(columns, named):
    X = pd.DataFrame({name: ["a", "b"] for name in columns})
    with pytest.warns(UserWarning, match="No groups were found") as caught:
        check_groups(X, None)
    hint = str(caught[0].message).partition("group_column=.")[2]
    assert hint == (
        "" if named is None else f" X has the column {named}: pass group_column={named}."
    )


def test_a_model_is_named_by_its_last_step():
    assert list(check_models(logistic())) == ["LogisticRegression"]
    assert list(check_models({1: logistic()})) == ["1"]


class Plain(BaseEstimator):
    """Says of itself neither that it classifies nor that it rates."""


@pytest.mark.parametrize(
    ("y", "model", "task", "multilabel"),
    [
        ([1, 2, 3, 1], DummyClassifier(), "classification", False),
        ([1, 2, 3, 1], Ridge(), "regression", False),
        ([1, 2, 3, 1], Plain(), "classification", False),
        ([0.5, 1.2, 3.1, 2.2], Plain(), "regression", False),
        (pd.DataFrame({"a": [0, 1, 0, 1], "b": [1, 1, 0, 0]}), Plain(), "classification", True),
        (pd.DataFrame({"a": [0, 1, 0, 1], "b": [2, 1, 0, 0]}), Plain(), "classification", False),
        (pd.DataFrame({"a": ["x", "y", "x", "y"]}), Plain(), "classification", False),
    ],
)
def test_the_task_follows_the_model_then_the_target(y, model, task, multilabel):
    targets = check_targets(np.zeros((4, 1)), y, {"m": model})
    assert (targets.task, targets.multilabel) == (task, multilabel)


def test_a_splitter_is_described_in_one_line():
    assert describe_splitter(GroupKFold(3), 3).startswith("GroupKFold(n_splits=3")
    assert describe_splitter([(np.arange(2), np.arange(2, 4))], 1) == "1 splits given by hand"


@pytest.mark.parametrize(
    ("labels", "order"),
    [
        (["high", "low", "medium"], ["low", "medium", "high"]),
        (["Positive", "Negative", "Neutral"], ["Negative", "Neutral", "Positive"]),
        (["sad", "low", "happy"], ["happy", "low", "sad"]),
        (
            pd.Categorical(["b", "a", "c"], categories=["c", "b", "a"], ordered=True),
            ["c", "b", "a"],
        ),
    ],
)
def test_ordered_labels_stand_in_their_order(labels, order):
    y = pd.Series(labels).repeat(4)
    X, groups = np.zeros((12, 1)), np.tile(range(4), 3)
    result = evaluate(DummyClassifier(), X, y.reset_index(drop=True), groups=groups, cv=2)
    assert result.confusion().index.tolist() == order
    recalls = [c for c in result.table if c.startswith("recall_")]
    assert recalls == [f"recall_{name}" for name in order]
