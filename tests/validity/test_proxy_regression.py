import numpy as np
import pytest
from sklearn.linear_model import LinearRegression, Ridge

from emoest.validity._proxy_regression import (
    GlobalProxy,
    LocalProxy,
    combination_weights,
    linear_map,
)


@pytest.fixture(scope="module")
def linked():
    """Two standardized blocks driven by eight factors, and 500 new samples of both."""
    rng = np.random.default_rng(0)
    A, B = rng.normal(size=(8, 60)), rng.normal(size=(8, 40))

    def draw(n):
        z = rng.normal(size=(n, 8))
        return z @ A + rng.normal(size=(n, 60)), z @ B + rng.normal(size=(n, 40))

    (V, W), (T, Y) = draw(1500), draw(500)
    T, Y = (T - V.mean(0)) / V.std(0), (Y - W.mean(0)) / W.std(0)
    return (V - V.mean(0)) / V.std(0), (W - W.mean(0)) / W.std(0), T, Y


def r2(truth, proxy):
    return 1 - ((truth - proxy) ** 2).sum() / (truth**2).sum()


@pytest.mark.parametrize(
    ("method", "ridge", "k", "expected"),
    [
        ("local_linear", 0.0, 1, 0.51),
        ("local_linear", 0.0, 10, 0.75),
        ("local_linear", 0.0, 40, 0.54),
        ("local_linear", 0.1, 10, 0.76),
        ("local_linear", 0.1, 20, 0.79),
        ("local_linear", 0.1, 60, 0.78),
        ("affine", 0.1, 10, 0.72),
        ("affine", 0.1, 40, 0.76),
        ("mean", 0.0, 10, 0.68),
        ("mean", 0.0, 60, 0.63),
    ],
)
def test_explained_variance_is_that_of_the_reference_table(linked, method, ridge, k, expected):
    V, W, T, Y = linked
    proxy = LocalProxy(V, W, method=method, n_neighbors=k, ridge=ridge).predict(T)
    assert r2(Y, proxy) == pytest.approx(expected, abs=0.05)


def test_as_many_neighbors_as_features_explode_without_ridge(linked):
    V, W, T, Y = linked
    proxy = LocalProxy(V, W, method="local_linear", n_neighbors=60, ridge=0.0).predict(T)
    assert r2(Y, proxy) < -10


def test_global_maps(linked):
    V, W, T, Y = linked
    assert r2(Y, GlobalProxy(V, W, ridge=0.1).predict(T)) == pytest.approx(0.83, abs=0.05)
    ols = GlobalProxy(V, W, ridge=0.0).predict(T)
    expected = LinearRegression(fit_intercept=False).fit(V, W).predict(T)
    np.testing.assert_allclose(ols, expected, atol=1e-9)
    alpha = 0.1 * (V**2).sum() / V.shape[1]
    expected = Ridge(alpha=alpha, fit_intercept=False).fit(V, W).predict(T)
    np.testing.assert_allclose(GlobalProxy(V, W, ridge=0.1).predict(T), expected, atol=1e-9)


def test_all_neighbors_and_no_ridge_are_least_squares(linked):
    V, W, T, _ = linked
    V, W = V[:80], W[:80]
    local = LocalProxy(V, W, method="local_linear", n_neighbors=80, ridge=0.0).predict(T[:20])
    np.testing.assert_allclose(local, GlobalProxy(V, W, ridge=0.0).predict(T[:20]), atol=1e-6)


def test_a_linear_relation_without_noise_is_recovered(rng):
    V = rng.normal(size=(100, 6))
    B = rng.normal(size=(6, 3))
    new = rng.normal(size=(10, 6))
    proxy = LocalProxy(V, V @ B, method="local_linear", n_neighbors=12, ridge=0.0)
    np.testing.assert_allclose(proxy.predict(new), new @ B, atol=1e-6)
    np.testing.assert_allclose(linear_map(V, V @ B, ridge=0.0), B, atol=1e-10)


def test_coefficients_solve_the_ridge_system(rng):
    V, z = rng.normal(size=(1, 3, 5)), rng.normal(size=(1, 5))
    G = V[0] @ V[0].T
    expected = np.linalg.solve(G + 0.2 * np.trace(G) / 3 * np.eye(3), V[0] @ z[0])
    np.testing.assert_allclose(combination_weights(V, z, ridge=0.2)[0], expected)
    affine = combination_weights(V, z, ridge=0.2, affine=True)
    assert affine.sum() == pytest.approx(1.0)


@pytest.mark.parametrize("method", ["local_linear", "affine", "mean"])
def test_constant_sources_give_the_mean_of_the_partners(rng, method):
    V, W = np.zeros((30, 4)), rng.normal(size=(30, 2))
    proxy = LocalProxy(V, W, method=method, n_neighbors=30, ridge=0.1).predict(np.zeros((3, 4)))
    np.testing.assert_allclose(proxy, np.tile(W.mean(axis=0), (3, 1)), atol=1e-12)


def test_a_reference_row_is_not_its_own_neighbor(rng):
    V, W = rng.normal(size=(40, 3)), rng.normal(size=(40, 2))
    model = LocalProxy(V, W, method="mean", n_neighbors=1, ridge=0.0)
    distance = ((V[:, None] - V[None]) ** 2).sum(axis=2)
    np.fill_diagonal(distance, np.inf)
    np.testing.assert_array_equal(model.predict(V), W[distance.argmin(axis=1)])
    new = V[:5] + 1e-3
    np.testing.assert_array_equal(model.predict(new), W[:5])


def test_queries_in_chunks_are_the_same(linked, monkeypatch):
    V, W, T, _ = linked
    model = LocalProxy(V, W, method="local_linear", n_neighbors=5, ridge=0.1)
    whole = model.predict(T)
    monkeypatch.setattr("emoest.validity._proxy_regression._CHUNK_NUMBERS", 1000)
    np.testing.assert_allclose(model.predict(T), whole, atol=1e-12)
    assert model.predict(T[:0]).shape == (0, 40)
