"""The template of every transformer that converts a column of media to frames or vectors.

Validate, look up in the store, read and compute the unique, present and unknown items in batches,
store, assemble. A subclass writes what an item is and what becomes of a batch of them.
"""

from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from emoest.files.store import Store
from emoest.media.items import POOLINGS, as_table, content_of, media_position, pool, pool_item
from emoest.media.run import CellRun
from emoest.tables.cells import object_column
from emoest.tables.context_table import beside_context
from emoest.tables.dimensions import name_dimensions
from emoest.tables.names import is_context
from emoest.utils import constraints
from emoest.utils._sklearn import fit_context

MAX_BATCH_BYTES = 64 * 2**20
"""A batch of decoded items is computed when it is larger than this."""


class CellTransformer(TransformerMixin, BaseEstimator):
    """Base of transformers that take one column of media, cell by cell.

    A value depends on its item alone, so every item is computed once, whatever the rows, folds,
    batches or processes in which it comes, and is found again in the store (`emoest.files.store`).

    A subclass has a constructor with ``errors``, ``cache_dir``, ``batch_size`` and ``verbose``
    among its parameters, ``pooling`` (None gives frames) and ``chunks`` if it wants them, and:

    - ``_stem``: start of the names that come out, ``"yamnet"``;
    - ``_media``: ``"file"`` or ``"text"``, what a str in a cell is;
    - ``_sidecars``: names of the auxiliary values stored next to each frame (``("seconds",)``);
    - ``_recipe()``: the cache key parameters, a dict of plain values: all that a stored value
      depends on beside the item;
    - ``_read_item(item, name)``: decode one item; a ValueError or OSError says that it cannot be;
    - ``_compute(batch)``: from a list of decoded items a list of float32 arrays
      ``(n_frames, n_dims + n_auxiliary)``, one an item, at least one frame each;
    - ``_n_dims()``: how many dimensions a frame has, known without computing.

    It may further write ``_resolve()`` and ``_inspect(column)`` (called in fit), ``_prepare()``
    (called before the first item is computed: load the model here), ``_shown_sidecars()``,
    ``_vector_names()``, ``_order(items)``, ``_is_full(batch)``, ``_content(item)`` and
    ``_column(table)``. Where most of the work is in ``_read_item``, ``_reads_apart = True`` does it
    in as many processes as a parameter ``n_jobs`` says.

    With ``pooling="mean"`` the frames of an item are averaged, then the items of a list, weighted
    by their seconds where they have them; ``"max"`` takes the largest value. Without pooling, a
    list gives one frame an item (``chunks="pool"``: the mean of its frames, its seconds added up)
    or all frames of all items (``chunks="concat"``).
    """

    _stem: ClassVar[str] = ""
    _media: ClassVar[str] = "file"
    _sidecars: ClassVar[tuple[str, ...]] = ()
    _dtype: ClassVar[Any] = np.float32
    _reads_apart: ClassVar[bool] = False

    _parameter_constraints: dict[str, Any] = {
        **constraints.ERRORS,
        **constraints.CACHE_DIR,
        **constraints.BATCH_SIZE,
        **constraints.VERBOSE,
    }

    def _recipe(self) -> dict[str, Any]:
        raise NotImplementedError

    def _read_item(self, item: Any, name: str) -> Any:
        raise NotImplementedError

    def _compute(self, batch: list[Any]) -> list[np.ndarray]:
        raise NotImplementedError

    def _n_dims(self) -> int:
        raise NotImplementedError

    def _column(self, table: pd.DataFrame) -> pd.Series:
        """Return the column of media."""
        return table.iloc[:, media_position(table, self._media, type(self).__name__)]

    def _resolve(self) -> None:
        """Find out in `fit` what does not depend on the data, such as the digest of weights."""

    def _inspect(self, column: pd.Series) -> None:
        """Find out in `fit` what the items have in common, such as a number of channels."""

    def _prepare(self) -> None:
        """Get ready to compute; called only if something is not in the store."""

    def _shown_sidecars(self) -> tuple[str, ...]:
        return self._sidecars

    def _vector_names(self) -> list[str]:
        return [f"{self._stem}_{i:04d}" for i in range(self.n_dims_)]

    def _content(self, item: Any) -> bytes:
        """Content of an item, by which the store knows it."""
        rate = getattr(self, "sampling_rate", None)
        return content_of(item, self._media, sampling_rate=rate, cache_dir=self.cache_dir)

    def _order(self, items: list[Any]) -> list[int]:
        """Positions of the items in the order in which they are computed."""
        return list(range(len(items)))

    def _is_full(self, batch: list[Any]) -> bool:
        size = sum(getattr(decoded, "nbytes", 0) for decoded in batch)
        return len(batch) >= self.batch_size or size >= MAX_BATCH_BYTES

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None) -> Self:
        """Check X and the parameters; nothing is learned from the data.

        Parameters
        ----------
        X : DataFrame, Series or array-like of shape (n_samples,) or (n_samples, 1)
            One column of cells; a DataFrame may have context columns (such as speaker) beside it.
        y : object, default=None
            Ignored.

        Returns
        -------
        self : object
            The fitted transformer.

        Raises
        ------
        ValueError
            If X has no column of media or several.
        """
        table = as_table(X)
        validate_data(self, table, skip_check_array=True, reset=True)
        column = self._column(table)
        self._resolve()
        if not self._stem:
            raise TypeError(
                f"{type(self).__name__} has no _stem, with which the names of its columns begin."
            )
        self._inspect(column)
        self.n_dims_ = self._n_dims()
        self._context = [column for column in table.columns if is_context(column)]
        return self

    def transform(self, X: Any) -> pd.DataFrame:
        """Convert cells to frames or vectors.

        Parameters
        ----------
        X : DataFrame, Series or array-like of shape (n_samples,) or (n_samples, 1)
            What `fit` takes.

        Returns
        -------
        X_out : DataFrame
            On the index of X. Without pooling, an object column of frames, float32
            (n_frames, n_dims) or None where the cell is missing, and its auxiliary columns;
            with pooling, float32 columns, NaN where the cell is missing. Context columns come last.

        Raises
        ------
        ValueError, FileNotFoundError
            If an item cannot be read and ``errors="raise"``; the message names the row, the column
            and the file. What was computed before is in the store.
        """
        check_is_fitted(self)
        table = as_table(X)
        validate_data(self, table, skip_check_array=True, reset=False)
        column = self._column(table)
        run = CellRun(self, Store(self._stem, self._full_recipe(), self.cache_dir))
        run.fill(column)
        output = self._assemble(run, table.index)
        context = table.loc[:, [is_context(name) for name in table.columns]]
        return beside_context(output, context, [column.name])

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Name the columns that `transform` gives.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Ignored; there for scikit-learn.

        Returns
        -------
        names : ndarray of str objects
        """
        check_is_fitted(self)
        if self._pooling is None:
            names = [f"{self._stem}_frames", *self._shown_sidecars()]
        else:
            names = self._vector_names()
        return np.asarray([*names, *self._context], dtype=object)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.one_d_array = True
        tags.input_tags.two_d_array = False
        tags.input_tags.string = True
        tags.input_tags.allow_nan = True
        return tags

    @property
    def _pooling(self) -> str | None:
        return getattr(self, "pooling", "mean")

    def _full_recipe(self) -> dict[str, Any]:
        # These names are part of every key: entries stored under others would not be found again.
        return {"stem": self._stem, "sidecars": list(self._sidecars), **self._recipe()}

    def _check_value(self, value: np.ndarray) -> None:
        if len(value) == 0:
            raise ValueError("the item gave no frame; it is too short")
        if value.shape[1:] != (self._width,) or value.dtype != self._dtype:
            raise RuntimeError(
                f"{type(self).__name__}._compute gave {value.dtype} of shape {value.shape}; "
                f"it must be float32 of shape (n_frames, {self._width})."
            )

    def _reduce(self, value: np.ndarray) -> np.ndarray:
        """Keep of an item what the output needs: one row where its frames are pooled."""
        if self._pooling is None:
            return value
        return pool_item(value, self._sidecars, self._how)

    @property
    def _how(self) -> str:
        return self._pooling if self._pooling in POOLINGS else "mean"

    @property
    def _width(self) -> int:
        """Columns of a stored value: the dimensions of a frame, then its auxiliary values."""
        return self.n_dims_ + len(self._sidecars)

    def _assemble(self, run: CellRun, index: pd.Index) -> pd.DataFrame:
        cells = [
            None
            if not keys or any(key in run.failed for key in keys)
            else self._rows_of([run.values[key] for key in keys], is_list)
            for keys, is_list in zip(run.rows, run.are_lists, strict=True)
        ]
        if self._pooling is not None:
            return self._vectors(cells, index)
        n_dims = self.n_dims_
        parts: dict[str, Any] = {f"{self._stem}_frames": np.s_[:, :n_dims]}
        for name in self._shown_sidecars():
            parts[name] = np.s_[:, n_dims + self._sidecars.index(name)]
        # A copy, since a view would keep the other columns in memory as well.
        columns = {
            name: object_column([c if c is None else c[part].copy() for c in cells], index)
            for name, part in parts.items()
        }
        output = pd.DataFrame(columns, index=index)
        if (names := self._vector_names()) != CellTransformer._vector_names(self):
            name_dimensions(output, f"{self._stem}_frames", names)
        return output

    def _rows_of(self, parts: list[np.ndarray], is_list: bool) -> np.ndarray:
        chunks = getattr(self, "chunks", "pool")
        if self._pooling is None and is_list and chunks == "pool":
            parts = [pool_item(part, self._sidecars, "mean") for part in parts]
        return np.concatenate(parts)

    def _vectors(self, cells: list[np.ndarray | None], index: pd.Index) -> pd.DataFrame:
        values = np.full((len(cells), self.n_dims_), np.nan, dtype=np.float32)
        timed = "seconds" in self._sidecars
        for i, cell in enumerate(cells):
            if cell is None:
                continue
            weights = cell[:, self.n_dims_ + self._sidecars.index("seconds")] if timed else None
            values[i] = pool(cell[:, : self.n_dims_], self._how, weights)
        return pd.DataFrame(values, index=index, columns=self._vector_names())
