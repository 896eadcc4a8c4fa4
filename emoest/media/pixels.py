"""Pixels of images as nets take them: gray, and of another size."""

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from emoest.media.video import Image
from emoest.utils.typing import Floats32

# Gray as OpenCV and PIL make it of RGB (ITU-R BT.601).
_LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)


def to_gray(image: Image) -> Floats32:
    """Convert an image (height, width, 3) to gray values in [0, 255], not rounded.

    Examples
    --------
    >>> to_gray(np.array([[[255, 0, 0]]], dtype=np.uint8)).round().tolist()
    [[76.0]]
    """
    gray: Floats32 = image.astype(np.float32) @ _LUMA
    return gray


def resized(gray: Floats32, size: int) -> Floats32:
    """Resize a gray image to a square, bilinear; a larger one is smoothed first.

    Examples
    --------
    >>> resized(np.array([[0.0, 4.0]], dtype=np.float32), 4)[0].tolist()
    [0.0, 1.0, 3.0, 4.0]
    """
    height, width = gray.shape
    rows: Floats32 = np.matmul(_interpolation(height, size), gray)
    square: Floats32 = np.matmul(rows, _interpolation(width, size).T)
    return square


def pixels_of(image: Image, n_channels: int, size: int) -> npt.NDArray[np.uint8]:
    """Convert an image (height, width, 3) to the pixels of a square, a row of `n_channels` planes.

    Examples
    --------
    >>> pixels_of(np.array([[[255, 0, 9]]], dtype=np.uint8), 1, 2).tolist()
    [77, 77, 77, 77]
    >>> pixels_of(np.array([[[255, 0, 9]]], dtype=np.uint8), 3, 1).tolist()
    [255, 0, 9]
    """
    if n_channels == 1:
        planes = [to_gray(image)]
    else:
        planes = [image[..., channel].astype(np.float32) for channel in range(n_channels)]
    squares = [resized(plane, size) for plane in planes]
    return np.concatenate(squares, axis=None).round().clip(0, 255).astype(np.uint8)


@lru_cache(maxsize=256)
def _interpolation(n_in: int, n_out: int) -> Floats32:
    """Weights (n_out, n_in) of old pixels in new ones: triangles one old or new pixel wide."""
    scale = n_in / n_out
    centers = (np.arange(n_out) + 0.5) * scale
    distance = np.abs(centers[:, None] - np.arange(n_in) - 0.5)
    weights = np.maximum(0.0, 1.0 - distance / max(scale, 1.0))
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), dtype=np.float32)
