"""Codecs x damage: a file gives all that it holds, or an error that says what is wrong."""

import numpy as np
import pytest
import soundfile

from emoest.datasets import check_corpus
from emoest.media.audio import open_audio, read_audio
from emoest.media.decoding.mpeg_frames import walk_mpeg
from tests.media import sounds
from tests.media.sounds import SECONDS, saved, streamed, tone, with_size

CODECS = {
    "wav": ("WAV", "PCM_16"),
    "wav_float": ("WAV", "FLOAT"),
    "wav_ulaw": ("WAV", "ULAW"),
    "wav_adpcm": ("WAV", "IMA_ADPCM"),
    "wavex": ("WAVEX", "PCM_24"),
    "rf64": ("RF64", "PCM_16"),
    "flac": ("FLAC", "PCM_16"),
    "vorbis": ("OGG", "VORBIS"),
    "opus": ("OGG", "OPUS"),
    "mp3": ("MP3", None),
    "aiff": ("AIFF", "PCM_16"),
    "w64": ("W64", "PCM_16"),
    "au": ("AU", "PCM_16"),
    "caf": ("CAF", "PCM_16"),
    "nist": ("NIST", "PCM_16"),
    "svx": ("SVX", "PCM_16"),
}
LEGAL_WHEN_JOINED = {"vorbis", "opus", "mp3"}


def _seconds(tmp_path, content):
    path = tmp_path / "sound.bin"
    path.write_bytes(content)
    signal, rate = read_audio(path, name="row 3")
    assert open_audio(path).seconds == pytest.approx(len(signal) / rate, abs=0.25)
    return len(signal) / rate


@pytest.mark.parametrize("codec", CODECS)
def test_whole_files(tmp_path, codec):
    assert _seconds(tmp_path, saved(*CODECS[codec])) == pytest.approx(SECONDS, abs=0.06)


@pytest.mark.parametrize("kept", [0.5, 0.8])
@pytest.mark.parametrize("codec", CODECS)
def test_files_that_are_cut(tmp_path, codec, kept):
    content = saved(*CODECS[codec])
    cut = tmp_path / "cut.bin"
    cut.write_bytes(content[: int(kept * len(content))])
    with pytest.raises(ValueError, match=r"^row 3 \(file '.*cut\.bin'\) .*(cut off|damaged)"):
        read_audio(cut, name="row 3")


@pytest.mark.parametrize("codec", sorted(set(CODECS) - {"flac", "caf"}))
def test_a_part_of_what_is_there_of_a_cut_file_can_be_read(tmp_path, codec):
    content = saved(*CODECS[codec])
    cut = tmp_path / "cut.bin"
    cut.write_bytes(content[: int(0.8 * len(content))])
    assert len(read_audio(f"{cut}#t=0.1,0.6")[0]) == 8000


@pytest.mark.parametrize("codec", CODECS)
def test_files_that_are_joined(tmp_path, codec):
    content = 2 * saved(*CODECS[codec])
    if codec in LEGAL_WHEN_JOINED:
        pytest.importorskip("av")
        assert _seconds(tmp_path, content) == pytest.approx(2 * SECONDS, abs=0.2)
        return
    with pytest.raises(ValueError, match=r"^row 3 \(file '.*holds several recordings"):
        _seconds(tmp_path, content)


@pytest.mark.parametrize(
    "tail", [bytes(1000), b"\0", b"TAG" + bytes(125), b"LIST\4\0\0\0abcd", b"some words " * 20]
)
@pytest.mark.parametrize("codec", sorted(set(CODECS) - {"svx"}))
def test_bytes_behind_the_end_are_not_audio(tmp_path, codec, tail):
    assert _seconds(tmp_path, saved(*CODECS[codec]) + tail) == pytest.approx(SECONDS, abs=0.06)


@pytest.mark.parametrize("pause", [0.0, 1.0])
@pytest.mark.parametrize(
    ("codec", "form", "options"),
    [
        ("libmp3lame", "mp3", {}),
        ("libmp3lame", "mp3", {"flags": "+qscale", "global_quality": "472"}),
        ("libmp3lame", "mp3", {"abr": "1"}),
        ("flac", "flac", {}),
        ("pcm_s16le", "wav", {}),
        ("pcm_s16be", "aiff", {}),
        ("pcm_s16be", "au", {}),
        ("pcm_s16le", "w64", {}),
        ("libopus", "ogg", {"rate": 48000}),
    ],
)
def test_files_that_were_written_to_a_pipe(tmp_path, codec, form, options, pause):
    pytest.importorskip("av")
    content = streamed(codec, form, pause, **options)
    assert _seconds(tmp_path, content) == pytest.approx(SECONDS, abs=0.1)
    path = tmp_path / "sound.bin"
    assert len(read_audio(f"{path}#t=2,2.5", target_rate=16000)[0]) == 8000


