"""Batches of texts, signals and label strings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from emoest.nets.batches import Batch, FrameDataset
from emoest.nets.t5_fusion.net import IGNORED
from emoest.tables.cells import Frames


@dataclass
class LabeledSignals(FrameDataset):
    """Rows of texts and signals, with the tokens of their labels in training.

    Parameters
    ----------
    labels : sequence of sequence of int, or None
        Tokens of the different labels, which `target` numbers; None in prediction.
    first : dict of str to int
        How many frames of a signal are read, from its beginning.
    spread : dict of str to int
        How many frames of a signal are read, at equal steps.

    Examples
    --------
    >>> cells = {"face": [np.arange(6.0, dtype="float32")[:, None]]}
    >>> data = LabeledSignals(
    ...     cells, {"face": np.array([3])}, {"face": 1}, np.array([1]), labels=[[4], [5, 6]],
    ...     spread={"face": 3},
    ... )
    >>> X, _ = data.batch([0])
    >>> X["frames"]["face"].ravel().tolist(), X["labels"].tolist()
    ([0.0, 2.0, 5.0], [[5, 6]])
    """

    labels: Sequence[Sequence[int]] | None = None
    first: Mapping[str, int] = field(default_factory=dict)
    spread: Mapping[str, int] = field(default_factory=dict)

    def read(self, name: str, row: int) -> Frames | None:
        """Read the frames of one modality of a row, as many as are wanted."""
        frames = super().read(name, row)
        if frames is None:
            return None
        if name in self.first:
            frames = frames[: self.first[name]]
        if name in self.spread:
            frames = frames[spread_places(len(frames), self.spread[name])]
        return frames

    def batch(self, rows: Sequence[int], generator: torch.Generator | None = None) -> Batch:
        """Make padded tensors of rows, among them ``"labels"`` where there are labels."""
        X, y = super().batch(rows, generator)
        if self.labels is not None:
            X["labels"] = self._label_tokens(y[0].tolist())
        return X, y

    def _label_tokens(self, numbers: Sequence[Any]) -> torch.Tensor:
        assert self.labels is not None
        chosen = [self.labels[int(number)] for number in numbers]
        longest = max(len(tokens) for tokens in chosen)
        return torch.tensor([[*t, *[IGNORED] * (longest - len(t))] for t in chosen])


def spread_places(n_frames: int, most: int) -> Any:
    """Return the places of at most `most` frames at equal steps, the first and the last among them.

    Examples
    --------
    >>> spread_places(6, 3).tolist(), spread_places(2, 3).tolist()
    ([0, 2, 5], [0, 1])
    """
    return np.linspace(0, n_frames - 1, min(most, n_frames)).astype(np.intp)
