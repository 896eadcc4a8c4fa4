"""Aggregation: the frames of a sample become one vector, or are time-aligned.

Every class takes a table of frames (one object column per modality, auxiliary columns beside it)
and gives a table of vectors; `FrameAligner` gives frames again. Rows keep their order and index,
auxiliary columns are read and dropped, context columns pass through untouched and last.
"""

from emoest.aggregation._alignment import FrameAligner
from emoest.aggregation._spans import align_frames, fit_length
from emoest.aggregation._statistics import StatisticsPooling, pool_statistics
from emoest.aggregation._weighted import WeightedAggregator, peak_end_weights, weighted_sum

__all__ = [
    "FrameAligner",
    "StatisticsPooling",
    "WeightedAggregator",
    "align_frames",
    "fit_length",
    "peak_end_weights",
    "pool_statistics",
    "weighted_sum",
]
