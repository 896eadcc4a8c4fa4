import numpy as np
import pytest
import scipy.signal

from emoest.features._eeg_bands import (
    SEED_BANDS,
    Band,
    band_power,
    check_band_limits,
    fft_entropy,
    find_bands,
    gaussian_entropy,
)
from emoest.media.eeg_windows import Windows, channel_major, place_windows

RATE = 200.0
BANDS = find_bands("seed")
WINDOWS = Windows(800, 800, 3)
MEASURES = [gaussian_entropy, fft_entropy, band_power]


def noise(n_channels=2, n_samples=2400, seed=0):
    return np.random.RandomState(seed).normal(scale=15, size=(n_channels, n_samples))


def sine(frequency, amplitude=30.0, n_samples=2400):
    return amplitude * np.sin(2 * np.pi * frequency * np.arange(n_samples) / RATE)[None]


def test_the_bands_of_seed():
    edges = [(1, 4), (4, 8), (8, 14), (14, 31), (31, 50)]
    assert [(band.low, band.high) for band in BANDS] == edges
    assert list(SEED_BANDS) == ["delta", "theta", "alpha", "beta", "gamma"]
    assert find_bands({"mu": [8, 13]}) == (Band("mu", 8.0, 13.0),)


NO_EDGES = [(8, 8), (14, 8), (0, 4), (-1, 4), (8,), 8, (8, float("inf")), ("8", "14"), (None, 14)]


@pytest.mark.parametrize("edges", NO_EDGES)
def test_what_is_no_band_is_said(edges):
    with pytest.raises(ValueError, match=r"bands\['alpha'\].*two rising, positive numbers of Hz"):
        find_bands({"alpha": edges})


@pytest.mark.parametrize("name", ["low__alpha", "", 3])
def test_a_name_that_would_break_the_columns_is_said(name):
    with pytest.raises(ValueError, match=r"is no name of a band.*without '__'"):
        find_bands({name: (8, 14)})


def test_no_bands_are_said():
    with pytest.raises(ValueError, match="bands is empty"):
        find_bands({})


def test_bands_above_nyquist_are_said():
    check_band_limits(BANDS, 101.0)
    with pytest.raises(ValueError, match=r"gamma \(31-50 Hz\) does not lie below .* 50 Hz at a ra"):
        check_band_limits(BANDS, 100.0)


@pytest.mark.parametrize("measure", MEASURES)
def test_shape_is_channels_windows_bands(measure):
    values = measure(noise(62), RATE, BANDS, WINDOWS)
    assert values.shape == (62, 3, 5)
    frames = channel_major(values)
    assert frames.shape == (3, 310)
    assert frames.dtype == np.float32
    np.testing.assert_allclose(frames[1, 7 * 5 + 2], values[7, 1, 2], rtol=1e-6)


