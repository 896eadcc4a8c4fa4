"""Long recordings in pieces for a transcriber, cut where nobody speaks."""

from collections.abc import Callable, Iterable, Iterator

import numpy as np

from emoest.utils.typing import Floats32

Speech = list[tuple[int, int]]
"""Where someone speaks: first sample and the one after the last."""


def cut_pieces(
    blocks: Iterable[Floats32], size: int, find_speech: Callable[[Floats32], Speech]
) -> Iterator[tuple[int, Floats32, Speech]]:
    """Cut a recording into pieces of at most `size` samples, in pauses where there are some.

    A pause is searched in the second half of a piece; without one it is cut where it is full.

    Parameters
    ----------
    blocks : iterable of ndarray of shape (n_samples,)
        The recording, in parts of any length.
    size : int
        Most samples of a piece.
    find_speech : callable
        Gives where in a signal someone speaks, in order.

    Yields
    ------
    start : int
        Where the piece begins in the recording, in samples.
    signal : ndarray of shape (n_samples,)
        The piece.
    speech : list of (int, int)
        Where in the piece someone speaks.

    Examples
    --------
    >>> speech = lambda signal: [(0, 3), (5, len(signal))] if len(signal) > 5 else [(0, 2)]
    >>> [(start, len(part)) for start, part, _ in cut_pieces([np.zeros(9)], 6, speech)]
    [(0, 4), (4, 5)]
    """
    start = 0
    held = np.zeros(0, dtype=np.float32)
    for block in blocks:
        held = np.concatenate([held, block])
        while len(held) > size:
            cut = _pause(find_speech(held[:size]), size)
            # Searched again, since the detector hears the end of a recording otherwise.
            yield start, held[:cut], find_speech(held[:cut])
            start += cut
            held = held[cut:]
    if len(held):
        yield start, held, find_speech(held)


def _pause(speech: Speech, size: int) -> int:
    """Return the middle of the last pause in the second half of a piece, else its end."""
    edges = [0, *(edge for span in speech for edge in span), size]
    middles = [
        (end + begin) // 2
        for end, begin in zip(edges[::2], edges[1::2], strict=True)
        if begin > end and (end + begin) // 2 >= size // 2
    ]
    return middles[-1] if middles else size
