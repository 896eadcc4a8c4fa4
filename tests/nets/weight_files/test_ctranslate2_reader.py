import struct

import numpy as np
import pytest

from emoest.nets.weight_files.ctranslate2_reader import read_ctranslate2

KINDS = {"float32": 0, "int8": 1, "int16": 2, "int32": 3, "float16": 4}

TENSORS = {
    "encoder/conv1/weight": np.arange(24, dtype=np.float32).reshape(2, 4, 3),
    "encoder/num_heads": np.array(2, dtype=np.int16),
    "encoder/half": np.array([0.5, -1.5], dtype=np.float16),
    "decoder/weight": np.ones((3, 2), dtype=np.int32),
}


def text(name):
    data = name if isinstance(name, bytes) else name.encode() + b"\0"
    return struct.pack("<H", len(data)) + data


def record(name, values, **other):
    """The bytes of a tensor; `other` says what is written instead of what would be right."""
    data = values.tobytes()
    shape = other.get("shape", values.shape)
    parts = [text(name), struct.pack("<B", other.get("rank", len(shape)))]
    parts += [struct.pack("<I", size) for size in shape]
    parts.append(struct.pack("<B", other.get("kind", KINDS[values.dtype.name])))
    return b"".join([*parts, struct.pack("<I", other.get("size", len(data))), data])


def head(count, version=6, spec="WhisperSpec"):
    return struct.pack("<I", version) + text(spec) + struct.pack("<II", 3, count)


def model(records, aliases=(), **other):
    names = b"".join(text(alias) + text(name) for alias, name in aliases)
    count = other.pop("count", len(records))
    return head(count, **other) + b"".join(records) + struct.pack("<I", len(aliases)) + names


def whole():
    return model(
        [record(name, values) for name, values in TENSORS.items()], [("tied", "encoder/half")]
    )


def write(path, data):
    path = path / "model.bin"
    path.write_bytes(data)
    return path


def test_tensors_come_by_name(tmp_path):
    found = read_ctranslate2(write(tmp_path, whole()))
    assert found.spec == "WhisperSpec"
    assert set(found.tensors) == {*TENSORS, "tied"}
    for name, values in TENSORS.items():
        np.testing.assert_array_equal(found.tensors[name], values)
        assert found.tensors[name].dtype == (
            np.float32 if values.dtype.kind == "f" else values.dtype
        )
    np.testing.assert_array_equal(found.tensors["tied"], TENSORS["encoder/half"])


def test_only_what_is_wanted_is_read(tmp_path):
    found = read_ctranslate2(write(tmp_path, whole()), "encoder/")
    assert all(name.startswith("encoder/") for name in found.tensors)
    assert len(found.tensors) == 3


@pytest.mark.parametrize(
    ("dtype", "scale"),
    [
        ("int8", np.array([2.0, 4.0], dtype=np.float32)),
        ("int8", np.array([2.0], dtype=np.float32)),
        ("int16", np.array(8.0, dtype=np.float32)),
    ],
)
def test_quantized_tensors_are_scaled_back(tmp_path, dtype, scale):
    values = np.array([[8, -8], [16, 0]], dtype=dtype)
    data = model([record("w", values), record("w_scale", scale)])
    found = read_ctranslate2(write(tmp_path, data)).tensors
    assert list(found) == ["w"]
    np.testing.assert_array_equal(found["w"], values / scale.reshape(-1, 1))


def test_bfloat16_is_the_upper_half_of_float32(tmp_path):
    values = np.array([1.5, -2.0], dtype=np.float32)
    halves = (values.view(np.uint32) >> 16).astype(np.int16)
    found = read_ctranslate2(write(tmp_path, model([record("w", halves, kind=5)]))).tensors
    np.testing.assert_array_equal(found["w"], values)


W = np.zeros((2, 3), dtype=np.float32)


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (model([record("encoder/w", W, size=4 * 10**9)]), "tensor 'encoder/w'.*not 4,000,000,000"),
        (model([record("encoder/w", W, shape=(2**31, 2**31))]), "tensor 'encoder/w'.*shape"),
        (model([record("encoder/w", W, shape=(2**32 - 1,), size=2**32 - 4)]), "'encoder/w'"),
        (model([record("encoder/w", W, shape=(1, 3))]), "'encoder/w'.*needs 12 bytes, not 24"),
        (model([record("encoder/w", W, kind=9)]), "'encoder/w'.*unknown number 9"),
        (model([record("encoder/w", W, rank=200)]), "'encoder/w'.*200 dimensions"),
        (model([record("a", W), record("a", W)]), "'a'.*two of them"),
        (model([record("a", W), record(b"\xff\xfe\0", W)]), "tensor 1, after 'a'.*no text"),
        (model([record("a", W), record(b"no end", W)]), "tensor 1, after 'a'.*no text"),
        (model([record(b"\0", W)]), "tensor 0.*no text"),
        (model([record("a", W)], count=2**32 - 1), "tensor 1, after 'a'"),
        (model([record("a", W), record("b", W)], count=1), "table of aliases|its end, after 'a'"),
        (model([record("a", W)]) + b"more", "its end, after 'a': 4 bytes more"),
        (model([record("a", W)], [("b", "c")]), "aliases: it names 'c'"),
        (model([record("a", W), record("a_scale", W)]), "'a_scale' has shape \\(2, 3\\)"),
        (model([record("a", W), record("a_scale", W[0])]), "'a_scale' has shape \\(3,\\)"),
        (model([record("a", W)], version=5), "not a CTranslate2 model of version 6.*starts with 5"),
        (b"", "not a CTranslate2 model"),
        (b"PK\3\4 a zip file", "not a CTranslate2 model"),
        (head(1)[:9], "at its header"),
    ],
    ids=range(20),
)
def test_what_is_damaged_is_named(tmp_path, data, told):
    with pytest.raises(ValueError, match=f"(?s){told}"):
        read_ctranslate2(write(tmp_path, data))


def test_every_truncation_is_an_error(tmp_path):
    data = whole()
    names = [*TENSORS, "header", "tensor", "aliases", "version"]
    for stop in range(len(data)):
        with pytest.raises(ValueError) as caught:
            read_ctranslate2(write(tmp_path, data[:stop]))
        assert any(name in str(caught.value) for name in names), stop


def test_a_missing_file_is_no_damaged_one(tmp_path):
    with pytest.raises(FileNotFoundError, match="no file of weights"):
        read_ctranslate2(tmp_path / "model.bin")
