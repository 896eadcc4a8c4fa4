import pickle

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

import emoest
from emoest.multioutput import MultiTarget
from emoest.tables.groups import resolve_groups, with_groups


def test_it_can_be_imported_from_datasets_too():
    assert emoest.datasets.MultiTarget is emoest.multioutput.MultiTarget is MultiTarget
    assert "MultiTarget" not in emoest.datasets.__all__, "a class is listed by one room only"


class Spy(ClassifierMixin, BaseEstimator):
    """Remembers the groups that it finds, as estimators of emoest do."""

    def fit(self, X, y, groups=None):
        self.explicit_ = groups
        self.found_ = resolve_groups(X, groups)
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return np.repeat(self.classes_[:1], len(X))


class Quiet(Spy):
    """Takes no groups; finds them in the index."""

    def fit(self, X, y):
        return super().fit(X, y)


@pytest.fixture
def data():
    generator = np.random.RandomState(0)
    X = pd.DataFrame(
        generator.standard_normal((30, 3)),
        columns=["a", "b", "c"],
        index=[f"row{i}" for i in range(30)],
    )
    y = pd.DataFrame(
        {"valence": np.where(X["a"] > 0, "high", "low"), "arousal": np.where(X["b"] > 0, 2, 1)},
        index=X.index,
    )
    return X, y


def test_one_model_a_target(data):
    X, y = data
    model = MultiTarget(make_pipeline(StandardScaler(), LogisticRegression())).fit(X, y)
    order = [7, 3, 29, 0]
    predicted = model.predict(X.iloc[order])
    assert list(predicted.columns) == ["valence", "arousal"]
    assert predicted.index.tolist() == X.index[order].tolist()
    for target in y:
        alone = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y[target])
        np.testing.assert_array_equal(predicted[target], alone.predict(X.iloc[order]))
        probabilities = model.predict_proba(X)[target]
        np.testing.assert_allclose(probabilities, alone.predict_proba(X))
        np.testing.assert_array_equal(model.classes_[target], alone.classes_)
    alone = [LogisticRegression().fit(X, y[t]).score(X, y[t]) for t in y]
    plain = MultiTarget(LogisticRegression()).fit(X, y)
    assert plain.score(X, y) == pytest.approx(np.mean(alone))
    assert plain.score(X, y[["arousal", "valence"]]) == pytest.approx(np.mean(alone))
    assert model.n_features_in_ == 3
    assert model.feature_names_in_.tolist() == ["a", "b", "c"]


def test_score_misses_a_target(data):
    X, y = data
    model = MultiTarget(LogisticRegression()).fit(X, y)
    with pytest.raises(ValueError, match="no target 'arousal'"):
        model.score(X, y[["valence"]])


def test_the_given_estimator_stays_unfitted(data):
    X, y = data
    inner = LogisticRegression()
    MultiTarget(inner).fit(X, y)
    assert not hasattr(inner, "coef_")


def test_one_target_is_refused_kindly(data):
    X, y = data
    with pytest.raises(ValueError, match=r"of shape \(30,\).*use the estimator itself.*target=\["):
        MultiTarget(LogisticRegression()).fit(X, y["valence"])
    with pytest.raises(ValueError, match="y is None"):
        MultiTarget(LogisticRegression()).fit(X, None)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        MultiTarget(LogisticRegression()).fit(X, y.iloc[:-1])


def test_groups_reach_every_kind_of_estimator(data):
    X, y = data
    groups = np.repeat(["s1", "s2", "s3"], 10)
    for inner in (Spy(), Quiet(), make_pipeline(StandardScaler(), Quiet())):
        if hasattr(inner, "set_output"):
            inner.set_output(transform="pandas")
        model = MultiTarget(inner).fit(X, y, groups=groups)
        for fitted in model.estimators_.values():
            last = fitted[-1] if hasattr(fitted, "steps") else fitted
            np.testing.assert_array_equal(last.found_, groups)
    spies = MultiTarget(make_pipeline(StandardScaler(), Spy())).fit(X.to_numpy(), y, groups=groups)
    np.testing.assert_array_equal(spies.estimators_["valence"][-1].explicit_, groups)
    other = with_groups(X.assign(speaker="old"), "speaker").drop(columns="speaker")
    model = MultiTarget(Quiet()).fit(other, y, groups=groups)
    np.testing.assert_array_equal(model.estimators_["arousal"].found_, groups)
    assert MultiTarget(Spy()).fit(X, y).estimators_["valence"].found_ is None


def test_groups_of_a_search(data):
    X, y = data
    groups = np.repeat(np.arange(6), 5)
    search = GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}, cv=GroupKFold(3))
    model = MultiTarget(search).fit(X, y, groups=groups)
    assert model.estimators_["valence"].best_params_["C"] in {0.1, 1.0}


def test_routing_switched_on(data):
    X, y = data
    groups = np.repeat(["s1", "s2", "s3"], 10)
    with sklearn.config_context(enable_metadata_routing=True):
        model = MultiTarget(Quiet()).fit(X, y, groups=groups)
    np.testing.assert_array_equal(model.estimators_["valence"].found_, groups)


def test_sample_weight(data):
    X, y = data
    weight = np.random.RandomState(1).uniform(size=len(X))
    model = MultiTarget(LogisticRegression()).fit(X, y, sample_weight=weight)
    alone = LogisticRegression().fit(X, y["valence"], sample_weight=weight)
    np.testing.assert_allclose(model.estimators_["valence"].coef_, alone.coef_)
    with pytest.raises(ValueError, match="the estimator \\(KNeighborsClassifier\\) takes none"):
        MultiTarget(KNeighborsClassifier()).fit(X, y, sample_weight=weight)


def test_arrays(data):
    X, y = data
    model = MultiTarget(LogisticRegression()).fit(X.to_numpy(), y.to_numpy())
    predicted = model.predict(X.to_numpy())
    assert list(predicted.columns) == [0, 1]
    assert predicted.index.equals(pd.RangeIndex(30))


def test_conventions(data):
    X, y = data
    model = MultiTarget(LinearSVC(random_state=0))
    assert not hasattr(model, "predict_proba")
    assert model.get_params()["estimator__C"] == 1.0
    assert clone(model).set_params(estimator__C=0.5).estimator.C == 0.5
    fitted = pickle.loads(pickle.dumps(model.fit(X, y)))
    assert fitted.predict(X).equals(model.predict(X))
    assert MultiTarget(LinearRegression()).fit(X, X[["a", "b"]]).score(X, X[["a", "b"]]) > 0.99
    scores = cross_val_score(model, X, y, cv=GroupKFold(3), groups=np.repeat(np.arange(6), 5))
    assert (scores > 0.6).all()
    assert sklearn.base.is_classifier(model)
    two = MultiTarget(LinearSVC(random_state=0), n_jobs=2).fit(X, y)
    assert two.predict(X).equals(model.predict(X))


def test_tables_of_media_pass_through():
    X = pd.DataFrame({"text": ["a", None], "speaker": ["s1", "s2"]})
    y = pd.DataFrame({"v": ["low", "high"]})
    assert MultiTarget(Quiet()).fit(X, y).predict(X)["v"].tolist() == ["high", "high"]
