import numpy as np
import pytest

from emoest.media.pixels import pixels_of, resized, to_gray

cv2 = pytest.importorskip("cv2")


def test_images_are_smoothed_when_made_smaller():
    stripes = np.zeros((256, 256), dtype=np.float32)
    stripes[::4] = 200.0
    assert np.abs(resized(stripes, 64)[2:-2] - 50).max() < 10
    ramp = np.arange(48, dtype=np.float32)[None].repeat(48, axis=0)
    np.testing.assert_allclose(resized(ramp, 64), cv2.resize(ramp, (64, 64)), atol=1e-4)


def test_gray_is_that_of_opencv():
    image = np.random.default_rng(0).integers(0, 256, (9, 7, 3), dtype=np.uint8)
    gray = to_gray(image)
    assert gray.dtype == np.float32 and gray.shape == (9, 7)
    np.testing.assert_allclose(gray, cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), atol=0.51)


@pytest.mark.parametrize(("n_channels", "size"), [(1, 8), (1, 3), (3, 8), (3, 11)])
def test_pixels_are_planes_one_after_the_other(n_channels, size):
    image = np.random.default_rng(0).integers(0, 256, (9, 7, 3), dtype=np.uint8)
    row = pixels_of(image, n_channels, size)
    assert row.dtype == np.uint8 and row.shape == (n_channels * size**2,)
    planes = [to_gray(image)] if n_channels == 1 else [image[..., i].astype("f4") for i in range(3)]
    for plane, found in zip(planes, row.reshape(n_channels, size, size), strict=True):
        np.testing.assert_array_equal(found, resized(plane, size).round())


def test_pixels_of_an_image_of_that_size_are_its_own():
    image = np.random.default_rng(0).integers(0, 256, (5, 5, 3), dtype=np.uint8)
    expected = image.transpose(2, 0, 1)
    np.testing.assert_array_equal(pixels_of(image, 3, 5).reshape(3, 5, 5), expected)
