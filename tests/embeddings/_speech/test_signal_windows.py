import numpy as np
import pytest

from emoest.embeddings._base import pad_rows
from emoest.embeddings._speech.signal_windows import (
    AudioWindows,
    Convolutions,
    average_runs,
    cut_signal,
)
from emoest.media.audio import open_audio

WAV2VEC2 = Convolutions((10, 3, 3, 3, 3, 2, 2), (5, 2, 2, 2, 2, 2, 2))
SMALL = Convolutions((4, 3), (2, 2))


def test_frames_are_counted_as_layer_after_layer_gives_them():
    assert (WAV2VEC2.step, WAV2VEC2.field) == (320, 400)
    assert (SMALL.step, SMALL.field) == (4, 8)
    for n in range(400, 3000, 7):
        size = n
        for kernel, stride in zip(WAV2VEC2.kernels, WAV2VEC2.strides, strict=True):
            size = (size - kernel) // stride + 1
        assert WAV2VEC2.n_frames(n) == size
    assert WAV2VEC2.n_frames(399) == 0


def moving_frames(signal, convolutions):
    """A frame is the samples it sees: what a net without context would give."""
    view = np.lib.stride_tricks.sliding_window_view(signal, convolutions.field)
    return view[:: convolutions.step]


@pytest.mark.parametrize("n_samples", [101, 150, 177, 1000])
@pytest.mark.parametrize("block", [1, 13, 1000])
def test_windows_share_the_frames_of_the_signal(n_samples, block):
    signal = np.arange(n_samples, dtype=np.float32)
    blocks = iter(np.array_split(signal, max(1, n_samples // block)))
    found = list(cut_signal(blocks, 100, SMALL))
    assert len(found) > 1
    assert all(len(part) == 100 for part, _ in found[:-1])
    frames = [moving_frames(part, SMALL)[own] for part, own in found]
    np.testing.assert_array_equal(np.concatenate(frames), moving_frames(signal, SMALL))
    assert all(len(part) > 0 for part in frames)


def test_a_frame_in_an_overlap_keeps_its_distance_from_the_edge():
    found = list(cut_signal(iter([np.zeros(1000, dtype=np.float32)]), 400, Convolutions([1], [1])))
    assert [(own.start, own.stop) for _, own in found] == [(0, 350), (50, 350), (50, None)]


def clip(signal, rate=1000, window=10_000, normalize=True, truncate=False, name="the clip"):
    audio = open_audio((signal, rate), name=name)
    return AudioWindows(audio, rate, window, SMALL, normalize=normalize, truncate=truncate)


def test_a_clip_is_scaled_as_a_whole():
    rng = np.random.default_rng(0)
    signal = (rng.normal(size=12_345) * np.linspace(0.1, 2, 12_345) + 0.3).astype(np.float32)
    expected = (signal - signal.mean()) / np.sqrt(signal.var() + 1e-7)
    (whole,) = clip(signal, window=20_000).windows()
    np.testing.assert_allclose(whole.signal, expected, atol=2e-6)
    first, *_, last = clip(signal, window=1000).windows()
    np.testing.assert_allclose(first.signal, expected[:1000], atol=2e-6)
    np.testing.assert_allclose(last.signal, expected[-len(last.signal) :], atol=2e-6)
    (raw,) = clip(signal, window=20_000, normalize=False).windows()
    np.testing.assert_array_equal(raw.signal, signal)


def test_silence_stays_silent():
    (window,) = clip(np.full(50, 0.25)).windows()
    np.testing.assert_array_equal(window.signal, 0)


def test_a_cut_clip_is_scaled_by_what_is_left():
    signal = np.concatenate([np.sin(np.arange(1000)), np.full(4000, 50.0)])
    cut = clip(signal, window=1000, truncate=True)
    assert (cut.seconds, cut.n_samples) == (1.0, 1000)
    (window,) = cut.windows()
    assert len(window.signal) == 1000
    assert abs(float(window.signal.std()) - 1) < 1e-3


def test_a_clip_too_short_for_a_frame_is_named():
    with pytest.raises(ValueError, match=r"the clip lasts 0\.0070 s.*for one frame \(0\.008 s\)"):
        list(clip(np.zeros(7)).windows())


def test_padding_is_marked():
    windows = [next(iter(clip(np.ones(n), normalize=False).windows())) for n in (8, 10)]
    signals, mask = pad_rows([window.signal for window in windows])
    assert mask.tolist() == [[1] * 8 + [0] * 2, [1] * 10]
    np.testing.assert_array_equal(signals, mask)


def test_runs_are_averaged_and_the_rest_too():
    frames = np.arange(8, dtype=np.float32).reshape(4, 2)
    assert average_runs(frames, 3)[0].tolist() == [[2, 3], [6, 7]]
    assert average_runs(frames, 3)[0].dtype == np.float32
    np.testing.assert_array_equal(average_runs(frames, 1)[0], frames)
