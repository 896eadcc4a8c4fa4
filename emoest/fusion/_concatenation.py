"""Blocks side by side: each normalized, its missing values filled, in the order of modalities."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone

from emoest.normalization import column_statistics, zscore
from emoest.tables.vectors import Blocks, check_block, fill_block, fill_missing, weighted_mean
from emoest.utils.routing import fit_parameter
from emoest.utils.typing import Floats, Mask
from emoest.utils.warn import warn_user


@dataclass(frozen=True)
class FusedBlock:
    """One modality's block as it was learned.

    Parameters
    ----------
    fill : ndarray of shape (n_columns,)
        Training mean of each column, for single missing values.
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

    def fuse(self, block: Any, missing: Mask) -> Floats:
        """Normalize a block and fill its missing values."""
        if self.transformer is None:
            filled = fill_missing(np.asarray(block), self.fill)
            return filled if self.scale is None else zscore(filled, self.fill, self.scale)
        fused = np.tile(self.absent, (len(block), 1))
        if not missing.all():
            present = fill_block(block[~missing], self.fill)
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
    for name, missing in zip(blocks.modalities, blocks.missing.T, strict=True):
        block = _block(blocks, name)
        if missing.all():
            warn_user(
                f"No training row has the modality {name!r}, so nothing is learned from it.",
            )
        if normalize == "zscore" or normalize is None or missing.all():
            fitted[name] = _fit_plain(np.asarray(block), normalize, missing, sample_weight)
        else:
            fitted[name] = _fit_transformer(block, normalize, missing, sample_weight)
    return fitted


def _fit_plain(values: Floats, normalize: Any, missing: Mask, weight: Any) -> FusedBlock:
    statistics = column_statistics(values, weight)
    scale = None if normalize is None else statistics.scale
    if missing.all():
        # A scale of 0 makes the block 0 at prediction too: no model has learned what it means.
        scale = np.zeros(values.shape[1])
    absent = statistics.mean if scale is None else np.zeros(values.shape[1])
    return FusedBlock(statistics.mean, scale, None, absent)


def _fit_transformer(block: Any, normalize: Any, missing: Mask, weight: Any) -> FusedBlock:
    fill = weighted_mean(np.asarray(block), weight)
    present = fill_block(block[~missing], fill)
    weight = None if weight is None else weight[~missing]
    transformer = clone(normalize)
    key = None if weight is None else fit_parameter(transformer, "sample_weight")
    transformer.fit(present, **({} if key is None else {key: weight}))
    output = np.asarray(transformer.transform(present), dtype=np.float64)
    return FusedBlock(fill, None, transformer, weighted_mean(output, weight))


def fuse_blocks(blocks: Blocks, fitted: dict[str, FusedBlock], missing_indicator: bool) -> Any:
    """Concatenate the normalized blocks, in the order of `fitted`.

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
    parts, names = [], []
    for name, learned in fitted.items():
        block = _block(blocks, name)
        parts.append(learned.fuse(block, missing[name]))
        if learned.transformer is not None:
            names.extend(f"{name}__fused_{i:04d}" for i in range(parts[-1].shape[1]))
        elif isinstance(block, pd.DataFrame):
            names.extend(block.columns)
    if missing_indicator:
        parts.append(np.column_stack([missing[name] for name in fitted]).astype(np.float64))
        names.extend(f"{name}__missing" for name in fitted)
    # scikit-learn raises on names of which some are str: columns of X may be numbers.
    if any(isinstance(name, str) for name in names):
        names = [str(name) for name in names]
    fused = np.hstack(parts)
    if blocks.context is None:
        return fused
    return pd.DataFrame(fused, index=blocks.context.index, columns=names)


def check_whole(blocks: Blocks) -> None:
    """Raise `ValueError` if a block is partly NaN, naming modality, row and column."""
    for name, missing in zip(blocks.modalities, blocks.missing.T, strict=True):
        check_block(name, _block(blocks, name)[~missing], np.flatnonzero(~missing))


def _block(blocks: Blocks, name: str) -> Any:
    """Return the columns of one modality in the form that X had."""
    values = blocks.block(name)
    if blocks.context is None:
        return values
    columns = [blocks.columns[i] for i in blocks.modalities[name]]
    return pd.DataFrame(values, index=blocks.context.index, columns=columns)
