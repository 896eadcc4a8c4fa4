import re
import sys
import warnings

import numpy as np
import pytest

from emoest.media.eeg import SEED_CHANNELS, cells_from_mne, channel_label, read_eeg


def recording(n_channels=3, n_samples=1000):
    return np.random.RandomState(0).normal(scale=20, size=(n_channels, n_samples))


def test_the_channels_of_seed():
    assert len(SEED_CHANNELS) == len(set(SEED_CHANNELS)) == 62
    assert SEED_CHANNELS[:3] == ("FP1", "FPZ", "FP2")
    assert SEED_CHANNELS[23] == "T7"
    assert SEED_CHANNELS[-5:] == ("CB1", "O1", "OZ", "O2", "CB2")


def test_an_array_with_a_rate_and_a_tuple():
    data = recording()
    signal, rate = read_eeg(data, sampling_rate=200)
    np.testing.assert_array_equal(signal, data)
    assert rate == 200.0
    signal, rate = read_eeg((data.astype(np.float32), np.float64(256)), sampling_rate=200)
    assert rate == 256.0
    assert signal.dtype == np.float64
    signal[0, 0] = 5.0
    assert data[0, 0] != 5.0


def test_integers_are_microvolt():
    signal, _ = read_eeg((np.array([[1, -300, 2]], dtype=np.int16), 100))
    assert signal.tolist() == [[1.0, -300.0, 2.0]]


@pytest.mark.parametrize(
    ("item", "message"),
    [
        (np.zeros(100), r"expected the shape \(n_channels, n_samples\), found \(100,\)"),
        (np.zeros((3, 0)), r"found \(3, 0\)"),
        (np.zeros((1000, 4)), "which is 1000 channels of 4 samples.*transpose it"),
        (np.array([["a", "b"]]), "an array of <U1"),
        (3.5, "row 7 is not EEG: .* found float"),
        ((200, np.zeros((2, 100))), r"a tuple must be \(array, rate\), in this order"),
        ((np.zeros((2, 100)), 0), "rate must be a positive number of Hz, found 0"),
        ((np.zeros((2, 100)), float("nan")), "rate must be a positive number of Hz, found nan"),
        ((np.zeros((2, 100)), "200"), "rate must be a positive number of Hz, found '200'"),
        (np.zeros((2, 100)), "row 7 has no sampling rate. Pass sampling_rate="),
    ],
)
def test_what_is_no_eeg_is_said(item, message):
    with pytest.raises(ValueError, match=message):
        read_eeg(item, name="row 7")


def test_missing_channels_are_said():
    data = recording()
    data[1] = np.nan
    with pytest.raises(ValueError, match="item: channel 1 is missing: all its samples are NaN"):
        read_eeg((data, 100))
    data[0, 250] = np.inf
    with pytest.raises(
        ValueError, match=r"channel 'Fz' holds a NaN or infinite sample at 2.500 s \(2 such chan"
    ):
        read_eeg((data, 100), channels=["Fz", "Cz", "Pz"])
    assert channel_label(1, ["Fz", "Cz"]) == "channel 'Cz'"


@pytest.mark.parametrize("part", ["#t=10,11", "#t=5,20"])
def test_a_part_outside_the_recording_is_said(tmp_path, part):
    np.save(tmp_path / "trial.npy", recording())
    with pytest.raises(ValueError, match=r"lies outside the recording, which lasts 10.000 s at 10"):
        read_eeg(f"{tmp_path}/trial.npy{part}", sampling_rate=100)


@pytest.mark.parametrize("part", ["#t=3,3", "#t=4,3"])
def test_a_part_of_the_recording_without_samples_is_said(tmp_path, part):
    np.save(tmp_path / "trial.npy", recording())
    with pytest.raises(ValueError, match="holds no sample: its end is not after its start"):
        read_eeg(f"{tmp_path}/trial.npy{part}", sampling_rate=100)


def raw_of(mne, kinds=("eeg", "eeg", "stim")):
    data = np.vstack([recording(2) * 1e-6, np.arange(1000.0)[None]])
    info = mne.create_info(["Fz", "Cz", "STI"], 100.0, list(kinds))
    return data, mne.io.RawArray(data, info, verbose="error")


def test_a_raw_of_mne_is_one_cell_in_microvolt():
    mne = pytest.importorskip("mne", reason="MNE is in the extra eeg")
    data, raw = raw_of(mne)
    [(signal, rate, channels)] = cells_from_mne(raw)
    assert signal.shape == (2, 1000)
    assert signal.dtype == np.float32
    assert (rate, channels) == (100.0, ("Fz", "Cz"))
    np.testing.assert_allclose(signal, data[:2] * 1e6, rtol=1e-6)
    [(one, *_)] = cells_from_mne(raw, picks=["Cz"])
    np.testing.assert_array_equal(one, signal[1:])


