"""One call of a cell transformer: which items it has, what is known of them, what is computed."""

from collections.abc import Generator, Iterator
from contextlib import closing
from typing import Any

import numpy as np
import pandas as pd
from joblib import Parallel, delayed, effective_n_jobs

from emoest.files.store import Store, warn_corrupt
from emoest.media.decoding.foreign_items import own_item
from emoest.media.items import CELL_ERRORS, failure_of_cell, items_of, where
from emoest.media.notes import CollectedNotes, note
from emoest.tables.cells import is_path
from emoest.utils.messages import listed
from emoest.utils.progress import progress
from emoest.utils.warn import warn_user

CHANGED = "the file changed while it was read. Wait until it is written, and run this again"
"""What is wrong with an item whose file is another after it was read."""


class CellRun:
    """The items of a column: found in the store, or read, computed and stored.

    Parameters
    ----------
    reader : CellTransformer
        Fitted; it decodes and computes items.
    store : Store
        Where values are looked up and kept.

    Attributes
    ----------
    rows : list of list of str
        Keys of the items of each row.
    are_lists : list of bool
        Whether the cell of a row is a list.
    items : dict of str to (object, str)
        Each item and what to call it in an error.
    values : dict of str to ndarray
        What is known of the values.
    failed : dict of str to str
        What is wrong with the items that cannot be read.
    """

    def __init__(self, reader: Any, store: Store) -> None:
        self._reader = reader
        self._store = store
        self.rows: list[list[str]] = []
        self.are_lists: list[bool] = []
        self.items: dict[str, tuple[Any, str]] = {}
        self.values: dict[str, np.ndarray] = {}
        self.failed: dict[str, str] = {}

    def fill(self, column: pd.Series) -> None:
        """Find or compute the value of every item of a column; warn of those that cannot be read.

        Raises
        ------
        ValueError, FileNotFoundError
            If an item cannot be read and the reader has ``errors="raise"``.
        """
        self._collect(column)
        self._look_up()
        with CollectedNotes():
            self._compute_missing()
        if self.failed:
            n_rows = sum(any(key in self.failed for key in keys) for keys in self.rows)
            warn_user(
                f"{n_rows} of {len(self.rows)} cells could not be read and count as missing: "
                f"{listed(self.failed.values(), most=3, separator='; ')}."
            )

    def _collect(self, column: pd.Series) -> None:
        """Name every item by its content; the first row that has it stands for all."""
        for position, (label, cell) in enumerate(zip(column.index, column, strict=True)):
            keys = []
            name = where(position, label, column.name)
            is_list = False
            try:
                for i, item in items_of(cell):
                    is_list = i is not None
                    name = where(position, label, column.name, i)
                    own = item if self._reader._media == "text" else own_item(item)
                    keys.append(self._key(own))
                    self.items.setdefault(keys[-1], (own, name))
            except CELL_ERRORS as error:
                # What cannot be read has no content; no digest looks like this key.
                keys.append(f"unreadable {position}")
                self._fail(keys[-1], name, error)
            self.rows.append(keys)
            self.are_lists.append(is_list)

    def _key(self, item: Any) -> str:
        return self._store.key(self._reader._content(item))

    def _fail(self, key: str, name: str, error: Exception) -> None:
        self.failed[key] = failure_of_cell(name, error, self._reader.errors)

    def _look_up(self) -> None:
        reader = self._reader
        for key in self.items:
            value = self._store.get(key)
            if value is None:
                continue
            fits = value.ndim == 2 and value.shape[1] == reader._width and len(value) > 0
            if not fits or value.dtype != reader._dtype:
                warn_corrupt(self._store.path(key), f"{value.dtype} of shape {value.shape}")
                continue
            self.values[key] = reader._reduce(value)

    def _compute_missing(self) -> None:
        reader = self._reader
        keys = [key for key in self.items if key not in self.values]
        if not keys:
            return
        reader._prepare()
        order = [keys[i] for i in reader._order([self.items[key][0] for key in keys])]
        with progress(len(keys), reader._stem, reader.verbose, unit="item") as bar:
            for batch in self._read_batches(order):
                self._compute_batch(batch)
                bar.update(len(batch))

    def _read_batches(self, order: list[str]) -> Iterator[list[tuple[str, Any]]]:
        """Decode items; what was decoded before an unreadable one is computed before it raises."""
        batch: list[tuple[str, Any]] = []
        with closing(self._read(order)) as results:
            for key, (decoded, error) in zip(order, results, strict=True):
                if error is not None:
                    if batch and self._reader.errors == "raise":
                        yield batch
                    self._fail(key, self.items[key][1], error)
                    continue
                batch.append((key, decoded))
                if self._reader._is_full([decoded for _, decoded in batch]):
                    yield batch
                    batch = []
        if batch:
            yield batch

    def _read(self, order: list[str]) -> Generator[tuple[Any, Exception | None], None, None]:
        """Yield what was decoded of each item, or why it cannot be; in processes if asked for."""
        n_jobs = getattr(self._reader, "n_jobs", None) if self._reader._reads_apart else 1
        items = (self.items[key] for key in order)
        if effective_n_jobs(n_jobs) == 1:
            yield from (read_item(self._reader, *item) for item in items)
            return
        calls = (delayed(read_apart)(self._reader, *item) for item in items)
        for decoded, error, notes in Parallel(n_jobs=n_jobs, return_as="generator")(calls):
            for (kind, category), names in notes.items():
                for name in names:
                    note(kind, name, category)
            yield decoded, error

    def _compute_batch(self, batch: list[tuple[str, Any]]) -> None:
        reader = self._reader
        try:
            values = reader._compute([decoded for _, decoded in batch])
            if len(values) != len(batch):
                raise RuntimeError(
                    f"{type(reader).__name__}._compute gave {len(values)} arrays for a batch of "
                    f"{len(batch)} items; it must give one an item."
                )
            for value in values:
                reader._check_value(value)
        except CELL_ERRORS as error:
            if len(batch) == 1:
                key = batch[0][0]
                self._fail(key, self.items[key][1], error)
                return
            # Which item failed is not known, and it must not cost the others.
            for one in batch:
                self._compute_batch([one])
            return
        for (key, _), value in zip(batch, values, strict=True):
            # Looked at before any failure is raised, which would cost the others their place.
            if self._is_unchanged(key):
                self._store.put(key, value)
                self.values[key] = reader._reduce(value)
        for key, _ in batch:
            if key not in self.values:
                self._fail(key, self.items[key][1], ValueError(CHANGED))

    def _is_unchanged(self, key: str) -> bool:
        """Check whether a file, once read, still is what it was when its key was computed."""
        item = self.items[key][0]
        if self._reader._media != "file" or not is_path(item):
            return True
        try:
            return self._key(item) == key
        except CELL_ERRORS:
            return False


def read_item(reader: Any, item: Any, name: str) -> tuple[Any, Exception | None]:
    """Return what a reader decodes of an item and None, or None and why it cannot."""
    try:
        return reader._read_item(item, name), None
    except CELL_ERRORS as error:
        return None, error


def read_apart(reader: Any, item: Any, name: str) -> tuple[Any, Exception | None, Any]:
    """Return what `read_item` does and what was noted, in a process that cannot warn the user."""
    with CollectedNotes() as collected:
        decoded, error = read_item(reader, item, name)
        notes = dict(collected.notes)
        collected.notes.clear()
    return decoded, error, notes
