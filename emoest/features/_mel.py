"""Log-mel spectra as plain functions: frames, mel filters, patches, piece by piece.

The defaults are YAMNet's front end (TensorFlow Models, research/audioset/yamnet, files
``features.py`` and ``params.py``): frames of 25 ms every 10 ms without padding at the ends, a
periodic Hann window, the magnitude of a 512-point FFT, 64 mel bands from 125 to 7500 Hz that are
triangles on the mel scale, and the natural logarithm of the band plus 0.001.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.fft

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
PATCH_FRAMES = 96
"""Frames in one patch of YAMNet, 0.96 s."""


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


def log_mel(signal: Any, settings: LogMel = YAMNET) -> Floats32:
    """Log-mel spectrum of a mono signal.

    Parameters
    ----------
    signal : array-like of shape (n_samples,)
        The signal, in [-1, 1] where the amplitude has a meaning.
    settings : LogMel, default=YAMNET
        The spectrum's settings.

    Returns
    -------
    spectrum : ndarray of shape (n_frames, n_mels), dtype float32
        One row per frame; ``1 + (n_samples - window) // step`` frames, none for a signal shorter
        than the window.

    Examples
    --------
    >>> log_mel(np.zeros(16000)).shape
    (98, 64)
    """
    signal = np.ascontiguousarray(signal, dtype=np.float32)
    if len(signal) < settings.window:
        return np.zeros((0, settings.n_mels), dtype=np.float32)
    frames = np.lib.stride_tricks.sliding_window_view(signal, settings.window)[:: settings.step]
    hann = np.float32(0.5) - np.float32(0.5) * np.cos(
        2 * np.pi * np.arange(settings.window) / settings.window
    ).astype(np.float32)
    magnitude = np.abs(scipy.fft.rfft(frames * hann, settings.n_fft, axis=1))
    return np.log(magnitude @ mel_matrix(settings) + np.float32(settings.offset))


def patch_samples(settings: LogMel = YAMNET) -> int:
    """Length of one patch in samples: 15,600 for YAMNet.

    Examples
    --------
    >>> patch_samples()
    15600
    """
    return (PATCH_FRAMES - 1) * settings.step + settings.window


def hop_frames(hop: float, settings: LogMel = YAMNET) -> int:
    """Distance between patches in frames.

    Parameters
    ----------
    hop : float
        The distance in seconds, a multiple of the frame step (0.01 s for YAMNet).
    settings : LogMel, default=YAMNET
        The spectrum's settings.

    Returns
    -------
    n_frames : int

    Raises
    ------
    ValueError
        If `hop` is not a positive multiple of the frame step.

    Examples
    --------
    >>> hop_frames(0.48)
    48
    """
    step = settings.step / settings.sampling_rate
    n_frames = round(hop / step)
    if n_frames < 1 or abs(n_frames * step - hop) > 1e-6:
        raise ValueError(f"hop={hop} s must be a positive multiple of {step:g} s.")
    return n_frames


def count_patches(
    n_samples: int, *, hop: float = 0.48, padding: bool = True, settings: LogMel = YAMNET
) -> int:
    """Count the patches of a signal.

    Parameters
    ----------
    n_samples : int
        Length of the signal in samples.
    hop : float, default=0.48
        Distance between patches in seconds.
    padding : bool, default=True
        Whether zeros complete the last patch (YAMNet since August 2020) or samples that fill no
        patch are left out (before).
    settings : LogMel, default=YAMNET
        The spectrum's settings.

    Returns
    -------
    n_patches : int
        At least 1 with `padding`.

    Examples
    --------
    >>> count_patches(48000), count_patches(48000, padding=False)
    (6, 5)
    """
    rest = n_samples - patch_samples(settings)
    step = hop_frames(hop, settings) * settings.step
    if padding:
        return 1 + -(-max(0, rest) // step)
    return 1 + rest // step if rest >= 0 else 0


def iter_patches(
    blocks: Iterable[Floats32],
    *,
    hop: float = 0.48,
    padding: bool = True,
    batch_size: int = 32,
    settings: LogMel = YAMNET,
) -> Iterator[Floats32]:
    """Turn blocks of signal into batches of log-mel patches, holding little more than a batch.

    Parameters
    ----------
    blocks : iterable of ndarray of shape (n,)
        The signal in pieces of any length.
    hop : float, default=0.48
        Distance between patches in seconds.
    padding : bool, default=True
        See `count_patches`.
    batch_size : int, default=32
        Patches in a batch at the most.
    settings : LogMel, default=YAMNET
        The spectrum's settings.

    Yields
    ------
    patches : ndarray of shape (n_patches, 96, n_mels), dtype float32
        Together `count_patches` patches. Their values do not depend on how the signal was cut.

    Examples
    --------
    >>> [len(batch) for batch in iter_patches([np.zeros(48000)], batch_size=4)]
    [4, 1, 1]
    """
    size = patch_samples(settings)
    step = hop_frames(hop, settings) * settings.step
    buffer = np.zeros(0, dtype=np.float32)
    skip = 0
    n_patches = 0
    n_samples = 0
    for block in blocks:
        n_samples += len(block)
        kept = block[skip:]
        skip -= len(block) - len(kept)
        buffer = np.concatenate([buffer, kept.astype(np.float32, copy=False)])
        while len(buffer) >= size:
            n = min(batch_size, 1 + (len(buffer) - size) // step)
            yield _patches(buffer[: (n - 1) * step + size], n, step, settings)
            skip = max(0, n * step - len(buffer))
            buffer = buffer[n * step :]
            n_patches += n
    if padding and n_patches < count_patches(n_samples, hop=hop, settings=settings):
        yield _patches(np.pad(buffer, (0, size - len(buffer))), 1, step, settings)


def _patches(signal: Floats32, n: int, step: int, settings: LogMel) -> Floats32:
    spectrum = log_mel(signal, settings)
    starts = np.arange(n) * (step // settings.step)
    return spectrum[starts[:, None] + np.arange(PATCH_FRAMES)]
