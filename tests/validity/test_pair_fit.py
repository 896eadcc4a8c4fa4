import numpy as np
import pytest
from sklearn.model_selection import KFold

from emoest.validity._frame_summaries import PairSamples
from emoest.validity._pair_fit import PairOptions, fit_pairs, significance_floor
from emoest.validity._whitening import whiten

OPTIONS = PairOptions(None, 0.1, True, "weighted_cosine")


def samples_of(blocks, observed=None):
    n_samples = len(blocks["a"])
    if observed is None:
        observed = np.ones((n_samples, len(blocks)), dtype=bool)
    rows = np.arange(n_samples)
    return PairSamples(blocks, dict.fromkeys(blocks, rows), observed, rows)


def fit(samples, options=OPTIONS, pairs=(("a", "b"),)):
    splits = list(KFold(5, shuffle=True, random_state=0).split(samples.observed))
    return fit_pairs(samples, list(pairs), splits, np.ones(samples.n_samples, bool), options)


def test_held_out_scores_are_lower_than_those_of_the_training_samples(generate, rng):
    (X, Y), _ = generate(120, (40, 30), rng)
    check = fit(samples_of({"a": X, "b": Y}))["a", "b"]
    u, v = check.directions.scores(X, Y)
    inside = (u * v) @ check.correlations
    inside /= np.sqrt((u**2 @ check.correlations) * (v**2 @ check.correlations))
    assert np.quantile(check.scores, 0.05) < np.quantile(inside, 0.05) - 0.1


def test_held_out_correlations_find_the_number_of_shared_factors(generate, rng):
    (X, Y), _ = generate(800, (30, 20), rng, shared=4, private=6)
    check = fit(samples_of({"a": X, "b": Y}))["a", "b"]
    assert np.flatnonzero(check.correlations).tolist() == [0, 1, 2, 3]
    assert (check.correlations[:4] > 0.8).all()
    assert check.auc > 0.95


def test_unrelated_blocks_are_not_informative(rng):
    check = fit(samples_of({"a": rng.normal(size=(300, 20)), "b": rng.normal(size=(300, 20))}))
    assert not check["a", "b"].informative
    assert not check["a", "b"].correlations.any()


def test_separation_is_the_area_under_the_curve(generate, rng):
    from sklearn.metrics import roc_auc_score

    (X, Y), _ = generate(100, (5, 4), rng, shared=1, private=3)
    check = fit(samples_of({"a": X, "b": Y}))["a", "b"]
    labels = np.repeat([1, 0], 100)
    expected = roc_auc_score(labels, np.r_[check.scores, check.mismatched])
    assert 0.5 < check.auc < 1
    assert check.auc == pytest.approx(expected)


def test_samples_that_miss_one_of_the_two_take_no_part(generate, rng):
    (X, Y), _ = generate(100, (5, 4), rng, shared=2, private=2)
    observed = np.ones((100, 2), dtype=bool)
    observed[90:, 1] = False
    check = fit(samples_of({"a": X, "b": Y}, observed))["a", "b"]
    assert check.directions.n_samples == 90
    assert np.isnan(check.scores[90:]).all()
    assert not np.isnan(check.scores[:90]).any()


def test_pairs_without_samples_or_variance_are_left_out(rng):
    blocks = {"a": rng.normal(size=(40, 3)), "b": np.ones((40, 2)), "c": rng.normal(size=(40, 2))}
    observed = np.ones((40, 3), dtype=bool)
    observed[:20, 0] = observed[20:, 2] = False
    samples = samples_of(blocks, observed)
    assert fit(samples, pairs=[("a", "b"), ("a", "c"), ("b", "c")]) == {}


def test_more_features_than_samples_need_shrinkage(rng):
    blocks = {"a": rng.normal(size=(20, 30)), "b": rng.normal(size=(20, 3))}
    with pytest.raises(ValueError, match="16 samples and a modality 'a' of 30 features"):
        fit(samples_of(blocks), PairOptions(None, 0.0, True, "weighted_cosine"))


def test_typicality_is_small_for_sizes_that_are_rare(generate, rng):
    (X, Y), _ = generate(400, (10, 8), rng, shared=3, private=3)
    check = fit(samples_of({"a": X, "b": Y}))["a", "b"]
    u, _ = check.directions.scores(X, Y)
    assert check.typicality("a", np.zeros_like(u)).max() == 0.0
    assert check.typicality("a", 10 * u).mean() < 0.01
    assert 0.3 < check.typicality("a", u).mean() < 0.7


def test_significance_floor_grows_with_the_number_of_components():
    assert significance_floor(100, 1) == pytest.approx(0.2326, abs=1e-4)
    assert significance_floor(100, 100) == pytest.approx(0.3719, abs=1e-4)
    assert significance_floor(100, 0) == 1.0


def test_a_block_is_whitened_once_for_all_its_pairs(generate, rng, monkeypatch):
    calls = []

    def counting(block, **options):
        calls.append(len(block))
        return whiten(block, **options)

    monkeypatch.setattr("emoest.validity._pair_fit.whiten", counting)
    blocks, _ = generate(100, (5, 4, 3), rng, shared=2, private=2)
    samples = samples_of(dict(zip("abc", blocks, strict=True)))
    fit(samples, pairs=[("a", "b"), ("a", "c"), ("b", "c")])
    assert sorted(calls) == [80] * 15 + [100] * 3
