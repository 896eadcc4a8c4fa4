"""Votes of segments: plain functions on arrays."""

from typing import Any

import numpy as np
import numpy.typing as npt

from emoest.utils.typing import Floats, Rows


def integer_upsampling(y: npt.NDArray[Any]) -> Rows:
    """Repeat the rows of class c ``max_count // n_c`` times.

    The division is an integer one, so that the classes come out balanced only roughly; so it is in
    the official baseline of the ComParE 2020 Elderly sub-challenge.

    Parameters
    ----------
    y : ndarray of shape (n_samples,)
        The labels.

    Returns
    -------
    rows : ndarray of int
        Positions in `y`, in its order, each as often as it is repeated.

    Examples
    --------
    >>> integer_upsampling(np.array(["a", "b", "b", "b", "b", "b", "a"])).tolist()
    [0, 0, 1, 2, 3, 4, 5, 6, 6]
    """
    _, codes, counts = np.unique(y, return_inverse=True, return_counts=True)
    return np.repeat(np.arange(len(y)), (counts.max() // counts)[codes])


def average_segments(proba: Floats, owners: Rows, n_rows: int) -> Floats:
    """Average the probabilities, or the votes, of the segments of each row.

    Parameters
    ----------
    proba : ndarray of shape (n_segments, n_classes)
        Probabilities, or 1 for the class that each segment votes for.
    owners : ndarray of int, shape (n_segments,)
        Position of each segment's row.
    n_rows : int
        How many rows there are.

    Returns
    -------
    mean : ndarray of shape (n_rows, n_classes)
        NaN for a row without segments.

    Examples
    --------
    >>> proba = np.array([[1.0, 0.0], [0.5, 0.5]])
    >>> average_segments(proba, np.array([1, 1]), 2).tolist()
    [[nan, nan], [0.75, 0.25]]
    """
    summed = np.zeros((n_rows, proba.shape[1]))
    # A row owns many segments, and `summed[owners] += proba` would count only its last.
    np.add.at(summed, owners, proba)
    counts = np.bincount(owners, minlength=n_rows)[:, None]
    return np.divide(summed, counts, out=np.full(summed.shape, np.nan), where=counts > 0)
