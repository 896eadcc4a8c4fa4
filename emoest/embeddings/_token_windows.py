"""Long texts as windows of tokens, and windows as batches under a budget of tokens."""

from dataclasses import dataclass
from typing import Any

import numpy as np

OVERLAP = 4
"""Windows overlap by one part in so many of the tokens that they hold."""

CPU_TOKENS = 256
"""A batch of so many tokens fills the vector units of a CPU; a larger one only adds padding."""


@dataclass(frozen=True)
class Window:
    """Part of a text that an encoder sees at once.

    Parameters
    ----------
    ids : ndarray of int, shape (n_tokens,)
        Token numbers, special tokens included.
    own : ndarray of bool, shape (n_tokens,)
        The text's tokens that no earlier window has; never special ones.
    """

    ids: np.ndarray
    own: np.ndarray


def cut_windows(tokenizer: Any, text: str, max_length: int, long_text: str) -> list[Window]:
    """Tokenize a text with a fast tokenizer and cut it into windows of `max_length` tokens.

    Special tokens count. With ``long_text="window"`` a longer text gives several windows, each
    sharing a quarter of its tokens with the one before, with ``"truncate"`` its start only. Each
    token that is kept is `own` in exactly one window. A text without any token raises `ValueError`.
    """
    capacity = max_length - tokenizer.num_special_tokens_to_add()
    overlap = capacity // OVERLAP
    sliding = long_text == "window"
    encoded = tokenizer(
        [text],
        truncation=True,
        max_length=max_length,
        stride=overlap if sliding else 0,
        return_overflowing_tokens=sliding,
        return_special_tokens_mask=True,
    )
    windows = []
    for ids, special in zip(encoded["input_ids"], encoded["special_tokens_mask"], strict=True):
        own = ~np.asarray(special, dtype=bool)
        if windows:
            own[np.flatnonzero(own)[:overlap]] = False
        windows.append(Window(np.asarray(ids, dtype=np.int64), own))
    if not any(window.own.any() for window in windows):
        raise ValueError("the text has no token that the encoder knows")
    return windows


@dataclass(frozen=True)
class TextWindow:
    """Part of a text that a sentence model reads at once, as text.

    Parameters
    ----------
    text : str
        The part.
    n_own : int
        Tokens in it that no earlier window has.
    """

    text: str
    n_own: int


def text_windows(tokenizer: Any, text: str, max_length: int) -> list[TextWindow]:
    """Cut a text into parts of at most `max_length` tokens that overlap by a quarter.

    A text of no more tokens is one part. Where a tokenizer cannot say where its tokens stand, a
    longer text is halved until its parts fit.
    """
    # Tokenizers warn of what is longer than they were made for, which is looked for here.
    ids = tokenizer(text, add_special_tokens=True, verbose=False)["input_ids"]
    if len(ids) <= max_length:
        return [TextWindow(text, max(1, len(ids)))]
    if not getattr(tokenizer, "is_fast", False):
        half = len(text) // 2
        return text_windows(tokenizer, text[:half], max_length) + text_windows(
            tokenizer, text[half:], max_length
        )
    encoded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True, verbose=False)
    offsets = encoded["offset_mapping"]
    capacity = max_length - tokenizer.num_special_tokens_to_add()
    overlap = capacity // OVERLAP
    windows = []
    for first in range(0, max(1, len(offsets) - overlap), capacity - overlap):
        part = offsets[first : first + capacity]
        own = len(part) - (overlap if windows else 0)
        windows.append(TextWindow(text[part[0][0] : part[-1][1]], own))
    return windows


def token_budget(n_tokens: int, device: str) -> int:
    """Tokens that a batch may hold: what was asked for, and on a CPU at most `CPU_TOKENS`.

    Examples
    --------
    >>> token_budget(4096, "cpu"), token_budget(4096, "cuda")
    (256, 4096)
    """
    return min(n_tokens, CPU_TOKENS) if device.startswith("cpu") else n_tokens


def token_batches(lengths: list[int], budget: int) -> list[list[int]]:
    """Group windows of like length, so that no group, padded, has more than `budget` tokens.

    A longer window stands alone. Positions come in groups, shortest first.

    Examples
    --------
    >>> token_batches([5, 1, 2, 9], budget=10)
    [[1, 2], [0], [3]]
    """
    batches: list[list[int]] = []
    for i in sorted(range(len(lengths)), key=lambda i: lengths[i]):
        if batches and (len(batches[-1]) + 1) * lengths[i] <= budget:
            batches[-1].append(i)
        else:
            batches.append([i])
    return batches
