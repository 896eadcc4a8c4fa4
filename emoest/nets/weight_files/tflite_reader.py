"""A reader of TensorFlow Lite files: the operators and their constants, nothing is executed.

A ``.tflite`` file is a FlatBuffer: tables point to their fields through a small table of offsets.
Only the fields that weights need are read; the numbers below are positions in TensorFlow Lite's
schema (schema version 3).
"""

import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from emoest.nets.weight_files.bounds import DamagedError, check_size, read_bounded

CONV_2D = 3
DEPTHWISE_CONV_2D = 4
FULLY_CONNECTED = 9

# The nets that are read here have less than a hundred.
_MAX_OPERATORS = 5_000
_MAX_RANK = 8

_DTYPES: dict[int, Any] = {0: np.float32, 1: np.float16, 2: np.int32, 4: np.int64, 9: np.int8}


@dataclass(frozen=True)
class Operator:
    """One operator of the graph.

    Parameters
    ----------
    code : int
        Which operation; for example `CONV_2D`.
    constants : list of ndarray
        Its constant inputs in order, float32; quantized ones are scaled back.
    """

    code: int
    constants: list[npt.NDArray[np.float32]]


def read_tflite(path: Path) -> list[Operator]:
    """Read the operators of the first graph of a ``.tflite`` file.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    operators : list of Operator
        In the order in which they are executed.

    Raises
    ------
    ValueError
        If the file is not a TensorFlow Lite file or is truncated.
    """
    with open(path, "rb") as opened:
        if opened.read(8)[4:] != b"TFL3":
            raise ValueError(f"{str(path)!r} is not a TensorFlow Lite file.")
    try:
        file = _File(read_bounded(path))
        return _operators(_Table(file, file.uint(0)))
    except (struct.error, IndexError, OverflowError, ValueError) as error:
        raise ValueError(
            f"The TensorFlow Lite file {str(path)!r} is damaged or truncated ({error})."
        ) from error


def _operators(model: "_Table") -> list[Operator]:
    codes = [_code(table) for table in model.tables(1)]
    graph = model.tables(2)[0]
    operators = graph.tables(3)
    check_size(len(operators), _MAX_OPERATORS, "the number of operators")
    constants = _Constants(graph.tables(0), model.tables(4))
    return [
        Operator(
            codes[operator.uint(0)],
            [
                constant
                for i in operator.numbers(1, np.int32).tolist()
                if i >= 0 and (constant := constants[i]) is not None
            ],
        )
        for operator in operators
    ]


class _Constants:
    """Constants by the number of their tensor, each converted once however often it is used."""

    def __init__(self, tensors: "_Tables", buffers: "_Tables") -> None:
        self.tensors = tensors
        self.buffers = buffers
        self.known: dict[int, npt.NDArray[np.float32] | None] = {}

    def __getitem__(self, i: int) -> npt.NDArray[np.float32] | None:
        if i not in self.known:
            self.known[i] = _constant(self.tensors[i], self.buffers)
        return self.known[i]


def _code(table: "_Table") -> int:
    """Old files hold the code in one byte, new ones in four; the larger one is meant."""
    return max(table.byte(0), table.uint(3))


def _constant(tensor: "_Table", buffers: "_Tables") -> npt.NDArray[np.float32] | None:
    dtype = _DTYPES.get(tensor.byte(1))
    raw = buffers[tensor.uint(2)].numbers(0, np.uint8)
    if dtype is None or len(raw) == 0:
        return None
    shape = tuple(tensor.numbers(0, np.int32).tolist())
    values = raw.view(dtype)
    if len(shape) > _MAX_RANK or min(shape, default=0) < 0 or math.prod(shape) != len(values):
        raise DamagedError(f"a tensor of {len(values)} values has the shape {shape}")
    scaled: npt.NDArray[np.float32] = values.reshape(shape).astype(np.float32)
    quantization = tensor.table(4)
    scale = quantization.numbers(2, np.float32) if quantization else np.zeros(0, np.float32)
    if quantization is None or len(scale) == 0:
        return scaled
    axis = quantization.uint(6)
    zero = quantization.numbers(3, np.int64).astype(np.float32)
    if len(zero):
        scaled = scaled - _along(zero, axis, shape)
    scaled = scaled * _along(scale, axis, shape)
    return scaled


