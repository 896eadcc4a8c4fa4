"""How the memory of arrays is kept between computations."""

import numpy as np

_LARGEST_KEPT = 31 * 2**20
"""Just below 32 MiB, above which glibc never keeps a block."""


def keep_freed_memory() -> None:
    """Let the process keep the memory of arrays that it frees, for the arrays to come.

    glibc gives large blocks back to the system when they are freed, and each use of new ones then
    costs a page fault every 4 KiB: measured on nets that allocate a few megabytes a layer, half of
    the time. Its bound grows with the largest block that was ever freed (M_MMAP_THRESHOLD in
    mallopt(3)), so one block, which is never touched, is allocated and freed here. Up to 62 MiB of
    freed memory then stay with the process; other C libraries are not affected.

    Examples
    --------
    >>> keep_freed_memory()
    """
    np.empty(_LARGEST_KEPT, dtype=np.uint8)
