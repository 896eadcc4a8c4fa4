import numpy as np

from emoest.fusion._segment_votes import average_segments, integer_upsampling


def test_upsampling_repeats_by_integer_division():
    y = np.array(["L"] * 7 + ["M"] * 3 + ["H"] * 4)
    rows = integer_upsampling(y)
    labels, counts = np.unique(y[rows], return_counts=True)
    assert dict(zip(labels, counts, strict=True)) == {"L": 7, "M": 6, "H": 4}
    assert (np.diff(rows) >= 0).all()


def test_balanced_classes_stay_as_they_are():
    assert integer_upsampling(np.array([1, 0, 1, 0])).tolist() == [0, 1, 2, 3]


def test_proportions_of_votes_and_ties():
    votes = np.eye(3)[[2, 0, 1, 1, 0]]
    proportions = average_segments(votes, np.array([0, 0, 2, 2, 2]), 3)
    expected = [[0.5, 0, 0.5], [np.nan] * 3, [1 / 3, 2 / 3, 0]]
    np.testing.assert_allclose(proportions, expected)
    assert proportions[0].argmax() == 0


def test_averages_equal_a_loop():
    generator = np.random.RandomState(0)
    proba, owners = generator.dirichlet([1, 1, 1], size=20), generator.randint(4, size=20)
    expected = [proba[owners == i].mean(axis=0) for i in range(4)]
    np.testing.assert_allclose(average_segments(proba, owners, 4), expected)
