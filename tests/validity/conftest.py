import numpy as np
import pytest


def make_blocks(n_samples, dims, rng, *, loadings=None, shared=10, private=15):
    """Blocks of shared factors, private factors and unit noise, and the loadings behind them."""
    if loadings is None:
        loadings = [(rng.normal(size=(shared, d)), rng.normal(size=(private, d))) for d in dims]
    factors = rng.normal(size=(n_samples, shared))
    blocks = [
        factors @ common
        + rng.normal(size=(n_samples, private)) @ own
        + rng.normal(size=(n_samples, common.shape[1]))
        for common, own in loadings
    ]
    return blocks, loadings


@pytest.fixture(scope="session")
def generate():
    """Return the generator of correlated blocks."""
    return make_blocks


@pytest.fixture
def rng():
    return np.random.default_rng(0)
