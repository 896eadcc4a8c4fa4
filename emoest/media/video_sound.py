"""The sound of a video file, decoded block by block with FFmpeg."""

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from emoest.media.decoding.audio_decoders import Block, decoded_blocks, join_blocks
from emoest.media.decoding.damage import UnreadableError
from emoest.media.sources import first_bytes
from emoest.media.video import lost_end, open_container, origin_of
from emoest.utils.optional import import_optional

MOVIE = "MOVIE"
"""What the format of a file is called whose sound is read here."""

# How containers of picture and sound begin: at which byte, and with what.
_SIGNATURES = (
    (4, b"ftyp"),
    (0, b"\x1aE\xdf\xa3"),
    (8, b"AVI "),
    (0, b"FLV"),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11"),
    (0, b"\x00\x00\x01\xba"),
)
_TRANSPORT_BYTES = 188
# Less than this is how codecs round, not sound that begins after the picture.
_LATE_SECONDS = 0.05


def is_movie(path: str) -> bool:
    """Check whether a file begins as containers of picture and sound do, MP4 or WebM for example.

    Examples
    --------
    >>> is_movie("/dev/null")
    False
    """
    start = first_bytes(path, 2 * _TRANSPORT_BYTES)
    if any(start[at : at + len(found)] == found for at, found in _SIGNATURES):
        return True
    return start[:1] == b"G" and start[_TRANSPORT_BYTES : _TRANSPORT_BYTES + 1] == b"G"


def movie_length(path: str) -> tuple[int, int]:
    """Count the samples of a video's sound by decoding it, and say its rate.

    Sound that begins after the picture has silence before it, so that both share one clock.

    Parameters
    ----------
    path : str
        The file.

    Returns
    -------
    n_samples, rate : int
        Samples of each channel; sampling rate in Hz.

    Raises
    ------
    ImportError
        If PyAV is not installed.
    ValueError
        If the file holds no sound, is damaged, or ends before it says that it does.
    """
    status = Path(path).stat()
    return _length(path, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=1024)
def _length(path: str, size: int, changed: int) -> tuple[int, int]:
    # Asked for several times a file, and a long video takes a while.
    av = _av(path)
    try:
        with open_container(av, path) as container:
            stream = _sound(container)
            rate = int(stream.rate)
            origin = origin_of(av, stream)
            n_samples = sum(len(block) for block in _on_clock(av, container, stream))
        end = lost_end(path, origin + n_samples / rate)
    except av.FFmpegError as error:
        raise UnreadableError(f"is damaged ({error})") from error
    if end is not None:
        raise UnreadableError(
            f"is truncated: it should last until {end:.2f} s and ends at "
            f"{origin + n_samples / rate:.2f} s. Get it again, or drop the row"
        )
    return n_samples, rate


def movie_blocks(path: str, start: int, stop: int, size: int) -> Iterator[Block]:
    """Decode the samples of a video's sound from `start` to `stop`, from the beginning on.

    Parameters
    ----------
    path : str
        The file.
    start, stop : int
        First sample, and the one behind the last.
    size : int
        Samples of a block, at most.

    Yields
    ------
    block : ndarray of shape (n_samples, n_channels), dtype float32

    Raises
    ------
    ImportError, ValueError
        See `movie_length`.
    """
    av = _av(path)
    position = 0
    try:
        with open_container(av, path) as container:
            for samples in join_blocks(_on_clock(av, container, _sound(container)), size):
                part = samples[max(start - position, 0) : max(stop - position, 0)]
                if len(part):
                    yield part
                position += len(samples)
                if position >= stop:
                    return
    except av.FFmpegError as error:
        raise UnreadableError(f"is damaged behind sample {position} ({error})") from error


def _sound(container: Any) -> Any:
    """Return the sound track that a player would take first."""
    tracks = container.streams.audio
    if not tracks:
        kinds = sorted({stream.type for stream in container.streams})
        raise UnreadableError(f"holds no sound (streams: {', '.join(kinds) or 'none'})")
    return next((track for track in tracks if track.disposition & 1), tracks[0])


def _on_clock(av: ModuleType, container: Any, stream: Any) -> Iterator[Block]:
    """Decode a sound track, with silence before it where the picture begins earlier."""
    origin = origin_of(av, stream)
    begun = False
    for time, block in decoded_blocks(av, container, stream):
        late = 0.0 if begun or time is None else time - origin
        if late > _LATE_SECONDS:
            n_late = round(late * stream.rate)
            silence: npt.NDArray[np.float32] = np.zeros((n_late, block.shape[1]), np.float32)
            yield silence
        begun = True
        yield block


def _av(path: str) -> ModuleType:
    return import_optional("av", extra="audio", purpose=f"Reading the sound of {path!r}")