def _along(
    numbers: npt.NDArray[np.float32], axis: int, shape: tuple[int, ...]
) -> npt.NDArray[np.float32]:
    """Lay scales or shifts along an axis; there is one, or as many as the axis is long."""
    if len(numbers) == 1:
        return numbers.reshape(())
    if axis >= len(shape) or len(numbers) != shape[axis]:
        raise DamagedError(f"{len(numbers)} scales stand for axis {axis} of the shape {shape}")
    return numbers.reshape([-1 if i == axis else 1 for i in range(len(shape))])


class _File:
    """The bytes of a file, of which its vectors may name no more than there are.

    Vectors that lie upon each other would let a small file stand for a large one. Some of them may
    be shared, as converters share those that are the same.
    """

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.left = 2 * len(data)

    def uint(self, at: int) -> int:
        value: int = struct.unpack_from("<I", self.data, at)[0]
        return value

    def vector(self, at: int, width: int) -> tuple[int, int]:
        """Return the start and the length of a vector of items of `width` bytes."""
        start = at + self.uint(at)
        n_items = self.uint(start)
        check_size(n_items * width, len(self.data) - start - 4, "the bytes of a vector")
        self.left -= n_items * width
        if self.left < 0:
            raise DamagedError("its vectors name more bytes than it has")
        return start + 4, n_items


class _Table:
    """A table of a FlatBuffer: fields are found through its offsets; absent ones are zero."""

    def __init__(self, file: _File, at: int) -> None:
        self.file = file
        self.at = at
        self.offsets = at - struct.unpack_from("<i", file.data, at)[0]
        self.n_fields = (struct.unpack_from("<H", file.data, self.offsets)[0] - 4) // 2

    def _field(self, i: int) -> int | None:
        if i >= self.n_fields:
            return None
        offset: int = struct.unpack_from("<H", self.file.data, self.offsets + 4 + 2 * i)[0]
        return self.at + offset if offset else None

    def byte(self, i: int) -> int:
        at = self._field(i)
        return 0 if at is None else self.file.data[at]

    def uint(self, i: int) -> int:
        at = self._field(i)
        return 0 if at is None else self.file.uint(at)

    def table(self, i: int) -> "_Table | None":
        at = self._field(i)
        return None if at is None else _Table(self.file, at + self.file.uint(at))

    def numbers(self, i: int, dtype: Any) -> npt.NDArray[Any]:
        """Return a vector of numbers, empty when it is absent."""
        at = self._field(i)
        if at is None:
            return np.zeros(0, dtype=dtype)
        start, n_items = self.file.vector(at, np.dtype(dtype).itemsize)
        return np.frombuffer(self.file.data, dtype, count=n_items, offset=start)

    def tables(self, i: int) -> "_Tables":
        """Return a vector of tables."""
        at = self._field(i)
        return _Tables(self.file, *((0, 0) if at is None else self.file.vector(at, 4)))


class _Tables:
    """A vector of tables, each made when it is asked for."""

    def __init__(self, file: _File, start: int, n_items: int) -> None:
        self.file = file
        self.start = start
        self.n_items = n_items

    def __len__(self) -> int:
        return self.n_items

    def __getitem__(self, i: int) -> _Table:
        if not 0 <= i < self.n_items:
            raise IndexError(f"there is no table {i} of {self.n_items}")
        place = self.start + 4 * i
        return _Table(self.file, place + self.file.uint(place))

    def __iter__(self) -> Iterator[_Table]:
        return (self[i] for i in range(self.n_items))
