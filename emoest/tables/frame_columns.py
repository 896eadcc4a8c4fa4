"""Which columns of a table hold frames and which hold numbers: decided here, for everyone."""

import os
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd

from emoest.tables.cells import describe, is_missing, is_path
from emoest.tables.dimensions import dimension_names
from emoest.tables.names import (
    SIDECARS,
    SINGLE,
    find_sidecars,
    is_context,
    is_sidecar,
    modalities_of,
    tokens,
)
from emoest.tables.positions import positions_from_dict
from emoest.utils.messages import listed

_POOL = (
    "Pool the frames first, with emoest.aggregation.StatisticsPooling or WeightedAggregator, or "
    "with pooling='mean' in the embedder"
)
_EMBED = "Embed what they stand for first, for example with an embedder of emoest.embeddings"


@dataclass(frozen=True)
class FrameColumn:
    """The column of frames of one modality, and what lies beside it.

    Parameters
    ----------
    position : int
        Position of the column that holds the frames.
    sidecars : dict of str to int
        Positions of the columns that describe the frames (``"seconds"``, ``"speech"``,
        ``"weights"``), one value per frame row in each cell.
    column : str
        Name of the column of frames.
    dimensions : tuple of str, default=()
        Names of the dimensions, where an encoder gave some.
    """

    position: int
    sidecars: dict[str, int]
    column: str
    dimensions: tuple[str, ...] = field(default=(), repr=False)

    @property
    def positions(self) -> list[int]:
        """Positions of the frames and of all that lies beside them."""
        return [self.position, *self.sidecars.values()]

    def vector_names(self, n_dims: int, statistic: str | None = None) -> list[str]:
        """Name the numeric columns that come out when the frames are pooled.

        ``audio__yamnet_frames`` gives ``audio__yamnet_0000``; ``audio__frames`` and the bare
        ``audio`` give ``audio__0000``; a statistic stands before the number
        (``audio__yamnet_std_0000``). Dimensions with names keep them (``audio__f0_median``), with
        the statistic behind (``audio__f0_median_std``).

        Examples
        --------
        >>> FrameColumn(0, {}, "audio__yamnet_frames").vector_names(1)
        ['audio__yamnet_0000']
        >>> FrameColumn(0, {}, "audio").vector_names(1, "std")
        ['audio__std_0000']
        >>> FrameColumn(0, {}, "yamnet_frames").vector_names(1)
        ['yamnet_0000']
        """
        *prefix, last = tokens(self.column)
        if last == "frames":
            stem = ""
        elif last.endswith("_frames"):
            stem = last.removesuffix("_frames")
        else:
            prefix, stem = [*prefix, last], ""
        if len(self.dimensions) == n_dims:
            behind = f"_{statistic}" if statistic else ""
            return ["__".join([*prefix, f"{name}{behind}"]) for name in self.dimensions]
        middle = "_".join(part for part in (stem, statistic) if part)
        return [
            "__".join([*prefix, f"{middle}_{i:04d}" if middle else f"{i:04d}"])
            for i in range(n_dims)
        ]


def find_frames(X: pd.DataFrame, modalities: Any = "auto") -> dict[str, FrameColumn]:
    """Find the frames of each modality in a table, with their auxiliary columns.

    Parameters
    ----------
    X : DataFrame of shape (n_samples, n_columns)
        One object column of frames per modality, auxiliary columns (``seconds``) beside it.
    modalities : "auto", list of str or dict, default="auto"
        Which modalities; ``"auto"`` takes all. A dict maps a modality to its column of frames, by
        name or position, with or without auxiliary columns.

    Returns
    -------
    frames : dict of str to FrameColumn
        In order of first appearance. When the names were lost (integer labels), the first column
        holds the frames and the others ``seconds``, ``speech``, ``weights``, by position.

    Raises
    ------
    ValueError
        If a modality has no column of frames or more than one, or is unknown.

    Examples
    --------
    >>> X = pd.DataFrame(columns=["audio__yamnet_frames", "audio__seconds", "speaker"])
    >>> find_frames(X)
    {'audio': FrameColumn(position=0, sidecars={'seconds': 1}, column='audio__yamnet_frames')}
    """
    if isinstance(modalities, dict):
        return _frames_from_dict(X, modalities)
    if _nameless(X):
        sidecars = {name: i + 1 for i, name in enumerate(SIDECARS) if i + 1 < X.shape[1]}
        return {SINGLE: FrameColumn(0, sidecars, "frames")}
    found: dict[str, list[int]] = {}
    sidecars_of: dict[str, dict[str, int]] = {}
    beside = find_sidecars(X)
    for i, (column, owner) in enumerate(zip(X.columns, modalities_of(X, beside), strict=True)):
        if is_context(column):
            continue
        if i in beside:
            sidecars_of.setdefault(owner, {})[tokens(column)[-1]] = i
        else:
            found.setdefault(owner, []).append(i)
    wanted = list(found) if isinstance(modalities, str) else list(modalities)
    return {
        name: _only_column(X, name, found.get(name, []), sidecars_of.get(name, {}))
        for name in wanted
    }


