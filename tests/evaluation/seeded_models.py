"""Models without a seed of their own, and what `evaluate` makes of them; run as a script too."""

import warnings

import numpy as np
import pandas as pd
from joblib import hash as digest
from joblib import parallel_config
from sklearn.base import BaseEstimator, ClassifierMixin, clone, is_classifier
from sklearn.ensemble import BaggingClassifier, RandomForestClassifier, StackingClassifier
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline

from emoest.aggregation import StatisticsPooling, WeightedAggregator
from emoest.datasets import MultiTarget
from emoest.evaluation import evaluate
from emoest.fusion import EarlyFusionClassifier, LateFusionClassifier, SegmentClassifier
from emoest.neural import (
    MEmoBERTClassifier,
    MEmoBERTPretrainer,
    SequenceClassifier,
    UniMSEClassifier,
    UniMSERegressor,
)
from emoest.tuning import OptunaSearchCV
from emoest.utils.seeds import private_generator
from emoest.validity import CorruptModality
from tests.neural._memobert.helpers_memobert import DIRECT, PRETRAIN, make_clips
from tests.neural._training.tiny_estimators import CLASSIFIERS
from tests.neural._unimse.unimse_tables import SMALL as SMALL_UNIMSE
from tests.neural._unimse.unimse_tables import make_emotions

TWO = {"a": slice(0, 1), "b": slice(1, None)}
FOREST = RandomForestClassifier(3, max_depth=2)
NET = SequenceClassifier(hidden_size=4, max_epochs=1, validation_fraction=None)


class HiddenForest(ClassifierMixin, BaseEstimator):
    """Its forest is no parameter, so that nobody outside can seed it."""

    def fit(self, X, y):
        seed = private_generator(None).randint(1000)
        self.forest_ = RandomForestClassifier(3, random_state=seed).fit(X, y)
        self.classes_ = self.forest_.classes_
        return self

    def predict(self, X):
        return self.forest_.predict(X)

    def predict_proba(self, X):
        return self.forest_.predict_proba(X)


COMPOSED = [
    FOREST,
    MLPClassifier(4, max_iter=3),
    NET,
    HiddenForest(),
    BaggingClassifier(FOREST, 2),
    StackingClassifier(
        [("a", FOREST), ("b", SGDClassifier())], cv=StratifiedKFold(2, shuffle=True)
    ),
    GridSearchCV(
        Pipeline([("model", FOREST)]), {"model": [FOREST, MLPClassifier(4, max_iter=3)]}, cv=2
    ),
    OptunaSearchCV(Pipeline([("model", NET)]), {"model": [FOREST, NET]}, cv=2, n_trials=2),
    EarlyFusionClassifier(FOREST),
    LateFusionClassifier(FOREST, modalities=TWO),
    LateFusionClassifier(NET, modalities=TWO, rule="stacking", cv=2),
    make_pipeline(CorruptModality(fraction=0.5), EarlyFusionClassifier(FOREST)),
    MultiTarget(FOREST),
    SegmentClassifier(FOREST),
    make_pipeline(StatisticsPooling(), FOREST),
    make_pipeline(WeightedAggregator(), FOREST),
]


def public_models():
    """One instance of each class whose suite runs on numbers."""
    from tests.test_common import PLAIN, WITH_TWO_MODALITIES

    return list({type(model): model for model in [*PLAIN, *WITH_TWO_MODALITIES]}.values())


def with_media():
    """One instance of each deep class that reads images, recordings or clips, with its samples."""
    images, labels = CLASSIFIERS["FaceCNNClassifier"][1]()
    trials, _ = CLASSIFIERS["EEGNetClassifier"][1]()
    voices, speakers = CLASSIFIERS["SpeakerPretrainer"][1]()
    clips, moods = make_clips(8)
    clips, moods = clips.droplevel("group"), np.where(moods == "sad", "sad", "glad")
    texts, emotions = make_emotions(8)
    scores = np.linspace(-2, 2, 8)
    last = EarlyFusionClassifier(LogisticRegression())
    short = {"max_steps": 2, "warmup_steps": 1}
    return [
        (CLASSIFIERS["FaceCNNClassifier"][0], images, labels),
        (CLASSIFIERS["EEGNetClassifier"][0], trials, labels),
        (make_pipeline(CLASSIFIERS["SpeakerPretrainer"][0], last), voices, speakers),
        (MEmoBERTClassifier("direct", **{**DIRECT, **short}), clips, moods),
        (make_pipeline(MEmoBERTPretrainer(**{**PRETRAIN, **short}), last), clips, moods),
        (UniMSEClassifier(**SMALL_UNIMSE), texts, emotions),
        (UniMSERegressor(**SMALL_UNIMSE), texts, scores),
    ]


def make_rows(n_rows=24):
    rng = np.random.RandomState(0)
    y = pd.Series(np.tile(["sad", "glad"], n_rows // 2))
    values = rng.normal(size=(n_rows, 4)) + 0.4 * (y == "sad").to_numpy()[:, None]
    X = pd.DataFrame(values, columns=["w", "x", "y", "z"])
    return X, y, np.repeat(np.arange(6), n_rows // 6)


def make_frames(X):
    """One modality of four frames a row."""
    rng = np.random.RandomState(1)
    cells = np.empty(len(X), dtype=object)
    cells[:] = [row + rng.normal(size=(4, 4)).astype(np.float32) for row in X.to_numpy()]
    return pd.DataFrame({"a__frames": cells})


def needs_frames(model):
    first = model.steps[0][1] if isinstance(model, Pipeline) else model
    return isinstance(first, SegmentClassifier | StatisticsPooling | WeightedAggregator)


def predictions(model, **options):
    """Evaluate a classifier as it is, and a transformer before a linear model."""
    X, y, groups = make_rows()
    if needs_frames(model):
        X = make_frames(X)
    if isinstance(model, MultiTarget):
        y = pd.DataFrame({"p": y, "q": np.roll(y, 1)})
    elif not is_classifier(model) and not hasattr(model, "predict"):
        model = make_pipeline(model, EarlyFusionClassifier(LogisticRegression()))
    elif not is_classifier(model):
        y = pd.Series(np.arange(len(X)) % 7 / 7)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = evaluate(model, X, y, groups=groups, cv=2, random_state=0, **options)
    return found.predictions.drop(columns="y")


def predictions_of_media(model, X, y):
    """Evaluate a model of `with_media` without any seed of its own."""
    seeds = [name for name in model.get_params() if name.split("__")[-1] == "random_state"]
    model = clone(model).set_params(**dict.fromkeys(seeds))
    groups = np.arange(len(X)) // 2 % 4
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = evaluate(model, X, y, groups=groups, cv=2, random_state=0, allow_overlap=True)
    return found.predictions.drop(columns="y")


def digests_of_media():
    return [digest(predictions_of_media(*each).to_dict("list")) for each in with_media()]


def digests(models, backend=None):
    if backend is None:
        return [digest(predictions(model).to_dict("list")) for model in models]
    with parallel_config(backend, n_jobs=2):
        return [digest(predictions(model).to_dict("list")) for model in models]


if __name__ == "__main__":
    print("\n".join([*digests([*COMPOSED, *public_models()]), *digests_of_media()]))
