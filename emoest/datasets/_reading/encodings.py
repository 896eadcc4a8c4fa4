"""Text that was saved with one encoding and read with another."""

import re
from dataclasses import dataclass

_LOST = "\N{REPLACEMENT CHARACTER}"
_BYTE_ORDER_MARKS = (b"\xff\xfe", b"\xfe\xff")
_PUNCTUATION = "‘’‚“”„†‡•…–—€™"  # noqa: RUF001
_LATIN = "".join(chr(code) for code in range(0xC0, 0x100))


def _windows_1252(byte: int) -> str:
    return bytes([byte]).decode("cp1252", errors="replace")


def _garbled(character: str) -> str:
    """Write a character's UTF-8 bytes as a reader that believes in Windows-1252 shows them."""
    shown = (bytes([byte]).decode("cp1252", errors="ignore") for byte in character.encode())
    return "".join(a or chr(b) for a, b in zip(shown, character.encode(), strict=True))


_TWICE = {_garbled(character): character for character in _PUNCTUATION + _LATIN}
# Longer sequences first, since a shorter one may be how a longer one starts.
_TWICE_PATTERN = re.compile("|".join(sorted(map(re.escape, _TWICE), key=len, reverse=True)))
_CONTROL_PATTERN = re.compile("[\x80-\x9f]")
_STRAY_PATTERN = re.compile("[\udc80-\udcff]")


@dataclass(frozen=True)
class FixedText:
    """The text of a file, and what had to be fixed in it.

    Parameters
    ----------
    text : str
        The text.
    n_fixed : int
        Characters of Windows-1252 that were fixed.
    lost_lines : tuple of int
        Numbers of the lines, from 1, that hold a character nobody can tell any more.
    """

    text: str
    n_fixed: int
    lost_lines: tuple[int, ...]


def fix_encoding(content: bytes, *, name: str) -> FixedText:
    r"""Decode UTF-8, and fix what was meant as Windows-1252.

    Three accidents are told apart: bytes of Windows-1252 inside a UTF-8 file, the same bytes kept
    as control characters (U+0092 for an apostrophe), and UTF-8 that was read as Windows-1252 and
    saved again. Everything else stays as it is.

    What is no text, or text in UTF-16, is an error that names `name`.

    Examples
    --------
    >>> fixed = fix_encoding(b"he\x92s lost it", name="train.csv")
    >>> fixed.text == "he\N{RIGHT SINGLE QUOTATION MARK}s lost it", fixed.n_fixed
    (True, 1)
    """
    # Text in UTF-16 without a mark holds a zero byte for each letter of ASCII.
    if content.startswith(_BYTE_ORDER_MARKS) or b"\x00" in content:
        raise ValueError(
            f"{name} is no text in UTF-8: it holds zero bytes or the mark of UTF-16. Save it as "
            "UTF-8, or copy the official file again."
        )
    text = content.decode("utf-8-sig", errors="surrogateescape")
    text, n_stray = _STRAY_PATTERN.subn(lambda m: _windows_1252(ord(m[0]) - 0xDC00), text)
    # Before control characters: Windows-1252 leaves five bytes undefined, which stay control
    # characters inside sequences that were encoded twice.
    text, n_twice = _TWICE_PATTERN.subn(lambda m: _TWICE[m[0]], text)
    text, n_control = _CONTROL_PATTERN.subn(lambda m: _windows_1252(ord(m[0])), text)
    lost = tuple(i for i, line in enumerate(text.split("\n"), start=1) if _LOST in line)
    return FixedText(text, n_stray + n_twice + n_control, lost)
