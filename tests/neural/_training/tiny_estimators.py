"""Every public deep estimator that trains by epochs, tiny, with data for it."""

import numpy as np

from emoest.neural import (
    EEGNetClassifier,
    FaceCNNClassifier,
    M3ERClassifier,
    MFNClassifier,
    MFNRegressor,
    SequenceClassifier,
    SequenceRegressor,
    SpeakerPretrainer,
    SpeechResNetClassifier,
)
from emoest.tables.cells import object_column
from tests.neural.helpers import SMALL_FUSION, make_frames, make_two, make_voices

FAST = {"lr": 0.01, "max_epochs": 1, "validation_fraction": None, "random_state": 0}
N_ROWS = 8


def images():
    generator = np.random.default_rng(0)
    cells = [generator.integers(0, 255, (16, 16), dtype="uint8") for _ in range(N_ROWS)]
    return object_column(cells, range(N_ROWS), "face").to_frame(), np.array(["happy", "sad"] * 4)


def trials():
    cells = [20 * np.random.default_rng(i).normal(size=(2, 128)) for i in range(N_ROWS)]
    return object_column(cells, range(N_ROWS), "eeg").to_frame(), np.array(["happy", "sad"] * 4)


def one_modality():
    return make_frames(n_rows=N_ROWS)


def two_modalities():
    return make_two(n_rows=N_ROWS)


def voices():
    return make_voices(n_rows=N_ROWS)


def with_values(source):
    def make():
        X, _ = source()
        return X, np.linspace(1, 5, N_ROWS)

    return make


CLASSIFIERS = {
    "SequenceClassifier": (SequenceClassifier(hidden_size=4, dropout=0, **FAST), one_modality),
    "MFNClassifier": (MFNClassifier(4, dropout=0, **SMALL_FUSION, **FAST), two_modalities),
    "M3ERClassifier": (
        M3ERClassifier(4, dropout=0, loss="cross_entropy", **SMALL_FUSION, **FAST),
        two_modalities,
    ),
    "SpeechResNetClassifier": (
        SpeechResNetClassifier(
            channels=2, specaugment=None, perturb=None, dropout=0, hidden_size=4, **FAST
        ),
        voices,
    ),
    "SpeakerPretrainer": (
        SpeakerPretrainer(channels=2, n_embedding=4, loss="softmax", crop=None, **FAST),
        voices,
    ),
    "FaceCNNClassifier": (
        FaceCNNClassifier("cnn4_small", image_size=16, augment=None, dropout=0, **FAST),
        images,
    ),
    "EEGNetClassifier": (
        EEGNetClassifier(sampling_rate=128, window=1.0, dropout=0, **FAST),
        trials,
    ),
}
REGRESSORS = {
    "SequenceRegressor": (
        SequenceRegressor(hidden_size=4, dropout=0, **FAST),
        with_values(one_modality),
    ),
    "MFNRegressor": (
        MFNRegressor(4, dropout=0, **SMALL_FUSION, **FAST),
        with_values(two_modalities),
    ),
}
ALL = CLASSIFIERS | REGRESSORS
