import numpy as np
import pytest
from sklearn.covariance import ledoit_wolf_shrinkage

from emoest.validity._whitening import center_and_scale, whiten


def covariance_of(X, shrinkage=0.0):
    Z = (X - X.mean(axis=0)) / X.std(axis=0)
    S = np.cov(Z.T)
    return (1 - shrinkage) * S + shrinkage * np.trace(S) / len(S) * np.eye(len(S))


@pytest.mark.parametrize("solver", ["cholesky", "svd"])
@pytest.mark.parametrize("shrinkage", [0.0, 0.3])
def test_maps_whiten_the_shrunk_covariance(rng, solver, shrinkage):
    X = rng.normal(size=(100, 5)) @ rng.normal(size=(5, 5)) + 7
    whitening, _, _ = whiten(X, shrinkage=shrinkage, solver=solver)
    assert whitening.route == solver
    W = whitening.maps
    np.testing.assert_allclose(W.T @ covariance_of(X, shrinkage) @ W, np.eye(5), atol=1e-10)


def test_white_rows_of_the_svd_are_the_mapped_rows(rng):
    whitening, Z, white = whiten(rng.normal(size=(20, 6)), shrinkage=0.2, solver="svd")
    np.testing.assert_allclose(Z @ whitening.maps, white, atol=1e-10)


def test_route_follows_shape_and_condition(rng):
    tall = rng.normal(size=(200, 10))
    assert whiten(tall)[0].route == "cholesky"
    assert whiten(tall[:15])[0].route == "svd"
    ill = tall.copy()
    ill[:, 0] = ill[:, 1] + 1e-6 * rng.normal(size=200)
    assert whiten(ill)[0].route == "svd"
    assert whiten(ill, shrinkage=0.1)[0].route == "cholesky"
    deficient = np.hstack([tall, tall[:, :3] @ rng.normal(size=(3, 2))])
    whitening, _, _ = whiten(deficient)
    assert (whitening.route, whitening.rank) == ("svd", 10)


def test_cholesky_asked_for_on_a_singular_block_warns_and_takes_the_svd(rng):
    X = np.repeat(rng.normal(size=(50, 2)), 2, axis=1)
    with pytest.warns(UserWarning, match="singular or too ill-conditioned"):
        whitening, _, _ = whiten(X, solver="cholesky")
    assert (whitening.route, whitening.rank) == ("svd", 2)


def test_constant_columns_vanish(rng):
    X = rng.normal(size=(40, 3))
    X[:, 1] = 0.1
    whitening, Z, _ = whiten(X)
    assert whitening.rank == 2
    assert np.isinf(whitening.scale[1])
    assert not whitening.maps[1].any()
    assert not Z[:, 1].any()
    assert not whitening.standardize(X + 5)[:, 1].any()


def test_wholly_constant_block_has_rank_0():
    assert whiten(np.full((10, 4), 3.0))[0].rank == 0


def test_nan_counts_as_the_mean_of_present_values(rng):
    X = rng.normal(size=(30, 2)) + 4
    X[3, 0] = np.nan
    mean, std = center_and_scale(X)
    assert mean[0] == pytest.approx(np.nanmean(X[:, 0]))
    assert std[0] == pytest.approx(np.nanstd(X[:, 0]))
    assert whiten(X)[1][3, 0] == 0.0


def test_automatic_shrinkage_is_that_of_ledoit_and_wolf(rng):
    X = rng.normal(size=(30, 10)) @ rng.normal(size=(10, 10))
    Z = (X - X.mean(axis=0)) / X.std(axis=0)
    expected = ledoit_wolf_shrinkage(Z, assume_centered=True)
    assert whiten(X, shrinkage="auto")[0].shrinkage == pytest.approx(expected)
    assert 0 < expected < 1


def test_shrinkage_has_no_unit(rng):
    X = rng.normal(size=(60, 4))
    small, large = (whiten(c * X, shrinkage=0.5, scale=False)[0].maps * c for c in (1e-3, 1e3))
    np.testing.assert_allclose(small, large, rtol=1e-8)
