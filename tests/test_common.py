"""The contracts of every public estimator, each in exactly one list.

`NUMBERS`: scikit-learn's whole suite, plain and with two modalities (one instance of each deep
class, since their training takes nearly all of the time). `CELLS`: the checks of
`emoest.testing` on tables of media or frames, run beside the class's own tests,
where its small models and files are made. `OTHERS`: neither suite fits, for the reason given.
"""

import ast
import importlib
import inspect
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import BaseEstimator, clone
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.utils.estimator_checks import estimator_checks_generator, parametrize_with_checks
from skorch.callbacks import LRScheduler
from torch.optim.lr_scheduler import CosineAnnealingLR

import emoest
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
    MFNClassifier,
    MFNRegressor,
    SequenceClassifier,
    SequenceRegressor,
    SpeechResNetClassifier,
)
from emoest.neural._training.base import DeepEstimator
from emoest.normalization import (
    BlockScaler,
    SampleZScoreNormalizer,
    SpeakerZScoreNormalizer,
    ZScoreNormalizer,
)
from emoest.tuning import OptunaSearchCV
from emoest.validity import (
    CCAValidityFilter,
    CorruptModality,
    ModalityDropout,
    ModalityImputer,
    ModalityIndicator,
    ProxyFeatureGenerator,
    RegularizedCCA,
)

TESTS = Path(__file__).parent
TWO = {"a": slice(0, 1), "b": slice(1, None)}

SMALL_NET = {"hidden_size": 8, "max_epochs": 1, "lr": 0.05, "batch_size": 64}
SMALL_FUSION = {"memory_dim": 16, "max_epochs": 1, "lr": 0.05, "batch_size": 64}
SMALL_RESNET = {"channels": 1, "hidden_size": 128, "max_epochs": 1, "validation_fraction": None}
"""Small enough to be checked sixty times."""

LEARNING = {
    "check_class_weight_classifiers": {"max_epochs": 8},
    "check_classifiers_train": {"max_epochs": 8},
    "check_regressors_train": {"max_epochs": 8},
}
LEARNING_RESNET = {
    "check_class_weight_classifiers": {"max_epochs": 8, "lr": 0.02},
    "check_classifiers_train": {
        **{"channels": 8, "hidden_size": 32, "dropout": 0.0},
        **{"max_epochs": 10, "lr": 0.005, "batch_size": 100},
        # The running statistics of batch normalization lag behind weights that still move fast.
        "callbacks": [LRScheduler(CosineAnnealingLR, T_max=10)],
    },
}
"""What a deep class needs to learn what a check asks for. In the second check the worst of 28 seeds
and problems reaches 0.92 with it, of the 0.83 that are asked for."""


PLAIN = [
    ZScoreNormalizer(),
    SpeakerZScoreNormalizer(),
    SpeakerZScoreNormalizer(unseen="global"),
    SampleZScoreNormalizer(),
    BlockScaler(),
    RegularizedCCA(),
    CCAValidityFilter(),
    ProxyFeatureGenerator(),
    ModalityImputer(),
    ModalityIndicator(),
    ModalityDropout(),
    CorruptModality(),
    EarlyFusionClassifier(),
    EarlyFusionRegressor(),
    SegmentClassifier(),
    SegmentClassifier(LogisticRegression(), vote="mean_proba"),
    TrialAggregatingClassifier(LogisticRegression(), calibrate=None),
    LateFusionClassifier(),
    LateFusionRegressor(),
    MultiplicativeFusionClassifier(),
    MonteCarloFusionClassifier(),
    SequenceClassifier(**SMALL_NET),
    SequenceRegressor("gru", **SMALL_NET),
    MFNClassifier(8, **SMALL_FUSION),
    MFNRegressor(8, **SMALL_FUSION),
    SpeechResNetClassifier(**SMALL_RESNET),
    OptunaSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}, cv=2, n_trials=2, random_state=0),
    OptunaSearchCV(Ridge(), {"alpha": [0.1, 1.0]}, cv=2, scoring=None, n_trials=2, random_state=0),
]

