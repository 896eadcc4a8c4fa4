import numpy as np
import pytest
from scipy import linalg
from sklearn.model_selection import KFold

from emoest.validity import canonical_correlations, held_out_correlations, noise_floor
from emoest.validity._cca import canonical_pair, leading_singular


def qr_correlations(X, Y):
    """Canonical correlations by orthonormal bases: the classical independent route."""
    bases = [linalg.qr(block - block.mean(axis=0), mode="economic")[0] for block in (X, Y)]
    return linalg.svdvals(bases[0].T @ bases[1])


@pytest.fixture
def blocks(generate, rng):
    return generate(400, (30, 20), rng)[0]


@pytest.mark.parametrize("solver", ["cholesky", "svd"])
@pytest.mark.parametrize("n_components", [None, 3])
def test_correlations_are_those_of_the_qr_route(blocks, solver, n_components):
    found = canonical_correlations(*blocks, solver=solver, n_components=n_components)
    np.testing.assert_allclose(found, qr_correlations(*blocks)[: len(found)], atol=1e-10)
    assert len(found) == (n_components or 20)
    assert (np.diff(found) <= 1e-12).all()


def test_correlations_are_those_of_cca_zoo(blocks):
    linear = pytest.importorskip("cca_zoo.linear")
    X, Y = (block - block.mean(axis=0) for block in blocks)
    u, v = linear.CCA(n_components=5).fit([X, Y]).transform([X, Y])
    expected = [np.corrcoef(a, b)[0, 1] for a, b in zip(u.T, v.T, strict=True)]
    np.testing.assert_allclose(canonical_correlations(X, Y, n_components=5), expected, atol=1e-8)


@pytest.mark.parametrize("shrinkage", [0.0, 0.1, "auto"])
def test_routes_agree_on_directions_too(blocks, shrinkage):
    a, b = (
        canonical_pair(*blocks, n_components=4, shrinkage=shrinkage, solver=solver)
        for solver in ("cholesky", "svd")
    )
    assert (a.x.route, b.x.route) == ("cholesky", "svd")
    np.testing.assert_allclose(a.x_weights, b.x_weights, atol=1e-8)
    np.testing.assert_allclose(a.y_weights, b.y_weights, atol=1e-8)
    np.testing.assert_allclose(a.correlations, b.correlations, atol=1e-10)


def test_correlations_do_not_depend_on_invertible_maps(blocks, rng):
    X, Y = blocks
    mapped = X @ rng.normal(size=(30, 30)) + 5
    np.testing.assert_allclose(
        canonical_correlations(mapped, Y), canonical_correlations(X, Y), atol=1e-9
    )


@pytest.mark.parametrize("shrinkage", [0.0, 0.2])
def test_scores_have_unit_variance_and_the_stated_correlations(blocks, shrinkage):
    pair = canonical_pair(*blocks, shrinkage=shrinkage)
    u, v = pair.scores(*blocks)
    np.testing.assert_allclose(u.std(axis=0, ddof=1), 1.0, atol=1e-9)
    np.testing.assert_allclose(v.std(axis=0, ddof=1), 1.0, atol=1e-9)
    rho = [np.corrcoef(a, b)[0, 1] for a, b in zip(u.T, v.T, strict=True)]
    np.testing.assert_allclose(pair.correlations, rho, atol=1e-9)
    if shrinkage == 0:
        np.testing.assert_allclose(np.cov(u.T), np.eye(20), atol=1e-9)


def test_largest_weight_of_each_component_is_positive(blocks):
    weights = canonical_pair(*blocks).x_weights
    assert (weights[np.abs(weights).argmax(axis=0), np.arange(20)] > 0).all()


def test_shrinkage_moves_from_cca_to_partial_least_squares(blocks):
    plain, shrunk, pls = (canonical_pair(*blocks, shrinkage=c) for c in (0.0, 0.3, 1.0))
    np.testing.assert_allclose(plain.singular_values, plain.correlations, atol=1e-10)
    assert pls.correlations[0] < shrunk.correlations[0] < plain.correlations[0]
    X, Y = ((block - block.mean(axis=0)) / block.std(axis=0) for block in blocks)
    left = linalg.svd(X.T @ Y)[0][:, 0]
    cosine = left @ pls.x_weights[:, 0] / linalg.norm(pls.x_weights[:, 0])
    assert abs(cosine) == pytest.approx(1.0)


