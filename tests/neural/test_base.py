import copy
import io
import pickle
import subprocess
import sys

import joblib
import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_validate
from sklearn.pipeline import make_pipeline
from skorch.callbacks import Callback

from emoest.neural import SequenceClassifier, SequenceRegressor
from emoest.tuning import OptunaSearch
from emoest.utils.cells import object_column, write_frames
from emoest.utils.groups import NotSpeakerIndependentWarning
from tests.neural.conftest import make_frames

SMALL = {"hidden_size": 4, "max_epochs": 3, "lr": 0.02, "random_state": 0}
PLAIN = {**SMALL, "validation_fraction": None}


def state_of(model):
    return {name: value.clone() for name, value in model.net_.module_.state_dict().items()}


def assert_same_state(left, right):
    assert list(left) == list(right)
    for name, value in left.items():
        assert torch.equal(value, right[name]), name


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


def test_validation_rows_are_other_speakers_and_the_uar_of_each_epoch_is_kept(frames, monkeypatch):
    X, y = frames
    seen = {}
    train = SequenceClassifier._train

    def spy(self, data, valid, groups, seed):
        seen["train"] = {label[1] for label in data.rows}
        seen["valid"] = {label[1] for label in valid.rows}
        assert sorted(set(groups)) == sorted(seen["train"])
        train(self, data, valid, groups, seed)

    monkeypatch.setattr(SequenceClassifier, "_train", spy)
    model = SequenceClassifier(**SMALL).fit(X, y)
    assert seen["train"] and seen["valid"] and not seen["train"] & seen["valid"]
    assert model.grouped_ is True
    assert list(model.history_[0]) == [
        "epoch",
        "seconds",
        "train_loss",
        "valid_loss",
        "valid_uar",
    ]
    assert model.n_iter_ == len(model.history_) == 3


def test_without_groups_a_warning_and_with_too_few_early_stopping_is_off(frames):
    X, y = frames
    bare = X.reset_index(drop=True)
    with pytest.warns(NotSpeakerIndependentWarning, match="speaker"):
        assert SequenceClassifier(**SMALL).fit(bare, y).grouped_ is False
    with pytest.warns(UserWarning, match="Early stopping is off"):
        model = SequenceClassifier(**SMALL).fit(bare, y, groups=np.zeros(len(y)))
    assert model.grouped_ is None
    assert "valid_uar" not in model.history_[0]


def test_the_best_epoch_is_kept_and_patience_stops(frames):
    X, y = frames
    model = SequenceClassifier(**{**SMALL, "max_epochs": 60, "lr": 0.05, "patience": 2}).fit(X, y)
    assert model.n_iter_ < 60
    reached = [(row["valid_uar"], -row["valid_loss"]) for row in model.history_]
    best = reached.index(max(reached))
    assert len(reached) == best + 1 + 2
    shorter = SequenceClassifier(
        **{**SMALL, "max_epochs": best + 1, "lr": 0.05, "patience": None}
    ).fit(X, y)
    assert_same_state(state_of(model), state_of(shorter))


def test_padding_batch_size_and_order_do_not_matter(frames):
    X, y = frames
    for cell, pooling in [("lstm", "statistics"), ("gru", "last"), ("transformer", "attention")]:
        model = SequenceClassifier(cell, pooling=pooling, **PLAIN).fit(X, y)
        expected = model.predict_proba(X)
        one_by_one = clone(model).set_params(batch_size=1)
        one_by_one.__setstate__({**model.__getstate__(), "batch_size": 1})
        np.testing.assert_allclose(one_by_one.predict_proba(X), expected, atol=1e-6)
        order = np.random.RandomState(1).permutation(len(X))
        np.testing.assert_allclose(model.predict_proba(X.iloc[order]), expected[order], atol=1e-6)


def test_frames_on_disk_are_read_when_a_batch_needs_them(frames, tmp_path):
    X, y = frames
    paths = [write_frames(cell, tmp_path / f"{i}.npy") for i, cell in enumerate(X.iloc[:, 0])]
    lazy = object_column(paths, X.index, "audio__frames").to_frame()
    model = SequenceClassifier(**SMALL).fit(X, y)
    from_disk = SequenceClassifier(**SMALL).fit(lazy, y)
    assert_same_state(state_of(model), state_of(from_disk))
    (tmp_path / "3.npy").unlink()
    with pytest.raises(FileNotFoundError, match=r"row \(3, 's1'\).*3\.npy"):
        from_disk.predict(lazy)


