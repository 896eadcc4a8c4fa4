"""Speed, noise and gain on log-mel spectra, against the spectra of changed waveforms."""

import numpy as np
import pytest
import soxr
import torch

from emoest.features._log_mel import KALDI_80, Filterbank, log_mel_spectra
from emoest.nets.perturbation import SpeechPerturbation, add_noise, find_perturbation, play_at

RAW = Filterbank(KALDI_80.mel, cmn="none")
RANGE = (20.0, 8000.0)


def voice(seconds=2.0, rate=16000, seed=0):
    """A buzz that glides and swells, with a little hiss."""
    time = np.arange(int(seconds * rate)) / rate
    pitch = 120 + 60 * np.sin(2 * np.pi * 0.7 * time)
    phase = 2 * np.pi * np.cumsum(pitch) / rate
    buzz = sum(np.sin(k * phase) / k for k in range(1, 30))
    hiss = np.random.default_rng(seed).normal(size=len(time))
    return (0.05 * buzz * (0.6 + 0.4 * np.sin(2 * np.pi * 1.3 * time)) + 0.003 * hiss).astype("f4")


def spectrum(wave):
    return log_mel_spectra([wave], RAW)[0].astype(np.float64)


def test_it_is_drawn_from_the_generator_and_leaves_the_frames():
    frames = spectrum(voice()).astype("float32")
    before = frames.copy()
    state = torch.get_rng_state()
    made = []
    for seed in (0, 0, 1):
        generator = torch.Generator().manual_seed(seed)
        made.append([SpeechPerturbation()(frames, generator) for _ in range(2)])
    assert np.array_equal(frames, before) and torch.equal(torch.get_rng_state(), state)
    for left, right in zip(made[0], made[1], strict=True):
        np.testing.assert_array_equal(left, right)
    assert made[0][0].shape != made[0][1].shape or not np.allclose(made[0][0], made[0][1])
    assert not np.array_equal(made[0][0][:50], made[2][0][:50])


@pytest.mark.parametrize("factor", [0.9, 1.1])
def test_speed_is_near_that_of_the_waveform(factor):
    wave = voice()
    truth = spectrum(soxr.resample(wave, 16000 * factor, 16000))
    made, untouched = play_at(spectrum(wave), factor, RANGE), spectrum(wave)
    n = min(len(truth), len(made), len(untouched))
    # The top bands are empty in the slower waveform, where resampling has nothing to put.
    bands = slice(0, 74)
    error = np.abs(made[:n, bands] - truth[:n, bands]).mean()
    assert abs(len(made) - len(truth)) <= 1
    assert error < 0.5 * np.abs(untouched[:n, bands] - truth[:n, bands]).mean()


@pytest.mark.parametrize(("ratio", "alike"), [(0.0, 0.85), (15.0, 0.95)])
def test_noise_is_near_that_of_the_waveform(ratio, alike):
    wave = voice()
    clean = spectrum(wave)
    draws = np.random.default_rng(3)
    noise = draws.normal(size=len(wave)).astype("f4")
    # Noise with the mean spectrum of the loud frames, made by a filter of random phase.
    loud = clean[clean.mean(axis=1) >= clean.mean()]
    level = np.log(np.exp(loud).mean(axis=0)) - ratio * np.log(10) / 10
    flat = np.log(np.exp(spectrum(noise)).mean(axis=0))
    gains = np.exp((level - flat) / 2)
    edges = 1127 * np.log1p(np.array(RANGE) / 700)
    centers = 700 * np.expm1(np.linspace(*edges, 82)[1:-1] / 1127)
    shape = np.interp(np.fft.rfftfreq(len(wave), 1 / 16000), centers, gains)
    shaped = np.fft.irfft(np.fft.rfft(noise) * shape, len(wave)).astype("f4")
    truth = spectrum(wave + shaped)
    made = add_noise(clean, ratio, draws)
    assert np.abs(made.mean(axis=0) - truth.mean(axis=0)).mean() < 0.4
    assert np.corrcoef(made.mean(axis=1), truth.mean(axis=1))[0, 1] > alike


def test_gain_is_a_constant_and_lost_where_frames_are_centered():
    frames = spectrum(voice()).astype("float32")
    generator = torch.Generator().manual_seed(0)
    louder = SpeechPerturbation(speed=0, noise=None, gain=6, centered=False)(frames, generator)
    shift = louder - frames
    assert np.ptp(shift) < 1e-4 and 0 < abs(shift.mean()) <= 6 * np.log(10) / 10
    np.testing.assert_allclose(spectrum(2 * voice()) - spectrum(voice()), np.log(4), atol=1e-3)
    centered = SpeechPerturbation()(frames, generator)
    np.testing.assert_allclose(centered.mean(axis=0), 0, atol=1e-4)


@pytest.mark.parametrize(
    "settings",
    [{"speed": 0, "noise": None, "centered": False}, {"probability": 0.0}],
    ids=["nothing", "never"],
)
def test_it_can_do_nothing(settings):
    frames = spectrum(voice()).astype("float32")
    changed = SpeechPerturbation(**settings)(frames, torch.Generator().manual_seed(0))
    np.testing.assert_array_equal(changed, frames)


@pytest.mark.parametrize("frames", [np.zeros((1, 8)), np.zeros((0, 8)), np.full((30, 8), -15.9)])
def test_odd_clips_survive(frames):
    changed = SpeechPerturbation()(frames.astype("f4"), torch.Generator().manual_seed(0))
    assert np.isfinite(changed).all() and (len(changed) > 0) == (len(frames) > 0)


@pytest.mark.parametrize(
    "wrong",
    [
        {"speed": 1.0},
        {"noise": (20.0, 10.0)},
        {"gain": -1.0},
        {"gain": 3.0},
        {"probability": 1.5},
        {"frequencies": (8000.0, 20.0)},
        {"pitch": 2},
    ],
    ids=str,
)
def test_wrong_numbers_are_named(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        find_perturbation(wrong)
