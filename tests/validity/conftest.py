import numpy as np
import pandas as pd
import pytest

from emoest.tables.cells import object_column
from tests.validity.block_tables import to_frame


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


def table_of(cells, n_speakers=10):
    """A table of frames of any modalities, with speakers in a column."""
    index = [f"r{i}" for i in range(len(next(iter(cells.values()))))]
    columns = [object_column(c, index, f"{name}__frames") for name, c in cells.items()]
    X = pd.concat(columns, axis=1)
    return X.assign(speaker=[f"s{i % n_speakers}" for i in range(len(X))])


def make_sequences(n_samples, rng, dims=(8, 7, 6), loadings=None, noise=0.3, low=3, high=7):
    """Ragged, time-aligned sequences: each step of each modality shows three shared factors."""
    if loadings is None:
        loadings = [rng.normal(size=(3, d)) for d in dims]
    cells = {name: [] for name in ("audio", "text", "face")[: len(loadings)]}
    for _ in range(n_samples):
        factors = rng.normal(size=(rng.integers(low, high + 1), 3)) + rng.normal(size=3)
        for frames, loading in zip(cells.values(), loadings, strict=True):
            values = factors @ loading + noise * rng.normal(size=(len(factors), loading.shape[1]))
            frames.append(values.astype("float32"))
    return table_of(cells), loadings


@pytest.fixture(scope="session")
def sequences():
    """Return the generator of tables of frames."""
    return make_sequences


@pytest.fixture
def three(generate, rng):
    """Clean training and test tables of three correlated modalities."""
    train, loadings = generate(300, (40, 40, 40), rng)
    test, _ = generate(200, (40, 40, 40), rng, loadings=loadings)
    return to_frame(train), to_frame(test)


@pytest.fixture
def two(generate, rng):
    train, loadings = generate(400, (30, 25), rng)
    test, _ = generate(200, (30, 25), rng, loadings=loadings)
    return to_frame(train), to_frame(test)
