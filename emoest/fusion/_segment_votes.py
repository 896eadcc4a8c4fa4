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


def count_votes(votes: Rows, owners: Rows, n_rows: int, n_classes: int) -> Floats:
    """Compute the proportions of the votes of the segments of each row.

    Parameters
    ----------
    votes : ndarray of int, shape (n_segments,)
        Position of each segment's class.
    owners : ndarray of int, shape (n_segments,)
        Position of each segment's row.
    n_rows, n_classes : int
        How many there are.

    Returns
    -------
    proportions : ndarray of shape (n_rows, n_classes)
        Each row sums to one; NaN for a row without segments.

    Examples
    --------
    >>> count_votes(np.array([1, 1, 0]), np.array([0, 0, 0]), 1, 2).round(2).tolist()
    [[0.33, 0.67]]
    """
    return average_segments(np.eye(n_classes)[votes], owners, n_rows)


def average_segments(proba: Floats, owners: Rows, n_rows: int) -> Floats:
    """Average the probabilities of the segments of each row.

    Parameters
    ----------
    proba : ndarray of shape (n_segments, n_classes)
        Probabilities.
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
    np.add.at(summed, owners, proba)
    counts = np.bincount(owners, minlength=n_rows)[:, None]
    return np.divide(summed, counts, out=np.full(summed.shape, np.nan), where=counts > 0)
