import struct
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from emoest.media.images import open_clip
from emoest.media.video import _timed
from tests.media.videos import levels, write_video

av = pytest.importorskip("av")
pillow = pytest.importorskip("PIL.Image")


@pytest.mark.parametrize(
    ("frames_per_second", "taken", "seconds"),
    [
        (None, list(range(30)), 0.1),
        (10, list(range(30)), 0.1),
        (1000, list(range(30)), 0.1),
        (5, list(range(0, 30, 2)), 0.2),
        (1, [0, 10, 20], 1.0),
        (0.4, [0, 25], 2.5),
        (4, [0, 2, 5, 7, 10, 12, 15, 17, 20, 22, 25, 27], 0.25),
    ],
)
def test_sampling(video, frames_per_second, taken, seconds):
    clip = open_clip(str(video), frames_per_second=frames_per_second)
    assert levels(clip) == taken
    assert levels(clip) == taken
    assert clip.seconds_per_frame == pytest.approx(seconds)
    assert abs(clip.n_expected - len(taken)) <= 1
    assert not clip.is_still


def test_images_of_a_video_are_rgb(tmp_path):
    path = tmp_path / "red.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.height, stream.width, stream.pix_fmt = 32, 64, "yuv420p"
        red = np.zeros((32, 64, 3), dtype=np.uint8)
        red[..., 0] = 255
        container.mux(stream.encode(av.VideoFrame.from_ndarray(red, format="rgb24")))
        container.mux(stream.encode())
    (frame,) = open_clip(path).frames()
    assert frame.shape == (32, 64, 3)
    assert frame.dtype == np.uint8
    assert frame[..., 0].min() > 200
    assert frame[..., 1:].max() < 60


@pytest.mark.parametrize(
    ("part", "taken"),
    [("#t=1", list(range(10, 30))), ("#t=,0.5", list(range(5))), ("#t=2.3,2.5", [23, 24])],
)
def test_a_part_of_a_video(video, part, taken):
    assert levels(open_clip(f"{video}{part}")) == taken


def test_a_part_is_sampled_from_its_start(video):
    assert levels(open_clip(f"{video}#t=0.7,2", frames_per_second=2)) == [7, 12, 17]


def test_a_part_behind_the_end(video):
    with pytest.raises(ValueError, match=r"starts at 7 s, but the video lasts 3\.000 s"):
        open_clip(f"{video}#t=7,8")


def test_a_part_between_two_images(video):
    with pytest.raises(ValueError, match="no image could be decoded in the part"):
        list(open_clip(f"{video}#t=1.01,1.02").frames())


def test_a_part_that_ends_before_it_starts(video):
    with pytest.raises(ValueError, match=r"part #t=1,0\.5 holds no image: its end is not after"):
        open_clip(f"{video}#t=1,0.5")


def test_a_video_with_and_without_images(tmp_path):
    both = write_video(tmp_path / "both.mp4", audio=True)
    assert levels(open_clip(both, frames_per_second=1)) == [0, 10, 20]
    sound = write_video(tmp_path / "sound.mp4", audio=True, images=False)
    with pytest.raises(ValueError, match=r"holds no images \(streams: audio\)"):
        open_clip(sound)


def test_a_moving_gif_is_a_video(tmp_path):
    images = [pillow.fromarray(np.full((16, 16, 3), level, np.uint8)) for level in (0, 128, 248)]
    path = tmp_path / "a.gif"
    images[0].save(path, save_all=True, append_images=images[1:], duration=100)
    clip = open_clip(path)
    assert not clip.is_still
    assert levels(clip) == [0, 16, 31]
    pillow.fromarray(np.full((16, 16), 128, np.uint8)).save(tmp_path / "b.gif")
    assert open_clip(tmp_path / "b.gif").is_still


