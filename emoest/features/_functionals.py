"""Statistics over the frames of a clip: pitch, loudness, spectrum, rhythm and voice quality."""

import numpy as np
import scipy.ndimage
import scipy.signal

from emoest.features._frame_descriptors import N_CEPSTRA, Descriptors
from emoest.utils.typing import Floats, Mask, Rows

VOICING_THRESHOLD = 0.45
"""A frame is voiced when the autocorrelation's peak is at least this high (Boersma 1993)."""

ACTIVE_RANGE_DB = 30.0
"""A frame is active when it lies less than this below the clip's loud frames."""

SILENCE_DB = -70.0
"""Nothing below this level is active, however quiet the clip."""

PAUSE_SECONDS = 0.15
"""A shorter gap between active frames is no pause but a stop consonant."""

SYLLABLE_PROMINENCE_DB = 2.0
"""A peak of the smoothed energy that stands out by this much is a syllable."""

_SEMITONE_REFERENCE = 27.5

SPECTRAL = [
    "zero_crossings",
    "centroid",
    "spread",
    "rolloff",
    "flatness",
    "flux",
    "alpha_ratio",
    "hammarberg",
]
"""Descriptors of the spectrum, each summed up by its mean and standard deviation."""

PITCH = [
    "f0_median",
    "f0_mean",
    "f0_std",
    "f0_p10",
    "f0_p90",
    "f0_range",
    "f0_change",
    "f0_slope",
    "voiced_share",
    "harmonicity_mean",
    "harmonicity_std",
]
LOUDNESS = [
    "energy_mean",
    "energy_std",
    "energy_p10",
    "energy_p50",
    "energy_p90",
    "energy_range",
    "energy_change",
]
CEPSTRA = [f"mfcc_{i + 1:02d}" for i in range(N_CEPSTRA)]
RHYTHM = [
    "syllable_rate",
    "articulation_rate",
    "syllable_interval_std",
    "pause_rate",
    "pause_share",
    "pause_mean",
    "phrase_mean",
    "voiced_segment_rate",
    "voiced_segment_mean",
]
NAMES = (
    *PITCH,
    *LOUDNESS,
    *(f"{name}_{statistic}" for name in SPECTRAL + CEPSTRA for statistic in ("mean", "std")),
    *RHYTHM,
    *("jitter", "shimmer", "hnr_mean", "hnr_std"),
)


def functionals(frames: Descriptors, step: float, changes: Floats) -> Floats:
    """Summarize the frames of one clip.

    Parameters
    ----------
    frames : Descriptors
        The frames.
    step : float
        Distance between frames in seconds.
    changes : ndarray of shape (2,)
        Jitter and shimmer, from `emoest.features._jitter_shimmer.jitter_and_shimmer`.

    Returns
    -------
    values : ndarray of shape (71,)
        In the order of `NAMES`; finite, 0 where a statistic has nothing to be taken over.

    Examples
    --------
    >>> from emoest.features._frame_descriptors import Analysis, describe_frames
    >>> time = np.arange(16000) / 16000
    >>> found = describe_frames([0.3 * (2 * (220 * time % 1) - 1)], Analysis())
    >>> values = dict(zip(NAMES, functionals(found, 0.01, np.zeros(2)), strict=True))
    >>> round(float(values["f0_median"]), 1), float(values["voiced_share"])
    (36.0, 1.0)
    """
    active, voiced = active_frames(frames.energy), voiced_frames(frames)
    hnr = frames.hnr[voiced]
    return np.concatenate(
        [
            _pitch(frames, active, voiced, step),
            _loudness(frames.energy[active], step),
            _spectrum(frames, active),
            _rhythm(frames.energy, active, voiced, step),
            changes,
            [_mean(hnr), _std(hnr)],
        ]
    )


def active_frames(energy: Floats) -> Mask:
    """Find the frames that hold speech rather than a pause, by the loud frames of the same clip.

    Examples
    --------
    >>> active_frames(np.array([-20.0, -25.0, -60.0, -90.0])).tolist()
    [True, True, False, False]
    """
    # Not the maximum: a click would make a pause of all speech.
    loud = np.percentile(energy, 95)
    active: Mask = energy > max(loud - ACTIVE_RANGE_DB, SILENCE_DB)
    return active


def voiced_frames(frames: Descriptors) -> Mask:
    """Find the frames that hold voice: they are active, and near to periodic."""
    return active_frames(frames.energy) & (frames.harmonicity >= VOICING_THRESHOLD)


