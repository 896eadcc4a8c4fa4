"""Images and videos in a cell become arrays ``(height, width, 3)`` of uint8, red first.

An item is the path of an image or of a video (``clip.mp4#t=1.20,3.45`` takes a part), or an array
``(height, width[, 3])`` of unsigned integers. `open_clip` looks at an item, `Clip.frames` decodes
it picture by picture, and `read_image` gives the picture of a still image.
"""

import os
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from emoest.media.audio import split_fragment
from emoest.tables.cells import is_missing, is_path
from emoest.utils.optional import import_optional

Image = npt.NDArray[np.uint8]

_FORMATS = ("PNG", "JPEG", "MPO", "BMP", "WEBP", "TIFF", "PPM", "GIF")
_NO_VIDEOS = ("image2", "tty")
"""What FFmpeg makes of a file that has the name of an image, or of a text."""

_EXTRA = "face"
_DEFAULT_RATE = 25.0
_LOST_SECONDS = 1.0
"""A video that ends earlier than it says by more than this is taken as damaged."""

_TAGGED = re.compile(r"(\d+):(\d+):(\d+(?:\.\d*)?)")


@dataclass(frozen=True)
class Clip:
    """A still image, or a video that was looked at and not yet decoded.

    Parameters
    ----------
    source : str or ndarray of shape (height, width, 3)
        The video file, or the picture.
    name : str
        What to call the item in an error.
    frames_per_second : float or None
        How many pictures a second are taken of a video; None takes all.
    native_rate : float
        Pictures a second that the video has.
    start, end : float or None
        The part that is meant, in seconds.
    n_expected : int
        About how many pictures `frames` gives.
    """

    source: str | Image
    name: str
    frames_per_second: float | None = None
    native_rate: float = 1.0
    start: float = 0.0
    end: float | None = None
    n_expected: int = 1

    @property
    def is_still(self) -> bool:
        """Whether it is one picture."""
        return not isinstance(self.source, str)

    @property
    def seconds_per_frame(self) -> float:
        """Seconds for which one picture stands.

        A still image counts as one picture taken of a video; 1 s if all pictures are taken.
        """
        if self.is_still:
            return 1.0 / (self.frames_per_second or 1.0)
        return 1.0 / min(self.frames_per_second or self.native_rate, self.native_rate)

    def frames(self) -> Iterator[Image]:
        """Decode the pictures one after the other.

        Of a video the picture nearest to each of the instants ``k / frames_per_second`` is taken,
        counted from the first picture of the part; none is taken twice.

        Yields
        ------
        picture : ndarray of shape (height, width, 3), dtype uint8

        Raises
        ------
        ValueError
            If the video is damaged, or no picture lies in the part.

        Examples
        --------
        >>> [frame.shape for frame in open_clip(np.zeros((4, 6), dtype=np.uint8)).frames()]
        [(4, 6, 3)]
        """
        if isinstance(self.source, str):
            yield from _decode(self, self.source)
        else:
            yield self.source


def read_image(item: Any, *, name: str = "image item") -> Image:
    """Read a still image.

    Files are turned as their EXIF entry says, and transparency is ignored. Gray pictures get three
    equal channels; integers of 16 bits are scaled to 8.

    Parameters
    ----------
    item : str, path object or ndarray of shape (height, width[, 3])
        The item; an array holds uint8 or uint16, red first.
    name : str, default="image item"
        What to call the item in an error, for example ``"row 3, column 'face'"``.

    Returns
    -------
    picture : ndarray of shape (height, width, 3), dtype uint8

    Raises
    ------
    FileNotFoundError
        If the item is a path and the file is not there.
    ImportError
        If the item is a path and Pillow is not installed.
    ValueError
        If the file is empty, damaged or not an image, or the array is no picture.

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
        How many pictures a second are taken of a video; None takes all.
    name : str, default="image item"
        What to call the item in an error.

    Returns
    -------
    clip : Clip
        The item; its `frames` gives the pictures.

    Raises
    ------
    FileNotFoundError
        If the item is a path and the file is not there.
    ImportError
        If Pillow, or for a video PyAV, is not installed.
    ValueError
        If the file is empty, damaged, or neither image nor video; if it holds sound only; if the
        item is neither path nor picture.

    Examples
    --------
    >>> open_clip(np.zeros((4, 6, 3), dtype=np.uint8)).n_expected
    1
    """
    if not is_path(item):
        return Clip(_check_array(item, name), name, frames_per_second)
    path, start, end = split_fragment(os.fspath(item))
    name = f"{name} (file {path!r})" if path not in name else name
    _check_file(path, name)
    picture = _open_picture(path, name)
    if picture is None:
        return _open_video(Clip(path, name, frames_per_second, start=start, end=end), path)
    if path != os.fspath(item):
        raise ValueError(
            f"{name} is a still image, which has no part '#t=...'. Leave the part out."
        )
    return Clip(picture, name, frames_per_second)


