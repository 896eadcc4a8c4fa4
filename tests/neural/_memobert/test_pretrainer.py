import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, cross_val_score
from sklearn.pipeline import make_pipeline

from emoest.nets.cross_modal.weights import MEmoBERTWeights
from emoest.neural import MEmoBERTClassifier, MEmoBERTPretrainer
from emoest.tables.cells import object_column, write_frames
from emoest.testing import cell_estimator_checks
from tests.nets.cross_modal.helpers import learn_pieces, save_bert
from tests.neural._memobert.helpers_memobert import PRETRAIN, make_clips, same_weights, with_cell

CHECKED = MEmoBERTPretrainer(**{**PRETRAIN, "max_steps": 2})


def name_of(value):
    return getattr(value, "__name__", None) or "pretrainer"


@pytest.mark.parametrize("check", cell_estimator_checks(CHECKED), ids=name_of)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_the_checks_of_tables_hold(check):
    X, y = make_clips(12)
    check(CHECKED, X.drop(columns="face_probs__frames"), y)


def test_all_four_losses_fall():
    X, _ = make_clips(60)
    settings = {"max_steps": 160, "lr": 5e-3, "log_every": 40, "hidden_size": 32}
    model = MEmoBERTPretrainer(**{**PRETRAIN, **settings}).fit(X)
    history = pd.DataFrame(model.history_)
    for task in ("wwmlm", "mvfr", "mvfc_kl", "mafr"):
        assert history[task].iloc[-1] < history[task].iloc[0]
    untrained = MEmoBERTPretrainer(**{**PRETRAIN, "max_steps": 1}).fit(X)
    assert model.score(X) > untrained.score(X)
    assert model.score(X) == model.score(X)
    assert model.n_iter_ == 160


def test_the_seed_decides_and_the_generators_stay():
    X, _ = make_clips(12)
    before = torch.get_rng_state()
    one, same = (MEmoBERTPretrainer(**PRETRAIN).fit(X) for _ in range(2))
    other = MEmoBERTPretrainer(**{**PRETRAIN, "random_state": 1}).fit(X)
    assert same_weights(one, same)
    assert not same_weights(one, other)
    assert torch.equal(torch.get_rng_state(), before)


def test_weights_come_back_from_pickle_and_file(tmp_path):
    X, _ = make_clips(12)
    model = MEmoBERTPretrainer(**PRETRAIN).fit(X)
    expected = model.transform(X)
    pd.testing.assert_frame_equal(pickle.loads(pickle.dumps(model)).transform(X), expected)
    model.save_weights(tmp_path / "a.safetensors")
    loaded = MEmoBERTPretrainer().load_weights(tmp_path / "a.safetensors")
    pd.testing.assert_frame_equal(loaded.transform(X), expected)
    assert loaded.score(X) == pytest.approx(model.score(X))


def test_what_is_exported_is_the_net_its_tokenizer_its_scales_and_its_speakers(tmp_path):
    X, _ = make_clips(18)
    model = MEmoBERTPretrainer(**PRETRAIN).fit(X)
    weights = model.export()
    assert weights.seen_groups_ == [f"s{i}" for i in range(6)]
    assert weights.dims == {"face": 3, "audio": 3}
    assert set(weights.scales) == {"face", "audio"}
    weights.save(tmp_path / "a.safetensors")
    again = MEmoBERTPretrainer(
        tmp_path / "a.safetensors", **{**PRETRAIN, "lr": 1e-12, "max_steps": 1, "n_layers": 5}
    ).fit(X)
    np.testing.assert_allclose(again.transform(X), model.transform(X), atol=1e-4)
    assert again.seen_groups_ == weights.seen_groups_
    with pytest.raises(NotFittedError):
        MEmoBERTPretrainer().export()


@pytest.mark.parametrize("head", [True, False])
def test_training_begins_with_a_bert(tmp_path, head):
    X, _ = make_clips(12)
    state = save_bert(tmp_path, learn_pieces(), head=head)
    settings = {"lr": 1e-12, "max_steps": 1, "random_state": 0}
    model = MEmoBERTPretrainer(tmp_path, **settings).fit(X)
    module = model.net_.module_
    table = state["bert.embeddings.word_embeddings.weight"]
    torch.testing.assert_close(module.trunk.text.words.weight, table)
    bias = state["cls.predictions.bias"] if head else torch.zeros(len(table))
    torch.testing.assert_close(module.word_head.bias, bias, atol=1e-6, rtol=0)
    assert model.module_params_["hidden_size"] == 16


