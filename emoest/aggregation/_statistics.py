"""Statistics of frames: mean, deviation, extremes, quantiles."""

import warnings
from collections.abc import Sequence
from numbers import Real
from typing import Any

import numpy as np
import numpy.typing as npt

from emoest.aggregation._base import FrameAggregator
from emoest.tables.cells import Frames
from emoest.tables.frame_cells import FrameCell
from emoest.tables.frame_columns import FrameColumn

_STATISTICS = {"mean": np.nanmean, "std": np.nanstd, "min": np.nanmin, "max": np.nanmax}


def pool_statistics(
    frames: Frames, statistics: Sequence[str] = ("mean", "std"), quantiles: Sequence[float] = ()
) -> npt.NDArray[np.float64]:
    """Compute statistics of each dimension over the frames; NaN values are masked.

    Parameters
    ----------
    frames : ndarray of shape (n_frames, n_dims)
        At least one frame.
    statistics : sequence of {"mean", "std", "min", "max"}, default=("mean", "std")
        Which statistics; the standard deviation is the population's, so 0 for one frame.
    quantiles : sequence of float, default=()
        Which quantiles, each between 0 and 1, linearly interpolated.

    Returns
    -------
    vector : ndarray of shape ((n_statistics + n_quantiles) * n_dims,)
        One statistic after the other; NaN for a dimension without a value.

    Examples
    --------
    >>> frames = np.array([[1.0, 5.0], [3.0, np.nan]], dtype="float32")
    >>> pool_statistics(frames, ("mean", "std"), (0.5,)).tolist()
    [2.0, 5.0, 1.0, 0.0, 2.0, 5.0]
    """
    values = frames.astype(np.float64)
    with warnings.catch_warnings():
        # A dimension without a value is NaN, as documented; numpy warns of it once a statistic.
        warnings.filterwarnings("ignore", category=RuntimeWarning, message=".*NaN|Degrees|Mean")
        parts = [_STATISTICS[name](values, axis=0) for name in statistics]
        if len(quantiles):
            parts.extend(np.nanquantile(values, list(quantiles), axis=0))
    return np.concatenate(parts)


class StatisticsPooling(FrameAggregator):
    """Describe the frames of each row by statistics of each dimension.

    Mean and standard deviation are the statistics pooling of x-vectors. Nothing is learned but the
    width of the frames.

    Parameters
    ----------
    statistics : list or tuple of {"mean", "std", "min", "max"}, default=("mean", "std")
        Which statistics, in the order of the columns that come out. The standard deviation is the
        population's: 0 for a row of one frame.
    quantiles : list or tuple of float, default=()
        Quantiles between 0 and 1 that follow; 0.25 is named ``q25``.
    modalities : "auto" or list of str, default="auto"
        Whose frames to pool; ``"auto"`` takes all. Other columns pass through.

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
        If a row has zero frames; its block is NaN.

    See Also
    --------
    WeightedAggregator : One weighted sum of the frames.

    Notes
    -----
    NaN values inside frames are masked: a statistic is taken over the other frames. Put NaN where
    a frame is padding or saw nothing.

    References
    ----------
    D. Snyder, D. Garcia-Romero, D. Povey and S. Khudanpur, "Deep neural network embeddings for
    text-independent speaker verification", Interspeech 2017.

    Examples
    --------
    >>> import pandas as pd
    >>> from emoest.tables.cells import object_column
    >>> frames = object_column([np.array([[0.0], [4.0]]), np.array([[7.0]])], range(2))
    >>> X = pd.DataFrame({"audio__frames": frames, "speaker": ["s1", "s2"]})
    >>> StatisticsPooling(quantiles=[0.25]).fit_transform(X)
       audio__mean_0000  audio__std_0000  audio__q25_0000 speaker
    0               2.0              2.0              1.0      s1
    1               7.0              0.0              7.0      s2
    """

    _parameter_constraints: dict = {
        "statistics": [list, tuple],
        "quantiles": [list, tuple],
        **FrameAggregator._parameter_constraints,
    }

    def __init__(
        self,
        statistics: Sequence[str] = ("mean", "std"),
        quantiles: Sequence[float] = (),
        *,
        modalities: Any = "auto",
    ):
        self.statistics = statistics
        self.quantiles = quantiles
        self.modalities = modalities

    def _check_columns(self, X: Any) -> None:
        unknown = [name for name in self.statistics if name not in _STATISTICS]
        if unknown:
            raise ValueError(
                f"statistics: {unknown[0]!r} is unknown; choose among {', '.join(_STATISTICS)}, "
                "and pass quantiles= for quantiles."
            )
        outside = [q for q in self.quantiles if not (isinstance(q, Real) and 0 <= q <= 1)]
        if outside:
            raise ValueError(f"quantiles must lie between 0 and 1, found {outside[0]!r}.")
        labels = self._labels()
        if not labels or len(set(labels)) < len(labels):
            raise ValueError(
                f"statistics and quantiles must name at least one statistic, none twice; they "
                f"name {labels}."
            )

    def _labels(self) -> list[str]:
        return [*self.statistics, *(f"q{100 * q:g}" for q in self.quantiles)]

    def _names(self, column: FrameColumn, n_dims: int) -> list[str]:
        return [name for label in self._labels() for name in column.vector_names(n_dims, label)]

    def _aggregate(self, cell: FrameCell, notes: list[str]) -> npt.NDArray[np.float64]:
        return pool_statistics(cell.frames, self.statistics, self.quantiles)
