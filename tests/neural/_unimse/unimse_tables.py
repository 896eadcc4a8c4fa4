"""Small corpora of sentiment and of emotion, for the tests of UniMSE."""

import numpy as np
import pandas as pd

from emoest.neural import UniMSEClassifier, UniMSERegressor
from emoest.tables.cells import object_column

GOOD = ("lovely", "great", "fine", "sweet", "nice")
BAD = ("awful", "bad", "dreadful", "sour", "poor")
THINGS = ("film", "day", "meal", "house", "story", "plan")
FAST = {"max_epochs": 2, "batch_size": 16, "validation_fraction": None, "random_state": 0}
"""Quick; too short to learn."""

LEARNS = {**FAST, "max_epochs": 30, "batch_size": 8}


def make_texts(n_rows, seed=0):
    """Texts, and how good each is: -1 or 1."""
    generator = np.random.RandomState(seed)
    signs = np.where(np.arange(n_rows) % 2, -1, 1)
    texts = [
        f"the {generator.choice(THINGS)} is {generator.choice(GOOD if sign > 0 else BAD)}"
        for sign in signs
    ]
    return texts, signs


def make_emotions(n_rows=16, seed=0, signals=True, index=None):
    """Texts (and frames of audio and faces) with joy and sadness."""
    generator = np.random.RandomState(seed)
    texts, signs = make_texts(n_rows, seed)
    index = pd.RangeIndex(n_rows) if index is None else index
    columns = [object_column(texts, index, "text")]
    if signals:
        for name, width in (("audio__frames", 5), ("face__frames", 4)):
            cells = [
                (generator.randn(generator.randint(2, 7), width) + sign).astype("float32")
                for sign in signs
            ]
            columns.append(object_column(cells, index, name))
    return pd.concat(columns, axis=1), np.where(signs > 0, "joy", "sadness").astype(object)


def make_scores(n_rows=16, seed=1, signals=False):
    """Texts with scores of sentiment."""
    X, _ = make_emotions(n_rows, seed, signals)
    _, signs = make_texts(n_rows, seed)
    return X, np.round(signs * np.random.RandomState(seed).uniform(0.6, 2.9, n_rows), 1)


SMALL = {**FAST, "av_hidden": 8, "bottleneck": 8, "max_epochs": 1}
SMALL |= {"n_pmf_layers": 1, "contrast_layers": 1}


def classifier(**settings):
    """A small classifier that trains for one epoch."""
    return UniMSEClassifier(**{**SMALL, **settings})


def regressor(**settings):
    """A small regressor that trains for one epoch."""
    return UniMSERegressor(**{**SMALL, **settings})
