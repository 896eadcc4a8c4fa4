import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.special import softmax

from emoest.fusion._monte_carlo_rules import (
    agreement_rule,
    choose_weights,
    confusion_counts,
    confusion_rule,
    draw_confusions,
    draw_weights,
    mix_weights,
    score_weights,
)
from emoest.fusion._rules import CLIP, log_pool_rule, mean_rule, product_rule


def rng(seed=0):
    return np.random.RandomState(seed)


def sample(n_samples=50, n_modalities=2, n_classes=3):
    proba = softmax(2 * rng(1).normal(size=(n_samples, n_modalities, n_classes)), axis=2)
    return proba, np.ones((n_samples, n_modalities), dtype=bool)


def test_two_weights_are_uniform():
    weights = draw_weights(20_000, 2, rng())[:, 0, 0]
    assert_allclose(np.quantile(weights, [0.1, 0.5, 0.9]), [0.1, 0.5, 0.9], atol=0.02)


def test_weights_of_each_class_are_drawn_alone():
    weights = draw_weights(1000, 3, rng(), n_classes=2)
    assert weights.shape == (1000, 3, 2)
    assert_allclose(weights.sum(axis=1), 1.0)
    assert abs(np.corrcoef(weights[:, 0, 0], weights[:, 0, 1])[0, 1]) < 0.1


def test_mixed_weights_are_the_weighted_mean_of_what_is_there():
    proba, present = sample()
    present[4, 0] = False
    holed = np.where(present[..., None], proba, np.nan)
    mixed = mix_weights(np.array([[[0.3], [0.7]]]), holed, present)[0]
    assert_allclose(mixed, mean_rule(holed, present, [0.3, 0.7]))
    assert_allclose(mixed[4], proba[4, 1])


def test_mixed_logarithms_are_the_logarithmic_pool_of_what_is_there():
    proba, present = sample()
    proba[3, 1] = [0.0, 0.0, 1.0]
    present[4, 0] = False
    present[5] = False
    holed = np.where(present[..., None], proba, np.nan)
    mixed = mix_weights(np.array([[[0.3], [0.7]]]), holed, present, "log")[0]
    assert_allclose(mixed[5], 0.0)
    rows = present.any(axis=1)
    normalized = mixed[rows] / mixed[rows].sum(axis=1, keepdims=True)
    assert_allclose(normalized, log_pool_rule(holed, present, [0.3, 0.7])[rows])


@pytest.mark.parametrize("pool", ["linear", "log"])
def test_scores_are_those_of_each_draw(pool):
    proba, present = sample()
    positions = proba[:, 0].argmax(axis=1)
    draws = np.array([[[1.0], [0.0]], [[0.0], [1.0]], [[0.5], [0.5]]])
    scores = score_weights(draws, proba, present, positions, np.ones(len(proba)), pool=pool)
    expected = np.mean(proba[:, 1].argmax(axis=1) == positions)
    assert scores[0] == pytest.approx(1.0)
    assert scores[1] == pytest.approx(expected)
    assert expected < 0.6


@pytest.mark.parametrize("pool", ["linear", "log"])
def test_logarithms_are_those_of_the_normalized_mixture(pool):
    proba, present = sample()
    proba = np.maximum(proba, 0.01)
    positions = np.arange(len(proba)) % proba.shape[2]
    counts = 1.0 + np.arange(len(proba)) % 2
    draws = np.array([[[1.0], [0.0]], [[0.3], [0.7]]])
    scores = score_weights(draws, proba, present, positions, counts, pool=pool, log=True)
    for draw, score in zip(draws, scores, strict=True):
        mixed = mix_weights(draw[None], proba, present, pool)[0]
        mixed /= mixed.sum(axis=1, keepdims=True)
        logs = np.log(mixed[np.arange(len(mixed)), positions])
        assert score == pytest.approx(np.average(logs, weights=counts))


def test_an_impossible_class_costs_a_bounded_logarithm():
    proba = np.array([[[0.0, 1.0]], [[0.5, 0.5]]])
    known = np.ones((2, 1), dtype=bool), np.array([0, 0]), np.ones(2)
    (score,) = score_weights(np.ones((1, 1, 1)), proba, *known, log=True)
    assert score == pytest.approx((np.log(CLIP) + np.log(0.5)) / 2)


@pytest.mark.parametrize("log", [False, True])
def test_scores_do_not_depend_on_the_chunks(monkeypatch, log):
    proba, present = sample()
    positions = np.arange(len(proba)) % 3
    draws = draw_weights(70, 2, rng())
    whole = score_weights(draws, proba, present, positions, np.ones(len(proba)), log=log)
    monkeypatch.setattr("emoest.fusion._monte_carlo_rules._CHUNK", 1000)
    parts = score_weights(draws, proba, present, positions, np.ones(len(proba)), log=log)
    assert_allclose(parts, whole)


