"""Files of weights whose declared sizes lie: nothing of that size is read or allocated.

Memory is that which Python and numpy allocate, and may be a few times that of the file.
"""

import io
import struct
import tracemalloc
import zipfile

import numpy as np
import pytest
import torch

from emoest.nets.voice_encoder import load_voice_encoder
from emoest.nets.weight_files import bounds, onnx_reader
from emoest.nets.weight_files.onnx_reader import read_onnx
from emoest.nets.weight_files.tflite_reader import read_tflite
from emoest.nets.weight_files.wespeaker import load_wespeaker
from emoest.nets.xception import load_mini_xception
from emoest.nets.yamnet import load_yamnet
from tests.nets.flatbuffers import numbers, reference, table, tflite, vector
from tests.nets.onnx_files import field, graph, node, tensor


@pytest.fixture
def peak():
    """Most bytes that a call allocates, whether it raises or not."""

    def measure(function, *arguments):
        tracemalloc.start()
        try:
            function(*arguments)
        except ValueError as error:
            return tracemalloc.get_traced_memory()[1], str(error)
        finally:
            tracemalloc.stop()
        return tracemalloc.get_traced_memory()[1], ""

    return measure


ONNX = {
    "0.4 MB of 0xFF": (b"\xff" * 400_000, "more than 64 bits"),
    "a number without an end": (b"\x08" + b"\x80" * 400_000, "more than 64 bits"),
    "a length of 2**63": (b"\x3a" + b"\xff" * 9 + b"\x7f", "more than 64|beyond its message"),
    "empty layers": (graph(b"\x0a\x00" * 6_000), "number of its fields"),
    "empty attributes": (graph(field(1, b"\x2a\x00" * 6_000)), "number of its fields"),
    "a rank of 100,000": (graph(field(5, b"\x08\x01" * 100_000)), "rank of the tensor"),
    "packed dimensions": (graph(field(5, field(1, b"\x01" * 100_000))), "list of dimensions"),
    "dimensions that overflow": (
        graph(field(5, field(1, 2**33) * 2 + field(2, 1) + field(8, "w"))),
        "'w' has 0 values for shape",
    ),
    "many dimensions of nothing": (
        graph(field(5, field(1, 0) + field(1, 2**62) * 2 + field(2, 1))),
        "too big",
    ),
}


@pytest.mark.parametrize("content", ONNX.values(), ids=ONNX)
def test_onnx_files_cost_what_they_hold(tmp_path, peak, content, monkeypatch):
    monkeypatch.setattr(onnx_reader, "_MAX_FIELDS", 5_000)
    path = tmp_path / "a.onnx"
    path.write_bytes(content[0])
    most, _ = peak(read_onnx, path)
    assert most < 5 * 10**6
    said = rf"a\.onnx' is damaged or no ONNX file \(.*({content[1]})"
    with pytest.raises(ValueError, match=said):
        read_onnx(path)


def test_the_values_of_a_tensor_may_come_one_by_one(tmp_path):
    values = np.arange(1000, dtype=np.float32)
    single = b"".join(field(4, value.tobytes()) for value in values)
    path = tmp_path / "a.onnx"
    path.write_bytes(graph(field(5, field(1, 1000) + field(2, 1) + field(8, "w") + single)))
    np.testing.assert_array_equal(read_onnx(path)[1]["w"], values)


@pytest.mark.parametrize(
    "nodes",
    [
        [("Gemm", ["x"], ["y"])],
        [("Conv", [], ["y"])],
        [("Conv", ["x", "w", "absent"], ["y"])],
        [("BatchNormalization", [], ["y"])],
        [("Gemm", ["x", "scalar"], ["y"])],
        [("Conv", ["x", "scalar"], ["y"])],
    ],
    ids=range(6),
)
def test_graphs_without_their_tensors_are_no_wespeaker(tmp_path, nodes):
    path = tmp_path / "a.onnx"
    tensors = {"w": np.ones((3, 3), "float32"), "scalar": np.float32(1), "e": np.zeros((256, 5120))}
    message = b"".join(field(5, tensor(n, np.float32(a))) for n, a in tensors.items())
    nodes = [*nodes, ("Gemm", ["x", "e"], ["z"])]
    path.write_bytes(graph(b"".join(field(1, node(*each)) for each in nodes) + message))
    with pytest.raises(ValueError, match=r"a\.onnx' does not hold WeSpeaker's ResNet34"):
        load_wespeaker(path)


BIG = np.zeros(1_000_000, dtype=np.uint8)
SHAPE = reference(vector(np.array([1_000_000], dtype=np.int32)))


def lite(n_operators=1, shape=SHAPE, quantization=None, inputs=(0,)):
    """A file of operators that all take the tensors `inputs`, which are of int8."""
    fields = [shape, ("byte", 9), ("uint", 0), None]
    fields += [] if quantization is None else [reference(*table(quantization))]
    operator = table([None, reference(vector(np.array(inputs, dtype=np.int32)))])
    n_tensors = max(inputs) + 1
    return tflite([table(fields)] * n_tensors, [operator] * n_operators, [numbers(BIG)])


