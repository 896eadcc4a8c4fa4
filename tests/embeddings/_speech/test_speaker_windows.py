import numpy as np
import pytest

from emoest.embeddings._speech.speaker_windows import (
    cut_pauses,
    mel_partial,
    partial_starts,
    raise_level,
)


def voice(seconds, f0, level=0.1):
    """Nineteen harmonics of a wandering pitch."""
    time = np.arange(round(seconds * 16_000)) / 16_000
    phase = 2 * np.pi * (f0 * time + 2 * np.sin(6 * time))
    return (level * sum(np.sin(k * phase) / k for k in range(1, 20))).astype(np.float32)


def test_the_spectrum_has_the_values_of_librosa():
    """librosa 0.11, feature.melspectrogram as Resemblyzer 0.1.4 calls it."""
    signal = voice(2.6, 120)
    bands = [0, 5, 10, 20]
    np.testing.assert_allclose(
        mel_partial(signal, 0)[0, bands], [0.592803, 0.0293877, 0.0115899, 0.00230751], rtol=1e-4
    )
    np.testing.assert_allclose(
        mel_partial(signal, 77)[23, bands], [0.556247, 0.0953368, 0.0383974, 0.00650899], rtol=1e-4
    )


def test_stretches_of_one_signal_overlap_frame_by_frame():
    signal = voice(3.0, 150)
    first, second = mel_partial(signal, 0), mel_partial(signal, 77)
    np.testing.assert_allclose(first[77:], second[:83], atol=1e-7)
    behind = mel_partial(signal[:8000], 0)
    np.testing.assert_array_equal(behind[52:], 0)


@pytest.mark.parametrize(
    ("n_samples", "starts"),
    [
        (1, [0]),
        (25_600, [0]),
        (31_500, [0]),
        (31_600, [0, 77]),
        (41_600, [0, 77]),
        (44_000, [0, 77, 154]),
    ],
)
def test_the_last_stretch_counts_when_three_quarters_are_there(n_samples, starts):
    assert partial_starts(n_samples, 77) == starts


def test_quiet_signals_are_raised_and_loud_ones_left():
    quiet, loud = voice(0.5, 120, 0.001), voice(0.5, 120, 0.5)
    raised = raise_level(quiet)
    assert 10 * np.log10(np.mean(raised**2)) == pytest.approx(-30, abs=1e-3)
    assert raise_level(loud) is loud
    silence = np.zeros(100, dtype=np.float32)
    assert raise_level(silence) is silence


def test_pauses_are_shortened_and_words_kept():
    word = voice(0.6, 120)
    gap = np.zeros(16_000, dtype=np.float32)
    short = cut_pauses(np.concatenate([gap, word, gap, word, gap]))
    assert 1.2 <= len(short) / 16_000 <= 1.2 + 4 * 0.15
    assert np.count_nonzero(short) >= 0.99 * 2 * np.count_nonzero(word)
    np.testing.assert_array_equal(cut_pauses(word), word[: len(word) // 480 * 480])


@pytest.mark.parametrize("n", [1, 479, 5000])
def test_silence_is_left_as_it_is(n):
    silence = np.zeros(n, dtype=np.float32)
    assert len(cut_pauses(silence)) == n
