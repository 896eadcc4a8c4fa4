from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from sklearn.dummy import DummyClassifier

from emoest.evaluation import _bootstrap, ccc_score, evaluate, uar_interval
from emoest.evaluation._bootstrap import (
    bootstrap_interval,
    ccc_sums,
    draw_groups,
    group_codes,
    resample_scores,
    sign_flip_p,
    uar_sums,
    widening,
)
from emoest.evaluation._scores import sums_by_group


@pytest.fixture
def samples():
    rng = np.random.default_rng(3)
    groups = np.repeat([f"s{i}" for i in range(9)], rng.integers(2, 9, 9))
    true = rng.choice(["a", "b", "c"], len(groups))
    pred = np.where(rng.random(len(groups)) < 0.5, true, rng.choice(["a", "b", "c"], len(groups)))
    return true, pred, groups


def resampled_rows(groups, n_resamples, seed):
    """The rows of each resample, by a plain loop over the same draws."""
    names = np.unique(groups)
    for draws in np.concatenate(list(draw_groups(len(names), n_resamples, seed))):
        rows = [np.flatnonzero(groups == name) for name in names]
        yield np.concatenate([np.tile(r, int(n)) for r, n in zip(rows, draws, strict=True)])


def test_resampled_uar_equals_a_loop_over_speakers(samples):
    true, pred, groups = samples
    part = uar_sums(true, pred, group_codes(groups, len(groups)))
    expected = []
    for rows in resampled_rows(groups, 200, 5):
        classes = np.unique(true[rows])
        expected.append(np.mean([np.mean(pred[rows][true[rows] == c] == c) for c in classes]))
    np.testing.assert_allclose(resample_scores([part], 200, 5)[:, 0], expected, rtol=1e-12)
    with pytest.warns(UserWarning, match="9 groups"):
        low, high = uar_interval(true, pred, groups, n_resamples=200, random_state=5)
    arms = np.percentile(expected, [2.5, 97.5]) - part.value()
    # Student's quantile with 8 degrees of freedom, from a table.
    factor = 2.306004 / 1.959964 * np.sqrt(9 / 8)
    assert [low, high] == pytest.approx(part.value() + factor * arms, rel=1e-6)


def test_a_resample_without_a_class_is_the_mean_over_the_others():
    true, pred = np.array(["a", "b", "a", "c"]), np.array(["a", "a", "a", "c"])
    codes = np.array([0, 0, 1, 2])
    part = uar_sums(true, pred, codes)
    draws = np.array([[1.0, 1.0, 1.0], [1.0, 2.0, 0.0], [0.0, 0.0, 3.0]])
    np.testing.assert_allclose(part.score(draws @ part.sums), [2 / 3, 1 / 2, 1])


def test_resampled_ccc_equals_a_loop_over_speakers(samples):
    groups = samples[2]
    rng = np.random.default_rng(0)
    true = rng.normal(50, 3, len(groups))
    pred = true + rng.normal(1, 2, len(groups))
    part = ccc_sums(true, pred, group_codes(groups, len(groups)))
    expected = [ccc_score(true[rows], pred[rows]) for rows in resampled_rows(groups, 50, 1)]
    np.testing.assert_allclose(resample_scores([part], 50, 1)[:, 0], expected, rtol=1e-9)
    assert part.value() == pytest.approx(ccc_score(true, pred))


def test_perfect_speakers_give_one_to_one():
    y, groups = ["a", "b"] * 6, np.repeat([1, 2, 3], 4)
    assert uar_interval(y, y, groups, random_state=0) == (1.0, 1.0)


def test_speakers_all_right_or_all_wrong_give_a_wide_interval():
    y, groups = np.array(["a", "b"] * 20), np.repeat([1, 2, 3, 4], 10)
    other = np.where(y == "a", "b", "a")
    pred = np.where(groups <= 2, y, other)
    assert uar_interval(y, pred, groups, random_state=0) == (0.0, 1.0)
    low, high = uar_interval(y, pred, random_state=0)
    assert 0.3 < low < 0.5 < high < 0.7


def test_chunks_do_not_change_the_draws(samples, monkeypatch):
    true, pred, groups = samples
    whole = uar_interval(true, pred, groups, n_resamples=50, random_state=2)
    monkeypatch.setattr(_bootstrap, "_CHUNK", 60)
    assert len(list(draw_groups(9, 50, 2))) > 1
    assert uar_interval(true, pred, groups, n_resamples=50, random_state=2) == whole


def test_one_group_has_no_interval():
    assert np.isnan(uar_interval(["a", "b"], ["a", "b"], [1, 1], random_state=0)).all()
    assert np.isnan(bootstrap_interval(1.0, np.ones(5), n_groups=1)).all()
    one = uar_sums([0, 1], [0, 1], np.array([0, 0]))
    assert np.isnan(sign_flip_p([one, one], 100, seed=0))


def test_intervals_end_at_the_bounds_of_the_score():
    scores = np.linspace(0.5, 1.0, 101)
    assert bootstrap_interval(0.9, scores, 3) == (0.0, 1.0)
    assert bootstrap_interval(0.9, scores, 3, bounds=(-2.0, 2.0))[1] > 1
    assert widening(3) > widening(4) > widening(30) > 1


def two_models(n_groups, wins):
    """The first model is right on both rows of `wins` groups where the other is wrong."""
    y, codes = np.tile([0, 1], n_groups), np.repeat(np.arange(n_groups), 2)
    better = np.where(codes < wins, y, 1 - y)
    worse = np.where(codes < wins, 1 - y, y)
    return [uar_sums(y, pred, codes) for pred in (better, worse)]


