"""wav2vec 2.0 and its relatives: any speech encoder of transformers, frozen."""

import warnings
from numbers import Integral, Real
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np

from emoest.embeddings._base import pad_rows
from emoest.embeddings._heads import HeadOutput
from emoest.embeddings._in_memory import FEATURE_EXTRACTOR
from emoest.embeddings._speech.base import SpeechEncoder, layer_of
from emoest.embeddings._speech.signal_windows import Convolutions, SignalWindow
from emoest.files.hub import read_json
from emoest.nets.weight_files.transformers_folder import (
    load_encoder,
    loading,
    text_version,
)
from emoest.utils import constraints
from emoest.utils._sklearn import Interval, StrOptions
from emoest.utils.messages import listed
from emoest.utils.optional import import_optional, major_version

_PADDED = ("wav2vec2", "hubert", "wavlm", "unispeech", "unispeech-sat")
"""Encoders whose Transformer honors its mask everywhere; others see equal lengths together."""

_EXTRACTOR = "Wav2Vec2FeatureExtractor"
_UNUSED = ("masked_spec_embed", "adapter.")
"""Tensors of training, and of layers behind the last one."""

_RECIPE_VERSION = 1


class _Loaded(NamedTuple):
    net: Any
    device: str


class Wav2Vec2Embedder(HeadOutput, SpeechEncoder):
    """Embed speech with a frozen encoder of transformers: wav2vec 2.0, HuBERT, WavLM and others.

    Audio of any rate, channel count and format is averaged over channels and resampled to the
    encoder's rate, and scaled as the encoder's own feature extractor says (mostly to mean 0 and
    variance 1 over the clip). The encoder gives a frame about every 20 ms.

    Parameters
    ----------
    model : str, path object, model of transformers or tuple, default="facebook/wav2vec2-base"
        Name on the Hugging Face hub, or the folder of a saved encoder with its
        ``preprocessor_config.json``; weights must be safetensors. No network is touched if the
        files are on this machine. Or a model in memory: the pair (model, feature_extractor), a
        pipeline that holds both, or the model alone if its feature extractor is on this machine
        where ``model.name_or_path`` says; see the Notes of `SBERTEmbedder`.
    revision : str, default=None
        Branch, tag or commit on the hub. What is found is pinned by digest in `fit`.
    layer : int or "mean", default=-1
        Which hidden layer: -1 is the last, 0 what enters the first layer; ``"mean"`` averages all
        of them.
    output : {"embedding", "probabilities"}, default="embedding"
        Hidden states, or what a fine-tuned head gives (`class_names`): the probabilities of its
        classes, or the values of a regression such as arousal; one frame for each window that the
        encoder sees, whatever `layer` and `step`.
    step : int, default=None
        Frames of the encoder from one frame to the next: so many consecutive ones are averaged to
        one, the last may average fewer. None averages none.
    pooling : {"mean", "max"} or None, default=None
        None gives frames (n_frames, n_dims); a pooling gives one vector a sample.
    chunks : {"pool", "concat"}, default="pool"
        What frames a list gives: one frame an item, the mean of its frames, or all frames.
    max_seconds : float, default=20.0
        Seconds of audio that the encoder sees at once, at least 1.
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
        SHA-256 of the model's files.
    n_dims_ : int
        Size of a frame.
    sampling_rate_ : int
        Rate in Hz that the encoder wants.
    n_features_in_ : int
        Number of columns seen in `fit`.
    feature_names_in_ : ndarray of str
        Their names.

    Raises
    ------
    FileNotFoundError
        In `fit`, if there is no such model or revision, or if it lacks its configuration, its
        feature extractor's or safetensors.
    ValueError
        In `fit`, if the model does not take raw audio or has no such layer; in `transform`, if a
        clip is too short for one frame (25 ms for the models named here).

    See Also
    --------
    YAMNetEmbedder : Sounds of all kinds, half a second a frame.

    Notes
    -----
    Next to the frames (``wav2vec2_frames``) stands the column ``seconds``: the duration of the item
    divided among its frames, so that they add up to it.

    A value does not depend on the order and size of batches, to 1e-5. Nets whose first layer
    normalizes over time (wav2vec 2.0 base, HuBERT base) give other values for padded clips; here
    the convolutions see each clip alone, and the Transformer's layers see the batch with a mask.
    Encoders of kinds other than wav2vec 2.0, HuBERT, WavLM, UniSpeech and UniSpeech-SAT take
    batches of clips of equal length only. Adapters behind the last layer are left out.

    MEmoBERT [2]_ takes ``"facebook/wav2vec2-base"``, the first 10 s of a clip and the mean of every
    three frames: ``step=3, max_seconds=10, long_audio="truncate"``. That its clips were scaled to
    mean 0 and variance 1 is inferred from the model's feature extractor.

    References
    ----------
    .. [1] A. Baevski, H. Zhou, A. Mohamed and M. Auli, "wav2vec 2.0: A framework for
       self-supervised learning of speech representations", NeurIPS 2020.
    .. [2] J. Zhao et al., "MEmoBERT: Pre-training model with prompt-based learning for multimodal
       emotion recognition", ICASSP 2022.

    Examples
    --------
    A net without training, to show the shapes:

    >>> import tempfile
    >>> from transformers import Wav2Vec2Config, Wav2Vec2FeatureExtractor, Wav2Vec2Model
    >>> folder = tempfile.mkdtemp()
    >>> sizes = dict(hidden_size=8, intermediate_size=16, num_hidden_layers=1)
    >>> config = Wav2Vec2Config(**sizes, num_attention_heads=2, conv_dim=[8] * 7,
    ...     num_conv_pos_embedding_groups=2)
    >>> Wav2Vec2Model(config).save_pretrained(folder)
    >>> _ = Wav2Vec2FeatureExtractor().save_pretrained(folder)
    >>> embedder = Wav2Vec2Embedder(folder, step=3, cache_dir=False)
    >>> frames = embedder.fit_transform([(np.zeros(8000), 8000), None])
    >>> list(frames.columns), frames["wav2vec2_frames"][0].shape
    (['wav2vec2_frames', 'seconds'], (17, 8))
    """

    _base_stem: ClassVar[str] = "wav2vec2"
    _companion = FEATURE_EXTRACTOR

    _parameter_constraints: dict = {
        "revision": [str, None],
        "layer": [Integral, StrOptions({"mean"})],
        **HeadOutput._head_constraints,
        "step": [constraints.POSITIVE_INT, None],
        "pooling": [StrOptions({"mean", "max"}), None],
        "chunks": [StrOptions({"pool", "concat"})],
        "max_seconds": [Interval(Real, 1, None, closed="left")],
        "long_audio": [StrOptions({"window", "truncate"})],
        "sampling_rate": [constraints.POSITIVE_REAL, None],
        **SpeechEncoder._parameter_constraints,
    }

    def __init__(
        self,
        model: Any = "facebook/wav2vec2-base",
        *,
        revision: str | None = None,
        layer: int | str = -1,
        output: str = "embedding",
        step: int | None = None,
        pooling: str | None = None,
        chunks: str = "pool",
        max_seconds: float = 20.0,
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
        self.output = output
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
        return self._folder_options(tokenizer=False)

    def _read_spec(self, path: Path) -> None:
        config = read_json(path, "config.json")
        self._convolutions = _convolutions(config, self._weights_name())
        self._hidden_size = int(config["hidden_size"])
        self._layer = layer_of(self.layer, int(config["num_hidden_layers"]), self._weights_name())
        self._read_head(config, self._weights_name())
        self._padded = config["model_type"] in _PADDED and not config.get("conv_pos_batch_norm")
        extractor = _feature_extractor(path)
        self.sampling_rate_ = int(extractor["sampling_rate"])
        self._normalize = bool(extractor.get("do_normalize", True))

    @property
    def _step(self) -> int:
        return super()._step if self._head is None else 1

    def _recipe(self) -> dict[str, Any]:
        return {
            "version": _RECIPE_VERSION,
            "layer": None if self._head else self._layer,
            # The old name of `step`, so that what was stored under it is found.
            "stride": self._step,
            "window": self._window,
            "long_audio": self.long_audio,
            "transformers": text_version("transformers", type(self).__name__),
            "soxr": major_version("soxr"),
        }

    def _load(self, path: Path, device: str) -> _Loaded:
        from emoest.nets.layers.clipwise import Clipwise

        transformers = import_optional("transformers", extra="text", purpose=type(self).__name__)
        with loading(path):
            if self._head is None:
                net = encoder = load_encoder(path, transformers.AutoModel, device, optional=_UNUSED)
                net.adapter = None
            else:
                loader = transformers.AutoModelForAudioClassification
                net = load_encoder(path, loader, device, optional=_UNUSED[:1])
                encoder = net.base_model
        encoder.feature_extractor = Clipwise(encoder.feature_extractor)
        return _Loaded(net, device)

    def _states(self, model: _Loaded, windows: list[SignalWindow]) -> list[np.ndarray]:
        """Run the net once; of each window the frames that are its own."""
        import torch

        lengths = [len(window.signal) for window in windows]
        signals, mask = pad_rows([window.signal for window in windows])
        ragged = len(set(lengths)) > 1
        model.net.base_model.feature_extractor.lengths = lengths
        with warnings.catch_warnings():
            # torch's advice to WavLM, whose masks are of two kinds; users can do nothing about it.
            warnings.filterwarnings("ignore", "Support for mismatched key_padding", UserWarning)
            output = model.net(
                torch.from_numpy(signals).to(model.device),
                attention_mask=torch.from_numpy(mask).to(model.device) if ragged else None,
                output_hidden_states=self._layer is not None and self._head is None,
            )
        if self._head is not None:
            return [row[None] for row in self._head.activate(output.logits).cpu().numpy()]
        states = self._chosen(output).cpu().numpy()
        counts = [self._convolutions.n_frames(n) if ragged else states.shape[1] for n in lengths]
        return [
            rows[:count][window.own].copy()
            for rows, count, window in zip(states, counts, windows, strict=True)
        ]

    def _chosen(self, output: Any) -> Any:
        """Return the layer, or the mean of all; the last one is what the net gives in the end."""
        if self._layer is None:
            return output.last_hidden_state
        if self._layer != "mean":
            return output.hidden_states[self._layer]
        *inner, _ = output.hidden_states
        return sum(inner, output.last_hidden_state) / (len(inner) + 1)


def _convolutions(config: dict[str, Any], name: str) -> Convolutions:
    """Read the convolutions from ``config.json``, or say that this is no encoder of raw audio."""
    needed = ("conv_kernel", "conv_stride", "hidden_size", "num_hidden_layers", "model_type")
    missing = [key for key in needed if key not in config]
    if missing:
        raise ValueError(
            f"{name!r} is no encoder of raw audio that Wav2Vec2Embedder can run: its config.json "
            f"has no {listed(missing)}. Choose a wav2vec 2.0, HuBERT or WavLM model."
        )
    if config.get("squeeze_factor", 1) != 1:
        raise ValueError(
            f"{name!r} ({config['model_type']}) has layers of different frame rates, which "
            "Wav2Vec2Embedder does not run. Choose a wav2vec 2.0, HuBERT or WavLM model."
        )
    return Convolutions(tuple(config["conv_kernel"]), tuple(config["conv_stride"]))


def _feature_extractor(path: Path) -> dict[str, Any]:
    """Read how audio is prepared for the encoder, and check that it is prepared as raw audio."""
    processor = read_json(path, "processor_config.json").get("feature_extractor", {})
    found = read_json(path, "preprocessor_config.json") or processor
    if not found:
        raise FileNotFoundError(
            f"The folder {str(path)!r} holds no preprocessor_config.json, which says at what rate "
            "and scale the encoder wants audio. Save it there with "
            "feature_extractor.save_pretrained(folder)."
        )
    kind = found.get("feature_extractor_type", _EXTRACTOR)
    rate = found.get("sampling_rate", 0)
    if kind != _EXTRACTOR or not isinstance(rate, int) or rate <= 0:
        raise ValueError(
            f"The preprocessor_config.json in {str(path)!r} names {kind} at {rate!r} Hz; "
            f"Wav2Vec2Embedder runs encoders of raw audio ({_EXTRACTOR}, a positive rate)."
        )
    return found
