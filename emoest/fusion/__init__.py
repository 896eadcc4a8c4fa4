"""Fusion: several modalities, one prediction."""

from emoest.fusion._early import EarlyFusionClassifier
from emoest.fusion._early_regressor import EarlyFusionRegressor
from emoest.fusion._late import LateFusionClassifier
from emoest.fusion._late_regressor import LateFusionRegressor
from emoest.fusion._monte_carlo import MonteCarloFusionClassifier
from emoest.fusion._multiplicative import MultiplicativeFusionClassifier
from emoest.fusion._segment import SegmentClassifier
from emoest.fusion._trials import TrialAggregatingClassifier

__all__ = [
    "EarlyFusionClassifier",
    "EarlyFusionRegressor",
    "LateFusionClassifier",
    "LateFusionRegressor",
    "MonteCarloFusionClassifier",
    "MultiplicativeFusionClassifier",
    "SegmentClassifier",
    "TrialAggregatingClassifier",
]
