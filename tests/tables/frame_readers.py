"""Every estimator that is asked what it does with frames, and what each is asked with."""

import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from sklearn.base import clone, is_regressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline

from emoest.aggregation import FrameAligner, StatisticsPooling, WeightedAggregator
from emoest.features import LinearDynamicSmoother, MovingAverage
from emoest.fusion import (
    EarlyFusionClassifier,
    EarlyFusionRegressor,
    LateFusionClassifier,
    LateFusionRegressor,
    MonteCarloFusionClassifier,
    MultiplicativeFusionClassifier,
    SegmentClassifier,
    TrialAggregatingClassifier,
)
from emoest.neural import (
    M3ERClassifier,
    MEmoBERTClassifier,
    MEmoBERTPretrainer,
    MFNClassifier,
    MFNRegressor,
    SequenceClassifier,
    SequenceRegressor,
    SpeechResNetClassifier,
)
from emoest.normalization import (
    BlockScaler,
    SampleZScoreNormalizer,
    SpeakerZScoreNormalizer,
    ZScoreNormalizer,
)
from emoest.tables.cells import is_missing, object_column
from emoest.validity import (
    CCAValidityFilter,
    CorruptModality,
    ModalityDropout,
    ModalityImputer,
    ModalityIndicator,
    ProxyFeatureGenerator,
    RegularizedCCA,
)

N = 24
LABELS = np.array(["happy", "sad"])[np.arange(N) % 2]
VALUES = np.arange(N, dtype=float)
TRAINED = {"max_epochs": 1, "validation_fraction": None, "random_state": 0}
NET = {"memory_dim": 4, "attention_size": 4, "update_size": 4, "gate_size": 4, "output_size": 4}
RATES = {"text": 1.0, "audio": 1.0}


def pooled(model):
    return make_pipeline(StatisticsPooling(["mean"]), model)


ALIGNER = {"FrameAligner": FrameAligner(rates=RATES)}
POOLING = {
    "StatisticsPooling": StatisticsPooling(["mean"]),
    "WeightedAggregator": WeightedAggregator("uniform"),
}
SMOOTHING = {
    "LinearDynamicSmoother": LinearDynamicSmoother(),
    "LinearDynamicSmoother-em": LinearDynamicSmoother(noise="em", max_iter=2),
    "MovingAverage": MovingAverage(window=3),
}
VALIDITY = {
    "CCAValidityFilter": CCAValidityFilter(random_state=0),
    "CCAValidityFilter-frames": CCAValidityFilter(reading="frames", random_state=0),
    "ProxyFeatureGenerator": ProxyFeatureGenerator(random_state=0),
    "ModalityImputer": ModalityImputer(),
    "ModalityDropout": ModalityDropout(random_state=0),
    "CorruptModality": CorruptModality(random_state=0),
}
ONE_MODALITY_NETS = {
    "SequenceClassifier": SequenceClassifier(hidden_size=2, **TRAINED),
    "SequenceRegressor": SequenceRegressor(hidden_size=2, **TRAINED),
    "SpeechResNetClassifier": SpeechResNetClassifier(channels=2, hidden_size=4, **TRAINED),
}
FUSION_NETS = {
    "MFNClassifier": MFNClassifier(2, **NET, **TRAINED),
    "MFNRegressor": MFNRegressor(2, **NET, **TRAINED),
    "M3ERClassifier": M3ERClassifier(2, **NET, **TRAINED),
}
ROLES = {"audio": "audio__frames", "face": "text__frames"}
"""The table's text is frames, and MEmoBERT reads words: it takes them for faces."""
SMALL_MEMOBERT = {"hidden_size": 4, "n_layers": 1, "n_heads": 1, "intermediate_size": 4}
CROSS_MODAL = {
    "MEmoBERTClassifier": MEmoBERTClassifier(
        "direct",
        **SMALL_MEMOBERT,
        **{"max_steps": 1, "validation_fraction": None, "modalities": ROLES, "random_state": 0},
    ),
    "MEmoBERTPretrainer": MEmoBERTPretrainer(
        **SMALL_MEMOBERT, max_steps=1, modalities=ROLES, random_state=0
    ),
}
"""Their own tests say what a modality is that nobody has, and what numbers are."""
SEGMENTS = {
    "SegmentClassifier": SegmentClassifier(),
    "TrialAggregatingClassifier": TrialAggregatingClassifier(LogisticRegression(), calibrate=None),
}
LATE = {
    "LateFusionClassifier": LateFusionClassifier(pooled(LogisticRegression())),
    "LateFusionRegressor": LateFusionRegressor(pooled(Ridge())),
    "MultiplicativeFusionClassifier": MultiplicativeFusionClassifier(pooled(LogisticRegression())),
    "MonteCarloFusionClassifier": MonteCarloFusionClassifier(
        pooled(LogisticRegression()), cv=2, random_state=0
    ),
}
NUMBERS = {
    "EarlyFusionClassifier": EarlyFusionClassifier(),
    "EarlyFusionRegressor": EarlyFusionRegressor(),
    "ZScoreNormalizer": ZScoreNormalizer(),
    "SampleZScoreNormalizer": SampleZScoreNormalizer(),
    "SpeakerZScoreNormalizer": SpeakerZScoreNormalizer(),
    "BlockScaler": BlockScaler(),
    "RegularizedCCA": RegularizedCCA(),
    "ModalityIndicator": ModalityIndicator(),
}
TRANSFORMERS = {**POOLING, **ALIGNER, **SMOOTHING, **VALIDITY}
NETS = {**ONE_MODALITY_NETS, **FUSION_NETS}
READERS = {**TRANSFORMERS, **NETS, **SEGMENTS, **CROSS_MODAL}
"""They open the cells themselves; late fusion hands them on."""
ONE_MODALITY = {**ONE_MODALITY_NETS, **SEGMENTS}
ALLOW_NAN = {**POOLING, **ALIGNER, **VALIDITY, **SEGMENTS}
"""Their docstrings say what single NaN in frames mean."""
EVERY = {**READERS, **LATE}


