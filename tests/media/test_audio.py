import re
import tracemalloc
import warnings

import numpy as np
import pytest
import soundfile
import soxr

from emoest.media.audio import BLOCK_SECONDS, open_audio, read_audio


def _tone(seconds, rate, hertz=440.0):
    return 0.5 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)


@pytest.fixture
def ramp(tmp_path):
    """Four seconds at 1000 Hz whose samples count up, so that a part shows where it was cut."""
    path = tmp_path / "ramp.wav"
    soundfile.write(path, np.arange(4000) / 10000, 1000, subtype="FLOAT")
    return path


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "mp3", "aiff"])
def test_reads_the_formats_of_libsndfile(tmp_path, suffix):
    path = tmp_path / f"tone.{suffix}"
    soundfile.write(path, _tone(1.0, 16000), 16000)
    signal, rate = read_audio(path)
    assert rate == 16000
    assert signal.dtype == np.float32
    assert abs(len(signal) - 16000) < 2500  # lossy formats pad
    spectrum = np.abs(np.fft.rfft(signal[:8000]))
    assert spectrum.argmax() == 220


@pytest.mark.parametrize(("subtype", "step"), [("PCM_U8", 2**-7), ("PCM_16", 2**-15)])
def test_integer_files_are_scaled_by_their_range(tmp_path, subtype, step):
    path = tmp_path / "half.wav"
    soundfile.write(path, np.full(100, -0.5), 8000, subtype=subtype)
    np.testing.assert_allclose(read_audio(path)[0], -0.5, atol=step)


@pytest.mark.parametrize(
    ("dtype", "low", "high"),
    [(np.int8, -128, 64), (np.int16, -(2**15), 2**14), (np.int32, -(2**31), 2**30)],
)
def test_signed_arrays_are_scaled_by_their_range(dtype, low, high):
    signal, _ = read_audio(np.array([low, 0, high], dtype=dtype), sampling_rate=8000)
    assert signal.tolist() == [-1.0, 0.0, 0.5]


def test_unsigned_arrays_are_centered():
    signal, _ = read_audio(np.array([0, 128, 192], dtype=np.uint8), sampling_rate=8000)
    assert signal.tolist() == [-1.0, 0.0, 0.5]


def test_floats_are_kept_as_they_are():
    signal, _ = read_audio(np.array([-3.0, 0.25]), sampling_rate=8000)
    assert signal.tolist() == [-3.0, 0.25]


def test_channels_are_averaged_and_resampled_like_soxr(tmp_path):
    path = tmp_path / "stereo.wav"
    left, right = _tone(2.5, 8000), _tone(2.5, 8000, 700.0)
    soundfile.write(path, np.column_stack([left, right]), 8000, subtype="FLOAT")
    signal, rate = read_audio(path, target_rate=16000)
    assert rate == 16000
    assert signal.shape == (40000,)
    expected = soxr.resample(((left + right) / 2).astype(np.float32), 8000, 16000, quality="HQ")
    np.testing.assert_allclose(signal, expected, atol=1e-6)


@pytest.mark.parametrize("rate", [8000, 11025, 44100, 48000, 7350.5])
def test_blocks_do_not_change_the_signal(rate):
    samples = np.random.default_rng(0).uniform(-1, 1, int(1.7 * rate))
    audio = open_audio((samples, rate))
    whole = np.concatenate(list(audio.blocks(16000, seconds=100.0)))
    cut = np.concatenate(list(audio.blocks(16000, seconds=0.05)))
    assert len(whole) == round(len(samples) * 16000 / rate)
    np.testing.assert_allclose(cut, whole, atol=1e-6)


@pytest.mark.parametrize(
    ("fragment", "first", "n"),
    [
        ("#t=1.20,3.45", 1200, 2250),
        ("#t=1", 1000, 3000),
        ("#t=,0.5", 0, 500),
        ("#t=3.5,4.005", 3500, 500),
    ],
)
def test_a_fragment_takes_a_part(ramp, fragment, first, n):
    signal, _ = read_audio(f"{ramp}{fragment}")
    np.testing.assert_allclose(signal, np.arange(first, first + n) / 10000, atol=1e-6)
    assert open_audio(f"{ramp}{fragment}").seconds == pytest.approx(n / 1000)


