"""Inference in full float32, so that a stored value does not depend on who computed it."""

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def exact_inference() -> Iterator[None]:
    """Compute without gradients and in full float32, whatever precision mode is set outside.

    Lower modes (TF32, bfloat16) are given back as they were found. torch has two interfaces to
    them and refuses a mixture; the one that was used outside is used here.

    Examples
    --------
    >>> import torch
    >>> with exact_inference():
    ...     print(torch.get_float32_matmul_precision(), torch.is_grad_enabled())
    highest False
    """
    import torch

    try:
        _ = torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32
    except RuntimeError:
        exact = _exact_by_operation()
    else:
        exact = _exact()
    with exact, torch.inference_mode():
        yield


@contextmanager
def _exact() -> Iterator[None]:
    import torch

    matmul = torch.get_float32_matmul_precision()
    convolution = torch.backends.cudnn.allow_tf32
    torch.set_float32_matmul_precision("highest")
    torch.backends.cudnn.allow_tf32 = False
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(matmul)
        torch.backends.cudnn.allow_tf32 = convolution


@contextmanager
def _exact_by_operation() -> Iterator[None]:
    from torch import backends

    operations = [
        backends.cuda.matmul,
        *[backends.cudnn.conv, backends.cudnn.rnn],
        *[backends.mkldnn.matmul, backends.mkldnn.conv, backends.mkldnn.rnn],
    ]
    found = [operation.fp32_precision for operation in operations]
    for operation in operations:
        operation.fp32_precision = "ieee"
    try:
        yield
    finally:
        for operation, precision in zip(operations, found, strict=True):
            operation.fp32_precision = precision
