import numpy as np
import pandas as pd
import pytest

from emoest.embeddings._speech.yamnet_patches import log_mel
from emoest.features import _log_mel
from emoest.features._log_mel import (
    KALDI_80,
    YAMNET_64,
    Filterbank,
    count_frames,
    log_mel_spectra,
    subtract_mean,
)
from emoest.features._mel import LogMel
from emoest.features._spectrogram import LogMelSpectrogram
from emoest.tables.cells import object_column
from emoest.testing import assert_same_cells, cell_estimator_checks

RATE = 16000


def voice(n_samples, seed=0):
    """Harmonics that glide, and some noise."""
    time = np.arange(n_samples) / RATE
    phase = 2 * np.pi * np.cumsum(120 + 40 * np.sin(3 * time)) / RATE
    buzz = sum(np.sin(k * phase) / k for k in range(1, 25))
    return 0.2 * buzz + 0.01 * np.random.RandomState(seed).normal(size=n_samples)


def kaldi(signal, n_mels=80, low=20.0, high=8000.0, shape="hamming", preemphasis=0.97):
    """The definition of Kaldi's filter banks, frame by frame and band by band."""
    window, step, n_fft = 400, 160, 512
    n = np.arange(window)
    taper = {
        "hamming": 0.54 - 0.46 * np.cos(2 * np.pi * n / 399),
        "hann": 0.5 - 0.5 * np.cos(2 * np.pi * n / 399),
        "povey": (0.5 - 0.5 * np.cos(2 * np.pi * n / 399)) ** 0.85,
    }[shape]
    edges = np.linspace(1127 * np.log(1 + low / 700), 1127 * np.log(1 + high / 700), n_mels + 2)
    rows = []
    for first in range(0, len(signal) - window + 1, step):
        frame = signal[first : first + window] * 32768.0
        frame = frame - frame.mean()
        emphasized = frame.copy()
        emphasized[1:] -= preemphasis * frame[:-1]
        emphasized[0] -= preemphasis * frame[0]
        power = np.abs(np.fft.fft(emphasized * taper, n_fft)[: n_fft // 2]) ** 2
        mel = 1127 * np.log(1 + np.arange(n_fft // 2) * RATE / n_fft / 700)
        row = []
        for band in range(n_mels):
            left, center, right = edges[band : band + 3]
            inside = (mel > left) & (mel < right)
            rising = (mel - left) / (center - left)
            falling = (right - mel) / (right - center)
            weights = np.where(mel <= center, rising, falling) * inside
            row.append(np.log(max(weights @ power, np.finfo(np.float32).eps)))
        rows.append(row)
    return np.array(rows)


def bare(**changes):
    """Settings without mean normalization."""
    return Filterbank(**{**vars(KALDI_80), "cmn": "none", **changes})


@pytest.mark.parametrize("n_samples", [400, 559, 560, 16000])
def test_kaldi_by_its_definition(n_samples):
    signal = voice(n_samples)
    [spectrum] = log_mel_spectra([signal], bare())
    expected = kaldi(signal)
    assert spectrum.dtype == np.float32
    assert spectrum.shape == expected.shape == (1 + (n_samples - 400) // 160, 80)
    np.testing.assert_allclose(spectrum, expected, atol=1e-4, rtol=0)


@pytest.mark.parametrize("shape", ["hann", "povey"])
def test_kaldi_with_other_settings(shape):
    signal = voice(4000)
    settings = bare(
        mel=LogMel(n_mels=40, f_min=60.0, f_max=7600.0, offset=0.0), shape=shape, preemphasis=0.9
    )
    [spectrum] = log_mel_spectra([signal], settings)
    expected = kaldi(signal, 40, 60.0, 7600.0, shape, 0.9)
    np.testing.assert_allclose(spectrum, expected, atol=1e-4, rtol=0)


def test_kaldi_is_what_the_native_library_gives():
    fbank = pytest.importorskip("kaldi_native_fbank", reason="kaldi-native-fbank is not installed")
    options = fbank.FbankOptions()
    options.frame_opts.dither = 0
    options.frame_opts.window_type = "hamming"
    options.frame_opts.snip_edges = True
    options.mel_opts.num_bins = 80
    options.mel_opts.low_freq = 20
    options.mel_opts.high_freq = 0
    options.use_energy = False
    signal = voice(16000).astype(np.float32)
    online = fbank.OnlineFbank(options)
    online.accept_waveform(RATE, (signal * 32768).tolist())
    online.input_finished()
    expected = np.stack([online.get_frame(i) for i in range(online.num_frames_ready)])
    [spectrum] = log_mel_spectra([signal], bare())
    assert spectrum.shape == expected.shape
    np.testing.assert_allclose(spectrum, expected, atol=1e-4, rtol=0)


def test_yamnet_is_the_front_end_of_yamnet():
    signal = np.random.RandomState(51773).uniform(-1, 1, 3 * RATE)
    padded = np.pad(signal, (0, 54_000 - len(signal)))
    [spectrum] = log_mel_spectra([padded], YAMNET_64)
    assert spectrum.shape == (336, 64)
    assert spectrum.mean(dtype=np.float64) == pytest.approx(1.794684, abs=2e-5)
    assert spectrum.std(dtype=np.float64) == pytest.approx(3.107350, abs=2e-5)
    expected = [1.67730, 2.29287, 2.39976, 2.21086, 1.70544, 2.17221]
    np.testing.assert_allclose(spectrum[100, 10:16], expected, atol=2e-5)
    np.testing.assert_allclose(spectrum, log_mel(padded), atol=1e-4)
    [sine] = log_mel_spectra([np.sin(2 * np.pi * 440 * np.arange(54_000) / RATE)], YAMNET_64)
    assert sine[100].argmax() == 8
    assert sine[100].max() == pytest.approx(4.78215, abs=5e-3)
    [silence] = log_mel_spectra([np.zeros(1000)], YAMNET_64)
    np.testing.assert_allclose(silence, np.log(0.001), rtol=1e-6)


def test_silence_is_the_floor_and_an_offset_changes_nothing():
    [silence] = log_mel_spectra([np.zeros(1000)], bare())
    np.testing.assert_allclose(silence, np.log(np.finfo(np.float32).eps), rtol=1e-6)
    plain, moved = log_mel_spectra([voice(2000), voice(2000) + 0.25], bare())
    np.testing.assert_allclose(moved, plain, atol=1e-3)


def test_frames_are_counted_exactly():
    lengths = [0, 399, 400, 559, 560, 48000]
    assert [count_frames(n, LogMel()) for n in lengths] == [0, 0, 1, 1, 2, 298]
    spectra = log_mel_spectra([voice(max(n, 1))[:n] for n in lengths])
    assert [len(spectrum) for spectrum in spectra] == [0, 0, 1, 1, 2, 298]
    assert [len(s) for s in log_mel_spectra([np.zeros(10)])] == [0]
    assert log_mel_spectra([]) == []


@pytest.mark.parametrize("chunk", [1, 7, 100, 100_000])
def test_a_batch_gives_what_each_signal_gives(chunk, monkeypatch):
    signals = [voice(n, seed) for seed, n in enumerate([5000, 400, 16000, 399, 900])]
    alone = [log_mel_spectra([signal])[0] for signal in signals]
    monkeypatch.setitem(_log_mel.CHUNK_FRAMES, "cpu", chunk)
    for order in (range(5), [4, 2, 0, 3, 1]):
        together = log_mel_spectra([signals[i] for i in order])
        for i, spectrum in zip(order, together, strict=True):
            np.testing.assert_allclose(spectrum, alone[i], atol=1e-5)


def test_means_over_time():
    spectrum = np.random.RandomState(0).normal([5.0, -30.0], size=(700, 2))
    np.testing.assert_allclose(subtract_mean(spectrum, "utterance").mean(axis=0), 0, atol=1e-12)
    assert subtract_mean(spectrum, "none") is spectrum
    sliding = subtract_mean(spectrum, "sliding")
    for t, start in [(0, 0), (100, 0), (400, 250), (699, 400)]:
        expected = spectrum[t] - spectrum[start : start + 300].mean(axis=0)
        np.testing.assert_allclose(sliding[t], expected, atol=1e-9)
    short = spectrum[:200]
    np.testing.assert_allclose(
        subtract_mean(short, "sliding"), subtract_mean(short, "utterance"), atol=1e-12
    )
    assert subtract_mean(spectrum[:0], "utterance").shape == (0, 2)


def table(n=8):
    cells = [(voice(1200 + 700 * i, i), RATE) for i in range(n)]
    cells[1] = [cells[1], cells[2]]
    index = pd.Index([f"clip_{i}" for i in range(n)])
    return object_column(cells, index, "audio").to_frame()


@pytest.mark.parametrize(
    ("estimator", "check"),
    [
        (estimator, check)
        for estimator in [
            LogMelSpectrogram(),
            LogMelSpectrogram("yamnet", pooling="mean"),
            LogMelSpectrogram(chunks="concat", n_mels=40, cmn="sliding"),
        ]
        for check in cell_estimator_checks(estimator)
    ],
    ids=lambda value: getattr(value, "__name__", None) or type(value).__name__,
)
def test_cell_estimator_checks(estimator, check):
    check(estimator, table(), None)


def test_the_defaults_of_both_conventions():
    signal = voice(8000)
    kaldi_frames, yamnet_frames = (
        LogMelSpectrogram(convention, sampling_rate=RATE).fit_transform([signal])
        for convention in ("kaldi", "yamnet")
    )
    expected = kaldi(signal.astype(np.float32))
    np.testing.assert_allclose(
        kaldi_frames["logmel_frames"][0], expected - expected.mean(axis=0), atol=1e-4
    )
    np.testing.assert_allclose(yamnet_frames["logmel_frames"][0], log_mel(signal), atol=1e-4)
    np.testing.assert_allclose(kaldi_frames["seconds"][0], 0.5 / 48, rtol=1e-6)


def test_parameters_reach_the_numerics():
    signal = voice(8000).astype(np.float32)
    spectrogram = LogMelSpectrogram(
        window=0.032,
        step=0.016,
        n_mels=30,
        f_min=50,
        f_max=4000,
        window_shape="povey",
        preemphasis=0.5,
        cmn="none",
        target_rate=8000,
        sampling_rate=8000,
    )
    got = spectrogram.fit_transform([signal])["logmel_frames"][0]
    mel = LogMel(8000, 256, 128, 256, 30, 50.0, 4000.0, 0.0)
    [expected] = log_mel_spectra([signal], Filterbank(mel, True, "povey", 0.5, "none"))
    assert got.shape == (61, 30)
    np.testing.assert_allclose(got, expected, atol=1e-6)


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        *[("convention", "yamnet"), ("window", 0.03), ("step", 0.02), ("n_mels", 40)],
        *[("f_min", 60), ("f_max", 7000), ("window_shape", "hann"), ("preemphasis", 0.5)],
        *[("cmn", "none"), ("target_rate", 12_000)],
    ],
)
def test_the_store_tells_settings_apart(tmp_path, parameter, value):
    cells = [(voice(8000), RATE)]
    stored = LogMelSpectrogram(cache_dir=tmp_path)
    before = stored.fit_transform(cells)["logmel_frames"][0]
    after = stored.set_params(**{parameter: value}).fit_transform(cells)["logmel_frames"][0]
    fresh = stored.set_params(cache_dir=False).fit_transform(cells)["logmel_frames"][0]
    np.testing.assert_array_equal(after, fresh)
    assert before.shape != after.shape or not np.allclose(before, after)


def test_any_rate_and_channels_give_frames_of_sixteen_kilohertz():
    time = np.arange(44100) / 44100
    tone = np.sin(2 * np.pi * 1000 * time)
    cells = [(np.stack([tone, 0.5 * tone], axis=1), 44100), (tone[:44000], 44000)]
    spectrogram = LogMelSpectrogram(cmn="none")
    frames = spectrogram.fit_transform(cells)["logmel_frames"]
    assert [len(cell) for cell in frames] == [98, 98]
    low, high = 1127 * np.log1p(20 / 700), 1127 * np.log1p(8000 / 700)
    band = round((1127 * np.log1p(1000 / 700) - low) / (high - low) * 81 - 1)
    assert frames[0][50].argmax() == band


@pytest.mark.parametrize("batch_size", [1, 3, 100])
def test_batches_and_the_store_give_the_same(batch_size):
    whole = LogMelSpectrogram(cache_dir=False).fit_transform(table())
    got = LogMelSpectrogram(batch_size=batch_size)
    assert_same_cells(got.fit_transform(table()), whole)
    assert_same_cells(got.fit_transform(table().iloc[::-1]), whole.iloc[::-1])


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"f_max": 9000}, r"from f_min=20 to f_max=9000 Hz do not rise within 0 to 8000 Hz"),
        ({"f_min": 4000, "f_max": 4000}, "do not rise"),
        ({"convention": "yamnet", "target_rate": 8000}, "to f_max=7500 Hz do not rise within 0 to"),
        (
            {"n_mels": 300},
            r"of 300 bands \(the first is band \d+\) are narrower than the FFT's bin",
        ),
        ({"window": 1e-5}, "are 0 and 160 samples at 16000 Hz"),
        ({"step": 1e-5}, "are 400 and 0 samples"),
        ({"convention": "htk"}, "'convention' parameter"),
        ({"cmn": True}, "'cmn' parameter"),
    ],
)
def test_settings_that_cannot_be_are_said(parameters, message):
    with pytest.raises(ValueError, match=message):
        LogMelSpectrogram(**parameters).fit(table())


def test_a_clip_shorter_than_a_frame_is_said_or_missing():
    cells = [(voice(399), RATE), (voice(400), RATE), None]
    with pytest.raises(
        ValueError, match=r"row 0.*lasts 0.025 s, which is less than a frame of 0.0"
    ):
        LogMelSpectrogram().fit_transform(cells)
    with pytest.warns(UserWarning, match="1 of 3 cells could not be read"):
        output = LogMelSpectrogram(errors="missing").fit_transform(cells)
    assert [cell is None for cell in output["logmel_frames"]] == [True, False, True]
