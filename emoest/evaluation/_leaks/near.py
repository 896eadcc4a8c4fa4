"""Near copies: samples far closer to each other than neighbors are."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from emoest.tables.names import is_context, numeric_columns
from emoest.utils.typing import Floats

MOST_SAMPLES = 20_000
"""Above this many samples, neighbors are not looked for: time grows with the square."""

_N_PROJECTED = 64
_CHUNK = 1_000
_CLOSER = 5.0
_PLACED = 0.4
_FALSE_ALARMS = 0.01
_QUANTILES = float(np.log(np.log(0.05) / np.log(0.25)))


def sample_vectors(X: Any) -> Floats | None:
    """Describe each sample by numbers: its numeric columns, means and deviations of its frames.

    Columns are standardized, missing values are column means; None where nothing is numeric.

    Examples
    --------
    >>> sample_vectors(pd.DataFrame({"audio__f0": [1.0, 3.0], "speaker": ["a", "b"]})).tolist()
    [[-1.0], [1.0]]
    """
    if not isinstance(X, pd.DataFrame):
        array = np.asarray(X)
        if array.ndim != 2 or array.dtype.kind not in "fiu":
            return None
        X = pd.DataFrame(array)
    blocks = list(_blocks(X))
    if not blocks:
        return None
    values = np.hstack(blocks)
    known = np.isfinite(values)
    n_known = known.sum(axis=0)
    values = np.where(known, values, 0.0)
    mean = values.sum(axis=0) / np.maximum(n_known, 1)
    values = np.where(known, values - mean, 0.0)
    scale = np.sqrt((values**2).sum(axis=0) / np.maximum(n_known, 1))
    kept = scale > 1e-12 * np.maximum(1.0, np.abs(mean))
    standardized: Floats = values[:, kept] / scale[kept]
    return standardized if kept.any() else None


def _blocks(X: pd.DataFrame) -> Iterator[Floats]:
    kept = [i for i, column in enumerate(X.columns) if not is_context(column)]
    numeric = numeric_columns(X)
    if numeric:
        yield X.iloc[:, numeric].to_numpy(dtype=np.float64)
    for i in sorted(set(kept) - set(numeric)):
        cells = X.iloc[:, i].tolist()
        frames = {j: cell for j, cell in enumerate(cells) if _is_frames(cell)}
        widths = {cell.shape[1] for cell in frames.values()}
        if len(widths) == 1:
            rows = np.full((len(cells), 2 * widths.pop()), np.nan)
            for j, cell in frames.items():
                rows[j] = np.concatenate([cell.mean(axis=0), cell.std(axis=0)])
            yield rows


def _is_frames(cell: Any) -> bool:
    return getattr(cell, "ndim", 0) == 2 and len(cell) > 0 and cell.dtype.kind in "fiu"


def find_near_pairs(vectors: Floats) -> npt.NDArray[np.intp]:
    """Find pairs of samples that are far closer than samples and their neighbors are.

    Two rules find them. By the whole: a pair is at most a fifth as far apart as the median sample
    from its nearest neighbor. By the place: two samples are each other's nearest, and their third
    neighbors are far from both. Where vectors have few dimensions, a pair must be closer still,
    so that chance makes a hundredth of a pair by each rule; the dimensions are estimated from
    samples without a close neighbor, so that many copies may be there. Pairs that are the same are
    left out.

    Parameters
    ----------
    vectors : ndarray of shape (n_samples, n_dims)
        Standardized columns, as `sample_vectors` gives them.

    Returns
    -------
    pairs : ndarray of shape (n_pairs, 2)
        Positions, the first the smaller; sorted.

    Examples
    --------
    >>> vectors = np.random.default_rng(0).normal(size=(50, 16))
    >>> vectors[7] = vectors[3] + 1e-3
    >>> find_near_pairs(vectors).tolist()
    [[3, 7]]
    """
    n_samples, n_dims = vectors.shape
    if n_samples < 3:
        return np.zeros((0, 2), dtype=np.intp)
    projected = vectors
    if n_dims > _N_PROJECTED:
        # Distances survive a random projection to within a tenth; candidates are measured anew.
        axes = np.random.default_rng(0).normal(size=(n_dims, _N_PROJECTED))
        projected = vectors @ (axes / np.sqrt(_N_PROJECTED))
    neighbors, distances = _neighbors(projected)
    pairs = _near_by_the_whole(vectors, distances[:, 0])
    pairs |= _near_by_the_place(vectors, neighbors, distances)
    return np.array(sorted(pairs), dtype=np.intp).reshape(-1, 2)


def _near_by_the_whole(vectors: Floats, nearest: Floats) -> set[tuple[int, int]]:
    n_samples, n_dims = vectors.shape
    apart = np.log(np.maximum(nearest[nearest > 1e-6 * np.sqrt(n_dims)], 1e-12))
    if len(apart) < 3:
        return set()
    middle, upper, high = np.quantile(apart, [0.5, 0.75, 0.95])
    # Distances to neighbors in m dimensions: the m-th power is exponential, and its quantiles tell
    # m; so many samples then have a neighbor closer by the factor f by chance: n * log(2) * f**m.
    dims = _QUANTILES / max(high - upper, 1e-9)
    by_chance = np.log(n_samples * np.log(2) / _FALSE_ALARMS) / dims
    limit = float(np.exp(middle - max(np.log(_CLOSER), by_chance)))
    suspects = np.flatnonzero(nearest <= 1.5 * limit)
    pairs = set()
    for i in suspects:
        distance = np.sqrt(((vectors[suspects] - vectors[i]) ** 2).sum(axis=1))
        close = suspects[(distance <= limit) & (distance > 0) & (suspects > i)]
        pairs |= {(int(i), int(j)) for j in close}
    return pairs


def _near_by_the_place(
    vectors: Floats, neighbors: npt.NDArray[np.intp], distances: Floats
) -> set[tuple[int, int]]:
    n_samples, n_dims = vectors.shape
    if n_samples < 4:
        return set()
    apart = distances[:, 0] > 1e-6 * np.sqrt(n_dims)
    if not apart.any():
        return set()
    ratios = np.log(distances[apart, 2] / distances[apart, 0])
    # The m-th power of the ratio of the first to the third distance is the smaller of two uniform
    # numbers: a quarter of them is above a half, which tells m, and n * 2 * f**m are below f.
    dims = np.log(2) / max(float(np.quantile(ratios, 0.25)), 1e-9)
    limit = min(_PLACED, float((_FALSE_ALARMS / (2 * n_samples)) ** (1 / dims)))
    first = neighbors[:, 0]
    rows = np.arange(n_samples)
    mutual = (first[first] == rows) & (rows < first) & apart
    close = distances[:, 0] <= 1.3 * limit * np.minimum(distances[:, 2], distances[first, 2])
    pairs = set()
    for i in np.flatnonzero(mutual & close).tolist():
        j = int(first[i])
        third = min(_distance(vectors, each, neighbors[each, 2]) for each in (i, j))
        if 0 < _distance(vectors, i, j) <= limit * third:
            pairs.add((i, j))
    return pairs


def _distance(vectors: Floats, i: Any, j: Any) -> float:
    return float(np.sqrt(((vectors[i] - vectors[j]) ** 2).sum()))


def _neighbors(vectors: Floats) -> tuple[npt.NDArray[np.intp], Floats]:
    """Find the three nearest samples of each, and how far they are; less where there are few."""
    count = min(3, len(vectors) - 1)
    places, distances = [], []
    for _, square in _distances(vectors):
        found = np.argpartition(square, count - 1, axis=1)[:, :count]
        values = np.take_along_axis(square, found, axis=1)
        order = np.argsort(values, axis=1)
        places.append(np.take_along_axis(found, order, axis=1))
        distances.append(_rows(np.take_along_axis(values, order, axis=1)))
    return np.concatenate(places), np.concatenate(distances).astype(np.float64)


def _distances(vectors: Floats) -> Iterator[tuple[int, Floats]]:
    """Yield distances of some rows to all, their own set to infinity."""
    rows = vectors.astype(np.float32)
    squares = (rows**2).sum(axis=1)
    for start in range(0, len(rows), _CHUNK):
        part = rows[start : start + _CHUNK]
        square = squares[start : start + _CHUNK, None] + squares - 2 * (part @ rows.T)
        square[np.arange(len(part)), start + np.arange(len(part))] = np.inf
        yield start, square


def _rows(square: Floats) -> Floats:
    distances: Floats = np.sqrt(np.maximum(square, 0.0))
    return distances
