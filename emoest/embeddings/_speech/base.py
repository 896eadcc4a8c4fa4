"""What frozen encoders of speech share: audio in windows, and batches of like length."""

from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np

from emoest.embeddings._base import PretrainedTransformer, embed_batches
from emoest.embeddings._speech.signal_windows import (
    AudioWindows,
    Convolutions,
    SignalWindow,
    average_runs,
)
from emoest.embeddings._token_windows import token_budget
from emoest.media.audio import open_audio
from emoest.media.items import CELL_ERRORS
from emoest.nets.weight_files.transformers_folder import number_layer

_BATCHES_KEPT = 4


class SpeechEncoder(PretrainedTransformer):
    """Base of embedders of speech whose encoder sees some seconds at once.

    To what `PretrainedTransformer` asks for, a subclass adds ``step``, ``max_seconds``,
    ``long_audio`` and ``sampling_rate`` to its parameters, sets ``sampling_rate_`` and
    ``_convolutions`` in ``_read_spec``, may set ``_normalize`` (whether audio is scaled to mean 0
    and variance 1) and ``_padded`` (whether a batch may hold windows of different lengths), and
    writes ``_states(model, windows)``: of each window the frames that are its own. ``_load`` gives
    an object that has a ``device``.
    """

    _media: ClassVar[str] = "file"
    _sidecars: ClassVar[tuple[str, ...]] = ("seconds",)
    _convolutions: Convolutions
    _normalize: bool = False
    _padded: bool = True

    def _states(self, model: Any, windows: list[SignalWindow]) -> list[np.ndarray]:
        raise NotImplementedError

    @property
    def _step(self) -> int:
        return self.step or 1

    @property
    def _window(self) -> int:
        return round(self.max_seconds * self.sampling_rate_)

    @property
    def _budget(self) -> int:
        return self.batch_size * self._window

    def _order(self, items: list[Any]) -> list[int]:
        """Shortest first, so that a batch holds clips of like length and little padding."""
        return sorted(range(len(items)), key=lambda i: self._seconds(items[i]))

    def _seconds(self, item: Any) -> float:
        try:
            return open_audio(item, sampling_rate=self.sampling_rate).seconds
        except CELL_ERRORS:
            return 0.0

    def _read_item(self, item: Any, name: str) -> AudioWindows:
        return AudioWindows(
            open_audio(item, sampling_rate=self.sampling_rate, name=name),
            self.sampling_rate_,
            self._window,
            self._convolutions,
            normalize=self._normalize,
            truncate=self.long_audio == "truncate",
        )

    def _is_full(self, batch: list[AudioWindows]) -> bool:
        return sum(clip.n_samples for clip in batch) >= _BATCHES_KEPT * self._budget

    def _embed(self, model: Any, batch: list[AudioWindows]) -> list[np.ndarray]:
        step = self._convolutions.step
        budget = token_budget(self._budget // step, model.device) * step
        batches = self._packed(batch, budget)
        parts = embed_batches(batches, len(batch), lambda windows: self._states(model, windows))
        return [self._frames(clip, own) for clip, own in zip(batch, parts, strict=True)]

    def _size(self, window: SignalWindow) -> int:
        """Samples that the encoder computes for a window."""
        return len(window.signal)

    def _packed(
        self, clips: list[AudioWindows], budget: int
    ) -> Iterator[tuple[list[int], list[SignalWindow]]]:
        """Fill batches of `budget` samples across clips: whose windows, and the windows."""
        owners: list[int] = []
        held: list[SignalWindow] = []
        longest = 0
        for i, clip in enumerate(clips):
            for window in clip.windows():
                size = self._size(window)
                full = (len(held) + 1) * max(longest, size) > budget
                if held and (full or not (self._padded or size == longest)):
                    yield owners, held
                    owners, held, longest = [], [], 0
                owners.append(i)
                held.append(window)
                longest = max(longest, size)
        if held:
            yield owners, held

    def _frames(self, clip: AudioWindows, parts: list[np.ndarray]) -> np.ndarray:
        """Frames of a clip, averaged by `step`, with the seconds that it covers."""
        frames, counts = average_runs(np.concatenate(parts), self._step)
        seconds = (clip.seconds * counts / counts.sum()).astype(np.float32)
        return np.concatenate([frames, seconds[:, None]], axis=1)


def layer_of(layer: int | str, n_layers: int, name: str) -> int | str | None:
    """Number the layer from the front; None is the last one, ``"mean"`` stays what it is.

    Examples
    --------
    >>> layer_of(-2, 12, "encoder"), layer_of(-1, 12, "encoder"), layer_of("mean", 12, "encoder")
    (11, None, 'mean')
    """
    if isinstance(layer, str):
        return layer
    found = number_layer(layer, n_layers, name, "what enters the first")
    return None if found == n_layers else found
