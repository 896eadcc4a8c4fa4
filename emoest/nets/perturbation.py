"""What speed, noise and gain of a waveform do to its log-mel spectrum, drawn anew at each reading.

Spectra are computed once and kept; waveforms changed in each epoch would have to be transformed in
each epoch. A change of speed is a change of the time axis and of the frequency axis, noise adds
power to each band, and gain adds a constant to each logarithm: all three can be made on the
spectrum. How near that comes to the spectrum of the changed waveform is measured in
``tests/nets/test_perturbation.py``.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from emoest.tables.cells import Frames
from emoest.utils.typing import Floats

_NEPERS = np.log(10.0) / 10.0
# Independent values of the spectrum within a band and a frame of noise, roughly.
_FREEDOM = 4.0


@dataclass(frozen=True)
class SpeechPerturbation:
    """Change the frames of a natural-logarithmic mel power spectrum as speed, noise and gain would.

    Parameters
    ----------
    speed : float, default=0.1
        Largest change of speed, as a fraction: the factor is uniform in [1 - speed, 1 + speed].
        Time and pitch change together, as when a recording is played faster.
    noise : pair of float or None, default=(10.0, 40.0)
        Least and largest ratio of signal to noise in decibels, uniform between; None adds no noise.
        The noise is stationary with the mean spectrum of the loud frames.
    gain : float, default=0.0
        Largest change of the level in decibels, up or down. Frames that come less their mean do not
        have a level, so `centered` and a gain exclude each other.
    probability : float, default=1.0
        Fraction of the readings that are changed at all.
    centered : bool, default=True
        Whether each band comes less its mean over time, as `emoest.features.LogMelSpectrogram`
        gives it: it is subtracted again.
    frequencies : pair of float, default=(20.0, 8000.0)
        Lower edge of the lowest and upper edge of the highest band, in hertz.

    Raises
    ------
    ValueError
        If a number makes no sense.

    Notes
    -----
    The draws come from the generator that is given. Frequencies that a slower recording leaves
    empty at the top keep the level of the highest band.

    References
    ----------
    T. Ko, V. Peddinti, D. Povey and S. Khudanpur, "Audio augmentation for speech recognition",
    Interspeech 2015 (factors 0.9 and 1.1, on waveforms).

    Examples
    --------
    >>> frames = np.zeros((100, 40), "float32")
    >>> generator = torch.Generator().manual_seed(0)
    >>> changed = SpeechPerturbation(speed=0.1, noise=None)(frames, generator)
    >>> 90 <= len(changed) <= 112, changed.shape[1]
    (True, 40)
    """

    speed: float = 0.1
    noise: tuple[float, float] | None = (10.0, 40.0)
    gain: float = 0.0
    probability: float = 1.0
    centered: bool = True
    frequencies: tuple[float, float] = (20.0, 8000.0)

    def __post_init__(self) -> None:
        low, high = self.frequencies
        sound = {
            "speed": 0 <= self.speed < 1,
            "noise": self.noise is None or self.noise[0] <= self.noise[1],
            "gain": self.gain >= 0 and not (self.gain and self.centered),
            "probability": 0 <= self.probability <= 1,
            "frequencies": 0 <= low < high,
        }
        wrong = [name for name, fine in sound.items() if not fine]
        if wrong:
            raise ValueError(
                f"A perturbation of speech cannot have {wrong[0]}={getattr(self, wrong[0])!r}: "
                "speed lies in [0, 1), noise is (least, largest) in decibels or None, probability "
                "lies in [0, 1], frequencies rise, and gain is at least 0, and 0 where "
                "centered=True takes the level off again."
            )

    def __call__(self, frames: Frames, generator: torch.Generator) -> Frames:
        """Change the frames of one clip.

        Parameters
        ----------
        frames : ndarray of shape (n_frames, n_mels)
            The log-mel spectrum; it stays as it is.
        generator : torch.Generator
            Where the draws come from.

        Returns
        -------
        changed : ndarray of shape (n_changed, n_mels), dtype float32
            ``round(n_frames / factor)`` frames, one at least.
        """
        draws = np.random.default_rng(int(torch.randint(2**62, (), generator=generator)))
        if not len(frames) or draws.uniform() >= self.probability:
            return frames
        changed = frames.astype(np.float64)
        if self.speed:
            factor = draws.uniform(1 - self.speed, 1 + self.speed)
            changed = play_at(changed, factor, self.frequencies)
        if self.noise is not None:
            changed = add_noise(changed, draws.uniform(*self.noise), draws)
        if self.gain:
            changed = changed + draws.uniform(-self.gain, self.gain) * _NEPERS
        if self.centered:
            changed = changed - changed.mean(axis=0)
        return changed.astype(np.float32)


def find_perturbation(perturb: Any) -> SpeechPerturbation | None:
    """Convert a dict of parameters to a perturbation; None and a perturbation stay.

    Raises
    ------
    ValueError
        If a key is unknown, or a number makes no sense.

    Examples
    --------
    >>> find_perturbation({"speed": 0.2}).speed
    0.2
    """
    if perturb is None or isinstance(perturb, SpeechPerturbation):
        return perturb
    try:
        return SpeechPerturbation(**perturb)
    except TypeError as error:
        raise ValueError(
            f"A perturbation of speech cannot be made of {dict(perturb)} ({error}). It takes "
            "speed, noise, gain, probability, centered and frequencies."
        ) from error


def play_at(frames: Floats, factor: float, frequencies: tuple[float, float]) -> Floats:
    """Compute the spectrum of a recording that is played faster by a factor.

    Parameters
    ----------
    frames : ndarray of shape (n_frames, n_mels)
        The log-mel spectrum.
    factor : float
        Above 1 shortens the clip and raises its pitch.
    frequencies : pair of float
        Edges of the outermost bands, in hertz.

    Returns
    -------
    frames : ndarray of shape (max(1, round(n_frames / factor)), n_mels)

    Examples
    --------
    >>> play_at(np.arange(4.0)[:, None], 2.0, (20.0, 8000.0)).ravel().tolist()
    [0.5, 2.5]
    """
    n_frames, n_mels = frames.shape
    n_left = max(1, round(n_frames / factor))
    time = np.clip((np.arange(n_left) + 0.5) * factor - 0.5, 0, n_frames - 1)
    edges = _mel(np.asarray(frequencies))
    centers = np.linspace(edges[0], edges[1], n_mels + 2)[1:-1]
    # What is heard at a frequency now, was at that frequency over the factor before.
    before = _mel(_hertz(centers) / factor)
    bands = np.interp(before, centers, np.arange(n_mels))
    return _between(_between(frames, time).T, bands).T


def add_noise(frames: Floats, ratio: float, draws: np.random.Generator) -> Floats:
    """Add stationary noise of the mean spectrum of the loud frames.

    Parameters
    ----------
    frames : ndarray of shape (n_frames, n_mels)
        The log-mel power spectrum.
    ratio : float
        Signal to noise in decibels, the signal being the loud frames.
    draws : numpy.random.Generator
        Where the fluctuation of the noise comes from.

    Returns
    -------
    frames : ndarray of shape (n_frames, n_mels)

    Examples
    --------
    >>> loud = add_noise(np.zeros((500, 2)), 0.0, np.random.default_rng(0))
    >>> bool((abs(np.exp(loud).mean(axis=0) - 2) < 0.1).all())
    True
    """
    energy = frames.mean(axis=1)
    loud = frames[energy >= energy.mean()] if (energy >= energy.mean()).any() else frames
    level = np.log(np.exp(loud - loud.max(axis=0)).mean(axis=0)) + loud.max(axis=0)
    waver = np.log(draws.gamma(_FREEDOM, 1 / _FREEDOM, size=frames.shape) + 1e-12)
    return np.logaddexp(frames, level - ratio * _NEPERS + waver)


def _between(values: Floats, places: Floats) -> Floats:
    """Interpolate rows linearly at fractional places."""
    low = np.floor(places).astype(np.intp)
    high = np.minimum(low + 1, len(values) - 1)
    share = (places - low)[:, None]
    return values[low] * (1 - share) + values[high] * share


def _mel(hertz: Floats) -> Floats:
    return 1127.0 * np.log1p(hertz / 700.0)


def _hertz(mel: Floats) -> Floats:
    return 700.0 * np.expm1(mel / 1127.0)
