import numpy as np
import pytest

from emoest.features._whisper_mel import count_positions, whisper_log_mel


def sound(n_samples):
    return (0.1 * np.random.default_rng(n_samples).normal(size=n_samples)).astype(np.float32)


@pytest.mark.parametrize("n_samples", [1, 100, 48_017, 479_500, 479_990, 480_000])
@pytest.mark.parametrize("n_mels", [80, 128])
def test_padded_spectra_are_those_of_transformers(n_samples, n_mels):
    from transformers import WhisperFeatureExtractor

    signal = sound(n_samples)
    extractor = WhisperFeatureExtractor(n_mels)
    expected = extractor(signal, sampling_rate=16_000, return_tensors="np").input_features[0]
    np.testing.assert_allclose(whisper_log_mel(signal, n_mels, padded=True), expected, atol=1e-4)


@pytest.mark.parametrize("n_samples", [1, 320, 321, 16_000, 479_500, 480_000])
def test_spectra_of_clips_are_the_start_of_padded_ones(n_samples):
    signal = sound(n_samples)
    found, padded = whisper_log_mel(signal), whisper_log_mel(signal, padded=True)
    assert found.shape == (80, 2 * count_positions(n_samples))
    np.testing.assert_allclose(found, padded[:, : found.shape[1]], atol=1e-6)


def test_silence_is_the_floor():
    assert np.unique(whisper_log_mel(np.zeros(1_600, dtype=np.float32))).tolist() == [-1.5]
