import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.pipeline import make_pipeline

from emoest.features import DifferentialEntropy, EEGFilter
from emoest.features._eeg_filter import filter_eeg, resample_eeg
from emoest.tables.cells import object_column
from emoest.testing import cell_estimator_checks


def sine(hertz, rate=256, seconds=8.0, channels=2):
    time = np.arange(round(seconds * rate)) / rate
    return np.tile(np.sin(2 * np.pi * hertz * time), (channels, 1))


def make_trials(n_rows=8, rate=256, seconds=3.0):
    generator = np.random.RandomState(0)
    cells = [
        (generator.normal(size=(2, round((seconds + 0.1 * i) * rate))), rate) for i in range(n_rows)
    ]
    X = object_column(cells, pd.RangeIndex(n_rows), "eeg").to_frame()
    return X, np.array(["happy", "sad"] * (n_rows // 2))


def name_of(check):
    return check.__name__


@pytest.mark.parametrize("check", cell_estimator_checks(EEGFilter()), ids=name_of)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_the_checks_of_tables_of_media_hold(check):
    check(EEGFilter(), *make_trials())


@pytest.mark.parametrize(
    ("hertz", "kept"), [(0.2, 0.0), (10, 1.0), (40, 1.0), (50, 0.0), (60, 1.0), (95, 0.0)]
)
def test_what_passes(hertz, kept):
    filtered = filter_eeg(sine(hertz), 256.0, band=(1.0, 75.0), notch=50.0)
    middle = filtered[:, 512:-512].std() / sine(hertz)[:, 512:-512].std()
    assert middle == pytest.approx(kept, abs=0.06)


def test_nothing_is_delayed_and_constants_vanish():
    signal = sine(10)
    filtered = filter_eeg(signal + 40.0, 256.0, band=(1.0, 75.0))
    np.testing.assert_allclose(filtered[:, 512:-512], signal[:, 512:-512], atol=0.02)


@pytest.mark.parametrize(("rate", "new"), [(256, 200), (1000, 200), (128, 200), (250, 200)])
def test_a_rhythm_survives_another_rate(rate, new):
    resampled = resample_eeg(sine(7, rate), rate, new)
    assert resampled.shape == (2, 8 * new)
    np.testing.assert_allclose(resampled[:, new:-new], sine(7, new)[:, new:-new], atol=0.02)


def test_what_would_alias_is_gone():
    assert np.abs(resample_eeg(sine(300, 1000), 1000, 200)[:, 200:-200]).max() < 0.01


def test_each_item_keeps_its_place_and_brings_its_rate():
    X, _ = make_trials(4)
    X.iat[1, 0] = None
    X.iat[2, 0] = [X.iat[2, 0], (sine(10, 500), 500)]
    out = EEGFilter().fit_transform(X.assign(speaker=list("abab")))
    assert list(out.columns) == ["eeg", "speaker"]
    assert out["eeg"][1] is None and isinstance(out["eeg"][2], list)
    assert [item[1] for item in [out["eeg"][0], *out["eeg"][2]]] == [200.0] * 3
    assert out["eeg"][0][0].dtype == np.float32
    kept = EEGFilter(band=None, notch=None, new_rate=None).fit_transform(X)
    np.testing.assert_allclose(kept["eeg"][0][0], X["eeg"][0][0], rtol=1e-6)
    assert kept["eeg"][0][1] == 256.0


def test_features_come_next():
    X, _ = make_trials(4)
    pipeline = make_pipeline(EEGFilter(), DifferentialEntropy(window=1.0, cache_dir=False))
    frames = pipeline.fit_transform(X)
    assert frames["de_frames"][0].shape == (3, 10)
    restored = pickle.loads(pickle.dumps(pipeline)).transform(X)
    np.testing.assert_array_equal(restored["de_frames"][0], frames["de_frames"][0])


def test_channels_keep_their_names_and_are_put_in_order():
    signal = np.random.RandomState(0).normal(size=(2, 600))
    cells = [(signal, 256, ["Fz", "Cz"]), (signal[::-1], 256, ["CZ", "FZ"]), (signal, 256)]
    model = EEGFilter().fit(cells)
    assert (model.channels_, model.n_channels_) == (("Fz", "Cz"), 2)
    out = model.transform(cells)[0]
    assert all(cell[2] == ("Fz", "Cz") for cell in out)
    np.testing.assert_allclose(out[1][0], out[0][0])
    with pytest.raises(ValueError, match="other channels"):
        model.transform([(signal, 256, ["Fz", "Pz"])])


class TestBadInput:
    @pytest.mark.parametrize(
        ("cell", "message"),
        [
            ((np.zeros((3, 600)), 256), r"row 1.* 3 channels where 2 are expected"),
            ((np.ones((2, 600)), 120), "75 Hz do not lie below half the sampling rate of 120 Hz"),
            ((np.ones((2, 20)), 256), r"20 samples \(0.078 s\) are too few"),
            (np.ones((2, 600)), "row 1"),
            ((np.full((2, 600), np.nan), 256), "missing"),
            ("nothing.npy", "nothing.npy"),
            ((np.ones((2, 600)), 256.317), "cannot be brought to 200 Hz"),
        ],
    )
    def test_what_cannot_be_filtered_is_named_or_missing(self, cell, message):
        X, _ = make_trials(4)
        X.iat[1, 0] = cell
        with pytest.raises((ValueError, FileNotFoundError), match=message):
            EEGFilter().fit_transform(X)
        with pytest.warns(UserWarning, match="1 of 4 cells could not be filtered"):
            out = EEGFilter(errors="missing").fit_transform(X)
        assert out["eeg"][1] is None and out["eeg"][2] is not None

    @pytest.mark.parametrize("band", [(75.0, 1.0), (0.0, 5.0), (1.0,), ("a", "b")])
    def test_no_band(self, band):
        with pytest.raises(ValueError, match="is no band"):
            EEGFilter(band=band).fit(make_trials(4)[0])

    def test_nothing_tells_the_channels(self):
        with pytest.raises(ValueError, match="found no EEG in any of the 2 rows"):
            EEGFilter().fit([None, None])
        assert EEGFilter(channels=["Fz", "Cz"]).fit([None]).n_channels_ == 2
