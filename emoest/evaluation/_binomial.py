"""The exact interval of an accuracy: what a handful of trials can say."""

from numbers import Integral

from scipy.stats import binomtest


def binomial_interval(
    n_right: int, n_trials: int, *, confidence: float = 0.95
) -> tuple[float, float]:
    """Compute the exact (Clopper-Pearson) interval of a proportion of right trials.

    It takes trials to be independent. Where they are not (several trials of a person), it is too
    narrow; `uar_interval` resamples groups.

    Parameters
    ----------
    n_right : int
        How many trials were predicted right.
    n_trials : int
        How many there were.
    confidence : float, default=0.95
        Smallest probability with which the interval holds the true accuracy.

    Returns
    -------
    low, high : float

    Raises
    ------
    ValueError
        If `n_right` is not between 0 and `n_trials`, there is no trial, or `confidence` is not
        between 0 and 1.

    References
    ----------
    C. J. Clopper, E. S. Pearson (1934). The use of confidence or fiducial limits illustrated in the
    case of the binomial. Biometrika 26(4).

    Examples
    --------
    >>> low, high = binomial_interval(40, 48)
    >>> round(low, 3), round(high, 3)
    (0.698, 0.925)
    """
    counts = isinstance(n_right, Integral) and isinstance(n_trials, Integral)
    if not counts or not 0 <= n_right <= n_trials or n_trials < 1:
        raise ValueError(
            f"n_right={n_right!r} of n_trials={n_trials!r} are no counts: pass whole numbers, from "
            "0 to the number of trials, of which there is one at least."
        )
    if not 0 < confidence < 1:
        raise ValueError(f"confidence={confidence!r} must lie between 0 and 1.")
    test = binomtest(int(n_right), int(n_trials))
    interval = test.proportion_ci(confidence, method="exact")
    return float(interval.low), float(interval.high)
