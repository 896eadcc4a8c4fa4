import sys
import warnings
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from emoest.media import images
from emoest.media.images import open_clip, read_image

av = pytest.importorskip("av")
pillow = pytest.importorskip("PIL.Image")

SMALL = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)


def write_video(path, *, rate=10, n_frames=30, sound=False, pictures=True, shape=(48, 64)):
    """A video whose picture k is gray of level 8 k; or sound only."""
    with av.open(str(path), "w") as container:
        if pictures:
            stream = container.add_stream("mpeg4", rate=rate)
            stream.height, stream.width = shape
            stream.pix_fmt = "yuv420p"
            stream.bit_rate = 2_000_000
        if sound:
            voice = container.add_stream("aac", rate=16_000)
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 16_000), np.float32), "fltp", "mono")
            frame.sample_rate = 16_000
            container.mux(voice.encode(frame))
            container.mux(voice.encode())
        for k in range(n_frames if pictures else 0):
            picture = np.full((*shape, 3), 8 * k, dtype=np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        if pictures:
            container.mux(stream.encode())
    return path


def levels(clip):
    """Which pictures of `write_video` a clip gives."""
    return [round(float(frame.mean()) / 8) for frame in clip.frames()]


@pytest.fixture
def video(tmp_path):
    return write_video(tmp_path / "clip.mp4")


def save(path, array, **options):
    pillow.fromarray(array).save(path, **options)
    return path


def test_arrays():
    np.testing.assert_array_equal(read_image(SMALL), SMALL)
    gray = SMALL[..., 0]
    np.testing.assert_array_equal(read_image(gray), np.repeat(gray[..., None], 3, axis=2))
    wide = (SMALL.astype(np.uint16) * 257)[..., 1]
    np.testing.assert_array_equal(read_image(wide)[..., 2], SMALL[..., 1])
    edges = np.array([[0, 128, 129, 65535]], dtype=np.uint16)
    assert read_image(edges)[0, :, 0].tolist() == [0, 0, 1, 255]


def test_an_array_is_not_written_to():
    frozen = SMALL.copy()
    frozen.flags.writeable = False
    out = read_image(frozen)
    out[:] = 0
    assert frozen.max() > 0


@pytest.mark.parametrize("suffix", ["png", "bmp", "tif", "webp", "ppm"])
def test_lossless_files(tmp_path, suffix):
    path = save(tmp_path / f"a.{suffix}", SMALL, **({"lossless": True} if suffix == "webp" else {}))
    np.testing.assert_array_equal(read_image(str(path)), SMALL)
    np.testing.assert_array_equal(read_image(path), SMALL)


def test_kinds_of_picture(tmp_path):
    gray = save(tmp_path / "gray.png", SMALL[..., 0])
    np.testing.assert_array_equal(read_image(gray)[..., 1], SMALL[..., 0])
    clear = save(tmp_path / "clear.png", np.dstack([SMALL, np.zeros((4, 6), np.uint8)]))
    np.testing.assert_array_equal(read_image(clear), SMALL)
    deep = save(tmp_path / "deep.png", SMALL[..., 0].astype(np.uint16) * 257)
    np.testing.assert_array_equal(read_image(deep)[..., 0], SMALL[..., 0])


def test_exif_orientation(tmp_path):
    exif = pillow.Exif()
    exif[0x0112] = 6
    picture = np.zeros((32, 64, 3), dtype=np.uint8)
    picture[:, :32] = 255
    path = save(tmp_path / "turned.jpg", picture, exif=exif, quality=95)
    turned = read_image(path)
    assert turned.shape == (64, 32, 3)
    assert turned[:28].mean() > 250
    assert turned[36:].mean() < 5


@pytest.mark.parametrize(
    ("item", "message"),
    [
        (SMALL / 255.0, "array of float64; pictures are uint8"),
        (SMALL.astype(bool), "array of bool"),
        (np.zeros((2, 4, 6, 3), np.uint8), "are a list"),
        (np.zeros((4, 6, 4), np.uint8), r"found \(4, 6, 4\)"),
        (np.zeros((0, 6), np.uint8), r"found \(0, 6\)"),
        (None, "expected the path of an image"),
        (3, "found int"),
        ((SMALL, 25), "found tuple"),
    ],
)
def test_what_is_no_picture(item, message):
    with pytest.raises(ValueError, match=f"^row 3.*{message}"):
        open_clip(item, name="row 3")


def test_bad_files(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no\.png.*working folder"):
        open_clip(tmp_path / "no.png")
    with pytest.raises(ValueError, match="is a folder"):
        open_clip(tmp_path)
    empty = tmp_path / "empty.jpg"
    empty.touch()
    with pytest.raises(ValueError, match=r"empty \(0 bytes\)"):
        open_clip(empty)
    text = tmp_path / "text.jpg"
    text.write_bytes(b"no picture at all, but long enough for a head")
    with pytest.raises(ValueError, match=r"neither an image .* nor a video .*b'no picture at al'"):
        open_clip(text, name="row 3")


@pytest.mark.parametrize("suffix", ["jpg", "png"])
def test_a_truncated_image_is_an_error(tmp_path, suffix):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    path = save(tmp_path / f"a.{suffix}", noise)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(ValueError, match="damaged or truncated"):
        read_image(path)


def test_a_huge_image_is_an_error(tmp_path, monkeypatch):
    path = save(tmp_path / "a.png", SMALL)
    monkeypatch.setattr(pillow, "MAX_IMAGE_PIXELS", 20)
    with pytest.raises(ValueError, match="too large an image"):
        read_image(path)


def test_a_still_image_has_no_part(tmp_path):
    path = save(tmp_path / "a.png", SMALL)
    with pytest.raises(ValueError, match=r"no part '#t"):
        open_clip(f"{path}#t=0,1")


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


def test_pictures_of_a_video_are_rgb(tmp_path):
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


def test_a_part_between_two_pictures(video):
    with pytest.raises(ValueError, match="no picture could be decoded in the part"):
        list(open_clip(f"{video}#t=1.01,1.02").frames())


def test_a_part_that_ends_before_it_starts(video):
    with pytest.raises(ValueError, match=r"part #t=1,0\.5 holds no picture: its end is not after"):
        open_clip(f"{video}#t=1,0.5")


def test_a_video_with_and_without_sound(tmp_path):
    both = write_video(tmp_path / "both.mp4", sound=True)
    assert levels(open_clip(both, frames_per_second=1)) == [0, 10, 20]
    sound = write_video(tmp_path / "sound.mp4", sound=True, pictures=False)
    with pytest.raises(ValueError, match=r"holds no pictures \(streams: audio\)"):
        open_clip(sound)


def test_a_moving_gif_is_a_video(tmp_path):
    pictures = [pillow.fromarray(np.full((16, 16, 3), level, np.uint8)) for level in (0, 128, 248)]
    path = tmp_path / "a.gif"
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=100)
    clip = open_clip(path)
    assert not clip.is_still
    assert levels(clip) == [0, 16, 31]
    still = save(tmp_path / "b.gif", np.full((16, 16), 128, np.uint8))
    assert open_clip(still).is_still


def test_a_video_is_no_still_image(video):
    with pytest.raises(ValueError, match="is a video; expected a still image"):
        read_image(video)


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
            picture = noise.integers(0, 256, (64, 64, 3), dtype=np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    assert len(list(open_clip(whole).frames())) == 40
    cut = tmp_path / f"cut.{suffix}"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    with pytest.raises(ValueError, match=r"truncated|damaged"):
        list(open_clip(cut).frames())
    cut.write_bytes(whole.read_bytes()[:1500])
    with pytest.raises(ValueError, match=r"Get it again|Get the video again"):
        list(open_clip(cut).frames())


def test_sound_may_outlast_the_pictures(tmp_path):
    path = tmp_path / "a.flv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("flv1", rate=10)
        stream.height, stream.width, stream.pix_fmt = 48, 64, "yuv420p"
        voice = container.add_stream("aac", rate=16_000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 64_000), np.float32), "fltp", "mono")
        frame.sample_rate = 16_000
        packets = [*voice.encode(frame), *voice.encode()]
        for _ in range(10):
            picture = np.zeros((48, 64, 3), np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
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
    """A picture of a video that is to be turned."""

    def __init__(self, rotation):
        self.rotation = rotation

    def to_ndarray(self, format):
        assert format == "rgb24"
        return SMALL


@pytest.mark.parametrize(("rotation", "quarters"), [(0, 0), (90, 1), (-90, 3), (180, 2), (-180, 2)])
def test_a_turned_video_stands_upright(rotation, quarters):
    np.testing.assert_array_equal(images._upright(_Frame(rotation)), np.rot90(SMALL, quarters))


def test_pictures_without_times():
    class Frame:
        time = None

    times = [time for time, _ in images._timed([Frame(), Frame(), Frame()], 4.0)]
    assert times == [0.0, 0.25, 0.5]


def test_seconds_of_a_still_image():
    assert open_clip(SMALL).seconds_per_frame == 1.0
    assert open_clip(SMALL, frames_per_second=5).seconds_per_frame == pytest.approx(0.2)


@pytest.mark.parametrize(("hidden", "kind"), [("PIL.Image", "image"), ("av", "video")])
def test_missing_packages(tmp_path, video, monkeypatch, hidden, kind):
    path = video if kind == "video" else save(tmp_path / "a.png", SMALL)
    monkeypatch.setitem(sys.modules, hidden, None)
    with pytest.raises(ImportError, match=rf"Reading an? {kind}.*pip install 'emoest\[face\]'"):
        open_clip(path)


def test_warnings_are_left_as_they_were(tmp_path):
    path = save(tmp_path / "a.png", SMALL)
    before = list(warnings.filters)
    read_image(path)
    assert list(warnings.filters) == before


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
def test_real_sound_is_no_video(real_data: Path):
    with pytest.raises(ValueError, match=r"holds no pictures \(streams: audio\)"):
        open_clip(real_data / "cremad_sample" / "1002_DFA_ANG_XX.mp3")
