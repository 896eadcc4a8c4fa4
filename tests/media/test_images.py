import sys
import warnings

import numpy as np
import pytest

from emoest.media.images import open_clip, read_image
from emoest.media.notes import ImplausibleMediaWarning

pillow = pytest.importorskip("PIL.Image")

SMALL = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)


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


def test_kinds_of_image(tmp_path):
    gray = save(tmp_path / "gray.png", SMALL[..., 0])
    np.testing.assert_array_equal(read_image(gray)[..., 1], SMALL[..., 0])
    clear = save(tmp_path / "clear.png", np.dstack([SMALL, np.zeros((4, 6), np.uint8)]))
    np.testing.assert_array_equal(read_image(clear), SMALL)
    deep = save(tmp_path / "deep.png", SMALL[..., 0].astype(np.uint16) * 257)
    np.testing.assert_array_equal(read_image(deep)[..., 0], SMALL[..., 0])


def test_exif_orientation(tmp_path):
    exif = pillow.Exif()
    exif[0x0112] = 6
    image = np.zeros((32, 64, 3), dtype=np.uint8)
    image[:, :32] = 255
    path = save(tmp_path / "turned.jpg", image, exif=exif, quality=95)
    turned = read_image(path)
    assert turned.shape == (64, 32, 3)
    assert turned[:28].mean() > 250
    assert turned[36:].mean() < 5


@pytest.mark.parametrize(
    ("item", "message"),
    [
        (SMALL / 255.0, "array of float64; images are uint8"),
        (SMALL.astype(bool), "array of bool"),
        (np.zeros((2, 4, 6, 3), np.uint8), "are a list"),
        (np.zeros((4, 6, 5), np.uint8), r"found \(4, 6, 5\)"),
        (np.zeros((0, 6), np.uint8), r"found \(0, 6\)"),
        (None, "expected the path of an image"),
        (3, "found int"),
        ((SMALL, 25), "found tuple"),
    ],
)
def test_what_is_no_image(item, message):
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
    text.write_bytes(b"no image at all, but long enough for a head")
    with pytest.raises(ValueError, match=r"neither an image .* nor a video .*b'no image at all,'"):
        open_clip(text, name="row 3")


@pytest.mark.parametrize("suffix", ["jpg", "png"])
def test_a_truncated_image_is_an_error(tmp_path, suffix):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    path = save(tmp_path / f"a.{suffix}", noise)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(ValueError, match="damaged or truncated"):
        read_image(path)


def test_an_image_larger_than_the_limit(tmp_path, monkeypatch):
    path = save(tmp_path / "a.png", SMALL)
    monkeypatch.setenv("EMOEST_MAX_PIXELS", "23")
    with pytest.raises(ValueError, match=r"a\.png'.* too large: 24 pixels.*EMOEST_MAX_PIXELS"):
        read_image(path)
    monkeypatch.setenv("EMOEST_MAX_PIXELS", "24")
    monkeypatch.setattr(pillow, "MAX_IMAGE_PIXELS", 20)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read_image(path).shape == (4, 6, 3)
    monkeypatch.setattr(pillow, "MAX_IMAGE_PIXELS", 10)
    with pytest.raises(ValueError, match=r"too large an image.*PIL\.Image\.MAX_IMAGE_PIXELS"):
        read_image(path)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([[0.0, 0.5, 1.0]], [0, 128, 255]),
        ([[0.0, 0.0, 0.0]], [0, 0, 0]),
        ([[0.0, 100.4, 255.0]], [0, 100, 255]),
        ([[0.0, 0.5, 300.0]], "floats from 0 to 300"),
        ([[-1.0, 0.0, 1.0]], "floats from -1 to 1"),
        ([[0.0, np.nan, 1.0]], "floats from nan to nan"),
    ],
)
def test_floats_in_a_file(tmp_path, values, expected):
    path = save(tmp_path / "a.tif", np.array(values, dtype=np.float32))
    if isinstance(expected, str):
        with pytest.raises(ValueError, match=rf"a\.tif'\) holds {expected}.*8 or 16 bits"):
            read_image(path, name="row 3")
    else:
        assert read_image(path)[0, :, 2].tolist() == expected


def test_integers_of_more_than_16_bits_in_a_file(tmp_path):
    path = save(tmp_path / "a.tif", np.array([[0, 70000]], dtype=np.int32))
    with pytest.raises(ValueError, match="holds integers from 0 to 70000"):
        read_image(path)


@pytest.mark.parametrize("suffix", ["tif", "png", "webp"])
def test_several_images_in_a_file_are_said(tmp_path, suffix):
    first, second = (pillow.fromarray(SMALL + k) for k in (0, 9))
    path = tmp_path / f"a.{suffix}"
    first.save(path, save_all=True, append_images=[second], lossless=True)
    with pytest.warns(ImplausibleMediaWarning, match=rf"a\.{suffix}' holds several images"):
        np.testing.assert_array_equal(read_image(path), SMALL)


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif", "bmp", "webp", "gif", "ppm"])
def test_damaged_images_are_read_or_named(tmp_path, suffix):
    rng = np.random.default_rng(0)
    path = save(tmp_path / f"a.{suffix}", rng.integers(0, 255, (24, 24, 3), dtype=np.uint8))
    whole = path.read_bytes()
    for k in range(60):
        damaged = bytearray(whole[: rng.integers(1, len(whole))] if k % 3 == 0 else whole)
        for at in rng.integers(0, len(damaged), 3):
            damaged[at] = rng.integers(256)
        path.write_bytes(damaged)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                read_image(path, name="row 3")
            except ValueError as error:
                assert str(error).startswith(f"row 3 (file {str(path)!r})")


def test_a_still_image_has_no_part(tmp_path):
    path = save(tmp_path / "a.png", SMALL)
    with pytest.raises(ValueError, match=r"no part '#t"):
        open_clip(f"{path}#t=0,1")


def test_a_video_is_no_still_image(video):
    with pytest.raises(ValueError, match="is a video; expected a still image"):
        read_image(video)


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
