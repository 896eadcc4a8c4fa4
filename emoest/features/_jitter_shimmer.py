"""Jitter and shimmer from single periods of the voice, as plain functions of arrays.

The signal is followed from period to period: what surrounds a mark is looked for again one period
later, and the distance is the length of the period (waveform matching). A signal is read piece by
piece, one stretch of voice at a time.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import scipy.signal

from emoest.features._frame_descriptors import Analysis
from emoest.features._functionals import run_edges
from emoest.utils.typing import Floats, Mask

MAX_SECONDS = 10.0
"""A longer stretch of voice is followed in parts."""

SEARCH_RANGE = 0.2
"""A period is looked for within this proportion around the one that the pitch says."""

MIN_SIMILARITY = 0.5
"""Two periods whose correlation is lower are not neighbors."""

MAX_PERIOD_FACTOR = 1.3
MAX_AMPLITUDE_FACTOR = 1.6
"""Neighbors that differ by more than these are left out, as Praat does."""

RMS_PERIODS = 0.2
"""How far an amplitude reaches to each side of its mark, in periods; wider, neighbors share it."""

_FINE = 4
_TINY = 1e-12


def jitter_and_shimmer(
    blocks: Iterable[Any], f0: Floats, voiced: Mask, settings: Analysis
) -> Floats:
    """Measure how the length and the amplitude change from one period of the voice to the next.

    Parameters
    ----------
    blocks : iterable of ndarray of shape (n_samples,)
        The signal's blocks, in order, at ``settings.sampling_rate``.
    f0 : ndarray of shape (n_frames,)
        Fundamental frequency of each frame in Hz.
    voiced : ndarray of bool of shape (n_frames,)
        Which frames are voiced.
    settings : Analysis
        The settings with which the frames were cut.

    Returns
    -------
    percent : ndarray of shape (2,)
        Local jitter, the mean absolute difference between the lengths of neighboring periods over
        their mean length, and local shimmer, the same for their amplitudes; in percent. 0 where no
        two periods follow each other, as in silence and noise.

    Notes
    -----
    The definitions are those of Praat's local jitter and local shimmer (Boersma and Weenink); an
    amplitude is the root mean square under a Hann window of a fifth of a period to each side. How
    periods are found is this module's own, so values differ from Praat's.

    Examples
    --------
    >>> time = np.arange(16000) / 16000
    >>> buzz = np.sin(2 * np.pi * 200 * time) + 0.5 * np.sin(2 * np.pi * 400 * time)
    >>> f0, voiced = np.full(97, 200.0), np.ones(97, dtype=bool)
    >>> jitter_and_shimmer([buzz], f0, voiced, Analysis()).round(2).tolist()
    [0.0, 0.0]
    """
    stretches = list(_stretches(voiced, settings))
    margin = 2 * settings.lags[1]
    bounds = [(max(0, start - margin), stop + margin) for start, stop in stretches]
    lags = settings.sampling_rate / f0
    centers = settings.window / 2 + settings.step * np.arange(len(lags))
    lengths, heights = _Changes(MAX_PERIOD_FACTOR), _Changes(MAX_AMPLITUDE_FACTOR)
    for (start, stop), (first, _), signal in zip(
        stretches, bounds, _slices(blocks, bounds), strict=True
    ):
        if len(signal) <= start - first:
            continue
        periods = np.interp(first + np.arange(len(signal)), centers, lags)
        marks, similar = follow_periods(signal, periods, start - first, stop - first)
        together = similar >= MIN_SIMILARITY
        lengths.add(np.diff(marks), together[1:] & together[:-1])
        heights.add(_amplitudes(signal, marks, periods), together)
    return np.array([100.0 * lengths.ratio(), 100.0 * heights.ratio()])


def follow_periods(signal: Floats, periods: Floats, start: int, stop: int) -> tuple[Floats, Floats]:
    """Mark the periods of a voiced stretch, from its strongest sample in both directions.

    Parameters
    ----------
    signal : ndarray of shape (n_samples,)
        The stretch and what stands around it.
    periods : ndarray of shape (n_samples,)
        Length of a period in samples, as the pitch says, at each sample.
    start, stop : int
        Where the stretch begins and ends.

    Returns
    -------
    marks : ndarray of shape (n_marks,)
        Positions in samples, with fractions; at least one.
    similar : ndarray of shape (n_marks - 1,)
        Correlation of each mark's surroundings with those of the next.
    """
    signal = signal - signal.mean()
    fine = scipy.signal.resample_poly(signal, _FINE, 1)
    mirrored = np.pad(fine[: 1 - _FINE][::-1], (0, _FINE - 1))
    middle = start + int(np.argmax(np.abs(signal[start:stop])))
    last = len(signal) - 1
    right, alike_right = _follow(fine, periods, middle, stop)
    left, alike_left = _follow(mirrored, periods[::-1], last - middle, last + 1 - start)
    marks = np.concatenate([last - left[:0:-1], right])
    return marks, np.concatenate([alike_left[::-1], alike_right])


def _follow(fine: Floats, periods: Floats, start: int, stop: int) -> tuple[Floats, Floats]:
    """Follow the periods to the right while what is compared lies within the signal."""
    phases = fine.reshape(-1, _FINE)
    energy = np.pad(np.cumsum(phases**2, axis=0), ((1, 0), (0, 0)))
    signal = np.ascontiguousarray(phases[:, 0])
    marks, similar = [float(start)], []
    while True:
        at = round(marks[-1])
        period = float(periods[min(at, len(periods) - 1)])
        half = max(2, int(period / 2))
        low, high = int(period * (1 - SEARCH_RANGE)), int(period * (1 + SEARCH_RANGE)) + 1
        if at < half or at + high + half + 2 > len(signal) or at + low >= stop:
            break
        template = signal[at - half : at + half + 1]
        first, width = at + low - half, len(template)
        products = np.correlate(signal[first : at + high + half + 1], template)
        powers = energy[first + width :, 0][: len(products)] - energy[first:, 0][: len(products)]
        coarse = int(np.argmax(products / np.sqrt(powers + _TINY)))
        shift, height = _refine(template, phases, energy, first + coarse)
        marks.append(marks[-1] + low + coarse + shift)
        similar.append(height if 0 < coarse < len(products) - 1 else 0.0)
    return np.array(marks), np.array(similar)


def _refine(template: Floats, phases: Floats, energy: Floats, first: int) -> tuple[float, float]:
    """Shift that fits best within a sample around `first`, on a finer grid, and its correlation."""
    rows = range(first - 1, first + 2)
    width = len(template)
    products = np.concatenate([template @ phases[row : row + width] for row in rows])
    powers = (energy[first - 1 + width : first + 2 + width] - energy[first - 1 : first + 2]).ravel()
    heights = products / np.sqrt(powers * (template @ template) + _TINY)
    i = min(max(int(np.argmax(heights[: 2 * _FINE + 1])), 1), 2 * _FINE)
    left, top, right = heights[i - 1 : i + 2].tolist()
    bend = min(left - 2.0 * top + right, -_TINY)
    shift = min(max(0.5 * (left - right) / bend, -0.5), 0.5)
    return (i + shift) / _FINE - 1.0, top


def _amplitudes(signal: Floats, marks: Floats, periods: Floats) -> Floats:
    """Root mean square around each mark, under a Hann window of `RMS_PERIODS` to each side."""
    nearest = np.clip(np.rint(marks), 0, len(signal) - 1).astype(np.intp)
    reach = np.maximum(RMS_PERIODS * periods[nearest], 1.0)
    widest = int(np.ceil(reach.max()))
    places = nearest[:, None] + np.arange(-widest, widest + 1)
    away = np.abs(places - marks[:, None]) / reach[:, None]
    is_inside = (away < 1.0) & (places >= 0) & (places < len(signal))
    weights = np.where(is_inside, 0.5 + 0.5 * np.cos(np.pi * np.minimum(away, 1.0)), 0.0)
    values = signal[np.clip(places, 0, len(signal) - 1)] ** 2
    mean: Floats = np.sqrt((weights * values).sum(axis=1) / np.maximum(weights.sum(axis=1), _TINY))
    return mean


class _Changes:
    """Sums over neighbors: of their values and of the differences between them."""

    def __init__(self, factor: float) -> None:
        self.factor = factor
        self.difference = self.value = 0.0

    def add(self, values: Floats, together: Mask) -> None:
        """Add the neighbors among `values` that belong together and are not too far apart."""
        left, right = values[:-1], values[1:]
        near = np.maximum(left, right) < self.factor * np.minimum(left, right)
        left, right = left[near & together], right[near & together]
        self.difference += float(np.abs(right - left).sum())
        self.value += float((left + right).sum() / 2)

    def ratio(self) -> float:
        """Mean difference over mean value; 0 if there was none."""
        return self.difference / self.value if self.value else 0.0


def _stretches(voiced: Mask, settings: Analysis) -> Iterator[tuple[int, int]]:
    """Samples from which runs of voiced frames reach to which, in parts of `MAX_SECONDS`."""
    most = max(1, round(MAX_SECONDS / settings.step_seconds))
    offset = (settings.window - settings.step) // 2
    for first, last in zip(*run_edges(voiced), strict=True):
        for part in range(int(first), int(last), most):
            end = min(part + most, int(last))
            yield offset + part * settings.step, offset + end * settings.step


def _slices(blocks: Iterable[Any], bounds: Sequence[tuple[int, int]]) -> Iterator[Floats]:
    """Cut rising, perhaps overlapping parts out of a signal that comes in blocks."""
    blocks = iter(blocks)
    held = np.zeros(0)
    first = 0
    for start, stop in bounds:
        while first + len(held) < stop and (block := next(blocks, None)) is not None:
            skipped = min(max(0, start - first), len(held))
            held = np.concatenate([held[skipped:], np.asarray(block, dtype=np.float64)])
            first += skipped
        yield held[max(0, start - first) : stop - first]