@pytest.mark.parametrize(
    ("size", "whole", "message"),
    [
        (0, 0, None),
        (0, 0xFFFFFFFF, None),
        (0xFFFFFFFF, 0xFFFFFFFF, None),
        (0x7FFFFFFF, None, None),
        (0x7FFFF000, None, None),
        (96000 + 36, None, None),
        (200000, None, "cut off or damaged: it declares 6.250 s, and 3.000 s can be decoded"),
        (100, None, "declares 0.003 s, and 95900 bytes follow.*length is wrong"),
        (0, None, "no samples|length is wrong"),
    ],
)
def test_wav_files_that_declare_another_length(tmp_path, size, whole, message):
    content = with_size(saved("WAV", "PCM_16"), size, whole)
    if message is None:
        pytest.importorskip("av")
        assert _seconds(tmp_path, content) == pytest.approx(SECONDS, abs=0.001)
    else:
        with pytest.raises(ValueError, match=message):
            _seconds(tmp_path, content)


def test_what_ffmpeg_decodes_is_what_libsndfile_decodes(tmp_path):
    pytest.importorskip("av")
    whole, open_end = tmp_path / "a.wav", tmp_path / "b.wav"
    content = saved("WAV", "PCM_16")
    whole.write_bytes(content)
    open_end.write_bytes(with_size(content, 0, 0))
    np.testing.assert_array_equal(read_audio(open_end)[0], read_audio(whole)[0])


def test_joined_recordings_of_two_rates(tmp_path):
    pytest.importorskip("av")
    other = tmp_path / "other.mp3"
    soundfile.write(other, tone(), 22050)
    with pytest.raises(ValueError, match=r"16000 Hz in 1 channels and of 22050 Hz"):
        _seconds(tmp_path, saved("MP3") + other.read_bytes())


def test_without_pyav_the_error_names_the_extra(tmp_path, monkeypatch):
    pytest.importorskip("av")
    content = streamed("flac", "flac")
    monkeypatch.setitem(__import__("sys").modules, "av", None)
    with pytest.raises(ImportError, match=r"does not say how long.*emoest\[audio\]"):
        _seconds(tmp_path, content)


def test_check_corpus_lists_every_cut_file(tmp_path):
    import pandas as pd

    paths = []
    for codec, kind in CODECS.items():
        content = saved(*kind)
        paths.append(tmp_path / codec)
        paths[-1].write_bytes(content[: len(content) // 2])
    assert check_corpus(pd.DataFrame({"audio": paths}))["row"].tolist() == [*range(len(CODECS))]


@pytest.mark.parametrize(
    "content", [b"", b"\xff" * 100000, b"ID3" + b"\xff" * 99, b"\xff\xfb" * 50]
)
def test_bytes_that_are_no_frames(content):
    assert walk_mpeg(content).n_frames == 0


def test_a_cut_file_of_open_length_is_told_by_its_last_frame(tmp_path):
    pytest.importorskip("av")
    content = streamed("libmp3lame", "mp3")
    with pytest.raises(ValueError, match="last frame is not whole"):
        _seconds(tmp_path, content[:-100])
    assert walk_mpeg(content).n_frames == pytest.approx(sounds.SECONDS * 16000 / 576, abs=4)


@pytest.mark.parametrize("codec", CODECS)
def test_damaged_files_are_read_or_named(tmp_path, codec):
    rng = np.random.default_rng(0)
    path = tmp_path / "a.bin"
    whole = saved(*CODECS[codec])
    for k in range(10):
        damaged = bytearray(whole)
        # Half of the damage hits the header, where the lengths stand.
        for at in rng.integers(0, 100 if k % 2 else len(damaged), 3):
            damaged[at] = rng.integers(256)
        path.write_bytes(damaged)
        try:
            read_audio(path, name="row 3")
        except ValueError as error:
            assert str(error).startswith(f"row 3 (file {str(path)!r})")
