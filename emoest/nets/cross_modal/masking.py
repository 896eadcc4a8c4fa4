"""What is hidden in pre-training: whole words, spans of frames, or single pieces and frames.

J. Zhao, R. Li, Q. Jin, X. Wang and H. Li, "MEmoBERT: pre-training model with prompt-based learning
for multimodal emotion recognition", ICASSP 2022. The rules follow the authors' code at the time of
the paper; what differs is said in each function.
"""

from dataclasses import dataclass

import numpy as np

from emoest.tables.cells import Frames
from emoest.utils.typing import Ints, Mask

ZEROED = -1
"""Source of a frame that is hidden altogether."""

_MASKED, _REPLACED = 0.8, 0.9


@dataclass(frozen=True)
class FrameMask:
    """Which frames are predicted, and what the net sees in their place.

    Parameters
    ----------
    selected : ndarray of bool, shape (n_frames,)
        Frames that are predicted.
    source : ndarray of int, shape (n_frames,)
        Position of the frame that is seen there; `ZEROED` where none is.
    """

    selected: Mask
    source: Ints

    @property
    def hidden(self) -> Mask:
        """Frames that are zeros, shape (n_frames,)."""
        return self.source == ZEROED

    def apply(self, frames: Frames) -> Frames:
        """Return frames of shape (n_frames, n_dims) as the net sees them."""
        seen = frames[np.maximum(self.source, 0)]
        seen[self.hidden] = 0.0
        return seen


def mask_words(
    ids: Ints,
    words: Ints,
    generator: np.random.Generator,
    *,
    mask_id: int,
    first_id: int,
    vocab_size: int,
    probability: float = 0.15,
    whole: bool = True,
) -> tuple[Ints, Mask]:
    """Hide words of a text, all their pieces together.

    Each word is chosen with a probability, at least one is. Of the chosen ones 80 % become the mask
    in all pieces, in 10 % each piece becomes a random one, and 10 % stay as they are.

    Parameters
    ----------
    ids : ndarray of int, shape (n_pieces,)
        Numbers of the pieces.
    words : ndarray of int, shape (n_pieces,)
        Number of the word that each piece is part of; -1 for special pieces, which stay.
    generator : Generator
        Where the draws come from.
    mask_id : int
        Number of the mask.
    first_id, vocab_size : int
        Random pieces are drawn from `first_id` to `vocab_size` - 1.
    probability : float, default=0.15
        With which a word is chosen.
    whole : bool, default=True
        False chooses single pieces instead of words.

    Returns
    -------
    seen : ndarray of int, shape (n_pieces,)
        What the net sees.
    selected : ndarray of bool, shape (n_pieces,)
        Pieces that are predicted.

    Notes
    -----
    At least one word: the authors' code means to, but never does.

    Examples
    --------
    >>> ids, words = np.array([2, 7, 8, 9, 3]), np.array([-1, 0, 1, 1, -1])
    >>> seen, selected = mask_words(
    ...     ids, words, np.random.default_rng(0), mask_id=4, first_id=5, vocab_size=10,
    ...     probability=1.0,
    ... )
    >>> selected.tolist()
    [False, True, True, True, False]
    """
    units = words if whole else np.where(words < 0, -1, np.arange(len(words)))
    every = np.unique(units[units >= 0])
    seen = ids.copy()
    if not len(every):
        return seen, np.zeros(len(ids), dtype=bool)
    chosen = every[generator.random(len(every)) < probability]
    if not len(chosen):
        chosen = generator.choice(every, 1)
    for unit, dice in zip(chosen, generator.random(len(chosen)), strict=True):
        pieces = units == unit
        if dice < _MASKED:
            seen[pieces] = mask_id
        elif dice < _REPLACED:
            seen[pieces] = generator.integers(first_id, vocab_size, int(pieces.sum()))
    return seen, np.isin(units, chosen)


def mask_spans(
    n_frames: int, generator: np.random.Generator, *, ratio: float, span: int = 3
) -> FrameMask:
    """Hide spans of frames, by the rule of the paper's code.

    There are ``floor(n_frames * ratio / span)`` spans, which may overlap; the last two frames are
    never in one. One die is cast for the sequence: in 80 % the spans are zeros, in 10 % they hold
    the frames of other random spans, in 10 % nothing is chosen. Where nothing is chosen, or there
    are too few frames for a span, one random frame is zeros. All chosen frames are predicted.

    Parameters
    ----------
    n_frames : int
        Frames of the sequence, at least 1.
    generator : Generator
        Where the draws come from.
    ratio : float
        Proportion of the frames in spans, before overlaps.
    span : int, default=3
        Frames of a span.

    Returns
    -------
    mask : FrameMask

    Examples
    --------
    >>> mask = mask_spans(36, np.random.default_rng(0), ratio=0.2)
    >>> int(mask.selected.sum()), bool(mask.selected[-2:].any())
    (6, False)
    """
    source = np.arange(n_frames)
    selected = np.zeros(n_frames, dtype=bool)
    n_starts = n_frames - span - 1
    n_spans = min(int(np.floor(n_frames * ratio / span + 1e-9)), n_starts)
    dice = generator.random()
    if n_spans < 1 or dice >= _REPLACED:
        return _hide_one(source, selected, generator)
    starts = generator.choice(n_starts, n_spans, replace=False)
    spans = [slice(start, start + span) for start in starts]
    for place in spans:
        selected[place] = True
    if dice < _MASKED:
        source[selected] = ZEROED
        return FrameMask(selected, source)
    others = generator.choice(n_starts, n_spans, replace=False)
    # One after the other in place, so that a span may hold what another one already received.
    for place, other in zip(spans, others, strict=True):
        source[place] = source[other : other + span].copy()
    return FrameMask(selected, source)


def mask_frames(
    n_frames: int, generator: np.random.Generator, *, probability: float = 0.15
) -> FrameMask:
    """Hide single frames, each with a probability and at least one; they are zeros.

    Parameters
    ----------
    n_frames : int
        Frames of the sequence, at least 1.
    generator : Generator
        Where the draws come from.
    probability : float, default=0.15
        With which a frame is chosen.

    Returns
    -------
    mask : FrameMask

    Examples
    --------
    >>> int(mask_frames(4, np.random.default_rng(0), probability=0.0).hidden.sum())
    1
    """
    source, selected = np.arange(n_frames), generator.random(n_frames) < probability
    if not selected.any():
        return _hide_one(source, selected, generator)
    source[selected] = ZEROED
    return FrameMask(selected, source)


def _hide_one(source: Ints, selected: Mask, generator: np.random.Generator) -> FrameMask:
    at = int(generator.integers(len(source)))
    source[at], selected[at] = ZEROED, True
    return FrameMask(selected, source)
