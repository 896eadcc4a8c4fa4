"""The cells of a column of frames, read one after the other."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from emoest.tables.cells import HEADER_ERRORS, Frames, check_frames, is_path, read_frames
from emoest.tables.frame_columns import FrameColumn
from emoest.tables.names import SINGLE
from emoest.utils.warn import warn_user

_SPELLINGS = (
    "Write array[:, None] if it is many frames of one number each, or array[None, :] if it is one "
    "frame."
)


@dataclass(frozen=True)
class FrameCell:
    """The frames of one row in one modality, and where they stand.

    Parameters
    ----------
    frames : ndarray of shape (n_frames, n_dims), dtype float32
        The frames; there may be none.
    X : DataFrame
        The table.
    row : int
        Position of the row.
    modality : str
        The modality.
    column : FrameColumn
        Its columns.
    """

    frames: Frames
    X: pd.DataFrame
    row: int
    modality: str
    column: FrameColumn

    def beside(self, position: int) -> Any:
        """Return the cell of another column in the same row."""
        return self.X.iat[self.row, position]

    def where(self, position: int | None = None) -> str:
        """Name the row and a column (the frames' own when None) for a message."""
        column = self.column.column if position is None else self.X.columns[position]
        (label,) = self.X.index[[self.row]]
        return f"row {label!r}, column {column!r}"


def read_cells(
    X: pd.DataFrame, name: str, column: FrameColumn, width: int = 0, *, allow: str = "absent"
) -> Iterator[FrameCell | None]:
    """Yield the frames of one modality, one row after the other; None where a cell is missing.

    A width of 0 stands for that of the first frames; for `allow`, and for what is an error, see
    `emoest.tables.cells.check_frames`.
    """
    for row, (frames, _) in enumerate(iter_contents(X, column, width, allow, lazy=False)):
        yield None if frames is None else FrameCell(frames, X, row, name, column)


def iter_contents(
    X: pd.DataFrame, column: FrameColumn, width: int, allow: str, *, lazy: bool
) -> Iterator[tuple[Any, tuple[int, int]]]:
    """Yield the frames of each cell of a column (a path, if `lazy`, stays one) and their shape."""
    known = "but in fit they had"
    is_said = False
    for label, cell in zip(X.index, X.iloc[:, column.position], strict=True):
        where = f"row {label!r}, column {column.column!r}"
        if lazy and is_path(cell):
            content, shape = cell, _shape_of_file(cell, where)
        else:
            content = read_frames(cell, name=where)
            shape = (0, 0) if content is None else content.shape
            if shape[1] > 1 and shape[0] == 1 and np.ndim(cell) == 1:
                if width not in (0, shape[1]):
                    raise ValueError(
                        f"{_one_frame(shape[1], where)}, {known} {width}. {_SPELLINGS}"
                    )
                if not is_said:
                    warn_user(f"{_one_frame(shape[1], where)}. {_SPELLINGS}")
                is_said = True
        if 0 not in shape:
            if not width:
                width, known = shape[1], f"those of row {label!r} have"
            # A file that stays closed shows its width only; its values are checked when it is read.
            values = np.empty((0, shape[1]), np.float32) if is_path(content) else content
            check_frames(values, width, where, known=known, allow=allow)
        yield content, shape


def _one_frame(size: int, where: str) -> str:
    return f"{where}: an array of shape ({size},) is read as one frame of {size} dimensions"


def _shape_of_file(path: Any, where: str) -> tuple[int, int]:
    """Shape of the frames in an ``.npy`` file, without reading them where it is sound."""
    try:
        mapped = np.lib.format.open_memmap(path, mode="r")
    except (OSError, ValueError, EOFError, *HEADER_ERRORS):
        mapped = None
    if mapped is not None and mapped.ndim == 2 and mapped.dtype.kind in "fiub":
        return mapped.shape
    frames = read_frames(path, name=where)
    assert frames is not None, "a path is never missing"
    return frames.shape


def find_widths(X: pd.DataFrame, columns: Mapping[str, FrameColumn]) -> dict[str, int]:
    """Find how many dimensions the frames of each modality have, reading as few as it takes.

    Of a modality that no row has it warns, and leaves it out.

    Examples
    --------
    >>> X = pd.DataFrame({"audio__frames": [None, np.zeros((2, 3))]})
    >>> find_widths(X, {"audio": FrameColumn(0, {}, "audio__frames")})
    {'audio': 3}
    """
    widths = {}
    for name, column in columns.items():
        shapes = (shape for _, shape in iter_contents(X, column, 0, "any", lazy=True))
        width = next((shape[1] for shape in shapes if 0 not in shape), 0)
        if width:
            widths[name] = width
        else:
            warn_of_absence(name, column.column)
    return widths


def warn_of_absence(name: str, column: str) -> None:
    """Warn of a modality that no training row has; `column` says which where no name does."""
    what = f"frames in column {column!r}" if name == SINGLE else f"the modality {name!r}"
    warn_user(
        f"No training row has {what}, so nothing is learned from it; it is left out in prediction "
        "too."
    )
