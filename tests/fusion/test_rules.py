import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.special import softmax

from emoest.fusion._rules import (
    CLIP,
    TIE,
    confidence_rule,
    liu_rule,
    liu_sample_weights,
    liu_weights,
    log_pool_rule,
    m3er_min_loss_rule,
    m3er_sample_weights,
    mark_votes,
    max_rule,
    mean_rule,
    product_rule,
    row_weights,
    vote_rule,
)

RULES = [
    mean_rule,
    product_rule,
    log_pool_rule,
    max_rule,
    vote_rule,
    liu_rule,
    confidence_rule,
    m3er_min_loss_rule,
]


def sample(n_samples=40, n_modalities=3, n_classes=4, seed=0):
    rng = np.random.default_rng(seed)
    proba = softmax(2 * rng.normal(size=(n_samples, n_modalities, n_classes)), axis=2)
    return proba, np.ones((n_samples, n_modalities), dtype=bool)


@pytest.mark.parametrize("rule", RULES)
def test_dropping_a_modality_is_fusing_the_others(rule):
    proba, present = sample()
    present[:, 1] = False
    holed = np.where(present[..., None], proba, np.nan)
    expected = rule(proba[:, [0, 2]], present[:, [0, 2]])
    assert_allclose(rule(holed, present), expected, rtol=1e-12)
    assert np.abs(expected - rule(proba, np.ones_like(present))).max() > 0.05


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule is not vote_rule])
def test_a_modality_that_is_alone_answers_for_itself(rule):
    proba, present = sample(n_modalities=2)
    present[:, 1] = False
    assert_allclose(rule(proba, present), proba[:, 0], atol=1e-9)


@pytest.mark.parametrize("rule", RULES)
def test_rows_sum_to_one_and_rows_without_modality_are_nan(rule):
    proba, present = sample()
    present[3] = False
    fused = rule(proba, present)
    assert np.isnan(fused[3]).all()
    assert_allclose(np.delete(fused, 3, axis=0).sum(axis=1), 1.0)


@pytest.mark.parametrize("rule", RULES)
def test_modalities_may_stand_in_any_order(rule):
    proba, present = sample()
    present[5, 2] = False
    order = [2, 0, 1]
    assert_allclose(rule(proba[:, order], present[:, order]), rule(proba, present), rtol=1e-10)


def test_mean_rule_honors_weights():
    proba, present = sample(n_samples=1, n_modalities=2)
    expected = 0.75 * proba[:, 0] + 0.25 * proba[:, 1]
    assert_allclose(mean_rule(proba, present, [3, 1]), expected)


def test_all_weight_on_an_absent_modality_is_no_answer():
    proba, _ = sample(n_samples=1, n_modalities=2)
    assert np.isnan(mean_rule(proba, np.array([[False, True]]), [1, 0])).all()
    assert np.isnan(log_pool_rule(proba, np.array([[False, True]]), [1, 0])).all()


@pytest.mark.parametrize("weights", [[0, 0], [-1, 2], [np.nan, 1]])
def test_unfit_weights_are_refused(weights):
    with pytest.raises(ValueError, match=r"finite, not negative and not all zero; got \["):
        row_weights(np.ones((1, 2), dtype=bool), weights)


def test_log_pool_is_the_geometric_mean_and_decides_as_the_product():
    proba, present = sample()
    expected = proba.prod(axis=1) ** (1 / 3)
    pooled = log_pool_rule(proba, present)
    assert_allclose(pooled, expected / expected.sum(axis=1, keepdims=True), rtol=1e-9)
    product = product_rule(proba, present)
    assert (pooled.argmax(axis=1) == product.argmax(axis=1)).all()
    assert (pooled.max(axis=1) < product.max(axis=1)).all()


