import numpy as np
import pytest

from emoest.fusion import EarlyFusionClassifier
from emoest.tables.targets import refuse_several_targets


def test_several_targets_point_to_multi_target():
    with pytest.raises(ValueError, match=r"MultiTarget\(EarlyFusionClassifier\(\.\.\.\)\)"):
        refuse_several_targets(EarlyFusionClassifier(), np.zeros((3, 2)))
    refuse_several_targets(EarlyFusionClassifier(), np.zeros((3, 1)))
