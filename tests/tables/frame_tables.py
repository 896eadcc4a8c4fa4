"""Small tables of frames, for the tests of several rooms."""

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator

from emoest.tables.cells import object_column
from emoest.tables.frames import read_frames_table


def make(audio, text, **beside):
    index = [f"r{i}" for i in range(len(audio))]
    cells = {"audio__frames": audio, "text__frames": text, **beside}
    return pd.concat([object_column(c, index, name) for name, c in cells.items()], axis=1)


def frames(n, d, start=0.0):
    return np.arange(start, start + n * d, dtype=np.float32).reshape(n, d)


def read(X, widths=None, **settings):
    """The table as `fit` reads it, or, given its widths, as a later method does."""
    estimator = BaseEstimator()
    if widths is not None:
        estimator.n_features_in_ = X.shape[1]
        estimator.feature_names_in_ = np.asarray(X.columns, dtype=object)
    settings = {"allow": "nan", **settings}
    return read_frames_table(estimator, X, reset=widths is None, widths=widths, **settings)
