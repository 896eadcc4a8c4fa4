"""The parameters that all deep estimators share are explained in one of them."""

import inspect
import re

import numpy as np
import pandas as pd
import pytest

from emoest import neural
from emoest.neural._memobert.base import CrossModal
from emoest.neural._training.base import DeepEstimator
from emoest.neural._training.media_classifier import MediaClassifier
from emoest.neural._unimse.base import UniversalEstimator
from emoest.tables.cells import object_column
from tests.neural._memobert.helpers_memobert import DIRECT, PRETRAIN, make_clips
from tests.neural.helpers import make_frames

CLASSES = [
    value
    for value in map(vars(neural).get, neural.__all__)
    if inspect.isclass(value) and issubclass(value, DeepEstimator)
]
SMALL = {"max_epochs": 1, "validation_fraction": None, "random_state": 0}


def section(cls, title):
    """Text that each name of a section stands above."""
    text = inspect.cleandoc(cls.__doc__)
    body = re.search(rf"^{title}\n-+\n(.*?)(?=\n\n\S|\Z)", text, re.S | re.M).group(1)
    entries = re.split(r"\n(?=\S)", body)
    return {
        name.strip(): entry.partition("\n")[2].strip()
        for entry in entries
        for name in entry.partition("\n")[0].partition(" : ")[0].split(",")
    }


def explained(cls, title, name):
    entry = section(cls, title).get(name, "")
    pointer = re.fullmatch(r"See `(\w+)`\.", entry)
    return explained(getattr(neural, pointer.group(1)), title, name) if pointer else bool(entry)


def samples_of(cls):
    """Samples that a class can be fitted on, their labels, modality and dimensions."""
    if issubclass(cls, CrossModal):
        X, y = make_clips(8, modalities=("audio",))
        return X, y, "audio", 3
    if issubclass(cls, UniversalEstimator):
        y = [1.5, -0.5] * 4 if cls is neural.UniMSERegressor else ["joy", "fear"] * 4
        return pd.DataFrame({"text": ["so good", "so bad"] * 4}), y, "text", 2
    if not issubclass(cls, MediaClassifier):
        return *make_frames(n_rows=8), "audio", 3
    if cls is neural.EEGNetClassifier:
        signals = np.random.default_rng(0).normal(size=(8, 2, 512))
        trials = object_column([(signal, 64) for signal in signals], range(8), "eeg")
        return trials.to_frame(), ["a", "b"] * 4, "eeg", 2 * 256
    images = np.random.default_rng(0).integers(0, 256, (8, 16, 16), dtype=np.uint8)
    return pd.DataFrame({"face": list(images)}), ["a", "b"] * 4, "face", 48 * 48


@pytest.mark.parametrize("cls", CLASSES)
def test_every_parameter_is_explained_here_or_where_the_class_points(cls):
    names = list(inspect.signature(cls).parameters)
    assert list(section(cls, "Parameters")) == names
    assert all(explained(cls, "Parameters", name) for name in names)


@pytest.mark.parametrize("cls", CLASSES)
def test_every_attribute_is_explained_here_or_where_the_class_points(cls):
    X, y, modality, n_dims = samples_of(cls)
    small = {"channels": 1} if cls is neural.SpeechResNetClassifier else {}
    if issubclass(cls, CrossModal):
        small = PRETRAIN if cls is neural.MEmoBERTPretrainer else {**DIRECT, "setting": "direct"}
    numeric = "Regressor" in cls.__name__ and not issubclass(cls, UniversalEstimator)
    target = range(8) if hasattr(cls, "_learn_prior") and numeric else y
    model = cls(**(small if issubclass(cls, CrossModal) else {**SMALL, **small})).fit(X, target)
    found = {name for name in vars(model) if name.endswith("_") and not name.startswith("_")}
    found |= {"seen_groups_"}
    assert found <= set(section(cls, "Attributes"))
    assert all(explained(cls, "Attributes", name) for name in found)
    several = any(word in cls.__name__ for word in ("MFN", "M3ER", "MEmoBERT", "UniMSE"))
    assert model.modalities_ == [modality]
    assert model.n_dims_ == ({modality: n_dims} if several else n_dims)
    assert hasattr(model, "class_prior_") == hasattr(model, "classes_")