def test_the_best_draws_are_averaged_or_the_top_share():
    draws = np.arange(5.0).reshape(5, 1, 1)
    scores = np.array([0.1, 0.9, 0.5, 0.9, 0.4])
    assert choose_weights(draws, scores).item() == 2.0
    assert choose_weights(draws, scores, keep=0.6).item() == 2.0
    assert choose_weights(draws, scores, keep=1.0).item() == 2.0
    assert choose_weights(draws, np.array([0.1, 0.9, 0.8, 0.7, 0.0]), keep=0.4).item() == 1.5


def test_agreement_tends_to_the_product_rule():
    proba = np.array([[[0.5, 0.2, 0.2, 0.1], [0.3, 0.4, 0.2, 0.1]]])
    present = np.ones((1, 2), dtype=bool)
    product = product_rule(proba, present)
    assert_allclose(product, [[0.5357, 0.2857, 0.1429, 0.0357]], atol=1e-4)
    errors = []
    for n_draws in (200, 200_000):
        fused = agreement_rule(proba, present, rng().uniform(size=(n_draws, 2)))
        errors.append(np.abs(fused - product).max())
    assert errors[1] < 0.01 < errors[0]


def test_agreement_of_three_modalities_tends_to_their_product():
    proba, present = sample(n_samples=3, n_modalities=3)
    fused = agreement_rule(proba, present, rng().uniform(size=(200_000, 3)))
    assert_allclose(fused, product_rule(proba, present), atol=0.01)


def test_agreement_without_a_match_falls_back_to_the_product():
    proba = np.array([[[1.0, 0.0, 0.0], [0.0, 0.6, 0.4]]])
    present = np.ones((1, 2), dtype=bool)
    fused = agreement_rule(proba, present, rng().uniform(size=(100, 2)))
    assert_allclose(fused, product_rule(proba, present))


def test_agreement_leaves_out_what_is_absent():
    proba, present = sample(n_samples=2)
    present[0, 0], present[1] = False, False
    fused = agreement_rule(proba, present, rng().uniform(size=(50, 2)))
    assert_allclose(fused[0], proba[0, 1])
    assert np.isnan(fused[1]).all()


def test_confusions_are_counted_by_true_class():
    answers = np.eye(3)[[[0, 1], [2, 1], [2, 2]]]
    present = np.array([[True, True], [True, False], [True, True]])
    counts = confusion_counts(answers, present, np.array([0, 2, 1]))
    assert counts[0].tolist() == [[1, 0, 0], [0, 0, 1], [0, 0, 1]]
    assert counts[1].tolist() == [[0, 1, 0], [0, 0, 1], [0, 0, 0]]
    weighted = confusion_counts(answers, present, np.array([0, 2, 1]), np.array([2.0, 1, 1]))
    assert weighted[0, 0, 0] == 2


def test_drawn_confusions_have_the_posterior_mean():
    counts = np.array([[[8.0, 1.0], [0.0, 3.0]]])
    draws = draw_confusions(counts, 20_000, rng(), alpha=1.0)
    assert_allclose(draws.mean(axis=0)[0], [[9 / 11, 2 / 11], [1 / 5, 4 / 5]], atol=0.01)


def test_confusion_rule_tends_to_naive_bayes_with_smoothed_counts():
    counts = rng(3).poisson(4.0, size=(2, 3, 3)).astype(float)
    prior = np.array([0.5, 0.3, 0.2])
    said = np.eye(3)[[[0, 1], [2, 2], [0, 1]]]
    present = np.ones((3, 2), dtype=bool)
    draws = draw_confusions(counts, 40_000, rng(), alpha=1.0)
    fused = confusion_rule(said, present, prior, draws)
    smooth = (counts + 1) / (counts + 1).sum(axis=2, keepdims=True)
    for row, (first, second) in enumerate([(0, 1), (2, 2), (0, 1)]):
        joint = prior * smooth[0, :, first] * smooth[1, :, second]
        assert_allclose(fused[row], joint / joint.sum(), atol=0.01)
    assert fused[0].tolist() == fused[2].tolist()


def test_confusion_rule_leaves_out_what_is_absent():
    draws = draw_confusions(np.zeros((2, 2, 2)), 10, rng())
    said = np.eye(2)[[[0, 1], [1, 1]]]
    present = np.array([[True, False], [False, False]])
    fused = confusion_rule(said, present, np.array([0.5, 0.5]), draws)
    alone = confusion_rule(said[:1, :1], present[:1, :1], np.array([0.5, 0.5]), draws[:, :1])
    assert_allclose(fused[:1], alone)
    assert np.isnan(fused[1]).all()


def test_tiny_alpha_gives_finite_draws():
    draws = draw_confusions(np.zeros((1, 3, 3)), 200, rng(), alpha=1e-6)
    assert np.isfinite(draws).all()
    assert_allclose(draws.sum(axis=3), 1.0)
