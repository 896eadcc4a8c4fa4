"""Where torch computes, and what it does with freed memory."""

import numpy as np

# Just below 32 MiB, above which glibc never keeps a block.
_LARGEST_KEPT = 31 * 2**20


def resolve_device(device: str) -> str:
    """Resolve ``"auto"`` to ``"cuda"`` where there is one and to ``"cpu"`` elsewhere.

    Raises
    ------
    ValueError
        If torch knows no such device, or if it is CUDA and there is none.

    Examples
    --------
    >>> resolve_device("cpu")
    'cpu'
    """
    import torch

    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        kind = torch.device(device).type
    except RuntimeError as error:
        raise ValueError(
            f"device={device!r} is no device of torch. Take 'auto', 'cpu', 'cuda' or 'cuda:1'."
        ) from error
    if kind == "cuda" and not torch.cuda.is_available():
        raise ValueError(
            f"device={device!r}, but torch finds no CUDA device on this machine. Take 'auto', for "
            "a fitted model with set_params."
        )
    return device


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
