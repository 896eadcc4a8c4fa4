import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier

from emoest.fusion import EarlyFusionClassifier
from emoest.fusion._inner import fit_parameters


def test_weights_that_nobody_takes_are_an_error():
    message = r"estimator inside EarlyFusionClassifier, KNeighborsClassifier, takes none"
    with pytest.raises(ValueError, match=message):
        fit_parameters(EarlyFusionClassifier(), KNeighborsClassifier(), sample_weight=np.ones(2))
    assert fit_parameters(None, KNeighborsClassifier(), groups=np.ones(2)) == {}
