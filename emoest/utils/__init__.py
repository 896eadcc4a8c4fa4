"""What every room shares: cells, modalities, groups, blocks, seeds, optional imports, the store."""

from emoest.utils.cells import is_missing, read_frames, write_frames
from emoest.utils.groups import NotSpeakerIndependentWarning, resolve_groups, with_groups
from emoest.utils.modalities import Modalities, find_modalities

__all__ = [
    "Modalities",
    "NotSpeakerIndependentWarning",
    "find_modalities",
    "is_missing",
    "read_frames",
    "resolve_groups",
    "with_groups",
    "write_frames",
]