@pytest.mark.parametrize("factor", [0.01, 3.0, -2.0, 1e4])
def test_scaling_adds_the_logarithm(factor):
    signal = noise()
    k = np.log(abs(factor))
    for measure, added in [(gaussian_entropy, k), (fft_entropy, 2 * k)]:
        difference = measure(factor * signal, RATE, BANDS, WINDOWS) - measure(
            signal, RATE, BANDS, WINDOWS
        )
        np.testing.assert_allclose(difference, added, atol=1e-9)
    np.testing.assert_allclose(
        band_power(factor * signal, RATE, BANDS, WINDOWS),
        factor**2 * band_power(signal, RATE, BANDS, WINDOWS),
        rtol=1e-9,
    )


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("offset", [100.0, -5e4])
def test_a_constant_offset_changes_nothing(measure, offset):
    for windows in (WINDOWS, Windows(200, 200, 12)):
        values = measure(noise(), RATE, BANDS, windows)
        moved = measure(noise() + offset, RATE, BANDS, windows)
        np.testing.assert_allclose(moved, values, rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize(("frequency", "band"), [(2, 0), (6, 1), (10, 2), (20, 3), (40, 4)])
def test_a_sine_raises_its_band_far_above_the_others(measure, frequency, band):
    values = measure(sine(frequency) + noise(1) / 15, RATE, BANDS, WINDOWS)
    values = np.log(values) if measure is band_power else values
    others = np.delete(values, band, axis=2)
    assert (values[:, :, band] > others.max(axis=2) + 2.0).all()


def test_gaussian_entropy_is_that_of_the_variance():
    """A 10 Hz sine passes the alpha band whole: its variance is half its squared amplitude."""
    values = gaussian_entropy(sine(10.0, n_samples=8000), RATE, BANDS, Windows(800, 800, 10))
    expected = 0.5 * np.log(2 * np.pi * np.e * 30.0**2 / 2 * 800 / 799)
    np.testing.assert_allclose(values[0, 2:8, 2], expected, atol=1e-3)


def test_gaussian_entropy_by_its_definition():
    signal = noise()
    values = gaussian_entropy(signal, RATE, BANDS, WINDOWS)
    b, a = scipy.signal.butter(3, [8, 14], "bandpass", fs=RATE)
    for c in range(2):
        filtered = scipy.signal.filtfilt(b, a, signal[c])
        for w in range(3):
            variance = filtered[w * 800 : (w + 1) * 800].var(ddof=1)
            expected = 0.5 * np.log(2 * np.pi * np.e * variance)
            assert values[c, w, 2] == pytest.approx(expected, abs=1e-6)
    causal = gaussian_entropy(signal, RATE, BANDS, WINDOWS, order=5, zero_phase=False)
    b, a = scipy.signal.butter(5, [14, 31], "bandpass", fs=RATE)
    variance = scipy.signal.lfilter(b, a, signal[1] - signal[1].mean())[800:1600].var(ddof=1)
    assert causal[1, 1, 3] == pytest.approx(0.5 * np.log(2 * np.pi * np.e * variance), abs=1e-6)


def test_gaussian_entropy_of_a_trial_too_short_for_the_filter_is_said():
    with pytest.raises(ValueError, match="has 21 samples; a filter of order 3 takes more than 21"):
        gaussian_entropy(noise(1, 21), RATE, BANDS, Windows(20, 20, 1))


def test_fft_entropy_by_its_definition():
    """The alpha band of 4 s at 200 Hz takes bins 31 to 55, counted from zero."""
    signal = noise()
    values = fft_entropy(signal, RATE, BANDS, WINDOWS)
    n = np.arange(1, 801)
    taper = 0.5 - 0.5 * np.cos(2 * np.pi * n / 801)
    for w in range(3):
        window = signal[1, w * 800 : (w + 1) * 800]
        energy = np.abs(np.fft.fft((window - window.mean()) * taper)) ** 2
        assert values[1, w, 2] == pytest.approx(np.log(100 * energy[31:56].mean()), abs=1e-9)


def test_band_power_by_its_definition():
    signal = noise()
    values = band_power(signal, RATE, BANDS, WINDOWS)
    frequencies, density = scipy.signal.welch(signal, RATE, nperseg=800, noverlap=0)
    mask = (frequencies >= 8) & (frequencies < 14)
    expected = density[:, mask].sum(axis=1) * 0.25
    np.testing.assert_allclose(values[:, :, 2].mean(axis=1), expected, rtol=1e-9)
    power = band_power(sine(10.0), RATE, BANDS, WINDOWS)
    np.testing.assert_allclose(power[0, :, 2], 450.0, rtol=1e-9)


@pytest.mark.parametrize("measure", [fft_entropy, band_power])
def test_a_window_too_short_for_a_band_is_said(measure):
    assert np.isfinite(measure(noise(), RATE, BANDS, place_windows(2400, RATE, 1.0))).all()
    with pytest.raises(
        ValueError, match=r"resolves 5 Hz, too coarse for the band delta \(1-4 Hz\)"
    ):
        measure(noise(), RATE, BANDS, place_windows(2400, RATE, 0.2))
