import pickle

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_validate
from sklearn.pipeline import make_pipeline

from emoest.neural import SequenceClassifier, SequenceRegressor
from emoest.tuning import OptunaSearch
from tests.neural.conftest import PLAIN, SMALL, assert_same_state, state_of


def test_same_seed_same_weights_and_another_seed_others(frames):
    X, y = frames
    first, second = (SequenceClassifier(**SMALL).fit(X, y) for _ in range(2))
    assert_same_state(state_of(first), state_of(second))
    other = SequenceClassifier(**{**SMALL, "random_state": 1}).fit(X, y)
    assert not torch.equal(state_of(first)["head.weight"], state_of(other)["head.weight"])


def test_the_global_generators_are_left_alone(frames):
    X, y = frames
    before = np.random.get_state()[1].copy(), torch.get_rng_state()  # noqa: NPY002
    model = SequenceClassifier(**SMALL).fit(X, y)
    model.predict(X)
    pickle.loads(pickle.dumps(model))
    assert np.array_equal(np.random.get_state()[1], before[0])  # noqa: NPY002
    assert torch.equal(torch.get_rng_state(), before[1])


def test_two_modalities_one_class_and_two_targets_are_refused(frames):
    X, y = frames
    two = X.assign(text__frames=X["audio__frames"])
    with pytest.raises(ValueError, match=r"reads one modality, X has 2 \(audio, text\)"):
        SequenceClassifier(**SMALL).fit(two, y)
    SequenceClassifier(**PLAIN, modalities=["text"]).fit(two, y)
    with pytest.raises(ValueError, match="at least two classes; y holds one class only: 'sad'"):
        SequenceClassifier(**SMALL).fit(X, ["sad"] * len(X))
    with pytest.raises(ValueError, match="MultiTarget"):
        SequenceRegressor(**SMALL).fit(X, np.zeros((len(X), 2)))


def test_it_works_in_searches_and_as_an_embedder(frames):
    X, y = frames
    groups = X.index.get_level_values("group")
    search = GridSearchCV(SequenceClassifier(**SMALL), {"lr": [0.001, 0.02]}, cv=GroupKFold(2))
    assert search.fit(X, y, groups=groups).best_params_["lr"] in {0.001, 0.02}
    optuna = OptunaSearch(
        SequenceClassifier(**SMALL), {"lr": [0.001, 0.02]}, cv=2, n_trials=2, random_state=0
    )
    assert set(optuna.fit(X, y).best_params_) == {"lr"}
    embedder = make_pipeline(
        SequenceClassifier(**{**SMALL, "max_epochs": 10}), LogisticRegression()
    ).set_output(transform="pandas")
    scores = cross_validate(embedder, X, y, groups=groups, cv=GroupKFold(4), n_jobs=2)
    assert scores["test_score"].mean() > 0.8
    embedder.fit(X, y)
    assert embedder[-1].feature_names_in_[0] == "sequence_0000"
