"""TensorFlow Lite files, which are FlatBuffers, written by hand."""

import struct

import numpy as np


def vector(values):
    raw = values.tobytes()
    return struct.pack("<I", len(values)) + raw + bytes(-len(raw) % 4)


def table(fields):
    """A table whose fields are ("byte" | "uint", number) or ("ref", bytes of what it points to)."""
    offsets, body, references = [], b"", []
    for field in fields:
        if field is None:
            offsets.append(0)
            continue
        offsets.append(4 + len(body))
        kind, value = field
        if kind == "ref":
            references.append((4 + len(body), value))
            body += bytes(4)
        else:
            body += struct.pack("<I", value)
    vtable = struct.pack(f"<HH{len(offsets)}H", 4 + 2 * len(offsets), 4 + len(body), *offsets)
    vtable += bytes(-len(vtable) % 4)
    made = bytearray(struct.pack("<i", len(vtable)) + body)
    for at, (content, start) in references:
        struct.pack_into("<I", made, at, len(made) + start - at)
        made += content
    return vtable + bytes(made), len(vtable)


def tables(items):
    head = struct.pack("<I", len(items)) + bytes(4 * len(items))
    data = bytearray(head)
    for i, (content, start) in enumerate(items):
        struct.pack_into("<I", data, 4 + 4 * i, len(data) + start - (4 + 4 * i))
        data += content
    return bytes(data)


def reference(content, start=0):
    return ("ref", (content, start))


def tflite(tensors, operators, buffers, code=3):
    """A file of one graph; all operators have the one code."""
    graph = table([reference(tables(tensors)), None, None, reference(tables(operators))])
    model, start = table(
        [
            ("uint", 3),
            reference(tables([table([("byte", code)])])),
            reference(tables([graph])),
            None,
            reference(tables(buffers)),
        ]
    )
    return struct.pack("<I4s", 8 + start, b"TFL3") + model


def numbers(values):
    """A buffer."""
    return table([reference(vector(np.ascontiguousarray(values).ravel().view(np.uint8)))])
