"""Weighted sums of frames."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from emoest.aggregation._base import FrameAggregator
from emoest.tables.cells import Frames, is_missing
from emoest.tables.frame_cells import FrameCell
from emoest.tables.frame_columns import FrameColumn
from emoest.tables.names import SIDECARS, tokens
from emoest.utils.warn import warn_user

Weights = npt.NDArray[np.float64]

_SIDECAR_OF = {"duration": "seconds", **{name: name for name in SIDECARS}}
_RULES = ("uniform", "peak_end")


def weighted_sum(frames: Frames, weights: Weights) -> npt.NDArray[np.float64]:
    """Average frames by weights that need not sum to one; NaN values are left out.

    Parameters
    ----------
    frames : ndarray of shape (n_frames, n_dims)
        The frames. Where a value is NaN, the weights of the others in its column are rescaled.
    weights : ndarray of shape (n_frames,)
        Weights, not negative, at least one above zero.

    Returns
    -------
    vector : ndarray of shape (n_dims,)
        NaN in a column that has no value of positive weight.

    Examples
    --------
    >>> frames = np.array([[1.0, np.nan], [2.0, 5.0]], dtype="float32")
    >>> weighted_sum(frames, np.array([1.0, 3.0])).tolist()
    [1.75, 5.0]
    """
    values = frames.astype(np.float64)
    present = ~np.isnan(values)
    weights = weights / weights.sum()
    if present.all():
        # The weights sum to 1 but for rounding, which dividing by their sum again would add to.
        return weights @ values
    total = weights @ present
    summed = weights @ np.where(present, values, 0.0)
    return np.divide(summed, total, out=np.full(len(total), np.nan), where=total > 0)


def peak_end_weights(frames: Frames) -> Weights:
    """Compute the weights of the peak-end rule: half on the peak, half on the last frame.

    The peak is the frame of largest norm, the first of several.

    Parameters
    ----------
    frames : ndarray of shape (n_frames, n_dims)
        The frames; one that is NaN throughout is neither peak nor end.

    Returns
    -------
    weights : ndarray of shape (n_frames,)
        They sum to one; all on one frame if peak and end are the same.

    Examples
    --------
    >>> peak_end_weights(np.array([[1.0], [-7.0], [2.0]], dtype="float32")).tolist()
    [0.0, 0.5, 0.5]
    """
    seen = np.flatnonzero(~np.isnan(frames).all(axis=1))
    weights = np.zeros(len(frames))
    if len(seen) == 0:
        # Any weights will do, as the sum is NaN with all of them.
        return np.full(len(frames), 1.0 / len(frames))
    norms = np.nansum(frames[seen].astype(np.float64) ** 2, axis=1)
    weights[seen[norms.argmax()]] += 0.5
    weights[seen[-1]] += 0.5
    return weights


class WeightedAggregator(FrameAggregator):
    """Sum the frames of each row by weights that sum to one.

    The vector of a row with frames ``a_1 ... a_n`` is the sum of ``w_i a_i``. Nothing is learned
    but the width of the frames.

    Parameters
    ----------
    weights : str or callable, default="duration"
        Where the weights of a row's frames come from:

        - ``"duration"``: the auxiliary column ``seconds``. A modality that has none is weighted
          uniformly, with a warning;
        - ``"uniform"``: the plain mean;
        - ``"speech"``: the auxiliary column ``speech`` (`emoest.embeddings.YAMNetEmbedder` gives
          it with ``speech=True``);
        - ``"peak_end"``: half on the frame of largest Euclidean norm, half on the last one;
        - the name of a column of X with one value per frame in each cell: an auxiliary
          column (``"weights"``), a full name (which serves every modality), or a last token
          (``"energy"`` takes ``audio__energy`` for the modality ``audio``);
        - a callable that takes frames of shape (n_frames, n_dims) and returns n_frames weights.
    modalities : "auto" or list of str, default="auto"
        Whose frames to aggregate; ``"auto"`` takes all. Other columns pass through.

    Attributes
    ----------
    n_dims_ : dict of str to int
        Width of the frames of each modality.
    frames_ : dict of str to FrameColumn
        Where the frames of each modality stand in X.
    n_features_in_ : int
        Number of columns seen in ``fit``.
    feature_names_in_ : ndarray of str
        Their names, when X was a DataFrame.

    Warns
    -----
    UserWarning
        If a row has zero frames (its block is NaN), if its weights are missing or all zero (they
        are uniform then), or if ``"duration"`` finds no auxiliary column.

    See Also
    --------
    StatisticsPooling : Mean, deviation, extremes and quantiles of the frames.

    Notes
    -----
    Boateng & Kowatsch (2020) sum a story's acoustic vectors by weights that the paper does not
    give. Weights in proportion to the duration of the chunks are a reconstruction; they equal the
    plain mean when chunks are equally long. The peak-end rule is taken from another paper of the
    same authors at the same workshop. NaN values inside frames are left out, and the other weights
    rescaled.

    References
    ----------
    G. Boateng and T. Kowatsch, "Speech emotion recognition among elderly individuals using
    multimodal fusion and transfer learning", ICMI '20 Companion, 2020.

    Examples
    --------
    >>> from emoest.tables.cells import object_column
    >>> frames = object_column([np.array([[0.0, 1.0], [10.0, 1.0]]), None], range(2))
    >>> seconds = object_column([[1.0, 9.0], None], range(2))
    >>> X = pd.DataFrame({"audio__frames": frames, "audio__seconds": seconds})
    >>> WeightedAggregator().fit_transform(X)
       audio__0000  audio__0001
    0          9.0          1.0
    1          NaN          NaN
    """

    _parameter_constraints: dict = {
        "weights": [str, callable],
        **FrameAggregator._parameter_constraints,
    }

    def __init__(
        self,
        weights: str | Callable[[Frames], Any] = "duration",
        *,
        modalities: Any = "auto",
    ):
        self.weights = weights
        self.modalities = modalities

    def _names(self, column: FrameColumn, n_dims: int) -> list[str]:
        return column.vector_names(n_dims)

    def _reserved(self, X: pd.DataFrame) -> list[int]:
        """Find the columns that `weights` names, if they are no auxiliary columns."""
        name = self.weights
        if callable(name) or name in _RULES or name in _SIDECAR_OF:
            return []
        full = [i for i, column in enumerate(X.columns) if column == name]
        found = full or [i for i, column in enumerate(X.columns) if tokens(column)[-1] == name]
        if not found:
            raise ValueError(
                f"weights={name!r} is neither a rule ('duration', 'uniform', 'speech', "
                f"'peak_end') nor a column of X, which has {list(X.columns)[:8]}."
            )
        return found

    def _check_columns(self, X: pd.DataFrame) -> None:
        """Find for each modality the column of weights, None where there is to be none."""
        self._weight_positions: dict[str, int | None] = dict.fromkeys(self.frames_)
        if callable(self.weights) or self.weights in _RULES:
            return
        named = self._reserved(X)
        for modality, column in self.frames_.items():
            if self.weights in _SIDECAR_OF:
                position = column.sidecars.get(_SIDECAR_OF[self.weights])
            elif len(named) == 1 and X.columns[named[0]] == self.weights:
                position = named[0]
            else:
                own = [i for i in named if tokens(X.columns[i])[0] == modality]
                position = own[0] if own else None
            self._weight_positions[modality] = position
        self._check_found()

    def _check_found(self) -> None:
        without = [name for name, position in self._weight_positions.items() if position is None]
        if not without:
            return
        columns = [self.frames_[name].column for name in without]
        if self.weights == "duration":
            warn_user(
                f"weights='duration' finds no column 'seconds' beside {columns}, so these frames "
                "are weighted uniformly. Pass weights='uniform' if that is what you want.",
            )
            return
        hint = " YAMNetEmbedder(speech=True) gives it." if self.weights == "speech" else ""
        raise ValueError(
            f"weights={self.weights!r} needs a column of that name beside {columns}, with one "
            f"value per frame in each cell.{hint}"
        )

    def _aggregate(self, cell: FrameCell, notes: list[str]) -> npt.NDArray[np.float64]:
        return weighted_sum(cell.frames, self._find_weights(cell, notes))

    def _find_weights(self, cell: FrameCell, notes: list[str]) -> Weights:
        n_frames = len(cell.frames)
        uniform = np.full(n_frames, 1.0 / n_frames)
        position = self._weight_positions[cell.modality]
        if callable(self.weights):
            found, where = self.weights(cell.frames), f"{cell.where()} (weights of the callable)"
        elif self.weights == "peak_end":
            return peak_end_weights(cell.frames)
        elif position is None:
            return uniform
        else:
            found, where = cell.beside(position), cell.where(position)
        if is_missing(found):
            notes.append(f"{where}: the weights are missing, so they are uniform")
            return uniform
        weights = check_weights(found, n_frames, where, cell.column.column)
        if weights.sum() == 0:
            notes.append(f"{where}: all weights are zero, so they are uniform")
            return uniform
        return weights / weights.sum()


def check_weights(found: Any, n_frames: int, where: str, column: str) -> Weights:
    """Convert what a cell or a callable holds to weights, or raise and say why it cannot be.

    Parameters
    ----------
    found : array-like of shape (n_frames,)
        The weights.
    n_frames : int
        How many there must be.
    where : str
        Name of the row and column for a message.
    column : str
        Name of the column of frames.

    Returns
    -------
    weights : ndarray of shape (n_frames,)

    Raises
    ------
    ValueError
        If they are not numbers, not as many as the frames, negative, NaN or infinite.

    Examples
    --------
    >>> check_weights([1, 2], 3, "row 0, column 'audio__seconds'", "audio__frames")
    Traceback (most recent call last):
        ...
    ValueError: row 0, column 'audio__seconds': 2 weights for 3 frames of 'audio__frames'. ...
    """
    try:
        weights = np.atleast_1d(np.asarray(found, dtype=np.float64))
    except (TypeError, ValueError) as error:
        raise ValueError(f"{where}: the weights are not numbers, found {found!r}.") from error
    if weights.shape != (n_frames,):
        count = len(weights) if weights.ndim == 1 else f"an array of shape {weights.shape} as"
        raise ValueError(
            f"{where}: {count} weights for {n_frames} frames of {column!r}. Each frame needs one "
            "weight."
        )
    if not np.isfinite(weights).all() or (weights < 0).any():
        raise ValueError(
            f"{where}: weights must be finite and not negative, found {weights[:6].tolist()}."
        )
    return weights
