"""Windows along a trial of EEG: where they lie, whether a channel is flat in them, their frames."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from emoest.media.eeg_channels import channel_label
from emoest.utils.typing import Floats, Floats32

# A constant far from zero still varies by rounding: float32 keeps seven digits.
_FLAT = 1e-6


@dataclass(frozen=True)
class Windows:
    """Windows of equal length along a signal, from its first sample on.

    Parameters
    ----------
    size, step : int
        Length of a window and distance between windows, in samples.
    count : int
        Number of windows; what fills none at the end is left out.
    """

    size: int
    step: int
    count: int

    def cut(self, signal: Floats) -> Floats:
        """View the windows of one channel, (n_samples,) to (n_windows, size)."""
        view = np.lib.stride_tricks.sliding_window_view(signal, self.size)
        return view[:: self.step]


def place_windows(n_samples: int, rate: float, window: float, step: float | None = None) -> Windows:
    """Place windows along a signal.

    Parameters
    ----------
    n_samples : int
        Length of the signal.
    rate : float
        Sampling rate in Hz.
    window, step : float
        Length and distance in seconds, rounded to samples; None places window after window.

    Returns
    -------
    windows : Windows

    Raises
    ------
    ValueError
        If the window is longer than the signal, or shorter than two samples, or the step than one.

    Examples
    --------
    >>> place_windows(2000, 200.0, 4.0), place_windows(2000, 200.0, 4.0, 1.0).count
    (Windows(size=800, step=800, count=2), 7)
    """
    size = round(window * rate)
    distance = size if step is None else round(step * rate)
    if size < 2 or distance < 1:
        raise ValueError(
            f"window={window:g} s and step={step} s are {size} and {distance} samples at "
            f"{rate:g} Hz; a window takes two samples at least and a step one"
        )
    if size > n_samples:
        raise ValueError(
            f"the window of {window:g} s is longer than the trial, which lasts "
            f"{n_samples / rate:.3f} s at {rate:g} Hz. Pass a shorter window, or check the rate"
        )
    return Windows(size, distance, 1 + (n_samples - size) // distance)


def check_flat(
    signal: Floats, windows: Windows, rate: float, channels: Sequence[str] | None = None
) -> None:
    """Raise if a channel is flat in a window: no electrode gives a constant voltage.

    Flat is what varies by less than a millionth of its own largest value.

    Parameters
    ----------
    signal : ndarray of shape (n_channels, n_samples)
        The channels.
    windows : Windows
        The windows.
    rate : float
        Sampling rate in Hz, for the message.
    channels : sequence of str, default=None
        Names of the channels, for the message.

    Examples
    --------
    >>> check_flat(np.zeros((1, 100)), Windows(50, 50, 2), 100.0)
    Traceback (most recent call last):
        ...
    ValueError: channel 0 is flat (constant) in all of its 2 windows. Interpolate the channel, ...
    """
    for i, channel in enumerate(signal):
        cut = windows.cut(channel)
        low, high = cut.min(axis=1), cut.max(axis=1)
        flat = np.flatnonzero(high - low <= _FLAT * np.maximum(np.abs(low), np.abs(high)))
        if flat.size == 0:
            continue
        start = flat[0] * windows.step / rate
        place = (
            f"all of its {windows.count} windows"
            if flat.size == windows.count
            else f"{flat.size} of its {windows.count} windows, first from {start:.3f} to "
            f"{start + windows.size / rate:.3f} s"
        )
        raise ValueError(
            f"{channel_label(i, channels)} is flat (constant) in {place}. Interpolate the channel, "
            "leave it out of all recordings, or cut the part"
        )


def channel_major(values: Floats) -> Floats32:
    """Convert values to frames: one row a window, channel by channel the bands.

    Parameters
    ----------
    values : ndarray of shape (n_channels, n_windows, n_bands)

    Returns
    -------
    frames : ndarray of shape (n_windows, n_channels * n_bands), dtype float32

    Examples
    --------
    >>> channel_major(np.arange(4).reshape(2, 1, 2)).tolist()
    [[0.0, 1.0, 2.0, 3.0]]
    """
    return values.transpose(1, 0, 2).reshape(values.shape[1], -1).astype(np.float32)