def test_a_truncated_video(tmp_path, video):
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(video.read_bytes()[: video.stat().st_size // 2])
    with pytest.raises(ValueError, match=r"neither an image .* or it is damaged"):
        list(open_clip(cut).frames())


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "flv", "avi"])
def test_a_video_that_ends_early(tmp_path, suffix):
    whole = tmp_path / f"whole.{suffix}"
    options = {"movflags": "faststart"} if suffix == "mp4" else {}
    with av.open(str(whole), "w", options=options) as container:
        stream = container.add_stream("flv1" if suffix == "flv" else "mpeg4", rate=10)
        stream.height, stream.width, stream.pix_fmt = 64, 64, "yuv420p"
        noise = np.random.default_rng(0)
        for _ in range(40):
            image = noise.integers(0, 256, (64, 64, 3), dtype=np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode())
    assert len(list(open_clip(whole).frames())) == 40
    cut = tmp_path / f"cut.{suffix}"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    with pytest.raises(ValueError, match=r"truncated|damaged"):
        list(open_clip(cut).frames())
    cut.write_bytes(whole.read_bytes()[:1500])
    with pytest.raises(ValueError, match=r"Get it again|Get the video again"):
        list(open_clip(cut).frames())


def test_audio_may_outlast_the_images(tmp_path):
    path = tmp_path / "a.flv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("flv1", rate=10)
        stream.height, stream.width, stream.pix_fmt = 48, 64, "yuv420p"
        voice = container.add_stream("aac", rate=16_000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 64_000), np.float32), "fltp", "mono")
        frame.sample_rate = 16_000
        packets = [*voice.encode(frame), *voice.encode()]
        for _ in range(10):
            image = np.zeros((48, 64, 3), np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux([*stream.encode(), *packets])
    with av.open(str(path)) as container:
        assert container.duration > 3 * av.time_base
        assert container.streams.video[0].duration is None
    assert len(list(open_clip(path).frames())) == 10


def test_a_damaged_video(tmp_path, video):
    content = bytearray(video.read_bytes())
    content[48:400] = bytes(352)
    damaged = tmp_path / "damaged.mp4"
    damaged.write_bytes(content)
    with pytest.raises(ValueError, match="damaged"):
        list(open_clip(damaged).frames())


# Right, along, across, down: where a step to the right and one down lead on the screen.
MATRICES = {
    "as it is": ((1, 0, 0, 1), lambda image: image),
    "half a turn": ((-1, 0, 0, -1), lambda image: image[::-1, ::-1]),
    "a quarter to the right": ((0, 1, -1, 0), lambda image: np.rot90(image, 3)),
    "a quarter to the left": ((0, -1, 1, 0), lambda image: np.rot90(image, 1)),
    "mirrored": ((-1, 0, 0, 1), lambda image: image[:, ::-1]),
    "upside down": ((1, 0, 0, -1), lambda image: image[::-1]),
    "mirrored and turned right": ((0, 1, 1, 0), lambda image: np.rot90(image[::-1], 3)),
    "mirrored and turned left": ((0, -1, -1, 0), lambda image: np.rot90(image[::-1], 1)),
}


@pytest.mark.parametrize("name", MATRICES)
def test_a_turned_or_mirrored_video_stands_upright(tmp_path, name):
    path = tmp_path / "clip.mp4"
    image = np.zeros((32, 64, 3), dtype=np.uint8)
    image[:16, :32], image[16:, :32], image[16:, 32:] = 80, 160, 240
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.height, stream.width, stream.pix_fmt = 32, 64, "yuv420p"
        container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode())
    matrix, turn = MATRICES[name]
    content = bytearray(path.read_bytes())
    at = content.index(b"tkhd") + 44
    right, along, across, down = (65536 * number for number in matrix)
    content[at : at + 36] = struct.pack(">9i", right, along, 0, across, down, 0, 0, 0, 1 << 30)
    path.write_bytes(content)
    (frame,) = open_clip(path).frames()
    assert frame.shape == turn(image).shape
    middles = np.ix_([8, -8], [8, -8])
    np.testing.assert_allclose(frame[middles].astype(int), turn(image)[middles], atol=8)