def test_rows_without_frames_are_left_out_and_answered_by_the_prior(frames):
    X, y = frames
    holed = X.copy()
    holed["audio__frames"] = object_column(
        [None if i in (0, 2, 4) else cell for i, cell in enumerate(X.iloc[:, 0])], X.index
    )
    with pytest.warns(UserWarning, match=r"3 training row\(s\) have no frames.*\(0, 's0'\)"):
        model = SequenceClassifier(**PLAIN).fit(holed, y)
    with pytest.warns(UserWarning, match=r"3 row\(s\) have no frames"):
        proba = model.predict_proba(holed)
    np.testing.assert_allclose(proba[0], [17 / 37, 20 / 37], rtol=1e-6)
    assert np.isnan(model.transform(holed).iloc[0]).all()
    assert not np.isnan(model.transform(holed).iloc[1]).any()


def test_numbers_with_holes_are_filled_by_training_means_or_refused():
    X = np.array([[0.0, 1.0], [4.0, np.nan], [0.5, 3.0], [4.5, 5.0]] * 3)
    y = [0, 1] * 6
    filled = np.where(np.isnan(X), 3.0, X)
    holed = SequenceClassifier(**PLAIN).fit(X, y)
    whole = SequenceClassifier(**PLAIN).fit(filled, y)
    np.testing.assert_allclose(holed.predict_proba(X), whole.predict_proba(filled), atol=1e-6)
    with pytest.raises(ValueError, match=r"3 row\(s\) have NaN.*'features'.*1, 5, 9.*impute="):
        SequenceClassifier(**PLAIN, impute="raise").fit(X, y)


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        (np.full((2, 3), np.nan, "float32"), r"row \(5, 's2'\), column 'audio__frames': frame 0"),
        (np.zeros((2, 7), "float32"), r"row \(5, 's2'\).*7 dimensions, others of this column 3"),
        ("nowhere.npy", r"row \(5, 's2'\).*nowhere\.npy"),
        (np.zeros((2, 3, 4), "float32"), r"row \(5, 's2'\).*shape \(2, 3, 4\)"),
    ],
)
def test_bad_cells_are_named(frames, cell, message):
    X, y = frames
    cells = list(X["audio__frames"])
    cells[5] = cell
    bad = object_column(cells, X.index, "audio__frames").to_frame()
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        SequenceClassifier(**SMALL).fit(bad, y)


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


def test_unseen_labels_at_score_count_as_wrong(frames):
    X, y = frames
    model = SequenceClassifier(**PLAIN).fit(X, y)
    labels = y.copy().astype(object)
    labels[:20] = "angry"
    assert model.score(X, labels) <= 0.5


def test_pickle_deepcopy_and_joblib_give_the_same_answers(frames, tmp_path):
    X, y = frames
    model = SequenceClassifier(**SMALL).fit(X, y)
    expected = model.predict_proba(X)
    buffer = io.BytesIO()
    joblib.dump(model, buffer)
    for other in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model), joblib.load(buffer)):
        np.testing.assert_array_equal(other.predict_proba(X), expected)
        assert other.history_ == model.history_
    joblib.dump((model, X, expected), tmp_path / "model.joblib")
    code = (
        "import joblib, numpy as np, sys\n"
        "model, X, expected = joblib.load(sys.argv[1])\n"
        "np.testing.assert_allclose(model.predict_proba(X), expected, atol=1e-6)\n"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "model.joblib")], check=True)


def test_a_model_fitted_on_a_gpu_loads_where_there_is_none(frames):
    X, y = frames
    model = SequenceClassifier(**SMALL).fit(X, y)
    state = model.__getstate__()
    state["device_"] = "cuda"
    loaded = SequenceClassifier.__new__(SequenceClassifier)
    loaded.__setstate__(state)
    expected = "cuda" if torch.cuda.is_available() else "cpu"
    assert loaded.device_ == expected
    np.testing.assert_allclose(loaded.predict_proba(X), model.predict_proba(X), atol=1e-5)


def test_weights_travel_in_safetensors_and_a_wrong_layer_is_named(frames, tmp_path):
    X, y = frames
    model = SequenceClassifier(**SMALL).fit(X, y)
    model.save_weights(tmp_path / "net.safetensors")
    loaded = SequenceClassifier(**SMALL).load_weights(tmp_path / "net.safetensors")
    np.testing.assert_array_equal(loaded.predict_proba(X), model.predict_proba(X))
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))
    with pytest.raises(ValueError, match="holds weights of SequenceClassifier, not of"):
        SequenceRegressor().load_weights(tmp_path / "net.safetensors")
    with pytest.raises(FileNotFoundError, match=r"nowhere\.safetensors"):
        SequenceClassifier().load_weights(tmp_path / "nowhere.safetensors")


class Interrupt(Callback):
    def on_epoch_begin(self, net, **kwargs):
        if len(net.history) == 3:
            raise KeyboardInterrupt


