import math

import numpy as np
import pytest

from emoest.embeddings import WhisperEmbedder
from emoest.media import read_audio
from emoest.media.audio import open_audio
from tests.media.videos import write_video

av = pytest.importorskip("av")

RATE = 16_000
FORMATS = {
    "mp4": "aac",
    "mkv": "aac",
    "mov": "pcm_s16le",
    "webm": "libopus",
    "avi": "mp3",
    "ts": "aac",
}


def tone(seconds, frequency=440.0):
    """A tone that swells, so that a shift shows."""
    time = np.arange(round(seconds * RATE)) / RATE
    return (0.4 * np.sin(2 * np.pi * frequency * time) * np.minimum(1, time)).astype(np.float32)


def write_movie(path, tracks, *, codec="aac", images=True, seconds=2.0, late=0.0):
    """A gray video with one sound track for each signal; the sound begins `late` seconds late."""
    with av.open(str(path), "w") as container:
        rate = 48_000 if codec == "libopus" else RATE
        streams = [container.add_stream(codec, rate=rate, layout="mono") for _ in tracks]
        if images:
            name = {".webm": "libvpx", ".flv": "flv"}.get(path.suffix, "mpeg4")
            video = container.add_stream(name, rate=10)
            video.height, video.width, video.pix_fmt = 48, 64, "yuv420p"
        # Second by second, as a file is written in which picture and sound lie side by side.
        for second in range(math.ceil(max(seconds, *(len(track) / RATE for track in tracks)))):
            for stream, signal in zip(streams, tracks, strict=True):
                sound = np.repeat(signal[second * RATE : (second + 1) * RATE], rate // RATE)[None]
                if sound.size:
                    frame = av.AudioFrame.from_ndarray(sound, "fltp", "mono")
                    frame.sample_rate, frame.pts = rate, round((late + second) * rate)
                    container.mux(stream.encode(frame))
            for _ in range(round(10 * min(max(seconds - second, 0), 1)) if images else 0):
                image = np.full((48, 64, 3), 99, dtype=np.uint8)
                container.mux(video.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        for stream in [*streams, *([video] if images else [])]:
            container.mux(stream.encode())
    return path


@pytest.mark.parametrize("suffix", FORMATS)
def test_the_sound_of_a_video_is_read(tmp_path, suffix):
    expected = tone(2.0)
    path = write_movie(tmp_path / f"a.{suffix}", [expected], codec=FORMATS[suffix])
    signal, _ = read_audio(path, target_rate=RATE)
    assert abs(len(signal) - len(expected)) < 0.15 * RATE
    n = min(len(signal), len(expected))
    # An encoder may begin a few milliseconds early or late.
    lags = [
        np.corrcoef(signal[max(k, 0) : n + min(k, 0)], expected[max(-k, 0) : n + min(-k, 0)])[0, 1]
        for k in range(-1200, 1201, 3)
    ]
    assert max(lags) > 0.98


def test_parts_and_blocks_of_the_sound(tmp_path):
    path = write_movie(tmp_path / "a.mov", [tone(2.0)], codec="pcm_s16le")
    whole, _ = read_audio(path)
    part, rate = read_audio(f"{path}#t=0.5,1.25")
    assert rate == RATE
    np.testing.assert_array_equal(part, whole[8_000:20_000])
    blocks = list(open_audio(path).blocks(seconds=0.3))
    np.testing.assert_array_equal(np.concatenate(blocks), whole)
    assert len(blocks) > 3


@pytest.mark.parametrize("suffix", [*FORMATS, "flv", "m4a"])
@pytest.mark.parametrize("late", [0.0, 0.5])
def test_a_late_part_is_that_of_the_whole(tmp_path, suffix, late):
    noise = np.random.default_rng(0).normal(size=12 * 100)
    signal = (0.2 * np.convolve(np.repeat(noise, RATE // 100), np.ones(40) / 40, "same")).astype(
        np.float32
    )
    path = write_movie(
        tmp_path / f"a.{suffix}",
        [signal],
        codec=FORMATS.get(suffix, "aac"),
        seconds=12.0,
        late=late,
        images=suffix != "m4a",
    )
    whole, rate = read_audio(path)
    part, _ = read_audio(f"{path}#t=8,9.5")
    shifts = [
        np.abs(part - whole[round(8 * rate) + k :][: len(part)]).max()
        for k in range(-int(rate) // 500, int(rate) // 500)
    ]
    assert len(part) == round(1.5 * rate) and min(shifts) < 1e-3 < np.abs(part).max()


def test_a_late_part_is_found_without_decoding_what_lies_before_it(tmp_path, monkeypatch):
    from emoest.media import video_sound

    path = str(write_movie(tmp_path / "a.mov", [tone(30.0)], codec="pcm_s16le", seconds=30.0))
    video_sound.movie_length(path)
    decoded = []

    def counted(av, container, stream, inner=video_sound.decoded_blocks):
        for time, block in inner(av, container, stream):
            decoded.append(len(block))
            yield time, block

    monkeypatch.setattr(video_sound, "decoded_blocks", counted)
    part = np.concatenate(list(video_sound.movie_blocks(path, 25 * RATE, 26 * RATE, RATE)))
    assert len(part) == RATE and sum(decoded) < 5 * RATE


def test_the_first_of_two_tracks_is_taken(tmp_path):
    first, second = tone(1.0), tone(1.0, 880.0)
    path = write_movie(tmp_path / "a.mov", [first, second], codec="pcm_s16le")
    signal, _ = read_audio(path)
    np.testing.assert_allclose(signal, first, atol=1e-3)


def test_sound_that_is_shorter_than_the_picture(tmp_path):
    path = write_movie(tmp_path / "a.mov", [tone(0.5)], codec="pcm_s16le", seconds=3.0)
    assert len(read_audio(path)[0]) == 8_000
    assert len(read_audio(f"{path}#t=0.25,2")[0]) == 4_000
    with pytest.raises(ValueError, match=r"#t=1,2 lies outside the recording, which lasts 0.500"):
        read_audio(f"{path}#t=1,2")


@pytest.mark.parametrize("suffix", ["mov", "mkv"])
def test_sound_that_begins_after_the_picture_keeps_its_time(tmp_path, suffix):
    path = write_movie(
        tmp_path / f"a.{suffix}", [np.ones(RATE, np.float32) / 2], codec="pcm_s16le", late=0.5
    )
    signal, _ = read_audio(path)
    loud = np.flatnonzero(np.abs(signal) > 0.1)
    assert abs(loud[0] / RATE - 0.5) < 0.05
    assert abs(len(signal) / RATE - 1.5) < 0.05


def test_a_video_without_sound_is_said(tmp_path):
    path = write_video(tmp_path / "silent.mp4")
    with pytest.raises(ValueError, match=r"silent.mp4.* holds no sound \(streams: video\)"):
        read_audio(path)


def test_a_video_of_one_image_and_a_file_without_any(tmp_path):
    path = write_movie(tmp_path / "one.mov", [tone(1.0)], codec="pcm_s16le", seconds=0.1)
    assert len(read_audio(path)[0]) == RATE
    path = write_movie(tmp_path / "sound.m4a", [tone(1.0)], images=False)
    assert abs(len(read_audio(path)[0]) - RATE) < 2_500


CUT = {
    "mp4": {},
    "mov": {"codec": "pcm_s16le"},
    "mkv": {},
    "webm": {"codec": "libopus"},
    "avi": {"codec": "pcm_s16le"},
    "avi of mp3": {"codec": "libmp3lame"},
}


@pytest.mark.parametrize("part", [1 / 3, 1 / 2, 0.7])
@pytest.mark.parametrize("kind", CUT)
def test_a_video_that_is_cut_is_told_from_a_short_sound(kind, part, tmp_path):
    suffix = kind.partition(" ")[0]
    path = write_movie(tmp_path / f"whole.{suffix}", [tone(6.0)], seconds=6.0, **CUT[kind])
    whole = path.read_bytes()
    assert len(read_audio(path)[0]) >= 5.9 * RATE
    path = tmp_path / f"cut.{suffix}"
    path.write_bytes(whole[: int(len(whole) * part)])
    with pytest.raises(ValueError, match=rf"cut\.{suffix}.*(damaged|truncated)"):
        read_audio(path)


@pytest.mark.parametrize("suffix", ["mkv", "avi"])
def test_a_sound_that_is_shorter_than_the_video_is_whole(suffix, tmp_path):
    path = write_movie(tmp_path / f"a.{suffix}", [tone(2.0)], seconds=6.0, codec="pcm_s16le")
    assert len(read_audio(path)[0]) == 2 * RATE


def test_an_embedder_of_audio_takes_a_video(tmp_path):
    from tests.nets.tiny_whisper import save_whisper

    path = write_movie(tmp_path / "a.mov", [tone(1.0)], codec="pcm_s16le")
    embedder = WhisperEmbedder(save_whisper(tmp_path / "whisper"), cache_dir=False)
    silent = write_video(tmp_path / "silent.mp4")
    with pytest.warns(UserWarning, match="1 of 2 cells could not be read"):
        found = embedder.set_params(errors="missing").fit_transform([str(path), str(silent)])
    assert found["whisper_frames"][0].shape == (50, 16)
    assert found["whisper_frames"][1] is None
