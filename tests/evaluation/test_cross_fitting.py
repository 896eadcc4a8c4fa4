import multiprocessing
import sys
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from joblib import delayed, parallel_config
from sklearn import config_context
from sklearn.base import BaseEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    StratifiedGroupKFold,
    StratifiedKFold,
)
from sklearn.multioutput import MultiOutputClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline

from emoest.evaluation._cross_fitting import (
    class_probabilities,
    make_splitter,
    run_parallel,
    with_group_level,
)
from emoest.utils.routing import fit_parameters

GROUPS = np.repeat(np.arange(6), 2)


@pytest.mark.parametrize(
    ("groups", "stratify", "kind"),
    [
        (GROUPS, True, StratifiedGroupKFold),
        (GROUPS, False, GroupKFold),
        (None, True, StratifiedKFold),
        (None, False, KFold),
    ],
)
def test_default_splitter(groups, stratify, kind):
    splitter = make_splitter(
        None, np.tile([0, 1], 6), groups, classifier=True, stratify=stratify, seed=3
    )
    assert type(splitter) is kind
    assert (splitter.get_n_splits(), splitter.shuffle, splitter.random_state) == (5, True, 3)


def test_too_few_groups_say_how_many_and_what_to_pass():
    options = {"classifier": True, "stratify": True, "seed": 0}
    with pytest.raises(ValueError, match=r"5 folds need .* only 3: 1, 2, 3\. Pass cv=3"):
        make_splitter(None, [0] * 6, np.repeat([1, 2, 3], 2), **options)
    with pytest.raises(ValueError, match="All samples are of one group"):
        make_splitter(2, [0] * 4, np.ones(4), **options)


def test_group_level_is_added_once():
    X = pd.DataFrame({"a": [1.0, 2.0]}, index=["r1", "r2"])
    first = with_group_level(X, np.array(["s1", "s2"]))
    assert first.index.tolist() == [("r1", "s1"), ("r2", "s2")]
    assert with_group_level(first, np.array(["other", "other"])) is first
    assert X.index.tolist() == ["r1", "r2"]


class Plain(BaseEstimator):
    def fit(self, X, y=None):
        return self


class TakesGroups(Plain):
    def fit(self, X, y=None, groups=None):
        return self


def test_groups_reach_what_takes_them():
    assert fit_parameters(TakesGroups(), groups=None) == {}
    assert fit_parameters(TakesGroups(), groups=GROUPS) == {"groups": GROUPS}
    assert fit_parameters(Plain(), groups=GROUPS) == {}
    assert list(fit_parameters(make_pipeline(Plain(), TakesGroups()), groups=GROUPS)) == [
        "takesgroups__groups"
    ]
    search = GridSearchCV(LogisticRegression(), {"C": [1.0]}, cv=GroupKFold(2))
    assert fit_parameters(search, groups=GROUPS) == {"groups": GROUPS}
    with config_context(enable_metadata_routing=True):
        assert fit_parameters(search, groups=GROUPS) == {"groups": GROUPS}
        assert fit_parameters(LogisticRegression(), groups=GROUPS) == {}


def test_probabilities_of_several_targets():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(30, 2))
    Y = np.column_stack([rng.choice(["lo", "hi"], 30), rng.choice(["a", "b", "c"], 30)])
    several = MultiOutputClassifier(LogisticRegression()).fit(X, Y)
    tables = class_probabilities(several, X, ["arousal", "valence"])
    assert {k: list(t) for k, t in tables.items()} == {
        "arousal": ["hi", "lo"],
        "valence": ["a", "b", "c"],
    }
    np.testing.assert_allclose(tables["valence"].sum(axis=1), 1)
    ones = (X > 0).astype(int)
    labels = MLPClassifier(4, random_state=0, solver="lbfgs").fit(X, ones)
    tables = class_probabilities(labels, X, ["p", "q"])
    np.testing.assert_allclose(tables["q"][1], labels.predict_proba(X)[:, 1])
    np.testing.assert_allclose(tables["q"][0] + tables["q"][1], 1)


@pytest.mark.parametrize("n_threads", [None, 1, 4])
def test_multiprocessing_is_refused_where_torch_has_threads(n_threads, monkeypatch):
    calls = [delayed(abs)(-each) for each in range(3)]
    monkeypatch.delenv("JOBLIB_START_METHOD", raising=False)
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    if n_threads:
        torch = SimpleNamespace(get_num_threads=lambda: n_threads)
        monkeypatch.setitem(sys.modules, "torch", torch)
    with parallel_config(backend="multiprocessing"):
        assert list(run_parallel(calls, 1)) == [0, 1, 2]
        if n_threads == 4 and multiprocessing.get_start_method() == "fork":
            with pytest.raises(ValueError, match=r"'multiprocessing' forks .* Take 'loky'"):
                list(run_parallel(calls, 2))
        else:
            assert list(run_parallel(calls, 2)) == [0, 1, 2]
