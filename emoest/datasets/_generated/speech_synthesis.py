"""A small voice: glottal pulses and noise through formant filters, in a rhythm of syllables.

It babbles vowels and says no words. Pitch, pitch range, loudness, tempo, pauses and brightness can
be set; everything else is drawn. The source-filter idea is Fant's ("Acoustic Theory of Speech
Production", 1960); formants and prosody are plausible values, fitted to no recording.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import scipy.fft
import scipy.signal

from emoest.utils.typing import Floats

FORMANTS = np.array(
    [
        [280.0, 2250.0, 2890.0, 3500.0, 4500.0],
        [450.0, 1900.0, 2550.0, 3500.0, 4500.0],
        [750.0, 1300.0, 2550.0, 3500.0, 4500.0],
        [480.0, 900.0, 2500.0, 3500.0, 4500.0],
        [320.0, 800.0, 2300.0, 3500.0, 4500.0],
        [500.0, 1450.0, 2450.0, 3500.0, 4500.0],
    ]
)
"""Resonances in Hz of i, e, a, o, u and schwa, for a long vocal tract."""

BANDWIDTHS = np.array([60.0, 90.0, 130.0, 190.0, 260.0])

FRAME_SECONDS = 0.016
CONTROL_SECONDS = 0.005
PEAK = 0.95
BACKGROUND_DB = -84.0
_BREATH = 0.002
_JITTER = 0.002
_SHIMMER = 0.03
_TAPS = 12


@dataclass(frozen=True)
class Prosody:
    """How a stretch of speech is said.

    Parameters
    ----------
    f0 : float
        Middle of the pitch in Hz.
    f0_range : float
        Spread of the pitch in semitones.
    level : float
        Loudness of the sounding part in dB re full scale (root mean square).
    syllable_rate : float
        Syllables a second between pauses.
    pause : float
        Mean length of a pause in seconds.
    brightness : float
        Corner in Hz above which the voice's spectrum falls by 12 dB an octave; effort raises it.
    tract : float
        Factor on the formants; above 1 for a shorter vocal tract.
    """

    f0: float = 120.0
    f0_range: float = 3.0
    level: float = -27.0
    syllable_rate: float = 4.5
    pause: float = 0.35
    brightness: float = 900.0
    tract: float = 1.0


@dataclass(frozen=True)
class _Syllable:
    start: float
    seconds: float
    place: float
    """Where in its phrase it stands, from 0 to 1."""


def synthesize(
    prosody: Prosody, seconds: float, sampling_rate: int, generator: np.random.RandomState
) -> npt.NDArray[np.float32]:
    """Make a stretch of speech-like audio.

    Parameters
    ----------
    prosody : Prosody
        How it is said.
    seconds : float
        Its duration.
    sampling_rate : int
        Rate in Hz.
    generator : RandomState
        Draws the rest; the same state gives the same samples.

    Returns
    -------
    signal : ndarray of shape (round(seconds * sampling_rate),), dtype float32
        Within -0.95 and 0.95.

    Examples
    --------
    >>> signal = synthesize(Prosody(), 1.0, 16000, np.random.RandomState(0))
    >>> signal.shape, bool(np.abs(signal).max() <= 0.95)
    ((16000,), True)
    """
    n_samples = max(1, round(seconds * sampling_rate))
    syllables = _rhythm(prosody, seconds, generator)
    n_controls = int(np.ceil(seconds / CONTROL_SECONDS)) + 2
    voiced, hiss, pitch = _contours(prosody, syllables, n_controls, generator)
    f0 = _upsample(pitch, n_samples, sampling_rate)
    amplitude = _upsample(voiced, n_samples, sampling_rate)
    noise = generator.random_sample((2, n_samples)) - 0.5
    source = _pulses(f0, sampling_rate, generator) + _BREATH * noise[0]
    sound = _resonate(source * amplitude, prosody, syllables, sampling_rate, generator)
    sound = sound + _hiss(noise[1] * _upsample(hiss, n_samples, sampling_rate))
    return _finish(sound, amplitude > 0.1, noise[0], prosody.level)


def _rhythm(prosody: Prosody, seconds: float, generator: np.random.RandomState) -> list[_Syllable]:
    """Phrases of about 1.5 s, pauses between them, syllables of uneven length inside."""
    syllables = []
    time = generator.uniform(0.02, 0.15)
    while time < seconds - 0.1:
        stop = min(time + generator.uniform(0.9, 2.1), seconds - 0.02)
        start = time
        while time < stop - 0.05:
            length = min(_uneven(1.0 / prosody.syllable_rate, generator), stop - time)
            place = (time - start) / max(stop - start, 0.1)
            syllables.append(_Syllable(time, length, place))
            time += length
        time += prosody.pause * generator.uniform(0.6, 1.4)
    return syllables


def _uneven(mean: float, generator: np.random.RandomState) -> float:
    return float(mean * np.exp(0.18 * generator.standard_normal()))


def _contours(
    prosody: Prosody,
    syllables: list[_Syllable],
    n_controls: int,
    generator: np.random.RandomState,
) -> tuple[Floats, Floats, Floats]:
    """Amplitudes of voice and hiss, and pitch in Hz, every 5 ms."""
    voiced = np.zeros(n_controls)
    hiss = np.zeros(n_controls)
    times = []
    semitones = []
    for syllable in syllables:
        first = round(syllable.start / CONTROL_SECONDS)
        length = max(4, round(syllable.seconds / CONTROL_SECONDS))
        onset = round(0.3 * length) if generator.random_sample() < 0.3 else 0
        accent = generator.standard_normal()
        loudness = 10.0 ** (1.5 * accent / 20.0)
        nucleus = np.sin(np.pi * (np.arange(length - onset) + 0.5) / (length - onset)) ** 0.7
        _add(voiced, first + onset, loudness * nucleus)
        if onset:
            burst = np.sin(np.pi * (np.arange(onset) + 0.5) / onset)
            _add(hiss, first, loudness * generator.uniform(0.003, 0.006) * burst)
        fall = 0.6 * (0.5 - syllable.place)
        times.append(syllable.start + 0.5 * syllable.seconds)
        semitones.append(prosody.f0_range * (fall + 0.7 * accent))
    grid = CONTROL_SECONDS * np.arange(n_controls)
    bend = np.interp(grid, times, semitones) if times else np.zeros(n_controls)
    jitter = 1.0 + _JITTER * generator.standard_normal(n_controls)
    return voiced, hiss, prosody.f0 * 2.0 ** (bend / 12.0) * jitter


def _add(track: Floats, first: int, values: Floats) -> None:
    stop = min(len(track), first + len(values))
    track[first:stop] += values[: stop - first]


def _upsample(track: Floats, n_samples: int, sampling_rate: int) -> Floats:
    places = np.arange(n_samples) / (sampling_rate * CONTROL_SECONDS)
    return np.interp(places, np.arange(len(track)), track)


def _pulses(f0: Floats, sampling_rate: int, generator: np.random.RandomState) -> Floats:
    """Unit pulses at the glottal closures, between samples by a tapered sinc of `_TAPS` samples.

    (Shared linearly by two samples, pulses of a half-integer period would alternate and sound an
    octave too low.) A pulse is scaled so that the power does not depend on the pitch.
    """
    phase = np.cumsum(f0) / sampling_rate
    last = np.flatnonzero(np.floor(phase[1:]) > np.floor(phase[:-1]))
    fraction = (np.floor(phase[last + 1]) - phase[last]) / (phase[last + 1] - phase[last])
    height = (1.0 + _SHIMMER * generator.standard_normal(len(last))) / np.sqrt(f0[last])
    taps = np.arange(_TAPS) - (_TAPS // 2 - 1)
    distance = taps - fraction[:, None]
    taper = np.cos(np.pi * distance / (_TAPS + 1)) ** 2
    places = last[:, None] + taps + _TAPS
    source = np.zeros(len(f0) + 2 * _TAPS)
    np.add.at(source, places, height[:, None] * taper * np.sinc(distance))
    return source[_TAPS:-_TAPS]


def _resonate(
    source: Floats,
    prosody: Prosody,
    syllables: list[_Syllable],
    sampling_rate: int,
    generator: np.random.RandomState,
) -> npt.NDArray[np.float32]:
    """Filter by the formants, which glide from vowel to vowel: overlap-add of filtered frames."""
    step = max(4, round(FRAME_SECONDS * sampling_rate))
    n_frames = len(source) // step + 2
    padded = np.zeros((n_frames + 1) * step, dtype=np.float32)
    padded[step : step + len(source)] = source
    # Squared sines that overlap by half sum to one.
    window = np.sin(np.pi * (np.arange(2 * step) + 0.5) / (2 * step)) ** 2
    # Twice as long as the windows: the filters ring on, and would wrap around in the transform.
    frames = np.zeros((n_frames, 4 * step), dtype=np.float32)
    view = np.lib.stride_tricks.sliding_window_view(padded, 2 * step)[::step]
    np.multiply(view, window.astype(np.float32), out=frames[:, : 2 * step])
    spectra = scipy.fft.rfft(frames, axis=1)
    spectra *= _vowel_weights(syllables, n_frames, generator) @ _responses(
        # Rounded, so that prosodies nobody can tell apart share a cached response.
        round(prosody.tract, 3),
        round(prosody.brightness),
        step,
        sampling_rate,
    )
    filtered = scipy.fft.irfft(spectra, axis=1).reshape(n_frames, 4, step)
    sound = np.zeros((n_frames + 3, step), dtype=np.float32)
    for part in range(4):
        sound[part : part + n_frames] += filtered[:, part]
    return sound.ravel()[step : step + len(source)]


def _vowel_weights(
    syllables: list[_Syllable], n_frames: int, generator: np.random.RandomState
) -> npt.NDArray[np.float32]:
    """Mixture of vowels in each frame: one at the middle of a syllable, a glide in between."""
    vowels = generator.randint(len(FORMANTS), size=len(syllables))
    if not syllables:
        return np.full((n_frames, len(FORMANTS)), 1.0 / len(FORMANTS), dtype=np.float32)
    times = [syllable.start + 0.5 * syllable.seconds for syllable in syllables]
    grid = FRAME_SECONDS * np.arange(n_frames)
    weights = [np.interp(grid, times, vowels == vowel) for vowel in range(len(FORMANTS))]
    return np.stack(weights, axis=1).astype(np.float32)


@lru_cache(maxsize=16)
def _responses(
    tract: float, brightness: float, step: int, sampling_rate: int
) -> npt.NDArray[np.complex64]:
    """Frequency response of each vowel, with the slope of the voice's own spectrum."""
    delay = np.exp(-2j * np.pi * scipy.fft.rfftfreq(4 * step))
    responses = np.ones((len(FORMANTS), len(delay)), dtype=complex)
    for i, formants in enumerate(FORMANTS * tract):
        for hertz, bandwidth in zip(formants, BANDWIDTHS, strict=True):
            # A resonance close to half the rate would be mirrored at it.
            if hertz < 0.45 * sampling_rate:
                radius = np.exp(-np.pi * bandwidth / sampling_rate)
                turn = 2.0 * radius * np.cos(2.0 * np.pi * hertz / sampling_rate)
                responses[i] *= (1.0 - turn + radius**2) / (
                    1.0 - turn * delay + radius**2 * delay**2
                )
    corner = np.exp(-2.0 * np.pi * brightness / sampling_rate)
    constant = 0.99
    responses *= ((1.0 - corner) / (1.0 - corner * delay)) ** 2
    # Takes out the mean, which pulses of one sign have.
    responses *= (1.0 - delay) / (1.0 - constant * delay)
    return responses.astype(np.complex64)


def _hiss(noise: Floats) -> Floats:
    """Noise of fricatives: everything below a third of the band is taken out."""
    return np.asarray(scipy.signal.sosfilt(_high_pass(), noise))


@lru_cache(maxsize=1)
def _high_pass() -> Floats:
    return np.asarray(scipy.signal.butter(2, 0.35, "highpass", output="sos"))


def _finish(
    sound: Floats, sounding: npt.NDArray[np.bool_], noise: Floats, level: float
) -> npt.NDArray[np.float32]:
    power = np.mean(sound[sounding] ** 2) if sounding.any() else 0.0
    if power > 0.0:
        sound = sound * (10.0 ** (level / 20.0) / np.sqrt(power))
    # Uniform noise of width 1 has the standard deviation 1 / sqrt(12).
    sound = sound + np.sqrt(12.0) * 10.0 ** (BACKGROUND_DB / 20.0) * noise
    peak = np.abs(sound).max()
    if peak > PEAK:
        sound = sound * (PEAK / peak)
    return sound.astype(np.float32)
