"""A reader of TensorFlow Lite files: the operators and their constants, nothing is executed.

A ``.tflite`` file is a FlatBuffer: tables point to their fields through a small table of offsets.
Only the fields that weights need are read; the numbers below are positions in TensorFlow Lite's
schema (schema version 3).
"""

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

CONV_2D = 3
DEPTHWISE_CONV_2D = 4
FULLY_CONNECTED = 9

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
    data = path.read_bytes()
    if data[4:8] != b"TFL3":
        raise ValueError(f"{str(path)!r} is not a TensorFlow Lite file.")
    try:
        return _operators(_Table(data, _uint(data, 0)))
    except (struct.error, IndexError, ValueError) as error:
        raise ValueError(
            f"The TensorFlow Lite file {str(path)!r} is damaged or truncated ({error})."
        ) from error


def _operators(model: "_Table") -> list[Operator]:
    codes = [_code(table) for table in model.tables(1)]
    buffers = model.tables(4)
    graph = model.tables(2)[0]
    tensors = graph.tables(0)
    return [
        Operator(
            codes[operator.uint(0)],
            [
                constant
                for i in operator.numbers(1, np.int32).tolist()
                if i >= 0 and (constant := _constant(tensors[i], buffers)) is not None
            ],
        )
        for operator in graph.tables(3)
    ]


def _code(table: "_Table") -> int:
    """Old files hold the code in one byte, new ones in four; the larger one is meant."""
    return max(table.byte(0), table.uint(3))


def _constant(tensor: "_Table", buffers: list["_Table"]) -> npt.NDArray[np.float32] | None:
    dtype = _DTYPES.get(tensor.byte(1))
    raw = buffers[tensor.uint(2)].numbers(0, np.uint8)
    if dtype is None or len(raw) == 0:
        return None
    shape = tensor.numbers(0, np.int32)
    values = raw.view(dtype).reshape(shape).astype(np.float32)
    quantization = tensor.table(4)
    scale = quantization.numbers(2, np.float32) if quantization else np.zeros(0, np.float32)
    if quantization is None or len(scale) == 0:
        return values
    axis = quantization.uint(6)
    along = [-1 if i == axis else 1 for i in range(len(shape))]
    zero = quantization.numbers(3, np.int64).astype(np.float32)
    if len(zero):
        values = values - (zero.reshape(along) if len(zero) > 1 else zero[0])
    scaled: npt.NDArray[np.float32] = values * (
        scale.reshape(along) if len(scale) > 1 else scale[0]
    )
    return scaled


def _uint(data: bytes, at: int) -> int:
    value: int = struct.unpack_from("<I", data, at)[0]
    return value


class _Table:
    """A table of a FlatBuffer: fields are found through its offsets; absent ones are zero."""

    def __init__(self, data: bytes, at: int) -> None:
        self.data = data
        self.at = at
        self.offsets = at - struct.unpack_from("<i", data, at)[0]
        self.n_fields = (struct.unpack_from("<H", data, self.offsets)[0] - 4) // 2

    def _field(self, i: int) -> int | None:
        if i >= self.n_fields:
            return None
        offset: int = struct.unpack_from("<H", self.data, self.offsets + 4 + 2 * i)[0]
        return self.at + offset if offset else None

    def byte(self, i: int) -> int:
        at = self._field(i)
        return 0 if at is None else self.data[at]

    def uint(self, i: int) -> int:
        at = self._field(i)
        return 0 if at is None else _uint(self.data, at)

    def table(self, i: int) -> "_Table | None":
        at = self._field(i)
        return None if at is None else _Table(self.data, at + _uint(self.data, at))

    def numbers(self, i: int, dtype: Any) -> npt.NDArray[Any]:
        """Return a vector of numbers, empty when it is absent."""
        at = self._field(i)
        if at is None:
            return np.zeros(0, dtype=dtype)
        start = at + _uint(self.data, at)
        return np.frombuffer(self.data, dtype, count=_uint(self.data, start), offset=start + 4)

    def tables(self, i: int) -> "list[_Table]":
        """Return a vector of tables."""
        at = self._field(i)
        if at is None:
            return []
        start = at + _uint(self.data, at)
        places = range(start + 4, start + 4 + 4 * _uint(self.data, start), 4)
        return [_Table(self.data, place + _uint(self.data, place)) for place in places]
