"""How loud a recording and its channels are: what is hardly one is noted."""

import numpy as np
import numpy.typing as npt

from emoest.media.notes import note

Signal = npt.NDArray[np.float32]

# Power of the mean of the channels over theirs; below it (-30 dB) little of the voice is left.
_CANCELED = 1e-3
# Floats may pass full scale a little after processing; integers in floats do by far.
_LOUDEST = 32.0


class Levels:
    """How loud a signal and its channels are, by which a recording that makes no sense is told.

    Examples
    --------
    >>> levels = Levels()
    >>> channels = np.ones((4, 2), np.float32)
    >>> levels.add(channels, channels.mean(axis=1))
    >>> levels.note("row 3")
    """

    def __init__(self) -> None:
        self.mono = self.channels = self.peak = 0.0

    def add(self, channels: Signal, mono: Signal) -> None:
        """Add a block (n_samples, n_channels) and its mean over the channels."""
        self.peak = max(self.peak, float(np.abs(mono).max()))
        if channels.shape[1] > 1:
            self.mono += float(np.sum(mono**2, dtype=np.float64))
            self.channels += float(np.sum(channels**2, dtype=np.float64)) / channels.shape[1]

    def note(self, name: str) -> None:
        """Note what is hardly a recording."""
        if self.mono < _CANCELED * self.channels:
            note(
                "has channels of opposite sign, which cancel in their mean: hardly anything is "
                "left. Read one channel of it, for example array[:, 0]",
                name,
            )
        if self.peak > _LOUDEST:
            note(
                f"reaches {_LOUDEST:.0f} times full scale, which is 1 in floats: perhaps integers "
                "that were converted to floats. Divide it by 32768 (int16), or keep the integers",
                name,
            )
