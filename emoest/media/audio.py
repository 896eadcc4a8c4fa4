"""Audio in a cell becomes a mono signal: read, mixed down, scaled, resampled, in bounded memory.

An audio item is a path (``clip.wav#t=1.20,3.45`` takes a part), an array ``(n,)`` or
``(n, channels)``, or a tuple ``(array, rate)``. `open_audio` looks at an item without decoding it,
`Audio.blocks` decodes it piece by piece, and `read_audio` gives the whole signal.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

from emoest.media.decoding.audio_decoders import ffmpeg_blocks, ffmpeg_length, sndfile_blocks
from emoest.media.decoding.audio_lengths import UNKNOWN, Length, audio_length, check_joined
from emoest.media.decoding.damage import decoder_errors
from emoest.media.decoding.foreign_items import own_item
from emoest.media.decoding.limits import MIN_AUDIO_RATE, check_limit
from emoest.media.levels import Levels
from emoest.media.sources import (
    check_file,
    check_rate,
    cut_part,
    first_bytes,
    name_file,
    spelling,
    split_fragment,
    split_tuple,
)
from emoest.media.video_sound import MOVIE, is_movie, movie_blocks, movie_length
from emoest.tables.cells import describe, is_missing, is_path

Signal = npt.NDArray[np.float32]

BLOCK_SECONDS = 10.0
"""How much of a file is decoded at a time."""

# More channels than this, and more than samples, is an array that lies on its side.
_MAX_CHANNELS = 32
# Encoders pad and trim: MP3 declares up to a few frames more than can be decoded.
_LOST_SECONDS = 0.25
# A header that counts itself among the samples declares a few too many.
_EXACT_SECONDS = 0.01

_GET_AGAIN = "Get the file again, or decode it anew, for example with: ffmpeg -i <file> <file>.wav"


def read_audio(
    item: Any,
    *,
    sampling_rate: float | None = None,
    target_rate: int | None = None,
    name: str = "audio item",
) -> tuple[Signal, float]:
    """Read one audio item as a mono signal.

    Channels are averaged, integers are scaled by the range of their type to [-1, 1), floats are
    kept as they are, and the signal is resampled with soxr (high quality) where `target_rate`
    differs from its own rate. A clip of one sample and silence are legal. Integers of 64 bits are
    an error: no recording has them, and scaled by their range they would be silence. A file is
    read to its end: one that ends before its header says so is an error, one whose header leaves
    the length open (a stream that was saved) is read in full, as are joined MP3 and Ogg files.
    Of a video (MP4, MOV, WebM, Matroska, AVI, MPEG and others) the sound is read, the default
    track if there are several, with silence where it begins after the picture.

    Parameters
    ----------
    item : str, path object, ndarray of shape (n,) or (n, channels), or tuple (array, rate)
        The item. A path may end in ``#t=start,end`` in seconds; either may be left out.
    sampling_rate : float, default=None
        Rate in Hz of an array that comes without one. Files and tuples bring their own.
    target_rate : int, default=None
        Rate in Hz of the signal that is wanted; None keeps the item's own.
    name : str, default="audio item"
        What to call the item in an error, for example ``"row 3, column 'audio'"``.

    Returns
    -------
    signal : ndarray of shape (n_samples,), dtype float32
        The signal, with at least one sample.
    rate : float
        Its sampling rate in Hz.

    Raises
    ------
    FileNotFoundError
        If the item is a path and the file is not there.
    ValueError
        If the file is empty, is not audio, is damaged, ends too early or holds more than it says,
        if there are no samples, if samples are NaN or infinite, if the part asked for lies outside
        the file, if the rate is below 1000 Hz, if the signal is larger than the limit of
        ``EMOEST_MAX_BYTES``, or if the item is not audio.
    ImportError
        If only FFmpeg can tell how long the file is and PyAV is not installed.

    Warns
    -----
    ImplausibleMediaWarning
        If the channels cancel each other in their mean, or floats are far beyond [-1, 1].

    Examples
    --------
    >>> read_audio(np.array([[0, 16384], [-32768, -32768]], dtype=np.int16), sampling_rate=8000)
    (array([ 0.25, -1.  ], dtype=float32), 8000.0)
    >>> signal, rate = read_audio((np.zeros(8000), 8000), target_rate=16000)
    >>> signal.shape, rate
    ((16000,), 16000.0)
    """
    audio = open_audio(item, sampling_rate=sampling_rate, name=name)
    rate = target_rate or audio.rate
    check_limit(4 * audio.seconds * rate, "EMOEST_MAX_BYTES", audio.name)
    signal = np.concatenate(list(audio.blocks(target_rate)))
    return signal, float(rate)


@dataclass(frozen=True)
class Audio:
    """An audio item that was looked at and not yet decoded.

    Parameters
    ----------
    source : str or ndarray of shape (n, channels)
        The file, or the samples.
    rate : float
        Sampling rate in Hz of the source.
    start, stop : int
        The part of the source that is meant, in samples.
    name : str
        What to call the item in an error.
    length : Length
        What a file says of its length.
    form : str
        What libsndfile calls the file's format.
    """

    source: str | npt.NDArray[Any]
    rate: float
    start: int
    stop: int
    name: str
    length: Length = UNKNOWN
    form: str = ""

    @property
    def seconds(self) -> float:
        """Duration in seconds."""
        return (self.stop - self.start) / self.rate

    def blocks(
        self, target_rate: int | None = None, seconds: float = BLOCK_SECONDS
    ) -> Iterator[Signal]:
        """Decode the item block by block.

        The blocks together are the signal; however long the item is, memory holds one block of the
        source and one of the result.

        Parameters
        ----------
        target_rate : int, default=None
            Rate in Hz of the blocks; None keeps the item's own.
        seconds : float, default=BLOCK_SECONDS
            Duration of the blocks that are decoded.

        Yields
        ------
        block : ndarray of shape (n_samples,), dtype float32
            Mono samples; no block is empty.

        Raises
        ------
        ValueError
            If the file is damaged, or if samples are NaN or infinite.

        Examples
        --------
        >>> audio = open_audio(np.zeros(2500), sampling_rate=1000)
        >>> [len(block) for block in audio.blocks(seconds=1.0)]
        [1000, 1000, 500]
        """
        size = max(1, round(seconds * self.rate))
        mono = self._mono(size)
        if target_rate is None or target_rate == self.rate:
            return mono
        return _resample(mono, self.rate, target_rate)

    def _mono(self, size: int) -> Iterator[Signal]:
        position = self.start
        levels = Levels()
        for block in self._decode(size):
            with np.errstate(over="ignore", invalid="ignore"):
                channels = _to_float(block)
                mono = channels.mean(axis=1, dtype=np.float32)
            if not np.isfinite(mono).all():
                bad = position + int(np.flatnonzero(~np.isfinite(mono))[0])
                raise ValueError(
                    f"{self.name} holds a NaN or infinite sample at {bad / self.rate:.3f} s. "
                    "Repair or cut the recording, or replace such samples, for example with "
                    "numpy.nan_to_num."
                )
            levels.add(channels, mono)
            position += len(mono)
            yield mono
        if position == self.start:
            raise ValueError(_no_samples(self.name))
        lost = self.stop - position
        if lost > (_EXACT_SECONDS if self.length.is_exact else _LOST_SECONDS) * self.rate:
            raise ValueError(
                f"{self.name} is cut off or damaged: it declares {self.seconds:.3f} s, and "
                f"{(position - self.start) / self.rate:.3f} s can be decoded. {_GET_AGAIN}"
            )
        if self.length.problem is not None and self.stop == self.length.n_samples:
            raise ValueError(
                f"{self.name} is cut off or damaged: {self.length.problem}. {_GET_AGAIN}"
            )
        levels.note(self.name)

    def _decode(self, size: int) -> Iterator[npt.NDArray[Any]]:
        if not isinstance(self.source, str):
            for first in range(self.start, self.stop, size):
                yield self.source[first : min(first + size, self.stop)]
            return
        with decoder_errors(self.name, _cannot_read(self.source)):
            if self.form == MOVIE:
                yield from movie_blocks(self.source, self.start, self.stop, size)
            elif self.length.needs_ffmpeg:
                yield from ffmpeg_blocks(self.source, self.form, self.start, self.stop, size)
            else:
                yield from sndfile_blocks(self.source, self.start, self.stop, size)


def open_audio(item: Any, *, sampling_rate: float | None = None, name: str = "audio item") -> Audio:
    """Look at an audio item: where it is, its rate and its duration; decode nothing.

    Parameters
    ----------
    item : str, path object, ndarray of shape (n,) or (n, channels), or tuple (array, rate)
        See `read_audio`.
    sampling_rate : float, default=None
        Rate in Hz of an array that comes without one.
    name : str, default="audio item"
        What to call the item in an error.

    Returns
    -------
    audio : Audio
        The item; its `blocks` decode it.

    Raises
    ------
    FileNotFoundError
        If the item is a path and the file is not there.
    ValueError
        See `read_audio`.

    Examples
    --------
    >>> open_audio((np.zeros(4000), 8000)).seconds
    0.5
    """
    item = own_item(item)
    if is_path(item):
        return _open_file(os.fspath(item), name)
    if isinstance(item, tuple):
        item, sampling_rate = split_tuple(item, name)
    if is_missing(item) or not isinstance(item, np.ndarray):
        raise ValueError(
            f"{name} is not audio: expected a path, an array of shape (n,) or (n, channels), or a "
            f"tuple (array, rate), found {describe(item)}.{spelling(item)}"
        )
    samples = _check_array(item, name)
    return Audio(samples, _check_audio_rate(sampling_rate, name), 0, len(samples), name)


def _open_file(item: str, name: str) -> Audio:
    path, start, end = split_fragment(item)
    name = name_file(path, name)
    check_file(path, name, "an audio file")
    with decoder_errors(name, _cannot_read(path)):
        length, rate, form = _look_at(path)
    if not length.n_samples:
        raise ValueError(_no_samples(name))
    rate = _check_audio_rate(rate, name)
    if form == MOVIE and end is not None and start < length.n_samples / rate:
        # The picture may last longer than the sound, and a part is one of both.
        end = min(end, length.n_samples / rate)
    first, stop = cut_part(length.n_samples, rate, start, end, name)
    return Audio(path, rate, first, stop, name, length, form)


def _look_at(path: str) -> tuple[Length, float, str]:
    """Find the length, the rate and the format of a file."""
    if is_movie(path):
        n_samples, rate = movie_length(path)
        return Length(n_samples), rate, MOVIE
    try:
        info = soundfile.info(path)
    except soundfile.SoundFileError:
        check_joined(path)
        raise
    length, rate = audio_length(path, info), info.samplerate
    if length.n_samples is None:
        n_samples, rate = ffmpeg_length(path, info.format)
        length = replace(length, n_samples=n_samples)
    return length, rate, info.format


def _check_audio_rate(rate: Any, name: str) -> float:
    checked = check_rate(rate, name)
    if checked < MIN_AUDIO_RATE:
        raise ValueError(
            f"{name} has a sampling rate of {checked:g} Hz, at which there is no speech. Rates are "
            "in Hz (16000, not 16); correct it, or get the recording again."
        )
    return checked


def _check_array(samples: npt.NDArray[Any], name: str) -> npt.NDArray[Any]:
    if samples.dtype.kind not in "iuf" or samples.ndim not in {1, 2}:
        raise ValueError(
            f"{name} is not audio: expected numbers of shape (n,) or (n, channels), found an "
            f"array of {samples.dtype} of shape {samples.shape}."
        )
    if samples.dtype.kind in "iu" and samples.dtype.itemsize == 8:
        raise ValueError(
            f"{name} holds integers of 64 bits, whose range says nothing about loudness. Give the "
            "array the type of the recording, for example with samples.astype(numpy.int16)."
        )
    if samples.ndim == 1:
        samples = samples[:, None]
    n_channels = samples.shape[1]
    if n_channels > _MAX_CHANNELS and n_channels > len(samples):
        raise ValueError(
            f"{name} has shape {samples.shape}, which is {n_channels} channels. Arrays are "
            "(n, channels): transpose it."
        )
    if samples.size == 0:
        raise ValueError(_no_samples(name))
    return samples


def _to_float(block: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """Scale integers by the range of their type; unsigned ones are centered first."""
    if block.dtype.kind == "f":
        return block.astype(np.float32, copy=False)
    half = 2.0 ** (8 * block.dtype.itemsize - 1)
    center = half if block.dtype.kind == "u" else 0.0
    return ((block.astype(np.float64) - center) / half).astype(np.float32)


def _resample(blocks: Iterator[Signal], rate: float, target_rate: int) -> Iterator[Signal]:
    stream = soxr.ResampleStream(rate, target_rate, 1, dtype="float32", quality="HQ")
    first: Signal | None = None
    n_out = 0
    for block in blocks:
        first = block[:1] if first is None else first
        resampled = stream.resample_chunk(block)
        n_out += len(resampled)
        if len(resampled):
            yield resampled
    resampled = stream.resample_chunk(np.zeros(0, dtype=np.float32), last=True)
    if len(resampled):
        yield resampled
    elif n_out == 0 and first is not None:
        yield first.copy()


def _cannot_read(path: str) -> str:
    return (
        f"is not audio that libsndfile can read, or it is damaged; it starts with "
        f"{first_bytes(path)!r}. Readable are WAV, FLAC, OGG, MP3, AIFF and the sound of MP4, "
        "WebM and other videos; convert anything else with: ffmpeg -i <file> <file>.wav"
    )


def _no_samples(name: str) -> str:
    return f"{name} has no samples (duration 0 s). Get the recording again, or drop the row."