def _nameless(X: pd.DataFrame) -> bool:
    return not any(isinstance(column, str) for column in X.columns)


def _frames_from_dict(X: pd.DataFrame, modalities: dict[str, Any]) -> dict[str, FrameColumn]:
    sidecars = find_sidecars(X)
    named = modalities_of(X, sidecars)
    frames = {}
    for name, positions in positions_from_dict(list(X.columns), modalities).items():
        found = [i for i in positions.tolist() if i not in sidecars]
        owners = [named[i] for i in found]
        beside = [i for i in sorted(sidecars) if i in positions or named[i] in owners]
        frames[name] = _only_column(X, name, found, {tokens(X.columns[i])[-1]: i for i in beside})
    return frames


def _only_column(
    X: pd.DataFrame, name: str, found: list[int], sidecars: dict[str, int]
) -> FrameColumn:
    if len(found) != 1:
        names = listed([X.columns[i] for i in found], 6, quoted=True)
        several = f"{len(found)} ({names})" if found else "none"
        raise ValueError(
            f"The modality {name!r} needs one column of frames; X has {several}. The columns of X: "
            f"{listed(X.columns, 6, quoted=True)}."
        )
    column = X.columns[found[0]]
    return FrameColumn(found[0], sidecars, str(column), dimension_names(X, column))


def as_frame(X: Any) -> pd.DataFrame:
    """Return X as a DataFrame; a table without names gets the numbers of its columns.

    Examples
    --------
    >>> list(as_frame(np.array([[None]], dtype=object)).columns)
    [0]
    """
    if isinstance(X, pd.Series):
        return X.to_frame()
    return X if isinstance(X, pd.DataFrame) else pd.DataFrame(np.asarray(X, dtype=object))


def may_hold_frames(column: pd.Series) -> bool:
    """Check whether a column can hold frames: whatever pandas calls it, it holds no numbers.

    A column of paths is one of objects or of strings; the first present cell decides. One that is
    missing throughout can hold anything unless it is numeric and not named ``frames``.

    Examples
    --------
    >>> may_hold_frames(pd.Series(["a.npy"])), may_hold_frames(pd.Series([None, 1.0], dtype=object))
    (True, False)
    """
    if pd.api.types.is_numeric_dtype(column.dtype):
        return _named_frames(column.name) and bool(column.isna().all())
    return not isinstance(_first_present(column), Real)


def _named_frames(name: object) -> bool:
    return tokens(name)[-1].endswith("frames")


def _first_present(column: Any) -> Any:
    return next((cell for cell in column if not is_missing(cell)), None)


def sort_columns(X: pd.DataFrame, reserved: Collection[int] = ()) -> tuple[list[int], list[int]]:
    """Find the columns that can hold frames or media, and those that hold numbers.

    Examples
    --------
    >>> sort_columns(pd.DataFrame({"text": ["a", None], "audio__f0": 1.0, "speaker": "s1"}))
    ([0], [1])
    """
    frames: list[int] = []
    numbers: list[int] = []
    sidecars = find_sidecars(X)
    for i, (name, dtype) in enumerate(zip(X.columns, X.dtypes, strict=True)):
        if i in reserved or i in sidecars or is_context(name):
            continue
        # One look at the type spares a table of thousands of numbers a Series for each column.
        numeric = pd.api.types.is_numeric_dtype(dtype) and not _named_frames(name)
        framed = not numeric and may_hold_frames(X.iloc[:, i])
        (frames if framed else numbers).append(i)
    return frames, numbers


def holds_frames(X: Any) -> bool:
    """Check whether X is a table of frames rather than of numbers.

    One present cell of frames is enough. Where all cells that could hold frames are missing, X is
    a table of numbers if it has any.

    Examples
    --------
    >>> X = pd.DataFrame({"audio__frames": [np.zeros((2, 3)), None]})
    >>> holds_frames(X), holds_frames(np.zeros((2, 3)))
    (True, False)
    """
    if isinstance(X, pd.DataFrame | pd.Series):
        X = as_frame(X)
        frames, numbers = sort_columns(X)
        if any(not X.iloc[:, i].isna().all() for i in frames):
            return True
        return bool(frames) and not X.iloc[:, numbers].notna().any(axis=None)
    if not isinstance(X, np.ndarray) or X.dtype != object or X.ndim != 2 or not X.size:
        return False
    return any(_is_frames(cell) for cell in X[:, 0])


