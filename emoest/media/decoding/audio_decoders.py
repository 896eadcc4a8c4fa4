"""Blocks of an audio file: from libsndfile, or from FFmpeg where libsndfile stops too early."""

from collections.abc import Iterator
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile

from emoest.media.decoding.damage import UnreadableError
from emoest.utils.optional import import_optional

Block = npt.NDArray[np.float32]

_DEMUXERS = {"MP3": "mp3", "OGG": "ogg", "FLAC": "flac", "AIFF": "aiff", "W64": "w64", "AU": "au"}


def sndfile_blocks(path: str, start: int, stop: int, size: int) -> Iterator[Block]:
    """Decode the samples from `start` to `stop` with libsndfile.

    Parameters
    ----------
    path : str
        The file.
    start, stop : int
        First sample, and the one behind the last; the file may end earlier.
    size : int
        Samples of a block.

    Yields
    ------
    block : ndarray of shape (n_samples, n_channels), dtype float32

    Raises
    ------
    soundfile.SoundFileError
        If the file is damaged.
    """
    with soundfile.SoundFile(path) as file:
        if start >= file.frames:
            return
        if start:
            file.seek(start)
        left = stop - start
        while left > 0:
            block = file.read(min(size, left), dtype="float32", always_2d=True)
            if len(block) == 0:
                break
            left -= len(block)
            yield block


def ffmpeg_blocks(path: str, form: str, start: int, stop: int | None, size: int) -> Iterator[Block]:
    """Decode the samples from `start` to `stop` with FFmpeg, from the beginning of the file on.

    Parameters
    ----------
    path : str
        The file.
    form : str
        What libsndfile calls its format; FFmpeg is not asked to guess another one.
    start : int
        First sample.
    stop : int or None
        The one behind the last; None reads to the end.
    size : int
        Samples of a block, at most.

    Yields
    ------
    block : ndarray of shape (n_samples, n_channels), dtype float32

    Raises
    ------
    ImportError
        If PyAV is not installed.
    ValueError
        If the file is damaged, or its rate or channels change within it.
    """
    av = _av(path)
    position = 0
    try:
        for samples in join_blocks(_frames(av, path, form), size):
            first, last = max(start - position, 0), len(samples)
            if stop is not None:
                last = min(last, stop - position)
            if first < last:
                yield samples[first:last]
            position += len(samples)
            if stop is not None and position >= stop:
                return
    except av.FFmpegError as error:
        raise UnreadableError(f"is damaged behind sample {position} ({error})") from error


def ffmpeg_length(path: str, form: str) -> tuple[int, int]:
    """Count the samples of a file by decoding it, and say its rate.

    Parameters
    ----------
    path, form : str
        See `ffmpeg_blocks`.

    Returns
    -------
    n_samples, rate : int
        Samples of each channel; sampling rate in Hz.

    Raises
    ------
    ImportError, ValueError
        See `ffmpeg_blocks`.
    """
    av = _av(path)
    try:
        with av.open(path, format=_DEMUXERS.get(form, "wav"), metadata_errors="replace") as file:
            rate = int(file.streams.audio[0].rate)
    except (av.FFmpegError, IndexError) as error:
        raise UnreadableError(f"is damaged ({error})") from error
    return sum(len(block) for block in ffmpeg_blocks(path, form, 0, None, 1 << 20)), rate


def _frames(av: ModuleType, path: str, form: str) -> Iterator[Block]:
    with av.open(path, format=_DEMUXERS.get(form, "wav"), metadata_errors="replace") as file:
        for _, block in decoded_blocks(av, file, file.streams.audio[0]):
            yield block


def decoded_blocks(
    av: ModuleType, container: Any, stream: Any
) -> Iterator[tuple[float | None, Block]]:
    """Decode a stream of sound of an open container.

    Yields
    ------
    time : float or None
        When the block begins, in seconds of the container, if that is known.
    block : ndarray of shape (n_samples, n_channels), dtype float32

    Raises
    ------
    ValueError
        If its rate or channels change.
    """
    rate, n_channels = stream.rate, stream.channels
    resampler = av.AudioResampler(format="fltp")
    for frame in container.decode(stream):
        if (frame.sample_rate, frame.layout.nb_channels) != (rate, n_channels):
            raise UnreadableError(
                f"holds recordings of {rate} Hz in {n_channels} channels and of "
                f"{frame.sample_rate} Hz in {frame.layout.nb_channels}, one behind the other"
            )
        time = frame.time
        # Time stamps that begin anew in a joined file are none of the resampler's business.
        frame.pts = None
        for converted in resampler.resample(frame):
            yield time, converted.to_ndarray().T


def join_blocks(blocks: Iterator[Any], size: int) -> Iterator[Block]:
    """Join short blocks, so that at most `size` samples and one block more are held.

    Examples
    --------
    >>> [len(block) for block in join_blocks(iter([np.zeros((2, 1))] * 5), 4)]
    [4, 4, 2]
    """
    held: list[Block] = []
    for block in blocks:
        held.append(block)
        if sum(map(len, held)) >= size:
            yield np.concatenate(held)
            held = []
    if held:
        yield np.concatenate(held)


def _av(path: str) -> ModuleType:
    return import_optional(
        "av", extra="audio", purpose=f"Reading {path!r}, which does not say how long it is,"
    )
