"""YAMNet's front end: log-mel patches of 0.96 s, cut piece by piece.

As in TensorFlow Models (research/audioset/yamnet, files ``features.py`` and ``params.py``): frames
of 25 ms every 10 ms without padding at the ends, a periodic Hann window, the magnitude of a
512-point FFT, 64 mel bands and the natural logarithm of the band plus 0.001.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import scipy.fft

from emoest.features._mel import YAMNET, mel_matrix
from emoest.utils.typing import Floats32

PATCH_FRAMES = 96
"""Frames in one patch, 0.96 s."""

PATCH_SAMPLES = (PATCH_FRAMES - 1) * YAMNET.step + YAMNET.window


def log_mel(signal: Any) -> Floats32:
    """Compute the log-mel spectrum of a mono signal.

    Parameters
    ----------
    signal : array-like of shape (n_samples,)
        The signal at 16 kHz, in [-1, 1] where the amplitude has a meaning.

    Returns
    -------
    spectrum : ndarray of shape (n_frames, 64), dtype float32
        ``1 + (n_samples - 400) // 160`` frames, none for a signal shorter than 400 samples.

    Examples
    --------
    >>> log_mel(np.zeros(16000)).shape
    (98, 64)
    """
    signal = np.ascontiguousarray(signal, dtype=np.float32)
    if len(signal) < YAMNET.window:
        return np.zeros((0, YAMNET.n_mels), dtype=np.float32)
    frames = np.lib.stride_tricks.sliding_window_view(signal, YAMNET.window)[:: YAMNET.step]
    hann = np.float32(0.5) - np.float32(0.5) * np.cos(
        2 * np.pi * np.arange(YAMNET.window) / YAMNET.window
    ).astype(np.float32)
    magnitude = np.abs(scipy.fft.rfft(frames * hann, YAMNET.n_fft, axis=1))
    return np.log(magnitude @ mel_matrix(YAMNET) + np.float32(YAMNET.offset))


def step_frames(step: float) -> int:
    """Convert the step between patches from seconds to frames.

    Raises
    ------
    ValueError
        If `step` is not a positive multiple of 0.01 s, the step between frames.

    Examples
    --------
    >>> step_frames(0.48)
    48
    """
    of_frame = YAMNET.step / YAMNET.sampling_rate
    n_frames = round(step / of_frame)
    # Seconds such as 0.29 are no exact multiple of 0.01 in binary.
    if n_frames < 1 or abs(n_frames * of_frame - step) > 1e-6:
        raise ValueError(f"step={step} s must be a positive multiple of {of_frame:g} s.")
    return n_frames


def count_patches(n_samples: int, *, step: float = 0.48, padding: bool = True) -> int:
    """Count the patches of a signal; at least one with padding.

    Parameters
    ----------
    n_samples : int
        Length of the signal in samples.
    step : float, default=0.48
        Seconds from one patch to the next.
    padding : bool, default=True
        Whether zeros complete the last patch (YAMNet since August 2020) or samples that fill no
        patch are left out (before).

    Returns
    -------
    n_patches : int

    Examples
    --------
    >>> count_patches(48000), count_patches(48000, padding=False)
    (6, 5)
    """
    rest = n_samples - PATCH_SAMPLES
    n_step = step_frames(step) * YAMNET.step
    if padding:
        return 1 + -(-max(0, rest) // n_step)
    return 1 + rest // n_step if rest >= 0 else 0


def iter_patches(
    blocks: Iterable[Floats32], *, step: float = 0.48, padding: bool = True, batch_size: int = 32
) -> Iterator[Floats32]:
    """Convert blocks of signal into batches of log-mel patches, holding little more than a batch.

    Parameters
    ----------
    blocks : iterable of ndarray of shape (n,)
        The signal in pieces of any length.
    step, padding : float, bool
        See `count_patches`.
    batch_size : int, default=32
        Patches in a batch at the most.

    Yields
    ------
    patches : ndarray of shape (n_patches, 96, 64), dtype float32
        Together `count_patches` patches. Their values do not depend on how the signal was cut.

    Examples
    --------
    >>> [len(batch) for batch in iter_patches([np.zeros(48000)], batch_size=4)]
    [4, 1, 1]
    """
    n_step = step_frames(step) * YAMNET.step
    buffer = np.zeros(0, dtype=np.float32)
    skip = 0
    n_patches = 0
    n_samples = 0
    for block in blocks:
        n_samples += len(block)
        # A step longer than a patch leaves out samples that may not have come yet.
        kept = block[skip:]
        skip -= len(block) - len(kept)
        buffer = np.concatenate([buffer, kept.astype(np.float32, copy=False)])
        while len(buffer) >= PATCH_SAMPLES:
            n = min(batch_size, 1 + (len(buffer) - PATCH_SAMPLES) // n_step)
            yield _patches(buffer[: (n - 1) * n_step + PATCH_SAMPLES], n, n_step)
            skip = max(0, n * n_step - len(buffer))
            buffer = buffer[n * n_step :]
            n_patches += n
    if padding and n_patches < count_patches(n_samples, step=step):
        yield _patches(np.pad(buffer, (0, PATCH_SAMPLES - len(buffer))), 1, n_step)


def _patches(signal: Floats32, n: int, n_step: int) -> Floats32:
    spectrum = log_mel(signal)
    starts = np.arange(n) * (n_step // YAMNET.step)
    return spectrum[starts[:, None] + np.arange(PATCH_FRAMES)]
