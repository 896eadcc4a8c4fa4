"""Faces in a image: where they are (OpenCV's Haar cascade), and the square around the largest."""

import hashlib
import os
import threading
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from emoest.media.video import Clip, Image
from emoest.utils.optional import import_optional

CASCADE = "haarcascade_frontalface_default.xml"
"""The cascade that OpenCV's wheels bring: frontal faces."""

LONGEST_SIDE = 640
"""Larger images are searched at this size."""

CROPPED_SIDE = 64
"""``detect="auto"`` takes images of at most this height and width as faces."""

_SCALE_FACTOR = 1.1
_MIN_NEIGHBORS = 5
_MIN_SIDE = 24
_MIN_PROPORTION = 0.1
_PURPOSE = "Face detection"

_local = threading.local()

Box = tuple[int, int, int, int]


def detection_recipe() -> dict[str, Any]:
    """Return all that detection depends on except the image.

    Examples
    --------
    >>> detection_recipe()["longest_side"]
    640
    """
    return {
        "opencv": _cv2().__version__.partition(".")[0],
        "cascade": hashlib.sha256(cascade_path().read_bytes()).hexdigest(),
        "longest_side": LONGEST_SIDE,
        "search": [_SCALE_FACTOR, _MIN_NEIGHBORS, _MIN_SIDE, _MIN_PROPORTION],
    }


@lru_cache(maxsize=1)
def cascade_path() -> Path:
    """Find the cascade that the installed OpenCV brings.

    Without OpenCV, and with version 5, which has left cascades out, it raises `ImportError`.
    """
    cv2 = _cv2()
    path = Path(getattr(cv2.data, "haarcascades", "")) / CASCADE
    if not hasattr(cv2, "CascadeClassifier") or not path.is_file():
        raise ImportError(
            f"{_PURPOSE} needs OpenCV's Haar cascades, which OpenCV {cv2.__version__} as installed "
            "here does not bring. Install it with: pip install 'opencv-python-headless<5', or pass "
            "images of cropped faces with detect=False."
        )
    return path


def find_faces(image: Image) -> list[Box]:
    """Find the frontal faces in an image (height, width, 3) of uint8, the largest first.

    Boxes are (left, top, width, height) in pixels of the image. Faces narrower than a tenth of the
    image's shorter side, or than 24 pixels of the searched size, are not looked for.

    Examples
    --------
    >>> find_faces(np.zeros((100, 100, 3), dtype=np.uint8))
    []
    """
    cv2 = _cv2()
    gray = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    scale = min(1.0, LONGEST_SIDE / max(gray.shape))
    if scale < 1:
        size = [max(1, round(scale * side)) for side in gray.shape[::-1]]
        gray = cv2.resize(gray, size, interpolation=cv2.INTER_AREA)
    side = max(_MIN_SIDE, round(_MIN_PROPORTION * min(gray.shape)))
    found = _classifier().detectMultiScale(
        gray, scaleFactor=_SCALE_FACTOR, minNeighbors=_MIN_NEIGHBORS, minSize=(side, side)
    )
    boxes = [tuple(round(float(value) / scale) for value in box) for box in found]
    return sorted(boxes, key=lambda box: (-box[2] * box[3], box))


def crop(image: Image, box: Box, margin: float) -> Image:
    """Cut the square around a box (left, top, width, height) out of an image.

    `margin` is added on each side, as a proportion of the longer side of the box. Where the square
    leaves the image, the edge is repeated.

    Examples
    --------
    >>> image = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    >>> crop(image, (1, 1, 2, 2), 0.5).shape, crop(image, (3, 3, 2, 2), 0.0)[0, 1].tolist()
    ((4, 4, 3), [45, 46, 47])
    """
    left, top, width, height = box
    side = max(1, round(max(width, height) * (1 + 2 * margin)))
    first_row = round(top + height / 2 - side / 2)
    first_column = round(left + width / 2 - side / 2)
    rows = np.clip(np.arange(first_row, first_row + side), 0, image.shape[0] - 1)
    columns = np.clip(np.arange(first_column, first_column + side), 0, image.shape[1] - 1)
    return image[rows[:, None], columns]


def face_of(image: Image, detect: bool | str, margin: float) -> Image | None:
    """Return the largest face of an image, or the image itself where it is one.

    ``detect="auto"`` looks for faces in images of more than `CROPPED_SIDE` pixels height or width.
    None comes back where there is no face: none was found, or all pixels are equal. `margin` is
    `crop`'s.

    Examples
    --------
    >>> face_of(np.eye(48, dtype=np.uint8)[..., None].repeat(3, axis=2), "auto", 0.1).shape
    (48, 48, 3)
    >>> face_of(np.zeros((48, 48, 3), dtype=np.uint8), False, 0.1) is None
    True
    """
    if image.min() == image.max():
        return None
    if detect is False or (detect == "auto" and max(image.shape[:2]) <= CROPPED_SIDE):
        return image
    boxes = find_faces(image)
    return crop(image, boxes[0], margin) if boxes else None


def explain_no_face(clip: Clip, detect: bool | str) -> str:
    """Say why no face came out of an image or a video.

    Examples
    --------
    >>> from emoest.media import open_clip
    >>> explain_no_face(open_clip(np.zeros((9, 9), np.uint8), name="row 3"), False)
    'row 3 is blank: all its pixels are equal'
    """
    if not clip.is_still and detect is False:
        return f"all images of {clip.name} are blank: the pixels of each are equal"
    if not clip.is_still:
        return f"no face was found in any image of {clip.name}"
    image = next(clip.frames())
    if image.min() == image.max():
        return f"{clip.name} is blank: all its pixels are equal"
    return f"no face was found in {clip.name}. If the image is a cropped face, pass detect=False"


def _cv2() -> Any:
    return import_optional("cv2", extra="face", purpose=_PURPOSE)


def _classifier() -> Any:
    """Each thread has its own: OpenCV's classifier keeps the image it works on."""
    key = (os.getpid(), str(cascade_path()))
    if getattr(_local, "key", None) != key:
        _local.classifier = _cv2().CascadeClassifier(str(cascade_path()))
        _local.key = key
    return _local.classifier