@pytest.mark.parametrize(
    ("n_groups", "wins", "p"),
    [
        (2, 2, 1 / 2),
        (3, 3, 1 / 4),
        (5, 5, 1 / 16),
        (5, 4, 12 / 32),
        (6, 3, 1.0),
        (12, 12, 1 / 2048),
    ],
)
def test_few_groups_are_exchanged_in_every_way(n_groups, wins, p):
    parts = two_models(n_groups, wins)
    assert sign_flip_p(parts, 10, seed=0) == pytest.approx(p)
    assert sign_flip_p(parts[::-1], 10, seed=0) == pytest.approx(p)


def test_many_groups_are_exchanged_at_random_and_p_is_never_zero():
    assert sign_flip_p(two_models(40, 40), 2000, seed=0) == 1 / 2001
    # The exact test of a binomial: 26 or more, or 14 or fewer, of 40.
    assert sign_flip_p(two_models(40, 26), 20_000, seed=0) == pytest.approx(0.0807, abs=0.006)


def test_exchanges_serve_ccc_too():
    rng = np.random.default_rng(0)
    true, codes = rng.normal(size=60), np.repeat(np.arange(6), 10)
    near, far = true + 0.1 * rng.normal(size=60), true + 2 * rng.normal(size=60)
    parts = [ccc_sums(true, pred, codes) for pred in (near, far)]
    assert sign_flip_p(parts, 10, seed=0) == 2 / 2**6
    assert sign_flip_p([parts[0], parts[0]], 10, seed=0) == 1.0


@pytest.mark.parametrize(("n_groups", "warns"), [(2, True), (9, True), (10, False)])
def test_few_groups_are_said(n_groups, warns, recwarn):
    y = np.tile([0, 1], n_groups)
    uar_interval(y, y, np.repeat(np.arange(n_groups), 2), n_resamples=5, random_state=0)
    assert [str(n_groups) in str(each.message) for each in recwarn] == [True] * warns


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="groups has missing"):
        uar_interval(["a", "b"], ["a", "b"], np.array(["s1", None], dtype=object))
    with pytest.raises(ValueError, match="2, 1 and 2 samples"):
        uar_interval(["a", "b"], ["a"], [1, 2])


def single_samples(n, seed=0):
    rng = np.random.default_rng(seed)
    true = rng.choice(["a", "b", "c"], n, p=[0.7, 0.2, 0.1])
    return true, np.where(rng.random(n) < 0.6, true, rng.choice(["a", "b", "c"], n))


def test_cells_are_drawn_as_single_samples_are():
    true, pred = single_samples(80)
    samples = uar_sums(true, pred, np.arange(80))
    drawn = resample_scores([samples], 20_000, 1)[:, 0]
    cells = resample_scores([replace(samples, single=True)], 20_000, 2)[:, 0]
    # The critical distance of Kolmogorov and Smirnov at one in a thousand.
    assert stats.ks_2samp(drawn, cells).statistic < 1.95 * np.sqrt(2 / 20_000)
    quantiles = [0.025, 0.25, 0.5, 0.75, 0.975]
    np.testing.assert_allclose(
        np.quantile(cells, quantiles), np.quantile(drawn, quantiles), atol=0.005
    )


def test_two_models_are_drawn_together():
    true, pred = single_samples(200)
    other = single_samples(200, 1)[1]
    parts = [uar_sums(true, each, np.arange(200)) for each in (pred, other)]
    drawn = resample_scores(parts, 5_000, 1)
    cells = resample_scores([replace(part, single=True) for part in parts], 5_000, 2)
    for scores in (drawn, cells):
        assert scores.mean(axis=0) == pytest.approx([p.value() for p in parts], abs=0.01)
    assert np.cov(cells.T) == pytest.approx(np.cov(drawn.T), abs=1e-4)
    both = [replace(parts[0], single=True)] * 2
    same = resample_scores(both, 50, 0)
    np.testing.assert_array_equal(same[:, 0], same[:, 1])


def test_the_number_of_single_samples_does_not_cost(monkeypatch):
    sizes = []

    def drawing(n_groups, n_resamples, seed, counts=None):
        sizes.append(len(counts))
        return draw_groups(n_groups, n_resamples, seed, counts)

    monkeypatch.setattr(_bootstrap, "draw_groups", drawing)
    true, pred = single_samples(5_000)
    low, high = uar_interval(true, pred, n_resamples=100, random_state=0)
    assert 0 < low < high < 1
    # Right or wrong, of three classes.
    assert sizes == [6]


FOUND = (0.4056376875642509, 0.7694614494220173)
"""The interval of `samples`, before single samples were drawn in another way."""


def test_groups_are_drawn_as_before(samples):
    true, pred, groups = samples
    with pytest.warns(UserWarning, match="9 groups"):
        found = uar_interval(true, pred, groups, n_resamples=500, random_state=0)
    assert found == pytest.approx(FOUND, abs=1e-12)


def test_an_evaluation_without_speakers_draws_cells():
    y, X = np.tile(["a", "b"], 30), np.random.default_rng(0).normal(size=(60, 2))
    with pytest.warns(UserWarning, match="not speaker-independent"):
        result = evaluate(DummyClassifier(strategy="stratified"), X, y, random_state=0)
    rows = result.select()
    sums = sums_by_group(rows, result.protocol)
    assert sums.single
    assert len(sums.sums) == result.table["n_groups"].iloc[0] == 60
    row = result.table.iloc[0]
    plain = uar_interval(rows["y"], rows["y_pred"], random_state=1)
    assert (row["uar_low"], row["uar_high"]) == pytest.approx(plain, abs=0.02)
