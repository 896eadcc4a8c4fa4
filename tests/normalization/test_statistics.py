import numpy as np
from sklearn.preprocessing import StandardScaler

from emoest.normalization._statistics import (
    block_factors,
    column_statistics,
    sample_zscore,
    zscore,
)


def test_statistics_equal_those_of_scikit_learn():
    generator = np.random.RandomState(0)
    values = generator.normal(size=(30, 4)) * [1, 10, 1e-3, 1e5] + [0, 5, 1e3, -1]
    values[generator.uniform(size=values.shape) < 0.2] = np.nan
    weight = generator.randint(0, 4, size=30)
    scaler = StandardScaler().fit(values, sample_weight=weight)
    found = column_statistics(values, weight)
    np.testing.assert_allclose(found.mean, scaler.mean_)
    np.testing.assert_allclose(found.scale, np.sqrt(scaler.var_), rtol=1e-9)
    np.testing.assert_array_equal(found.count, (~np.isnan(values[weight > 0])).sum(axis=0))
    np.testing.assert_allclose(
        zscore(values, found.mean, found.scale), scaler.transform(values), rtol=1e-7, atol=1e-9
    )


def test_rounding_is_not_variance():
    values = np.full((1000, 3), [0.1, 1e9 / 3, -7e-12])
    assert column_statistics(values).scale.tolist() == [0.0, 0.0, 0.0]


def test_small_variance_far_from_zero_is_variance():
    values = 1e4 + np.array([[0.0], [1e-6]] * 50)
    np.testing.assert_allclose(column_statistics(values).scale, 5e-7, rtol=1e-4)


def test_a_column_without_values_has_no_statistics():
    found = column_statistics(np.array([[np.nan, 1.0], [np.nan, 2.0]]))
    assert (found.mean[0], found.scale[0], found.count.tolist()) == (0.0, 0.0, [0, 2])


def test_sample_zscore_leaves_gaps_out():
    scores = sample_zscore(np.array([[1.0, np.nan, 3.0], [np.nan] * 3, [2.0, 2.0, 2.0]]))
    np.testing.assert_array_equal(scores, [[-1, np.nan, 1], [np.nan] * 3, [0, 0, 0]])


def test_block_factors_give_every_block_the_mean_size():
    totals, sizes = np.array([7.0, 0.3]), np.array([1024, 768])
    np.testing.assert_allclose(block_factors(totals, sizes) ** 2 * totals, [896, 896])
