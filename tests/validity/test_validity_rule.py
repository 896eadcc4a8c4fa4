import numpy as np

from emoest.validity._validity_rule import confidence_by_priority, decide, keep_best

PAIRS = [("a", "t"), ("a", "f"), ("t", "f")]
NAMES = ["a", "t", "f"]
TAU = np.array([0.5, 0.4, 0.3])


def rule(scores, observed=(True, True, True)):
    return decide(np.array([scores]), TAU, np.array([observed]), PAIRS, NAMES)


def test_one_fit_is_enough():
    assert rule([0.5, 0.0, 0.0])[0].tolist() == [[True, True, False]]
    assert rule([0.0, 0.4, 0.0])[0].tolist() == [[True, False, True]]
    assert rule([0.0, 0.0, 0.0])[0].tolist() == [[False, False, False]]
    assert rule([-np.inf, -np.inf, 0.9])[0].tolist() == [[False, True, True]]


def test_what_cannot_be_checked_is_kept_and_what_is_absent_is_not_valid():
    nan = np.nan
    assert rule([nan, nan, nan], (True, False, False))[0].tolist() == [[True, False, False]]
    assert rule([nan, nan, 0.9], (True, True, True))[0].tolist() == [[True, True, True]]
    assert rule([0.1, nan, nan], (True, True, False))[0].tolist() == [[False, False, False]]


def test_margins_are_the_best_score_above_threshold():
    _, margins = rule([0.45, 0.1, -np.inf])
    np.testing.assert_allclose(margins, [[-0.05, -0.05, -0.3]])


def test_threshold_of_minus_infinity_accepts_all():
    scores = np.array([[-np.inf, 0.0, 0.0]])
    valid, margins = decide(scores, np.full(3, -np.inf), np.ones((1, 3), bool), PAIRS, NAMES)
    assert valid.all()
    assert not np.isnan(margins).any()


def test_best_pair_then_trust_decides():
    valid, margins = rule([0.45, 0.1, 0.2])
    observed = np.ones((1, 3), dtype=bool)
    for trust, kept in (([0.1, 0.2, 9.0], 1), ([0.2, 0.1, 9.0], 0), ([0.0, 0.0, 9.0], 0)):
        best = keep_best(valid, margins, observed, np.array([trust]))
        assert np.flatnonzero(best[0]).tolist() == [kept]
    assert not valid.any()


def test_best_is_observed_and_valid_rows_stay():
    valid = np.array([[False, False], [False, True], [False, False]])
    observed = np.array([[False, True], [True, True], [False, False]])
    best = keep_best(valid, np.full((3, 2), -np.inf), observed, np.zeros((3, 2)))
    assert best.tolist() == [[False, True], [False, True], [False, False]]


def test_confidence_by_priority():
    assert confidence_by_priority(NAMES, ["f", "a"], 2).tolist() == [[1, 0, 2], [1, 0, 2]]