def of(estimators):
    """Parameters of a test, by name."""
    return pytest.mark.parametrize("estimator", estimators.values(), ids=estimators.keys())


def make(one=False, seed=0):
    """Time-aligned frames of two modalities that share a factor, under row names."""
    rng = np.random.RandomState(seed)
    index = pd.Index([f"r{i}" for i in range(N)])
    cells = {"audio__frames": [], "text__frames": []}
    for i in range(N):
        factor = rng.normal(size=(3 + i % 3, 1)) + (i % 2)
        cells["audio__frames"].append((factor + rng.normal(size=(len(factor), 3))).astype("f4"))
        cells["text__frames"].append((factor + rng.normal(size=(len(factor), 2))).astype("f4"))
    columns = [object_column(column, index, name) for name, column in cells.items()]
    return pd.concat(columns[:1] if one else columns, axis=1)


def table_for(estimator):
    return make(one=any(type(estimator) is type(known) for known in ONE_MODALITY.values()))


def with_cell(X, column, row, cell):
    cells = list(X[column])
    cells[row] = cell
    return X.assign(**{column: object_column(cells, X.index)})


def target(estimator):
    return VALUES if is_regressor(estimator) else LABELS


def fit(estimator, X):
    return clone(estimator).fit(X, target(estimator)[: len(X)])


def output(model, X):
    if hasattr(model, "transform") and not hasattr(model, "predict"):
        return model.transform(X)
    name = "predict_proba" if hasattr(model, "predict_proba") else "predict"
    return pd.DataFrame(getattr(model, name)(X), index=X.index)


def assert_works(estimator, X):
    out = output(fit(estimator, X), X)
    assert out.index.equals(X.index)
    return out


def assert_same(left, right):
    assert list(left.columns) == list(right.columns)
    for name in left.columns:
        for one, other in zip(left[name], right[name], strict=True):
            assert is_missing(one) == is_missing(other)
            if not is_missing(one):
                assert_allclose(_read(one), _read(other), atol=1e-6)


def _read(cell):
    return np.load(cell) if isinstance(cell, str) else np.asarray(cell, dtype=float)


def messages(act):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        act()
    return " | ".join(str(each.message) for each in caught)
