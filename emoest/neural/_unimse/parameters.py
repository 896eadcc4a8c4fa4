"""The parameters that the classifier and the regressor of UniMSE share, and their values."""

from numbers import Integral, Real

from emoest.nets.losses.contrastive import CONTRASTS
from emoest.nets.t5_fusion.units import INITIALIZATIONS
from emoest.neural._training.base import DeepEstimator
from emoest.utils import constraints
from emoest.utils._sklearn import HasMethods, Interval, Options, StrOptions

TINY = "tiny"
"""The model that is made from nothing."""

STACKS = {"both": ("encoder", "decoder"), "encoder": ("encoder",), "decoder": ("decoder",)}
"""Where signals are fused, by the value of ``pmf_stacks``."""

TINY_RATES = {"lr": 2e-3, "lr_t5": 2e-3, "lr_pmf": 2e-3}
"""Learning rates of the tiny model."""

PAPER_RATES = {"lr": 1e-4, "lr_t5": 3e-4, "lr_pmf": 1e-4}
"""Learning rates of a pretrained T5."""

# The modalities are named by their parts, and numbers are not filled.
_OF_TABLES = ("modalities", "impute")

PARAMETERS: dict = {
    "model": [str, HasMethods("__fspath__")],
    "revision": [str, None],
    "text": [str],
    "audio": [str],
    "video": [str],
    "dialogue_column": [str, None],
    "polarity_column": [str, None],
    "polarity_map": [dict, None],
    "labeler": [HasMethods(["fit", "complete"]), None],
    "label_fields": [Options(Integral, {3, 4})],
    "use_universal_labels": ["boolean"],
    "use_audio": ["boolean"],
    "use_video": ["boolean"],
    "use_pmf": ["boolean"],
    "n_pmf_layers": [constraints.POSITIVE_INT],
    "bottleneck": [constraints.POSITIVE_INT],
    "pmf_init": [StrOptions(set(INITIALIZATIONS))],
    "pmf_stacks": [StrOptions(set(STACKS))],
    "av_hidden": [constraints.POSITIVE_INT],
    "bidirectional": ["boolean"],
    "av_dropout": [Interval(Real, 0, 1, closed="left")],
    "max_audio": [constraints.POSITIVE_INT],
    "max_video": [constraints.POSITIVE_INT],
    "context_mode": [StrOptions({"crop", "plain"})],
    "context_before": [Interval(Integral, 0, None, closed="left")],
    "context_after": [Interval(Integral, 0, None, closed="left")],
    "prefix": [str],
    "max_length": [Interval(Integral, 8, None, closed="left")],
    "alpha": [constraints.NON_NEGATIVE_REAL],
    "beta": [constraints.NON_NEGATIVE_REAL],
    "contrast": [StrOptions(set(CONTRASTS))],
    "contrast_temperature": [constraints.POSITIVE_REAL],
    "contrast_layers": [constraints.POSITIVE_INT],
    "pretrain": [Interval(Integral, 0, None, closed="left")],
    "finetune_layers": [StrOptions({"all"}), Interval(Integral, 0, None, closed="left")],
    "decode": [StrOptions({"score", "generate"})],
    "max_new_tokens": [constraints.POSITIVE_INT],
    **{
        name: rule
        for name, rule in DeepEstimator._parameter_constraints.items()
        if name not in _OF_TABLES
    },
    "lr": [constraints.POSITIVE_REAL, None],
    "lr_t5": [constraints.POSITIVE_REAL, None],
    "lr_pmf": [constraints.POSITIVE_REAL, None],
}
"""Constraints on the parameters."""
