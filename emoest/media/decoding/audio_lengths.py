"""How long an audio file is: what its header says, compared with the bytes that are there.

A decoder believes the header. A header may rightly leave the length open (a stream has no end when
it begins), may be wrong, or may belong to a file of which only the beginning is there; these are
told apart here, from the structure of the file alone. Nothing is decoded but files whose length
only a decoder can tell.
"""

import mmap
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from emoest.media.decoding.damage import UnreadableError
from emoest.media.decoding.mpeg_frames import Mpeg, walk_mpeg

# Sizes from here on are what programs write that do not know the length (0x7FFFF000 is SoX's).
_OPEN_32_BITS = 0x7FFFF000
_OPEN_64_BITS = 0x7FFFFFFF_FFFFF000

_STARTS = (b"RIFF", b"RIFX", b"RF64", b"FORM", b".snd", b"caff", b"riff", b"fLaC", b"NIST_1A")
"""How files begin whose format allows one recording a file."""

_PCM_BYTES = {
    "PCM_S8": 1,
    "PCM_U8": 1,
    "ULAW": 1,
    "ALAW": 1,
    "PCM_16": 2,
    "PCM_24": 3,
    "PCM_32": 4,
    "FLOAT": 4,
    "DOUBLE": 8,
}

Bytes = mmap.mmap | bytes


@dataclass(frozen=True)
class Length:
    """What is known of the length of an audio file before it is decoded.

    Parameters
    ----------
    n_samples : int or None
        Samples of each channel that the file says or must have; None if only a decoder can tell.
    needs_ffmpeg : bool
        Whether libsndfile would stop before the end.
    is_exact : bool
        Whether every one of these samples has to be there; encoders of MP3 and the like trim.
    problem : str or None
        Why the end of the file is not the end of the recording, if that is so.
    """

    n_samples: int | None
    needs_ffmpeg: bool = False
    is_exact: bool = False
    problem: str | None = None


UNKNOWN = Length(None)
"""The length of what is no file."""


@dataclass(frozen=True)
class _Data:
    """Bytes of the samples: how many are declared (None: left open), and how many are there."""

    declared: int | None
    present: int
    rest: int
    """Where the bytes begin that belong to no part of the file."""