def test_ill_conditioned_input_takes_the_safe_route_and_keeps_small_correlations(rng):
    latent = rng.normal(size=(1000, 5))
    X = latent @ rng.normal(size=(5, 30)) + 1e-6 * rng.normal(size=(1000, 30))
    Y = 0.5 * latent @ rng.normal(size=(5, 20)) + rng.normal(size=(1000, 20))
    pair = canonical_pair(X, Y)
    assert pair.x.route == "svd"
    np.testing.assert_allclose(pair.correlations, qr_correlations(X, Y), atol=1e-6)


def test_rank_deficient_input_gives_as_many_components_as_its_rank(rng):
    X = rng.normal(size=(200, 4)) @ rng.normal(size=(4, 9))
    Y = rng.normal(size=(200, 6))
    pair = canonical_pair(X, Y)
    assert pair.n_components == 4
    basis = linalg.svd(X - X.mean(axis=0), full_matrices=False)[0][:, :4]
    np.testing.assert_allclose(pair.correlations, qr_correlations(basis, Y), atol=1e-9)


def test_more_features_than_samples_needs_shrinkage(rng):
    X, Y = rng.normal(size=(20, 30)), rng.normal(size=(20, 4))
    with pytest.raises(ValueError, match=r"20 samples and a block of 30 features.*shrinkage=0.1"):
        canonical_correlations(X, Y)
    assert (canonical_correlations(X, Y, shrinkage=0.5) < 1).all()


@pytest.mark.parametrize(
    ("X", "Y", "message"),
    [
        (np.zeros((4, 2)), np.zeros((5, 2)), r"shapes \(4, 2\) and \(5, 2\)"),
        (np.zeros(4), np.zeros((4, 2)), "two 2-D blocks"),
        (np.zeros((2, 1)), np.zeros((2, 1)), "at least 3 samples .* found 2"),
    ],
)
def test_blocks_for_which_there_is_no_answer(X, Y, message):
    with pytest.raises(ValueError, match=message):
        canonical_correlations(X, Y)


def test_held_out_correlations_see_through_overfitting(rng):
    X, Y = rng.normal(size=(200, 60)), rng.normal(size=(200, 40))
    assert canonical_correlations(X, Y)[0] > 0.8
    held_out = held_out_correlations(X, Y, KFold(5).split(X), shrinkage=0.0)
    assert np.abs(held_out).max() < 0.35
    with pytest.raises(ValueError, match="at least one split"):
        held_out_correlations(X, Y, [])


@pytest.mark.parametrize("n_samples", [200, 1000, 4000])
def test_noise_floor_is_what_unrelated_blocks_reach(rng, n_samples):
    X, Y = rng.normal(size=(n_samples, 60)), rng.normal(size=(n_samples, 40))
    reached = canonical_correlations(X, Y, n_components=1)[0]
    assert noise_floor(n_samples, 60, 40) == pytest.approx(reached, rel=0.1)
    assert noise_floor(90, 60, 40) == 1.0


@pytest.mark.parametrize("shape", [(12, 30), (30, 12)])
@pytest.mark.parametrize("k", [0, 2, 12])
def test_leading_singular_is_the_svd(rng, shape, k):
    matrix = rng.normal(size=shape)
    left, singular, right = leading_singular(matrix, k)
    u, s, vt = linalg.svd(matrix, full_matrices=False)
    np.testing.assert_allclose(singular, s[:k], atol=1e-10)
    np.testing.assert_allclose(left * singular @ right.T, u[:, :k] * s[:k] @ vt[:k], atol=1e-9)


def test_leading_singular_takes_the_full_svd_for_tiny_values(rng):
    u, v = (linalg.qr(rng.normal(size=(20, 20)))[0] for _ in range(2))
    s = np.r_[1.0, 1e-7, np.zeros(18)]
    left, singular, _ = leading_singular(u * s @ v.T, 2)
    np.testing.assert_allclose(singular, s[:2], atol=1e-14)
    np.testing.assert_allclose(left.T @ left, np.eye(2), atol=1e-10)
