"""What a file of weights may cost: sizes that it declares are compared with its length first."""

from pathlib import Path

MAX_BYTES = 512 * 2**20
"""Largest file that is read at once. The nets of such files have at most some 30 MB."""


class DamagedError(ValueError):
    """What is wrong with a file, as the rest of a sentence that names the file."""


def read_bounded(path: Path) -> bytes:
    """Read a file whole, unless it is far larger than any net that is read here.

    Raises
    ------
    DamagedError
        If it is.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "net.onnx"
    >>> _ = path.write_bytes(b"abc")
    >>> read_bounded(path)
    b'abc'
    """
    check_size(path.stat().st_size, MAX_BYTES, "its size")
    return path.read_bytes()


def check_size(declared: int, most: int, what: str) -> None:
    """Raise if a file declares more than it can mean.

    Examples
    --------
    >>> check_size(2**40, 1000, "the tensor 'w'")
    Traceback (most recent call last):
        ...
    emoest.nets.weight_files.bounds.DamagedError: the tensor 'w' is 1,099,511,627,776, ...
    """
    if declared > most:
        raise DamagedError(f"{what} is {declared:,}, where at most {most:,} is possible")
