"""A reader of ONNX files that gives the tensors and the order of the layers, and runs nothing.

An ONNX file is a protocol buffer. Only what the weights of a convolutional net need is read: the
nodes of the main graph in their order, and float tensors stored in the file itself.
"""

import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from emoest.nets.weight_files.bounds import DamagedError, check_size, read_bounded

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_FLOAT32 = 1
_EXTERNAL = 1

# Numbers of fields in the public definition of the format (onnx.proto).
_MODEL_GRAPH = 7
_GRAPH_NODE, _GRAPH_INITIALIZER = 1, 5
_NODE_INPUT, _NODE_OUTPUT, _NODE_OPERATION, _NODE_ATTRIBUTE = 1, 2, 4, 5
_ATTRIBUTE_NAME, _ATTRIBUTE_FLOAT, _ATTRIBUTE_INT, _ATTRIBUTE_TENSOR = 1, 2, 3, 5
_TENSOR_DIMS, _TENSOR_TYPE, _TENSOR_FLOATS, _TENSOR_NAME, _TENSOR_RAW = 1, 2, 4, 8, 9
_TENSOR_LOCATION = 14

# A number has 64 bits, seven in a byte.
_VARINT_BYTES = 10
# A file of the nets that are read here has some thousand fields that are looked at.
_MAX_FIELDS = 100_000
_MAX_RANK = 8


@dataclass
class Node:
    """One layer of the graph.

    Parameters
    ----------
    operation : str
        Its kind, for example ``"Conv"``.
    inputs, outputs : list of str
        Names of what it takes and gives.
    settings : dict of str to float or int
        Its scalar attributes.
    """

    operation: str
    inputs: list[str]
    outputs: list[str]
    settings: dict[str, float | int] = field(default_factory=dict)


def read_onnx(path: Path) -> tuple[list[Node], dict[str, Tensor]]:
    """Read the layers and the float32 tensors of an ONNX file.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    nodes : list of Node
        In the order of the file, in which a layer comes after those that it needs.
    tensors : dict of str to Tensor
        Initializers and constants by name.

    Raises
    ------
    ValueError
        If the file is damaged, is no ONNX file, keeps its tensors elsewhere, or declares sizes and
        numbers that no net has that is read here.
    """
    try:
        message = memoryview(read_bounded(path))
        reader = _Reader()
        nodes, tensors = reader.graph(reader.find_graph(message))
    except (IndexError, OverflowError, ValueError, struct.error) as error:
        raise ValueError(f"{str(path)!r} is damaged or no ONNX file ({error}).") from error
    return nodes, tensors


def _varint(message: memoryview, place: int) -> tuple[int, int]:
    value = 0
    for i in range(_VARINT_BYTES):
        byte = message[place + i]
        value |= (byte & 127) << 7 * i
        if byte < 128:
            return value, place + i + 1
    raise DamagedError("a number has more than 64 bits")


def _part(value: int | memoryview) -> memoryview:
    if isinstance(value, int):
        raise DamagedError("a number stands where a message should")
    return value


def _number(value: int | memoryview) -> int:
    if not isinstance(value, int):
        raise DamagedError("a message stands where a number should")
    return value


def _text(value: int | memoryview) -> str:
    return bytes(_part(value)).decode()


class _Reader:
    """Reads messages, and stops where a file has more fields than a net can have."""

    def __init__(self) -> None:
        self.n_fields = 0

    def fields(self, message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
        """Yield number and value of each field of a message."""
        place = 0
        while place < len(message):
            self.n_fields += 1
            check_size(self.n_fields, _MAX_FIELDS, "the number of its fields")
            key, place = _varint(message, place)
            kind = key & 7
            if kind == _VARINT:
                value: int | memoryview
                value, place = _varint(message, place)
            else:
                size = {_FIXED64: 8, _FIXED32: 4}.get(kind)
                if kind == _BYTES:
                    size, place = _varint(message, place)
                if size is None or place + size > len(message):
                    raise DamagedError(f"a field of kind {kind} reaches beyond its message")
                value, place = message[place : place + size], place + size
            yield key >> 3, value

    def find_graph(self, model: memoryview) -> memoryview:
        for number, value in self.fields(model):
            if number == _MODEL_GRAPH:
                return _part(value)
        raise DamagedError("it holds no graph")

    def graph(self, message: memoryview) -> tuple[list[Node], dict[str, Tensor]]:
        nodes: list[Node] = []
        tensors: dict[str, Tensor] = {}
        for number, value in self.fields(message):
            if number == _GRAPH_NODE:
                node, constant = self.node(_part(value))
                nodes.append(node)
                if constant is not None:
                    tensors[node.outputs[0]] = constant
            elif number == _GRAPH_INITIALIZER:
                name, tensor = self.tensor(_part(value))
                if tensor is not None:
                    tensors[name] = tensor
        return nodes, tensors

    def node(self, message: memoryview) -> tuple[Node, Tensor | None]:
        node, constant = Node("", [], []), None
        for number, value in self.fields(message):
            if number == _NODE_INPUT:
                node.inputs.append(_text(value))
            elif number == _NODE_OUTPUT:
                node.outputs.append(_text(value))
            elif number == _NODE_OPERATION:
                node.operation = _text(value)
            elif number == _NODE_ATTRIBUTE:
                tensor = self.attribute(_part(value), node)
                constant = tensor if tensor is not None else constant
        return node, constant if node.operation == "Constant" else None

    def attribute(self, message: memoryview, node: Node) -> Tensor | None:
        name, tensor = "", None
        setting: float | int | None = None
        for number, value in self.fields(message):
            if number == _ATTRIBUTE_NAME:
                name = _text(value)
            elif number == _ATTRIBUTE_FLOAT:
                (setting,) = struct.unpack("<f", _part(value))
            elif number == _ATTRIBUTE_INT:
                setting = _number(value)
            elif number == _ATTRIBUTE_TENSOR:
                tensor = self.tensor(_part(value))[1]
        if setting is not None:
            node.settings[name] = setting
        return tensor

    def tensor(self, message: memoryview) -> tuple[str, Tensor | None]:
        """Name and values of a tensor; None where they are no float32."""
        name, kind = "", 0
        shape: list[int] = []
        raw: list[memoryview] = []
        for number, value in self.fields(message):
            if number == _TENSOR_DIMS:
                shape += [value] if isinstance(value, int) else _varints(value)
                check_size(len(shape), _MAX_RANK, f"the rank of the tensor {name!r}")
            elif number == _TENSOR_TYPE:
                kind = _number(value)
            elif number == _TENSOR_NAME:
                name = _text(value)
            elif number in (_TENSOR_RAW, _TENSOR_FLOATS):
                raw.append(_part(value))
            elif number == _TENSOR_LOCATION and value == _EXTERNAL:
                raise DamagedError(f"tensor {name!r} is kept in another file")
        if kind != _FLOAT32:
            return name, None
        values: npt.NDArray[np.float32] = np.frombuffer(b"".join(raw), "<f4").astype(np.float32)
        if len(values) != math.prod(shape):
            raise DamagedError(f"tensor {name!r} has {len(values)} values for shape {tuple(shape)}")
        return name, torch.from_numpy(values.reshape(shape))


def _varints(message: memoryview) -> list[int]:
    check_size(len(message), _MAX_RANK * _VARINT_BYTES, "a list of dimensions")
    values, place = [], 0
    while place < len(message):
        value, place = _varint(message, place)
        values.append(value)
    return values