WITH_TWO_MODALITIES = [
    ZScoreNormalizer(modalities=TWO),
    SpeakerZScoreNormalizer(modalities=TWO),
    SampleZScoreNormalizer(modalities=TWO),
    BlockScaler(modalities=TWO),
    BlockScaler(criterion="norm", modalities=TWO),
    RegularizedCCA(modalities=TWO),
    CCAValidityFilter(modalities=TWO),
    ProxyFeatureGenerator(modalities=TWO),
    ModalityImputer(modalities=TWO),
    ModalityIndicator(modalities=TWO),
    ModalityDropout(modalities=TWO),
    CorruptModality(modalities=TWO),
    EarlyFusionClassifier(modalities=TWO),
    EarlyFusionClassifier(modalities=TWO, normalize=None, missing_indicator=True),
    EarlyFusionRegressor(modalities=TWO),
    LateFusionClassifier(modalities=TWO),
    LateFusionClassifier(modalities=TWO, rule="product"),
    LateFusionClassifier(modalities=TWO, rule="vote"),
    LateFusionClassifier(modalities=TWO, rule="stacking", cv=3),
    LateFusionRegressor(modalities=TWO),
    LateFusionRegressor(modalities=TWO, rule="stacking", cv=3),
    MultiplicativeFusionClassifier(modalities=TWO),
    MultiplicativeFusionClassifier(modalities=TWO, mixtures=True),
    MultiplicativeFusionClassifier(modalities=TWO, reweight="liu", cv=3),
    M3ERClassifier(8, modalities=TWO, **SMALL_FUSION),
    *(
        MonteCarloFusionClassifier(modalities=TWO, strategy=strategy, n_draws=200, cv=3)
        for strategy in ("weights", "agreement", "confusion")
    ),
]

NUMBERS = {type(estimator).__name__ for estimator in [*PLAIN, *WITH_TWO_MODALITIES]}

ONE_MODALITY_ONLY = {
    "SegmentClassifier": "reads the frames of one modality",
    "TrialAggregatingClassifier": "reads the frames of one modality",
    "OptunaSearchCV": "knows nothing of modalities",
    "SequenceClassifier": "reads the frames of one modality",
    "SequenceRegressor": "reads the frames of one modality",
    "SpeechResNetClassifier": "reads the frames of one modality",
}

CHECKED_AS_M3ER = {"MFNClassifier", "MFNRegressor"}
"""Classes of several modalities whose code for them M3ERClassifier, checked with two, runs."""

CELLS = {
    "AcousticFunctionals": "features/test_acoustic.py",
    "BandPower": "features/test_eeg_features.py",
    "DifferentialEntropy": "features/test_eeg_features.py",
    "EEGFilter": "features/test_eeg_filter.py",
    "LinearDynamicSmoother": "features/test_smoothing.py",
    "LogMelSpectrogram": "features/test_spectrogram.py",
    "MovingAverage": "features/test_smoothing.py",
    "OpenSMILEFunctionals": "features/test_opensmile.py",
    "BERTEmbedder": "embeddings/test_bert.py",
    "FaceEmbedder": "embeddings/_face/test_face.py",
    "SBERTEmbedder": "embeddings/test_sbert.py",
    "SpeakerEmbedder": "embeddings/test_speaker.py",
    "SpeechTranscriber": "embeddings/test_transcriber.py",
    "USEEmbedder": "embeddings/test_use.py",
    "Wav2Vec2Embedder": "embeddings/_wav2vec2/test_wav2vec2.py",
    "WhisperEmbedder": "embeddings/test_whisper.py",
    "YAMNetEmbedder": "embeddings/_yamnet/test_yamnet.py",
    "FrameAligner": "aggregation/test_alignment.py",
    "EEGNetClassifier": "neural/test_eegnet.py",
    "FaceCNNClassifier": "neural/test_image_cnn.py",
    "MEmoBERTClassifier": "neural/_memobert/test_classifier.py",
    "MEmoBERTPretrainer": "neural/_memobert/test_pretrainer.py",
    "SpeakerPretrainer": "neural/test_speaker_pretrainer.py",
    "UniMSEClassifier": "neural/_unimse/test_estimators.py",
    "UniMSERegressor": "neural/_unimse/test_estimators.py",
    "StatisticsPooling": "aggregation/test_base.py",
    "WeightedAggregator": "aggregation/test_base.py",
}

