"""Voice, energy and spectral shape frame by frame, piece by piece, as plain functions of arrays.

One FFT a frame gives both the spectrum and, by the inverse FFT of the power spectrum, the
autocorrelation in which the fundamental frequency is looked for.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import scipy.fft

from emoest.features._mel import htk_filters
from emoest.utils.typing import Floats

BATCH_FRAMES = 1000
"""Frames that are analyzed at a time, 10 s."""

N_CEPSTRA = 12
N_CANDIDATES = 4
"""Pitches that are considered in each frame."""

_N_BANDS = 26
_TINY = 1e-12
_OCTAVE_COST = 0.02
_JUMP_COST = 0.35
_PITCH_HZ = 1000.0
_ROLLOFF = 0.85
_FINE = 4
# The harmonics-to-noise ratio is kept between -20 and 30 dB: a frame that holds few periods cannot
# tell more.
_RANGE_OF_R = (0.01, 0.999)


@dataclass(frozen=True)
class Analysis:
    """Parameters of the analysis.

    Parameters
    ----------
    sampling_rate : int, default=16000
        Rate in Hz of the signal.
    f0_min, f0_max : float, default=75.0, 500.0
        Range in Hz in which the fundamental frequency is looked for.
    step_seconds : float, default=0.01
        Distance between frames in seconds.
    """

    sampling_rate: int = 16000
    f0_min: float = 75.0
    f0_max: float = 500.0
    step_seconds: float = 0.01

    @property
    def window(self) -> int:
        """Samples in a frame: three periods of the lowest fundamental frequency."""
        return int(np.ceil(3.0 * self.sampling_rate / self.f0_min))

    @property
    def step(self) -> int:
        """Samples between frames."""
        return max(1, round(self.step_seconds * self.sampling_rate))

    @property
    def lags(self) -> tuple[int, int]:
        """Shortest and longest period in samples."""
        longest = int(np.ceil(self.sampling_rate / self.f0_min))
        return max(2, int(self.sampling_rate / self.f0_max)), longest

    @property
    def n_fft(self) -> int:
        """Length of the FFT: no lag that is looked at wraps around."""
        return int(scipy.fft.next_fast_len(self.window + self.lags[1] + 1, real=True))


@dataclass(frozen=True)
class Descriptors:
    """What each frame is like; every array is of shape (n_frames,) unless said otherwise.

    Parameters
    ----------
    f0 : ndarray
        The most likely fundamental frequency in Hz, whether or not the frame is voiced.
    harmonicity : ndarray
        Height of the autocorrelation's peak below about 1 kHz, 0 to 1.
    hnr : ndarray
        Power of the harmonics over power of the noise in dB, over the whole spectrum.
    energy : ndarray
        Mean power in dB re full scale.
    zero_crossings : ndarray
        Zero crossings a second.
    centroid, spread, rolloff : ndarray
        Mean, standard deviation and 85 % point of the spectrum in Hz.
    flatness : ndarray
        Geometric over arithmetic mean of the power spectrum in dB.
    flux : ndarray
        Euclidean distance between the normalized magnitudes of this frame and the last one.
    alpha_ratio : ndarray
        Power of 50 to 1000 Hz over power of 1 to 5 kHz in dB.
    hammarberg : ndarray
        Strongest bin of 0 to 2 kHz over strongest bin of 2 to 5 kHz in dB.
    cepstra : ndarray of shape (n_frames, 12)
        Mel-frequency cepstral coefficients 1 to 12.
    """

    f0: Floats
    harmonicity: Floats
    hnr: Floats
    energy: Floats
    zero_crossings: Floats
    centroid: Floats
    spread: Floats
    rolloff: Floats
    flatness: Floats
    flux: Floats
    alpha_ratio: Floats
    hammarberg: Floats
    cepstra: Floats


def describe_frames(blocks: Iterable[Any], settings: Analysis) -> Descriptors:
    """Describe a signal frame by frame.

    A signal shorter than one frame is padded with zeros to one; otherwise the samples behind the
    last full frame are left out. The result does not depend on how the signal is cut into blocks.

    Parameters
    ----------
    blocks : iterable of ndarray of shape (n_samples,)
        The signal's blocks, in order, at ``settings.sampling_rate``.
    settings : Analysis
        The settings.

    Returns
    -------
    descriptors : Descriptors
        At least one frame.

    Examples
    --------
    >>> time = np.arange(16000) / 16000
    >>> sawtooth = 0.3 * (2 * (200 * time % 1) - 1)
    >>> found = describe_frames([sawtooth], Analysis())
    >>> len(found.f0), float(np.median(found.f0).round())
    (97, 200.0)
    """
    parts: list[dict[str, Floats]] = []
    magnitude = np.zeros((1, settings.n_fft // 2 + 1))
    for frames in _batches(blocks, settings):
        part, magnitude = _describe_batch(frames, magnitude, settings)
        parts.append(part)
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    # The first frame has none before it from which it could differ.
    columns["flux"][0] = 0.0
    lags, heights, ratios = (columns.pop(name) for name in ("lags", "heights", "ratios"))
    path = _track(lags, heights, settings)
    columns["f0"] = settings.sampling_rate / lags[path]
    columns["harmonicity"], columns["hnr"] = heights[path], ratios[path]
    return Descriptors(**columns)


def _batches(blocks: Iterable[Any], settings: Analysis) -> Iterator[Floats]:
    """Cut blocks into frames, `BATCH_FRAMES` at a time, views of shape (n_frames, window)."""
    window, step = settings.window, settings.step
    size = window + (BATCH_FRAMES - 1) * step
    rest = np.zeros(0)
    n_given = 0
    for block in blocks:
        rest = np.concatenate([rest, np.asarray(block, dtype=np.float64)])
        while len(rest) >= size:
            yield _frames(rest[:size], window, step)
            n_given += BATCH_FRAMES
            rest = rest[BATCH_FRAMES * step :]
    if n_given == 0 and len(rest) < window:
        rest = np.pad(rest, (0, window - len(rest)))
    if len(rest) >= window:
        yield _frames(rest, window, step)


def _frames(signal: Floats, window: int, step: int) -> Floats:
    return np.lib.stride_tricks.sliding_window_view(signal, window)[::step]


def _describe_batch(
    frames: Floats, last: Floats, settings: Analysis
) -> tuple[dict[str, Floats], Floats]:
    taper, correlation_of_taper = _taper(settings)
    mean = frames.mean(axis=1, keepdims=True)
    centered = frames - mean
    spectrum = scipy.fft.rfft(centered * taper, settings.n_fft, axis=1)
    power = spectrum.real**2 + spectrum.imag**2
    lags, heights = _candidates(power * _low_pass(settings), correlation_of_taper, settings)
    level = np.mean(centered**2, axis=1)
    signs = np.signbit(centered)
    crossings = np.count_nonzero(signs[:, 1:] != signs[:, :-1], axis=1)
    described = {
        "lags": lags,
        "heights": heights,
        "ratios": _harmonics_to_noise(power, lags, settings),
        "energy": 10.0 * np.log10(level + _TINY),
        "zero_crossings": crossings * settings.sampling_rate / (settings.window - 1),
        **_shape(power, settings),
        "cepstra": _cepstra(power, settings),
    }
    magnitude = np.sqrt(power)
    magnitude /= np.linalg.norm(magnitude, axis=1, keepdims=True) + _TINY
    steps = np.diff(np.concatenate([last, magnitude]), axis=0)
    described["flux"] = np.linalg.norm(steps, axis=1)
    return described, magnitude[-1:]


@lru_cache(maxsize=8)
def _taper(settings: Analysis) -> tuple[Floats, Floats]:
    """The Hann window and its normalized autocorrelation up to the longest lag and one more."""
    taper = 0.5 - 0.5 * np.cos(2 * np.pi * (np.arange(settings.window) + 0.5) / settings.window)
    power = np.abs(scipy.fft.rfft(taper, settings.n_fft)) ** 2
    correlation = scipy.fft.irfft(power, settings.n_fft)[: settings.lags[1] + 2]
    return taper, correlation / correlation[0]


@lru_cache(maxsize=8)
def _taper_correlation(settings: Analysis) -> Floats:
    """The normalized autocorrelation of the Hann window on the finer grid of lags."""
    taper, _ = _taper(settings)
    power = np.abs(scipy.fft.rfft(taper, settings.n_fft)) ** 2
    fine = scipy.fft.irfft(power, _FINE * settings.n_fft)[: _FINE * (settings.lags[1] + 2)]
    return fine / fine[0]


@lru_cache(maxsize=8)
def _low_pass(settings: Analysis) -> Floats:
    """Weights of the power where the pitch is looked for: high harmonics drift apart first."""
    hertz = scipy.fft.rfftfreq(settings.n_fft, 1.0 / settings.sampling_rate)
    return 1.0 / (1.0 + (hertz / _PITCH_HZ) ** 2) ** 2


def _candidates(power: Floats, of_taper: Floats, settings: Analysis) -> tuple[Floats, Floats]:
    """The highest peaks of the autocorrelation: their lags in samples and their heights.

    The autocorrelation of the tapered frame is divided by that of the taper, and peaks are refined
    by a parabola (Boersma 1993, "Accurate short-term analysis of the fundamental frequency and the
    harmonics-to-noise ratio of a sampled sound", IFA Proceedings 17, pages 97-110).
    """
    shortest, longest = settings.lags
    correlation = scipy.fft.irfft(power, settings.n_fft, axis=1)[:, : longest + 2]
    correlation = correlation / (correlation[:, :1] + _TINY) / of_taper
    region = correlation[:, shortest - 1 : longest + 2]
    inner = region[:, 1:-1]
    is_peak = (inner >= region[:, :-2]) & (inner > region[:, 2:])
    octaves = np.log2(np.arange(shortest, longest + 1) / shortest)
    strength = np.where(is_peak, inner - _OCTAVE_COST * octaves, -1.0)
    best = np.argpartition(-strength, N_CANDIDATES, axis=1)[:, :N_CANDIDATES]
    left, top, right = (np.take_along_axis(region, best + k, axis=1) for k in range(3))
    curvature = np.minimum(left - 2.0 * top + right, -_TINY)
    shift = np.clip(0.5 * (left - right) / curvature, -0.5, 0.5)
    height = np.clip(top - 0.25 * (left - right) * shift, 0.0, 1.0)
    found = np.take_along_axis(is_peak, best, axis=1)
    return shortest + best + np.where(found, shift, 0.0), np.where(found, height, 0.0)


def _harmonics_to_noise(power: Floats, lags: Floats, settings: Analysis) -> Floats:
    """Power of harmonics over noise in dB, were each lag a period: 10 log10(r / (1 - r)).

    r is the autocorrelation of the whole spectrum within a sample around the lag, interpolated by
    zeros behind the power spectrum, over that of the taper (Boersma 1993, equations 4 and 9).
    """
    n_fine = _FINE * settings.n_fft
    fine = scipy.fft.irfft(power, n_fine, axis=1)
    of_taper = _taper_correlation(settings)
    places = np.rint(lags * _FINE).astype(np.intp)[..., None] + np.arange(-_FINE, _FINE + 1)
    places = np.clip(places, 0, len(of_taper) - 1)
    rows = np.arange(len(lags))[:, None, None]
    near = fine[rows, places] / (fine[:, 0, None, None] + _TINY) / of_taper[places]
    r = np.clip(near.max(axis=2), *_RANGE_OF_R)
    return 10.0 * np.log10(r / (1.0 - r))


def _track(lags: Floats, heights: Floats, settings: Analysis) -> tuple[Any, Any]:
    """Follow the pitch through the candidates of all frames: an index of rows and candidates.

    The path of highest sum of strengths, less a cost of each jump in octaves, weighted by the lower
    of the two heights: across a frame without voice the pitch may go anywhere.
    """
    octaves = np.log2(lags)
    strength = heights - _OCTAVE_COST * (octaves - np.log2(settings.lags[0]))
    highest = heights.max(axis=1)
    cost = _JUMP_COST * np.minimum(highest[1:], highest[:-1])
    jumps = np.abs(octaves[1:, :, None] - octaves[:-1, None, :]) * cost[:, None, None]
    back = np.zeros(lags.shape, dtype=np.intp)
    total = strength[0]
    for i, jump in enumerate(jumps, start=1):
        reached = total - jump
        back[i] = reached.argmax(axis=1)
        total = strength[i] + reached.max(axis=1)
    path = np.zeros(len(lags), dtype=np.intp)
    path[-1] = total.argmax()
    for i in range(len(lags) - 1, 0, -1):
        path[i - 1] = back[i, path[i]]
    return np.arange(len(lags)), path


def _shape(power: Floats, settings: Analysis) -> dict[str, Floats]:
    hertz = scipy.fft.rfftfreq(settings.n_fft, 1.0 / settings.sampling_rate)
    total = power.sum(axis=1) + _TINY
    centroid = power @ hertz / total
    spread = np.sqrt(np.maximum(power @ hertz**2 / total - centroid**2, 0.0))
    below = np.cumsum(power, axis=1)
    rolloff = hertz[np.minimum((below < _ROLLOFF * total[:, None]).sum(axis=1), len(hertz) - 1)]
    geometric = np.log(power + _TINY).mean(axis=1)
    low = power[:, (hertz >= 50) & (hertz < 1000)].sum(axis=1) + _TINY
    high = power[:, (hertz >= 1000) & (hertz < 5000)].sum(axis=1) + _TINY
    low_peak = power[:, hertz < 2000].max(axis=1) + _TINY
    high_peak = power[:, (hertz >= 2000) & (hertz < 5000)].max(axis=1, initial=0.0) + _TINY
    return {
        "centroid": centroid,
        "spread": spread,
        "rolloff": rolloff,
        "flatness": 10.0 / np.log(10.0) * (geometric - np.log(total / power.shape[1])),
        "alpha_ratio": 10.0 * np.log10(low / high),
        "hammarberg": 10.0 * np.log10(low_peak / high_peak),
    }


def _cepstra(power: Floats, settings: Analysis) -> Floats:
    bands = np.log(power @ _mel_filters(settings) + 1e-8)
    return scipy.fft.dct(bands, axis=1, norm="ortho")[:, 1 : N_CEPSTRA + 1]


@lru_cache(maxsize=8)
def _mel_filters(settings: Analysis) -> Floats:
    """Triangles between 20 Hz and half the rate (8 kHz at most), equally spaced in mel (HTK)."""
    hertz = scipy.fft.rfftfreq(settings.n_fft, 1.0 / settings.sampling_rate)
    return htk_filters(hertz, _N_BANDS, 20.0, min(8000.0, settings.sampling_rate / 2))