def test_a_class_that_one_modality_excludes_can_still_win_the_product():
    proba = np.array([[[0.0, 0.5, 0.5], [1.0, 0.0, 0.0], [1.0, 0.0, 0.0]]])
    fused = product_rule(proba, np.ones((1, 3), dtype=bool))
    assert fused.argmax() == 0
    assert_allclose(fused[0, 1], 0.5 * CLIP**2 / (CLIP + CLIP**2), rtol=1e-6)


@pytest.mark.parametrize(
    ("proba", "weights", "winner", "votes"),
    [
        ([[0.1, 0.9], [0.6, 0.4]], None, 1, [0.5, 0.5]),
        ([[0.9, 0.1], [0.4, 0.6]], None, 0, [0.5, 0.5]),
        ([[0.6, 0.4], [0.6, 0.4]], None, 0, [1.0, 0.0]),
        ([[0.4, 0.6], [0.6, 0.4]], None, 0, [0.5, 0.5]),
        ([[0.45, 0.55], [1.0, 0.0]], [3, 1], 1, [0.25, 0.75]),
        ([[0.5, 0.1, 0.4], [0.2, 0.3, 0.5], [0.1, 0.6, 0.3]], None, 2, [1 / 3, 1 / 3, 1 / 3]),
        ([[0.5, 0.1, 0.4], [0.6, 0.3, 0.1], [0.0, 0.0, 1.0]], None, 0, [2 / 3, 0.0, 1 / 3]),
    ],
)
def test_votes_are_counted_and_probabilities_break_ties(proba, weights, winner, votes):
    fused = vote_rule(np.array([proba]), np.ones((1, len(proba)), dtype=bool), weights)
    assert fused.argmax() == winner
    assert_allclose(fused[0], votes, atol=2 * TIE)
    assert_allclose(fused.sum(), 1.0)


def test_what_an_absent_modality_holds_breaks_no_tie():
    proba = np.array([[[0.6, 0.4], [0.3, 0.7], [1.0, 0.0]]])
    assert vote_rule(proba, np.array([[True, True, False]])).argmax() == 1


def test_a_marked_vote_stays_the_largest_entry_against_all_evidence():
    evidence = np.array([[0.05, 0.95], [0.5, 0.5], [1.0, 0.0]])
    marked = mark_votes(np.array([0, 1, 0]), evidence)
    assert marked.argmax(axis=1).tolist() == [0, 1, 0]
    assert_allclose(marked.sum(axis=1), 1.0)
    assert mark_votes(np.array([1, 1]), np.array([0.9, 0.1])).tolist() == [[0.45, 0.55]] * 2


def test_liu_weight_of_two_modalities_is_the_doubt_of_the_other():
    proba, present = sample(n_modalities=2)
    for beta in (0.5, 2.0):
        weights = liu_weights(proba, present, beta)
        assert_allclose(weights[:, 0], (1 - proba[:, 1]) ** beta, rtol=1e-10)
        assert_allclose(weights[:, 1], (1 - proba[:, 0]) ** beta, rtol=1e-10)


def test_liu_weights_of_three_modalities_follow_the_formula():
    proba, present = sample(n_samples=5)
    weights = liu_weights(proba, present, 0.7)
    expected = ((1 - proba[:, 1]) * (1 - proba[:, 2])) ** (0.7 / 2)
    assert_allclose(weights[:, 0], expected, rtol=1e-10)


def test_liu_rule_takes_the_class_of_the_least_loss():
    proba, present = sample()
    losses = -(liu_weights(proba, present, 0.5) * np.log(proba)).sum(axis=1)
    fused = liu_rule(proba, present, 0.5)
    assert (fused.argmax(axis=1) == losses.argmin(axis=1)).all()
    assert_allclose(fused, softmax(-losses, axis=1), rtol=1e-6)


@pytest.mark.parametrize("rule", [liu_rule, confidence_rule])
def test_without_beta_it_is_the_product_rule(rule):
    proba, present = sample()
    present[::3, 1] = False
    assert_allclose(rule(proba, present, 0.0), product_rule(proba, present), rtol=1e-9)


