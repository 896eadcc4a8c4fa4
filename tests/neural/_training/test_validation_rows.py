import warnings

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.base import clone
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from emoest.neural import FaceCNNClassifier, SequenceClassifier
from emoest.tables.groups import NotSpeakerIndependentWarning
from tests.neural._training.tiny_estimators import ALL, CLASSIFIERS, REGRESSORS, images
from tests.neural.helpers import assert_same_state, make_frames, state_of


def grouped(X, start=0):
    """The table with other speakers, two rows each."""
    index = pd.MultiIndex.from_arrays(
        [range(len(X)), [f"v{start + i // 2}" for i in range(len(X))]], names=[None, "group"]
    )
    return X.set_axis(index)


def sequence(**changes):
    model, source = CLASSIFIERS["SequenceClassifier"]
    return clone(model).set_params(**changes), *source()


@pytest.mark.parametrize("name", ALL)
def test_own_rows_are_watched_and_nothing_is_held_out(name):
    model, source = ALL[name]
    X, y = source()
    X = grouped(X)
    model = clone(model).set_params(precision="float32")
    plain = clone(model).fit(X, y)
    # Half of the rows would be held out without those that are given.
    watched = clone(model).set_params(validation_fraction=0.5)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        watched.fit(X, y, X_val=grouped(X, 100)[:4], y_val=y[:4])
    assert watched.history_[0]["train_loss"] == pytest.approx(plain.history_[0]["train_loss"])
    assert "valid_loss" in watched.history_[0]
    assert "valid_loss" not in plain.history_[0]
    assert watched.grouped_ is True
    assert_same_state(state_of(watched), state_of(plain))


@pytest.mark.filterwarnings("ignore:.*in X and in X_val")
@pytest.mark.parametrize("name", ALL)
def test_losses_of_own_rows_are_those_of_the_same_rows_in_training(name):
    model, source = ALL[name]
    X, y = source()
    model = clone(model).set_params(lr=1e-12, max_epochs=2, batch_size=len(X))
    model = model.set_params(precision="float32", **BN.get(name, {}))
    row = model.fit(X, y, X_val=X, y_val=y).history_[1]
    if name in {"SequenceClassifier", "SequenceRegressor", "MFNClassifier", "MFNRegressor"}:
        assert row["valid_loss"] == pytest.approx(row["train_loss"], rel=1e-4)
    assert np.isfinite(row["valid_loss"])
    if hasattr(model, "classes_"):
        assert row["valid_uar"] == pytest.approx(
            np.mean([(model.predict(X)[y == each] == each).mean() for each in model.classes_])
        )


BN = {"SpeechResNetClassifier": {"batch_statistics": "running"}}


def test_the_best_epoch_on_own_rows_is_kept_and_patience_counts_there():
    X, y = make_frames(n_rows=24)
    model = SequenceClassifier(hidden_size=4, lr=0.05, max_epochs=20, patience=3, random_state=0)
    # Labels the wrong way round: each step makes the given rows worse.
    wrong = np.where(y == "sad", "happy", "sad")
    model.fit(X, y, X_val=grouped(X, 100), y_val=wrong)
    scores = [row["valid_uar"] for row in model.history_]
    assert model.n_iter_ < 20
    assert model.n_iter_ - int(np.argmax(scores)) <= 4
    assert (model.predict(X) == wrong).mean() == pytest.approx(max(scores))


def test_groups_in_both_are_named_and_all_are_remembered():
    model, X, y = sequence()
    X = grouped(X)
    with pytest.warns(NotSpeakerIndependentWarning, match=r"1 group.*in X and in X_val: 'v3'"):
        model.fit(X, y, X_val=grouped(X, 3), y_val=y)
    assert model.grouped_ is False
    assert model.seen_groups_ == ["v0", "v1", "v2", "v3", "v4", "v5", "v6"]
    alone = clone(model).fit(X.droplevel("group"), y, X_val=X, y_val=y)
    assert alone.grouped_ is None
    assert alone.seen_groups_ == ["v0", "v1", "v2", "v3"]


def test_groups_come_from_the_column_too():
    model, X, y = sequence(group_column="speaker")
    X = X.droplevel("group").assign(speaker=list("aabbccdd"))
    with pytest.warns(NotSpeakerIndependentWarning, match="'c', 'd'"):
        model.fit(X[:], y, X_val=X[4:], y_val=y[4:])
    with pytest.raises(ValueError, match=r"(?s)X_val, y_val: .*speaker"):
        model.fit(X, y, X_val=X.drop(columns="speaker"), y_val=y)


