"""ONNX files, written by hand."""

import struct

import numpy as np


def varint(value):
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def field(number, value):
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    if isinstance(value, float):
        return varint(number << 3 | 5) + struct.pack("<f", value)
    value = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(value)) + value


def tensor(name, array, floats=False):
    array = np.asarray(array)
    kind = {"float32": 1, "int64": 7}[array.dtype.name]
    message = b"".join(field(1, n) for n in array.shape) + field(2, kind) + field(8, name)
    return message + field(4 if floats else 9, array.tobytes())


def node(operation, inputs, outputs, settings=None, constant=None):
    message = b"".join(field(1, name) for name in inputs)
    message += b"".join(field(2, name) for name in outputs) + field(4, operation)
    for name, value in (settings or {}).items():
        message += field(5, field(1, name) + field(2 if isinstance(value, float) else 3, value))
    if constant is not None:
        message += field(5, field(1, "value") + field(5, tensor("", constant)))
    return message


def graph(message):
    """A model of one graph."""
    return field(1, 8) + field(2, "a test") + field(7, message)
