"""A fit that would go on and is refused, or fails, leaves the net of the last one."""

import numpy as np
import pandas as pd
import pytest
from skorch.callbacks import Callback

from emoest.neural import (
    EEGNetClassifier,
    FaceCNNClassifier,
    MFNClassifier,
    SequenceClassifier,
    SequenceRegressor,
)
from emoest.tables.cells import object_column
from tests.neural.helpers import make_frames, make_two

FAST = {"max_epochs": 1, "validation_fraction": None, "random_state": 0, "warm_start": True}


def other_labels(X, y):
    return X, [f"very {label}" for label in y]


def one_label(X, y):
    return X, ["happy"] * len(X)


def missing_label(X, y):
    return X, [None, *y[1:]]


def too_few_labels(X, y):
    return X, y[:-1]


def column_renamed(X, y):
    return X.rename(columns={X.columns[0]: "other__frames"}), y


def column_more(X, y):
    return X.assign(eeg__frames=X.iloc[:, 0]), y


def no_column(X, y):
    return X[[]], y


def changed(X, cell):
    column = object_column([cell(each) for each in X.iloc[:, 0]], X.index, X.columns[0])
    return pd.concat([column, X.iloc[:, 1:]], axis=1)


def wider(X, y):
    return changed(X, lambda cell: np.hstack([cell, cell])), y


def infinite(X, y):
    return changed(X, lambda cell: np.full_like(cell, np.inf)), y


def empty(X, y):
    return changed(X, lambda cell: None).map(lambda cell: None), y


def texts(X, y):
    return changed(X, lambda cell: "hello"), y


CLASSIFIER = [other_labels, one_label, missing_label]
FRAMES = [column_renamed, column_more, no_column, wider, infinite, empty, texts]


def images():
    generator = np.random.default_rng(0)
    cells = [generator.integers(0, 255, (16, 16), dtype="uint8") for _ in range(8)]
    return object_column(cells, range(8), "face").to_frame(), np.array(["happy", "sad"] * 4)


def trials():
    cells = [20 * np.random.default_rng(i).normal(size=(2, 256)) for i in range(8)]
    return object_column(cells, range(8), "eeg").to_frame(), np.array(["happy", "sad"] * 4)


def three_channels(X, y):
    return changed(X, lambda cell: np.vstack([cell, cell[:1]])), y


def scores(X, y):
    return X, np.full(len(X), np.nan)


SEQUENCE = SequenceClassifier(hidden_size=4, **FAST)
REGRESSOR = SequenceRegressor(hidden_size=4, **FAST)
FUSION = MFNClassifier(4, memory_dim=4, **FAST)
FACE = FaceCNNClassifier("cnn4_small", image_size=16, **FAST)
EEG = EEGNetClassifier(sampling_rate=128, window=1.0, **FAST)
SOURCES = {
    SEQUENCE: lambda: make_frames(n_rows=8),
    REGRESSOR: lambda: (make_frames(n_rows=8)[0], np.linspace(0, 1, 8)),
    FUSION: lambda: make_two(n_rows=8),
    FACE: images,
    EEG: trials,
}
CASES = [
    *((SEQUENCE, case) for case in [*CLASSIFIER, too_few_labels, *FRAMES]),
    *((REGRESSOR, case) for case in [scores, too_few_labels, *FRAMES]),
    *((FUSION, case) for case in [*CLASSIFIER, too_few_labels, wider, infinite, empty]),
    *((FACE, case) for case in [*CLASSIFIER, too_few_labels, no_column, empty, texts]),
    *((EEG, case) for case in [*CLASSIFIER, no_column, empty, three_channels]),
]


def assert_as_before(model, X, before, expected):
    assert vars(model).keys() == before.keys()
    assert all(vars(model)[name] is value for name, value in before.items())
    np.testing.assert_array_equal(model.predict(X), expected)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("model", "case"),
    CASES,
    ids=lambda each: getattr(each, "__name__", type(each).__name__),
)
def test_refused_data_leave_the_net_as_it_was(model, case):
    X, y = SOURCES[model]()
    model.fit(X, y)
    before, expected = dict(vars(model)), model.predict(X)
    with pytest.raises((ValueError, TypeError, KeyError, FileNotFoundError)):
        model.fit(*case(X, y))
    assert_as_before(model, X, before, expected)
    assert model.fit(X, y).n_iter_ == 1


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "changes",
    [
        *({"hidden_size": 5}, {"cell": "gru"}, {"n_layers": 2}, {"pooling": "mean"}),
        *({"lr": 1e39}, {"device": "abacus"}, {"group_column": "absent"}, {"max_epochs": 0}),
        *({"callbacks": ["x"]}, {"optimizer": int}, {"validation_fraction": 0.9}),
    ],
    ids=str,
)
def test_refused_parameters_leave_the_net_as_it_was(changes):
    X, y = make_frames(n_rows=8)
    model = SequenceClassifier(hidden_size=4, **FAST).fit(X, y)
    expected = model.predict_proba(X)
    old = {name: getattr(model, name) for name in changes}
    model.set_params(**changes)
    before = dict(vars(model))
    with pytest.raises((ValueError, TypeError, KeyError)):
        model.fit(X, y)
    assert_as_before(model, X, before, model.predict(X))
    model.set_params(**old)
    np.testing.assert_array_equal(model.predict_proba(X), expected)


class Interrupt(Callback):
    def on_epoch_end(self, net, **kwargs):
        raise self.error


@pytest.mark.parametrize("error", [RuntimeError, MemoryError, SystemExit])
def test_an_error_in_the_middle_leaves_the_net_as_it_was(error):
    X, y = make_frames(n_rows=8)
    model = SequenceClassifier(hidden_size=4, **FAST).fit(X, y)
    callback = Interrupt()
    callback.error = error
    model.set_params(callbacks=[callback])
    before, expected = dict(vars(model)), model.predict(X)
    with pytest.raises(error):
        model.fit(X, y)
    assert_as_before(model, X, before, expected)


def test_without_a_warm_start_a_fit_that_fails_leaves_no_net():
    X, y = make_frames(n_rows=8)
    model = SequenceClassifier(hidden_size=4, **{**FAST, "warm_start": False}).fit(X, y)
    with pytest.raises(ValueError, match="one class"):
        model.fit(*one_label(X, y))
    assert not hasattr(model, "net_")