OTHERS = {
    "MultiTarget": "needs a table of targets as y, which neither suite gives",
    "UniversalLabeler": "completes labels, and neither transforms nor predicts",
}


def expected_failures(estimator):
    if isinstance(estimator, ModalityDropout) and estimator.modalities != "auto":
        reason = "fit_transform drops modalities as augmentation, transform does not"
        return {"check_transformer_general": reason, "check_transformer_data_not_an_array": reason}
    if isinstance(estimator, DeepEstimator):
        reason = (
            "A row of weight 2 is one row of a batch and a row that stands twice is two, so the "
            "batches differ, and with them every step of the optimizer."
        )
        failures = {"check_sample_weight_equivalence_on_dense_data": reason}
        if isinstance(estimator, SpeechResNetClassifier):
            # Held to 1e-5 of the largest unit in neural/test_speech_resnet.py.
            failures["check_methods_subset_invariance"] = (
                "transform gives units behind a ReLU; among 2560 of them some are so near to 0 "
                "that the rounding of 36 convolutions, which differs between batch sizes, is more "
                "than 1e-4 of their value."
            )
        return failures
    return {}


@pytest.fixture(autouse=True)
def _global_generator_untouched():
    """One of scikit-learn's own checks draws from the global generator; put it back afterwards."""
    before = np.random.get_state()  # noqa: NPY002
    yield
    np.random.set_state(before)  # noqa: NPY002


@pytest.mark.filterwarnings("ignore::UserWarning")
@parametrize_with_checks(
    [*PLAIN, *WITH_TWO_MODALITIES], expected_failed_checks=expected_failures, xfail_strict=True
)
def test_scikit_learn_checks(estimator, check):
    if isinstance(estimator, DeepEstimator):
        resnet = isinstance(estimator, SpeechResNetClassifier)
        settings = (LEARNING_RESNET if resnet else LEARNING).get(check.func.__name__, {})
        estimator = clone(estimator).set_params(**settings)
    check(estimator)


def test_every_numeric_class_is_checked_with_two_modalities():
    checked = {type(estimator).__name__ for estimator in WITH_TWO_MODALITIES}
    assert checked | set(ONE_MODALITY_ONLY) | CHECKED_AS_M3ER == NUMBERS
    assert not checked & (set(ONE_MODALITY_ONLY) | CHECKED_AS_M3ER)
    assert "M3ERClassifier" in checked
    assert issubclass(M3ERClassifier, MFNClassifier)


def test_the_deep_classes_are_trained_where_a_check_asks_for_it():
    pairs = [(MFNRegressor(), set()), (SpeechResNetClassifier(), set(LEARNING_RESNET))]
    for estimator, resnet in pairs:
        names = {check.func.__name__ for _, check in estimator_checks_generator(estimator)}
        assert names & set(LEARNING) == (resnet or {"check_regressors_train"})


def public_classes():
    for room in emoest._SUBMODULES:
        module = importlib.import_module(f"emoest.{room}")
        for name in module.__all__:
            value = getattr(module, name)
            if inspect.isclass(value) and issubclass(value, BaseEstimator):
                yield value


def test_every_public_estimator_is_in_exactly_one_list():
    found = sorted(each.__name__ for each in public_classes())
    assert len(found) == len(set(found)), "two rooms export one class"
    listed = [*NUMBERS, *CELLS, *OTHERS]
    assert sorted(listed) == found


def names_in(tree):
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


@pytest.mark.parametrize(("name", "module"), CELLS.items())
def test_cell_checks_run_where_the_list_says(name, module):
    names = names_in(ast.parse((TESTS / module).read_text(encoding="utf-8")))
    assert name in names
    assert names & {"cell_estimator_checks", "check_cell_estimator"}