def _is_frames(cell: Any) -> bool:
    if is_path(cell):
        return True
    return isinstance(cell, list | tuple) or getattr(cell, "ndim", 0) > 0


def find_frame_columns(
    X: pd.DataFrame,
    modalities: Any = "auto",
    *,
    numbers: str = "raise",
    reserved: Collection[int] = (),
) -> dict[str, FrameColumn]:
    """Find the frames among columns that may hold numbers too.

    Parameters
    ----------
    X : DataFrame of shape (n_samples, n_columns)
        The table.
    modalities : "auto", list or dict, default="auto"
        See `emoest.utils.find_frames`.
    numbers : {"raise", "pass"}, default="raise"
        What numbers in the modalities that are asked for mean: an error, or columns that have
        nothing to do with the frames.
    reserved : collection of int, default=()
        Positions of columns that are no frames, for ``"pass"``.

    Returns
    -------
    frames : dict of str to FrameColumn
        Positions are those in X.

    Raises
    ------
    ValueError
        If no column holds frames, or frames stand beside numbers.

    Examples
    --------
    >>> X = pd.DataFrame({"text__length": [1.0], "audio__frames": [np.zeros((2, 3))]})
    >>> find_frame_columns(X, numbers="pass")["audio"].position
    1
    """
    frames, others = sort_columns(X, reserved)
    if not frames and (numbers == "pass" or X.iloc[:, others].notna().any(axis=None)):
        raise ValueError(
            f"X has no column of frames (an object column such as 'audio__frames'). The columns "
            f"of X: {listed(X.columns, 6, quoted=True)}. An embedder gives frames with "
            "pooling=None."
        )
    if numbers == "raise":
        _refuse_numbers(X, modalities, frames, others)
        return find_frames(X, modalities)
    beside = [i for i in find_sidecars(X) if i not in reserved]
    kept = sorted([*frames, *beside])
    return {
        name: replace(
            column,
            position=kept[column.position],
            sidecars={key: kept[i] for key, i in column.sidecars.items()},
        )
        for name, column in find_frames(X.iloc[:, kept], modalities).items()
    }


def _refuse_numbers(
    X: pd.DataFrame, modalities: Any, frames: list[int], numbers: list[int]
) -> None:
    """Raise if numbers stand beside frames in the modalities that are asked for."""
    if _nameless(X):
        return
    if isinstance(modalities, dict):
        asked = {i for at in positions_from_dict(list(X.columns), modalities).values() for i in at}
        numbers = [i for i in numbers if i in asked]
    elif not isinstance(modalities, str):
        owners = modalities_of(X, find_sidecars(X))
        numbers = [i for i in numbers if owners[i] in modalities]
    # A fold may lack a modality: its column is NaN throughout, and no number.
    found = next((i for i in numbers if X.iloc[:, i].notna().any()), None)
    if found is not None:
        what, advice = _kind_of(_first_present(X.iloc[:, frames[0]]))
        raise ValueError(
            f"X mixes {what} (column {X.columns[frames[0]]!r}) with numbers (column "
            f"{X.columns[found]!r}). {advice}, or leave the numbers out."
        )


def refuse_cells(X: Any, error: Exception) -> None:
    """Raise `ValueError` if X, which `error` kept from becoming numbers, holds frames or media.

    Examples
    --------
    >>> refuse_cells(pd.DataFrame({"audio": ["a.wav"]}), TypeError())
    Traceback (most recent call last):
        ...
    ValueError: Column 'audio' holds paths or texts (str 'a.wav') where numbers are needed. ...
    """
    if not isinstance(X, pd.DataFrame | np.ndarray):
        return
    table = as_frame(X)
    # What lies beside frames comes last: the column to be named is that of the frames.
    dtypes = table.dtypes.tolist()
    for i in sorted(range(table.shape[1]), key=lambda i: is_sidecar(table.columns[i])):
        name = table.columns[i]
        if is_context(name) or pd.api.types.is_numeric_dtype(dtypes[i]):
            continue
        cell = _first_present(table.iloc[:, i])
        if not _is_frames(cell) or _is_number(cell):
            continue
        what, advice = _kind_of(cell)
        shape = getattr(cell, "shape", None)
        shown = describe(cell) if shape is None else f"such as an array of shape {shape}"
        raise ValueError(
            f"Column {name!r} holds {what} ({shown}) where numbers are needed. {advice}."
        ) from error


def _kind_of(cell: Any) -> tuple[str, str]:
    """Say what a cell that is no number is, and what makes numbers of it."""
    framed = not is_path(cell) or os.fspath(cell).endswith(".npy")
    return ("frames", _POOL) if framed else ("paths or texts", _EMBED)


def _is_number(cell: Any) -> bool:
    try:
        float(cell)
    except (TypeError, ValueError):
        return False
    return True
