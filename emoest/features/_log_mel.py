"""Numerics of log-mel spectra in torch, for many signals at once, by two conventions.

Kaldi's: frames of the signal in the range of int16, each less its mean, pre-emphasized and
windowed; the power of its FFT; mel bands; the natural logarithm, floored at the float32 epsilon.
YAMNet's: magnitude instead of power, no mean, emphasis or scaling, and 0.001 added before the
logarithm. Both give ``1 + (n_samples - window) // step`` frames and never pad the ends.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from emoest.features._mel import YAMNET, LogMel, mel_matrix
from emoest.utils.typing import Array, Floats, Floats32

CHUNK_FRAMES = {"cpu": 64, "accelerator": 16384}
"""Frames that are transformed at a time, of one signal or of several: so many fit into a CPU's
cache, or keep an accelerator busy."""

SHAPES = ("hamming", "hann", "povey")

# Kaldi computes on samples in the range of 16 bits; its floor would swallow scaled ones.
_INT16 = 32768.0
_SLIDING_FRAMES = 300


@dataclass(frozen=True)
class Filterbank:
    """Parameters of a log-mel spectrum.

    Parameters
    ----------
    mel : LogMel
        Rate, frames, FFT, bands, and the offset that YAMNet adds before the logarithm.
    kaldi : bool
        Kaldi's convention, else YAMNet's.
    shape : {"hamming", "hann", "povey"}
        The window. Kaldi's are symmetric (divisor: length less one), YAMNet's is periodic.
    preemphasis : float
        Proportion of the sample before that is subtracted from each sample of a frame.
    cmn : {"utterance", "sliding", "none"}
        What mean over time each band loses: that of the signal, that of the 300 frames around, or
        none.
    """

    mel: LogMel
    kaldi: bool = True
    shape: str = "hamming"
    preemphasis: float = 0.97
    cmn: str = "utterance"


KALDI_80 = Filterbank(LogMel(n_mels=80, f_min=20.0, f_max=8000.0, offset=0.0))
"""80 bands from 20 Hz to 8 kHz: the front end of public VoxCeleb ResNet weights."""

YAMNET_64 = Filterbank(YAMNET, kaldi=False, shape="hann", preemphasis=0.0, cmn="none")
"""YAMNet's front end."""


def count_frames(n_samples: int, settings: LogMel) -> int:
    """Count the frames of a signal.

    Examples
    --------
    >>> count_frames(16000, LogMel()), count_frames(399, LogMel())
    (98, 0)
    """
    return max(0, 1 + (n_samples - settings.window) // settings.step)


def log_mel_spectra(
    signals: Sequence[Array], settings: Filterbank = KALDI_80, *, device: str = "cpu"
) -> list[Floats32]:
    """Log-mel spectra of signals of any lengths; the frames of all go through torch together.

    It computes in double precision, so that the values depend neither on what else is in the batch
    nor, between the bands of a pure tone, on the rounding of an FFT.

    Parameters
    ----------
    signals : sequence of ndarray of shape (n_samples,)
        Mono signals in [-1, 1].
    settings : Filterbank, default=KALDI_80
        The settings.
    device : str, default="cpu"
        Where torch computes.

    Returns
    -------
    spectra : list of ndarray of shape (n_frames, n_mels), dtype float32
        `count_frames` frames each; none for a signal shorter than the window.

    Examples
    --------
    >>> [len(spectrum) for spectrum in log_mel_spectra([np.zeros(16000), np.zeros(300)])]
    [98, 0]
    """
    import torch

    mel = settings.mel
    weights = torch.from_numpy(mel_matrix(mel).astype(np.float64)).to(device)
    taper = torch.from_numpy(_taper(settings)).to(device)
    parts = [
        _spectrum(frames.to(device).double(), taper, weights, settings).float().cpu()
        for frames in _chunks(signals, mel, "cpu" if device == "cpu" else "accelerator")
    ]
    stacked = torch.cat(parts).numpy() if parts else np.zeros((0, mel.n_mels), np.float32)
    counts = [count_frames(len(signal), mel) for signal in signals]
    spectra = np.split(stacked, np.cumsum(counts))[:-1]
    return [subtract_mean(spectrum, settings.cmn).astype(np.float32) for spectrum in spectra]


def subtract_mean(spectrum: Array, cmn: str, window: int = _SLIDING_FRAMES) -> Array:
    """Subtract each band's mean over time.

    Parameters
    ----------
    spectrum : ndarray of shape (n_frames, n_mels)
        A log-mel spectrum.
    cmn : {"utterance", "sliding", "none"}
        The mean over all frames, over `window` frames around each (moved inwards at the ends, as
        Kaldi does), or none.
    window : int, default=300
        Frames in the sliding window; 300 are 3 s at Kaldi's step.

    Returns
    -------
    normalized : ndarray of shape (n_frames, n_mels)

    Examples
    --------
    >>> subtract_mean(np.array([[0.0], [3.0], [9.0]]), "sliding", window=2).ravel().tolist()
    [-1.5, 1.5, 3.0]
    """
    n_frames = len(spectrum)
    if cmn == "none" or n_frames == 0:
        return spectrum
    # Running sums of values far from zero would lose digits.
    centered = spectrum - spectrum.mean(axis=0, dtype=np.float64).astype(spectrum.dtype)
    if cmn == "utterance" or n_frames <= window:
        return centered
    start = np.clip(np.arange(n_frames) - window // 2, 0, n_frames - window)
    sums = np.vstack(
        [np.zeros((1, centered.shape[1])), np.cumsum(centered, axis=0, dtype=np.float64)]
    )
    return centered - (sums[start + window] - sums[start]) / window


def _taper(settings: Filterbank) -> Floats:
    window = settings.mel.window
    period = window - 1 if settings.kaldi else window
    cosine = np.cos(2 * np.pi * np.arange(window) / period)
    if settings.shape == "hamming":
        return 0.54 - 0.46 * cosine
    hann = 0.5 - 0.5 * cosine
    # Kaldi's "povey" window: a Hann window to this power, so that it resembles Hamming's.
    return hann if settings.shape == "hann" else hann**0.85


def _chunks(signals: Sequence[Array], mel: LogMel, kind: str) -> Iterator[Any]:
    """Cut signals into frames and give them, those of short signals together, chunk by chunk."""
    import torch

    size = CHUNK_FRAMES[kind]
    held, n_held = [], 0
    for signal in signals:
        n_frames = count_frames(len(signal), mel)
        if n_frames == 0:
            continue
        # A copy, since torch warns of arrays that may not be written to.
        samples = torch.from_numpy(np.array(signal, dtype=np.float32))
        for frames in samples.unfold(0, mel.window, mel.step).split(size):
            held.append(frames)
            n_held += len(frames)
            if n_held >= size:
                yield torch.cat(held)
                held, n_held = [], 0
    if held:
        yield torch.cat(held)


def _spectrum(frames: Any, taper: Any, weights: Any, settings: Filterbank) -> Any:
    import torch

    if settings.kaldi:
        frames = frames * _INT16
        frames = frames - frames.mean(dim=1, keepdim=True)
    if settings.preemphasis:
        before = torch.cat([frames[:, :1], frames[:, :-1]], dim=1)
        frames = frames - settings.preemphasis * before
    spectrum = torch.fft.rfft(frames * taper, n=settings.mel.n_fft, dim=1)
    power = spectrum.real.square() + spectrum.imag.square()
    if not settings.kaldi:
        return torch.log(power.sqrt() @ weights + settings.mel.offset)
    return torch.log((power @ weights).clamp_min(float(np.finfo(np.float32).eps)))