def scales(n, axis=0, zeros=0):
    zero = reference(vector(np.ones(zeros, dtype=np.int64))) if zeros else None
    scale = reference(vector(np.ones(n, dtype=np.float32)))
    return [None, None, scale, zero, None, None, ("uint", axis)]


def wide():
    return reference(vector(np.array([1, 1_000_000], dtype=np.int32)))


LITE = {
    "a tensor of many operators": (lite(1_000), ""),
    "the same tensor many times": (lite(inputs=(0,) * 1_000), ""),
    "many tensors on the same bytes": (lite(inputs=range(50)), "more bytes than it has"),
    "too many operators": (lite(6_000), "number of operators"),
    "scales that would stretch": (lite(shape=wide(), quantization=scales(1_000)), "1000 scales"),
    "zeros that would stretch": (lite(shape=wide(), quantization=scales(1, 0, 900)), "900 scales"),
    "an axis that is not there": (
        lite(quantization=scales(1_000, axis=7)),
        "scales stand for axis 7",
    ),
    "a larger shape": (
        lite(shape=reference(vector(np.array([2**30, 2**30], dtype=np.int32)))),
        "1000000 values has the shape",
    ),
    "a shape with a gap": (
        lite(shape=reference(vector(np.array([-1], dtype=np.int32)))),
        "1000000 values has the shape",
    ),
    "a high rank": (
        lite(shape=reference(vector(np.ones(100_000, dtype=np.int32)))),
        "1000000 values has the shape",
    ),
}


@pytest.mark.parametrize("case", LITE.values(), ids=LITE)
def test_tflite_files_cost_what_they_hold(tmp_path, peak, case):
    content, told = case
    path = tmp_path / "a.tflite"
    path.write_bytes(content)
    most, said = peak(read_tflite, path)
    assert most < 20 * len(content) + 10**6
    assert (told in said) if told else not said


def test_a_vector_that_is_longer_than_the_file_is_refused(tmp_path):
    content = bytearray(lite())
    at = content.index(struct.pack("<I", len(BIG)) + bytes(8))
    struct.pack_into("<I", content, at, 2**31)
    (tmp_path / "a.tflite").write_bytes(content)
    with pytest.raises(ValueError, match="the bytes of a vector is 2,147,483,648"):
        read_tflite(tmp_path / "a.tflite")


def h5_huge(file, name):
    file.create_dataset(name, shape=(30_000, 30_000), dtype="f4")


def h5_never_written(file, name):
    file.create_dataset(name, shape=(1_000, 800), dtype="f4")


def h5_compressed(file, name):
    file.create_dataset(name, data=np.zeros((1_000, 800)), compression="gzip")


def h5_in_pieces(file, name):
    file.create_dataset(name, data=np.zeros((3, 3)), chunks=(3, 3))


def h5_external(file, name):
    with open(file.filename + ".raw", "wb") as other:
        other.write(bytes(36))
    file.create_dataset(name, (3, 3), "f4", external=[(file.filename + ".raw", 0, 36)])


def h5_virtual(file, name):
    import h5py

    layout = h5py.VirtualLayout(shape=(3, 3), dtype="f4")
    layout[0] = h5py.VirtualSource("other.h5", "x", shape=(3,))
    file.create_virtual_dataset(name, layout)


def h5_soft_link(file, name):
    import h5py

    file["elsewhere"] = np.zeros((3, 3), "f4")
    file[name] = h5py.SoftLink("/elsewhere")


def h5_external_link(file, name):
    import h5py

    file[name] = h5py.ExternalLink(file.filename + ".other", "/x")


def h5_texts(file, name):
    file[name] = ["a", "bb"]


def h5_records(file, name):
    file[name] = np.zeros(3, dtype=[("a", "f4"), ("b", "i4")])


def h5_empty(file, name):
    import h5py

    file[name] = h5py.Empty("f4")


def h5_group(file, name):
    file.create_group(name)


H5 = [
    (h5_huge, "size of the data set .* is 900,000,000"),
    (h5_never_written, "800,000 numbers in 0 bytes"),
    (h5_compressed, "compressed, in pieces"),
    (h5_in_pieces, "compressed, in pieces"),
    (h5_external, "in another file"),
    (h5_virtual, "in another file"),
    (h5_soft_link, "link to elsewhere|no data set"),
    (h5_external_link, "link to elsewhere|no data set"),
    (h5_texts, "no array of numbers"),
    (h5_records, "no array of numbers"),
    (h5_empty, "no array of numbers"),
    (h5_group, "no array of numbers"),
]
FIRST = {
    load_yamnet: "layer1/conv/layer1/conv/kernel:0",
    load_mini_xception: "model_weights/conv2d_1/conv2d_1/kernel:0",
}


@pytest.mark.parametrize("load", FIRST, ids=lambda load: load.__name__)
@pytest.mark.parametrize(("make", "told"), H5, ids=lambda each: getattr(each, "__name__", ""))
def test_hdf5_files_cost_what_they_hold(tmp_path, peak, load, make, told):
    h5py = pytest.importorskip("h5py")
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        make(file, FIRST[load])
    most, said = peak(load, path)
    assert most < 5_000_000
    assert "a.h5' is damaged, truncated or does not hold" in said
    with pytest.raises(ValueError, match=told):
        load(path)


