import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import (
    BaggingClassifier,
    BaggingRegressor,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    RandomForestClassifier,
    VotingClassifier,
)
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

from emoest.evaluation import predict_uncertainty
from emoest.neural import SequenceClassifier, SequenceRegressor

RNG = np.random.default_rng(0)
N = 60
Y = np.tile(["sad", "glad", "calm"], N // 3)
X = RNG.normal(size=(N, 4)) + (Y == "sad")[:, None] - 2 * (Y == "calm")[:, None]
V = X.sum(axis=1)
SMALL = {"max_epochs": 2, "random_state": 0, "validation_fraction": None}


def fitted(model, y=Y):
    return model.fit(X, y)


CLASSIFIERS = {
    "forest": lambda: fitted(RandomForestClassifier(10, random_state=0)),
    "bagging of columns": lambda: fitted(
        BaggingClassifier(GaussianNB(), max_features=2, random_state=0)
    ),
    "bagging without a class": lambda: fitted(
        BaggingClassifier(DecisionTreeClassifier(), max_samples=3, random_state=0)
    ),
    "voting": lambda: fitted(
        VotingClassifier([("a", GaussianNB()), ("b", LogisticRegression())], voting="soft")
    ),
    "pipeline": lambda: fitted(
        make_pipeline(StandardScaler(), RandomForestClassifier(5, random_state=0))
    ),
    "search": lambda: fitted(
        GridSearchCV(RandomForestClassifier(5, random_state=0), {"max_depth": [2]}, cv=2)
    ),
    "several models": lambda: [fitted(LogisticRegression()), fitted(GaussianNB())],
    "net": lambda: fitted(SequenceClassifier(dropout=0.3, **SMALL)),
}


@pytest.mark.parametrize("make", CLASSIFIERS.values(), ids=CLASSIFIERS)
def test_entropy_is_that_of_the_members_and_of_their_disagreement(make):
    index = pd.RangeIndex(100, 100 + N)
    model = make()
    frame = pd.DataFrame(X, index=index)
    table = predict_uncertainty(model, X, random_state=0)
    assert table.shape == (N, 5)
    assert (table["entropy"] <= 1 + 1e-9).all()
    assert (table[["proba", "entropy", "of_data", "of_model"]] >= 0).all(axis=None)
    np.testing.assert_allclose(table["entropy"], table["of_data"] + table["of_model"], atol=1e-6)
    assert set(table["label"]) <= set(Y)
    assert (table["label"] == Y).mean() > 0.5
    if not isinstance(model, list):
        again = predict_uncertainty(model, frame.to_numpy(), random_state=0)
        pd.testing.assert_frame_equal(table, again)


def test_the_mean_of_a_forest_is_its_own_prediction():
    forest = fitted(RandomForestClassifier(10, random_state=0))
    table = predict_uncertainty(forest, X)
    np.testing.assert_allclose(table["proba"], forest.predict_proba(X).max(axis=1))
    np.testing.assert_array_equal(table["label"], forest.predict(X))


def test_members_that_agree_or_contradict():
    sure = [fitted(GaussianNB()), fitted(GaussianNB())]
    assert predict_uncertainty(sure, X)["of_model"].max() < 1e-12
    far = np.array([[50.0] * 4])
    other = GaussianNB().fit(X, np.roll(Y, 1))
    opposed = predict_uncertainty([GaussianNB().fit(X, Y), other], far)
    assert opposed["of_model"].iloc[0] == pytest.approx(np.log(2) / np.log(3), abs=0.05)


REGRESSORS = {
    "trees": lambda: fitted(ExtraTreesRegressor(10, random_state=0), V),
    "bagging": lambda: fitted(BaggingRegressor(Ridge(), random_state=0), V),
    "several models": lambda: [fitted(Ridge(1.0), V), fitted(Ridge(50.0), V)],
    "net": lambda: fitted(SequenceRegressor(dropout=0.3, **SMALL), V),
}


@pytest.mark.parametrize("make", REGRESSORS.values(), ids=REGRESSORS)
def test_values_have_a_mean_and_a_deviation(make):
    table = predict_uncertainty(
        make(), pd.DataFrame(X, index=[f"s{i}" for i in range(N)]).to_numpy()
    )
    assert list(table) == ["mean", "std"]
    assert (table["std"] >= 0).all()
    assert table["std"].max() > 0


def test_a_net_is_left_as_it_was_and_the_generators_too():
    import torch

    net = fitted(SequenceClassifier(dropout=0.3, **SMALL))
    before, state = net.predict_proba(X), torch.get_rng_state()
    first = predict_uncertainty(net, X, n_samples=5, random_state=1)
    assert torch.equal(state, torch.get_rng_state())
    np.testing.assert_array_equal(net.predict_proba(X), before)
    pd.testing.assert_frame_equal(first, predict_uncertainty(net, X, n_samples=5, random_state=1))
    assert (first["of_model"] > 0).all()


def test_rows_keep_their_names():
    frame = pd.DataFrame(X, index=[f"s{i}" for i in range(N)])
    models = [LogisticRegression().fit(frame, Y), GaussianNB().fit(frame, Y)]
    assert predict_uncertainty(models, frame).index.equals(frame.index)


BAD = {
    "no ensemble": (lambda: fitted(LogisticRegression()), "has no members"),
    "boosting": (
        lambda: fitted(GradientBoostingClassifier(n_estimators=2, random_state=0)),
        "has no members",
    ),
    "no dropout": (lambda: fitted(SequenceClassifier(dropout=0.0, **SMALL)), "Nothing was dropped"),
    "one model": (lambda: [fitted(GaussianNB())], "at least two models"),
    "none": (list, "empty list"),
    "no probabilities": (lambda: [fitted(LinearSVC(random_state=0))] * 2, "gives no probabilities"),
    "two kinds": (lambda: [fitted(GaussianNB()), fitted(Ridge(), V)], "some are not"),
}


@pytest.mark.parametrize(("make", "message"), BAD.values(), ids=BAD)
def test_what_has_no_members_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        predict_uncertainty(make(), X, random_state=0)


def test_one_run_is_refused():
    with pytest.raises(ValueError, match="n_samples must be at least 2"):
        predict_uncertainty([fitted(GaussianNB())] * 2, X, n_samples=1)


@pytest.mark.parametrize(
    "model",
    [
        RandomForestClassifier(),
        make_pipeline(StandardScaler(), RandomForestClassifier()),
        [RandomForestClassifier(), RandomForestClassifier()],
        SequenceClassifier(),
    ],
    ids=["forest", "pipeline", "list", "net"],
)
def test_what_is_not_fitted_says_so(model):
    with pytest.raises(NotFittedError):
        predict_uncertainty(model, np.zeros((4, 2)))
