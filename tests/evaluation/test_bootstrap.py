import numpy as np
import pytest

from emoest.evaluation import _bootstrap, ccc_score, uar_interval
from emoest.evaluation._bootstrap import (
    bootstrap_p,
    ccc_sums,
    draw_groups,
    group_codes,
    percentile_interval,
    resample_scores,
    uar_sums,
)


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
    low, high = uar_interval(true, pred, groups, n_resamples=200, random_state=5)
    assert [low, high] == pytest.approx(np.percentile(expected, [2.5, 97.5]), rel=1e-12)


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
    assert np.isnan(percentile_interval(np.ones(5), n_groups=1)).all()
    assert np.isnan(bootstrap_p(np.ones(5), n_groups=1))


def test_p_by_hand():
    differences = np.array([-0.1, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8])
    assert bootstrap_p(differences, 5) == pytest.approx(2 * 2 / 10)
    assert bootstrap_p(-differences, 5) == pytest.approx(2 * 2 / 10)
    assert bootstrap_p(np.zeros(9), 5) == 1.0


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="groups has missing"):
        uar_interval(["a", "b"], ["a", "b"], np.array(["s1", None], dtype=object))
    with pytest.raises(ValueError, match="2, 1 and 2 samples"):
        uar_interval(["a", "b"], ["a"], [1, 2])
