"""Frames on the way into a net: their data set, what stands for missing numbers, their scale."""

import numpy as np

from emoest.nets.batches import FrameDataset, Scale
from emoest.tables.cells import present_frames
from emoest.tables.frames import FrameTable
from emoest.tables.vectors import fill_missing, weighted_mean
from emoest.utils.messages import listed
from emoest.utils.typing import Floats, Rows


def make_dataset(table: FrameTable, *, several: bool, scales: dict[str, Scale]) -> FrameDataset:
    """Return the data set that batches of a table are taken from.

    Examples
    --------
    >>> from emoest.tables.frames import rows_as_frames
    >>> from emoest.tables.vectors import validate_blocks
    >>> from sklearn.base import BaseEstimator
    >>> table = rows_as_frames(validate_blocks(BaseEstimator(), [[1.0, 2.0]], reset=True))
    >>> make_dataset(table, several=False, scales={}).read("features", 0).tolist()
    [[1.0, 2.0]]
    """
    lengths = dict(zip(table.names, table.lengths.T, strict=True))
    return FrameDataset(
        table.cells, lengths, table.widths, scales=scales, rows=table.rows, several=several
    )


def column_means(table: FrameTable, rows: Rows, weight: Floats) -> dict[str, Floats]:
    """Mean of each column of a numeric table over the present values of some rows.

    Parameters
    ----------
    table : FrameTable
        The table; frames have no missing values, so they give nothing.
    rows : ndarray of int
        Positions of the training rows.
    weight : ndarray of shape (n_samples,)
        Weight of each row of the table.

    Returns
    -------
    means : dict of str to ndarray of shape (n_dims,)
        0 for a column without any value.
    """
    if not table.numbers:
        return {}
    means = {}
    for (name, n_dims), lengths in zip(table.widths.items(), table.lengths.T, strict=True):
        present = rows[lengths[rows] > 0]
        values = np.concatenate([np.empty((0, n_dims)), *(table.cells[name][i] for i in present)])
        means[name] = weighted_mean(values, weight[present])
    return means


def fill_numbers(table: FrameTable, means: dict[str, Floats], impute: str) -> None:
    """Fill the missing values of a table of numbers by column means, or raise.

    Parameters
    ----------
    table : FrameTable
        The table, changed in place.
    means : dict of str to ndarray of shape (n_dims,)
        What `column_means` learned.
    impute : {"mean", "raise"}
        What to do.

    Raises
    ------
    ValueError
        If values are missing and `impute` is ``"raise"``.
    """
    if not table.numbers:
        return
    for name, cells in table.cells.items():
        holed = [i for i, cell in enumerate(cells) if cell is not None and np.isnan(cell).any()]
        if holed and impute == "raise":
            shown = listed([table.rows[i] for i in holed], quoted=True)
            raise ValueError(
                f"{len(holed)} row(s) have NaN in some columns of the modality {name!r} and "
                f"numbers in others, for example {shown}. "
                "Fill the missing values first, or take impute='mean'."
            )
        for i in holed:
            cells[i] = fill_missing(cells[i], means[name]).astype(np.float32)


def fit_scales(data: FrameDataset, weight: Floats | None = None) -> dict[str, Scale]:
    """Mean and standard deviation of each dimension over all frames, one pass in double precision.

    Parameters
    ----------
    data : FrameDataset
        The training rows, unscaled.
    weight : ndarray of shape (n_samples,), default=None
        Weight of each row's frames; None stands for ones.

    Returns
    -------
    scales : dict of str to Scale
        A constant dimension is divided by 1; a modality without frames stays as it is.

    Examples
    --------
    >>> cells = [np.array([[0.0], [2.0]], "float32")]
    >>> scale = fit_scales(FrameDataset({"a": cells}, {"a": np.array([2])}, {"a": 1}))["a"]
    >>> scale.mean.tolist(), scale.std.tolist()
    ([1.0], [1.0])
    """
    weight = np.ones(len(data)) if weight is None else weight
    scales = {}
    for name, n_dims in data.dims.items():
        total, mean, spread = 0.0, np.zeros(n_dims), np.zeros(n_dims)
        for row in np.flatnonzero(weight):
            frames = data.read(name, row)
            if frames is None:
                continue
            # Fusion keeps absent frames in their place; they say nothing of the scale.
            frames = present_frames(frames).astype(np.float64)
            center, added = frames.mean(axis=0), weight[row] * len(frames)
            step, share = center - mean, added / (total + added)
            spread += weight[row] * ((frames - center) ** 2).sum(axis=0) + step**2 * total * share
            mean += step * share
            total += added
        std = np.sqrt(spread / total) if total else np.zeros(n_dims)
        # A deviation below what float32 resolves at the mean is rounding: the column is constant.
        std[std <= 1e-7 * np.maximum(np.abs(mean), 1e-30)] = 1.0
        scales[name] = Scale(mean.astype(np.float32), std.astype(np.float32))
    return scales