def test_a_number_sign_in_a_name_is_no_fragment(tmp_path):
    path = tmp_path / "take #3.wav"
    soundfile.write(path, np.zeros(10), 8000)
    assert read_audio(path)[0].shape == (10,)


@pytest.mark.parametrize("fragment", ["#t=5,6", "#t=3,4.5", "#t=4"])
def test_a_fragment_outside_the_file(ramp, fragment):
    with pytest.raises(
        ValueError, match=r"ramp\.wav.*lies outside the recording, which lasts 4\.000 s"
    ):
        read_audio(f"{ramp}{fragment}")


@pytest.mark.parametrize("fragment", ["#t=2,2", "#t=3,1"])
def test_a_fragment_without_samples(ramp, fragment):
    with pytest.raises(ValueError, match="its end is not after its start"):
        read_audio(f"{ramp}{fragment}")


def test_a_rate_at_which_there_is_no_speech(tmp_path):
    path = tmp_path / "slow.wav"
    soundfile.write(path, np.zeros(100), 1)
    with pytest.raises(ValueError, match=r"slow\.wav.*sampling rate of 1 Hz"):
        read_audio(path)


def test_a_signal_larger_than_the_limit(monkeypatch):
    monkeypatch.setenv("EMOEST_MAX_BYTES", "1e5")
    assert len(read_audio((np.zeros(20000), 8000))[0]) == 20000
    with pytest.raises(ValueError, match=r"row 3 is too large: 160000 bytes.*EMOEST_MAX_BYTES"):
        read_audio((np.zeros(20000), 8000), target_rate=16000, name="row 3")
    monkeypatch.setenv("EMOEST_MAX_BYTES", "much")
    with pytest.raises(ValueError, match="must be a number of bytes in memory, found 'much'"):
        read_audio((np.zeros(20000), 8000))


def test_a_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"row 3 \(file '.*gone\.wav'\).*not there.*folder"):
        read_audio(tmp_path / "gone.wav", name="row 3")
    with pytest.raises(FileNotFoundError, match=r"write it as '#t=<start>,<end>'"):
        read_audio(tmp_path / "gone.wav#1,2")


def test_an_empty_file(tmp_path):
    path = tmp_path / "empty.wav"
    path.touch()
    with pytest.raises(ValueError, match=r"empty\.wav.*is empty \(0 bytes\).*Get the file again"):
        read_audio(path)


@pytest.mark.parametrize("suffix", ["wav", "raw", "mp3", "m4a"])
def test_a_text_file_named_like_audio(tmp_path, suffix):
    path = tmp_path / f"text.{suffix}"
    path.write_text("hello, this is no audio")
    with pytest.raises(ValueError, match=rf"text\.{suffix}.*is not audio.*b'hello, .*ffmpeg"):
        read_audio(path)


def test_a_folder(tmp_path):
    with pytest.raises(ValueError, match="is a folder, not an audio file"):
        read_audio(tmp_path)


def test_a_damaged_file(tmp_path):
    path = tmp_path / "cut.flac"
    soundfile.write(path, np.random.default_rng(0).uniform(-1, 1, 48000), 16000)
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(ValueError, match=r"cut\.flac"):
        read_audio(path)


def test_zero_samples(tmp_path):
    path = tmp_path / "none.wav"
    soundfile.write(path, np.zeros(0), 8000)
    with pytest.raises(ValueError, match=r"none\.wav.*has no samples.*drop the row"):
        read_audio(path)
    with pytest.raises(ValueError, match="audio item has no samples"):
        read_audio(np.zeros(0), sampling_rate=8000)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_samples_that_are_no_numbers(tmp_path, bad):
    samples = np.zeros(30 * 1000, dtype=np.float32)
    samples[25_500] = bad
    path = tmp_path / "bad.wav"
    soundfile.write(path, samples, 1000, subtype="FLOAT")
    for item in (path, (samples, 1000)):
        with pytest.raises(ValueError, match=r"NaN or infinite sample at 25\.500 s.*nan_to_num"):
            read_audio(item, target_rate=16000)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("bad", [[np.inf, -np.inf], [1e300, 0.0]])
