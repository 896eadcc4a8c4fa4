from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from emoest.media.images import open_clip
from emoest.media.video import _timed, _upright
from tests.media.videos import levels, write_video

av = pytest.importorskip("av")
pillow = pytest.importorskip("PIL.Image")

SMALL = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)


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


class _Frame:
    """A image of a video that is to be turned."""

    def __init__(self, rotation):
        self.rotation = rotation

    def to_ndarray(self, format):
        assert format == "rgb24"
        return SMALL


@pytest.mark.parametrize(("rotation", "quarters"), [(0, 0), (90, 1), (-90, 3), (180, 2), (-180, 2)])
def test_a_turned_video_stands_upright(rotation, quarters):
    np.testing.assert_array_equal(_upright(_Frame(rotation)), np.rot90(SMALL, quarters))


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
