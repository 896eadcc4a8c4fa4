import numpy as np
import pytest

from emoest.features._frame_descriptors import Analysis, describe_frames
from emoest.features._functionals import voiced_frames
from emoest.features._jitter_shimmer import (
    _amplitudes,
    _Changes,
    _slices,
    _stretches,
    follow_periods,
    jitter_and_shimmer,
)

RATE = 16000
SETTINGS = Analysis()


def gauss(t):
    return np.exp(-0.5 * (t / 0.0003) ** 2)


def vowel(t):
    """Two damped resonances that start at 0."""
    t = np.maximum(t, 0.0)
    low = t / 0.0005 * np.exp(-t / 0.0005) * np.sin(2 * np.pi * 700 * t)
    return low + t / 0.0008 * np.exp(-t / 0.0004) * np.sin(2 * np.pi * 1800 * t)


def pulses(f0, jitter, shimmer, *, shape=gauss, seconds=2.0):
    """A train of pulses, and the local jitter and shimmer that it has, in percent."""
    generator = np.random.RandomState(0)
    n = int(seconds * f0)
    periods = (1 + jitter * generator.standard_normal(n)) / f0
    heights = 1 + shimmer * generator.standard_normal(n)
    time = np.arange(round(seconds * RATE)) / RATE
    signal = np.zeros(len(time))
    for height, center in zip(heights, np.cumsum(periods), strict=True):
        near = slice(max(0, int((center - 0.01) * RATE)), int((center + 0.02) * RATE))
        signal[near] += height * shape(time[near] - center)
    shares = [100 * np.abs(np.diff(x)).mean() / x.mean() for x in (periods, heights)]
    return 0.3 * signal, np.array(shares)


def measure(signal):
    frames = describe_frames([signal], SETTINGS)
    voiced = voiced_frames(frames)
    assert voiced.mean() > 0.9
    return jitter_and_shimmer([signal], frames.f0, voiced, SETTINGS)


@pytest.mark.parametrize("shape", [gauss, vowel])
@pytest.mark.parametrize("f0", [90.0, 133.3, 200.0, 347.0])
@pytest.mark.parametrize(("jitter", "shimmer"), [(0.003, 0.03), (0.01, 0.05), (0.02, 0.1)])
def test_pulses_of_known_jitter_and_shimmer(shape, f0, jitter, shimmer):
    signal, expected = pulses(f0, jitter, shimmer, shape=shape)
    found = measure(signal)
    assert found[0] == pytest.approx(expected[0], rel=0.1)
    assert found[1] == pytest.approx(expected[1], rel=0.2)


@pytest.mark.parametrize("f0", [90.0, 133.3, 347.0])
def test_each_is_seen_without_the_other(f0):
    jitter, shimmer = measure(pulses(f0, 0.0, 0.0)[0])
    assert jitter < 0.02
    assert shimmer < 0.05
    signal, expected = pulses(f0, 0.0, 0.05)
    assert measure(signal)[0] < 0.05
    signal, expected = pulses(f0, 0.01, 0.0)
    assert measure(signal)[0] == pytest.approx(expected[0], rel=0.05)
    assert measure(signal)[1] < 0.5


def test_level_changes_nothing():
    signal, _ = pulses(120.0, 0.01, 0.05)
    np.testing.assert_allclose(measure(0.01 * signal), measure(signal), rtol=1e-3)


def test_a_glide_is_no_jitter():
    """From 100 to 200 Hz in 2 s neighboring periods differ by 0.2 to 0.35 %."""
    time = np.arange(2 * RATE) / RATE
    phase = 2 * np.pi * 100 * (2.0 ** (time / 2) - 1) * 2 / np.log(2)
    jitter, _ = measure(0.1 * sum(np.sin(k * phase) / k for k in range(1, 8)))
    assert 0.15 < jitter < 0.4


@pytest.mark.parametrize("f0", [100.0, 133.3, 200.0, 333.0])
@pytest.mark.parametrize("decibels", [0.0, 5.0, 10.0, 15.0])
def test_tones_of_known_harmonics_to_noise_ratio(f0, decibels):
    time = np.arange(2 * RATE) / RATE
    tone = sum(np.sin(2 * np.pi * k * f0 * time + k) / k for k in range(1, int(7000 / f0)))
    noise = np.random.RandomState(0).standard_normal(len(time))
    noise *= np.sqrt(np.mean(tone**2) / np.mean(noise**2) / 10 ** (decibels / 10))
    frames = describe_frames([0.1 * (tone + noise)], SETTINGS)
    assert frames.hnr.mean() == pytest.approx(decibels, abs=1.0)


