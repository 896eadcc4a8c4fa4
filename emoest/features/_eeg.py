"""DifferentialEntropy and BandPower: what EEG does in each band, window by window."""

from collections.abc import Mapping, Sequence
from numbers import Integral
from typing import Any, ClassVar

import numpy as np

from emoest.features._eeg_bands import band_power, fft_entropy, gaussian_entropy
from emoest.features._eeg_base import EEGTransformer
from emoest.media.eeg_windows import Windows
from emoest.utils._sklearn import Interval, Options, StrOptions


class DifferentialEntropy(EEGTransformer):
    """Differential entropy of EEG in frequency bands, window by window.

    Each window gives one frame; its columns run channel by channel, and within a channel band by
    band: 62 channels and 5 bands are 310 columns. EEG is an array (n_channels, n_samples) in
    microvolt with `sampling_rate`, a tuple (array, rate) or (array, rate, channels), or the path of
    an ``.npy`` or ``.mat`` file (`emoest.media.eeg`); recordings opened with MNE become cells
    through `emoest.media.cells_from_mne`.

    Parameters
    ----------
    window : float, default=4.0
        Length of a window in seconds; 4 s are SEED-IV's.
    step : float, default=None
        Seconds from one window to the next; None places window after window. Samples that fill no
        window at the end of a trial are left out.
    bands : "seed" or dict of str to (float, float), default="seed"
        Names and edges in Hz; ``"seed"`` is delta 1-4, theta 4-8, alpha 8-14, beta 14-31 and gamma
        31-50.
    method : {"gaussian", "fft"}, default="gaussian"
        ``"gaussian"`` is the closed form for a Gaussian signal, ``log(2 pi e variance) / 2`` of the
        band-passed signal. ``"fft"`` is ``log(100 E)`` with E the mean energy of the band's FFT
        bins. The two are not interchangeable: see Notes.
    base : "e" or 2, default="e"
        Base of the logarithm.
    order : int, default=3
        Order of the Butterworth band-pass filter (``"gaussian"`` only).
    zero_phase : bool, default=True
        Whether the filter runs forward and backward over the whole trial, or forward only
        (``"gaussian"`` only).
    pooling : {"mean", "max"} or None, default=None
        None gives frames in the column ``de_frames``, with their ``seconds``; a pooling gives one
        vector a sample, in columns such as ``de_FP1_alpha`` (``de_00_alpha`` where channels have no
        names).
    chunks : {"pool", "concat"}, default="pool"
        What frames a list of trials gives: one frame a trial, the mean of its windows, or all
        windows.
    channels : int or list of str, default=None
        Number or names of the channels; None takes those of the first trial in `fit`, with their
        names if it brings them. The channels of a trial that brings names (as those of
        `emoest.media.cells_from_mne` do) are put into this order; a trial with other channels is an
        error.
        `emoest.media.SEED_CHANNELS` names those of SEED.
    sampling_rate : float, default=None
        Rate in Hz of arrays and files, which bring none. A tuple brings its own.
    errors : {"raise", "missing"}, default="raise"
        What an item that cannot be read means; among such are trials shorter than a window, with
        NaN or flat channels, or sampled too slowly for the bands.
    cache_dir : str, path object, False or None, default=None
        Folder of the store; None takes the user's, False keeps nothing.
    batch_size : int, default=32
        Trials computed at a time; the values do not depend on it.
    verbose : int, default=0
        Above 0 progress is shown.

    Attributes
    ----------
    n_dims_ : int
        Size of a frame, channels times bands.
    n_features_in_ : int
        Number of columns seen in `fit`.
    feature_names_in_ : ndarray of str
        Their names.

    Raises
    ------
    ValueError
        If a band does not lie below half the sampling rate, if names of bands or channels make no
        sense, or if `channels` is None and no cell of `fit` tells how many there are; see also
        `errors`.

    Notes
    -----
    Multiplying a signal by k adds log k to ``"gaussian"`` and 2 log k to ``"fft"``; a constant
    offset changes neither.

    The definition is that of Duan et al. [1]_, with SEED's bands. Which filter the group used is
    not published; order 3, zero phase over the whole trial and a divisor of n - 1 are what the
    public toolkit LibEER does (there in base 2). A single filtered sample depends on the whole
    trial then, so cut recordings into trials before, never after, splitting them. ``"fft"``
    follows the tool chain usually credited for SEED's files [2]_ (Hann window, base 2), down to its
    bins, which lie one lower than the edges say; the one difference is that each window's mean is
    taken off first, without which an offset leaks into the lowest band. No value was compared with
    SEED's own files.

    References
    ----------
    .. [1] R.-N. Duan, J.-Y. Zhu, B.-L. Lu, "Differential entropy feature for EEG-based emotion
       classification", IEEE/EMBS Conference on Neural Engineering, 2013.
    .. [2] Repository ziyujia/Signal-feature-extraction_DE-and-PSD, file ``DE_PSD.py``.

    Examples
    --------
    >>> time = np.arange(2400) / 200
    >>> noise = np.random.RandomState(0).normal(size=(2, 2400))
    >>> trial = (noise + 30 * np.sin(2 * np.pi * 10 * time), 200)
    >>> entropy = DifferentialEntropy(cache_dir=False).fit_transform([trial, None])
    >>> entropy["de_frames"][0].shape, entropy["seconds"][0].tolist()
    ((3, 10), [4.0, 4.0, 4.0])
    >>> vectors = DifferentialEntropy(pooling="mean", cache_dir=False).fit_transform([trial])
    >>> vectors.iloc[0].idxmax()[:2], vectors.iloc[0].idxmax()[-5:]
    ('de', 'alpha')
    """

    _stem: ClassVar[str] = "de"

    _parameter_constraints: dict = {
        **EEGTransformer._parameter_constraints,
        "method": [StrOptions({"gaussian", "fft"})],
        "base": [StrOptions({"e"}), Options(Integral, {2})],
        "order": [Interval(Integral, 1, 10, closed="both")],
        "zero_phase": ["boolean"],
    }

    def __init__(
        self,
        *,
        window: float = 4.0,
        step: float | None = None,
        bands: str | Mapping[str, Sequence[float]] = "seed",
        method: str = "gaussian",
        base: str | int = "e",
        order: int = 3,
        zero_phase: bool = True,
        pooling: str | None = None,
        chunks: str = "pool",
        channels: int | Sequence[str] | None = None,
        sampling_rate: float | None = None,
        errors: str = "raise",
        cache_dir: Any = None,
        batch_size: int = 32,
        verbose: int = 0,
    ):
        self.window = window
        self.step = step
        self.bands = bands
        self.method = method
        self.base = base
        self.order = order
        self.zero_phase = zero_phase
        self.pooling = pooling
        self.chunks = chunks
        self.channels = channels
        self.sampling_rate = sampling_rate
        self.errors = errors
        self.cache_dir = cache_dir
        self.batch_size = batch_size
        self.verbose = verbose

    def _settings(self) -> dict[str, Any]:
        shared = {"method": self.method, "base": self.base}
        if self.method == "fft":
            return shared
        return {**shared, "order": int(self.order), "zero_phase": bool(self.zero_phase)}

    def _measure(self, signal: np.ndarray, rate: float, windows: Windows) -> np.ndarray:
        if self.method == "fft":
            entropy = fft_entropy(signal, rate, self._bands, windows)
        else:
            entropy = gaussian_entropy(
                signal,
                rate,
                self._bands,
                windows,
                order=self.order,
                zero_phase=self.zero_phase,
            )
        return entropy if self.base == "e" else entropy / np.log(self.base)


