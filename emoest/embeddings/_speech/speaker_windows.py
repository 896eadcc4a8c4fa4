"""What Resemblyzer's voice encoder hears: level, pauses cut, mel spectra of overlapping stretches.

As in Resemblyzer (``audio.py``, ``voice_encoder.py``; Apache-2.0), but for the cutting of pauses,
which goes by energy here.
"""

from functools import lru_cache

import numpy as np
import scipy.fft
import scipy.ndimage

from emoest.features._functionals import active_frames
from emoest.features._mel import slaney_filters
from emoest.media.audio import Signal
from emoest.nets.voice_encoder import N_MELS, PARTIAL_FRAMES
from emoest.utils.typing import Floats32

RATE = 16_000
STEP = 160
"""Samples from one frame to the next, 10 ms."""

WINDOW = 400

LEVEL_DB = -30.0
"""Quieter signals are raised to this power re full scale."""

COVERAGE = 0.75
"""The last stretch counts if the signal fills this proportion of it."""

# Window, moving average and longest silence kept are those of the original's hyperparameters.
_PAUSE_WINDOW = 480
_SMOOTHING = 8
_KEPT_WINDOWS = 7
_TINY = 1e-12


def raise_level(signal: Signal) -> Signal:
    """Scale a quiet signal up to -30 dB; leave a loud one, and silence, as it is.

    Examples
    --------
    >>> raised = raise_level(np.full(4, 0.001, dtype=np.float32))
    >>> round(20 * float(np.log10(raised[0])), 3)
    -30.0
    """
    power = float(np.mean(signal.astype(np.float64) ** 2))
    if power == 0.0:
        return signal
    change = LEVEL_DB - 10.0 * np.log10(power)
    return signal if change < 0 else signal * np.float32(10.0 ** (change / 20.0))


def cut_pauses(signal: Signal) -> Signal:
    """Shorten pauses of a signal at 16 kHz to about 0.2 s, and leave out silence at both ends.

    Stretches of 30 ms are active when they lie less than 30 dB below the loud ones; this is
    smoothed over 8 stretches and widened by 3 on each side. The signal itself comes back where it
    is shorter than a stretch or nothing in it is active.

    Examples
    --------
    >>> tone = np.sin(np.arange(16000)).astype(np.float32)
    >>> len(cut_pauses(np.concatenate([tone, np.zeros(32000, dtype=np.float32)])))
    17760
    """
    n_stretches = len(signal) // _PAUSE_WINDOW
    if n_stretches == 0:
        return signal
    stretches = signal[: n_stretches * _PAUSE_WINDOW].reshape(n_stretches, _PAUSE_WINDOW)
    energy = 10.0 * np.log10(np.mean(stretches.astype(np.float64) ** 2, axis=1) + _TINY)
    active = active_frames(energy).astype(np.float64)
    smooth = scipy.ndimage.uniform_filter1d(active, _SMOOTHING, mode="constant")
    kept = scipy.ndimage.binary_dilation(smooth > 0.5, np.ones(_KEPT_WINDOWS))
    return stretches[kept].ravel() if kept.any() else signal


def partial_starts(n_samples: int, step: int) -> list[int]:
    """Return the frames at which stretches of a signal start, every `step` frames, at least one.

    The last stretch is left out if the signal fills less than 75 % of it.

    Examples
    --------
    >>> partial_starts(16000, 77), partial_starts(48000, 77)
    ([0], [0, 77, 154])
    """
    n_frames = -(-(n_samples + 1) // STEP)
    starts = list(range(0, max(1, n_frames - PARTIAL_FRAMES + step + 1), step))
    covered = (n_samples - starts[-1] * STEP) / (PARTIAL_FRAMES * STEP)
    return starts[:-1] if covered < COVERAGE and len(starts) > 1 else starts


def mel_partial(signal: Signal, start: int) -> Floats32:
    """Compute the power mel spectrum (160, 40) of the stretch that starts at a frame, at 16 kHz.

    Frames are centered on multiples of 10 ms, with zeros before and behind the signal; periodic
    Hann window of 25 ms, FFT of 400 points, 40 mel bands of Slaney's scale and area.

    Examples
    --------
    >>> mel_partial(np.zeros(16000, dtype=np.float32), 0).shape
    (160, 40)
    """
    first = start * STEP - WINDOW // 2
    last = first + (PARTIAL_FRAMES - 1) * STEP + WINDOW
    part = signal[max(0, first) : last]
    padded = np.pad(part, (max(0, -first), last - max(0, first) - len(part)))
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::STEP]
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW) / WINDOW)
    spectrum = scipy.fft.rfft(frames * hann.astype(np.float32), axis=1)
    power = spectrum.real**2 + spectrum.imag**2
    return np.asarray(power @ _filters(), dtype=np.float32)


@lru_cache(maxsize=1)
def _filters() -> Floats32:
    """Mel bands of Resemblyzer, (201, 40); shared between callers, therefore read-only."""
    bins = np.linspace(0.0, RATE / 2, WINDOW // 2 + 1)
    weights = slaney_filters(bins, N_MELS, RATE / 2).astype(np.float32)
    weights.setflags(write=False)
    return weights
