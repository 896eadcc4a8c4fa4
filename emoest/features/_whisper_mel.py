"""Whisper's log-mel spectra, computed in torch for the part of a window that holds sound.

Frames of 400 samples every 160, centered (the start is reflected, the end is followed by zeros),
a Hann window, power, Slaney's mel bands from 0 to 8 kHz, the base-10 logarithm floored at
1e-10 and at 8 below the clip's largest value, then ``(x + 4) / 4``.
"""

from functools import lru_cache

import numpy as np

from emoest.features._mel import slaney_filters
from emoest.utils.typing import Floats, Floats32

RATE = 16_000
WINDOW_SECONDS = 30
"""Seconds that Whisper's encoder has positions for."""

SAMPLES_PER_POSITION = 320
"""Samples from one frame of the encoder to the next; each comes from two of the spectrum."""

_N_FFT = 400
_STEP = 160
_FLOOR = 1e-10
_RANGE = 8.0


def count_positions(n_samples: int) -> int:
    """Count the encoder's frames that hold samples of the clip.

    Examples
    --------
    >>> count_positions(1), count_positions(320), count_positions(321)
    (1, 1, 2)
    """
    return -(-n_samples // SAMPLES_PER_POSITION)


def whisper_log_mel(signal: Floats32, n_mels: int = 80, *, padded: bool = False) -> Floats32:
    """Log-mel spectrum of at most 30 s of sound.

    Parameters
    ----------
    signal : ndarray of shape (n_samples,), dtype float32
        Mono signal in [-1, 1] at 16 kHz.
    n_mels : int, default=80
        Number of mel bands.
    padded : bool, default=False
        Whether silence fills the spectrum to 30 s, as in transformers.

    Returns
    -------
    spectrum : ndarray of shape (n_mels, n_frames), dtype float32
        Two frames a position of the encoder, 3000 if `padded`.

    Examples
    --------
    >>> whisper_log_mel(np.zeros(16000, dtype=np.float32)).shape
    (80, 100)
    """
    import torch

    whole = WINDOW_SECONDS * RATE
    n_frames = 2 * count_positions(len(signal))
    # What the last frames see behind the clip is silence, unless the clip fills the window.
    n_samples = max(len(signal), min(n_frames * _STEP + 2 * _N_FFT, whole))
    samples = torch.zeros(n_samples, dtype=torch.float64)
    samples[: len(signal)] = torch.from_numpy(np.array(signal, dtype=np.float64))
    taper = torch.hann_window(_N_FFT, dtype=torch.float64)
    spectrum = torch.stft(samples, _N_FFT, _STEP, window=taper, return_complex=True)
    n_computed = min(spectrum.shape[1] - 1, n_frames + 4) if padded else n_frames
    spectrum = spectrum[:, :n_computed]
    power = spectrum.real.square() + spectrum.imag.square()
    bands = torch.from_numpy(_filters(n_mels)) @ power
    logs = torch.log10(bands.clamp_min(_FLOOR))
    floor = logs.max() - _RANGE
    shape = (n_mels, whole // _STEP if padded else n_frames)
    filled = torch.full(shape, float(np.log10(_FLOOR)), dtype=torch.float64)
    filled[:, :n_computed] = logs
    scaled: Floats32 = ((torch.maximum(filled, floor) + 4.0) / 4.0).float().numpy()
    return scaled


@lru_cache(maxsize=4)
def _filters(n_mels: int) -> Floats:
    bins = np.linspace(0.0, RATE / 2, _N_FFT // 2 + 1)
    return np.ascontiguousarray(slaney_filters(bins, n_mels, RATE / 2).T)
