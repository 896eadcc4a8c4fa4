"""`evaluate(random_state=0)` gives the same to the last bit, whatever a model is made of."""

import inspect
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from emoest.evaluation import ablation_table, evaluate, modality_importance, modality_shapley
from emoest.fusion import EarlyFusionClassifier, LateFusionClassifier, SegmentClassifier
from emoest.tuning import OptunaSearchCV
from emoest.validity import CorruptModality
from tests.evaluation.seeded_models import (
    COMPOSED,
    FOREST,
    NET,
    TWO,
    HiddenForest,
    digests,
    digests_of_media,
    make_frames,
    make_rows,
    public_models,
    with_media,
)
from tests.test_common import public_classes


def run():
    return [*digests([*COMPOSED, *public_models()]), *digests_of_media()]


@pytest.fixture(scope="module")
def first():
    return run()


def test_every_class_with_a_seed_is_run():
    seeded = {c for c in public_classes() if "random_state" in inspect.signature(c).parameters}
    media = [model for model, _, _ in with_media()]
    steps = [model[0] for model in media if isinstance(model, Pipeline)]
    assert seeded <= {type(model) for model in [*COMPOSED, *public_models(), *media, *steps]}


def test_a_second_run_in_the_same_process_is_equal(first):
    assert run() == first


def test_a_run_in_another_process_is_equal(first):
    root = Path(__file__).parents[2]
    command = [sys.executable, "-m", "tests.evaluation.seeded_models"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=root)
    assert done.stdout.split() == first


@pytest.mark.parametrize("backend", ["threading", "multiprocessing", "loky"])
def test_no_backend_changes_what_is_found(backend, request):
    if backend == "multiprocessing":
        # A fork of a process in which torch has several threads is refused.
        request.addfinalizer(partial(torch.set_num_threads, torch.get_num_threads()))
        torch.set_num_threads(1)
    models = [NET, clone(NET).set_params(random_state=3), FOREST, HiddenForest()]
    before = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    assert digests(models, backend) == digests(models)
    assert torch.equal(torch.get_rng_state(), before[0])
    np.testing.assert_array_equal(np.random.get_state()[1], before[1])  # noqa: NPY002


@pytest.mark.filterwarnings("ignore:X names no modality")
@pytest.mark.parametrize(
    "model",
    [
        EarlyFusionClassifier(FOREST, random_state=4),
        LateFusionClassifier(FOREST, modalities=TWO, random_state=4),
        SegmentClassifier(FOREST, random_state=4),
        make_pipeline(StandardScaler(), clone(FOREST).set_params(random_state=4)),
        GridSearchCV(clone(FOREST).set_params(random_state=4), {"max_depth": [2]}, cv=2),
    ],
)
def test_a_seed_of_ones_own_decides_as_in_a_plain_fit(model):
    X, y, groups = make_rows()
    if isinstance(model, SegmentClassifier):
        X = make_frames(X)
    train, test = np.flatnonzero(groups < 3), np.flatnonzero(groups >= 3)
    found = evaluate(model, X, y, groups=groups, cv=[(train, test)], random_state=0).predictions
    alone = clone(model).fit(X.iloc[train], y.iloc[train]).predict_proba(X.iloc[test])
    np.testing.assert_array_equal(found["proba_glad"], alone[:, 0])


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("table", [ablation_table, modality_shapley])
def test_ablations_repeat(table):
    X, y, groups = make_rows()
    model = LateFusionClassifier(FOREST, modalities=TWO)
    options = {"groups": groups, "cv": 2, "modalities": TWO, "random_state": 0, "n_resamples": 20}
    assert table(model, X, y, **options).equals(table(model, X, y, **options))
    if table is modality_shapley:
        options["value"] = "predict"
        assert table(model, X, y, **options).equals(table(model, X, y, **options))


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_the_importance_of_a_model_that_draws_when_it_predicts_repeats():
    X, y, _ = make_rows()
    steps = CorruptModality(fraction=0.5, modalities=TWO), EarlyFusionClassifier(modalities=TWO)
    fitted = make_pipeline(*steps).fit(X, y)
    found = [
        modality_importance(fitted, X, y, modalities=TWO, n_repeats=2, random_state=0)
        for _ in range(2)
    ]
    assert found[0].equals(found[1])


def test_searches_repeat_and_refit_the_same():
    X, y, groups = make_rows()
    found = [
        OptunaSearchCV(NET, {"lr": [0.1, 0.2]}, cv=2, n_trials=2, random_state=0)
        .fit(X, y, groups=groups)
        .predict_proba(X)
        for _ in range(2)
    ]
    np.testing.assert_array_equal(*found)
