import numpy as np

from emoest.features._mel import mel_matrix


def test_mel_matrix():
    sums = mel_matrix().sum(axis=0)
    expected = [0.947690, 0.985416, 1.027460, 1.130301, 1.112659, 1.139634]
    np.testing.assert_allclose(sums[:6], expected, atol=2e-6)
    np.testing.assert_allclose(sums[61:], [8.331042, 8.648652, 8.944183], atol=2e-6)
    assert (sums > 0).all()
    assert not mel_matrix()[0].any()
