import numpy as np

from emoest.features._mel import mel_matrix, slaney_filters


def test_mel_matrix():
    sums = mel_matrix().sum(axis=0)
    expected = [0.947690, 0.985416, 1.027460, 1.130301, 1.112659, 1.139634]
    np.testing.assert_allclose(sums[:6], expected, atol=2e-6)
    np.testing.assert_allclose(sums[61:], [8.331042, 8.648652, 8.944183], atol=2e-6)
    assert (sums > 0).all()
    assert not mel_matrix()[0].any()


def test_slaney_filters_have_the_values_of_librosa():
    """librosa 0.11, filters.mel(sr=16000, n_fft=400, n_mels=40)."""
    weights = slaney_filters(np.linspace(0, 8000, 201), 40, 8000.0).astype(np.float32)
    found = [weights.sum(), weights[2, 0], weights[44:48, 20].max(), weights[:, 39].max()]
    np.testing.assert_allclose(found, [0.999497, 0.0124045, 0.00719192, 0.00172494], rtol=1e-5)