def test_tasks_that_no_clip_can_teach_are_left_out():
    X, _ = make_clips(12, modalities=("text", "audio"))
    with pytest.warns(UserWarning, match=r"has face, face_probs.*mvfr, mvfc_kl are left out"):
        model = MEmoBERTPretrainer(**PRETRAIN).fit(X)
    assert model.tasks_ == {"wwmlm": 2 / 3, "mafr": 1 / 3}
    with pytest.raises(ValueError, match=r"No row of X has what the tasks mvfr mask"):
        MEmoBERTPretrainer(**PRETRAIN, tasks=["mvfr"], task_weights=[1]).fit(X)


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("modalities", [["text"], ["audio"], ["face"], ["text", "face"]])
def test_any_part_of_the_modalities_can_be_learned(modalities):
    X, _ = make_clips(12)
    model = MEmoBERTPretrainer(**PRETRAIN, modalities=modalities).fit(X)
    assert np.isfinite(model.transform(X)).all(axis=None)
    assert set(model.modalities_) - {"face_probs"} == set(modalities)


def test_rows_may_miss_any_modality_and_the_others_are_as_before():
    X, _ = make_clips(12)
    for column in X.columns:
        X = with_cell(X, column, list(X.columns).index(column), None)
    gone = X.copy()
    for column in X.columns:
        gone = with_cell(gone, column, 5, None)
    with pytest.warns(UserWarning, match="left out: "):
        model = MEmoBERTPretrainer(**PRETRAIN).fit(gone)
    vectors = model.transform(gone)
    assert vectors.isna().all(axis=1).tolist() == [i == 5 for i in range(12)]
    whole = model.transform(X)
    np.testing.assert_allclose(whole.drop(index=5, level=0), vectors.dropna(), atol=1e-5)


def test_a_text_of_more_than_the_limit_is_left_out_of_training_and_cut_later():
    X, _ = make_clips(12)
    X = with_cell(X, "text", 3, "leave me alone " * 11)
    with pytest.warns(UserWarning, match=r"1 training row.*more than max_text=30"):
        model = MEmoBERTPretrainer(**PRETRAIN).fit(X)
    same = with_cell(X, "text", 3, "leave me alone " * 10)
    with pytest.warns(UserWarning, match=r"1 text\(s\) have more than max_text=30.*row \(3"):
        vectors = model.transform(X)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_allclose(vectors, model.transform(same), atol=1e-5)
    with pytest.raises(ValueError, match="Every text has more than max_text=1"):
        MEmoBERTPretrainer(**PRETRAIN, max_text=1).fit(X)


def test_frames_beyond_the_limits_are_not_read():
    X, _ = make_clips(12)
    model = MEmoBERTPretrainer(**PRETRAIN, max_face=4, max_audio=5).fit(X)
    cut = X.copy()
    for column, n in (("face__frames", 4), ("face_probs__frames", 4), ("audio__frames", 5)):
        cut[column] = object_column([cell[:n] for cell in X[column]], X.index)
    np.testing.assert_allclose(model.transform(cut), model.transform(X), atol=1e-5)


def test_frames_may_stand_in_files(tmp_path):
    X, _ = make_clips(12)
    filed = X.copy()
    for column in X.columns[1:]:
        paths = [write_frames(c, tmp_path / f"{column}{i}.npy") for i, c in enumerate(X[column])]
        filed[column] = object_column(paths, X.index)
    assert same_weights(*(MEmoBERTPretrainer(**PRETRAIN).fit(table) for table in (X, filed)))


BAD = {
    "one clip": (lambda X: X.iloc[:1], "at least two clips"),
    "no clips": (lambda X: X.iloc[:0], "0 sample"),
    "array": (lambda X: np.zeros((4, 2)), "reads a DataFrame with the columns text"),
    "no role": (lambda X: X[["text"]].rename(columns={"text": "words"}), "X has words"),
    "frames as text": (
        lambda X: X.assign(text=X["audio__frames"]),
        r"column 'text': ndarray.* is no text.*words themselves",
    ),
    "lengths": (
        lambda X: with_cell(X, "face_probs__frames", 2, np.full((3, 3), 1 / 3)),
        r"face has \d+ frames and face_probs 3",
    ),
    "logits": (
        lambda X: with_cell(X, "face_probs__frames", 2, X["face__frames"].iloc[2]),
        "holds no probabilities.*softmax",
    ),
    "width": (
        lambda X: with_cell(X, "audio__frames", 2, np.ones((3, 7), "f4")),
        "column 'audio__frames': the frames have 7 dimensions",
    ),
    "numbers": (
        lambda X: X.assign(audio__length=1.0),
        r"X mixes frames .* with numbers",
    ),
}


