"""Mel scales and mel filters, and the parameters of a log-mel spectrum.

The defaults are YAMNet's front end (TensorFlow Models, research/audioset/yamnet, files
``features.py`` and ``params.py``): frames of 25 ms every 10 ms, a 512-point FFT and 64 mel bands
from 125 to 7500 Hz that are triangles on the mel scale.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from emoest.utils.typing import Floats, Floats32


@dataclass(frozen=True)
class LogMel:
    """Parameters of a log-mel spectrum.

    Parameters
    ----------
    sampling_rate : int, default=16000
        Rate in Hz of the signal.
    window, step : int, default=400, 160
        Length of a frame and distance between frames, in samples.
    n_fft : int, default=512
        Length of the FFT; frames are padded with zeros at their end.
    n_mels : int, default=64
        Number of mel bands.
    f_min, f_max : float, default=125.0, 7500.0
        Lower edge of the first band and upper edge of the last one, in Hz.
    offset : float, default=0.001
        Added before the logarithm.
    """

    sampling_rate: int = 16000
    window: int = 400
    step: int = 160
    n_fft: int = 512
    n_mels: int = 64
    f_min: float = 125.0
    f_max: float = 7500.0
    offset: float = 0.001


YAMNET = LogMel()


def hertz_to_mel(frequency: Any) -> Floats:
    """Convert Hz to mel on the HTK scale, ``1127 ln(1 + f / 700)``.

    Examples
    --------
    >>> float(hertz_to_mel(1000.0).round(3))
    999.991
    """
    return 1127.0 * np.log1p(np.asarray(frequency, dtype=np.float64) / 700.0)


def htk_filters(bins: Floats, n_mels: int, f_min: float, f_max: float) -> Floats:
    """Weights of FFT bins in triangles that are linear and equally spaced in mel (HTK's scale).

    Parameters
    ----------
    bins : ndarray of shape (n_bins,)
        Frequencies of the bins in Hz.
    n_mels : int
        Number of triangles.
    f_min, f_max : float
        Lower edge of the first and upper edge of the last, in Hz.

    Returns
    -------
    weights : ndarray of shape (n_bins, n_mels)
        Not normalized by area.

    Examples
    --------
    >>> htk_filters(np.array([0.0, 500.0, 1000.0]), 1, 0.0, 1000.0).round(3).ravel().tolist()
    [0.0, 0.785, 0.0]
    """
    edges = np.linspace(*hertz_to_mel([f_min, f_max]), n_mels + 2)
    return _triangles(hertz_to_mel(bins), edges)


def slaney_filters(bins: Floats, n_mels: int, f_max: float) -> Floats:
    """Weights of FFT bins in triangles of equal area on Slaney's mel scale, linear below 1 kHz.

    The parameters are those of `htk_filters`; the first triangle starts at 0 Hz, and `f_max` is
    1000 Hz at least.

    Examples
    --------
    >>> slaney_filters(np.array([0.0, 500.0, 1000.0]), 1, 1000.0).ravel().tolist()
    [0.0, 0.002, 0.0]
    """
    linear, log_step = 3.0 / 200.0, np.log(6.4) / 27.0
    top = 15.0 + np.log(f_max / 1000.0) / log_step
    mel = np.linspace(0.0, top, n_mels + 2)
    edges = np.where(mel < 15.0, mel / linear, 1000.0 * np.exp(log_step * (mel - 15.0)))
    # Slaney's triangles are linear in Hz, HTK's in mel: only their edges stand on the mel scale.
    return _triangles(bins, edges) * (2.0 / (edges[2:] - edges[:-2]))


def _triangles(points: Floats, edges: Floats) -> Floats:
    """Heights of triangles at points of their axis, (n_points,) to (n_points, n_edges - 2)."""
    left, center, right = edges[:-2], edges[1:-1], edges[2:]
    rising = (points[:, None] - left) / (center - left)
    falling = (right - points[:, None]) / (right - center)
    return np.maximum(0.0, np.minimum(rising, falling))


@lru_cache(maxsize=8)
def mel_matrix(settings: LogMel = YAMNET) -> Floats32:
    """Weights of the FFT bins in the mel bands.

    The bands are triangles that are linear in mel, their edges equally spaced in mel, not
    normalized by area; the constant bin has no weight.

    Parameters
    ----------
    settings : LogMel, default=YAMNET
        The spectrum's settings.

    Returns
    -------
    weights : ndarray of shape (n_fft // 2 + 1, n_mels), dtype float32
        Shared between callers, therefore read-only.

    Examples
    --------
    >>> mel_matrix().shape, mel_matrix().sum(axis=0)[:2].round(4).tolist()
    ((257, 64), [0.9477..., 0.9854...])
    """
    bins = np.linspace(0, settings.sampling_rate / 2, settings.n_fft // 2 + 1)
    weights = htk_filters(bins, settings.n_mels, settings.f_min, settings.f_max).astype(np.float32)
    weights.setflags(write=False)
    return weights
