"""What is trusted: classes that only store, and functions that only compute."""

import importlib
import inspect

import pytest
from sklearn.base import BaseEstimator

from emoest.persistence._trusted import OTHERS, PARTS, ROOMS, SCORES, untrusted_names


def named(name):
    module, _, kind = name.rpartition(".")
    return getattr(importlib.import_module(module), kind)


def public_estimators():
    for room in ROOMS:
        module = importlib.import_module(f"emoest.{room}")
        for name in module.__all__:
            found = getattr(module, name)
            if isinstance(found, type) and issubclass(found, BaseEstimator):
                yield found


def dotted(found):
    return f"{found.__module__}.{found.__qualname__}"


def test_every_public_estimator_and_part_is_trusted():
    names = [*map(dotted, public_estimators()), *PARTS, *SCORES]
    assert len(names) > 60
    assert untrusted_names(names) == []


@pytest.mark.parametrize("name", PARTS)
def test_parts_are_classes_of_their_module(name):
    found = named(name)
    assert isinstance(found, type) and dotted(found) == name


@pytest.mark.parametrize("name", SCORES)
def test_scores_are_functions_of_arrays(name):
    found = named(name)
    assert inspect.isfunction(found)
    assert list(inspect.signature(found).parameters)[:2] == ["y_true", "y_pred"]


@pytest.mark.parametrize("name", [name for name in OTHERS if name.startswith("sklearn")])
def test_others_are_classes(name):
    assert isinstance(named(name), type)


def test_constructors_of_trusted_estimators_only_store():
    """What a hostile file can call with arguments of its own is a constructor."""
    for found in public_estimators():
        if found.__init__ is BaseEstimator.__init__ or "__init__" not in vars(found):
            continue
        source = inspect.getsource(found.__init__)
        body = source.partition("):\n")[2] or source.partition(") -> None:\n")[2]
        lines = [line.strip() for line in body.splitlines() if line.strip()]
        stored = [line for line in lines if line.startswith(("self.", "super().__init__(", "#"))]
        assert stored, found


REVIEWED = {
    "emoest.embeddings._base.PretrainedTransformer": (
        "keeps names; rebuilds a net of a type that no file may bring"
    ),
    "emoest.neural._training.saving.StatefulModule": "builds the net of its class, loads arrays",
    "emoest.nets.weight_files.trunk_weights.TrunkWeights": "makes tensors of arrays",
    "emoest.validity._proxy_regression.LocalProxy": "builds the search of neighbors anew",
}
"""Every `__setstate__` that a file can reach, and what it does."""


def test_a_packed_net_which_writes_files_is_no_trusted_type():
    assert untrusted_names(["emoest.embeddings._in_memory._Packed"])


def test_what_runs_while_a_trusted_object_is_restored_was_reviewed():
    found = set()
    for kind in [*public_estimators(), *map(named, PARTS)]:
        for base in kind.__mro__:
            if base.__module__.startswith("emoest.") and "__setstate__" in vars(base):
                found.add(dotted(base))
            assert "__reduce__" not in vars(base) or base is object, base
    assert found == set(REVIEWED)


@pytest.mark.parametrize(
    "name",
    [
        "os.system",
        "emoest.files.store.clear",
        "emoest.fusion.EarlyFusionClassifier",
        "emoest.fusion._early.clone",
        "emoest.evaluation._evaluate.evaluate",
        "emoest.systems.boateng2020.make_boateng2020",
        "emoest.tuning._search.OptunaSearchCV",
        "emoest.neural._training.base.DeepEstimator",
        "emoest.",
        "emoest",
        "",
    ],
)
def test_everything_else_is_not(name):
    assert untrusted_names([name]) == [name]
    assert untrusted_names([name], trusted=[name]) == []