def _check_array(item: Any, name: str) -> Image:
    if is_missing(item) or not isinstance(item, np.ndarray):
        raise ValueError(
            f"{name} is not a picture: expected the path of an image or a video, or an array of "
            f"shape (height, width[, 3]), found {type(item).__name__}."
        )
    if item.ndim not in {2, 3} or (item.ndim == 3 and item.shape[2] != 3) or item.size == 0:
        raise ValueError(
            f"{name} is not a picture: expected an array of shape (height, width) or "
            f"(height, width, 3), found {item.shape}. Several pictures in a cell are a list."
        )
    if item.dtype not in {np.dtype(np.uint8), np.dtype(np.uint16)}:
        raise ValueError(
            f"{name} is an array of {item.dtype}; pictures are uint8 (0 to 255). Convert it, for "
            "example numbers in [0, 1] with (255 * array).round().astype(np.uint8)."
        )
    picture: Image = item.astype(np.uint8) if item.dtype == np.uint8 else _to_8_bits(item)
    return np.repeat(picture[..., None], 3, axis=2) if item.ndim == 2 else picture


def _to_8_bits(values: npt.NDArray[Any]) -> Image:
    return ((values.astype(np.uint32) + 128) // 257).astype(np.uint8)


def _check_file(path: str, name: str) -> None:
    found = Path(path)
    if not found.exists():
        raise FileNotFoundError(
            f"{name}: the file is not there. Check the path; a relative one starts at the working "
            f"folder ({str(Path.cwd())!r})."
        )
    if found.is_dir():
        raise ValueError(f"{name} is a folder, not an image or a video.")
    if found.stat().st_size == 0:
        raise ValueError(
            f"{name} is empty (0 bytes): a copy or download may have failed. Get the file again, "
            "or drop the row."
        )


def _open_picture(path: str, name: str) -> Image | None:
    """Decode an image file; None where Pillow knows no such image, or it has several pictures."""
    pillow = import_optional("PIL.Image", extra=_EXTRA, purpose="Reading an image file")
    operations = import_optional("PIL.ImageOps", extra=_EXTRA, purpose="Reading an image file")
    pillow.init()
    formats = [form for form in _FORMATS if form in pillow.OPEN]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pillow.DecompressionBombWarning)
            with pillow.open(path, formats=formats) as file:
                if getattr(file, "n_frames", 1) > 1 and file.format == "GIF":
                    return None
                picture = operations.exif_transpose(file)
                if picture.mode.startswith("I"):
                    values = np.clip(np.asarray(picture), 0, 65535)
                    return np.repeat(_to_8_bits(values)[..., None], 3, axis=2)
                return np.array(picture.convert("RGB"), dtype=np.uint8)
    except pillow.UnidentifiedImageError:
        return None
    except (pillow.DecompressionBombError, pillow.DecompressionBombWarning) as error:
        raise ValueError(f"{name} is too large an image ({error}). Make it smaller.") from error
    except (OSError, SyntaxError, ValueError) as error:
        raise ValueError(
            f"{name} is a damaged or truncated image ({error}). Get it again, or drop the row."
        ) from error


def _open_video(clip: Clip, path: str) -> Clip:
    av = _av()
    try:
        with av.open(path) as container:
            form = container.format.name
            if form in _NO_VIDEOS or form.endswith("_pipe"):
                raise ValueError(_unreadable(path, clip.name, "its content is of no known kind"))
            stream = _video_stream(av, container, clip.name)
            native = float(stream.average_rate or _DEFAULT_RATE)
            seconds = container.duration / av.time_base if container.duration else 0.0
    except av.FFmpegError as error:
        raise ValueError(_unreadable(path, clip.name, error)) from error
    if clip.end is not None and clip.end <= clip.start:
        raise ValueError(
            f"{clip.name}: the part #t={clip.start:g},{clip.end:g} holds no picture: its end is "
            "not after its start. Correct the part (it is in seconds)."
        )
    end = seconds if clip.end is None else min(clip.end, seconds)
    if seconds and clip.start >= seconds:
        raise ValueError(
            f"{clip.name}: the part starts at {clip.start:g} s, but the video lasts "
            f"{seconds:.3f} s. Correct the part (it is in seconds)."
        )
    rate = min(clip.frames_per_second or native, native)
    n_expected = max(1, round((end - clip.start) * rate))
    return Clip(path, clip.name, clip.frames_per_second, native, clip.start, clip.end, n_expected)


def _av() -> ModuleType:
    return import_optional("av", extra=_EXTRA, purpose="Reading a video")


