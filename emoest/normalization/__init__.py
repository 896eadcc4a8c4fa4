"""Normalization of vectors: over the training set, per speaker, per sample, between modalities.

Every class takes and gives a table of vectors (numeric columns, context beside them). A missing
block stays NaN, context columns pass through untouched and last, rows keep their order and index.
"""

from emoest.normalization._balance import BlockScaler
from emoest.normalization._speaker import SpeakerZScoreNormalizer
from emoest.normalization._statistics import column_statistics, sample_zscore, zscore
from emoest.normalization._zscore import SampleZScoreNormalizer, ZScoreNormalizer

__all__ = [
    "BlockScaler",
    "SampleZScoreNormalizer",
    "SpeakerZScoreNormalizer",
    "ZScoreNormalizer",
    "column_statistics",
    "sample_zscore",
    "zscore",
]
