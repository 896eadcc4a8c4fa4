"""Arrays of numbers in MATLAB's files, read so that a damaged file is an error and nothing worse.

scipy follows the types and sizes that such a file declares wherever they lead, out of its memory
included. Here each tag is compared with the bytes that are there before it is believed. Files of
MATLAB 5 to 7.2 are read here, older ones (version 4) by scipy, whose reader of those is plain
Python.
"""

import math
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from emoest.media.decoding.damage import UnreadableError, decoder_errors
from emoest.media.decoding.limits import check_limit
from emoest.utils.typing import Array

_TYPES = {
    1: "i1",
    2: "u1",
    3: "i2",
    4: "u2",
    5: "i4",
    6: "u4",
    7: "f4",
    9: "f8",
    12: "i8",
    13: "u8",
}
_CLASSES = dict(enumerate(("f8", "f4", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8"), start=6))
_NAMES = {1: "cell", 2: "struct", 3: "object", 4: "char", 5: "sparse", 16: "function"}
_NAMES |= {17: "object", 18: "object"}
_MATRIX, _COMPRESSED = 14, 15
_COMPLEX = 0x0800

_HEADER_BYTES = 65536
"""Flags, dimensions and name of a variable are no longer than this."""


@dataclass(frozen=True)
class MatVariable:
    """A variable of a file: its shape, and what is needed to read it.

    Parameters
    ----------
    shape : tuple of int
        Its dimensions.
    kind : str
        Type of its numbers, such as ``"f8"``, or what it is instead: ``"struct"``.
    start, n_bytes : int
        Where its element lies in the file.
    is_compressed : bool
        Whether the element is compressed.
    """

    shape: tuple[int, ...]
    kind: str
    start: int = 0
    n_bytes: int = 0
    is_compressed: bool = False

    @property
    def is_numeric(self) -> bool:
        """Whether it is an array of real numbers."""
        return self.kind in _CLASSES.values()


def mat_variables(path: str, name: str) -> dict[str, MatVariable]:
    """List the variables of a ``.mat`` file, of which only the headers are read.

    Parameters
    ----------
    path : str
        The file.
    name : str
        What to call it in an error.

    Returns
    -------
    variables : dict of str to MatVariable
        By name, in the order of the file.

    Raises
    ------
    ValueError
        If the file is damaged, or none of MATLAB's up to version 7.2.

    Examples
    --------
    >>> import tempfile
    >>> from scipy.io import savemat
    >>> path = tempfile.mkdtemp() + "/a.mat"
    >>> savemat(path, {"eeg": np.zeros((2, 5)), "who": "S1"})
    >>> {name: (v.shape, v.kind) for name, v in mat_variables(path, "a.mat").items()}
    {'eeg': ((2, 5), 'f8'), 'who': ((1,), 'char')}
    """
    with decoder_errors(name, "is not a readable .mat file. Get the file again"):
        with open(path, "rb") as file:
            head = file.read(128)
        if 0 in head[:4]:
            return _old_variables(path)
        order = _byte_order(head)
        return dict(_walk(Path(path), order))


def read_mat(path: str, variable: str, name: str) -> Array:
    """Read an array of numbers from a ``.mat`` file.

    Parameters
    ----------
    path : str
        The file.
    variable : str
        Which of its variables.
    name : str
        What to call the file in an error.

    Returns
    -------
    array : ndarray
        The array, of the type that it has in MATLAB.

    Raises
    ------
    ValueError
        If the file is damaged, has no such variable, the variable is no array of real numbers, or
        is larger than the limit of ``EMOEST_MAX_BYTES``.

    Examples
    --------
    >>> import tempfile
    >>> from scipy.io import savemat
    >>> path = tempfile.mkdtemp() + "/a.mat"
    >>> savemat(path, {"eeg": np.arange(6.0).reshape(2, 3)})
    >>> read_mat(path, "eeg", "a.mat").tolist()
    [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]
    """
    found = mat_variables(path, name).get(variable)
    if found is None or not found.is_numeric:
        kind = "absent" if found is None else f"of the kind {found.kind!r}"
        raise ValueError(f"{name}: {variable!r} is no array of real numbers, but {kind}.")
    size = math.prod(found.shape) * np.dtype(found.kind).itemsize
    check_limit(size, "EMOEST_MAX_BYTES", name)
    with decoder_errors(name, "is damaged. Get the file again"):
        if not found.n_bytes:
            from scipy.io import loadmat

            return np.asarray(loadmat(path, variable_names=[variable])[variable])
        with open(path, "rb") as file:
            order = _byte_order(file.read(128))
            file.seek(found.start)
            content = file.read(found.n_bytes)
        if found.is_compressed:
            # Numbers may be stored in a wider type than their own, but in none above 8 bytes.
            most = _HEADER_BYTES + 8 * math.prod(found.shape)
            content = zlib.decompressobj().decompress(content, most)[8:]
        return _numbers(content, order, found)


def _byte_order(head: bytes) -> str:
    if head[:8] == b"\x89HDF\r\n\x1a\n" or head[124:128] in (b"\x00\x02IM", b"\x02\x00MI"):
        raise UnreadableError(
            "is saved as MATLAB 7.3 (HDF5). Save it with '-v7', or convert it to .npy"
        )
    if head[126:128] not in (b"IM", b"MI") or len(head) < 128:
        raise ValueError("it has no header of MATLAB's")
    return "<" if head[126:128] == b"IM" else ">"


def _old_variables(path: str) -> dict[str, MatVariable]:
    from scipy.io import whosmat

    kinds = {"double": "f8", "single": "f4", **{f"int{n}": f"i{n // 8}" for n in (8, 16, 32, 64)}}
    kinds |= {f"uint{n}": f"u{n // 8}" for n in (8, 16, 32, 64)}
    return {
        name: MatVariable(tuple(shape), kinds.get(kind, kind))
        for name, shape, kind in whosmat(path)
    }


def _walk(path: Path, order: str) -> list[tuple[str, MatVariable]]:
    """Names and places of the variables of a file."""
    variables = []
    size, position = path.stat().st_size, 128
    with open(path, "rb") as file:
        while position + 8 <= size:
            file.seek(position)
            kind, n_bytes = struct.unpack(order + "II", file.read(8))
            if kind not in {_MATRIX, _COMPRESSED}:
                raise ValueError(f"an element of the unknown type {kind}")
            if position + 8 + n_bytes > size:
                raise ValueError("it ends within a variable")
            head = file.read(min(n_bytes, _HEADER_BYTES))
            if kind == _COMPRESSED:
                head = zlib.decompressobj().decompress(head, _HEADER_BYTES)
                if struct.unpack_from(order + "I", head)[0] != _MATRIX:
                    raise ValueError("a compressed element that is no variable")
                head = head[8:]
            name, shape, what = _header(head, order)[:3]
            is_compressed = kind == _COMPRESSED
            # What has no name holds objects of MATLAB's own.
            if name:
                place = (position + 8, n_bytes, is_compressed)
                variables.append((name, MatVariable(shape, what, *place)))
            position += 8 + n_bytes
    return variables


def _element(content: bytes, position: int, order: str) -> tuple[int, bytes, int]:
    """Type and bytes of the element at a position, and where the next one begins."""
    kind, n_bytes = struct.unpack_from(order + "II", content, position)
    start = position + 8
    if kind >> 16:
        kind, n_bytes, start = kind & 0xFFFF, kind >> 16, position + 4
        if n_bytes > 4:
            raise ValueError(f"a short element of {n_bytes} bytes")
        following = position + 8
    else:
        following = start + n_bytes + -n_bytes % 8
    if start + n_bytes > len(content):
        raise ValueError("an element that is longer than its variable")
    return kind, content[start : start + n_bytes], following


def _header(content: bytes, order: str) -> tuple[str, tuple[int, ...], str, int]:
    """Name, shape and kind of a variable, and where its numbers begin."""
    _, flags, position = _element(content, 0, order)
    (bits,) = struct.unpack_from(order + "I", flags)
    kind, dims, position = _element(content, position, order)
    if kind != 5 or len(dims) % 4 or len(dims) < 8:
        raise ValueError("a variable without dimensions")
    shape = tuple(int(n) for n in np.frombuffer(dims, order + "i4"))
    if min(shape) < 0:
        raise ValueError(f"a variable of the shape {shape}")
    _, name, position = _element(content, position, order)
    what = _CLASSES.get(bits & 0xFF) or _NAMES.get(bits & 0xFF)
    if what is None:
        raise ValueError(f"a variable of the unknown class {bits & 0xFF}")
    if bits & _COMPLEX:
        what = "complex"
    if what == "char" and len(shape) == 2:
        shape = shape[:1]
    return name.decode("latin-1"), shape, what, position


def _numbers(content: bytes, order: str, found: MatVariable) -> Array:
    _, shape, what, position = _header(content, order)
    kind, data, _ = _element(content, position, order)
    if kind not in _TYPES or (shape, what) != (found.shape, found.kind):
        raise ValueError(f"numbers of the unknown type {kind}")
    values = np.frombuffer(data, order + _TYPES[kind])
    if len(values) != math.prod(shape):
        raise ValueError(f"{len(values)} numbers, where the shape is {shape}")
    return values.reshape(shape, order="F").astype(what)
