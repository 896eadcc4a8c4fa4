"""Reading ONNX files without running them."""

import numpy as np
import pytest

from emoest.nets.weight_files.onnx_reader import read_onnx

WEIGHT = np.arange(12, dtype=np.float32).reshape(3, 4)
NODES = [
    ("Conv", ["x", "w", "b"], ["y"], {"group": 1, "alpha": 0.5}),
    ("Constant", [], ["c"], {}, np.float32([2.0, 3.0])),
    ("Add", ["y", "c"], ["z"]),
]


@pytest.mark.parametrize("floats", [False, True])
def test_nodes_and_tensors_come_back_in_order(tmp_path, write_onnx, floats):
    path = write_onnx(tmp_path / "a.onnx", NODES, {"w": WEIGHT, "b": np.zeros(3, "float32")})
    nodes, tensors = read_onnx(path)
    assert [node.operation for node in nodes] == ["Conv", "Constant", "Add"]
    assert nodes[0].inputs == ["x", "w", "b"]
    assert nodes[2].outputs == ["z"]
    assert nodes[0].settings == {"group": 1, "alpha": 0.5}
    np.testing.assert_array_equal(tensors["w"].numpy(), WEIGHT)
    assert tensors["c"].tolist() == [2.0, 3.0]


def test_tensors_of_other_kinds_are_left_out(tmp_path, write_onnx):
    _, tensors = read_onnx(write_onnx(tmp_path / "a.onnx", [], {"n": np.arange(3)}))
    assert tensors == {}


def test_damaged_files_are_named(tmp_path, write_onnx):
    path = write_onnx(tmp_path / "a.onnx", NODES, {"w": WEIGHT})
    content = path.read_bytes()
    for end in range(1, len(content) - 1, 7):
        path.write_bytes(content[:end])
        with pytest.raises(ValueError, match=r"a\.onnx' is damaged or no ONNX file"):
            read_onnx(path)


def test_random_bytes_never_break_the_reader(tmp_path):
    path, generator = tmp_path / "a.onnx", np.random.default_rng(0)
    for _ in range(200):
        path.write_bytes(b"\x3a\x40" + generator.bytes(64))
        try:
            read_onnx(path)
        except ValueError as error:
            assert "damaged" in str(error)


def test_a_tensor_of_another_size_than_its_shape_is_named(tmp_path, write_onnx):
    path = write_onnx(tmp_path / "a.onnx", [], {"w": WEIGHT})
    path.write_bytes(path.read_bytes().replace(b"\x08\x03\x08\x04", b"\x08\x03\x08\x05"))
    with pytest.raises(ValueError, match=r"'w' has 12 values for shape \(3, 5\)"):
        read_onnx(path)
