import numpy as np
import pytest

from emoest.media.pixels import resized, to_gray

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