def test_epochs_of_mne_are_a_cell_each():
    mne = pytest.importorskip("mne", reason="MNE is in the extra eeg")
    data, raw = raw_of(mne)
    events = np.array([[100, 0, 1], [400, 0, 1]])
    epochs = mne.Epochs(
        raw, events, tmin=0, tmax=0.99, baseline=None, preload=True, verbose="error"
    )
    cells = cells_from_mne(epochs)
    assert len(cells) == 2
    np.testing.assert_allclose(cells[1][0], data[:2, 400:500] * 1e6, rtol=1e-6)
    assert read_eeg(cells[0])[1] == 100.0


def test_channels_marked_as_bad_are_left_out_by_kind():
    mne = pytest.importorskip("mne", reason="MNE is in the extra eeg")
    data, raw = raw_of(mne)
    raw.info["bads"] = ["Fz"]
    epochs = mne.make_fixed_length_epochs(raw, duration=10.0, preload=True, verbose="error")
    for recording_of_mne in (raw, epochs):
        [(signal, *_)] = cells_from_mne(recording_of_mne)
        np.testing.assert_allclose(signal, data[1:2] * 1e6, rtol=1e-6)
        [(named, *_)] = cells_from_mne(recording_of_mne, picks=["Cz", "Fz"])
        np.testing.assert_allclose(named, data[1::-1] * 1e6, rtol=1e-6)
    assert raw.ch_names == ["Fz", "Cz", "STI"]


def test_channels_of_mne_come_in_the_order_that_is_wanted():
    mne = pytest.importorskip("mne", reason="MNE is in the extra eeg")
    data, raw = raw_of(mne)
    [(signal, _, channels)] = cells_from_mne(raw, channels=["CZ", "Fz"])
    assert channels == ("Cz", "Fz")
    np.testing.assert_allclose(signal, data[1::-1] * 1e6, rtol=1e-6)
    assert cells_from_mne(raw, channels=["Fz"])[0][0].shape == (1, 1000)
    with pytest.raises(ValueError, match=r"lacks of channels: Pz; picked are Fz, Cz"):
        cells_from_mne(raw, channels=["Fz", "Pz"])
    raw.info["bads"] = ["Fz"]
    with pytest.raises(ValueError, match=r"lacks of channels: Fz \(Fz marked as bad: interpolate"):
        cells_from_mne(raw, channels=["Fz", "Cz"])


def test_channels_are_ordered_by_name():
    data = recording(3)
    names = ["Pz", "FZ", "Cz"]
    signal, _ = read_eeg((data, 100, names), channels=["Fz", "Cz", "Pz"])
    np.testing.assert_array_equal(signal, data[[1, 2, 0]])
    np.testing.assert_array_equal(read_eeg((data, 100, names))[0], data)
    np.testing.assert_array_equal(read_eeg((data, 100), channels=["Fz", "Cz", "Pz"])[0], data)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["Fz", "Cz", "Oz"], "it lacks Pz and has Oz in addition"),
        (["Fz", "Cz"], "3 channels and the names Fz, Cz"),
        (["Fz", "Cz", "cz"], "Each channel needs a name of its own"),
        ("abc", "must be a list of names"),
        ([1, 2, 3], "must be a list of names"),
    ],
)
def test_channels_that_differ_are_said(names, message):
    with pytest.raises(ValueError, match=f"^row 3.*{message}"):
        read_eeg((recording(3), 100, names), channels=["Fz", "Cz", "Pz"], name="row 3")


@pytest.mark.parametrize(
    ("factor", "message"),
    [(1e-6, "EEG in volt.*Multiply it by 1e6"), (1e4, "bare numbers of an amplifier"), (1, None)],
)
def test_numbers_that_are_hardly_microvolt(factor, message):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        read_eeg((recording() * factor, 100), name="row 3")
        read_eeg((np.zeros((2, 100)), 100), name="row 3")
    assert len(caught) == (message is not None)
    if message:
        assert re.search(f"^row 3 varies by .*{message}", str(caught[0].message))


def test_what_mne_has_that_cannot_serve_is_said():
    mne = pytest.importorskip("mne", reason="MNE is in the extra eeg")
    _, raw = raw_of(mne)
    with pytest.raises(TypeError, match=r"takes mne.io.Raw or mne.Epochs, found Info"):
        cells_from_mne(raw.info)
    with pytest.raises(
        ValueError,
        match=r"is a RawArray of MNE. Make cells of it with emoest.media.cells_from_mne.",
    ):
        read_eeg(raw, sampling_rate=100)
    with pytest.raises(ValueError, match="set_channel_types"):
        cells_from_mne(raw_of(mne, ("misc", "misc", "stim"))[1])


def test_without_mne_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "mne", None)
    with pytest.raises(ImportError, match=r"cells_from_mne needs .* pip install 'emoest\[eeg\]'"):
        cells_from_mne(object())
