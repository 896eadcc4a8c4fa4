"""Noise, and tables of clips."""

import numpy as np
import pandas as pd

RATE = 16_000


def noise(seconds, seed=0, level=0.1):
    return level * np.random.default_rng(seed).standard_normal(round(seconds * RATE))


def table(cells, index=None):
    column = pd.Series([None] * len(cells), dtype=object, name="audio", index=index)
    for i, cell in enumerate(cells):
        column.iat[i] = cell
    return column.to_frame()
