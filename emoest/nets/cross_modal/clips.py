"""Clips in batches: text always there, frames up to a limit, masked for pre-training."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from emoest.nets.batches import Batch, FrameDataset
from emoest.nets.cross_modal.masking import FrameMask, mask_frames, mask_spans, mask_words
from emoest.nets.cross_modal.net import TASKS
from emoest.tables.cells import Frames, present_frames
from emoest.utils.typing import Floats, Ints

PROBS = "face_probs"
"""Modality of the emotion distributions of faces."""

CONDITIONS = (
    ("text", "face", "audio"),
    ("text", "face"),
    ("text", "audio"),
    ("text",),
    ("face", "audio"),
    ("face",),
    ("audio",),
)
"""What a sample keeps in each of the seven conditions of prompt training."""


@dataclass
class ClipDataset(FrameDataset):
    """Rows of pieces of words, faces and sound.

    Parameters
    ----------
    blank : ndarray of shape (n_pieces, 2)
        The text of a row without one: special pieces, or the prompt alone.
    limits : dict of str to int
        Longest sequence of each modality of frames; the first ones are kept.
    augment : bool, default=False
        Whether rows of training are seen in one of the seven conditions, drawn anew each time.

    The others are those of `FrameDataset`.

    Examples
    --------
    >>> data = ClipDataset(
    ...     {"text": [None]}, {"text": np.array([0])}, {"text": 2}, blank=np.ones((2, 2), "f4")
    ... )
    >>> data.batch([0])[0]["lengths"]["text"].tolist()
    [2]
    """

    blank: Frames = field(default_factory=lambda: np.zeros((2, 2), np.float32))
    limits: Mapping[str, int] = field(default_factory=dict)
    augment: bool = False

    def __post_init__(self) -> None:
        self.lengths = {
            name: np.minimum(lengths, self.limits.get(name, lengths.max(initial=0)))
            for name, lengths in self.lengths.items()
        }

    @property
    def longest(self) -> Ints:
        """Steps of the whole sequence of each row, shape (n_samples,)."""
        parts = [self.lengths[name] for name in self.dims if name != PROBS]
        return np.sum(np.stack(parts), axis=0)

    def read(self, name: str, row: int) -> Frames | None:
        """Read what is kept of the frames of one modality of a row."""
        frames = super().read(name, row)
        if name == "text":
            return self.blank if frames is None else frames
        # Those of a file come with its absent ones.
        return None if frames is None else present_frames(frames)[: self.lengths[name][row]]

    def batch(self, rows: Sequence[int], generator: torch.Generator | None = None) -> Batch:
        """Make padded tensors of rows; see `FrameDataset.batch`."""
        X, y = super().batch(rows, generator)
        if self.augment and generator is not None:
            self._drop(X["frames"], X["lengths"], generator)
        return X, y

    def _drop(
        self,
        frames: dict[str, Tensor],
        lengths: dict[str, Tensor],
        generator: torch.Generator,
    ) -> None:
        """Leave each row the modalities of a random condition, if it has any of them."""
        n_rows = len(lengths["text"])
        drawn = torch.randint(len(CONDITIONS), (n_rows,), generator=generator)
        for row, condition in enumerate(drawn.tolist()):
            kept = CONDITIONS[condition]
            if not any(name == "text" or lengths[name][row] > 0 for name in kept if name in frames):
                continue
            for name in frames.keys() - set(kept):
                frames[name][row] = 0.0
                lengths[name][row] = 0
            if "text" not in kept:
                lengths["text"][row] = len(self.blank)
                frames["text"][row, : len(self.blank)] = torch.from_numpy(self.blank)


@dataclass(frozen=True)
class MaskingRule:
    """How clips are masked in pre-training.

    Parameters
    ----------
    mask_id, first_id, vocab_size : int
        See `mask_words`.
    word_probability : float, default=0.15
        With which a word is chosen.
    whole_words : bool, default=True
        Whether all pieces of a word are masked together.
    ratios : mapping of str to float
        Proportion of masked frames of ``"face"`` and ``"audio"``.
    span : int, default=3
        Frames of a span; 1 masks single frames, each with the probability of its ratio.
    """

    mask_id: int
    first_id: int
    vocab_size: int
    word_probability: float = 0.15
    whole_words: bool = True
    ratios: Mapping[str, float] = field(default_factory=lambda: {"face": 0.2, "audio": 0.15})
    span: int = 3

    def mask_text(self, pieces: Floats, generator: np.random.Generator) -> tuple[Ints, Any]:
        """Mask pieces of shape (n_pieces, 2): their numbers and the words that they are part of."""
        return mask_words(
            pieces[:, 0].astype(np.int64),
            pieces[:, 1].astype(np.int64),
            generator,
            mask_id=self.mask_id,
            first_id=self.first_id,
            vocab_size=self.vocab_size,
            probability=self.word_probability,
            whole=self.whole_words,
        )

    def mask_frames(self, name: str, n: int, generator: np.random.Generator) -> FrameMask:
        """Mask `n` frames of a modality."""
        ratio = self.ratios[name]
        if self.span == 1:
            return mask_frames(n, generator, probability=ratio)
        return mask_spans(n, generator, ratio=ratio, span=self.span)


def mask_batch(
    task: str,
    frames: dict[str, Tensor],
    lengths: dict[str, Tensor],
    rule: MaskingRule,
    generator: np.random.Generator,
) -> dict[str, Any] | None:
    """Mask a batch for one task.

    Parameters
    ----------
    task : str
        One of `TASKS`.
    frames, lengths : dict of str to Tensor
        The batch; left as it is.
    rule : MaskingRule
        What is masked.
    generator : Generator
        Where the draws come from.

    Returns
    -------
    inputs : dict or None
        Arguments of `PretrainingNet.forward` after `task`; None if no row has the modality.
    """
    name = TASKS[task]
    inputs = {each: value for each, value in frames.items() if each != PROBS}
    kept = {each: value for each, value in lengths.items() if each != PROBS}
    seen = frames[name].clone()
    selected = torch.zeros(seen.shape[:2], dtype=torch.bool)
    hidden = torch.zeros_like(selected)
    counts = lengths[name]
    if task == "mvfc_kl":
        counts = torch.where(lengths[PROBS] > 0, counts, 0)
    for row, n in enumerate(counts.tolist()):
        if n and name == "text":
            ids, chosen = rule.mask_text(seen[row, :n].numpy(), generator)
            seen[row, :n, 0] = torch.from_numpy(ids).float()
            selected[row, :n] = torch.from_numpy(chosen)
        elif n:
            mask = rule.mask_frames(name, n, generator)
            seen[row, :n] = torch.from_numpy(mask.apply(seen[row, :n].numpy()))
            selected[row, :n] = torch.from_numpy(mask.selected)
            hidden[row, :n] = torch.from_numpy(mask.hidden)
    if not selected.any():
        return None
    source = frames[PROBS] if task == "mvfc_kl" else frames[name]
    target = source[:, : selected.shape[1]][selected]
    masked: dict[str, Any] = {"frames": {**inputs, name: seen}, "lengths": kept}
    if name == "text":
        return {**masked, "selected": selected, "target": target[:, 0].long()}
    return {**masked, "selected": selected, "target": target, "hidden": hidden}
