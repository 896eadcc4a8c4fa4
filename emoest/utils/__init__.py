"""Glue that every room shares, and the names of `emoest.tables` that users need."""

from emoest.utils.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "Modalities": "emoest.tables.names",
        "NotSpeakerIndependentWarning": "emoest.tables.groups",
        "find_frames": "emoest.tables.frame_columns",
        "find_modalities": "emoest.tables.names",
        "is_missing": "emoest.tables.cells",
        "object_column": "emoest.tables.cells",
        "read_frames": "emoest.tables.cells",
        "resolve_groups": "emoest.tables.groups",
        "with_groups": "emoest.tables.groups",
        "write_frames": "emoest.tables.cells",
    },
)