def test_the_keyboard_leaves_a_usable_estimator_that_goes_on(frames):
    X, y = frames
    model = SequenceClassifier(
        **{**PLAIN, "max_epochs": 10}, callbacks=[Interrupt()], warm_start=True
    )
    with pytest.warns(UserWarning, match="interrupted.*keeps the weights of epoch 2"):
        model.fit(X, y)
    assert set(model.predict(X)) <= {"happy", "sad"}
    before = state_of(model)
    model.set_params(callbacks=None, max_epochs=1, lr=1e-12).fit(X, y)
    torch.testing.assert_close(state_of(model)["head.weight"], before["head.weight"])
    with pytest.raises(ValueError, match=r"warm_start=True.*another"):
        model.set_params(hidden_size=5).fit(X, y)


class Poison(Callback):
    def __init__(self, epoch):
        self.epoch = epoch

    def on_batch_begin(self, net, batch=None, training=False, **kwargs):
        if training and len(net.history) == self.epoch:
            batch[0]["frames"].fill_(torch.nan)


def test_a_nan_loss_stops_and_keeps_the_best_weights(frames):
    X, y = frames
    model = SequenceClassifier(**PLAIN, callbacks=[Poison(3)])
    with pytest.warns(UserWarning, match=r"NaN or infinite in epoch 3.*weights of epoch 2.*lr"):
        model.fit(X, y)
    two = SequenceClassifier(**{**PLAIN, "max_epochs": 2}).fit(X, y)
    assert_same_state(state_of(model), state_of(two))
    with pytest.raises(ValueError, match=r"NaN or infinite in the first epoch.*Lower lr"):
        SequenceClassifier(**PLAIN, callbacks=[Poison(1)]).fit(X, y)


def test_running_out_of_memory_names_the_batch(frames, monkeypatch):
    X, y = frames
    model = SequenceClassifier(**PLAIN).fit(X, y)

    def exhausted(*args, **kwargs):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(model.net_.module_, "forward", exhausted)
    with pytest.raises(
        MemoryError, match=r"32 row\(s\), the longest of \d frames. Lower batch_size"
    ):
        model.predict(X)


def test_class_weights_and_sample_weights_move_the_decision(frames):
    X, y = make_frames(n_rows=40)
    sad = {"happy": 1e-6, "sad": 1.0}
    options = {**PLAIN, "max_epochs": 15}
    assert (SequenceClassifier(**options, class_weight=sad).fit(X, y).predict(X) == "sad").all()
    weight = np.where(y == "sad", 1.0, 0.0)
    model = SequenceClassifier(**options).fit(X, y, sample_weight=weight)
    assert (model.predict(X) == "sad").all()


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


def test_regression_scales_the_target_back_and_answers_the_mean(frames):
    X, _ = frames
    y = 100 + 10 * np.array([cell.mean() for cell in X["audio__frames"]])
    model = SequenceRegressor("gru", **{**SMALL, "max_epochs": 40, "lr": 0.05}).fit(X, y)
    assert model.score(X, y) > 0.7
    assert "valid_loss" in model.history_[0] and "valid_uar" not in model.history_[0]
    empty = object_column([None], X.index[:1], "audio__frames").to_frame()
    with pytest.warns(UserWarning, match="no frames"):
        np.testing.assert_allclose(model.predict(empty), y.mean(), rtol=1e-6)


def test_mixed_precision_trains_and_predicts_in_float32(frames):
    X, y = frames
    model = SequenceClassifier(
        "transformer", **{**PLAIN, "max_epochs": 10}, precision="bfloat16"
    ).fit(X, y)
    assert model.predict_proba(X).dtype == np.float32
    assert model.score(X, y) > 0.7


def test_verbose_shows_a_bar(frames, capsys):
    X, y = frames
    SequenceClassifier(**SMALL, verbose=1).fit(X, y)
    shown = capsys.readouterr().err
    assert "SequenceClassifier" in shown and "valid_uar" in shown and "3/3" in shown


def test_callbacks_of_the_user_see_every_epoch(frames):
    X, y = frames
    epochs = []

    class Watch(Callback):
        def on_epoch_end(self, net, **kwargs):
            epochs.append(net.history[-1]["valid_uar"])

    model = SequenceClassifier(**SMALL, callbacks=[Watch()])
    clone(model).set_params(callbacks=[Watch()]).fit(X, y)
    assert len(epochs) == 3


def test_context_stays_out_of_the_net(frames):
    X, y = frames
    model = SequenceClassifier(**PLAIN).fit(X.assign(speaker="s1"), y)
    assert list(model.dims_) == ["audio"]
    assert pd.DataFrame(model.transform(X.assign(speaker="s1"))).columns[-1] == "speaker"
