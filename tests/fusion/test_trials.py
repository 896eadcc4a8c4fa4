import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, GroupKFold, StratifiedKFold, cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import LinearSVC

from emoest.fusion import SegmentClassifier, TrialAggregatingClassifier, _trials
from emoest.tables.cells import object_column
from emoest.testing import check_cell_estimator


def make_windows(n_trials=16, n_dims=4, seed=0, spread=0.3, effect=1.0):
    """Windows that lie close around their trial's own center, which tells the class a little."""
    generator = np.random.RandomState(seed)
    labels = np.array(["happy", "sad"])[np.arange(n_trials) % 2]
    centers = generator.normal(size=(n_trials, n_dims)) + effect * (labels == "sad")[:, None]
    lengths = generator.randint(3, 9, n_trials)
    owners = np.repeat(np.arange(n_trials), lengths)
    values = centers[owners] + spread * generator.normal(size=(len(owners), n_dims))
    index = pd.MultiIndex.from_arrays([owners, owners // 4], names=["trial", "group"])
    X = pd.DataFrame(values, index=index, columns=[f"eeg__de_{i}" for i in range(n_dims)])
    return X, labels[owners]


def as_frames(X, y):
    """The same, a row a trial."""
    trials = X.index.get_level_values("trial")
    names = pd.unique(trials)
    cells = [X.to_numpy("float32")[trials == name] for name in names]
    groups = [int(X.index.get_level_values("group")[trials == name][0]) for name in names]
    index = pd.MultiIndex.from_arrays([names, groups], names=["trial", "group"])
    labels = np.array([y[trials == name][0] for name in names])
    return object_column(cells, index, "eeg__frames").to_frame(), labels


def test_windows_in_rows_and_in_frames_give_the_same():
    X, y = make_windows()
    frames, labels = as_frames(X.astype("float32"), y)
    model = TrialAggregatingClassifier(cv=2, random_state=0)
    by_rows = model.fit(X.astype("float32"), y).predict_trials(X.astype("float32"))
    by_frames = model.fit(frames, labels)
    assert model.n_trials_ == 16
    np.testing.assert_array_equal(by_rows, by_frames.predict(frames))
    assert by_rows.index.tolist() == list(range(16)) and by_rows.index.name == "trial"


def test_a_trial_gets_the_mean_of_its_windows():
    X, y = make_windows()
    model = TrialAggregatingClassifier(LogisticRegression(), calibrate=None).fit(X, y)
    proba = LogisticRegression().fit(X.to_numpy(), y).predict_proba(X.to_numpy())
    expected = pd.DataFrame(proba).groupby(X.index.get_level_values("trial")).transform("mean")
    np.testing.assert_allclose(model.predict_proba(X), expected, atol=1e-6)
    shuffled = X.iloc[np.random.RandomState(0).permutation(len(X))]
    by_trial = model.predict_trials(shuffled)
    assert by_trial.sort_index().equals(model.predict_trials(X).sort_index())
    assert by_trial.index.tolist() == pd.unique(shuffled.index.get_level_values("trial")).tolist()


def seen_splits(model, X, y, monkeypatch):
    seen = []

    def spy(inner, *, method, cv):
        seen.extend(cv)
        return CalibratedClassifierCV(inner, method=method, cv=cv)

    monkeypatch.setattr(_trials, "CalibratedClassifierCV", spy)
    model.fit(X, y)
    return seen


@pytest.mark.parametrize("level", ["trial", "group"])
def test_calibration_keeps_trials_and_groups_whole(level, monkeypatch):
    X, y = make_windows()
    if level == "trial":
        X = X.droplevel("group")
    names = X.index.get_level_values(level) if level == "group" else X.index
    splits = seen_splits(TrialAggregatingClassifier(cv=4, random_state=0), X, y, monkeypatch)
    assert len(splits) == 4
    for train, test in splits:
        assert not set(names[train]) & set(names[test])


def test_one_person_is_split_by_trial(monkeypatch):
    X, y = make_windows()
    X = X.droplevel("group").set_index(pd.Index(["p1"] * len(X), name="group"), append=True)
    splits = seen_splits(TrialAggregatingClassifier(cv=4, random_state=0), X, y, monkeypatch)
    trials = X.index.get_level_values("trial")
    assert splits and not any(set(trials[a]) & set(trials[b]) for a, b in splits)


def test_a_search_inside_gets_trials_as_groups():
    X, y = make_windows()
    search = GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}, cv=GroupKFold(3))
    model = TrialAggregatingClassifier(search, calibrate=None).fit(X.droplevel("group"), y)
    assert model.estimator_.best_params_["C"] in {0.1, 1.0}


def test_splitting_by_window_inflates_the_score():
    """Labels that nothing predicts: windows of one trial on both sides are recognized."""
    X, y = make_windows(24, n_dims=12, spread=0.1, effect=0.0)
    X = X.droplevel("group").set_index(pd.Index(X.index.get_level_values("trial"), name="group"))
    neighbors = KNeighborsClassifier(1)
    by_window = cross_val_score(
        neighbors, X, y, cv=StratifiedKFold(4, shuffle=True, random_state=0)
    )
    by_trial = cross_val_score(neighbors, X, y, groups=X.index, cv=GroupKFold(4))
    assert by_window.mean() > 0.95
    assert by_trial.mean() < 0.7