@pytest.mark.parametrize(("change", "message"), BAD.values(), ids=BAD.keys())
def test_bad_tables_are_said(change, message):
    X, _ = make_clips(6)
    with pytest.raises(ValueError, match=message):
        MEmoBERTPretrainer(**PRETRAIN).fit(change(X))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tasks": ["mlm"], "task_weights": [1]}, "choose from wwmlm.*unknown: mlm"),
        ({"tasks": []}, "choose from wwmlm"),
        ({"task_weights": [1, 1]}, "a positive number for each of the 4 tasks"),
        ({"modalities": ["text", "eeg"]}, "no column of eeg"),
        ({"modalities": {"text": "words"}}, "words"),
        ({"n_heads": 3}, "n_heads=3 does not divide"),
        ({"lr": 1e30, "gradient_clip": None}, "NaN or infinite in step"),
    ],
)
def test_bad_parameters_are_said(options, message):
    X, _ = make_clips(6)
    with pytest.raises(ValueError, match=message):
        MEmoBERTPretrainer(**{**PRETRAIN, **options}).fit(X)


def test_columns_may_have_other_names():
    X, _ = make_clips(12, modalities=("text", "audio"))
    renamed = X.rename(columns={"text": "transcript", "audio__frames": "voice__frames"})
    names = {"text": "transcript", "audio": "voice__frames"}
    tasks = {"tasks": ["wwmlm", "mafr"], "task_weights": [2, 1]}
    models = [
        MEmoBERTPretrainer(**PRETRAIN, **tasks, modalities=modalities).fit(table)
        for table, modalities in ((X, "auto"), (renamed, names))
    ]
    assert same_weights(*models)


def test_absent_frames_are_dropped_with_their_probabilities():
    X, _ = make_clips(12)
    face, probs = X["face__frames"].iloc[2].copy(), X["face_probs__frames"].iloc[2]
    holed = with_cell(X, "face__frames", 2, np.insert(face, 1, np.nan, axis=0))
    holed = with_cell(holed, "face_probs__frames", 2, np.insert(probs, 1, probs[0], axis=0))
    assert same_weights(*(MEmoBERTPretrainer(**PRETRAIN).fit(table) for table in (X, holed)))


def test_it_is_a_step_of_a_pipeline():
    X, y = make_clips(24)
    model = make_pipeline(MEmoBERTPretrainer(**PRETRAIN), LogisticRegression())
    scores = cross_val_score(model, X, y, groups=X.index.get_level_values(1), cv=GroupKFold(2))
    assert np.isfinite(scores).all()


def test_a_classifier_takes_the_exported_weights(tmp_path):
    X, y = make_clips(12)
    weights = MEmoBERTPretrainer(**PRETRAIN).fit(X).export()
    weights.save(tmp_path / "a.safetensors")
    for model in (
        weights,
        tmp_path / "a.safetensors",
        MEmoBERTWeights.load(tmp_path / "a.safetensors"),
    ):
        fitted = MEmoBERTClassifier(
            model=model, max_steps=1, validation_fraction=None, random_state=0
        ).fit(X, y)
        assert fitted.seen_groups_ == weights.seen_groups_
        assert fitted.module_params_["hidden_size"] == 16


def test_no_face_may_be_someone_neutral():
    X, _ = make_clips(12)
    holed = with_cell(with_cell(X, "face__frames", 3, None), "face_probs__frames", 3, None)
    said = with_cell(X, "face__frames", 3, np.zeros((1, 3), "f4"))
    said = with_cell(said, "face_probs__frames", 3, np.array([[0, 1, 0]], "f4"))
    options = {**PRETRAIN, "normalize": None}
    models = [
        MEmoBERTPretrainer(**options, no_face=1).fit(holed),
        MEmoBERTPretrainer(**options).fit(said),
    ]
    assert same_weights(*models)
    with pytest.raises(ValueError, match=r"no_face=3: face_probs has 3 classes"):
        MEmoBERTPretrainer(**options, no_face=3).fit(holed)


def test_absent_frames_in_files_are_dropped_too(tmp_path):
    X, _ = make_clips(12)
    filed = X
    for column in ("audio__frames", "face__frames"):
        holed = np.insert(X[column].iloc[2], 1, np.nan, axis=0)
        filed = with_cell(filed, column, 2, write_frames(holed, tmp_path / f"{column}.npy"))
    probs = X["face_probs__frames"].iloc[2]
    said = with_cell(filed, "face_probs__frames", 2, np.insert(probs, 1, probs[0], axis=0))
    with pytest.raises(ValueError, match="some frames of the face or of face_probs are absent"):
        MEmoBERTPretrainer(**PRETRAIN).fit(said)
    bare = [table.drop(columns="face_probs__frames") for table in (X, filed)]
    tasks = {"tasks": ["mafr", "mvfr"], "task_weights": [1, 1]}
    model = MEmoBERTPretrainer(**PRETRAIN, **tasks, max_audio=9).fit(bare[1])
    np.testing.assert_allclose(*(model.transform(table) for table in bare), atol=1e-5)
