"""Images and videos in a cell become arrays ``(height, width, 3)`` of uint8, red first.

An item is the path of an image or of a video (``clip.mp4#t=1.20,3.45`` takes a part), or an array
``(height, width[, 3])`` of unsigned integers. `open_clip` looks at an item, `Clip.frames` decodes
it image by image, and `read_image` reads a still image.
"""

import os
import warnings
from typing import Any

import numpy as np

from emoest.media.decoding.damage import UnreadableError, decoder_errors
from emoest.media.decoding.foreign_items import own_item
from emoest.media.decoding.limits import check_limit
from emoest.media.notes import note
from emoest.media.sources import check_file, name_file, spelling, split_fragment
from emoest.media.video import EXTRA, Clip, Image, open_video
from emoest.tables.cells import is_missing, is_path
from emoest.utils.optional import import_optional
from emoest.utils.typing import Array

_DAMAGED = "is a damaged or truncated image. Get it again, or drop the row"
_SMALLER = "Make it smaller, or raise PIL.Image.MAX_IMAGE_PIXELS as well"

_FORMATS = ("PNG", "JPEG", "MPO", "BMP", "WEBP", "TIFF", "PPM", "GIF")


def read_image(item: Any, *, name: str = "image item") -> Image:
    """Read a still image.

    Files are turned as their EXIF entry says, and transparency is ignored. Gray images get three
    equal channels; integers of 16 bits are scaled to 8.

    Parameters
    ----------
    item : str, path object or ndarray of shape (height, width[, 3])
        The item; an array holds uint8 or uint16, red first.
    name : str, default="image item"
        What to call the item in an error, for example ``"row 3, column 'face'"``.

    Returns
    -------
    image : ndarray of shape (height, width, 3), dtype uint8

    Raises
    ------
    FileNotFoundError
        If the item is a path and the file is not there.
    ImportError
        If the item is a path and Pillow is not installed.
    ValueError
        If the file is empty, damaged, not an image or larger than the limit of
        ``EMOEST_MAX_PIXELS``, or the array is none.

    Examples
    --------
    >>> read_image(np.full((2, 2), 7, dtype=np.uint8))[0, 0].tolist()
    [7, 7, 7]
    """
    clip = open_clip(item, name=name)
    if not clip.is_still:
        raise ValueError(f"{clip.name} is a video; expected a still image.")
    return next(clip.frames())


def open_clip(
    item: Any, *, frames_per_second: float | None = None, name: str = "image item"
) -> Clip:
    """Look at an image or a video; of a video only the header is read.

    Parameters
    ----------
    item : str, path object or ndarray of shape (height, width[, 3])
        The item. The path of a video may end in ``#t=start,end`` in seconds.
    frames_per_second : float, default=None
        How many images a second are taken of a video; None takes all.
    name : str, default="image item"
        What to call the item in an error.

    Returns
    -------
    clip : Clip
        The item; its `frames` gives the images.

    Raises
    ------
    FileNotFoundError
        If the item is a path and the file is not there.
    ImportError
        If Pillow, or for a video PyAV, is not installed.
    ValueError
        If the file is empty, damaged, or neither image nor video; if it holds audio only; if the
        item is neither path nor image.

    Examples
    --------
    >>> open_clip(np.zeros((4, 6, 3), dtype=np.uint8)).n_expected
    1
    """
    item = own_item(item)
    if not is_path(item):
        return Clip(_check_array(item, name), name, frames_per_second)
    path, start, end = split_fragment(os.fspath(item))
    name = name_file(path, name)
    check_file(path, name, "an image or a video")
    image = _open_image(path, name)
    if image is None:
        return open_video(Clip(path, name, frames_per_second, start=start, end=end), path)
    if path != os.fspath(item):
        raise ValueError(
            f"{name} is a still image, which has no part '#t=...'. Leave the part out."
        )
    return Clip(image, name, frames_per_second)


