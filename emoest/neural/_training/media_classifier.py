"""Deep classifiers of media: images and EEG are read into frames, then all is as with frames."""

from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from sklearn.utils.validation import validate_data

from emoest.media.items import (
    CELL_ERRORS,
    as_table,
    failure_of_cell,
    items_of,
    media_position,
    where,
)
from emoest.neural._training.classifier import DeepClassifier
from emoest.tables.frames import FrameTable, settle_modalities
from emoest.tables.names import tokens
from emoest.utils import constraints
from emoest.utils.messages import listed
from emoest.utils.typing import Array
from emoest.utils.warn import warn_user

_OF_TABLES = ("modalities", "normalize", "impute")


class MediaClassifier(DeepClassifier):
    """Base of deep classifiers that read a column of media themselves.

    A subclass has the parameter ``errors`` and writes ``_read_item`` (an item to frames of shape
    (n_frames, n_dims)), ``_n_dims`` (known once ``_begin`` was called) and, where it learns
    something from the column, ``_begin``.
    """

    # What tables of frames and numbers have parameters for; media have no columns to scale or fill.
    modalities: ClassVar[str] = "auto"
    normalize: ClassVar[None] = None
    impute: ClassVar[str] = "mean"

    _parameter_constraints: dict = {
        **{
            name: rule
            for name, rule in DeepClassifier._parameter_constraints.items()
            if name not in _OF_TABLES
        },
        **constraints.ERRORS,
    }

    def _begin(self, column: pd.Series) -> None:
        """Find out in ``fit`` how items are read."""

    def _read_item(self, item: Any, name: str) -> Array:
        raise NotImplementedError

    def _n_dims(self) -> int:
        raise NotImplementedError

    def _read(self, X: Any, *, reset: bool) -> FrameTable:
        """Read the items of the one column of media."""
        table = as_table(X)
        validate_data(self, table, skip_check_array=True, reset=reset)
        if len(table) == 0:
            raise ValueError(
                f"Found array with 0 sample(s) (shape={table.shape}) while a minimum of 1 is "
                f"required by {type(self).__name__}."
            )
        column = table.iloc[:, media_position(table, "file", type(self).__name__)]
        if reset and not self._goes_on:
            self._begin(column)
        failed: list[str] = []
        cells = [self._read_cell(*row, failed) for row in _rows_of(column)]
        if failed:
            warn_user(
                f"{len(failed)} of {len(cells)} cells could not be read and count as missing: "
                f"{listed(failed, most=3, separator='; ')}."
            )
        name = tokens(column.name)[0] if isinstance(column.name, str) else "media"
        lengths = np.array([[0 if cell is None else len(cell)] for cell in cells], dtype=np.intp)
        read = FrameTable(table, {}, {name: cells}, lengths, {name: self._n_dims()})
        widths = self._dims if self._goes_on or not reset else None
        return settle_modalities(self, read, reset=reset, widths=widths)

    def _read_cell(self, name: str, cell: Any, failed: list[str]) -> Array | None:
        """Frames of all items of a cell; None where it is missing or cannot be read."""
        frames = []
        at = name
        try:
            for i, item in items_of(cell):
                at = name if i is None else f"{name}, item {i} of the list"
                frames.append(self._read_item(item, at))
        except CELL_ERRORS as error:
            failed.append(failure_of_cell(at, error, self.errors))
            return None
        return np.concatenate(frames) if frames else None


def _rows_of(column: pd.Series) -> Iterator[tuple[str, Any]]:
    for position, (label, cell) in enumerate(zip(column.index, column, strict=True)):
        yield where(position, label, column.name), cell
