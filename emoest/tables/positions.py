"""Positions of the columns that a user names for each modality."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from emoest.utils.messages import listed


def positions_from_dict(
    columns: Sequence[object], modalities: dict[str, Any]
) -> dict[str, np.ndarray]:
    """Return the positions of the columns that a dict names for each modality.

    Examples
    --------
    >>> positions_from_dict(["a", "b", "c"], {"audio": slice(0, 2)})["audio"].tolist()
    [0, 1]
    """
    return {name: _positions(columns, name, value) for name, value in modalities.items()}


def _positions(columns: Sequence[object], name: str, value: Any) -> np.ndarray:
    if isinstance(value, slice):
        positions = np.arange(len(columns))[value]
    elif isinstance(value, str) or (
        np.ndim(value) == 1 and len(value) > 0 and isinstance(value[0], str)
    ):
        wanted = [value] if isinstance(value, str) else list(value)
        lookup = {column: i for i, column in enumerate(columns)}
        absent = [column for column in wanted if column not in lookup]
        if absent:
            raise ValueError(
                f"modalities[{name!r}] names columns that X does not have: "
                f"{listed(absent, 6, quoted=True)}. X has: {listed(columns, 6, quoted=True)}."
            )
        positions = np.asarray([lookup[column] for column in wanted])
    else:
        positions = np.atleast_1d(np.asarray(value))
        if positions.dtype == bool:
            positions = np.flatnonzero(positions)
    if positions.size == 0:
        raise ValueError(
            f"modalities[{name!r}] selects no column of X, which has {len(columns)} feature(s)."
        )
    positions = positions.astype(np.intp)
    outside = (positions >= len(columns)) | (positions < -len(columns))
    if outside.any():
        raise ValueError(
            f"modalities[{name!r}] points at column {positions[outside][0]}, but X has "
            f"{len(columns)} columns."
        )
    return positions % len(columns)
