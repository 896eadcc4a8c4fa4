"""YAMNet's front end: log-mel patches of 0.96 s, cut piece by piece.

As in TensorFlow Models (research/audioset/yamnet, files ``features.py`` and ``params.py``): frames
of 25 ms every 10 ms without padding at the ends, a periodic Hann window, the magnitude of a
512-point FFT, 64 mel bands and the natural logarithm of the band plus 0.001.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import scipy.fft

from emoest.features._mel import YAMNET, LogMel, mel_matrix
from emoest.utils.typing import Floats32

PATCH_FRAMES = 96
"""Frames in one patch of YAMNet, 0.96 s."""


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


def step_frames(step: float, settings: LogMel = YAMNET) -> int:
    """Distance between patches in frames.

    Parameters
    ----------
    step : float
        The distance in seconds, a multiple of the frame step (0.01 s for YAMNet).
    settings : LogMel, default=YAMNET
        The spectrum's settings.

    Returns
    -------
    n_frames : int

    Raises
    ------
    ValueError
        If `step` is not a positive multiple of the frame step.

    Examples
    --------
    >>> step_frames(0.48)
    48
    """
    of_frame = settings.step / settings.sampling_rate
    n_frames = round(step / of_frame)
    # 0.48 / 0.01 is 47.99...: decimal seconds are not exact in binary.
    if n_frames < 1 or abs(n_frames * of_frame - step) > 1e-6:
        raise ValueError(f"step={step} s must be a positive multiple of {of_frame:g} s.")
    return n_frames


def count_patches(
    n_samples: int, *, step: float = 0.48, padding: bool = True, settings: LogMel = YAMNET
) -> int:
    """Count the patches of a signal.

    Parameters
    ----------
    n_samples : int
        Length of the signal in samples.
    step : float, default=0.48
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
    n_step = step_frames(step, settings) * settings.step
    if padding:
        return 1 + -(-max(0, rest) // n_step)
    return 1 + rest // n_step if rest >= 0 else 0


def iter_patches(
    blocks: Iterable[Floats32],
    *,
    step: float = 0.48,
    padding: bool = True,
    batch_size: int = 32,
    settings: LogMel = YAMNET,
) -> Iterator[Floats32]:
    """Convert blocks of signal into batches of log-mel patches, holding little more than a batch.

    Parameters
    ----------
    blocks : iterable of ndarray of shape (n,)
        The signal in pieces of any length.
    step : float, default=0.48
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
    n_step = step_frames(step, settings) * settings.step
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
            n = min(batch_size, 1 + (len(buffer) - size) // n_step)
            yield _patches(buffer[: (n - 1) * n_step + size], n, n_step, settings)
            skip = max(0, n * n_step - len(buffer))
            buffer = buffer[n * n_step :]
            n_patches += n
    if padding and n_patches < count_patches(n_samples, step=step, settings=settings):
        yield _patches(np.pad(buffer, (0, size - len(buffer))), 1, n_step, settings)


def _patches(signal: Floats32, n: int, step: int, settings: LogMel) -> Floats32:
    spectrum = log_mel(signal, settings)
    starts = np.arange(n) * (step // settings.step)
    return spectrum[starts[:, None] + np.arange(PATCH_FRAMES)]
