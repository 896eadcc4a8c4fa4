"""Frames and time: means over spans, lengths, and the cells that say when frames are."""

from typing import Any

import numpy as np

from emoest.tables.cells import Frames
from emoest.utils.typing import Floats

PADDINGS = ("front", "back")
EMPTY = ("zeros", "interpolate")


def align_frames(frames: Any, times: Any, spans: Any, *, empty: str = "zeros") -> Frames:
    """Average the frames that fall into each span, as words are aligned with sound and face.

    Parameters
    ----------
    frames : array-like of shape (n_frames, n_dims)
        The frames; values that are not finite are left out.
    times : array-like of shape (n_frames,)
        When each frame is, in seconds.
    spans : array-like of shape (n_spans, 2)
        When each span begins and ends, in seconds. The end is outside, and spans may overlap or
        leave time between them.
    empty : {"zeros", "interpolate"}, default="zeros"
        What a span gets that no frame falls into: zeros, or what lies between the frames before and
        behind its middle, linearly. Before the first and behind the last frame it is zeros anyway.

    Returns
    -------
    aligned : ndarray of shape (n_spans, n_dims), dtype float32
        Zeros, too, in a dimension without a finite value.

    Raises
    ------
    ValueError
        If the shapes are inconsistent, a span holds NaN, or `empty` is unknown.

    Notes
    -----
    The alignment of the packs of CMU (Zadeh et al., "Memory fusion network for multi-view
    sequential learning", AAAI 2018, the authors' code): the mean over the frames inside a word,
    zeros for a word without frames. There not finite values become zeros and are averaged; here
    they are left out.

    Examples
    --------
    >>> frames = [[1.0], [3.0], [8.0]]
    >>> align_frames(frames, [0.05, 0.15, 0.25], [[0.0, 0.2], [0.2, 0.3], [0.3, 0.9]]).tolist()
    [[2.0], [8.0], [0.0]]
    >>> align_frames([[1.0], [3.0]], [0, 1], [[0.0, 0.5], [0.5, 1.0]], empty="interpolate").tolist()
    [[1.0], [2.5]]
    """
    if empty not in EMPTY:
        raise ValueError(f"empty={empty!r} is unknown; choose one of {', '.join(EMPTY)}.")
    values, times, spans = (np.asarray(each, dtype=np.float64) for each in (frames, times, spans))
    if values.ndim != 2 or times.shape != values.shape[:1] or spans.shape[1:] != (2,):
        raise ValueError(
            f"frames, times and spans have the shapes {values.shape}, {times.shape} and "
            f"{spans.shape}; expected (n_frames, n_dims), (n_frames,) and (n_spans, 2)."
        )
    if np.isnan(spans).any():
        row = int(np.flatnonzero(np.isnan(spans).any(axis=1))[0])
        raise ValueError(f"span {row} has no beginning or no end: {spans[row].tolist()}.")
    order = np.argsort(times, kind="stable")
    finite = np.isfinite(values)[order]
    known = np.where(finite, values[order], 0.0)
    aligned = np.zeros((len(spans), values.shape[1]), dtype=np.float32)
    # Both edges are searched from the left, so that the end of a span is outside.
    for row, (start, end) in enumerate(np.searchsorted(times[order], spans)):
        count = finite[start:end].sum(axis=0)
        aligned[row] = known[start:end].sum(axis=0) / np.maximum(count, 1)
    if empty == "interpolate":
        between = spans_between(times, spans)
        middles = spans[between].mean(axis=1)
        for dim in np.flatnonzero(finite.any(axis=0)):
            seen = finite[:, dim]
            aligned[between, dim] = np.interp(middles, times[order][seen], values[order][seen, dim])
    return aligned


def spans_between(times: Any, spans: Any) -> Any:
    """Mark the spans that no frame falls into though there are frames before and behind.

    Many of them mean that the spans are finer than the frames.

    Parameters
    ----------
    times : ndarray of shape (n_frames,)
        When each frame is, in seconds.
    spans : ndarray of shape (n_spans, 2)
        When each span begins and ends.

    Returns
    -------
    between : ndarray of bool, shape (n_spans,)

    Examples
    --------
    >>> spans_between(np.array([0.1, 0.9]), np.array([[0, 0.5], [0.5, 0.8], [1, 2]])).tolist()
    [False, True, False]
    """
    if not len(times):
        return np.zeros(len(spans), dtype=bool)
    times = np.sort(times)
    start, end = np.searchsorted(times, spans).T
    middles = np.mean(spans, axis=1)
    return (start == end) & (middles >= times[0]) & (middles <= times[-1])


def fit_length(frames: Any, length: int, padding: str = "front") -> Frames:
    """Pad or cut frames to a length.

    Parameters
    ----------
    frames : array-like of shape (n_frames, n_dims)
        The frames.
    length : int
        How many there shall be.
    padding : {"front", "back"}, default="front"
        ``"front"`` keeps the last `length` frames, or puts zeros before them, as the packs of CMU
        do; ``"back"`` keeps the first ones, or puts zeros after them.

    Returns
    -------
    frames : ndarray of shape (length, n_dims), dtype float32

    Raises
    ------
    ValueError
        If `frames` is not 2-D, `length` is negative or `padding` is unknown.

    Examples
    --------
    >>> fit_length([[1.0], [2.0]], 3).ravel().tolist()
    [0.0, 1.0, 2.0]
    >>> fit_length([[1.0], [2.0]], 1, padding="back").ravel().tolist()
    [1.0]
    """
    values = np.asarray(frames, dtype=np.float32)
    if padding not in PADDINGS:
        raise ValueError(f"padding={padding!r} is unknown; choose one of {', '.join(PADDINGS)}.")
    if values.ndim != 2 or length < 0:
        raise ValueError(
            f"frames of shape {values.shape} cannot be cut or padded to length={length}; expected "
            "frames of shape (n_frames, n_dims) and a length of 0 or more."
        )
    output = np.zeros((length, values.shape[1]), dtype=np.float32)
    kept = min(length, len(values))
    if padding == "front":
        output[length - kept :] = values[len(values) - kept :]
    else:
        output[:kept] = values[:kept]
    return output


def read_spans(found: Any, n_frames: int, where: str) -> Floats:
    """Read when frames are from a cell of ``seconds``.

    Parameters
    ----------
    found : array-like of shape (n_frames,) or (n_frames, 2)
        Durations of frames that follow each other from 0 on, or their beginnings and ends.
    n_frames : int
        How many frames there are.
    where : str
        What to call the cell in an error.

    Returns
    -------
    spans : ndarray of shape (n_frames, 2)
        Beginnings and ends in seconds.

    Raises
    ------
    ValueError
        If they are not as many as the frames, not finite, or end before they begin.

    Examples
    --------
    >>> read_spans([0.5, 1.0], 2, "row 0").tolist()
    [[0.0, 0.5], [0.5, 1.5]]
    """
    try:
        seconds = np.asarray(found, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{where}: the seconds are not numbers, found {found!r}.") from error
    if seconds.shape not in {(n_frames,), (n_frames, 2)}:
        raise ValueError(
            f"{where}: seconds of shape {seconds.shape} for {n_frames} frames. Each frame needs a "
            "duration, or a beginning and an end."
        )
    if seconds.ndim == 1:
        ends = np.cumsum(seconds)
        seconds = np.column_stack([ends - seconds, ends])
    if not np.isfinite(seconds).all() or (seconds[:, 1] < seconds[:, 0]).any():
        raise ValueError(f"{where}: seconds must be finite, and no frame may end before it begins.")
    return seconds