@pytest.mark.parametrize(
    ("form", "codec"), [("mpegts", "mpeg2video"), ("mpegts", "h264"), ("mpeg", "mpeg2video")]
)
def test_parts_of_streams_without_an_index(tmp_path, form, codec):
    if codec not in av.codecs_available:
        pytest.skip(f"FFmpeg has no {codec}")
    path = tmp_path / "clip.bin"
    with av.open(str(path), "w", format=form) as container:
        stream = container.add_stream(codec, rate=20)
        stream.height, stream.width, stream.pix_fmt = 48, 64, "yuv420p"
        stream.bit_rate, stream.codec_context.gop_size = 2_000_000, 25
        for k in range(100):
            image = np.full((48, 64, 3), 2 * k + 20, dtype=np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode())
    for start, end in [(3.2, 4.0), (0.3, 0.5), (4.5, 5.0), (2.0, 2.05), (0.0, 0.1)]:
        frames = list(open_clip(f"{path}#t={start},{end}").frames())
        wanted = 2 * np.arange(round(20 * start), round(20 * end)) + 20
        assert len(frames) == len(wanted)
        np.testing.assert_allclose([frame.mean() for frame in frames], wanted, atol=3)


@pytest.mark.parametrize(
    "content",
    [
        "#EXTM3U\n#EXTINF:3,\nclip.mp4\n#EXT-X-ENDLIST\n",
        "\n\ufeff#EXTM3U\n#EXTINF:3,\nclip.mp4\n#EXT-X-ENDLIST\n",
        "ffconcat version 1.0\nfile clip.mp4\n",
        "[playlist]\nFile1=clip.mp4\n",
        '<?xml version="1.0"?><MPD><BaseURL>clip.mp4</BaseURL></MPD>',
        "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nt=0 0\nm=video 5 RTP/AVP 96\n",
    ],
)
@pytest.mark.parametrize("suffix", ["m3u8", "mp4", "txt"])
def test_lists_of_other_files_are_refused(video, content, suffix):
    path = video.parent / f"list.{suffix}"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(
        ValueError, match=rf"list\.{suffix}'.* (points to other files|neither an im)"
    ):
        open_clip(path)


def test_a_title_that_is_not_utf_8_is_no_reason_to_refuse(tmp_path):
    path = tmp_path / "clip.mp4"
    with av.open(str(path), "w") as container:
        container.metadata["title"] = "Gefühl"
        stream = container.add_stream("mpeg4", rate=10)
        stream.height, stream.width, stream.pix_fmt = 32, 64, "yuv420p"
        image = np.zeros((32, 64, 3), dtype=np.uint8)
        container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode())
    content = path.read_bytes()
    assert "Gefühl".encode() in content
    path.write_bytes(content.replace("Gefühl".encode(), b"Gef\xfchl "))
    assert len(list(open_clip(path).frames())) == 1


def test_a_video_larger_than_the_limit(video, monkeypatch):
    monkeypatch.setenv("EMOEST_MAX_PIXELS", "1000")
    with pytest.raises(ValueError, match=r"clip\.mp4'.* too large: 3072 pixels.*MAX_PIXELS"):
        open_clip(video)


def test_images_without_times():
    class Frame:
        time = None

    times = [time for time, _ in _timed([Frame(), Frame(), Frame()], 4.0)]
    assert times == [0.0, 0.25, 0.5]


@pytest.mark.real_data
def test_real_videos(real_data: Path):
    flash = real_data / "cremad_sample" / "1001_DFA_ANG_XX.flv"
    clip = open_clip(flash, frames_per_second=5)
    frames = list(clip.frames())
    assert len(frames) == 12
    assert {frame.shape for frame in frames} == {(360, 480, 3)}
    assert clip.native_rate == pytest.approx(float(Fraction(989, 33)))
    film = real_data / "ravdess_av_features" / "sample_01-01-01-01-01-01-01.mp4"
    assert len(list(open_clip(film, frames_per_second=1).frames())) == 4
    part = list(open_clip(f"{film}#t=1,2", frames_per_second=10).frames())
    assert len(part) == 10
    assert part[0].shape == (720, 1280, 3)


@pytest.mark.real_data
def test_real_audio_is_no_video(real_data: Path):
    with pytest.raises(ValueError, match=r"holds no images \(streams: audio\)"):
        open_clip(real_data / "cremad_sample" / "1002_DFA_ANG_XX.mp3")