def test_damaged_hdf5_files_raise_one_kind_of_error(tmp_path):
    h5py = pytest.importorskip("h5py")
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["layer1/conv/layer1/conv/kernel:0"] = np.zeros((3, 3, 1, 32), "f4")
    sound, generator = path.read_bytes(), np.random.default_rng(0)
    for _ in range(150):
        content = bytearray(sound)
        for place in generator.integers(len(sound) - 1200, size=3):
            content[place] = generator.integers(256)
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"a\.h5'"):
            load_yamnet(path)


def torch_file(state, compression=zipfile.ZIP_STORED, change=lambda archive: None):
    """A file of torch, packed again."""
    plain, packed = io.BytesIO(), io.BytesIO()
    torch.save(state, plain)
    with zipfile.ZipFile(plain) as source, zipfile.ZipFile(packed, "w", compression) as target:
        for name in source.namelist():
            target.writestr(name, source.read(name))
        change(target)
    return packed.getvalue()


def overlapping(archive):
    """Let a second entry of the table of contents stand for the bytes of the first."""
    parts = archive.filelist
    largest = max(parts, key=lambda part: part.file_size)
    for i in range(20):
        twin = zipfile.ZipInfo(f"archive/data/9{i}")
        for name in ("header_offset", "compress_size", "file_size", "CRC", "compress_type"):
            setattr(twin, name, getattr(largest, name))
        parts.append(twin)
        archive.NameToInfo[twin.filename] = twin


def zipped(content, name="avg_model.pt"):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return file.getvalue()


ZEROS = {"model_state": {"w": torch.zeros(300_000)}, "seg_1.weight": torch.zeros(300_000)}
TORCH = {
    "compressed parts": (torch_file(ZEROS, zipfile.ZIP_DEFLATED), "is compressed"),
    "parts upon each other": (torch_file(ZEROS, change=overlapping), "the size of its parts"),
    "cut": (torch_file(ZEROS)[:-500], "Error"),
    "empty": (b"", "Error"),
}


@pytest.mark.parametrize("load", [load_voice_encoder, load_wespeaker])
@pytest.mark.parametrize("case", TORCH.values(), ids=TORCH)
def test_files_of_torch_cost_what_they_hold(tmp_path, load, case, monkeypatch):
    path = tmp_path / "a.pt"
    path.write_bytes(case[0])
    if "Error" not in case[1]:
        monkeypatch.setattr(torch, "load", lambda *args, **kwargs: pytest.fail("opened"))
    with pytest.raises(ValueError, match=rf"a\.pt' is .*no.* file of tensors.*{case[1]}"):
        load(path)


def test_a_zip_bomb_is_not_unpacked(tmp_path, peak, monkeypatch):
    monkeypatch.setattr(bounds, "MAX_BYTES", 0)
    monkeypatch.setattr("emoest.nets.weight_files.torch_reader.MAX_BYTES", 10**6)
    path = tmp_path / "a.zip"
    path.write_bytes(zipped(bytes(50_000_000)))
    assert path.stat().st_size < 100_000
    most, said = peak(load_wespeaker, path)
    assert most < 10**6
    assert "the unpacked size of 'avg_model.pt' is 50,000,000" in said


@pytest.mark.parametrize(
    "weight",
    [
        torch.zeros(1).expand(10**9),
        torch.zeros(3, 3, device="meta"),
        torch.zeros(3, 3).to_sparse(),
        torch.zeros(10**9, 0),
        [1.0],
        3,
    ],
    ids=["stretched", "meta", "sparse", "empty", "list", "number"],
)
def test_tensors_that_hold_less_than_they_show_do_not_fit(tmp_path, weight):
    for state, load in [
        ({"model_state": {"linear.weight": weight}}, load_voice_encoder),
        ({"seg_1.weight": torch.zeros(256, 5120), "conv1.weight": weight}, load_wespeaker),
    ]:
        torch.save(state, tmp_path / "a.pt")
        with pytest.raises(ValueError, match=r"a\.pt' does not hold .*: layer"):
            load(tmp_path / "a.pt")


READERS = {
    "a.onnx": load_wespeaker,
    "a.pt": load_wespeaker,
    "b.pt": load_voice_encoder,
    "a.tflite": load_yamnet,
    "a.h5": load_yamnet,
    "b.h5": load_mini_xception,
}


@pytest.mark.parametrize("name", READERS)
def test_files_far_larger_than_any_net_are_not_read(tmp_path, name):
    path = tmp_path / name
    head = {"tflite": b"\0\0\0\0TFL3" + bytes(8), "h5": b"\x89HDF\r\n\x1a\n" + bytes(8)}
    with open(path, "wb") as file:
        file.write(head.get(path.suffix[1:], b""))
        file.truncate(bounds.MAX_BYTES + 1)
    with pytest.raises(ValueError, match=rf"{name}'.*its size is .* at most .* is possible"):
        READERS[name](path)