class BandPower(EEGTransformer):
    """Power of EEG in frequency bands, window by window.

    The power of a band is the sum of the window's periodogram (Hann window, mean taken off) over
    the band. Frames, columns and cells are those of `DifferentialEntropy`.

    Parameters
    ----------
    window : float, default=4.0
        Length of a window in seconds. It resolves 1 / `window` Hz.
    step : float, default=None
        Seconds from one window to the next; None places window after window. Samples that fill no
        window at the end of a trial are left out.
    bands : "seed" or dict of str to (float, float), default="seed"
        Names and edges in Hz; ``"seed"`` is delta 1-4, theta 4-8, alpha 8-14, beta 14-31 and gamma
        31-50.
    scale : {"log", "power", "relative"}, default="log"
        Natural logarithm of the power in square microvolt, the power itself, or its part of the
        power of all `bands` in the same channel and window (from 0 to 1).
    pooling : {"mean", "max"} or None, default=None
        None gives frames in the column ``bandpower_frames``, with their ``seconds``; a pooling
        gives one vector a sample, in columns such as ``bandpower_FP1_alpha``
        (``bandpower_00_alpha`` where channels have no names).
    chunks : {"pool", "concat"}, default="pool"
        What frames a list of trials gives: one frame a trial, the mean of its windows, or all
        windows.
    channels : int or list of str, default=None
        Number or names of the channels; None takes those of the first trial in `fit`, with their
        names if it brings them. The channels of a trial that brings names (as those of
        `emoest.media.cells_from_mne` do) are put into this order; a trial with other channels is an
        error.
    sampling_rate : float, default=None
        Rate in Hz of arrays and files, which bring none. A tuple brings its own.
    errors : {"raise", "missing"}, default="raise"
        What an item that cannot be read means; among such are trials shorter than a window, with
        NaN or flat channels, or sampled too slowly for the bands.
    cache_dir : str, path object, False or None, default=None
        Folder of the store; None takes the user's, False keeps nothing.
    batch_size : int, default=32
        Trials computed at a time; the values do not depend on it.
    verbose : int, default=0
        Above 0 progress is shown.

    Attributes
    ----------
    n_dims_ : int
        Size of a frame, channels times bands.
    n_features_in_ : int
        Number of columns seen in `fit`.
    feature_names_in_ : ndarray of str
        Their names.

    Raises
    ------
    ValueError
        If a band does not lie below half the sampling rate, if names of bands or channels make no
        sense, or if `channels` is None and no cell of `fit` tells how many there are; see also
        `errors`.

    Notes
    -----
    Multiplying a signal by k adds 2 log k to ``"log"``, multiplies ``"power"`` by the square of k
    and leaves ``"relative"`` alone. The form is P. D. Welch's periodogram (IEEE Transactions on
    Audio and Electroacoustics 15(2), 1967) with one segment a window; averaging is left to the
    pooling of windows.

    Examples
    --------
    A sine of amplitude 10 microvolt has the power 50.

    >>> sine = 10 * np.sin(2 * np.pi * 10 * np.arange(2000) / 200)[None]
    >>> power = BandPower(scale="power", channels=["Oz"], pooling="mean", cache_dir=False)
    >>> power.fit_transform([(sine, 200)]).round(2).iloc[0].to_dict()["bandpower_Oz_alpha"]
    50.0
    """

    _stem: ClassVar[str] = "bandpower"

    _parameter_constraints: dict = {
        **EEGTransformer._parameter_constraints,
        "scale": [StrOptions({"log", "power", "relative"})],
    }

    def __init__(
        self,
        *,
        window: float = 4.0,
        step: float | None = None,
        bands: str | Mapping[str, Sequence[float]] = "seed",
        scale: str = "log",
        pooling: str | None = None,
        chunks: str = "pool",
        channels: int | Sequence[str] | None = None,
        sampling_rate: float | None = None,
        errors: str = "raise",
        cache_dir: Any = None,
        batch_size: int = 32,
        verbose: int = 0,
    ):
        self.window = window
        self.step = step
        self.bands = bands
        self.scale = scale
        self.pooling = pooling
        self.chunks = chunks
        self.channels = channels
        self.sampling_rate = sampling_rate
        self.errors = errors
        self.cache_dir = cache_dir
        self.batch_size = batch_size
        self.verbose = verbose

    def _settings(self) -> dict[str, Any]:
        return {"scale": self.scale}

    def _measure(self, signal: np.ndarray, rate: float, windows: Windows) -> np.ndarray:
        power = band_power(signal, rate, self._bands, windows)
        if self.scale == "power":
            return power
        if self.scale == "log":
            return np.log(power)
        return power / power.sum(axis=2, keepdims=True)
