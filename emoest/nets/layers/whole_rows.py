"""Rows without padding, for nets that are exported: what looks for padding leaves that out."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_WHOLE: ContextVar[bool] = ContextVar("whole", default=False)


@contextmanager
def whole_rows() -> Iterator[None]:
    """Promise that inside the block every row is as long as its batch.

    Whether a batch has padding is asked of its numbers, which a graph that is exported cannot do.

    Examples
    --------
    >>> with whole_rows():
    ...     print(are_whole())
    True
    """
    token = _WHOLE.set(True)
    try:
        yield
    finally:
        _WHOLE.reset(token)


def are_whole() -> bool:
    """Check whether `whole_rows` promises that there is no padding.

    Examples
    --------
    >>> are_whole()
    False
    """
    return _WHOLE.get()
