import pytest

from tests.nets.onnx_files import field, graph, node, tensor


@pytest.fixture
def write_onnx():
    """Write an ONNX file of nodes (operation, inputs, outputs, settings, constant) and tensors."""

    def write(path, nodes, tensors, *, floats=False):
        message = b"".join(field(1, node(*each)) for each in nodes) + field(2, "main")
        message += b"".join(field(5, tensor(n, a, floats)) for n, a in tensors.items())
        path.write_bytes(graph(message))
        return path

    return write
