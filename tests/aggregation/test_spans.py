import numpy as np
import pytest

from emoest.aggregation import align_frames, fit_length

WORDS = np.array([[0.0, 0.2], [0.3, 0.35], [0.5, 1.0]])


def test_means_over_words_and_zeros_where_nothing_was_seen():
    frames = np.arange(20.0).reshape(10, 2)
    aligned = align_frames(frames, np.arange(10) / 10 + 0.05, WORDS)
    assert aligned.dtype == np.float32
    np.testing.assert_allclose(aligned, [frames[:2].mean(axis=0), [0, 0], frames[5:].mean(axis=0)])


def test_values_that_are_not_finite_are_left_out():
    frames = np.array([[1.0, -np.inf], [np.nan, 4.0], [3.0, np.nan]])
    aligned = align_frames(frames, [0.0, 0.1, 0.2], [[0, 1], [0.2, 1]])
    assert aligned.tolist() == [[2.0, 4.0], [3.0, 0.0]]


def test_spans_overlap_leave_gaps_and_frames_come_in_any_order():
    rng = np.random.default_rng(0)
    frames, times = rng.normal(size=(60, 3)), rng.permutation(60) / 10
    times[5] = np.nan
    begins = rng.uniform(-1, 6, size=25)
    spans = np.column_stack([begins, begins + rng.exponential(0.5, size=25)])
    spans[0] = [-np.inf, np.inf]
    aligned = align_frames(frames, times, spans)
    for found, (begin, end) in zip(aligned, spans, strict=True):
        inside = frames[(times >= begin) & (times < end)]
        expected = inside.mean(axis=0) if len(inside) else np.zeros(3)
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    assert align_frames(frames, times, np.empty((0, 2))).shape == (0, 3)
    assert not align_frames(np.empty((0, 2)), [], [[0, 1]]).any()


@pytest.mark.parametrize(
    ("padding", "short", "long"),
    [("front", [0, 0, 1, 2], [2, 3, 4, 5]), ("back", [1, 2, 0, 0], [1, 2, 3, 4])],
)
def test_front_padding_keeps_the_last_steps(padding, short, long):
    assert fit_length([[1], [2]], 4, padding).ravel().tolist() == short
    assert fit_length(np.arange(1, 6)[:, None], 4, padding).ravel().tolist() == long


def test_shapes_that_do_not_fit_are_named():
    with pytest.raises(ValueError, match=r"shapes \(2, 1\), \(3,\) and \(1, 2\); expected \(n_fr"):
        align_frames([[1.0], [2.0]], [0, 1, 2], [[0, 2]])
    with pytest.raises(ValueError, match=r"and \(2,\); expected .*\(n_spans, 2\)"):
        align_frames([[1.0], [2.0]], [0, 1], [0, 2])
    with pytest.raises(ValueError, match=r"span 1 has no beginning or no end: \[1.0, nan\]"):
        align_frames([[1.0], [2.0]], [0, 1], [[0, 1], [1, np.nan]])
    with pytest.raises(ValueError, match=r"shapes \(2,\)"):
        align_frames([1.0, 2.0], [0, 1], [[0, 2]])
    with pytest.raises(ValueError, match="padding='post' is unknown; choose one of front, back"):
        fit_length([[1.0]], 3, "post")
    for frames, length in (([1.0, 2.0], 3), ([[1.0]], -1)):
        with pytest.raises(ValueError, match=r"expected frames of shape \(n_frames, n_dims\)"):
            fit_length(frames, length)
