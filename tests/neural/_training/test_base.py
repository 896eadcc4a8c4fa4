import pickle

import joblib
import numpy as np
import pytest
import sklearn
import torch
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import StackingClassifier, VotingClassifier
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_validate
from sklearn.pipeline import make_pipeline

from emoest.evaluation import evaluate
from emoest.neural import SequenceClassifier, SequenceRegressor
from emoest.tables.cells import object_column
from emoest.tuning import OptunaSearchCV
from tests.neural.helpers import PLAIN, SMALL, assert_same_state, state_of


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


def test_a_frozen_net_is_not_tested_on_whom_it_was_fitted_on(frames, tmp_path):
    X, y = frames
    model = SequenceClassifier(**PLAIN).fit(X[:8], y[:8])
    assert model.seen_groups_ == ["s0", "s1", "s2", "s3"]
    model.save_weights(tmp_path / "net.safetensors")
    loaded = SequenceClassifier(**PLAIN).load_weights(tmp_path / "net.safetensors")
    for known in (model, loaded, pickle.loads(pickle.dumps(model))):
        embedder = make_pipeline(FrozenEstimator(known), LogisticRegression())
        with pytest.raises(ValueError, match=r"was trained on .*test part of fold 1.*: 's"):
            evaluate(embedder, X, y, cv=GroupKFold(2))
    others = X.index.get_level_values("group") > "s3"
    result = evaluate(embedder, X[others], y[others], cv=GroupKFold(2), random_state=0)
    assert result.protocol.speaker_independent
    assert evaluate(model, X, y, cv=GroupKFold(2)).protocol.speaker_independent


def test_a_warm_start_remembers_earlier_groups(frames):
    X, y = frames
    model = SequenceClassifier(**PLAIN, warm_start=True).fit(X[:4], y[:4]).fit(X[4:8], y[4:8])
    assert model.seen_groups_ == ["s0", "s1", "s2", "s3"]
    model.set_params(warm_start=False).fit(X[4:8], y[4:8])
    assert model.seen_groups_ == ["s2", "s3"]
    assert SequenceClassifier(**PLAIN).fit(X.droplevel("group"), y).seen_groups_ == []


def test_it_works_in_searches_and_as_an_embedder(frames):
    X, y = frames
    groups = X.index.get_level_values("group")
    # With the first rate nothing is learned in three epochs, so a search has to choose the second.
    rates = {"lr": [1e-7, 0.05]}
    search = GridSearchCV(SequenceClassifier(**SMALL), rates, cv=GroupKFold(2))
    search.fit(X, y, groups=groups)
    idle, learned = search.cv_results_["mean_test_score"]
    assert search.best_params_ == {"lr": 0.05}
    assert learned > 0.8 > idle + 0.1
    optuna = OptunaSearchCV(SequenceClassifier(**SMALL), rates, cv=2, n_trials=4, random_state=1)
    assert optuna.fit(X, y).best_params_ == {"lr": 0.05}
    assert optuna.best_estimator_.lr == 0.05
    embedder = make_pipeline(
        SequenceClassifier(**{**SMALL, "max_epochs": 10}), LogisticRegression()
    ).set_output(transform="pandas")
    scores = cross_validate(embedder, X, y, groups=groups, cv=GroupKFold(4), n_jobs=2)
    assert scores["test_score"].mean() > 0.8
    embedder.fit(X, y)
    assert embedder[-1].feature_names_in_[0] == "sequence_0000"


def test_fits_in_threads_give_what_one_alone_gives(frames):
    X, y = frames
    model = SequenceClassifier(**{**SMALL, "dropout": 0.5})
    alone = model.fit(X, y).predict_proba(X)
    before = torch.get_rng_state()
    fits = joblib.Parallel(n_jobs=4, backend="threading")(
        joblib.delayed(lambda each: each.fit(X, y).predict_proba(X))(clone(model)) for _ in range(6)
    )
    for proba in fits:
        np.testing.assert_array_equal(proba, alone)
    assert torch.equal(torch.get_rng_state(), before)


def test_the_default_type_of_torch_does_not_matter(frames):
    X, y = frames
    torch.set_default_dtype(torch.float64)
    try:
        model = pickle.loads(pickle.dumps(SequenceClassifier("transformer", **SMALL).fit(X, y)))
        assert model.predict_proba(X).dtype == np.float32
    finally:
        torch.set_default_dtype(torch.float32)


def test_numpy_numbers_as_parameters_are_fine(frames, tmp_path):
    X, y = frames
    grid = {"hidden_size": np.array([2, 3]), "batch_size": np.array([8])}
    search = GridSearchCV(SequenceClassifier(**PLAIN), grid, cv=2, error_score="raise").fit(X, y)
    search.best_estimator_.save_weights(tmp_path / "net.safetensors")
    loaded = SequenceClassifier(**PLAIN).load_weights(tmp_path / "net.safetensors")
    assert loaded.module_params_["hidden_size"] == search.best_params_["hidden_size"]


def test_a_failed_fit_leaves_an_unfitted_estimator(frames):
    X, y = frames
    model = SequenceClassifier(**PLAIN).fit(X, y)
    with pytest.raises(ValueError, match="one class"):
        model.fit(X, ["sad"] * len(X))
    with pytest.raises(NotFittedError):
        model.predict(X)


def test_fitted_nets_work_in_ensembles_and_with_routing(frames):
    X, y = frames
    groups = X.index.get_level_values("group")
    model = SequenceClassifier(**SMALL)
    frozen = FrozenEstimator(clone(model).fit(X, y))
    ensembles = [
        CalibratedClassifierCV(frozen),
        VotingClassifier([("a", frozen), ("b", model)], voting="soft"),
        StackingClassifier([("a", frozen), ("b", frozen)], cv="prefit"),
    ]
    for ensemble in ensembles:
        assert ensemble.fit(X, y).predict_proba(X).shape == (40, 2)
    bare = X.reset_index(drop=True)
    with sklearn.config_context(enable_metadata_routing=True):
        result = cross_validate(
            make_pipeline(model),
            bare,
            y,
            params={"groups": np.asarray(groups)},
            cv=GroupKFold(2),
            return_estimator=True,
            error_score="raise",
        )
    assert [each[-1].grouped_ for each in result["estimator"]] == [True, True]


def test_weights_of_zero_take_a_row_out_of_the_scales_too(frames):
    X, y = frames
    cells = list(X["audio__frames"])
    cells[0] = np.full((50, 3), 1e4, "float32")
    X = object_column(cells, X.index, "audio__frames").to_frame()
    weight = np.r_[0.0, np.ones(39)]
    model = SequenceClassifier(**PLAIN).fit(X, y, sample_weight=weight)
    without = SequenceClassifier(**PLAIN).fit(X.iloc[1:], y[1:])
    np.testing.assert_allclose(model.scales_["audio"].mean, without.scales_["audio"].mean)
    numbers = np.array([[0.0, 1.0], [2.0, np.nan], [4.0, 5.0], [1.0, 2.0]])
    model.fit(numbers, [0, 1, 0, 1], sample_weight=[0, 1, 1, 1])
    np.testing.assert_allclose(model.column_means_["features"], [7 / 3, 3.5])
