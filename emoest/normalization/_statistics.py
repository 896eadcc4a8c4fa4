"""Numerics of normalization: moments of columns with missing values, scores, factors of blocks."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from emoest.tables.vectors import weighted_mean, weighted_std
from emoest.utils.typing import Floats


@dataclass(frozen=True)
class Statistics:
    """Mean, standard deviation and number of present values of each column.

    Parameters
    ----------
    mean, scale : ndarray of shape (n_columns,)
        The moments; `scale` is exactly 0 for a constant column and for one without values.
    count : ndarray of int, shape (n_columns,)
        Present values, those of samples of weight zero left out.
    """

    mean: Floats
    scale: Floats
    count: npt.NDArray[np.intp]


def column_statistics(values: Floats, sample_weight: Any = None) -> Statistics:
    """Compute mean and population standard deviation of each column over its present values.

    Parameters
    ----------
    values : ndarray of shape (n_samples, n_columns)
        The numbers; NaN is left out.
    sample_weight : ndarray of shape (n_samples,), default=None
        Weights of the samples.

    Returns
    -------
    statistics : Statistics
        A standard deviation within rounding error of zero is given as exactly 0.

    Examples
    --------
    >>> found = column_statistics(np.array([[1.0, 5.0], [3.0, 5.0], [np.nan, 5.0]]))
    >>> found.mean.tolist(), found.scale.tolist(), found.count.tolist()
    ([2.0, 5.0], [1.0, 0.0], [2, 3])
    """
    present = ~np.isnan(values)
    if sample_weight is not None:
        present &= (np.asarray(sample_weight) > 0)[:, None]
    mean = weighted_mean(values, sample_weight)
    scale = weighted_std(values, mean, sample_weight)
    # The mean of n equal numbers is off by up to n eps. A constant column must not pass for one
    # that varies: division by its tiny scale would blow rounding errors up to unit variance.
    rounding = len(values) * np.finfo(np.float64).eps * np.abs(mean)
    return Statistics(mean, np.where(scale <= rounding, 0.0, scale), present.sum(axis=0))


def zscore(values: Floats, mean: Floats, scale: Floats) -> Floats:
    """Subtract the mean and divide by the scale; 0 where the scale is 0, NaN where NaN.

    Parameters
    ----------
    values : ndarray of shape (n_samples, n_columns)
        The numbers.
    mean, scale : ndarray that broadcasts to the shape of `values`
        The moments.

    Returns
    -------
    scores : ndarray of shape (n_samples, n_columns)

    Examples
    --------
    >>> zscore(np.array([[3.0, 7.0, np.nan]]), np.ones(3), np.array([2.0, 0.0, 0.0])).tolist()
    [[1.0, 0.0, nan]]
    """
    flat = np.broadcast_to(scale == 0, values.shape)
    scores = (values - mean) / np.where(scale == 0, 1.0, scale)
    return np.where(flat & ~np.isnan(values), 0.0, scores)


def sample_zscore(values: Floats) -> Floats:
    """Compute the z-scores of each row over its own present columns; a constant row gives 0.

    Parameters
    ----------
    values : ndarray of shape (n_samples, n_columns)
        One modality's block.

    Returns
    -------
    scores : ndarray of shape (n_samples, n_columns)

    Examples
    --------
    >>> sample_zscore(np.array([[1.0, 3.0, np.nan], [5.0, 5.0, 5.0]])).tolist()
    [[-1.0, 1.0, nan], [0.0, 0.0, 0.0]]
    """
    statistics = column_statistics(values.T)
    return zscore(values, statistics.mean[:, None], statistics.scale[:, None])


def block_factors(totals: Floats, sizes: npt.NDArray[np.intp]) -> Floats:
    """Find the factor of each block that gives all blocks the same total.

    The common total is the mean number of columns of a block, so that the whole table has the
    total of one whose every column was z-scored.

    Parameters
    ----------
    totals : ndarray of shape (n_blocks,)
        Total variance, or mean squared norm, of each block.
    sizes : ndarray of int, shape (n_blocks,)
        Number of columns of each block.

    Returns
    -------
    factors : ndarray of shape (n_blocks,)
        1 for a block whose total is 0.

    Examples
    --------
    >>> block_factors(np.array([4.0, 1.0, 0.0]), np.array([1, 1, 1])).tolist()
    [0.5, 1.0, 1.0]
    """
    squared = np.divide(sizes.mean(), totals, out=np.ones(len(totals)), where=totals > 0)
    return np.sqrt(squared)
