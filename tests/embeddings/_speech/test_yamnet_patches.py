import tracemalloc

import numpy as np
import pytest

from emoest.embeddings._speech.yamnet_patches import (
    PATCH_SAMPLES,
    count_patches,
    iter_patches,
    log_mel,
    step_frames,
)

SECONDS = 3
RATE = 16000


def _noise():
    return np.random.RandomState(51773).uniform(-1, 1, SECONDS * RATE)


def _sine():
    return np.sin(2 * np.pi * 440 * np.arange(SECONDS * RATE) / RATE)


def _padded(signal):
    return np.pad(signal, (0, 54_000 - len(signal)))


def test_silence_is_the_logarithm_of_the_offset():
    spectrum = log_mel(np.zeros(54_000))
    assert spectrum.shape == (336, 64)
    np.testing.assert_allclose(spectrum, np.log(0.001), rtol=1e-7)


def test_noise():
    spectrum = log_mel(_padded(_noise()))
    assert spectrum.dtype == np.float32
    assert spectrum.mean(dtype=np.float64) == pytest.approx(1.794684, abs=2e-5)
    assert spectrum.std(dtype=np.float64) == pytest.approx(3.107350, abs=2e-5)
    assert spectrum.max() == pytest.approx(4.580942, abs=2e-5)
    expected = [1.37823, 1.52743, 1.73601, 1.73947, 0.93332]
    np.testing.assert_allclose(spectrum[0, :5], expected, atol=2e-5)
    expected = [1.67730, 2.29287, 2.39976, 2.21086, 1.70544, 2.17221]
    np.testing.assert_allclose(spectrum[100, 10:16], expected, atol=2e-5)


def test_sine():
    """Between the bands of a pure tone the noise of a float32 FFT meets the offset."""
    spectrum = log_mel(_padded(_sine()))
    assert spectrum[100].argmax() == 8
    assert spectrum[100, 8] == pytest.approx(4.78215, abs=5e-3)
    assert spectrum.mean(dtype=np.float64) == pytest.approx(-4.785155, abs=1e-3)


@pytest.mark.parametrize(
    ("n_samples", "n_padded", "n_unpadded"),
    [
        (0, 1, 0),
        (1, 1, 0),
        (15_599, 1, 0),
        (15_600, 1, 1),
        (15_601, 2, 1),
        (23_280, 2, 2),
        (23_281, 3, 2),
        (48_000, 6, 5),
        (80_000, 10, 9),
        (160_000, 20, 19),
    ],
)
@pytest.mark.parametrize("size", [777, 10**6])
def test_patch_counts(n_samples, n_padded, n_unpadded, size):
    signal = np.zeros(n_samples, dtype=np.float32)
    for padding, expected in [(True, n_padded), (False, n_unpadded)]:
        assert count_patches(n_samples, padding=padding) == expected
        blocks = [signal[i : i + size] for i in range(0, n_samples, size)]
        batches = list(iter_patches(blocks, padding=padding, batch_size=4))
        assert sum(len(batch) for batch in batches) == expected
        assert all(batch.shape[1:] == (96, 64) for batch in batches)


def test_frames_of_an_unpadded_signal():
    assert len(log_mel(np.zeros(48_000))) == 298
    assert len(log_mel(np.zeros(80_000))) == 498
    assert log_mel(np.zeros(399)).shape == (0, 64)


def test_a_step_of_a_tenth_gives_41_patches_in_five_seconds():
    assert count_patches(80_000, step=0.1, padding=False) == 41
    assert PATCH_SAMPLES == 15_600


@pytest.mark.parametrize("step", [0.1, 0.48, 1.2])
@pytest.mark.parametrize("padding", [True, False])
def test_patches_do_not_depend_on_blocks_and_batches(step, padding):
    signal = _noise().astype(np.float32)
    whole = np.concatenate(list(iter_patches([signal], step=step, padding=padding, batch_size=99)))
    blocks = np.array_split(signal, 61)
    cut = np.concatenate(list(iter_patches(blocks, step=step, padding=padding, batch_size=2)))
    assert len(whole) == count_patches(len(signal), step=step, padding=padding)
    np.testing.assert_allclose(cut, whole, atol=1e-5)


def test_patches_stand_where_they_should():
    signal = _noise().astype(np.float32)
    patches = np.concatenate(list(iter_patches([signal])))
    spectrum = log_mel(_padded(signal))
    for i, patch in enumerate(patches):
        np.testing.assert_allclose(patch, spectrum[48 * i : 48 * i + 96], atol=1e-5)


@pytest.mark.parametrize("step", [0.0, -0.48, 0.485, 0.001])
def test_a_step_between_frames_is_refused(step):
    with pytest.raises(ValueError, match=r"must be a positive multiple of 0\.01 s"):
        step_frames(step)


def test_memory_does_not_grow_with_the_signal():
    block = np.zeros(10 * RATE, dtype=np.float32)
    tracemalloc.start()
    n_patches = sum(len(batch) for batch in iter_patches(block for _ in range(60)))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert n_patches == count_patches(600 * RATE)
    assert peak < 30e6  # the signal alone would be 38 MB


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "signal", "tolerance"),
    [("zeros", np.zeros(48_000), 1e-6), ("random", _noise(), 2e-5), ("sine", _sine(), 0.02)],
)
def test_first_patch_of_the_reference(real_data, name, signal, tolerance):
    with np.load(real_data / "yamnet" / "reference_vectors.npz") as reference:
        expected = reference[f"{name}|frame0_logmel"]
    np.testing.assert_allclose(next(iter_patches([signal]))[0], expected, atol=tolerance)
