import numpy as np
import pytest

from emoest.validity._agreement import (
    VECTOR_SCORES,
    over_time,
    pearson,
    pointwise_information,
    score_samples,
    weighted_cosine,
)
from emoest.validity._cca import canonical_pair

RHO = np.array([0.9, 0.5, 0.1, 0.0])


@pytest.fixture
def uv(rng):
    u = rng.normal(size=(50, 4))
    return u, 0.6 * u + rng.normal(size=(50, 4))


def test_weighted_cosine_by_hand():
    u, v = np.array([[1.0, 2.0]]), np.array([[3.0, -1.0]])
    expected = (0.5 * 3 - 0.25 * 2) / np.sqrt((0.5 + 0.25 * 4) * (0.5 * 9 + 0.25))
    assert weighted_cosine(u, v, np.array([0.5, 0.25]))[0] == pytest.approx(expected)


def test_weighted_cosine_is_bounded_and_1_for_multiples(uv):
    score = weighted_cosine(*uv, RHO)
    assert (np.abs(score) <= 1).all()
    np.testing.assert_allclose(weighted_cosine(uv[0], 2.5 * uv[0], RHO), 1.0)
    np.testing.assert_allclose(weighted_cosine(uv[0], -uv[0], RHO), -1.0)


@pytest.mark.parametrize("name", ["weighted_cosine", "cosine", "pmi"])
def test_signs_and_order_of_components_do_not_matter(uv, name):
    u, v = uv
    expected = VECTOR_SCORES[name](u, v, RHO)
    signs, order = np.array([1, -1, -1, 1]), [2, 0, 3, 1]
    np.testing.assert_allclose(VECTOR_SCORES[name](u * signs, v * signs, RHO), expected)
    np.testing.assert_allclose(VECTOR_SCORES[name](u[:, order], v[:, order], RHO[order]), expected)


def test_pearson_is_numpys_and_depends_on_signs(uv):
    u, v = uv
    expected = [np.corrcoef(a, b)[0, 1] for a, b in zip(u, v, strict=True)]
    np.testing.assert_allclose(pearson(u, v, RHO), expected)
    signs = np.array([1, -1, -1, 1])
    assert np.abs(pearson(u * signs, v * signs, RHO) - expected).max() > 0.1


def test_components_without_correlation_do_not_count(uv):
    u, v = uv
    noisy = v.copy()
    noisy[:, 3] = 100
    for score in (weighted_cosine, pointwise_information):
        np.testing.assert_allclose(score(u, noisy, RHO), score(u, v, RHO))


def test_information_is_the_log_likelihood_ratio(uv):
    from scipy.stats import multivariate_normal, norm

    u, v = uv
    expected = np.zeros(len(u))
    for k, rho in enumerate(RHO):
        pair = np.column_stack([u[:, k], v[:, k]])
        expected += multivariate_normal(cov=[[1, rho], [rho, 1]]).logpdf(pair)
        expected -= norm.logpdf(pair).sum(axis=1)
    np.testing.assert_allclose(pointwise_information(u, v, RHO), expected)


def test_information_notices_a_wrong_gain(uv):
    u, _ = uv
    assert (pointwise_information(u, 10 * u, RHO) < pointwise_information(u, u, RHO)).all()
    np.testing.assert_allclose(weighted_cosine(u, 10 * u, RHO), 1.0)


@pytest.mark.parametrize("name", sorted(VECTOR_SCORES))
def test_a_modality_at_its_mean_says_nothing(uv, name):
    u, v = uv
    score = VECTOR_SCORES[name]
    assert np.isneginf(score(np.zeros_like(u), v, RHO)).all()
    assert np.isneginf(score(u, 1e-14 * v, RHO)).all()


def test_scores_do_not_depend_on_the_units_of_features(generate, rng):
    (X, Y), _ = generate(300, (8, 6), rng, shared=2, private=2)
    scale, shift = rng.uniform(0.1, 10, size=8), rng.normal(size=8)
    rho = np.linspace(0.9, 0.1, 6)
    plain = weighted_cosine(*canonical_pair(X, Y).scores(X, Y), rho)
    moved = canonical_pair(X * scale + shift, Y).scores(X * scale + shift, Y)
    np.testing.assert_allclose(weighted_cosine(*moved, rho), plain, atol=1e-8)


def test_over_time_is_the_correlation_over_frames(rng):
    u, v = rng.normal(size=(25, 2)), rng.normal(size=(25, 2))
    rows = np.repeat([0, 2, 3], [10, 12, 3])
    rho = np.array([0.6, 0.2])
    score = over_time(u, v, rho, rows, 4)
    expected = [np.corrcoef(u[:10, k], v[:10, k])[0, 1] for k in (0, 1)]
    assert score[0] == pytest.approx(np.average(expected, weights=rho))
    assert np.isnan(score[[1, 3]]).all()
    still = over_time(np.ones_like(u), v, rho, rows, 4)
    assert np.isneginf(still[[0, 2]]).all()


def test_samples_without_rows_get_nan(uv):
    u, v = uv
    scores = score_samples(
        u[:2], v[:2], RHO, score="weighted_cosine", rows=np.array([3, 1]), n_samples=5
    )
    np.testing.assert_allclose(scores[[3, 1]], weighted_cosine(u[:2], v[:2], RHO))
    assert np.isnan(scores[[0, 2, 4]]).all()
