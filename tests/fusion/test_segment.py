import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler
from sklearn.svm import LinearSVC

from emoest.fusion import SegmentClassifier
from emoest.tables.cells import object_column
from emoest.testing import check_cell_estimator
from emoest.utils import with_groups


def make(seed=0, n=24):
    generator = np.random.RandomState(seed)
    y = np.array(["low", "high", "medium"])[np.arange(n) % 3]
    means = {"low": [0, 0], "high": [3, 0], "medium": [0, 3]}
    cells = [
        (generator.normal(size=(1 + i % 4, 2)) + means[label]).astype("float32")
        for i, label in enumerate(y)
    ]
    index = pd.Index([f"{seed}-{i}" for i in range(n)])
    X = object_column(cells, index, "audio__yamnet_frames").to_frame()
    seconds = [np.ones(len(cell)) for cell in cells]
    X["audio__seconds"] = object_column(seconds, index)
    return X.assign(speaker=[f"s{i // 6}" for i in range(n)]), y


def stacked(X, y):
    cells = list(X["audio__yamnet_frames"])
    owners = np.repeat(np.arange(len(cells)), [len(cell) for cell in cells])
    return np.concatenate(cells), y[owners], owners


@pytest.fixture
def data():
    return make()


@pytest.mark.parametrize("vote", ["majority", "mean_proba"])
def test_equals_a_loop(data, vote):
    X, y = data
    frames, labels, _ = stacked(X, y)
    inner = LogisticRegression().fit(frames, labels)
    model = SegmentClassifier(LogisticRegression(), vote).fit(X, y)
    for i, cell in enumerate(X["audio__yamnet_frames"]):
        if vote == "majority":
            found = [np.mean(inner.predict(cell) == name) for name in inner.classes_]
        else:
            found = inner.predict_proba(cell).mean(axis=0)
        row = X.iloc[[i]]
        np.testing.assert_allclose(model.predict_proba(row), [found], rtol=1e-6)
        assert model.predict(row)[0] == inner.classes_[np.argmax(found)]
    assert model.classes_.tolist() == ["high", "low", "medium"]
    assert model.score(*make(1)) > 0.8


class FirstNumber(DummyClassifier):
    """Predicts the class that a frame's first number points at."""

    def predict(self, X):
        return self.classes_[X[:, 0].astype(int)]


def test_ties_go_to_the_first_label():
    cells = [[[0.0], [1.0], [2.0]], [[2.0], [1.0]], [[2.0], [2.0], [0.0], [0.0], [1.0]]]
    X = object_column(cells, pd.RangeIndex(3), "audio__frames").to_frame()
    model = SegmentClassifier(FirstNumber()).fit(X, ["H", "L", "M"])
    assert model.predict(X).tolist() == ["H", "L", "H"]


class Recorder(DummyClassifier):
    """Keeps what it was given."""

    def fit(self, X, y, sample_weight=None, groups=None):
        self.X_, self.y_, self.weight_, self.groups_ = X, y, sample_weight, groups
        return super().fit(X, y)


def test_labels_weights_and_groups_follow_the_frames(data):
    X, y = data
    frames, labels, owners = stacked(X, y)
    weight = np.arange(24.0)
    for given in ({"groups": X["speaker"]}, {}):
        table = X if given else with_groups(X)
        model = SegmentClassifier(Recorder()).fit(table, y, sample_weight=weight, **given)
        np.testing.assert_array_equal(model.estimator_.X_, frames)
        assert list(model.estimator_.y_) == list(labels)
        np.testing.assert_array_equal(model.estimator_.weight_, weight[owners])
        assert list(model.estimator_.groups_) == list(X["speaker"].iloc[owners])
    model = SegmentClassifier(Recorder(), group_column="speaker").fit(X, y)
    assert list(model.estimator_.groups_) == list(X["speaker"].iloc[owners])
    assert model.estimator_.weight_ is None
    assert SegmentClassifier(Recorder()).fit(X, y).estimator_.groups_ is None


