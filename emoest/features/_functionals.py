"""Statistics over the frames of a clip: pitch, loudness, spectrum, rhythm and voice quality."""

from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.ndimage
import scipy.signal

from emoest.features._frame_descriptors import N_CEPSTRA, Descriptors
from emoest.utils.typing import Floats

Flags = npt.NDArray[np.bool_]

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

PITCH = (
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
)
LOUDNESS = (
    "energy_mean",
    "energy_std",
    "energy_p10",
    "energy_p50",
    "energy_p90",
    "energy_range",
    "energy_change",
)
SPECTRUM = tuple(
    f"{name}_{statistic}"
    for name in (
        "zero_crossings",
        "centroid",
        "spread",
        "rolloff",
        "flatness",
        "flux",
        "alpha_ratio",
        "hammarberg",
    )
    for statistic in ("mean", "std")
)
CEPSTRA = tuple(
    f"mfcc_{i + 1:02d}_{statistic}" for i in range(N_CEPSTRA) for statistic in ("mean", "std")
)
RHYTHM = (
    "syllable_rate",
    "articulation_rate",
    "syllable_interval_std",
    "pause_rate",
    "pause_share",
    "pause_mean",
    "phrase_mean",
    "voiced_segment_rate",
    "voiced_segment_mean",
)
QUALITY = ("jitter", "shimmer", "hnr_mean", "hnr_std")
NAMES = (*PITCH, *LOUDNESS, *SPECTRUM, *CEPSTRA, *RHYTHM, *QUALITY)


def functionals(frames: Descriptors, hop: float, changes: Floats) -> Floats:
    """Summarize the frames of one clip.

    Parameters
    ----------
    frames : Descriptors
        The frames.
    hop : float
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
            _pitch(frames, active, voiced, hop),
            _loudness(frames.energy[active], hop),
            _spectrum(frames, active),
            _rhythm(frames.energy, active, voiced, hop),
            changes,
            [_mean(hnr), _std(hnr)],
        ]
    )


def active_frames(energy: Floats) -> Flags:
    """Say which frames hold sound rather than a pause, by the loud frames of the same clip.

    Examples
    --------
    >>> active_frames(np.array([-20.0, -25.0, -60.0, -90.0])).tolist()
    [True, True, False, False]
    """
    loud = np.percentile(energy, 95)
    active: Flags = energy > max(loud - ACTIVE_RANGE_DB, SILENCE_DB)
    return active


def voiced_frames(frames: Descriptors) -> Flags:
    """Say which frames hold voice: they are active, and near to periodic."""
    return active_frames(frames.energy) & (frames.harmonicity >= VOICING_THRESHOLD)


def _pitch(frames: Descriptors, active: Flags, voiced: Flags, hop: float) -> Floats:
    semitones = 12.0 * np.log2(frames.f0[voiced] / _SEMITONE_REFERENCE)
    p10, p50, p90 = _percentiles(semitones)
    together = np.flatnonzero(voiced[1:] & voiced[:-1])
    both = 12.0 * np.log2(frames.f0 / _SEMITONE_REFERENCE)
    steps = (both[together + 1] - both[together]) / hop
    steps = steps[np.abs(steps) < 6.0 / hop]
    return np.array(
        [
            p50,
            _mean(semitones),
            _std(semitones),
            p10,
            p90,
            p90 - p10,
            _mean(np.abs(steps)),
            _mean(steps),
            np.count_nonzero(voiced) / max(1, np.count_nonzero(active)),
            _mean(frames.harmonicity[active]),
            _std(frames.harmonicity[active]),
        ]
    )


def _loudness(energy: Floats, hop: float) -> Floats:
    p10, p50, p90 = _percentiles(energy)
    change = _mean(np.abs(np.diff(energy))) / hop
    return np.array([_mean(energy), _std(energy), p10, p50, p90, p90 - p10, change])


def _spectrum(frames: Descriptors, active: Flags) -> Floats:
    columns: list[Any] = [
        frames.zero_crossings,
        frames.centroid,
        frames.spread,
        frames.rolloff,
        frames.flatness,
        frames.flux,
        frames.alpha_ratio,
        frames.hammarberg,
        *frames.cepstra.T,
    ]
    return np.array([f(column[active]) for column in columns for f in (_mean, _std)])


def _rhythm(energy: Floats, active: Flags, voiced: Flags, hop: float) -> Floats:
    seconds = len(energy) * hop
    speaking = ~_long_runs(~active, PAUSE_SECONDS / hop)
    pauses = _inner_runs(~speaking) * hop
    phrases = _runs(speaking) * hop
    segments = _runs(voiced) * hop
    syllables = _syllables(energy, voiced, hop)
    spoken = max(np.count_nonzero(speaking) * hop, hop)
    intervals = np.diff(syllables) * hop
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


def _syllables(energy: Floats, voiced: Flags, hop: float) -> npt.NDArray[np.intp]:
    """Voiced peaks of the energy smoothed over 50 ms."""
    smooth = scipy.ndimage.uniform_filter1d(energy, max(1, round(0.05 / hop)), mode="nearest")
    peaks, _ = scipy.signal.find_peaks(
        np.maximum(smooth, SILENCE_DB),
        prominence=SYLLABLE_PROMINENCE_DB,
        distance=max(1, round(0.06 / hop)),
    )
    return peaks[voiced[peaks]]


def _edges(flags: Flags) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    padded = np.concatenate([[False], flags, [False]]).astype(np.int8)
    change = np.diff(padded)
    return np.flatnonzero(change == 1), np.flatnonzero(change == -1)


def _runs(flags: Flags) -> Floats:
    """Lengths of the runs of True."""
    starts, stops = _edges(flags)
    return (stops - starts).astype(np.float64)


def _inner_runs(flags: Flags) -> Floats:
    """Lengths of the runs of True that touch neither end: a pause lies between two phrases."""
    starts, stops = _edges(flags)
    inner = (starts > 0) & (stops < len(flags))
    return (stops - starts)[inner].astype(np.float64)


def _long_runs(flags: Flags, shortest: float) -> Flags:
    """Keep the runs of True that are at least so long."""
    kept = np.zeros(len(flags), dtype=bool)
    for start, stop in zip(*_edges(flags), strict=True):
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