def test_the_confident_modality_weighs_more():
    proba = np.array([[[0.9, 0.1], [0.2, 0.8]]])
    present = np.ones((1, 2), dtype=bool)
    assert confidence_rule(proba, present, 4.0)[0, 0] > product_rule(proba, present)[0, 0]


def test_the_literal_m3er_rule_picks_what_all_exclude_and_liu_does_not():
    proba, present = sample(n_samples=300)
    sharp = softmax(6 * np.log(proba) + np.log(proba).sum(axis=1, keepdims=True), axis=2)
    literal = m3er_min_loss_rule(sharp, present, 2.0).argmax(axis=1)
    product = product_rule(sharp, present).argmax(axis=1)
    assert np.mean(literal == product) < 0.3
    assert np.mean(liu_rule(sharp, present, 0.5).argmax(axis=1) == product) > 0.8


@pytest.mark.parametrize(("n_modalities", "beta"), [(2, 0.5), (2, 2.0), (3, 2.0)])
def test_the_literal_loss_falls_on_both_sides_of_its_peak(n_modalities, beta):
    """So its gradient changes sign at p = exp(-(M - 1) / beta): a hopeless class is left alone."""
    p = np.linspace(0.001, 0.999, 2000)
    proba = np.full((len(p), n_modalities, 3), 0.3)
    proba[:, :, 0] = p[:, None]
    fused = m3er_min_loss_rule(proba, np.ones((len(p), n_modalities), dtype=bool), beta)
    loss = -np.log(fused[:, 0] / fused[:, 1])
    peak = p[loss.argmax()]
    assert peak == pytest.approx(np.exp(-(n_modalities - 1) / beta), abs=1e-3)
    assert (np.diff(loss[p < peak]) > 0).all() and (np.diff(loss[p > peak]) < 0).all()


@pytest.mark.parametrize("beta", [0.5, 2.0])
@pytest.mark.parametrize("rule", [liu_rule, confidence_rule])
def test_one_modality_is_judged_by_its_cross_entropy(rule, beta):
    proba, present = sample(n_modalities=1)
    fused = rule(proba, present, beta)
    cross_entropy = -np.log(proba[:, 0])
    assert_allclose(-np.log(fused / fused[:, :1]), cross_entropy - cross_entropy[:, :1], rtol=1e-6)


@pytest.mark.parametrize("make", [liu_sample_weights, m3er_sample_weights])
def test_sample_weights_have_mean_one_over_present_rows(make):
    proba, present = sample()
    true_proba = np.where(present, proba[..., 0], np.nan)
    true_proba[7, 1], present[7, 1] = np.nan, False
    weights = make(true_proba, present, 1.0)
    assert weights[7, 1] == 1.0
    for m in range(3):
        assert weights[present[:, m], m].mean() == pytest.approx(1.0)


def test_sample_weights_point_in_opposite_directions():
    true_proba, present = np.array([[0.9, 0.1], [0.1, 0.1]]), np.ones((2, 2), dtype=bool)
    liu = liu_sample_weights(true_proba, present, 1.0)
    m3er = m3er_sample_weights(true_proba, present, 1.0)
    assert liu[0, 1] < liu[1, 1]
    assert liu[0, 0] == pytest.approx(liu[1, 0])
    assert m3er[0, 0] > m3er[1, 0]
    assert m3er[0, 1] == pytest.approx(m3er[1, 1])


def test_a_row_of_weight_two_counts_as_two_rows():
    true_proba, present = np.array([[0.9, 0.3], [0.1, 0.2]]), np.ones((2, 2), dtype=bool)
    once = m3er_sample_weights(true_proba, present, 1.0, np.array([2.0, 1.0]))
    twice = m3er_sample_weights(true_proba[[0, 0, 1]], np.ones((3, 2), dtype=bool), 1.0)
    assert_allclose(once, twice[1:])
