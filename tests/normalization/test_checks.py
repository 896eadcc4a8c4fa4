"""scikit-learn's suite on every normalizer, plain and with two modalities."""

import numpy as np
import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from emoest.normalization import (
    BlockScaler,
    SampleZScoreNormalizer,
    SpeakerZScoreNormalizer,
    ZScoreNormalizer,
)

TWO = {"a": slice(0, 1), "b": slice(1, None)}


def instances():
    for modalities in ("auto", TWO):
        yield ZScoreNormalizer(modalities=modalities)
        yield SpeakerZScoreNormalizer(modalities=modalities)
        yield SampleZScoreNormalizer(modalities=modalities)
        yield BlockScaler(modalities=modalities)
    yield SpeakerZScoreNormalizer(unseen="global")
    yield BlockScaler(criterion="norm", modalities=TWO)


@pytest.fixture(autouse=True)
def _global_generator_untouched():
    """One of scikit-learn's checks draws from the global generator; put it back afterwards."""
    before = np.random.get_state()  # noqa: NPY002
    yield
    np.random.set_state(before)  # noqa: NPY002


@pytest.mark.filterwarnings("ignore:SpeakerZScoreNormalizer found no groups")
@pytest.mark.filterwarnings("ignore:The modalities .* have one column each")
@parametrize_with_checks(list(instances()))
def test_scikit_learn_checks(estimator, check):
    check(estimator)
