"""Keep a fitted system in a file and load it elsewhere: skops instead of pickles, a card beside.

`save_system` writes one file: the model in the format of skops, which names every type, the
versions of libraries, the digests of pretrained weights, and a card to be read. `load_system` loads
types that are trusted only and says what differs on this machine. `read_record` shows what a file
says of itself and loads nothing of it.
"""

from typing import Any

from emoest.utils.lazy import lazy_names

_load, __dir__, __all__ = lazy_names(
    __name__,
    {
        "SystemDiffersWarning": "emoest.persistence._loading",
        "SystemRecord": "emoest.persistence._record",
        "load_system": "emoest.persistence._loading",
        "read_record": "emoest.persistence._record",
        "save_system": "emoest.persistence._saving",
        "to_onnx": "emoest.persistence._onnx",
    },
)


def __getattr__(name: str) -> Any:
    return _load(name)
