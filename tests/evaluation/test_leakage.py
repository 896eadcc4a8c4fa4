from types import SimpleNamespace

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from emoest.evaluation._leakage import (
    nested,
    pretrained_groups,
    seen_before,
    transductive_steps,
)


class Trunk(BaseEstimator):
    def __init__(self, weights=None):
        self.weights = weights

    def fit(self, X, y=None):
        return self


class Transductive(Trunk):
    @property
    def _emoest_transductive(self):
        return self.weights == "own"


def test_nested_parts_are_found_where_they_stand():
    weights = SimpleNamespace(seen_groups_=["s1", "s9"])
    frozen = FrozenEstimator(Trunk(weights))
    model = make_pipeline(frozen, LogisticRegression())
    assert seen_before(pretrained_groups(model), np.array(["s1", "s2"])) == {
        "frozenestimator__estimator__weights (SimpleNamespace)": ["s1"]
    }
    assert seen_before(pretrained_groups(model), np.array(["s2"])) == {}
    refitted = Trunk()
    refitted.seen_groups_ = ["s1"]
    assert seen_before(pretrained_groups(refitted), np.array(["s1"])) == {}
    assert transductive_steps(make_pipeline(Transductive("own"), Trunk())) == ["Transductive"]
    assert transductive_steps(make_pipeline(Transductive("global"), Trunk(Transductive))) == []
    assert [name for name, part in nested(model) if part is frozen] == ["frozenestimator"]