def _check_array(item: Any, name: str) -> Image:
    if is_missing(item) or not isinstance(item, np.ndarray):
        raise ValueError(
            f"{name} is not an image: expected the path of an image or a video, or an array of "
            f"shape (height, width[, 3]), found {type(item).__name__}.{spelling(item)}"
        )
    if (
        item.ndim not in {2, 3}
        or (item.ndim == 3 and item.shape[2] not in {3, 4})
        or item.size == 0
    ):
        raise ValueError(
            f"{name} is not an image: expected an array of shape (height, width) or "
            f"(height, width, 3), found {item.shape}. Several images in a cell are a list."
        )
    if item.dtype not in {np.dtype(np.uint8), np.dtype(np.uint16)}:
        raise ValueError(
            f"{name} is an array of {item.dtype}; images are uint8 (0 to 255). Convert it, for "
            "example numbers in [0, 1] with (255 * array).round().astype(np.uint8)."
        )
    # Transparency is ignored, as in files.
    item = item[..., :3] if item.ndim == 3 else item
    image: Image = item.astype(np.uint8) if item.dtype == np.uint8 else _to_8_bits(item)
    return np.repeat(image[..., None], 3, axis=2) if item.ndim == 2 else image


def _to_8_bits(values: Array) -> Image:
    return ((values.astype(np.uint32) + 128) // 257).astype(np.uint8)


def _open_image(path: str, name: str) -> Image | None:
    """Decode an image file; None where Pillow knows no such image, or it has several images."""
    pillow = import_optional("PIL.Image", extra=EXTRA, purpose="Reading an image file")
    operations = import_optional("PIL.ImageOps", extra=EXTRA, purpose="Reading an image file")
    pillow.init()
    formats = [form for form in _FORMATS if form in pillow.OPEN]
    # Pillow only warns of what is large; the limit that holds here is this library's.
    with decoder_errors(name, _DAMAGED), warnings.catch_warnings():
        warnings.simplefilter("ignore", pillow.DecompressionBombWarning)
        try:
            opened = pillow.open(path, formats=formats)
        except pillow.UnidentifiedImageError:
            return None
        except pillow.DecompressionBombError as error:
            raise UnreadableError(f"is too large an image ({error}). {_SMALLER}") from error
        with opened as file:
            n_images = getattr(file, "n_frames", 1)
            # A moving GIF is a video; of an MPO the first image is the photo.
            if n_images > 1 and file.format == "GIF":
                return None
            check_limit(file.width * file.height, "EMOEST_MAX_PIXELS", name)
            pixels = _pixels(operations.exif_transpose(file))
            if n_images > 1 and file.format != "MPO":
                note(f"holds several images ({file.format}), of which only the first is read", name)
            return pixels


def _pixels(image: Any) -> Image:
    """Convert an image of Pillow's to 8 bits and three channels."""
    if image.mode == "F":
        return np.repeat(_from_floats(np.asarray(image))[..., None], 3, axis=2)
    # Pillow's own conversion of 16 bits clips at 255 instead of scaling.
    if image.mode.startswith("I"):
        values = np.asarray(image)
        if values.min() < 0 or values.max() > 65535:
            raise UnreadableError(
                f"holds integers from {values.min()} to {values.max()}, of which nobody can say "
                "what is white. Save it with 8 or 16 bits"
            )
        return np.repeat(_to_8_bits(values)[..., None], 3, axis=2)
    return np.array(image.convert("RGB"), dtype=np.uint8)


def _from_floats(values: Array) -> Image:
    """Scale floats in [0, 1] to 8 bits; floats up to 255 are 8 bits already."""
    low, high = float(values.min()), float(values.max())
    if not (low >= 0 and high <= 255):
        raise UnreadableError(
            f"holds floats from {low:g} to {high:g}; expected are [0, 1] or [0, 255]. Save it with "
            "8 or 16 bits"
        )
    scaled: Image = np.round(values * (255.0 if high <= 1 else 1.0)).astype(np.uint8)
    return scaled