def run_edges(flags: Mask) -> tuple[Rows, Rows]:
    """Find where each run of True starts, and where it has ended.

    Examples
    --------
    >>> [edges.tolist() for edges in run_edges(np.array([True, True, False, True]))]
    [[0, 3], [2, 4]]
    """
    change = np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8))
    return np.flatnonzero(change == 1), np.flatnonzero(change == -1)


def _pitch(frames: Descriptors, active: Mask, voiced: Mask, step: float) -> Floats:
    semitones = 12.0 * np.log2(frames.f0[voiced] / _SEMITONE_REFERENCE)
    p10, p50, p90 = _percentiles(semitones)
    together = np.flatnonzero(voiced[1:] & voiced[:-1])
    both = 12.0 * np.log2(frames.f0 / _SEMITONE_REFERENCE)
    change = (both[together + 1] - both[together]) / step
    # Half an octave from one frame to the next is a slip of the pitch tracker, not a voice.
    change = change[np.abs(change) < 6.0 / step]
    return np.array(
        [
            p50,
            _mean(semitones),
            _std(semitones),
            p10,
            p90,
            p90 - p10,
            _mean(np.abs(change)),
            _mean(change),
            np.count_nonzero(voiced) / max(1, np.count_nonzero(active)),
            _mean(frames.harmonicity[active]),
            _std(frames.harmonicity[active]),
        ]
    )


def _loudness(energy: Floats, step: float) -> Floats:
    p10, p50, p90 = _percentiles(energy)
    change = _mean(np.abs(np.diff(energy))) / step
    return np.array([_mean(energy), _std(energy), p10, p50, p90, p90 - p10, change])


def _spectrum(frames: Descriptors, active: Mask) -> Floats:
    columns = [*(getattr(frames, name) for name in SPECTRAL), *frames.cepstra.T]
    return np.array([f(column[active]) for column in columns for f in (_mean, _std)])


def _rhythm(energy: Floats, active: Mask, voiced: Mask, step: float) -> Floats:
    seconds = len(energy) * step
    speaking = ~_long_runs(~active, PAUSE_SECONDS / step)
    pauses = _inner_runs(~speaking) * step
    phrases = _runs(speaking) * step
    segments = _runs(voiced) * step
    syllables = _syllables(energy, voiced, step)
    spoken = max(np.count_nonzero(speaking) * step, step)
    intervals = np.diff(syllables) * step
    return np.array(
        [
            len(syllables) / seconds,
            len(syllables) / spoken,
            _std(intervals[intervals < 1.0]),
            len(pauses) / seconds,
            pauses.sum() / seconds,
            _mean(pauses),
            _mean(phrases),
            len(segments) / seconds,
            _mean(segments),
        ]
    )


def _syllables(energy: Floats, voiced: Mask, step: float) -> Rows:
    """Voiced peaks of the energy smoothed over 50 ms."""
    smooth = scipy.ndimage.uniform_filter1d(energy, max(1, round(0.05 / step)), mode="nearest")
    peaks, _ = scipy.signal.find_peaks(
        np.maximum(smooth, SILENCE_DB),
        prominence=SYLLABLE_PROMINENCE_DB,
        distance=max(1, round(0.06 / step)),
    )
    return peaks[voiced[peaks]]


def _runs(flags: Mask) -> Floats:
    """Lengths of the runs of True."""
    starts, stops = run_edges(flags)
    return (stops - starts).astype(np.float64)


def _inner_runs(flags: Mask) -> Floats:
    """Lengths of the runs of True that touch neither end: a pause lies between two phrases."""
    starts, stops = run_edges(flags)
    inner = (starts > 0) & (stops < len(flags))
    return (stops - starts)[inner].astype(np.float64)


def _long_runs(flags: Mask, shortest: float) -> Mask:
    """Keep the runs of True that are at least so long."""
    kept = np.zeros(len(flags), dtype=bool)
    for start, stop in zip(*run_edges(flags), strict=True):
        kept[start:stop] = stop - start >= shortest
    return kept


def _mean(values: Floats) -> float:
    return float(values.mean()) if values.size else 0.0


def _std(values: Floats) -> float:
    return float(values.std()) if values.size else 0.0


def _percentiles(values: Floats) -> tuple[float, float, float]:
    if not values.size:
        return 0.0, 0.0, 0.0
    p10, p50, p90 = np.percentile(values, [10, 50, 90])
    return float(p10), float(p50), float(p90)
