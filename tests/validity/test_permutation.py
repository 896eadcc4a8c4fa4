import numpy as np
import pytest

from emoest.validity import canonical_correlations, permutation_test
from emoest.validity._whitening import whiten


def related(rng, n_samples, strengths, p=4, q=3):
    X, Y = rng.normal(size=(n_samples, p)), rng.normal(size=(n_samples, q))
    for i, strength in enumerate(strengths):
        Y[:, i] += strength * X[:, i]
    return X, Y


def test_finds_as_many_dimensions_as_there_are(rng):
    X, Y = related(rng, 200, [3.0, 1.0])
    result = permutation_test(X, Y, n_components=3, n_permutations=199, random_state=0)
    assert (result.p_values <= 0.05).sum() == 2
    assert result.p_values[0] == result.p_values[1] == 1 / 200
    assert result.null_statistics.shape == (199, 3)
    np.testing.assert_allclose(result.statistics, canonical_correlations(X, Y), atol=1e-10)


def test_null_distribution_is_that_of_refitted_permutations(rng):
    X, Y = related(rng, 60, [1.0])
    order = np.random.RandomState(3).permutation(60)
    expected = canonical_correlations(X, Y[order], n_components=1)[0]
    found = permutation_test(X, Y, n_permutations=1, random_state=3).null_statistics[0, 0]
    assert found == pytest.approx(expected, abs=1e-10)


def test_step_down_p_values_never_decrease(rng):
    X, Y = related(rng, 40, [0.6, 0.4, 0.4])
    p_values = permutation_test(X, Y, n_components=3, n_permutations=99, random_state=1).p_values
    assert (np.diff(p_values) >= 0).all()


@pytest.mark.parametrize("shrinkage", [0.0, 0.1])
def test_level_is_kept_for_the_first_and_for_a_later_dimension(shrinkage):
    rng = np.random.default_rng(5)
    rejected = np.zeros(2)
    for seed in range(120):
        for step, strengths in enumerate([[], [2.0]]):
            X, Y = related(rng, 40, strengths)
            result = permutation_test(
                X, Y, n_components=2, n_permutations=39, shrinkage=shrinkage, random_state=seed
            )
            rejected[step] += result.p_values[step] <= 0.05
    assert (rejected / 120 <= 0.11).all()


def test_rows_are_shuffled_within_groups_only(rng):
    groups = np.repeat(np.arange(10), 20)
    offsets = 3 * rng.normal(size=(10, 1))[groups]
    X, Y = offsets + rng.normal(size=(200, 3)), offsets + rng.normal(size=(200, 2))
    free, within = (
        permutation_test(X, Y, n_permutations=99, groups=g, random_state=0) for g in (None, groups)
    )
    assert free.p_values[0] == 0.01
    assert within.p_values[0] > 0.05


def test_same_seed_same_result(rng):
    X, Y = related(rng, 30, [])
    a, b = (permutation_test(X, Y, n_permutations=9, random_state=2) for _ in range(2))
    np.testing.assert_array_equal(a.null_statistics, b.null_statistics)


def test_bad_input(rng):
    X, Y = related(rng, 30, [])
    with pytest.raises(ValueError, match="n_permutations must be at least 1"):
        permutation_test(X, Y, n_permutations=0)
    with pytest.raises(ValueError, match=r"groups has shape \(3,\)"):
        permutation_test(X, Y, groups=[1, 2, 3])
    with pytest.raises(ValueError, match="second block is constant"):
        permutation_test(X, np.ones((30, 2)))


def test_blocks_are_whitened_once_for_all_permutations(rng, monkeypatch):
    calls = []

    def counting(block, **options):
        calls.append(block.shape)
        return whiten(block, **options)

    monkeypatch.setattr("emoest.validity._permutation.whiten", counting)
    permutation_test(*related(rng, 30, []), n_permutations=20, random_state=0)
    assert calls == [(30, 4), (30, 3)]