def test_calibrated_probabilities_are_not_too_sure():
    """Labels that nothing predicts: only left-out trials show that decisions mean nothing."""
    X, y = make_windows(24, n_dims=30, spread=0.1, effect=0.0)
    model = TrialAggregatingClassifier(LinearSVC(), random_state=0).fit(X.droplevel("group"), y)
    by_window = CalibratedClassifierCV(LinearSVC(random_state=0), cv=5).fit(X.to_numpy(), y)
    new, _ = make_windows(24, n_dims=30, seed=1, spread=0.1, effect=0.0)
    assert model.predict_proba(new).max(axis=1).mean() < 0.7
    assert by_window.predict_proba(new.to_numpy()).max(axis=1).mean() > 0.78


def test_a_column_may_name_the_trials():
    X, y = make_windows()
    trials = X.index.get_level_values("trial")
    named = X.reset_index(drop=True).assign(trial__group=np.asarray(trials))
    model = TrialAggregatingClassifier(cv=2, random_state=0).fit(named, y)
    expected = TrialAggregatingClassifier(cv=2, random_state=0).fit(X.droplevel("group"), y)
    np.testing.assert_allclose(model.predict_proba(named), expected.predict_proba(X))
    assert model.n_trials_ == 16


def test_trials_without_windows_get_the_prior():
    X, y = make_windows()
    frames, labels = as_frames(X, y)
    frames.iat[3, 0] = None
    with pytest.warns(UserWarning, match="no frames and are left out"):
        model = TrialAggregatingClassifier(cv=2, random_state=0).fit(frames, labels)
    with pytest.warns(UserWarning, match="get the training prior"):
        np.testing.assert_allclose(model.predict_proba(frames)[3], model.class_prior_)


class TestBadInput:
    def test_rows_without_names_are_warned_about(self):
        X, y = make_windows()
        model = TrialAggregatingClassifier(LogisticRegression(), calibrate=None)
        with pytest.warns(UserWarning, match="each row is a trial of its own"):
            model.fit(X.to_numpy(), y)
        plain = SegmentClassifier(LogisticRegression(), "mean_proba").fit(X.to_numpy(), y)
        values = X.to_numpy()
        np.testing.assert_allclose(model.predict_proba(values), plain.predict_proba(values))
        assert not hasattr(model, "_trials")

    def test_a_trial_of_two_labels_or_groups_is_named(self):
        X, y = make_windows()
        model = TrialAggregatingClassifier()
        with pytest.raises(ValueError, match=r"1 trial\(s\) have more than one label, .* 0"):
            model.fit(X, np.where(np.arange(len(y)) == 0, "sad", y))
        assert not hasattr(model, "_trials")
        with pytest.raises(ValueError, match="more than one group"):
            model.fit(X, y, groups=np.arange(len(y)) % 2)

    def test_a_missing_name_is_named(self):
        X, y = make_windows()
        named = X.reset_index(drop=True).assign(trial__group=["a", *[None] * (len(X) - 1)])
        with pytest.raises(ValueError, match="have no name of their trial"):
            TrialAggregatingClassifier().fit(named, y)

    def test_one_trial_of_a_class_cannot_be_calibrated(self):
        X, y = make_windows(2)
        with pytest.raises(ValueError, match="cannot be calibrated: no inner split of 2 trial"):
            TrialAggregatingClassifier().fit(X, y)
        model = TrialAggregatingClassifier(LogisticRegression(), calibrate=None).fit(X, y)
        assert set(model.predict(X)) <= {"happy", "sad"}

    def test_nothing_to_calibrate(self):
        from sklearn.neighbors import NearestCentroid

        class Bare(NearestCentroid):
            decision_function = predict_proba = property(lambda self: self.missing)

        X, y = make_windows()
        with pytest.raises(ValueError, match="needs decision_function or predict_proba"):
            TrialAggregatingClassifier(Bare()).fit(X, y)
        with pytest.raises(ValueError, match="'mean_proba' needs predict_proba"):
            TrialAggregatingClassifier(LinearSVC(), calibrate=None).fit(X, y)


def test_pickle_and_weights():
    X, y = make_windows()
    weight = np.where(y == "sad", 1.0, 0.0) + np.arange(len(y)) % 2
    model = TrialAggregatingClassifier(cv=2, random_state=0).fit(X, y, sample_weight=weight)
    restored = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(restored.predict_proba(X), model.predict_proba(X))
    assert model.class_prior_[1] > 0.5


def test_cell_checks():
    frames, y = as_frames(*make_windows(12))
    frames = frames.droplevel("group")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        check_cell_estimator(TrialAggregatingClassifier(cv=2, random_state=0), frames, y)
