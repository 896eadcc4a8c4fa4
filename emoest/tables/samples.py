"""The samples of decision-level fusion: each base estimator gets its modality's columns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils import check_array
from sklearn.utils.validation import validate_data

from emoest.tables.cells import holds_nothing
from emoest.tables.frame_columns import refuse_cells, sort_columns
from emoest.tables.inputs import as_fitted
from emoest.tables.names import Modalities, find_modalities, is_context, is_sidecar, tokens
from emoest.tables.targets import read_target
from emoest.tables.vectors import check_block, fill_block, validate_blocks, weighted_mean
from emoest.utils._sklearn import num_samples
from emoest.utils.typing import Floats, Mask, Rows

Fill = Mapping[str, Floats]


@dataclass(frozen=True)
class Layout:
    """Where the modalities of a table stand; learned in fit.

    Parameters
    ----------
    modalities : Modalities
        Positions among the columns that are not context.
    media : frozenset of str
        The modalities that hold objects (media or frames) and not numbers.
    """

    modalities: Modalities
    media: frozenset[str]


@dataclass(frozen=True)
class Samples:
    """Samples whose columns belong to modalities, be they media, frames or vectors.

    Parameters
    ----------
    data : DataFrame or ndarray of shape (n_samples, n_columns)
        All columns but the context.
    layout : Layout
        Which columns belong to which modality.
    context : DataFrame or None
        The context columns that base estimators are to get; None when X was an array.
    missing : dict of str to ndarray of bool, shape (n_samples,)
        The rows that miss each modality.
    """

    data: Any
    layout: Layout
    context: pd.DataFrame | None
    missing: dict[str, Mask]

    @property
    def names(self) -> list[str]:
        """Names of the modalities."""
        return self.layout.modalities.names

    def __len__(self) -> int:
        return num_samples(self.data)

    def present(self, members: Sequence[str]) -> Mask:
        """Return which rows have all of some modalities."""
        return ~np.logical_or.reduce([self.missing[name] for name in members])

    def block(self, name: str, rows: Rows) -> Any:
        """Return the columns of one modality."""
        positions = self.layout.modalities[name]
        if isinstance(self.data, pd.DataFrame):
            return self.data.iloc[rows, positions]
        return self.data[np.ix_(rows, positions)]

    def learn_fill(self, members: Sequence[str], rows: Rows, sample_weight: Any) -> Fill:
        """Find what stands in for NaN: the mean of each numeric column over `rows`."""
        weight = None if sample_weight is None else sample_weight[rows]
        return {
            name: weighted_mean(np.asarray(self.block(name, rows), dtype=np.float64), weight)
            for name in members
            if name not in self.layout.media
        }

    def take(self, members: Sequence[str], rows: Rows, fill: Fill, impute: str) -> Any:
        """Return what a base estimator gets: its modalities with NaN filled, then the context.

        Parameters
        ----------
        members : sequence of str
            The modalities.
        rows : ndarray of int
            Rows that have all of them.
        fill : dict of str to ndarray
            What `learn_fill` found.
        impute : {"mean", "raise"}
            What a partly NaN block means.

        Returns
        -------
        X : DataFrame or ndarray of shape (len(rows), n_columns)

        Raises
        ------
        ValueError
            If a block is partly NaN and ``impute="raise"``.
        """
        parts = [self._filled(name, rows, fill, impute) for name in members]
        if not isinstance(self.data, pd.DataFrame):
            return np.hstack(parts)
        if self.context is not None and self.context.shape[1]:
            parts.append(self.context.iloc[rows])
        return parts[0] if len(parts) == 1 else pd.concat(parts, axis=1)

    def _filled(self, name: str, rows: Rows, fill: Fill, impute: str) -> Any:
        block = self.block(name, rows)
        if name in self.layout.media or not np.isnan(np.asarray(block, dtype=np.float64)).any():
            return block
        if impute == "raise":
            check_block(name, block, rows)
        return fill_block(block, fill[name])


def read_samples(
    estimator: Any,
    X: Any,
    y: Any = None,
    *,
    layout: Layout | None = None,
    classifier: bool = True,
) -> tuple[Samples, Any]:
    """Validate the samples (and, in fit, the target) of decision-level fusion.

    Parameters
    ----------
    estimator : estimator
        With the parameters `modalities` and `context`.
    X : DataFrame or array-like of shape (n_samples, n_columns)
        The samples: media, frames or vectors.
    y : array-like of shape (n_samples,), default=None
        The target, in fit.
    layout : Layout, default=None
        What fit learned; None in fit.
    classifier : bool, default=True
        Whether `y` holds classes; otherwise it is made float.

    Returns
    -------
    samples : Samples
    y : ndarray of shape (n_samples,) or None

    Raises
    ------
    ValueError
        If `y` has several columns, X is empty, or the modalities or context columns are unknown.
    """
    reset = layout is None
    X = as_fitted(estimator, X, reset=reset)
    named = isinstance(X, pd.DataFrame)
    if named and (sort_columns(X)[0] if layout is None else layout.media):
        samples = _read_media(estimator, X, layout)
    else:
        blocks = validate_blocks(estimator, X, reset=reset, modalities=estimator.modalities)
        layout = layout or Layout(blocks.modalities, frozenset())
        data: Any = blocks.values
        if named:
            data = pd.DataFrame(data, index=blocks.context.index, columns=blocks.columns)
        missing = dict(zip(blocks.modalities, blocks.missing.T, strict=True))
        samples = Samples(data, layout, _context(estimator, blocks.context), missing)
    return samples, read_target(estimator, X, y, numeric=not classifier) if reset else None


def _read_media(estimator: Any, X: pd.DataFrame, layout: Layout | None) -> Samples:
    """Read a table some of whose modalities hold media or frames, which stay as they are."""
    validate_data(estimator, X, reset=layout is None, skip_check_array=True)
    if len(X) == 0:
        raise ValueError("X has 0 sample(s); at least one is needed.")
    outside = np.array([is_context(column) for column in X.columns])
    data = X.loc[:, ~outside]
    if layout is None:
        modalities = find_modalities(data, estimator.modalities)
        objects = set(sort_columns(data)[0])
        media = (name for name, at in modalities.items() if objects.intersection(at.tolist()))
        layout = Layout(modalities, frozenset(media))
    missing = {
        name: _missing_media(data.iloc[:, positions])
        if name in layout.media
        else _missing_numbers(estimator, data.iloc[:, positions])
        for name, positions in layout.modalities.items()
    }
    return Samples(data, layout, _context(estimator, X.loc[:, outside]), missing)


def _missing_media(block: pd.DataFrame) -> Mask:
    # Auxiliary columns may be there where frames are not, and the other way round.
    main = [i for i, column in enumerate(block.columns) if not is_sidecar(column)]
    columns = [block.iloc[:, i] for i in main or range(block.shape[1])]
    return np.logical_and.reduce([[holds_nothing(cell) for cell in column] for column in columns])


def _missing_numbers(estimator: Any, block: pd.DataFrame) -> Mask:
    try:
        values = check_array(
            block,
            dtype=np.float64,
            ensure_all_finite="allow-nan",
            estimator=estimator,
            input_name="X",
        )
    except (TypeError, ValueError) as error:
        refuse_cells(block, error)
        raise
    return np.isnan(values).all(axis=1)


def _context(estimator: Any, context: pd.DataFrame | None) -> pd.DataFrame | None:
    wanted = list(estimator.context)
    if context is None:
        if wanted:
            raise ValueError(
                f"context={wanted} names columns, but X has no column names. Pass a DataFrame."
            )
        return None
    chosen = []
    for name in wanted:
        hits = [c for c in context.columns if c == name or tokens(c)[-1] == name]
        if not hits:
            raise ValueError(
                f"context names {name!r}, but X has no such context column; it has "
                f"{list(context.columns)}."
            )
        chosen.append(hits[0])
    return context[chosen]
