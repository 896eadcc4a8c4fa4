"""Resemblyzer's voice encoder: what a voice sounds like, in 256 numbers."""

import os
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np
import pandas as pd

from emoest.embeddings._base import PretrainedTransformer, embed_batches, fill_batches
from emoest.embeddings._speech.speaker_windows import (
    COVERAGE,
    RATE,
    STEP,
    cut_pauses,
    mel_partial,
    partial_starts,
    raise_level,
)
from emoest.files.catalogue import WEIGHTS
from emoest.media.audio import read_audio
from emoest.utils import constraints
from emoest.utils._sklearn import StrOptions
from emoest.utils.optional import major_version

PACKAGE = "resemblyzer"
"""Name of its weights in the catalogue: those of Resemblyzer 0.1.4."""

N_DIMS = WEIGHTS[PACKAGE].dims

_SUFFIXES = (".pt", ".safetensors")
_RECIPE_VERSION = 1


class _Voice(NamedTuple):
    """A decoded item: its samples without pauses, and its seconds with them."""

    signal: np.ndarray
    seconds: float

    @property
    def nbytes(self) -> int:
        return int(self.signal.nbytes)


class SpeakerEmbedder(PretrainedTransformer):
    """Embed voices with the encoder of Resemblyzer, an LSTM trained to tell speakers apart.

    Audio of any rate, channel count and format is averaged over channels and resampled to 16 kHz,
    raised to -30 dB if it is quieter, and its pauses are shortened. The net sees stretches of
    1.6 s and gives 256 numbers a stretch.

    Parameters
    ----------
    model : str or path object, default="resemblyzer"
        ``"resemblyzer"`` takes the weights of the installed package (17 MB, Apache-2.0; nothing of
        it is imported, so ``pip install --no-deps resemblyzer`` is enough), checked by digest; or
        the path of its ``pretrained.pt``, of which only tensors are read, or of a ``.safetensors``
        file of `emoest.nets.weight_files.safetensors_io.save_net`.
    pooling : {"mean", "max"} or None, default="mean"
        ``"mean"`` gives one vector of length 1 a sample; None gives frames (n_stretches, 256).
    chunks : {"pool", "concat"}, default="pool"
        What frames a list gives: one frame an item, the mean of its stretches, or all stretches.
    rate : float, default=1.3
        Stretches a second, at least 0.625 (no overlap); rounded to steps of 10 ms.
    cut_pauses : bool, default=True
        Whether pauses are shortened and silence at the ends is left out.
    sampling_rate : float, default=None
        Rate in Hz of arrays that come without one; files and tuples (array, rate) bring their own.
    errors : {"raise", "missing"}, default="raise"
        What an item that cannot be read means.
    cache_dir : str, path object, False or None, default=None
        Folder of the store; None takes the user's, False keeps nothing.
    batch_size : int, default=64
        Stretches that the net takes at a time.
    device : str, default="auto"
        Where the net computes: ``"auto"``, ``"cpu"``, ``"cuda"``, ...
    verbose : int, default=0
        Above 0 progress is shown.

    Attributes
    ----------
    weights_digest_ : str
        SHA-256 of the weights.
    n_dims_ : int
        256.
    n_features_in_ : int
        Number of columns seen in `fit`.
    feature_names_in_ : ndarray of str
        Their names.

    Raises
    ------
    FileNotFoundError
        In `fit`, if the package or the file is not there.
    ValueError
        In `fit`, if the package's weights are not those of version 0.1.4.

    Notes
    -----
    The net was trained to tell who speaks, and its vectors hold more than that: emotion changes
    what tells voices apart. On 960 clips of RAVDESS, eight classes, six folds over actors, z-scores
    and logistic regression on them give a UAR of 45.7 where chance is 12.5
    (``benchmarks/ravdess_voices.py``). So a speaker's mean over clips of one emotion carries that
    emotion as well.

    Stretches, mel spectra and net are the original's [1]_. Pauses go by energy here; the original
    asks the voice detector of WebRTC, so vectors of recordings with pauses differ from its own.
    Several items in a list with ``pooling="mean"``: their means are averaged by seconds.

    References
    ----------
    .. [1] C. Jemine, "Resemblyzer" (Apache-2.0).
    .. [2] L. Wan, Q. Wang, A. Papir and I. Lopez Moreno, "Generalized end-to-end loss for speaker
       verification", ICASSP 2018.

    Examples
    --------
    A net without training, to show the shapes:

    >>> import tempfile
    >>> from emoest.nets.voice_encoder import VoiceEncoder
    >>> from emoest.nets.weight_files.safetensors_io import save_net
    >>> weights = save_net(VoiceEncoder(), Path(tempfile.mkdtemp()) / "net.safetensors")
    >>> vectors = SpeakerEmbedder(weights, cache_dir=False).fit_transform([(np.ones(8000), 8000)])
    >>> vectors.shape, vectors.columns[0]
    ((1, 256), 'voice_0000')
    """

    _stem: ClassVar[str] = "voice"
    _media: ClassVar[str] = "file"
    _sidecars: ClassVar[tuple[str, ...]] = ("seconds",)

    _parameter_constraints: dict = {
        "pooling": [StrOptions({"mean", "max"}), None],
        "chunks": [StrOptions({"pool", "concat"})],
        "rate": [constraints.POSITIVE_REAL],
        "cut_pauses": ["boolean"],
        "sampling_rate": [constraints.POSITIVE_REAL, None],
        **PretrainedTransformer._parameter_constraints,
    }

    def __init__(
        self,
        model: str | os.PathLike[str] = PACKAGE,
        *,
        pooling: str | None = "mean",
        chunks: str = "pool",
        rate: float = 1.3,
        cut_pauses: bool = True,
        sampling_rate: float | None = None,
        errors: str = "raise",
        cache_dir: Any = None,
        batch_size: int = 64,
        device: str = "auto",
        verbose: int = 0,
    ):
        self.model = model
        self.pooling = pooling
        self.chunks = chunks
        self.rate = rate
        self.cut_pauses = cut_pauses
        self.sampling_rate = sampling_rate
        self.errors = errors
        self.cache_dir = cache_dir
        self.batch_size = batch_size
        self.device = device
        self.verbose = verbose

    def _weights_options(self) -> dict[str, Any]:
        return {
            "names": (PACKAGE,),
            "hint": f"Pass {PACKAGE!r}, the path of its pretrained.pt, or of a safetensors file.",
        }

    def _read_spec(self, path: Path) -> None:
        if path.suffix not in _SUFFIXES:
            raise ValueError(f"{str(path)!r} must end in {' or '.join(_SUFFIXES)}.")
        self._step = round(RATE / self.rate / STEP)
        if not 0 < self._step <= 1.6 * RATE / STEP:
            raise ValueError(
                f"rate={self.rate} stretches a second is out of range: from 0.625 (stretches of "
                "1.6 s without overlap) to 100."
            )

    def _n_dims(self) -> int:
        return N_DIMS

    def _recipe(self) -> dict[str, Any]:
        return {
            "version": _RECIPE_VERSION,
            "step": self._step,
            "cut_pauses": bool(self.cut_pauses),
            "coverage": COVERAGE,
            "soxr": major_version("soxr"),
            "torch": major_version("torch"),
        }

    def _load(self, path: Path, device: str) -> Any:
        from emoest.nets.voice_encoder import load_voice_encoder

        return load_voice_encoder(path).to(device)

    def _exportable_net(self) -> Any:
        import torch

        from emoest.nets.export import ExportableNet

        spectra = torch.rand(3, 160, 40, generator=torch.Generator().manual_seed(0))
        return ExportableNet(
            self._model(), {"spectra": spectra}, {"spectra": {0: "n_parts"}}, "voices"
        )

    def _read_item(self, item: Any, name: str) -> _Voice:
        signal, _ = read_audio(item, sampling_rate=self.sampling_rate, target_rate=RATE, name=name)
        seconds = len(signal) / RATE
        signal = raise_level(signal)
        return _Voice(cut_pauses(signal) if self.cut_pauses else signal, seconds)

    def _is_full(self, batch: list[_Voice]) -> bool:
        return super()._is_full(batch) or self._n_partials(batch) >= self.batch_size

    def _n_partials(self, batch: list[_Voice]) -> int:
        return sum(len(partial_starts(len(voice.signal), self._step)) for voice in batch)

    def _embed(self, model: Any, batch: list[_Voice]) -> list[np.ndarray]:
        import torch

        device = next(model.parameters()).device
        mels = (
            (i, mel_partial(voice.signal, start))
            for i, voice in enumerate(batch)
            for start in partial_starts(len(voice.signal), self._step)
        )
        rows = embed_batches(
            fill_batches(mels, self.batch_size),
            len(batch),
            lambda held: model(torch.from_numpy(np.stack(held)).to(device)).cpu().numpy(),
        )
        return [
            np.column_stack([part, np.full(len(part), voice.seconds / len(part), np.float32)])
            for voice, part in zip(batch, rows, strict=True)
        ]

    def _vectors(self, cells: list[np.ndarray | None], index: pd.Index) -> pd.DataFrame:
        vectors = super()._vectors(cells, index)
        if self.pooling != "mean":
            return vectors
        lengths = np.linalg.norm(vectors.to_numpy(), axis=1)
        return vectors.div(np.where(lengths > 0, lengths, 1.0).astype(np.float32), axis=0)
