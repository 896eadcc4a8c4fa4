import dataclasses

import numpy as np
import pytest
import scipy.signal

from emoest.datasets._generated.speech_synthesis import PEAK, Prosody, synthesize
from emoest.features._frame_descriptors import Analysis, describe_frames
from emoest.features._functionals import NAMES, functionals

RATE = 16000


def make(seed=0, seconds=5.0, rate=RATE, **prosody):
    return synthesize(Prosody(**prosody), seconds, rate, np.random.RandomState(seed))


def measure(**prosody):
    """Functionals averaged over three voices, jitter and shimmer left at 0."""
    voices = [describe_frames([make(seed, **prosody)], Analysis()) for seed in range(3)]
    rows = [functionals(frames, 0.01, np.zeros(2)) for frames in voices]
    return dict(zip(NAMES, np.mean(rows, axis=0), strict=True))


@pytest.mark.parametrize("f0", [100.0, 150.0, 220.0])
def test_pitch_is_where_it_should_be(f0):
    found = measure(f0=f0, f0_range=2.0)
    assert found["f0_median"] == pytest.approx(12 * np.log2(f0 / 27.5), abs=1.0)
    assert found["voiced_share"] > 0.8


def test_level_is_where_it_should_be():
    for level in (-40.0, -28.0):
        signal = make(level=level)
        loud = np.abs(signal) > 0
        assert 20 * np.log10(np.sqrt(np.mean(signal[loud] ** 2))) == pytest.approx(level, abs=2.5)


@pytest.mark.parametrize("level", [-60.0, -27.0, -5.0, 10.0])
def test_never_clips(level):
    peak = np.abs(make(level=level)).max()
    assert 0.0 < peak <= PEAK + 1e-6


@pytest.mark.parametrize(
    ("name", "low", "high", "measured", "difference"),
    [
        ("f0_range", 1.0, 6.0, "f0_range", 4.0),
        ("level", -40.0, -25.0, "energy_p50", 12.0),
        ("syllable_rate", 3.0, 6.0, "syllable_rate", 1.0),
        ("pause", 0.2, 0.8, "pause_mean", 0.3),
        ("brightness", 400.0, 1600.0, "hammarberg_mean", -8.0),
    ],
)
def test_prosody_is_heard(name, low, high, measured, difference):
    found = measure(**{name: high})[measured] - measure(**{name: low})[measured]
    assert found / difference > 1.0


def test_spectrum_is_that_of_a_voice():
    """Most power lies below 1 kHz, little above 5 kHz, and formants stand out of the harmonics."""
    hertz, power = scipy.signal.welch(make(seconds=20.0), RATE, nperseg=512)
    share = np.cumsum(power) / power.sum()
    assert share[np.searchsorted(hertz, 1000.0)] > 0.7
    assert share[np.searchsorted(hertz, 5000.0)] > 0.97
    assert power[hertz < 40.0].sum() < 0.02 * power.sum()


def test_same_state_same_samples():
    np.testing.assert_array_equal(make(seed=3), make(seed=3))
    assert not np.array_equal(make(seed=3), make(seed=4))
    assert make().dtype == np.float32


@pytest.mark.parametrize("rate", [8000, 22050, 48000])
def test_other_rates(rate):
    signal = make(seconds=1.5, rate=rate)
    assert len(signal) == round(1.5 * rate)
    assert np.isfinite(signal).all()
    assert np.std(signal) > 1e-3


def test_short_stretches():
    assert len(make(seconds=0.05)) == 800
    assert np.isfinite(make(seconds=0.05)).all()


def test_prosody_is_a_value():
    assert dataclasses.replace(Prosody(), f0=200.0) == Prosody(f0=200.0)
