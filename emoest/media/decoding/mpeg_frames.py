"""The frames of an MP3 file, counted by their headers alone."""

import mmap
from dataclasses import dataclass

# Kilobits a second by the number in the header, for layer III of MPEG 1, and of MPEG 2 and 2.5.
_BITRATES = (
    (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
)
_RATES = (44100, 48000, 32000)
# Between two recordings may stand so much that is neither frame nor ID3 tag.
_MAX_SKIPPED = 65536


@dataclass(frozen=True)
class Mpeg:
    """What the headers of the frames of an MP3 file say.

    Parameters
    ----------
    n_frames : int
        Frames of sound that are there in full.
    samples_per_frame : int
        Samples of each channel in a frame.
    declared : int or None
        Frames of sound that the file's first frame says (Xing, Info, VBRI); None if it says none.
    n_headers : int
        Frames that tell of the file instead of holding sound: one a recording.
    is_cut : bool
        Whether the last frame is there in part.
    """

    n_frames: int = 0
    samples_per_frame: int = 1152
    declared: int | None = None
    n_headers: int = 0
    is_cut: bool = False


def walk_mpeg(content: mmap.mmap | bytes) -> Mpeg:
    """Walk over the frames of an MP3 file.

    Parameters
    ----------
    content : mmap or bytes
        The file.

    Returns
    -------
    mpeg : Mpeg
        What was found; ID3 tags and other bytes between frames are skipped.

    Examples
    --------
    >>> frame = bytes([0xFF, 0xFB, 0x90, 0x00]) + bytes(413)  # 128 kbit/s at 44.1 kHz
    >>> walk_mpeg(3 * frame).n_frames, walk_mpeg((3 * frame)[:-1]).is_cut
    (3, True)
    """
    position, n_frames, n_headers, samples = _behind_tag(content, 0), 0, 0, 1152
    declared: int | None = None
    is_cut = False
    while position + 4 <= len(content):
        found = _frame(content, position)
        # Two headers in a row are a frame; one alone may be chance.
        if found is None:
            following = _resume(content, position)
            if following is None:
                break
            position = following
            continue
        size, samples = found
        is_cut = position + size > len(content)
        said = _said(content, position, size)
        if said is not None:
            n_headers += 1
            declared = (said or None) if n_headers == 1 and n_frames == 0 else declared
        else:
            n_frames += not is_cut
        position += size
    return Mpeg(n_frames, samples, declared, n_headers, is_cut)


def _behind_tag(content: mmap.mmap | bytes, position: int) -> int:
    if content[position : position + 3] != b"ID3" or position + 10 > len(content):
        return position
    size = 0
    for byte in content[position + 6 : position + 10]:
        size = size << 7 | byte & 0x7F
    return position + 10 + size


def _resume(content: mmap.mmap | bytes, position: int) -> int | None:
    """Where the next frame begins: behind a tag, or behind bytes that are none."""
    behind = _behind_tag(content, position)
    if behind > position:
        return behind
    last = position + _MAX_SKIPPED
    while position < (position := content.find(b"\xff", position + 1, last)):
        found = _frame(content, position)
        if found is not None and _frame(content, position + found[0]) is not None:
            return position
    return None


def _frame(content: mmap.mmap | bytes, position: int) -> tuple[int, int] | None:
    """Bytes and samples of the frame at a position; None if none begins there."""
    head = content[position : position + 4]
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0 or head[1] >> 1 & 3 != 1:
        return None
    version, bits, rate = head[1] >> 3 & 3, head[2] >> 4, head[2] >> 2 & 3
    if version == 1 or bits in {0, 15} or rate == 3:
        return None
    is_first = version == 3
    samples = 1152 if is_first else 576
    hertz = _RATES[rate] // (1 if is_first else 2 if version == 2 else 4)
    bitrate = 1000 * _BITRATES[0 if is_first else 1][bits]
    return samples // 8 * bitrate // hertz + (head[2] >> 1 & 1), samples


def _said(content: mmap.mmap | bytes, position: int, size: int) -> int | None:
    """How many frames of sound the file has, if the frame at a position says so."""
    frame = bytes(content[position : position + min(size, 64)])
    for mark in (b"Xing", b"Info"):
        at = frame.find(mark)
        if 4 < at <= 36 + 2:
            has_count = len(frame) >= at + 12 and frame[at + 7] & 1
            return int.from_bytes(frame[at + 8 : at + 12], "big") if has_count else 0
    if frame[36:40] == b"VBRI":
        return int.from_bytes(bytes(content[position + 50 : position + 54]), "big")
    return None
