"""Videos, and still images as videos of one image, decoded image by image."""

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import chain, islice
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from emoest.media.decoding.damage import decoder_errors
from emoest.media.decoding.limits import check_limit
from emoest.media.sources import first_bytes
from emoest.utils.optional import import_optional

Image = npt.NDArray[np.uint8]

EXTRA = "face"
"""What installs the packages that read images and videos."""

_CONTAINERS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,flv,mpegts,mpeg,mpegvideo,m4v,h264,hevc,asf,ogg,gif,"
    "dv,mxf,nut,rm,ivf,yuv4mpegpipe,wtv,wav,mp3,flac,aac,aiff,au,w64,caf,amr,ac3"
)
"""What FFmpeg may take a file for: containers of pictures or sound, and no list of other files."""

_DEFAULT_RATE = 25.0
_LOST_SECONDS = 1.0
"""A video that ends earlier than it says by more than this is taken as damaged."""

# How far before its start a part is looked for; the last one is the beginning of any video.
_SEEK_BACK = (0.0, 2.0, 10.0, float("inf"))
_FRACTION = 1e-6

_TAGGED = re.compile(r"(\d+):(\d+):(\d+(?:\.\d*)?)")


@dataclass(frozen=True)
class Clip:
    """A still image, or a video that was looked at and not yet decoded.

    Parameters
    ----------
    source : str or ndarray of shape (height, width, 3)
        The video file, or the still image.
    name : str
        What to call the item in an error.
    frames_per_second : float or None
        How many images a second are taken of a video; None takes all.
    native_rate : float
        Images a second that the video has.
    start, end : float or None
        The part that is meant, in seconds.
    n_expected : int
        About how many images `frames` gives.
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
        """Whether it is one image."""
        return not isinstance(self.source, str)

    @property
    def seconds_per_frame(self) -> float:
        """Seconds for which one image stands.

        A still image counts as one image taken of a video; 1 s if all images are taken.
        """
        if self.is_still:
            return 1.0 / (self.frames_per_second or 1.0)
        return 1.0 / min(self.frames_per_second or self.native_rate, self.native_rate)

    def frames(self) -> Iterator[Image]:
        """Decode the images one after the other.

        Of a video the image nearest to each of the instants ``k / frames_per_second`` is taken,
        counted from the first image of the part; none is taken twice.

        Yields
        ------
        image : ndarray of shape (height, width, 3), dtype uint8

        Raises
        ------
        ValueError
            If the video is damaged, or no image lies in the part.

        Examples
        --------
        >>> from emoest.media import open_clip
        >>> [frame.shape for frame in open_clip(np.zeros((4, 6), dtype=np.uint8)).frames()]
        [(4, 6, 3)]
        """
        if isinstance(self.source, str):
            yield from _decode(self, self.source)
        else:
            yield self.source


def open_video(clip: Clip, path: str) -> Clip:
    """Read the header of a video, and complete what its cell says by its rate and length."""
    av = _av()
    _check_pointers(path, clip.name)
    with _decoding(av, path, clip.name), open_container(av, path) as container:
        stream = _video_stream(av, container, clip.name)
        size = stream.codec_context.width * stream.codec_context.height
        check_limit(size, "EMOEST_MAX_PIXELS", clip.name)
        native = float(stream.average_rate or _DEFAULT_RATE)
        seconds = container.duration / av.time_base if container.duration else 0.0
    if clip.end is not None and clip.end <= clip.start:
        raise ValueError(
            f"{clip.name}: the part #t={clip.start:g},{clip.end:g} holds no image: its end is "
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


def _check_pointers(path: str, name: str) -> None:
    """Refuse a file that only lists others, which would be opened and which no digest covers."""
    start = first_bytes(path).removeprefix(b"\xef\xbb\xbf").lstrip()
    if start.startswith((b"#EXTM3U", b"ffconcat", b"<?xml", b"<MPD", b"[playlist]")):
        raise ValueError(
            f"{name} is a list that points to other files (it starts with {start!r}), which are "
            "not opened. Name the video itself, or join its pieces, for example with: ffmpeg -i "
            "<file> -c copy <file>.mp4"
        )


def open_container(av: ModuleType, path: str) -> Any:
    """Open a file with PyAV as a container of pictures or sound, never as a list of files."""
    return av.open(path, metadata_errors="replace", options={"format_whitelist": _CONTAINERS})


@contextmanager
def _decoding(av: ModuleType, path: str, name: str) -> Iterator[None]:
    said = (
        "is neither an image that Pillow can read nor a video that FFmpeg can read, or it is "
        f"damaged; it starts with {first_bytes(path)!r}. Get it again, or drop the row"
    )
    with decoder_errors(name, said):
        try:
            yield
        except av.FFmpegError as error:
            raise OSError(str(error)) from error


def _av() -> ModuleType:
    return import_optional("av", extra=EXTRA, purpose="Reading a video")


def _video_stream(av: ModuleType, container: Any, name: str) -> Any:
    """Return the first video stream that is not a cover."""
    # FFmpeg reports the picture on an album's cover as a video of one image.
    cover = av.stream.Disposition.attached_pic
    for stream in container.streams.video:
        if not stream.disposition & cover:
            return stream
    kinds = sorted({stream.type for stream in container.streams})
    raise ValueError(
        f"{name} holds no images (streams: {', '.join(kinds) or 'none'}). For audio use an "
        "embedder of audio; else get the video again."
    )


def _decode(clip: Clip, path: str) -> Iterator[Image]:
    av = _av()
    first = last = None
    n_taken = 0
    with _decoding(av, path, clip.name), _open_at_start(av, clip, path) as (stream, timed):
        promised = _promised_end(stream)
        for time, frame in timed:
            last = time
            # Time stamps are fractions, parts are decimals: the image at the start is in.
            if time < clip.start - _FRACTION:
                continue
            if clip.end is not None and time >= clip.end - _FRACTION:
                break
            first = time if first is None else first
            if _is_due(time - first, n_taken, clip):
                n_taken = _next_instant(time - first, clip)
                yield _upright(frame)
        else:
            # Only who has decoded all of it can tell that the end is missing.
            if last is not None:
                _check_end(clip, path, last + origin_of(av, stream), promised)
    if first is None:
        raise ValueError(_no_image(clip))


@contextmanager
def _open_at_start(av: ModuleType, clip: Clip, path: str) -> Iterator[tuple[Any, Any]]:
    """Open a video where its part starts, with its images from there on or from before.

    Where a format has no index, FFmpeg may land behind what it was asked for, in a transport
    stream by a second or more; then an earlier place is tried, and at last the beginning.
    """
    for back in _SEEK_BACK:
        with ExitStack() as stack:
            container = stack.enter_context(open_container(av, path))
            stream = _video_stream(av, container, clip.name)
            stream.thread_type = "AUTO"
            origin = origin_of(av, stream)
            target = max(0.0, clip.start - back)
            if target > 0:
                container.seek(int((origin + target) * av.time_base))
            timed = (
                (time - origin, frame)
                for time, frame in _timed(container.decode(stream), clip.native_rate)
            )
            head = list(islice(timed, 1))
            if target == 0 or (head and head[0][0] <= clip.start + _FRACTION):
                yield stream, chain(head, timed)
                return


def origin_of(av: ModuleType, stream: Any) -> float:
    """Return the time stamp in seconds at which the container of a stream begins."""
    return float((stream.container.start_time or 0) / av.time_base)


def _check_end(clip: Clip, path: str, last: float, promised: float | None) -> None:
    """Raise if a video ends before its stream, or else its file, says that it does."""
    if promised is None:
        promised = lost_end(path, last)
    if promised is not None and last < promised - _LOST_SECONDS:
        raise ValueError(
            f"{clip.name} is truncated: it should last until {promised:.2f} s and ends at "
            f"{last:.2f} s. Get it again, or drop the row."
        )


def lost_end(path: str, last: float) -> float | None:
    """Where a file says that it ends; None if anything in it, such as its audio, reaches there."""
    av = _av()
    with open_container(av, path) as container:
        end = ((container.start_time or 0) + (container.duration or 0)) / av.time_base
        if container.format.name == "avi":
            end = max([end, *(_counted_end(stream) for stream in container.streams)])
        if last >= end - _LOST_SECONDS:
            return None
        times = [
            float(packet.pts * packet.time_base)
            for packet in container.demux()
            if packet.pts is not None and packet.time_base is not None
        ]
    return end if max(times, default=0.0) < end - _LOST_SECONDS else None


def _timed(frames: Any, native_rate: float) -> Iterator[tuple[float, Any]]:
    """Pair each image with its time; one without a time follows the one before."""
    time = -1.0 / native_rate
    for frame in frames:
        time = time + 1.0 / native_rate if frame.time is None else float(frame.time)
        yield time, frame


def _promised_end(stream: Any) -> float | None:
    """Return where a stream says that it ends.

    Matroska and WebM say it in a tag. Of an AVI file FFmpeg counts what is there as the duration;
    the number of images is the file's own word.
    """
    if stream.container.format.name == "avi" and stream.frames:
        return _counted_end(stream)
    if stream.duration is not None and stream.time_base is not None:
        return float(((stream.start_time or 0) + stream.duration) * stream.time_base)
    for key, value in stream.metadata.items():
        found = _TAGGED.fullmatch(value) if key.upper().startswith("DURATION") else None
        if found is not None:
            return 3600.0 * int(found[1]) + 60.0 * int(found[2]) + float(found[3])
    return None


def _counted_end(stream: Any) -> float:
    """Return where a stream of an AVI file ends by its count of images or of units of sound."""
    return float((stream.frames or 0) * (stream.time_base or 0))


def _is_due(elapsed: float, k: int, clip: Clip) -> bool:
    if clip.frames_per_second is None:
        return True
    return elapsed + 0.5 / clip.native_rate > k / clip.frames_per_second - 1e-9


def _next_instant(elapsed: float, clip: Clip) -> int:
    """Number of the first instant that lies behind the image just taken."""
    if clip.frames_per_second is None:
        return 0
    return int((elapsed + 0.5 / clip.native_rate) * clip.frames_per_second + 1e-9) + 1


def _upright(frame: Any) -> Image:
    """Pixels of an image, turned and mirrored as the file says."""
    pixels: Image = frame.to_ndarray(format="rgb24")
    matrices = [data for data in frame.side_data if data.type.name == "DISPLAYMATRIX"]
    if not matrices:
        return pixels
    # The matrix takes (x, y) to (right * x + across * y, along * x + down * y).
    right, along, _, across, down = np.frombuffer(bytes(matrices[-1]), dtype=np.int32)[:5].tolist()
    if abs(along) > abs(right):
        pixels = pixels.transpose(1, 0, 2)
        right, down = across, along
    pixels = pixels[:, ::-1] if right < 0 else pixels
    return np.ascontiguousarray(pixels[::-1] if down < 0 else pixels)


def _no_image(clip: Clip) -> str:
    if clip.start == 0 and clip.end is None:
        return f"{clip.name}: no image could be decoded. Get the video again, or drop the row."
    return f"{clip.name}: no image could be decoded in the part that is meant."
