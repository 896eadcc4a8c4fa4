"""One place for what decoders throw at damaged files: an error that names the cell and the file."""

import lzma
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

# What PIL, libsndfile, PyAV, numpy and scipy were seen to raise at files with a few bytes changed.
_DAMAGE = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    NotImplementedError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    UnboundLocalError,
    ValueError,
    lzma.LZMAError,
    struct.error,
    tokenize.TokenError,
    zipfile.BadZipFile,
    zlib.error,
)


class UnreadableError(ValueError):
    """What a reader found in a file, as the rest of a sentence that the file's name begins."""


@contextmanager
def decoder_errors(name: str, said: str) -> Iterator[None]:
    """Turn whatever a decoder raises into a ValueError that names the file.

    Parameters
    ----------
    name : str
        What to call the file: the row, the column and its path.
    said : str
        What is wrong with it and what to do, as the rest of the sentence that `name` begins.

    Raises
    ------
    ValueError
        In place of any error that a damaged file can cause. An ImportError passes, for a missing
        package is no fault of the file's; so does an error that names the file already.

    Examples
    --------
    >>> with decoder_errors("row 3 (file 'a.png')", "is a damaged image. Get it again"):
    ...     raise IndexError("index out of range")
    Traceback (most recent call last):
        ...
    ValueError: row 3 (file 'a.png') is a damaged image. Get it again (IndexError: index out of ...
    """
    try:
        yield
    except _DAMAGE as error:
        message = str(error).rstrip(". ")
        if isinstance(error, UnreadableError):
            raise ValueError(f"{name} {message}.") from error
        if isinstance(error, ValueError | FileNotFoundError) and message.startswith(name):
            raise
        raise ValueError(f"{name} {said} ({type(error).__name__}: {message}).") from error
