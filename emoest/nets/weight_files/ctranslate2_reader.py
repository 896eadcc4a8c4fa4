"""A reader of CTranslate2's ``model.bin``: named tensors, of which only those wanted are read.

The file is a row of records without a table of contents: version, name of the model's
specification, its revision, the number of tensors; then of each tensor its name, shape, type and
data; then names that stand for other tensors. Every size that it declares is compared with what is
left of the file before anything of that size is read.
"""

import math
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

_VERSION = 6
_MAX_RANK = 8
# The largest Whisper has some thousand.
_MAX_TENSORS = 100_000
_DTYPES: dict[int, Any] = {0: "<f4", 1: "<i1", 2: "<i2", 3: "<i4", 4: "<f2"}
_BFLOAT16 = 5
_SCALE = "_scale"


@dataclass(frozen=True)
class CTranslate2Model:
    """What was read of a ``model.bin``.

    Parameters
    ----------
    spec : str
        Name of the model's specification, for example ``"WhisperSpec"``.
    tensors : dict of str to ndarray
        The tensors by name. Floats are float32, quantized ones are scaled back to float32;
        integers that have no scale keep their type.
    shapes : dict of str to tuple of int
        Shapes of all tensors of the file.
    """

    spec: str
    tensors: dict[str, npt.NDArray[Any]]
    shapes: dict[str, tuple[int, ...]]


@dataclass(frozen=True)
class _Record:
    """Where a tensor stands in the file, and what it is."""

    name: str
    shape: tuple[int, ...]
    kind: int
    start: int
    size: int


def read_ctranslate2(path: Path, prefix: str = "") -> CTranslate2Model:
    """Read the tensors of a CTranslate2 ``model.bin`` whose names start with `prefix`.

    Parameters
    ----------
    path : Path
        The file.
    prefix : str, default=""
        Start of the names that are wanted; of the others only the place is checked.

    Returns
    -------
    model : CTranslate2Model
        The specification and the tensors.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is not of this kind and version, is truncated, declares more than it holds or
        holds more than it declares; the message names the tensor.
    """
    if not path.is_file():
        raise FileNotFoundError(f"There is no file of weights at {str(path)!r}.")
    with open(path, "rb") as file:
        reader = _Reader(file, os.fstat(file.fileno()).st_size, path)
        spec, records, aliases = reader.contents()
        aliases = {alias: name for alias, name in aliases.items() if alias.startswith(prefix)}
        meant = {*aliases.values(), *(name + _SCALE for name in aliases.values())}
        tensors = {
            name: reader.values(record)
            for name, record in records.items()
            if name.startswith(prefix) or name in meant
        }
    scaled = dict(_scaled_back(tensors, path))
    found = {name: values for name, values in scaled.items() if name.startswith(prefix)}
    # Each name stands for the same array: many of them must not take more memory than one.
    found |= {alias: scaled[name] for alias, name in aliases.items() if name in scaled}
    shapes = {name: record.shape for name, record in records.items()}
    return CTranslate2Model(spec, found, shapes)