def audio_length(path: str, info: Any) -> Length:
    """Find out how long an audio file is.

    Parameters
    ----------
    path : str
        The file.
    info : soundfile._SoundFileInfo
        What libsndfile says of it.

    Returns
    -------
    length : Length
        The length, and whether it can be trusted.

    Raises
    ------
    ValueError
        If the file holds several recordings, or more samples than it declares; the message has no
        name in front.

    Examples
    --------
    >>> import soundfile, tempfile
    >>> path = tempfile.mkdtemp() + "/a.wav"
    >>> soundfile.write(path, [0.0] * 400, 8000)
    >>> _ = open(path, "r+b").truncate(444)
    >>> info = soundfile.info(path)
    >>> info.frames, audio_length(path, info).n_samples
    (200, 400)
    """
    with (
        open(path, "rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content,
    ):
        if info.format == "MP3":
            return _mpeg_length(walk_mpeg(content), info)
        if content[:4] == b"OggS":
            return _ogg_length(content, info)
        if content[:4] == b"fLaC":
            return _flac_length(content, info)
        data = _find_data(content)
        if data is None:
            return Length(info.frames)
        return _data_length(content, data, info)


def check_joined(path: str) -> None:
    """Raise if a file that libsndfile cannot open holds several recordings."""
    with open(path, "rb") as file:
        if not file.read(1):
            return
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            data = _find_data(content)
            if data is not None:
                _check_rest(content, data)


def _data_length(content: Bytes, data: _Data, info: Any) -> Length:
    _check_rest(content, data)
    sample = _PCM_BYTES.get(info.subtype, 0) * info.channels
    if data.declared is None:
        n_samples = data.present // sample if sample else (info.frames or None)
        return Length(n_samples, needs_ffmpeg=info.frames == 0 and data.present > 0)
    rest = (len(content) - data.rest) / max(data.declared, 1)
    if rest * info.frames > 0.25 * info.samplerate and any(content[data.rest : data.rest + 65536]):
        raise UnreadableError(
            f"declares {info.frames / info.samplerate:.3f} s, and {len(content) - data.rest} bytes "
            "follow that belong to no part of the file: its length is wrong. Write it anew, for "
            "example with: ffmpeg -ignore_length 1 -i <file> <new file>.wav"
        )
    if sample:
        return Length(data.declared // sample, is_exact=True)
    share = data.declared / data.present if data.declared > data.present else 1.0
    return Length(round(info.frames * share), is_exact=share > 1.0)


def _check_rest(content: Bytes, data: _Data) -> None:
    if data.declared is not None and content[data.rest : data.rest + 8].startswith(_STARTS):
        raise UnreadableError(_JOINED)


_JOINED = (
    "holds several recordings, one behind the other; a decoder reads the first alone. Split them, "
    "or join what they say (ffmpeg -f concat), not their bytes"
)


def _find_data(content: Bytes) -> _Data | None:
    """Find the samples in a file of one of the formats that declare their bytes."""
    magic = bytes(content[:12])
    for start, finder in _FINDERS:
        if magic.startswith(start):
            try:
                return finder(content)
            except UnreadableError:
                raise
            except (struct.error, ValueError, LookupError):
                return None
    return None


def _chunks(
    content: Bytes, first: int, size: str, *, id_bytes: int = 4, align: int = 2, counts: int = 0
) -> Iterator[tuple[bytes, int, int]]:
    """Name, start and declared bytes of each chunk; `counts` bytes of header are in the size."""
    position, width = first, struct.calcsize(size)
    while position + id_bytes + width <= len(content):
        name = bytes(content[position : position + id_bytes])
        if id_bytes == 4 and not name.isascii():
            return
        (declared,) = struct.unpack_from(size, content, position + id_bytes)
        start = position + id_bytes + width
        yield name, start, declared - counts
        position = start + max(0, declared - counts)
        position += -position % align


def _in_chunks(content: Bytes, chunks: Iterator[tuple[bytes, int, int]], wanted: bytes) -> _Data:
    """The chunk of the samples, and where the chunks behind it end."""
    data = None
    rest = 0
    for name, start, declared in chunks:
        if data is None and name[:4] == wanted:
            present = len(content) - start
            if declared > present and declared >= _OPEN_32_BITS:
                return _Data(None, present, len(content))
            data = _Data(declared, min(declared, present), start + declared)
        elif data is None:
            continue
        # Only text may stand in a name; what has none is no chunk.
        elif not name[:4].replace(b" ", b"").isalnum() or start + declared > len(content):
            break
        if name[:4] in _STARTS:
            break
        rest = start + declared + declared % 2
    if data is None:
        raise ValueError("no samples")
    return _Data(data.declared, data.present, min(rest, len(content)))


def _find_riff(content: Bytes) -> _Data:
    order = ">" if content[:4] == b"RIFX" else "<"
    if content[:4] == b"RF64":
        return _find_rf64(content)
    data = _in_chunks(content, _chunks(content, 12, order + "I"), b"data")
    (whole,) = struct.unpack_from(order + "I", content, 4)
    # Who writes to a pipe cannot come back to fill the sizes in, and leaves both of them zero.
    behind = len(content) - data.rest
    if data.declared == 0 and behind and (whole == 0 or whole >= _OPEN_32_BITS):
        return _Data(None, behind, len(content))
    return data


def _find_rf64(content: Bytes) -> _Data:
    declared = None
    for name, start, size in _chunks(content, 12, "<I"):
        if name == b"ds64":
            (declared,) = struct.unpack_from("<Q", content, start + 8)
        elif name == b"data":
            declared = size if declared is None or size < _OPEN_32_BITS else declared
            present = len(content) - start
            if declared > present and declared in {_OPEN_32_BITS, 0xFFFFFFFF, 2**64 - 1}:
                return _Data(None, present, len(content))
            end = min(start + declared, len(content))
            tail = _chunks(content, end, "<I")
            for tail_name, tail_start, tail_size in tail:
                if tail_name in _STARTS or tail_start + tail_size > len(content):
                    break
                end = tail_start + tail_size
            return _Data(declared, min(declared, present), end)
    raise ValueError("no samples")


def _find_form(content: Bytes) -> _Data:
    wanted = b"BODY" if content[8:12] in (b"8SVX", b"16SV") else b"SSND"
    (whole,) = struct.unpack_from(">I", content, 4)
    data = _in_chunks(content, _chunks(content, 12, ">I"), wanted)
    skipped = 0 if wanted == b"BODY" else 8
    if (data.declared or 0) <= skipped and whole == 0:
        return _Data(None, len(content) - data.rest, len(content))
    if data.declared is None:
        return _Data(None, data.present - skipped, data.rest)
    return _Data(data.declared - skipped, max(0, data.present - skipped), data.rest)


def _find_w64(content: Bytes) -> _Data:
    chunks = _chunks(content, 40, "<Q", id_bytes=16, align=8, counts=24)
    for name, start, declared in chunks:
        if name[:4] == b"data":
            present = len(content) - start
            if declared > present and (declared >= _OPEN_64_BITS or declared < 0):
                return _Data(None, present, len(content))
            end = start + declared
            return _Data(declared, min(declared, present), min(end + -end % 8, len(content)))
    raise ValueError("no samples")


def _find_caf(content: Bytes) -> _Data:
    for name, start, declared in _chunks(content, 8, ">q", align=1):
        if name == b"data":
            # Four bytes of the chunk count edits of the file.
            present = len(content) - start - 4
            if declared < 0:
                return _Data(None, present, len(content))
            # Of the chunks behind the samples only a whole further file would matter.
            end = start + declared
            rest = end if content[end : end + 4] == b"caff" else len(content)
            return _Data(declared - 4, min(declared - 4, present), rest)
    raise ValueError("no samples")


def _find_au(content: Bytes) -> _Data:
    offset, declared = struct.unpack_from(">II", content, 4)
    present = max(0, len(content) - offset)
    if declared >= _OPEN_32_BITS and declared > present:
        return _Data(None, present, len(content))
    return _Data(declared, min(declared, present), min(offset + declared, len(content)))


def _find_nist(content: Bytes) -> _Data:
    lines = bytes(content[:1024]).decode("latin-1").split("\n")
    fields = {words[0]: words[2] for line in lines if len(words := line.split()) == 3}
    offset = int(lines[1])
    declared = int(fields["sample_count"]) * int(fields.get("channel_count", "1"))
    declared *= int(fields["sample_n_bytes"])
    present = max(0, len(content) - offset)
    return _Data(declared, min(declared, present), min(offset + declared, len(content)))


_FINDERS: tuple[tuple[bytes, Callable[[Bytes], _Data]], ...] = (
    (b"RIFF", _find_riff),
    (b"RIFX", _find_riff),
    (b"RF64", _find_riff),
    (b"FORM", _find_form),
    (b"riff", _find_w64),
    (b"caff", _find_caf),
    (b".snd", _find_au),
    (b"NIST_1A", _find_nist),
)


def _flac_length(content: Bytes, info: Any) -> Length:
    # Behind the mark stands the first block, of 34 bytes; its last 36 bits before the digest count.
    if content.find(b"fLaC\x00\x00\x00\x22", 8) >= 0:
        raise UnreadableError(_JOINED)
    (numbers,) = struct.unpack_from(">Q", content, 18)
    declared = numbers & (2**36 - 1)
    return Length(declared or None, needs_ffmpeg=not declared, is_exact=bool(declared))


def _ogg_length(content: Bytes, info: Any) -> Length:
    """Walk over the pages of an Ogg file: is each stream ended, and how many follow each other."""
    position = content.find(b"OggS")
    ended: dict[bytes, bool] = {}
    n_links, cut, begins = 0, False, False
    while 0 <= position <= len(content) - 27:
        flags, serial = content[position + 5], bytes(content[position + 14 : position + 18])
        table = bytes(content[position + 27 : position + 27 + content[position + 26]])
        end = position + 27 + content[position + 26] + sum(table)
        # Streams that begin together are one link of the chain.
        n_links += bool(flags & 2) and not begins
        begins = bool(flags & 2)
        ended[serial] = bool(flags & 4)
        cut = end > len(content)
        position = content.find(b"OggS", end)
    problem = None
    if cut or not all(ended.values()):
        problem = "its last page is not the end of the stream"
    if n_links > 1:
        return Length(None, needs_ffmpeg=True, problem=problem)
    return Length(info.frames, problem=problem)


def _mpeg_length(mpeg: Mpeg, info: Any) -> Length:
    """Compare the frames that are there with those of the file's first frame, if that counts."""
    if mpeg.n_frames == 0:
        return Length(info.frames)
    problem = "its last frame is not whole" if mpeg.is_cut else None
    if mpeg.declared is None or mpeg.n_frames > mpeg.declared + 2 * mpeg.n_headers:
        n_samples = mpeg.n_frames * mpeg.samples_per_frame
        if mpeg.declared is None and info.frames >= n_samples:
            return Length(n_samples, problem=problem)
        return Length(n_samples, needs_ffmpeg=True, problem=problem)
    if mpeg.n_frames < mpeg.declared - 2:
        # libsndfile leaves out what the encoder added; it believes the header or guesses.
        least = (mpeg.declared - 4) * mpeg.samples_per_frame
        return Length(info.frames if info.frames >= least else least)
    return Length(info.frames)
