import struct

import numpy as np
import pytest


def _varint(value):
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def _field(number, value):
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    if isinstance(value, float):
        return _varint(number << 3 | 5) + struct.pack("<f", value)
    value = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | 2) + _varint(len(value)) + value


def _tensor(name, array, floats=False):
    array = np.asarray(array)
    kind = {"float32": 1, "int64": 7}[array.dtype.name]
    message = b"".join(_field(1, n) for n in array.shape) + _field(2, kind) + _field(8, name)
    return message + _field(4 if floats else 9, array.tobytes())


def _node(operation, inputs, outputs, settings=None, constant=None):
    message = b"".join(_field(1, name) for name in inputs)
    message += b"".join(_field(2, name) for name in outputs) + _field(4, operation)
    for name, value in (settings or {}).items():
        message += _field(5, _field(1, name) + _field(2 if isinstance(value, float) else 3, value))
    if constant is not None:
        message += _field(5, _field(1, "value") + _field(5, _tensor("", constant)))
    return message


@pytest.fixture
def write_onnx():
    """Write an ONNX file of nodes (operation, inputs, outputs, settings, constant) and tensors."""

    def write(path, nodes, tensors, *, floats=False):
        graph = b"".join(_field(1, _node(*node)) for node in nodes) + _field(2, "main")
        graph += b"".join(_field(5, _tensor(n, a, floats)) for n, a in tensors.items())
        path.write_bytes(_field(1, 8) + _field(2, "a test") + _field(7, graph))
        return path

    return write