class _Reader:
    """Walks through the file and knows which tensor it is at."""

    def __init__(self, file: BinaryIO, size: int, path: Path) -> None:
        self.file = file
        self.size = size
        self.path = path
        self.place = "its header"

    def contents(self) -> tuple[str, dict[str, _Record], dict[str, str]]:
        version = self._number("<I") if self.size >= 4 else 0
        if version != _VERSION:
            raise ValueError(
                f"{str(self.path)!r} is not a CTranslate2 model of version {_VERSION} (it starts "
                f"with {version}). Convert the model anew with a current CTranslate2."
            )
        spec = self._text()
        self._number("<I")
        records: dict[str, _Record] = {}
        before = ""
        for i in range(self._number("<I")):
            if i >= _MAX_TENSORS:
                self._fail(f"it holds more than {i:,} tensors")
            self.place = f"tensor {i}{before}"
            record = self._record()
            if record.name in records:
                self._fail("there are two of them")
            records[record.name] = record
            before = f", after {record.name!r}"
        self.place = "its table of aliases"
        n_aliases = self._number("<I")
        if n_aliases > _MAX_TENSORS:
            self._fail(f"it declares {n_aliases:,} names")
        aliases = {self._text(): self._text() for _ in range(n_aliases)}
        unknown = [name for name in aliases.values() if name not in records]
        if unknown:
            self._fail(f"it names {unknown[0]!r}, and there is no such tensor")
        left = self.size - self.file.tell()
        if left:
            self.place = f"its end{before}"
            self._fail(f"{left:,} bytes more than it declares follow")
        return spec, records, aliases

    def _record(self) -> _Record:
        name = self._text()
        self.place = f"tensor {name!r}"
        rank = self._number("<B")
        if rank > _MAX_RANK:
            self._fail(f"it declares {rank} dimensions")
        shape = tuple(self._number("<I") for _ in range(rank))
        kind = self._number("<B")
        width = 2 if kind == _BFLOAT16 else np.dtype(_DTYPES.get(kind, "V0")).itemsize
        if not width:
            self._fail(f"its type has the unknown number {kind}")
        size = self._number("<I")
        if size != math.prod(shape) * width:
            self._fail(f"its shape {shape} needs {math.prod(shape) * width:,} bytes, not {size:,}")
        start = self.file.tell()
        self._check_left(size)
        self.file.seek(size, os.SEEK_CUR)
        return _Record(name, shape, kind, start, size)

    def values(self, record: _Record) -> npt.NDArray[Any]:
        self.file.seek(record.start)
        data = self.file.read(record.size)
        if record.kind == _BFLOAT16:
            # The upper half of a float32.
            wide = np.frombuffer(data, "<u2").astype(np.uint32) << 16
            return wide.view(np.float32).reshape(record.shape)
        found = np.frombuffer(data, _DTYPES[record.kind]).reshape(record.shape)
        return found.astype(np.float32) if found.dtype.kind == "f" else found

    def _number(self, form: str) -> int:
        size = struct.calcsize(form)
        self._check_left(size)
        value: int = struct.unpack(form, self.file.read(size))[0]
        return value

    def _text(self) -> str:
        size = self._number("<H")
        self._check_left(size)
        data = self.file.read(size)
        try:
            text = data.removesuffix(b"\0").decode()
        except UnicodeDecodeError:
            self._fail("its name is no text")
        if not text or not data.endswith(b"\0") or not text.isprintable():
            self._fail("its name is no text")
        return text

    def _check_left(self, size: int) -> None:
        left = self.size - self.file.tell()
        if size > left:
            self._fail(f"it declares {size:,} bytes, and {left:,} are left")

    def _fail(self, what: str) -> Any:
        raise ValueError(
            f"The CTranslate2 file {str(self.path)!r} is damaged or truncated at {self.place}: "
            f"{what}. Get it again from where it came from."
        )


def _scaled_back(
    tensors: dict[str, npt.NDArray[Any]], path: Path
) -> Iterator[tuple[str, npt.NDArray[Any]]]:
    """Divide quantized tensors by their scales: one a file, or one a row."""
    for name, values in tensors.items():
        if name.endswith(_SCALE):
            continue
        scale = tensors.get(name + _SCALE)
        if scale is None:
            yield name, values
            continue
        rows = scale.reshape(-1, *[1] * (values.ndim - 1)) if scale.ndim else scale
        if scale.ndim > 1 or (scale.ndim and len(scale) not in (1, *values.shape[:1])):
            raise ValueError(
                f"The CTranslate2 file {str(path)!r} is damaged: tensor {name + _SCALE!r} has "
                f"shape {scale.shape}, {name!r} has {values.shape}."
            )
        yield name, (values.astype(np.float32) / rows).astype(np.float32)
