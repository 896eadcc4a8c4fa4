import numpy as np
import pandas as pd
import pytest

from tests.evaluation._evaluate.helpers import N_EACH, N_SPEAKERS


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    speakers = np.repeat([f"s{i:02d}" for i in range(N_SPEAKERS)], N_EACH)
    rng.shuffle(speakers)
    y = rng.choice(["angry", "happy", "sad"], len(speakers))
    shift = pd.factorize(y, sort=True)[0][:, None]
    X = pd.DataFrame(
        rng.normal(size=(len(y), 4)) + 0.7 * shift,
        columns=["audio__f0", "audio__energy", "text__a", "text__b"],
        index=[f"clip{i}" for i in range(len(y))],
    )
    return X, pd.Series(y, index=X.index, name="emotion"), speakers
