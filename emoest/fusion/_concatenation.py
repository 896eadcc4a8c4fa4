"""Blocks side by side: each normalized, its gaps filled, in the order of the modalities."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import clone

from emoest.normalization import column_statistics, zscore
from emoest.tables.vectors import Blocks, fill_missing, weighted_mean
from emoest.utils.routing import fit_parameter
from emoest.utils.typing import Floats
from emoest.utils.warn import warn_user


@dataclass(frozen=True)
class FusedBlock:
    """One modality's block as it was learned.

    Parameters
    ----------
    fill : ndarray of shape (n_columns,)
        Training mean of each column, for single gaps.
    scale : ndarray of shape (n_columns,) or None
        Training deviation of each column, 0 where constant; None where nothing is scaled.
    transformer : transformer or None
        The fitted transformer of this block, if one was given.
    absent : ndarray of shape (n_columns_out,)
        What stands for the block in a row that misses the modality: the mean training row.
    """

    fill: Floats
    scale: Floats | None
    transformer: Any
    absent: Floats

    def fuse(self, values: Floats, missing: npt.NDArray[np.bool_], frame: Any) -> Floats:
        """Normalize and fill a block; `frame` gives it the form that the transformer saw."""
        if self.transformer is None:
            filled = fill_missing(values, self.fill)
            return filled if self.scale is None else zscore(filled, self.fill, self.scale)
        fused = np.tile(self.absent, (len(values), 1))
        if not missing.all():
            present = frame(fill_missing(values[~missing], self.fill), ~missing)
            fused[~missing] = np.asarray(self.transformer.transform(present), dtype=np.float64)
        return fused


def fit_blocks(
    blocks: Blocks, normalize: Any, sample_weight: Floats | None
) -> dict[str, FusedBlock]:
    """Learn each modality's block from the rows that have it.

    Parameters
    ----------
    blocks : Blocks
        The training table.
    normalize : "zscore", None or transformer
        What is done to each block; a transformer is cloned.
    sample_weight : ndarray of shape (n_samples,) or None
        Weights of the rows.

    Returns
    -------
    fitted : dict of str to FusedBlock
        In the order of the modalities.

    Warns
    -----
    UserWarning
        If no training row has a modality: nothing of it can be learned, and it is constant.
    """
    fitted = {}
    for (name, values), missing in zip(_each(blocks), blocks.missing.T, strict=True):
        if missing.all():
            warn_user(
                f"No training row has the modality {name!r}, so nothing is learned from it.",
            )
        if normalize == "zscore" or normalize is None or missing.all():
            fitted[name] = _fit_plain(values, normalize, missing, sample_weight)
        else:
            form = _former(blocks, name)
            fitted[name] = _fit_transformer(values, normalize, missing, sample_weight, form)
    return fitted


def _fit_plain(values: Floats, normalize: Any, missing: Any, weight: Any) -> FusedBlock:
    statistics = column_statistics(values, weight)
    scale = None if normalize is None else statistics.scale
    if missing.all():
        scale = np.zeros(values.shape[1])
    absent = statistics.mean if scale is None else np.zeros(values.shape[1])
    return FusedBlock(statistics.mean, scale, None, absent)


def _fit_transformer(
    values: Floats, normalize: Any, missing: Any, weight: Any, form: Any
) -> FusedBlock:
    fill = weighted_mean(values, weight)
    present = form(fill_missing(values[~missing], fill), ~missing)
    weight = None if weight is None else weight[~missing]
    transformer = clone(normalize)
    key = None if weight is None else fit_parameter(transformer, "sample_weight")
    transformer.fit(present, **({} if key is None else {key: weight}))
    output = np.asarray(transformer.transform(present), dtype=np.float64)
    return FusedBlock(fill, None, transformer, weighted_mean(output, weight))


def fuse_blocks(blocks: Blocks, fitted: dict[str, FusedBlock], missing_indicator: bool) -> Any:
    """Put the normalized blocks side by side, in the order of `fitted`.

    Parameters
    ----------
    blocks : Blocks
        The table.
    fitted : dict of str to FusedBlock
        What `fit_blocks` learned.
    missing_indicator : bool
        Whether a column of 0 and 1 for each modality follows: 1 where a row misses it.

    Returns
    -------
    fused : DataFrame or ndarray of shape (n_samples, n_columns_out)
        A DataFrame if the table was one; without NaN.
    """
    missing = dict(zip(blocks.modalities, blocks.missing.T, strict=True))
    parts = [
        block.fuse(blocks.block(name), missing[name], _former(blocks, name))
        for name, block in fitted.items()
    ]
    names = [
        column
        for (name, block), part in zip(fitted.items(), parts, strict=True)
        for column in _names(blocks, name, block, part.shape[1])
    ]
    if missing_indicator:
        parts.append(np.column_stack([missing[name] for name in fitted]).astype(np.float64))
        names.extend(f"{name}__missing" for name in fitted)
    if any(isinstance(name, str) for name in names):
        names = [str(name) for name in names]
    fused = np.hstack(parts)
    if blocks.context is None:
        return fused
    return pd.DataFrame(fused, index=blocks.context.index, columns=names)


def refuse_holes(blocks: Blocks) -> None:
    """Raise `ValueError` if a block is partly NaN, naming modality, row and column."""
    for (name, values), missing in zip(_each(blocks), blocks.missing.T, strict=True):
        holes = np.isnan(values) & ~missing[:, None]
        if not holes.any():
            continue
        row, column = np.argwhere(holes)[0].tolist()
        if blocks.context is not None:
            (row,) = blocks.context.index[[row]]
            column = _columns(blocks, name)[column]
        raise ValueError(
            f"The modality {name!r} is partly NaN in {int(holes.any(axis=1).sum())} row(s), first "
            f"in row {row!r}, column {column!r}. Fill it in a step before, or use impute='mean'."
        )


def _each(blocks: Blocks) -> list[tuple[str, Floats]]:
    return [(name, blocks.block(name)) for name in blocks.modalities]


def _columns(blocks: Blocks, name: str) -> Sequence[str]:
    return [blocks.columns[i] for i in blocks.modalities[name]] if blocks.columns else []


def _former(blocks: Blocks, name: str) -> Any:
    """Give a block's values the form that X had."""

    def form(values: Floats, rows: npt.NDArray[np.bool_]) -> Any:
        if blocks.context is None:
            return values
        index = blocks.context.index[rows]
        return pd.DataFrame(values, index=index, columns=_columns(blocks, name))

    return form


def _names(blocks: Blocks, name: str, block: FusedBlock, n_columns: int) -> list[str]:
    if blocks.columns is None:
        return []
    if block.transformer is None:
        return list(_columns(blocks, name))
    return [f"{name}__fused_{i:04d}" for i in range(n_columns)]
