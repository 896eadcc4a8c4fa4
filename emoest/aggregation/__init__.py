"""Aggregation: the frames of a row become one vector, or come onto one clock.

Every class takes a zone-2 table (one object column of frames per modality, sidecar columns beside
it) and gives a zone-3 table; `FrameAligner` gives frames again. Rows keep their order and index,
sidecars are read and dropped, context columns pass through untouched and last.
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
