"""Near copies with more or less noise, and none where chance alone brings samples together."""

import numpy as np
import pandas as pd
import pytest

from emoest.evaluation._leaks.near import find_near_pairs, sample_vectors


def corpus(n=300, n_dims=200, n_inner=20, seed=0):
    """Speakers' clouds of vectors that have fewer dimensions inside than columns."""
    rng = np.random.default_rng(seed)
    inner = (
        rng.normal(size=(n, n_inner))
        + 2 * rng.normal(size=(n_inner, n_inner))[np.arange(n) % n_inner]
    )
    return inner @ rng.normal(size=(n_inner, n_dims)) + 0.3 * rng.normal(size=(n, n_dims))


def with_copies(X, noise, n_copies, seed=1):
    rng = np.random.default_rng(seed)
    some = rng.choice(len(X), n_copies, replace=False)
    copies = X[some] + noise * X.std(axis=0) * rng.normal(size=(n_copies, X.shape[1]))
    return np.vstack([X, copies]), set(
        zip(some.tolist(), range(len(X), len(X) + n_copies), strict=True)
    )


def pairs_of(X):
    vectors = sample_vectors(pd.DataFrame(X).add_prefix("audio__"))
    return set() if vectors is None else set(map(tuple, find_near_pairs(vectors).tolist()))


@pytest.mark.parametrize("noise", [0.01, 0.05, 0.1])
@pytest.mark.parametrize("n_copies", [3, 60])
def test_copies_with_noise_are_found(noise, n_copies):
    X, copies = with_copies(corpus(), noise, n_copies)
    found = pairs_of(X)
    assert found <= copies
    assert len(found) >= 0.95 * len(copies)


def test_three_copies_of_one_sample_are_found():
    X = corpus()
    rng = np.random.default_rng(2)
    X = np.vstack([X, X[:1] + 0.01 * rng.normal(size=(3, X.shape[1]))])
    assert pairs_of(X) == {(0, 300), (0, 301), (0, 302), (300, 301), (300, 302), (301, 302)}


@pytest.mark.parametrize("n_inner", [1, 2, 5, 20])
@pytest.mark.parametrize("seed", range(5))
def test_chance_makes_next_to_none(n_inner, seed):
    assert len(pairs_of(corpus(n_dims=30, n_inner=n_inner, seed=seed))) <= 1


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5])
def test_few_samples_have_no_near_copies(n):
    assert pairs_of(np.random.default_rng(0).normal(size=(n, 6))) == set()


def test_samples_that_are_the_same_are_not_near():
    X = corpus()
    X[7] = X[3]
    X[9] = X[3]
    assert pairs_of(X) == set()
    assert pairs_of(np.zeros((20, 3))) == set()


@pytest.mark.real_data
def test_clips_filed_under_two_emotions(real_data):
    with np.load(real_data / "cremad_vectors" / "audio_w2v2_msp.npz") as table:
        rows = np.flatnonzero(np.isin(table["speakers"], ["1006", "1013", "1017"]))
        X, names = table["audio"][rows].astype(float), table["names"][rows]
    found = {tuple(names[list(pair)].tolist()) for pair in pairs_of(X)}
    assert ("1006_TIE_HAP_XX", "1006_TIE_NEU_XX") in found
    # One actor and one sentence, in each of them.
    assert all(first[:8] == second[:8] for first, second in found)
