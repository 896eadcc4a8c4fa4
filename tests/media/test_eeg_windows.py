import numpy as np
import pytest

from emoest.media.eeg_windows import Windows, check_flat, place_windows

RATE = 200.0
WINDOWS = Windows(800, 800, 3)


def noise(n_channels=2, n_samples=2400, seed=0):
    return np.random.RandomState(seed).normal(scale=15, size=(n_channels, n_samples))


def test_windows_are_counted_exactly():
    assert [place_windows(n, 200, 4.0).count for n in (800, 1599, 1600, 2401)] == [1, 1, 2, 3]
    assert [place_windows(n, 200, 4.0, 2.0).count for n in (800, 1199, 1200)] == [1, 1, 2]
    windows = place_windows(2000, 200, 4.0, 1.5)
    cut = windows.cut(np.arange(2000.0))
    assert cut.shape == (5, 800)
    assert cut[:, 0].tolist() == [0, 300, 600, 900, 1200]


def test_windows_that_cannot_be_placed_are_said():
    with pytest.raises(
        ValueError, match=r"window of 4 s is longer than the trial, which lasts 3.9"
    ):
        place_windows(799, 200.0, 4.0)
    with pytest.raises(ValueError, match="are 1 and 1 samples at 200 Hz"):
        place_windows(2000, 200.0, 0.005)
    with pytest.raises(ValueError, match="are 800 and 0 samples"):
        place_windows(2000, 200.0, 4.0, 0.001)


def test_flat_channels_are_said():
    signal = noise(3)
    check_flat(signal + 1e4, WINDOWS, RATE)
    signal[1] = 7.0
    with pytest.raises(ValueError, match=r"channel 'Cz' is flat \(constant\) in all of its 3 w"):
        check_flat(signal, WINDOWS, RATE, ["Fz", "Cz", "Pz"])
    signal = noise(3)
    signal[2, 800:] = 5e4 + 1e-9 * noise(1, 1600)[0]
    with pytest.raises(
        ValueError, match=r"channel 2 is flat .* in 2 of its 3 windows, first from 4.000 to 8.000 s"
    ):
        check_flat(signal, WINDOWS, RATE)
