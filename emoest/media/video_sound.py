"""The sound of a video file, decoded block by block with FFmpeg."""

from collections.abc import Generator, Iterator
from contextlib import closing
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
# Decoders need some sound before a part to be in the state that the whole brings them into.
_RUN_UP_SECONDS = 2.0
_SETTLED_SECONDS = 0.2


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
    """Decode the samples of a video's sound from `start` to `stop`.

    What lies more than two seconds before `start` is passed over, where the time stamps say how
    much that is; they are exact to the millisecond in Matroska and FLV, to the sample in others.

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
        position, blocks = _open_before(av, path, start)
        with closing(blocks):
            for samples in join_blocks(blocks, size):
                part = samples[max(start - position, 0) : max(stop - position, 0)]
                if len(part):
                    yield part
                position += len(samples)
                if position >= stop:
                    return
    except av.FFmpegError as error:
        raise UnreadableError(f"is damaged behind sample {position} ({error})") from error


def _open_before(av: ModuleType, path: str, start: int) -> tuple[int, Generator[Block]]:
    """Begin to decode at most at sample `start`; the first sample that comes, and the blocks."""
    with open_container(av, path) as container:
        stream = _sound(container)
        rate, origin = stream.rate, origin_of(av, stream)
        target = start / rate - _RUN_UP_SECONDS
        begin, _ = next(decoded_blocks(av, container, stream), (None, None))
    if begin is not None and target > 0:
        # Not in the container above: a decoder that has begun gives one frame more.
        blocks = _decode_from(av, path, begin + target)
        time, block = next(blocks, (None, None))
        if time is not None and block is not None:
            position = _silence(begin, origin, rate) + round((time - begin) * rate)
            if 0 < position < start - _SETTLED_SECONDS * rate:
                return position, _join(block, blocks)
        blocks.close()
    return 0, _decode_all(av, path)


def _decode_from(
    av: ModuleType, path: str, seconds: float
) -> Generator[tuple[float | None, Block]]:
    with open_container(av, path) as container:
        stream = _sound(container)
        container.seek(int(seconds / stream.time_base), stream=stream)
        yield from decoded_blocks(av, container, stream)


def _join(first: Block, others: Generator[tuple[float | None, Block]]) -> Generator[Block]:
    yield first
    with closing(others):
        for _, block in others:
            yield block


def _decode_all(av: ModuleType, path: str) -> Generator[Block]:
    with open_container(av, path) as container:
        yield from _on_clock(av, container, _sound(container))


def _sound(container: Any) -> Any:
    """Return the sound track that a player would take first."""
    tracks = container.streams.audio
    if not tracks:
        kinds = sorted({stream.type for stream in container.streams})
        raise UnreadableError(f"holds no sound (streams: {', '.join(kinds) or 'none'})")
    return next((track for track in tracks if track.disposition & 1), tracks[0])


def _on_clock(av: ModuleType, container: Any, stream: Any) -> Iterator[Block]:
    """Decode a sound track, with silence before it where the picture begins earlier."""
    begun = False
    for time, block in decoded_blocks(av, container, stream):
        n_late = 0 if begun else _silence(time, origin_of(av, stream), stream.rate)
        if n_late:
            silence: npt.NDArray[np.float32] = np.zeros((n_late, block.shape[1]), np.float32)
            yield silence
        begun = True
        yield block


def _silence(time: float | None, origin: float, rate: int) -> int:
    """Count the samples of silence before sound that begins at some time of the container."""
    late = 0.0 if time is None else time - origin
    return round(late * rate) if late > _LATE_SECONDS else 0


def _av(path: str) -> ModuleType:
    return import_optional("av", extra="audio", purpose=f"Reading the sound of {path!r}")