def test_samples_that_are_no_numbers_cause_no_other_warning(bad):
    with pytest.raises(ValueError, match=r"NaN or infinite sample at 0\.000 s"):
        read_audio((np.array([bad]), 1000))


def test_a_file_that_ends_too_early(tmp_path):
    path = tmp_path / "cut.mp3"
    soundfile.write(path, np.random.default_rng(0).uniform(-0.5, 0.5, 10 * 16000), 16000)
    assert len(read_audio(path)[0]) == 10 * 16000
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(ValueError, match=r"cut\.mp3.*declares 10\.000 s, and 4\.\d+ s can be"):
        read_audio(path)
    assert len(read_audio(f"{path}#t=1,3")[0]) == 2 * 16000


@pytest.mark.parametrize("rate", [8000, 44100])
def test_one_sample_and_silence_are_legal(rate):
    signal, _ = read_audio((np.ones(1), rate), target_rate=16000)
    assert len(signal) >= 1
    assert np.isfinite(signal).all()
    signal, _ = read_audio((np.zeros(rate), rate), target_rate=16000)
    assert signal.shape == (16000,)
    assert not signal.any()


@pytest.mark.parametrize(
    ("item", "message"),
    [
        (None, "is not audio: expected a path.*NoneType"),
        ([0.0, 1.0], "is not audio: expected a path.*list"),
        (np.array(["a"]), "expected numbers of shape"),
        (np.zeros((2, 2, 2)), r"expected numbers of shape.*\(2, 2, 2\)"),
        (np.zeros((2, 16000)), "16000 channels.*transpose"),
        ((np.arange(4), 8000), "integers of 64 bits.*samples.astype"),
        (np.zeros(4), "has no sampling rate.*sampling_rate=<Hz>"),
        ((16000, np.zeros(4)), r"must be \(array, rate\), in this order"),
        ((np.zeros(4), 16), "16 Hz, at which there is no speech.*16000, not 16"),
        ((np.zeros(4), -1), "positive number of Hz, found -1"),
        ((np.zeros(4), 1, 2), r"must be \(array, rate\)"),
    ],
)
def test_items_that_are_not_audio(item, message):
    with pytest.raises(ValueError, match=f"^row 7, column 'audio'.*{message}"):
        read_audio(item, name="row 7, column 'audio'")


def test_memory_for_an_hour_is_bounded(tmp_path):
    """An hour at 16 kHz is 230 MB of float32; blocks of it are not held together."""
    path = tmp_path / "hour.wav"
    soundfile.write(path, np.zeros(3600 * 1000, dtype=np.int16), 1000)
    tracemalloc.start()
    sizes = [len(block) for block in open_audio(path).blocks(16000)]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert sum(sizes) == 3600 * 16000
    assert max(sizes) <= 2 * BLOCK_SECONDS * 16000
    assert peak < 10e6


NOISE = np.random.default_rng(0).uniform(-0.5, 0.5, 3000)


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (np.column_stack([NOISE, -NOISE]), "channels of opposite sign.*cancel in their mean"),
        (np.column_stack([NOISE, -0.99 * NOISE]), "channels of opposite sign"),
        (np.column_stack([NOISE, -0.5 * NOISE]), None),
        (np.column_stack([NOISE, NOISE[::-1]]), None),
        (np.zeros((3000, 2)), None),
        (20000 * NOISE, r"32 times full scale.*Divide it by 32768 \(int16\)"),
        ((20000 * NOISE).astype(np.int16), None),
        (6 * NOISE, None),
    ],
)
def test_recordings_that_are_hardly_one(samples, message):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        read_audio(samples, sampling_rate=8000, name="row 3")
    assert len(caught) == (message is not None)
    if message:
        assert re.search(f"^row 3 .*{message}", str(caught[0].message))
