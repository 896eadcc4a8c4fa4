"""Mel scales and mel filters, and the parameters of a log-mel spectrum.

The defaults are YAMNet's front end (TensorFlow Models, research/audioset/yamnet, files
``features.py`` and ``params.py``): frames of 25 ms every 10 ms, a 512-point FFT and 64 mel bands
from 125 to 7500 Hz that are triangles on the mel scale.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from emoest.utils.typing import Floats32


@dataclass(frozen=True)
class LogMel:
    """Settings of a log-mel spectrum.

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


def hertz_to_mel(frequency: Any) -> npt.NDArray[np.float64]:
    """Convert Hz to mel on the HTK scale, ``1127 ln(1 + f / 700)``.

    Examples
    --------
    >>> float(hertz_to_mel(1000.0).round(3))
    999.991
    """
    return 1127.0 * np.log1p(np.asarray(frequency, dtype=np.float64) / 700.0)


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
    bins = hertz_to_mel(np.linspace(0, settings.sampling_rate / 2, settings.n_fft // 2 + 1))
    low, high = hertz_to_mel([settings.f_min, settings.f_max])
    edges = np.linspace(low, high, settings.n_mels + 2)
    left, center, right = edges[:-2], edges[1:-1], edges[2:]
    rising = (bins[:, None] - left) / (center - left)
    falling = (right - bins[:, None]) / (right - center)
    weights = np.maximum(0.0, np.minimum(rising, falling)).astype(np.float32)
    weights.setflags(write=False)
    return weights
