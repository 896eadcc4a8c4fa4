"""Scores, speaker-independent evaluation, intervals, comparison, reports and plots."""

from emoest.evaluation._binomial import binomial_interval
from emoest.evaluation._bootstrap import uar_interval
from emoest.evaluation._displays.confusion import ConfusionDisplay, plot_confusion
from emoest.evaluation._displays.embedding_map import EmbeddingMapDisplay
from emoest.evaluation._displays.history import TrainingHistoryDisplay
from emoest.evaluation._displays.intervals import IntervalDisplay
from emoest.evaluation._displays.modalities import ModalityAblationDisplay
from emoest.evaluation._displays.plane import ValenceArousalDisplay
from emoest.evaluation._displays.reliability import ReliabilityDisplay
from emoest.evaluation._displays.speakers import SpeakerDisplay
from emoest.evaluation._evaluate import EvaluationError, EvaluationInterrupted, evaluate
from emoest.evaluation._leaks.check import check_leakage
from emoest.evaluation._metrics import (
    ccc_score,
    macro_f1_score,
    multilabel_uar,
    pearson_score,
    recall_per_class,
    uar_score,
)
from emoest.evaluation._modalities import (
    ablation_table,
    modality_importance,
    modality_shapley,
)
from emoest.evaluation._paired_tests import (
    PairedTest,
    mcnemar_test,
    permutation_test,
    resampled_t_test,
)
from emoest.evaluation._protocol import Protocol
from emoest.evaluation._protocols.cross_corpus import cross_corpus_table
from emoest.evaluation._protocols.learning_curve import speaker_learning_curve
from emoest.evaluation._result import EvaluationResult
from emoest.evaluation._scorers import ccc_scorer, macro_f1_scorer, pearson_scorer, uar_scorer
from emoest.evaluation._sentiment import sentiment_scores
from emoest.evaluation._uncertainty.abstention import abstention_curve
from emoest.evaluation._uncertainty.calibration import (
    expected_calibration_error,
    reliability_table,
    temperature_scaled,
)
from emoest.evaluation._uncertainty.ceiling import rater_ceiling
from emoest.evaluation._uncertainty.conformal import ConformalSets, coverage_by_group
from emoest.evaluation._uncertainty.members import predict_uncertainty
from emoest.evaluation._uncertainty.raters import (
    krippendorff_alpha,
    label_distribution,
    rating_table,
    vote_scores,
)

__all__ = [
    "ConformalSets",
    "ConfusionDisplay",
    "EmbeddingMapDisplay",
    "EvaluationError",
    "EvaluationInterrupted",
    "EvaluationResult",
    "IntervalDisplay",
    "ModalityAblationDisplay",
    "PairedTest",
    "Protocol",
    "ReliabilityDisplay",
    "SpeakerDisplay",
    "TrainingHistoryDisplay",
    "ValenceArousalDisplay",
    "ablation_table",
    "abstention_curve",
    "binomial_interval",
    "ccc_score",
    "ccc_scorer",
    "check_leakage",
    "coverage_by_group",
    "cross_corpus_table",
    "evaluate",
    "expected_calibration_error",
    "krippendorff_alpha",
    "label_distribution",
    "macro_f1_score",
    "macro_f1_scorer",
    "mcnemar_test",
    "modality_importance",
    "modality_shapley",
    "multilabel_uar",
    "pearson_score",
    "pearson_scorer",
    "permutation_test",
    "plot_confusion",
    "predict_uncertainty",
    "rater_ceiling",
    "rating_table",
    "recall_per_class",
    "reliability_table",
    "resampled_t_test",
    "sentiment_scores",
    "speaker_learning_curve",
    "temperature_scaled",
    "uar_interval",
    "uar_score",
    "uar_scorer",
    "vote_scores",
]
