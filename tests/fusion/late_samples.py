"""Three modalities with holes, and bases that tell what they were given."""

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin


def sample(n_speakers=12, per_speaker=6, seed=0):
    """Three modalities that each tell something, three classes, holes of both kinds."""
    rng = np.random.default_rng(seed)
    n = n_speakers * per_speaker
    codes = np.arange(n) % 3
    y = np.array(["angry", "happy", "sad"])[codes]
    columns = {}
    for name, width, strength in [("audio", 4, 1.2), ("face", 3, 1.0), ("text", 2, 0.6)]:
        centers = strength * rng.normal(size=(3, width))
        block = centers[codes] + rng.normal(size=(n, width))
        columns |= {f"{name}__{i}": block[:, i] for i in range(width)}
    X = pd.DataFrame(columns, index=[f"clip{i}" for i in range(n)])
    X["speaker"] = np.repeat([f"s{i:02d}" for i in range(n_speakers)], per_speaker)
    return X, y


def with_holes(X):
    holed = X.copy()
    holed.loc[holed.index[2::7], [c for c in X if c.startswith("face")]] = np.nan
    holed.loc[holed.index[::5], "audio__1"] = np.nan
    return holed


class Spy(ClassifierMixin, BaseEstimator):
    """Remembers what it was fitted on."""

    def fit(self, X, y, sample_weight=None, groups=None):
        self.X_, self.y_, self.sample_weight_, self.groups_ = X, y, sample_weight, groups
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        return np.full((len(X), len(self.classes_)), 1 / len(self.classes_))

    def predict(self, X):
        return np.repeat(self.classes_[0], len(X))