WRONG = {
    "no target": (lambda X, y: (X, None), "X_val was given without y_val"),
    "no rows": (lambda X, y: (None, y), "y_val was given without X_val"),
    "another label": (lambda X, y: (X, ["glad", *y[1:]]), "y_val holds 'glad'; the classes are"),
    "a missing label": (lambda X, y: (X, [None, *y[1:]]), "X_val, y_val: Input y contains NaN"),
    "too few labels": (lambda X, y: (X, y[1:]), "X_val, y_val: .*inconsistent numbers"),
    "no frames": (lambda X, y: (X.map(lambda _: None), y), "X_val has no row with frames"),
    "no samples": (lambda X, y: (X[:0], y[:0]), "X_val"),
    "another column": (lambda X, y: (X.set_axis(["eeg__frames"], axis=1), y), "X_val, y_val: "),
    "other widths": (lambda X, y: (X.map(lambda cell: np.hstack([cell, cell])), y), "X_val"),
    "infinity": (lambda X, y: (X.map(lambda cell: cell + np.inf), y), "X_val, y_val: "),
    "votes of other classes": (
        lambda X, y: (X, pd.DataFrame({"happy": [1.0] * len(X), "glad": [0.0] * len(X)})),
        "y_val holds 'glad'",
    ),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("case", WRONG)
def test_rows_that_do_not_fit_are_refused_by_name(case):
    change, told = WRONG[case]
    model, X, y = sequence()
    X_val, y_val = change(X, y)
    with pytest.raises(ValueError, match=told):
        model.fit(X, y, X_val=X_val, y_val=y_val)
    assert not hasattr(model, "net_")


@pytest.mark.filterwarnings("ignore:.*in X and in X_val")
def test_rows_without_frames_are_left_out_with_a_warning():
    model, X, y = sequence()
    X_val = X.copy()
    X_val.iat[0, 0] = None
    with pytest.warns(UserWarning, match=r"1 row\(s\) of X_val have no frames"):
        model.fit(X, y, X_val=X_val, y_val=y)


@pytest.mark.filterwarnings("ignore:.*in X and in X_val")
def test_votes_and_weights_of_classes_go_together_with_own_rows():
    model, X, y = sequence(class_weight="balanced")
    votes = pd.DataFrame(np.eye(2)[(y == "sad").astype(int)], columns=["happy", "sad"])
    labels = clone(model).fit(X, y, X_val=X, y_val=y)
    both = clone(model).fit(X, votes, X_val=X, y_val=votes[["sad", "happy"]])
    mixed = clone(model).fit(X, votes, X_val=X, y_val=y)
    expected = labels.history_[0]
    for each in (both, mixed):
        assert each.history_[0]["valid_uar"] == expected["valid_uar"]
        assert each.history_[0]["valid_loss"] == pytest.approx(expected["valid_loss"], rel=1e-5)


def test_values_are_scaled_as_in_training_and_missing_numbers_filled():
    model, _ = REGRESSORS["SequenceRegressor"]
    generator = np.random.default_rng(0)
    X, y = generator.normal(size=(20, 3)), generator.normal(50, 10, size=20)
    model = clone(model).set_params(lr=1e-12, max_epochs=2, batch_size=20, precision="float32")
    row = model.fit(X, y, X_val=X, y_val=y).history_[1]
    assert row["valid_loss"] == pytest.approx(row["train_loss"], rel=1e-4)
    X_val = X.copy()
    X_val[0, 0] = np.nan
    assert np.isfinite(model.fit(X, y, X_val=X_val, y_val=y).history_[1]["valid_loss"])


@pytest.mark.parametrize("head", ["all", "chosen"])
def test_a_face_net_of_chosen_classes_watches_its_own(head):
    X, y = images()
    y = np.array(["happy", "sad", "angry", "sad", "happy", "angry", "happy", "sad"])
    model = FaceCNNClassifier(
        "cnn4_small", image_size=16, classes=["happy", "sad"], head=head, max_epochs=1
    )
    chosen = y != "angry"
    model.fit(X, y, X_val=X[chosen], y_val=y[chosen])
    assert 0 <= model.history_[0]["valid_uar"] <= 1
    if head == "chosen":
        with pytest.raises(ValueError, match="y_val holds 'angry'"):
            model.fit(X, y, X_val=X, y_val=y)


def test_a_pipeline_transforms_them_as_it_does_x():
    generator = np.random.default_rng(0)
    X, y = generator.normal(1000, 10, size=(40, 3)), np.array(["happy", "sad"] * 20)
    net = CLASSIFIERS["SequenceClassifier"][0]
    with sklearn.config_context(enable_metadata_routing=True):
        steps = [("scale", StandardScaler()), ("net", clone(net).set_params(normalize=None))]
        pipeline = Pipeline(steps, transform_input=["X_val"])
        pipeline.fit(X[:30], y[:30], X_val=X[30:], y_val=y[30:])
    scaler = StandardScaler().fit(X[:30])
    alone = clone(steps[1][1]).fit(
        scaler.transform(X[:30]), y[:30], X_val=scaler.transform(X[30:]), y_val=y[30:]
    )
    found = pipeline["net"].history_[0]
    assert found["valid_loss"] == pytest.approx(alone.history_[0]["valid_loss"])
