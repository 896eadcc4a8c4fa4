"""Texts with what is said around them, as tokens."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from emoest.tables.cells import is_missing
from emoest.utils.typing import Floats32

Window = tuple[list[int], list[int]]


def context_windows(
    dialogues: Sequence[Any] | None, n_rows: int, before: int, after: int
) -> list[Window]:
    """Find the rows around each row in its dialogue.

    Parameters
    ----------
    dialogues : sequence or None
        Dialogue of each row; the order of the rows is that of the dialogue. A row without one, and
        every row if there are none at all, stands alone.
    n_rows : int
        Number of rows.
    before, after : int
        How many rows before and after it.

    Returns
    -------
    windows : list of (list of int, list of int)
        Positions before, the nearest first, and after.

    Examples
    --------
    >>> context_windows(["a", "b", "a", "a"], 4, 1, 2)
    [([], [2, 3]), ([], []), ([0], [3]), ([2], [])]
    """
    windows: list[Window] = [([], []) for _ in range(n_rows)]
    if dialogues is None:
        return windows
    column = pd.Series([None if is_missing(name) else name for name in dialogues], dtype=object)
    for positions in column.groupby(column, sort=False).indices.values():
        rows = np.sort(positions).tolist()
        for place, row in enumerate(rows):
            earlier = rows[max(0, place - before) : place]
            windows[row] = (earlier[::-1], rows[place + 1 : place + 1 + after])
    return windows


def window_tokens(
    texts: Sequence[Sequence[int]],
    row: int,
    window: Window,
    *,
    prefix: Sequence[int],
    end: int,
    max_length: int,
) -> Floats32:
    """Write the tokens of a text and of those around it, and mark its own.

    Parameters
    ----------
    texts : sequence of sequence of int
        Tokens of each text.
    row : int
        Which one.
    window : tuple of list of int
        The rows around it, see `context_windows`.
    prefix : sequence of int
        Tokens in front of everything.
    end : int
        Token behind everything.
    max_length : int
        Largest number of tokens. The text itself is cut last, then what is farthest from it first.

    Returns
    -------
    tokens : ndarray of shape (n_tokens, 2), dtype float32
        The token, and 1 where it is of the text itself.

    Raises
    ------
    ValueError
        If there is no room for the text.

    Examples
    --------
    >>> window_tokens([[7, 8], [9]], 0, ([], [1]), prefix=[5], end=1, max_length=10).T.tolist()
    [[5.0, 7.0, 8.0, 9.0, 1.0], [0.0, 1.0, 1.0, 0.0, 0.0]]
    """
    room = max_length - len(prefix) - 1
    if room < 1:
        raise ValueError(
            f"The prefix has {len(prefix)} tokens and the end one more, so that max_length="
            f"{max_length} leaves none for the text. Raise max_length or shorten the prefix."
        )
    own = list(texts[row])[:room]
    room -= len(own)
    before: list[int] = []
    after: list[int] = []
    for step in range(max(map(len, window))):
        if step < len(window[0]) and room:
            # Of what does not fit, the end is nearest.
            added = list(texts[window[0][step]])[-room:]
            before, room = [*added, *before], room - len(added)
        if step < len(window[1]) and room:
            added = list(texts[window[1][step]])[:room]
            after, room = [*after, *added], room - len(added)
    tokens = [*prefix, *before, *own, *after, end]
    marked = np.zeros((len(tokens), 2), dtype=np.float32)
    marked[:, 0] = tokens
    start = len(prefix) + len(before)
    marked[start : start + len(own), 1] = 1
    return marked
