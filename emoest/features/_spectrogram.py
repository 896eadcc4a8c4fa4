"""LogMelSpectrogram: audio to log-mel frames, as Kaldi or YAMNet make them."""

from typing import Any, ClassVar

import numpy as np

from emoest.features._log_mel import (
    KALDI_80,
    SHAPES,
    YAMNET_64,
    Filterbank,
    count_frames,
    log_mel_spectra,
)
from emoest.features._mel import LogMel, mel_matrix
from emoest.media.audio import open_audio
from emoest.media.transformer import CellTransformer
from emoest.utils import constraints
from emoest.utils._sklearn import StrOptions
from emoest.utils.devices import resolve_device
from emoest.utils.optional import major_version

_RECIPE_VERSION = 1


class LogMelSpectrogram(CellTransformer):
    """Convert audio to log-mel frames, by Kaldi's convention or by YAMNet's.

    Audio of any rate, channel count and format is averaged over channels, resampled to
    `target_rate` and cut into overlapping frames; each gives the logarithm of its mel bands. A
    signal of n samples has ``1 + (n - window) // step`` frames (98 for one second): nothing is
    padded, and what fills no frame at the end is left out.

    Parameters
    ----------
    convention : {"kaldi", "yamnet"}, default="kaldi"
        Gives whatever is None below its value, and says how a frame is made; see Notes.
    window, step : float, default=None
        Length of a frame and time from one to the next in seconds; 0.025 and 0.010.
    n_mels : int, default=None
        Number of bands; 80 (kaldi) or 64 (yamnet).
    f_min, f_max : float, default=None
        Lower edge of the first band and upper edge of the last in Hz; 20 and half of `target_rate`
        (kaldi), or 125 and 7500 (yamnet).
    window_shape : {"hamming", "hann", "povey"}, default=None
        Hamming (kaldi) or Hann (yamnet). Kaldi's own programs use ``"povey"`` unless told
        otherwise.
    preemphasis : float, default=None
        Proportion of the previous sample that is subtracted from each; 0.97 (kaldi) or 0 (yamnet).
    cmn : {"utterance", "sliding", "none"}, default=None
        What mean over time each band loses: that of the whole item (kaldi), that of the 300 frames
        around each, or none (yamnet). Variances are left alone.
    target_rate : int, default=16000
        Rate in Hz at which the audio is analyzed.
    pooling : {"mean", "max"} or None, default=None
        None gives frames (n_frames, n_mels) in the column ``logmel_frames``, with their
        ``seconds``; a pooling gives one vector a sample. The mean is 0 with ``cmn="utterance"``.
    chunks : {"pool", "concat"}, default="pool"
        What frames a list gives: one an item, the mean of its frames, or all frames of all items.
    sampling_rate : float, default=None
        Rate in Hz of arrays that come without one; files and tuples (array, rate) bring their own.
    errors : {"raise", "missing"}, default="raise"
        What an item that cannot be read means; one shorter than a frame is among these.
    cache_dir : str, path object, False or None, default=None
        Folder of the store; None takes the user's, False keeps nothing.
    batch_size : int, default=32
        Items computed at a time; the values do not depend on it.
    device : str, default="auto"
        Where torch computes: ``"auto"``, ``"cpu"``, ``"cuda"``, ...
    verbose : int, default=0
        Above 0 progress is shown.

    Attributes
    ----------
    n_dims_ : int
        Size of a frame, the number of bands.
    n_features_in_ : int
        Number of columns seen in `fit`.
    feature_names_in_ : ndarray of str
        Their names.

    Raises
    ------
    ValueError
        In `fit`, if the bands do not lie between 0 Hz and half of `target_rate`, if a band is so
        narrow that it holds no bin of the FFT, or if a frame or step is shorter than a sample.

    Notes
    -----
    Both conventions: mel is ``1127 ln(1 + f / 700)``; the bands are triangles in mel, equally
    spaced, not normalized by area; frames are padded with zeros to a power of two (512).

    - ``"kaldi"`` is the definition of Kaldi's ``compute-fbank-feats`` [1]_ with ``snip_edges``,
      without dither and energy: the signal in the range of int16, each frame less its mean,
      pre-emphasis, symmetric window, power spectrum, natural logarithm of at least the float32
      epsilon. 80 bands, the Hamming window and the mean taken off are the front end of public
      speaker-recognition weights; that the systems of the literature on emotions used the same is
      an assumption.
    - ``"yamnet"`` is YAMNet's [2]_: the signal in [-1, 1], periodic window, magnitude spectrum,
      natural logarithm of the band plus 0.001.

    References
    ----------
    .. [1] D. Povey et al., "The Kaldi speech recognition toolkit", IEEE Workshop on Automatic
       Speech Recognition and Understanding, 2011.
    .. [2] TensorFlow Models, research/audioset/yamnet (Apache-2.0).

    Examples
    --------
    >>> noise = np.random.RandomState(0).uniform(-1, 1, 16000)
    >>> spectrogram = LogMelSpectrogram(sampling_rate=16000, cache_dir=False)
    >>> frames = spectrogram.fit_transform([noise, noise[:8000], None])
    >>> [None if cell is None else cell.shape for cell in frames["logmel_frames"]]
    [(98, 80), (48, 80), None]
    """

    _stem: ClassVar[str] = "logmel"
    _media: ClassVar[str] = "file"
    _sidecars: ClassVar[tuple[str, ...]] = ("seconds",)

    _parameter_constraints: dict = {
        "convention": [StrOptions({"kaldi", "yamnet"})],
        "window": [constraints.POSITIVE_REAL, None],
        "step": [constraints.POSITIVE_REAL, None],
        "n_mels": [constraints.POSITIVE_INT, None],
        "f_min": [constraints.NON_NEGATIVE_REAL, None],
        "f_max": [constraints.POSITIVE_REAL, None],
        "window_shape": [StrOptions(set(SHAPES)), None],
        "preemphasis": [constraints.UNIT_INTERVAL, None],
        "cmn": [StrOptions({"utterance", "sliding", "none"}), None],
        "target_rate": [constraints.POSITIVE_INT],
        "pooling": [StrOptions({"mean", "max"}), None],
        "chunks": [StrOptions({"pool", "concat"})],
        "sampling_rate": [constraints.POSITIVE_REAL, None],
        **constraints.DEVICE,
        **CellTransformer._parameter_constraints,
    }

    def __init__(
        self,
        convention: str = "kaldi",
        *,
        window: float | None = None,
        step: float | None = None,
        n_mels: int | None = None,
        f_min: float | None = None,
        f_max: float | None = None,
        window_shape: str | None = None,
        preemphasis: float | None = None,
        cmn: str | None = None,
        target_rate: int = 16000,
        pooling: str | None = None,
        chunks: str = "pool",
        sampling_rate: float | None = None,
        errors: str = "raise",
        cache_dir: Any = None,
        batch_size: int = 32,
        device: str = "auto",
        verbose: int = 0,
    ):
        self.convention = convention
        self.window = window
        self.step = step
        self.n_mels = n_mels
        self.f_min = f_min
        self.f_max = f_max
        self.window_shape = window_shape
        self.preemphasis = preemphasis
        self.cmn = cmn
        self.target_rate = target_rate
        self.pooling = pooling
        self.chunks = chunks
        self.sampling_rate = sampling_rate
        self.errors = errors
        self.cache_dir = cache_dir
        self.batch_size = batch_size
        self.device = device
        self.verbose = verbose

    def _resolve(self) -> None:
        self._settings = self._find_settings()
        mel = self._settings.mel
        if min(mel.window, mel.step) < 1 or mel.window < 2:
            raise ValueError(
                f"window={self.window} s and step={self.step} s are {mel.window} and {mel.step} "
                f"samples at {mel.sampling_rate} Hz; a frame takes two and a step one."
            )
        if not 0 <= mel.f_min < mel.f_max <= mel.sampling_rate / 2:
            raise ValueError(
                f"The bands from f_min={mel.f_min:g} to f_max={mel.f_max:g} Hz do not rise within "
                f"0 to {mel.sampling_rate / 2:g} Hz, half of target_rate."
            )
        empty = np.flatnonzero(mel_matrix(mel).sum(axis=0) == 0)
        if empty.size:
            raise ValueError(
                f"{empty.size} of {mel.n_mels} bands (the first is band {empty[0]}) are narrower "
                f"than the FFT's bins of {mel.sampling_rate / mel.n_fft:g} Hz and would stay "
                "empty. Pass a smaller n_mels, or a longer window."
            )

    def _find_settings(self) -> Filterbank:
        """Fill what is None with the convention's values."""
        kaldi = self.convention == "kaldi"
        default = KALDI_80 if kaldi else YAMNET_64
        rate = self.target_rate
        seconds = {
            name: getattr(default.mel, name) / default.mel.sampling_rate
            for name in ("window", "step")
        }
        window = round(_given(self.window, seconds["window"]) * rate)
        mel = LogMel(
            sampling_rate=int(rate),
            window=window,
            step=round(_given(self.step, seconds["step"]) * rate),
            n_fft=1 << max(1, window - 1).bit_length(),
            n_mels=int(_given(self.n_mels, default.mel.n_mels)),
            f_min=float(_given(self.f_min, default.mel.f_min)),
            f_max=float(_given(self.f_max, rate / 2 if kaldi else default.mel.f_max)),
            offset=default.mel.offset,
        )
        return Filterbank(
            mel,
            kaldi,
            _given(self.window_shape, default.shape),
            float(_given(self.preemphasis, default.preemphasis)),
            _given(self.cmn, default.cmn),
        )

    def _recipe(self) -> dict[str, Any]:
        settings = self._settings
        return {
            "version": _RECIPE_VERSION,
            "mel": vars(settings.mel),
            **{name: value for name, value in vars(settings).items() if name != "mel"},
            "soxr": major_version("soxr"),
            "torch": major_version("torch"),
        }

    def _read_item(self, item: Any, name: str) -> np.ndarray:
        audio = open_audio(item, sampling_rate=self.sampling_rate, name=name)
        mel = self._settings.mel
        signal = np.concatenate(list(audio.blocks(mel.sampling_rate)))
        if count_frames(len(signal), mel) == 0:
            raise ValueError(
                f"{name} lasts {audio.seconds:.3f} s, which is less than a frame of "
                f"{mel.window / mel.sampling_rate:g} s"
            )
        return signal

    def _compute(self, batch: list[np.ndarray]) -> list[np.ndarray]:
        spectra = log_mel_spectra(batch, self._settings, device=resolve_device(self.device))
        rate = self._settings.mel.sampling_rate
        values = []
        for signal, spectrum in zip(batch, spectra, strict=True):
            seconds = np.full((len(spectrum), 1), len(signal) / rate / len(spectrum), np.float32)
            values.append(np.hstack([spectrum, seconds]))
        return values

    def _n_dims(self) -> int:
        return self._settings.mel.n_mels


def _given(value: Any, default: Any) -> Any:
    return default if value is None else value
