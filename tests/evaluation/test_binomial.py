import numpy as np
import pytest
from scipy.stats import binom

from emoest.evaluation import binomial_interval


@pytest.mark.parametrize(("n_right", "n_trials"), [(40, 48), (1, 7), (20, 24), (np.int64(3), 9)])
@pytest.mark.parametrize("confidence", [0.8, 0.95])
def test_the_ends_leave_half_of_the_rest_in_each_tail(n_right, n_trials, confidence):
    low, high = binomial_interval(n_right, n_trials, confidence=confidence)
    tail = (1 - confidence) / 2
    assert binom.sf(n_right - 1, n_trials, low) == pytest.approx(tail)
    assert binom.cdf(n_right, n_trials, high) == pytest.approx(tail)


def test_all_right_and_all_wrong():
    assert binomial_interval(48, 48)[1] == 1.0 and binomial_interval(0, 48)[0] == 0.0
    assert binomial_interval(48, 48)[0] == pytest.approx(0.025 ** (1 / 48))


@pytest.mark.parametrize(
    ("arguments", "confidence"), [((5, 4), 0.9), ((-1, 4), 0.9), ((0, 0), 0.9), ((0.5, 1), 0.9)]
)
def test_what_is_no_count_is_refused(arguments, confidence):
    with pytest.raises(ValueError, match="are no counts"):
        binomial_interval(*arguments, confidence=confidence)


@pytest.mark.parametrize("confidence", [0, 1, 95])
def test_confidence_is_a_probability(confidence):
    with pytest.raises(ValueError, match="confidence"):
        binomial_interval(1, 2, confidence=confidence)