def _video_stream(av: ModuleType, container: Any, name: str) -> Any:
    """Return the video stream; the cover of a song is none."""
    cover = av.stream.Disposition.attached_pic
    for stream in container.streams.video:
        if not stream.disposition & cover:
            return stream
    kinds = sorted({stream.type for stream in container.streams})
    raise ValueError(
        f"{name} holds no pictures (streams: {', '.join(kinds) or 'none'}). For sound use an "
        "embedder of sound; else get the video again."
    )


def _decode(clip: Clip, path: str) -> Iterator[Image]:
    av = _av()
    first = last = None
    n_taken = 0
    try:
        with av.open(path) as container:
            stream = _video_stream(av, container, clip.name)
            stream.thread_type = "AUTO"
            origin = (container.start_time or 0) / av.time_base
            if clip.start > 0:
                container.seek(int((origin + clip.start) * av.time_base))
            promised = _promised_end(stream)
            for time, frame in _timed(container.decode(stream), clip.native_rate):
                last = time
                if time - origin < clip.start - 1e-6:
                    continue
                if clip.end is not None and time - origin >= clip.end:
                    break
                first = time if first is None else first
                if _is_due(time - first, n_taken, clip):
                    n_taken = _next_instant(time - first, clip)
                    yield _upright(frame)
            else:
                if last is not None:
                    _check_end(clip, path, last, promised)
    except av.FFmpegError as error:
        raise ValueError(_unreadable(path, clip.name, error)) from error
    if first is None:
        raise ValueError(_no_picture(clip))


def _check_end(clip: Clip, path: str, last: float, promised: float | None) -> None:
    """Raise if a video ends before its stream, or else its file, says that it does."""
    if promised is None:
        promised = _lost_end(path, last)
    if promised is not None and last < promised - _LOST_SECONDS:
        raise ValueError(
            f"{clip.name} is truncated: it should last until {promised:.2f} s and ends at "
            f"{last:.2f} s. Get it again, or drop the row."
        )


def _lost_end(path: str, last: float) -> float | None:
    """Where a file says that it ends; None if anything in it, such as its sound, reaches there."""
    av = _av()
    with av.open(path) as container:
        end = ((container.start_time or 0) + (container.duration or 0)) / av.time_base
        if last >= end - _LOST_SECONDS:
            return None
        times = [
            float(packet.pts * packet.time_base)
            for packet in container.demux()
            if packet.pts is not None and packet.time_base is not None
        ]
    return end if max(times, default=0.0) < end - _LOST_SECONDS else None


def _timed(frames: Any, native_rate: float) -> Iterator[tuple[float, Any]]:
    """Pair each picture with its time; one without a time follows the one before."""
    time = -1.0 / native_rate
    for frame in frames:
        time = time + 1.0 / native_rate if frame.time is None else float(frame.time)
        yield time, frame


def _promised_end(stream: Any) -> float | None:
    """Return where a stream says that it ends.

    Matroska and WebM say it in a tag. Of an AVI file FFmpeg counts what is there as the duration;
    the number of pictures is the file's own word.
    """
    if stream.container.format.name == "avi" and stream.frames and stream.average_rate:
        return float(stream.frames / stream.average_rate)
    if stream.duration is not None and stream.time_base is not None:
        return float(((stream.start_time or 0) + stream.duration) * stream.time_base)
    for key, value in stream.metadata.items():
        found = _TAGGED.fullmatch(value) if key.upper().startswith("DURATION") else None
        if found is not None:
            return 3600.0 * int(found[1]) + 60.0 * int(found[2]) + float(found[3])
    return None


def _is_due(elapsed: float, k: int, clip: Clip) -> bool:
    if clip.frames_per_second is None:
        return True
    return elapsed + 0.5 / clip.native_rate > k / clip.frames_per_second - 1e-9


def _next_instant(elapsed: float, clip: Clip) -> int:
    """Number of the first instant that lies behind the picture just taken."""
    if clip.frames_per_second is None:
        return 0
    return int((elapsed + 0.5 / clip.native_rate) * clip.frames_per_second + 1e-9) + 1


def _upright(frame: Any) -> Image:
    """Pixels of a picture, turned as the file says."""
    pixels: Image = frame.to_ndarray(format="rgb24")
    quarters = round(getattr(frame, "rotation", 0) / 90) % 4
    return np.ascontiguousarray(np.rot90(pixels, quarters)) if quarters else pixels


def _no_picture(clip: Clip) -> str:
    if clip.start == 0 and clip.end is None:
        return f"{clip.name}: no picture could be decoded. Get the video again, or drop the row."
    return f"{clip.name}: no picture could be decoded in the part that is meant."


def _unreadable(path: str, name: str, error: Exception | str) -> str:
    with open(path, "rb") as file:
        head = file.read(16)
    return (
        f"{name} is neither an image that Pillow can read nor a video that FFmpeg can read, or it "
        f"is damaged ({error}); it starts with {head!r}. Get it again, or drop the row."
    )
