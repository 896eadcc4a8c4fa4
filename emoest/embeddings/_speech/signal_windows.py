"""Audio for encoders of raw signals: normalized, in windows, and windows as batches."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from emoest.media.audio import Audio, Signal

OVERLAP = 4
"""Windows overlap by one part in so many of their frames."""

# That of transformers' feature extractors.
_EPSILON = 1e-7


@dataclass(frozen=True)
class Convolutions:
    """How the convolutions of an encoder turn samples into frames.

    Parameters
    ----------
    kernels, strides : sequence of int
        Of each layer, in order.
    """

    kernels: Sequence[int]
    strides: Sequence[int]

    @property
    def step(self) -> int:
        """Samples from one frame to the next."""
        return int(np.prod(self.strides))

    @property
    def field(self) -> int:
        """Samples that one frame sees: the shortest clip that gives a frame.

        Examples
        --------
        >>> Convolutions((10, 3, 3, 3, 3, 2, 2), (5, 2, 2, 2, 2, 2, 2)).field
        400
        """
        size = 1
        for kernel, stride in zip(reversed(self.kernels), reversed(self.strides), strict=True):
            size = (size - 1) * stride + kernel
        return size

    def n_frames(self, n_samples: int) -> int:
        """Count the frames of a clip.

        Examples
        --------
        >>> Convolutions((10, 3, 3, 3, 3, 2, 2), (5, 2, 2, 2, 2, 2, 2)).n_frames(16000)
        49
        """
        return max(0, 1 + (n_samples - self.field) // self.step)


@dataclass(frozen=True)
class SignalWindow:
    """Part of a clip that an encoder sees at once.

    Parameters
    ----------
    signal : ndarray of shape (n_samples,), dtype float32
        The samples.
    own : slice
        The frames of the window that are taken; its neighbors give the others.
    """

    signal: Signal
    own: slice


@dataclass(frozen=True)
class AudioWindows:
    """A recording and the way in which an encoder sees it.

    A recording of more than `window` samples is seen through windows that overlap by a quarter.
    The first half of an overlap is taken from the earlier window and the second from the later
    one, so that no frame stands at the edge of what the encoder sees. It is decoded
    when its windows are asked for, so that memory holds little more than a window.

    Parameters
    ----------
    audio : Audio
        The recording.
    rate : int
        Sampling rate in Hz that the encoder wants.
    window : int
        Samples that it sees at once.
    convolutions : Convolutions
        What makes frames of samples.
    normalize : bool
        Whether the recording is shifted and scaled to mean 0 and variance 1.
    truncate : bool
        Whether only the first `window` samples count.
    """

    audio: Audio
    rate: int
    window: int
    convolutions: Convolutions
    normalize: bool
    truncate: bool

    @property
    def seconds(self) -> float:
        """Seconds of the recording that count."""
        if self.truncate:
            return min(self.audio.seconds, self.window / self.rate)
        return self.audio.seconds

    @property
    def n_samples(self) -> int:
        """About how many samples the encoder is given."""
        return round(self.seconds * self.rate)

    def windows(self) -> Iterator[SignalWindow]:
        """Decode the clip and cut it; the own frames of all windows together are those of the clip.

        A clip too short for one frame, or damaged, raises `ValueError`.
        """
        if self.n_samples <= self.window:
            signal = np.concatenate(list(self._blocks()))
            self._check_length(len(signal))
            mean, scale = self._statistics([signal])
            yield SignalWindow((signal - mean) * scale, slice(0, None))
            return
        mean, scale = self._statistics(self._blocks())
        for part, own in cut_signal(self._blocks(), self.window, self.convolutions):
            yield SignalWindow((part - mean) * scale, own)

    def _blocks(self) -> Iterator[Signal]:
        blocks = self.audio.blocks(self.rate)
        if not self.truncate:
            yield from blocks
            return
        left = self.window
        for block in blocks:
            yield block[:left]
            left -= len(block)
            if left <= 0:
                break

    def _check_length(self, n_samples: int) -> None:
        field = self.convolutions.field
        if n_samples < field:
            raise ValueError(
                f"{self.audio.name} lasts {n_samples / self.rate:.4f} s, which is less than the "
                f"encoder needs for one frame ({field / self.rate:g} s)"
            )

    def _statistics(self, blocks: Iterator[Signal] | list[Signal]) -> tuple[np.float32, np.float32]:
        """What to subtract and what to multiply by, as transformers' feature extractors have it."""
        if not self.normalize:
            return np.float32(0.0), np.float32(1.0)
        # Merged block by block, since the recording is never in memory as a whole.
        n, mean, deviation = 0, 0.0, 0.0
        for block in blocks:
            of_block = float(block.mean(dtype=np.float64))
            shift = of_block - mean
            total = n + len(block)
            deviation += float(((block - of_block) ** 2).sum(dtype=np.float64))
            deviation += shift**2 * n * len(block) / total
            mean += shift * len(block) / total
            n = total
        return np.float32(mean), np.float32(1.0 / np.sqrt(deviation / n + _EPSILON))


def cut_signal(
    blocks: Iterator[Signal], window: int, convolutions: Convolutions
) -> Iterator[tuple[Signal, slice]]:
    """Cut a signal into overlapping windows and divide its frames among them.

    The signal comes in blocks of any length, a window has `window` samples, the last may have
    fewer. With each window comes the slice of its frames that stand for the signal's.

    Examples
    --------
    >>> blocks = iter(np.arange(20, dtype=np.float32).reshape(4, 5))
    >>> [(len(part), own) for part, own in cut_signal(blocks, 12, Convolutions([1], [1]))]
    [(12, slice(0, 10, None)), (11, slice(1, None, None))]
    """
    hop = max(1, (window - window // OVERLAP) // convolutions.step)
    shared = max(0, convolutions.n_frames(window) - hop)
    buffer = np.zeros(0, dtype=np.float32)
    first = 0
    for block in blocks:
        buffer = np.concatenate([buffer, block])
        while len(buffer) > window:
            yield buffer[:window], slice(first, hop + shared // 2)
            buffer = buffer[hop * convolutions.step :]
            first = shared // 2
    yield buffer, slice(first, None)


def average_runs(frames: np.ndarray, step: int) -> tuple[np.ndarray, np.ndarray]:
    """Average every `step` consecutive frames, (n_frames, n_dims); the last ones may be fewer.

    Returned are the averages and how many frames each of them has.

    Examples
    --------
    >>> averaged, counts = average_runs(np.array([[0.0], [2.0], [4.0], [9.0]]), 3)
    >>> averaged.tolist(), counts.tolist()
    ([[2.0], [9.0]], [3, 1])
    """
    starts = np.arange(0, len(frames), step)
    counts = np.minimum(step, len(frames) - starts)
    sums = np.add.reduceat(frames.astype(np.float64), starts, axis=0)
    return (sums / counts[:, None]).astype(frames.dtype), counts
