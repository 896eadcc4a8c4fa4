import pickle

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.model_selection import cross_val_predict

from emoest.neural import EEGNetClassifier
from emoest.tables.cells import object_column
from emoest.testing import cell_estimator_checks

RATE = 64
SMALL = {
    "window": 1.0,
    "n_filters": 4,
    "lr": 0.02,
    "max_epochs": 1,
    "batch_size": 8,
    "validation_fraction": None,
    "random_state": 0,
}


def small(module=None, **settings):
    return EEGNetClassifier(module, **{**SMALL, **settings})


def make_trials(n_rows=16, seed=0, channels=2, rate=RATE):
    """Trials of unequal length, in which the rhythm of one channel tells the class."""
    generator = np.random.RandomState(seed)
    cells = []
    for row in range(n_rows):
        n = generator.randint(2 * rate, 4 * rate)
        wave = np.sin(2 * np.pi * (6, 20)[row % 2] * np.arange(n) / rate + generator.uniform(0, 6))
        signal = 5 * generator.normal(size=(channels, n))
        signal[0] += 10 * wave
        cells.append((signal, rate))
    return object_column(cells, pd.RangeIndex(n_rows), "eeg").to_frame(), np.array(
        ["calm", "alert"] * (n_rows // 2)
    )


class Plain(torch.nn.Module):
    """A net with the parameters that libraries of nets for EEG use."""

    def __init__(self, n_chans, n_outputs, n_times):
        super().__init__()
        self.layer = torch.nn.Linear(n_chans * n_times, n_outputs)

    def forward(self, windows):
        return self.layer(windows.flatten(1))


class Wrong(Plain):
    def forward(self, windows):
        return super().forward(windows)[:, :1]


def name_of(value):
    return getattr(value, "__name__", str(value))


@pytest.mark.parametrize("check", cell_estimator_checks(small(lr=1e-3)), ids=name_of)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_the_checks_of_tables_of_media_hold(check):
    check(small(lr=1e-3), *make_trials(8))


def test_rhythms_are_learned():
    model = small(max_epochs=10).fit(*make_trials(32))
    assert model.score(*make_trials(32, seed=1)) >= 0.9


@pytest.mark.parametrize("module", [None, Plain])
def test_a_trial_is_the_average_of_its_windows(module):
    X, y = make_trials()
    model = small(module).fit(X, y)
    signal, rate = X["eeg"][0]
    windows = [(signal[:, i : i + rate], rate) for i in range(0, signal.shape[1] - rate + 1, rate)]
    single = model.predict_proba(windows)
    np.testing.assert_allclose(model.predict_proba(X)[0], single.mean(axis=0), atol=1e-5)
    as_list = model.predict_proba([windows])[0]
    np.testing.assert_allclose(as_list, single.mean(axis=0), atol=1e-5)


def test_windows_may_overlap():
    X, y = make_trials(8)
    model = small(step=0.5).fit(X, y)
    (cells,) = model._read(X, reset=False).cells.values()
    expected = (X["eeg"][0][0].shape[1] - RATE) // (RATE // 2) + 1
    assert len(cells[0]) == expected


def test_scale_and_offset_of_a_recording_change_nothing():
    X, y = make_trials()
    model = small().fit(X, y)
    moved = [(3.0 * signal + 40.0, rate) for signal, rate in X["eeg"]]
    np.testing.assert_allclose(model.predict_proba(moved), model.predict_proba(X), atol=1e-4)
    bare = small(standardize=False).fit(X, y)
    assert np.abs(bare.predict_proba(moved) - bare.predict_proba(X)).max() > 1e-3


@pytest.mark.parametrize("module", [None, Plain])
def test_pickles_and_weights_keep_the_net(module, tmp_path):
    X, y = make_trials(8)
    model = small(module).fit(X, y)
    expected = model.predict_proba(X)
    restored = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(restored.predict_proba(X), expected)
    model.save_weights(tmp_path / "net.safetensors")
    loaded = small(module).load_weights(tmp_path / "net.safetensors")
    np.testing.assert_array_equal(loaded.predict_proba(X), expected)
    assert model.transform(X).shape == (8, model.net_.module_.n_units)


def test_groups_are_kept_apart_in_validation():
    X, y = make_trials()
    model = small(validation_fraction=0.25).fit(X, y, groups=np.arange(16) // 4)
    assert model.grouped_ and model.seen_groups_ == [0, 1, 2, 3]
    assert cross_val_predict(small(), X, y, cv=2).shape == (16,)


def test_channels_are_put_in_order_by_their_names():
    X, y = make_trials(8)
    named = [(signal, rate, ["Fz", "Cz"]) for signal, rate in X["eeg"]]
    model = small().fit(named, y)
    turned = [(signal[::-1], rate, ["cz", "fz"]) for signal, rate in X["eeg"]]
    np.testing.assert_allclose(model.predict_proba(turned), model.predict_proba(named), atol=1e-6)


class TestBadInput:
    @pytest.mark.parametrize(
        ("cell", "message"),
        [
            ((np.random.RandomState(0).normal(size=(3, 200)), RATE), "3 channels where 2"),
            ((np.random.RandomState(0).normal(size=(2, 400)), 128), "128 Hz where 64 Hz"),
            ((np.random.RandomState(0).normal(size=(2, 30)), RATE), "longer than the trial"),
            ((np.zeros((2, 200)), RATE), "flat"),
            ("missing.npy", "missing.npy"),
        ],
    )
    def test_what_cannot_be_read_is_named_or_missing(self, cell, message):
        X, y = make_trials(8)
        X.at[1, "eeg"] = cell
        with pytest.raises((ValueError, FileNotFoundError), match=f"row 1(.|\n)*{message}"):
            small().fit(X, y)
        with pytest.warns(UserWarning, match="1 of 8 cells could not be read"):
            model = small(errors="missing").fit(X, y)
        assert model.predict_proba(X.drop(index=1)).shape == (7, 2)

    def test_a_rate_is_needed(self):
        X, y = make_trials(8)
        arrays = [signal for signal, _ in X["eeg"]]
        with pytest.raises(ValueError, match="brings no sampling rate"):
            small().fit(arrays, y)
        model = small(sampling_rate=RATE).fit(arrays, y)
        expected = small().fit(X, y).predict_proba(X)
        np.testing.assert_allclose(model.predict_proba(arrays), expected, atol=1e-6)

    def test_a_net_must_be_made_anew_and_give_the_classes(self):
        X, y = make_trials(8)
        with pytest.raises(ValueError, match="module is a net already"):
            small(Plain(2, 2, RATE)).fit(X, y)
        with pytest.raises(ValueError, match=r"output of shape \(\d+, 1\)"):
            small(Wrong).fit(X, y)

    def test_windows_too_short_for_eegnet(self):
        with pytest.raises(ValueError, match="too short for EEGNet"):
            small(window=0.25).fit(*make_trials(8))
