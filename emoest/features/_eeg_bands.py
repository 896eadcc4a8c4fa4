"""Numerics of EEG in frequency bands: differential entropy and band power.

Values come as (n_channels, n_windows, n_bands).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.fft
import scipy.signal

from emoest.media.eeg_windows import Windows
from emoest.utils.typing import Floats

SEED_BANDS = {
    "delta": (1.0, 4.0),
    "theta": (4.0, 8.0),
    "alpha": (8.0, 14.0),
    "beta": (14.0, 31.0),
    "gamma": (31.0, 50.0),
}
"""The five bands of SEED and SEED-IV, in Hz."""


@dataclass(frozen=True)
class Band:
    """A range of frequencies.

    Parameters
    ----------
    name : str
        Its name.
    low, high : float
        Its edges in Hz.
    """

    name: str
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.name} ({self.low:g}-{self.high:g} Hz)"


def find_bands(bands: str | Mapping[str, Sequence[float]]) -> tuple[Band, ...]:
    """Read the parameter ``bands``.

    Parameters
    ----------
    bands : "seed" or dict of str to (float, float)
        The five bands of SEED, or names and edges in Hz.

    Returns
    -------
    bands : tuple of Band

    Raises
    ------
    ValueError
        If there is no band, if a name is no str, empty or holds ``__``, or if edges are not two
        rising positive numbers.

    Examples
    --------
    >>> [band.name for band in find_bands("seed")]
    ['delta', 'theta', 'alpha', 'beta', 'gamma']
    """
    given = SEED_BANDS if isinstance(bands, str) else bands
    if not given:
        raise ValueError("bands is empty. Pass 'seed', or a dict such as {'alpha': (8, 14)}.")
    found = []
    for name, edges in given.items():
        if not isinstance(name, str) or not name or "__" in name:
            raise ValueError(
                f"{name!r} is no name of a band: it must be a str, not empty and without '__', "
                "since it ends the names of columns."
            )
        if not _are_edges(edges):
            raise ValueError(
                f"bands[{name!r}]={edges!r} is no band: it takes two rising, positive numbers of "
                "Hz, such as (8, 14)."
            )
        found.append(Band(name, float(edges[0]), float(edges[1])))
    return tuple(found)


def _are_edges(edges: Any) -> bool:
    if not isinstance(edges, list | tuple | np.ndarray) or len(edges) != 2:
        return False
    if not all(isinstance(edge, int | float | np.number) for edge in edges):
        return False
    return bool(0 < edges[0] < edges[1] < np.inf)


def check_band_limits(bands: Sequence[Band], rate: float) -> None:
    """Raise if a band reaches half the sampling rate or lies above it.

    Examples
    --------
    >>> check_band_limits(find_bands("seed"), 64.0)
    Traceback (most recent call last):
        ...
    ValueError: the band gamma (31-50 Hz) does not lie below half the sampling rate, 32 Hz at a...
    """
    for band in bands:
        if band.high >= rate / 2:
            raise ValueError(
                f"the band {band} does not lie below half the sampling rate, {rate / 2:g} Hz at a "
                f"rate of {rate:g} Hz. Check the rate, or choose other bands"
            )


def gaussian_entropy(
    signal: Floats,
    rate: float,
    bands: Sequence[Band],
    windows: Windows,
    *,
    order: int = 3,
    zero_phase: bool = True,
) -> Floats:
    """Differential entropy of a Gaussian signal in each band, ``log(2 pi e variance) / 2``.

    Each channel, less its mean, is band-passed as a whole by a Butterworth filter; the variance is
    that of the filtered samples of a window (divisor: number of samples less one).

    Parameters
    ----------
    signal : ndarray of shape (n_channels, n_samples)
        The channels.
    rate : float
        Sampling rate in Hz.
    bands : sequence of Band
        The bands, below half the rate.
    windows : Windows
        The windows.
    order : int, default=3
        Order of the filter.
    zero_phase : bool, default=True
        Whether to filter forward and backward (which doubles the attenuation), or forward only.

    Returns
    -------
    entropy : ndarray of shape (n_channels, n_windows, n_bands)
        In nats.

    Raises
    ------
    ValueError
        If the signal is too short for the filter.

    Examples
    --------
    >>> noise = np.random.RandomState(0).normal(size=(1, 2000))
    >>> gaussian_entropy(noise, 200.0, find_bands("seed"), Windows(800, 800, 2)).shape
    (1, 2, 5)
    """
    padding = 3 * (2 * order + 1)
    if signal.shape[1] <= padding:
        raise ValueError(
            f"the trial has {signal.shape[1]} samples; a filter of order {order} takes more than "
            f"{padding}"
        )
    entropy = np.empty((len(signal), windows.count, len(bands)))
    for b, band in enumerate(bands):
        # The polynomials of a band as narrow as delta would lose all digits; sections do not.
        sections = scipy.signal.butter(
            order, [band.low, band.high], "bandpass", fs=rate, output="sos"
        )
        for i, channel in enumerate(signal):
            centered = channel - channel.mean()
            filtered = (
                scipy.signal.sosfiltfilt(sections, centered, padlen=padding)
                if zero_phase
                else scipy.signal.sosfilt(sections, centered)
            )
            variance = windows.cut(filtered).var(axis=1, ddof=1)
            entropy[i, :, b] = 0.5 * np.log(2 * np.pi * np.e * variance)
    return entropy


def fft_entropy(signal: Floats, rate: float, bands: Sequence[Band], windows: Windows) -> Floats:
    """Differential entropy as the logarithm of spectral energy, ``log(100 E)``.

    E is the mean of ``|X_k|^2`` over the bins of a band, X the FFT of a window less its mean under
    a Hann window. The band from f to g Hz takes the bins a - 1 to b - 1, counted from zero, with
    a = floor(f N / rate) and b = floor(g N / rate), N the length of the window.

    The parameters are those of `gaussian_entropy`.

    Returns
    -------
    entropy : ndarray of shape (n_channels, n_windows, n_bands)
        Natural logarithms.

    Raises
    ------
    ValueError
        If a window is shorter than one period of a band's lower edge.

    Examples
    --------
    >>> noise = np.random.RandomState(0).normal(size=(1, 2000))
    >>> fft_entropy(noise, 200.0, find_bands("seed"), Windows(800, 800, 2)).shape
    (1, 2, 5)
    """
    n = windows.size
    bins = [(int(band.low * n / rate), int(band.high * n / rate)) for band in bands]
    for band, (first, _) in zip(bands, bins, strict=True):
        if first < 1:
            raise ValueError(_too_coarse(band, n, rate))
    # The tool chain's own Hann window, which is nowhere zero.
    taper = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(1, n + 1) / (n + 1))
    entropy = np.empty((len(signal), windows.count, len(bands)))
    for i, channel in enumerate(signal):
        cut = windows.cut(channel)
        spectrum = scipy.fft.rfft((cut - cut.mean(axis=1, keepdims=True)) * taper, axis=1)
        energy = np.abs(spectrum) ** 2
        for b, (first, last) in enumerate(bins):
            entropy[i, :, b] = np.log(100 * energy[:, first - 1 : last].mean(axis=1))
    return entropy


def band_power(signal: Floats, rate: float, bands: Sequence[Band], windows: Windows) -> Floats:
    """Power of each band: the periodogram of each window, summed over the band.

    The periodogram is taken of the window less its mean under a Hann window, scaled as a density;
    the band from f to g Hz takes the bins from f on and below g.

    The parameters are those of `gaussian_entropy`, the signal in microvolt.

    Returns
    -------
    power : ndarray of shape (n_channels, n_windows, n_bands)
        In square microvolt.

    Raises
    ------
    ValueError
        If no bin falls into a band.

    Examples
    --------
    A sine of amplitude 10 has the power 50.

    >>> sine = 10 * np.sin(2 * np.pi * 10 * np.arange(800) / 200)[None]
    >>> band_power(sine, 200.0, find_bands("seed"), Windows(800, 800, 1)).round(3).tolist()
    [[[0.0, 0.0, 50.0, 0.0, 0.0]]]
    """
    frequencies = scipy.fft.rfftfreq(windows.size, 1 / rate)
    masks = [(frequencies >= band.low) & (frequencies < band.high) for band in bands]
    for band, mask in zip(bands, masks, strict=True):
        if not mask.any():
            raise ValueError(_too_coarse(band, windows.size, rate))
    power = np.empty((len(signal), windows.count, len(bands)))
    for i, channel in enumerate(signal):
        _, density = scipy.signal.periodogram(
            windows.cut(channel), rate, window="hann", detrend="constant", axis=1
        )
        for b, mask in enumerate(masks):
            power[i, :, b] = density[:, mask].sum(axis=1) * frequencies[1]
    return power


def _too_coarse(band: Band, size: int, rate: float) -> str:
    return (
        f"a window of {size / rate:g} s resolves {rate / size:g} Hz, too coarse for the band "
        f"{band}. Pass a longer window, or choose other bands"
    )
