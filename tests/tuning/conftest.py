import numpy as np
import pandas as pd
import pytest


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    speakers = np.repeat([f"s{i}" for i in range(8)], 8)
    y = np.tile(["angry", "happy", "sad", "sad"], 16)
    shift = pd.factorize(y)[0][:, None]
    X = pd.DataFrame(
        rng.normal(size=(64, 3)) + 0.6 * shift, columns=["audio__f0", "audio__energy", "text__a"]
    )
    return X, y, speakers
