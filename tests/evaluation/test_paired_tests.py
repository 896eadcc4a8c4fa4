import numpy as np
import pytest
from scipy import stats

from emoest.evaluation import mcnemar_test, permutation_test, resampled_t_test, uar_score


def rights(n_a, n_b, n_both):
    """Predictions of two systems that alone are right on n_a and n_b samples."""
    a = np.r_[np.ones(n_a), np.zeros(n_b), np.ones(n_both)]
    b = np.r_[np.zeros(n_a), np.ones(n_b), np.ones(n_both)]
    return np.ones(len(a)), a, b


@pytest.mark.parametrize(("n_a", "n_b"), [(6, 0), (0, 6), (10, 3), (1, 1), (30, 50)])
def test_mcnemar_is_the_binomial_test_of_what_differs(n_a, n_b):
    found = mcnemar_test(*rights(n_a, n_b, 20))
    assert found.statistic == n_a - n_b
    tail = stats.binom.cdf(min(n_a, n_b), n_a + n_b, 0.5)
    assert found.p == pytest.approx(min(1.0, 2 * tail))


def test_mcnemar_of_the_same_is_one():
    assert mcnemar_test(*rights(0, 0, 5)) == (0.0, 1.0)
    assert mcnemar_test([1], [0], [0]) == (0.0, 1.0)


def test_the_resampled_t_test_by_its_formula():
    rng = np.random.default_rng(0)
    a, b = rng.normal(0.6, 0.1, 10), rng.normal(0.55, 0.1, 10)
    plain = stats.ttest_rel(a, b)
    # Without training samples that overlap, it is the paired t-test.
    alone = resampled_t_test(a, b, n_train=1e12, n_test=1)
    assert alone == pytest.approx((plain.statistic, plain.pvalue))
    corrected = resampled_t_test(a, b, n_train=90, n_test=10)
    factor = np.sqrt((1 / 10) / (1 / 10 + 10 / 90))
    assert corrected.statistic == pytest.approx(plain.statistic * factor)
    assert corrected.p == pytest.approx(2 * stats.t.sf(abs(corrected.statistic), 9))


@pytest.mark.parametrize(("k", "n_train", "n_test"), [(5, 80, 20), (10, 90, 10), (15, 60, 30)])
def test_the_corrected_test_keeps_its_level(k, n_train, n_test):
    # The correction takes differences of folds to be correlated by the share that is tested.
    share, n_draws = n_test / (n_train + n_test), 2000
    rng = np.random.default_rng(k)
    common, own = rng.normal(size=(n_draws, 1)), rng.normal(size=(n_draws, k))
    apart = np.sqrt(share) * common + np.sqrt(1 - share) * own
    zero = np.zeros(k)
    found = [resampled_t_test(d, zero, n_train=n_train, n_test=n_test).p for d in apart]
    for level in (0.01, 0.05, 0.2):
        # Three standard errors of 2,000 draws.
        spread = 3 * np.sqrt(level * (1 - level) / n_draws)
        assert np.mean(np.array(found) <= level) == pytest.approx(level, abs=spread)
    # The paired t-test, which takes them to be independent, does not.
    assert np.mean(stats.ttest_1samp(apart, 0, axis=1).pvalue <= 0.05) > 0.12


def test_equal_differences_have_no_variance():
    assert resampled_t_test([0.5, 0.6], [0.5, 0.6], n_train=2, n_test=1) == (0.0, 1.0)
    assert resampled_t_test([0.5, 0.6], [0.4, 0.5], n_train=2, n_test=1) == (np.inf, 0.0)


def test_permutations_keep_to_groups():
    # Right on every sample, but each speaker has one label: nothing was recognized but speakers.
    y, speakers = np.repeat([0, 1, 0, 1], 5), np.repeat([0, 1, 2, 3], 5)
    assert permutation_test(y, y, speakers, n_permutations=99, random_state=0) == (1.0, 1.0)
    assert permutation_test(y, y, n_permutations=99, random_state=0) == (1.0, 0.01)
    rng = np.random.default_rng(0)
    y, pred = rng.choice(["a", "b", "c"], (2, 90))
    found = permutation_test(y, np.where(pred == "c", "d", pred), random_state=0)
    assert found.statistic == pytest.approx(
        np.mean([np.mean(np.where(pred == "c", "d", pred)[y == c] == c) for c in "abc"])
    )
    assert found.statistic != uar_score(y, y)


@pytest.mark.parametrize("test", ["permutation", "mcnemar"])
def test_tests_keep_their_level_under_the_null(test):
    rng = np.random.default_rng(1)
    groups, p = np.repeat(np.arange(10), 12), []
    for seed in range(300):
        y, a, b = rng.integers(0, 3, (3, 120))
        if test == "permutation":
            p.append(permutation_test(y, a, groups, n_permutations=99, random_state=seed).p)
        else:
            p.append(mcnemar_test(y, a, b).p)
    for level in (0.05, 0.2):
        # Three standard errors of 300 draws.
        spread = 3 * np.sqrt(level * (1 - level) / 300)
        assert np.mean(np.array(p) <= level) <= level + spread


def test_chunks_do_not_change_the_count(monkeypatch):
    rng = np.random.default_rng(0)
    y, pred = rng.integers(0, 2, (2, 40))
    whole = permutation_test(y, pred, n_permutations=50, random_state=3)
    monkeypatch.setattr("emoest.evaluation._paired_tests._CHUNK", 200)
    assert permutation_test(y, pred, n_permutations=50, random_state=3) == whole


BAD = {
    "lengths": lambda: mcnemar_test([1, 2], [1], [1, 2]),
    "nothing": lambda: mcnemar_test([], [], []),
    "one fold": lambda: resampled_t_test([0.5], [0.4], n_train=2, n_test=1),
    "folds differ": lambda: resampled_t_test([0.5, 0.4], [0.4], n_train=2, n_test=1),
    "a missing score": lambda: resampled_t_test([0.5, np.nan], [0.4, 0.3], n_train=2, n_test=1),
    "no test part": lambda: resampled_t_test([0.5, 0.4], [0.4, 0.3], n_train=2, n_test=0),
    "no permutation": lambda: permutation_test([1], [1], n_permutations=0),
    "groups of another length": lambda: permutation_test([1, 2], [1, 2], [1]),
}


@pytest.mark.parametrize("call", BAD.values(), ids=BAD)
def test_what_cannot_be_tested_is_refused(call):
    with pytest.raises(ValueError):
        call()