def test_integer_balance_repeats_frames(data):
    X, y = data
    y = np.where(np.arange(24) < 14, "low", np.where(np.arange(24) < 20, "high", "medium"))
    _, labels, _ = stacked(X, y)
    names, counts = np.unique(labels, return_counts=True)
    model = SegmentClassifier(Recorder(), balance="integer").fit(X, y, groups=owners_of(X))
    found = dict(zip(*np.unique(model.estimator_.y_, return_counts=True), strict=True))
    assert found == {name: n * (counts.max() // n) for name, n in zip(names, counts, strict=True)}
    assert found["high"] < found["low"] > counts.min()
    label_of = dict(zip(owners_of(X), y, strict=True))
    assert [label_of[group] for group in model.estimator_.groups_] == list(model.estimator_.y_)


def owners_of(X):
    return np.arange(len(X))


def test_the_official_baseline_shape_with_a_search_by_speaker(data):
    X, y = data
    svm = make_pipeline(MinMaxScaler(), LinearSVC())
    search = GridSearchCV(svm, {"linearsvc__C": [1e-3, 1.0]}, cv=GroupKFold(3))
    model = SegmentClassifier(search, balance="integer").fit(with_groups(X), y)
    assert model.estimator_.best_params_ == {"linearsvc__C": 1.0}
    assert model.score(with_groups(make(1)[0]), make(1)[1]) > 0.8


def test_rows_without_frames(data):
    X, y = data
    column = "audio__yamnet_frames"
    cells = [None, np.zeros((0, 2)), np.full((2, 2), np.nan), *X[column].iloc[3:]]
    holed = X.assign(**{column: object_column(cells, X.index)})
    with pytest.warns(UserWarning, match=r"3 training row\(s\) .* left out: '0-0', '0-1', '0-2'"):
        model = SegmentClassifier().fit(holed, y)
    same = SegmentClassifier().fit(X.iloc[3:], y[3:])
    np.testing.assert_array_equal(model.predict_proba(X), same.predict_proba(X))
    with pytest.warns(UserWarning, match=r"3 row\(s\) have no frames \(row '0-0', '0-1'"):
        proba = model.predict_proba(holed)
    np.testing.assert_array_equal(proba[:3], [model.class_prior_] * 3)
    np.testing.assert_array_equal(proba[3:], same.predict_proba(X.iloc[3:]))
    with pytest.warns(UserWarning, match="get the training prior"):
        assert model.predict(holed.iloc[:2]).shape == (2,)
    with pytest.raises(ValueError, match="none of the 2 rows of X has frames"):
        SegmentClassifier().fit(holed.iloc[:2], y[:2])


def test_frames_stand_below_each_other_with_their_rows():
    gap = np.array([[1.0, np.nan], [np.nan, np.nan], [5.0, 6.0]])
    cells = [np.ones((2, 2)), None, np.zeros((0, 2)), gap]
    X = object_column(cells, ["r0", "r1", "r2", "r3"], "audio__frames").to_frame()
    segments = SegmentClassifier()._segments(X, reset=True)
    assert segments.owners.tolist() == [0, 0, 3, 3]
    np.testing.assert_array_equal(segments.values, [[1, 1], [1, 1], [1, np.nan], [5, 6]])
    assert segments.empty.tolist() == [1, 2]
    assert segments.names(segments.empty) == "'r1', 'r2'"


def test_another_width_is_named():
    cells = [np.ones((2, 2)), np.ones((2, 3))]
    for index, name in (["r0", "r1"], "'r1'"), ([5, 9], "9"):
        X = object_column(cells, index, "audio__frames").to_frame()
        message = f"row {name}, column 'audio__frames': the frames have 3 dim"
        with pytest.raises(ValueError, match=message):
            SegmentClassifier().fit(X, ["a", "b"])


def test_single_nan_are_filled_by_the_training_mean(data):
    X, y = data
    model = SegmentClassifier().fit(X, y)
    mean = stacked(X, y)[0].astype(float).mean(axis=0)
    new = pd.DataFrame(index=["a"], columns=X.columns[:2]).assign(speaker="s")
    new["audio__yamnet_frames"] = object_column([[[np.nan, 2.0]]], new.index)
    filled = new.assign(audio__yamnet_frames=object_column([[[mean[0], 2.0]]], new.index))
    model = SegmentClassifier(vote="mean_proba").fit(X, y)
    np.testing.assert_allclose(model.predict_proba(new), model.predict_proba(filled), rtol=1e-5)


def test_a_numeric_table_is_one_frame_a_row():
    generator = np.random.RandomState(0)
    X = generator.normal(size=(30, 3))
    y = np.where(X[:, 1] > 0, "b", "a")
    X[4] = np.nan
    X[7, 0] = np.nan
    with pytest.warns(UserWarning, match="1 training row"):
        model = SegmentClassifier(LogisticRegression(), vote="mean_proba").fit(X, y)
    kept = np.delete(X, 4, axis=0)
    filled = np.where(np.isnan(kept), np.nanmean(kept, axis=0), kept)
    expected = LogisticRegression().fit(filled, np.delete(y, 4))
    np.testing.assert_allclose(model.predict_proba(kept), expected.predict_proba(filled))


def test_names_lost_go_by_position(data):
    X, y = data
    array = X[["audio__yamnet_frames", "audio__seconds"]].to_numpy()
    model = SegmentClassifier().fit(array, y)
    np.testing.assert_array_equal(
        model.predict_proba(array), SegmentClassifier().fit(X, y).predict_proba(X)
    )


def test_errors_say_what_to_do(data):
    X, y = data
    with pytest.raises(ValueError, match=r"'mean_proba' needs predict_proba, which LinearSVC has"):
        SegmentClassifier(LinearSVC(), "mean_proba").fit(X, y)
    with pytest.raises(ValueError, match=r"SegmentClassifier \(KNeighborsClassifier\) takes none"):
        SegmentClassifier(KNeighborsClassifier()).fit(X, y, sample_weight=np.ones(24))
    with pytest.raises(ValueError, match=r"MultiTarget\(SegmentClassifier"):
        SegmentClassifier().fit(X, np.zeros((24, 2)))
    with pytest.raises(ValueError, match="requires y to be passed"):
        SegmentClassifier().fit(X, None)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        SegmentClassifier().fit(X, y[:5])
    two = X.assign(face__frames=X["audio__yamnet_frames"])
    with pytest.raises(ValueError, match=r"X has \['audio', 'face'\]. Choose one, .*\['audio'\]"):
        SegmentClassifier().fit(two, y)
    model = SegmentClassifier(modalities=["face"]).fit(two, y)
    assert model.modalities_ == ["face"]
    assert model.frames_.column == "face__frames"
    wide = object_column([np.ones((1, 3))], X.index[:1])
    model = SegmentClassifier().fit(X, y)
    with pytest.raises(ValueError, match=r"row '0-0', .* have 3 dimensions, .* had 2"):
        model.predict(X.iloc[:1].assign(audio__yamnet_frames=wide))


def test_grid_search_clone_pickle_refit(data):
    X, y = data
    grid = {"vote": ["majority", "mean_proba"], "estimator__C": [0.1, 1.0]}
    search = GridSearchCV(
        SegmentClassifier(LogisticRegression()), grid, cv=GroupKFold(3), error_score="raise"
    ).fit(X, y, groups=X["speaker"])
    model = clone(search.best_estimator_).fit(X, y)
    expected = model.predict_proba(X)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).predict_proba(X), expected)
    other, labels = make(5)
    wider = other.assign(audio__yamnet_frames=object_column([np.ones((1, 7))] * 24, other.index))
    np.testing.assert_array_equal(model.fit(wider, labels).fit(X, y).predict_proba(X), expected)
    scores = cross_val_score(model, X, y, groups=X["speaker"], cv=GroupKFold(4))
    assert scores.mean() > 0.7


@pytest.mark.parametrize("vote", ["majority", "mean_proba"])
def test_cell_checks(data, vote):
    X, y = data
    check_cell_estimator(SegmentClassifier(vote=vote), X[["audio__yamnet_frames"]], y)