def test_harmonics_to_noise_ratio_is_bounded():
    time = np.arange(RATE) / RATE
    clean = describe_frames([np.sin(2 * np.pi * 200 * time)], SETTINGS).hnr
    noise = describe_frames([np.random.RandomState(0).standard_normal(RATE)], SETTINGS).hnr
    silence = describe_frames([np.zeros(RATE)], SETTINGS).hnr
    assert clean.max() <= 30.0
    assert clean.min() > 29.0
    assert noise.mean() < 0.0
    assert np.isfinite(silence).all()


@pytest.mark.parametrize("signal", [np.zeros(RATE), np.ones(50), np.zeros(0)])
def test_without_voice_both_are_zero(signal):
    found = jitter_and_shimmer([signal], np.full(3, 100.0), np.zeros(3, bool), SETTINGS)
    assert found.tolist() == [0.0, 0.0]


@pytest.mark.parametrize("n_samples", [1, 100, 300, 500, 640])
def test_a_voiced_clip_of_hardly_a_frame(n_samples):
    signal = np.sin(2 * np.pi * 200 * np.arange(n_samples) / RATE)
    found = jitter_and_shimmer([signal], np.array([200.0]), np.ones(1, bool), SETTINGS)
    assert np.isfinite(found).all()
    assert (found >= 0).all()


def test_blocks_do_not_matter():
    signal, _ = pulses(150.0, 0.01, 0.05, seconds=3.0)
    signal[16000:24000] = 0.0
    frames = describe_frames([signal], SETTINGS)
    voiced = voiced_frames(frames)
    whole = jitter_and_shimmer([signal], frames.f0, voiced, SETTINGS)
    blocks = np.split(signal, [1, 5000, 5001, 30_000])
    np.testing.assert_array_equal(jitter_and_shimmer(blocks, frames.f0, voiced, SETTINGS), whole)


def test_marks_are_the_pulses():
    signal, _ = pulses(100.0, 0.02, 0.1)
    marks, similar = follow_periods(signal, np.full(len(signal), 160.0), 1000, 30_000)
    assert len(marks) == len(similar) + 1
    assert (similar > 0.9).all()
    peaks = 1000 + np.flatnonzero(
        (signal[1000:30000] > 0.15)
        & (signal[1000:30000] >= signal[999:29999])
        & (signal[1000:30000] > signal[1001:30001])
    )
    distance = np.abs(marks[:, None] - peaks).min(axis=0)
    assert distance[5:-5].max() < 1.5


def test_long_stretches_are_followed_in_parts():
    voiced = np.zeros(2600, bool)
    voiced[[5, 6]] = voiced[100:2200] = True
    found = list(_stretches(voiced, SETTINGS))
    assert found[0] == (240 + 5 * 160, 240 + 7 * 160)
    assert [(stop - start) / RATE for start, stop in found[1:]] == [10.0, 10.0, 1.0]
    assert found[1][1] == found[2][0]


def test_slices_may_overlap_and_reach_beyond_the_end():
    signal = np.arange(100.0)
    bounds = [(0, 10), (5, 30), (28, 31), (60, 61), (95, 120)]
    for size in (1, 7, 100):
        blocks = [signal[i : i + size] for i in range(0, 100, size)]
        found = list(_slices(blocks, bounds))
        for (start, stop), part in zip(bounds, found, strict=True):
            np.testing.assert_array_equal(part, signal[start:stop])


def test_neighbors_that_are_too_far_apart_do_not_count():
    changes = _Changes(1.3)
    changes.add(np.array([100.0, 110.0, 200.0, 190.0]), np.array([True, True, False]))
    assert changes.ratio() == pytest.approx(10 / 105)
    assert _Changes(1.3).ratio() == 0.0


def test_amplitudes_are_those_of_a_steady_tone():
    signal = 2.0 * np.cos(2 * np.pi * 200 * np.arange(1601) / RATE)
    found = _amplitudes(signal, np.array([0.0, 400.0, 799.8, 1600.0]), np.full(1601, 80.0))
    # The mean of a squared cosine under a Hann window of a fifth of its period to each side.
    reach = 4 * np.pi / 5
    mean = 0.5 + 0.5 * np.sin(reach) / reach / (1 - (reach / np.pi) ** 2)
    np.testing.assert_allclose(found, 2.0 * np.sqrt(mean), rtol=0.01)


def test_a_period_changes_the_amplitude_of_its_own_mark_alone():
    time = np.arange(1600)
    signal = np.cos(2 * np.pi * time / 80)
    signal[360:440] *= 1.5
    found = _amplitudes(signal, np.arange(80.0, 1600.0, 80.0), np.full(1600, 80.0))
    np.testing.assert_allclose(found[4] / found[0], 1.5, rtol=1e-6)
    np.testing.assert_allclose(np.delete(found, 4), found[0], rtol=1e-6)
