import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, cross_val_score
from sklearn.pipeline import make_pipeline

from emoest.neural import MEmoBERTPretrainer
from emoest.neural._memobert import pretraining
from emoest.tables.cells import object_column, write_frames
from tests.neural._memobert.helpers_memobert import PRETRAIN, make_clips, same_weights, with_cell


@pytest.mark.parametrize("accumulate", [1, 2])
def test_a_training_that_was_interrupted_goes_on_to_the_same_bits(
    tmp_path, monkeypatch, accumulate
):
    X, _ = make_clips(20)
    settings = {**PRETRAIN, "max_steps": 9, "batch_size": 8, "accumulate": accumulate}
    whole = MEmoBERTPretrainer(**settings).fit(X)
    parts = MEmoBERTPretrainer(**settings, checkpoint=tmp_path / "a.ckpt", checkpoint_every=2)
    step = pretraining._step

    def interrupted(*args, **kwargs):
        if kwargs["step"] == 5:
            raise KeyboardInterrupt
        return step(*args, **kwargs)

    monkeypatch.setattr(pretraining, "_step", interrupted)
    with pytest.warns(UserWarning, match="interrupted.*goes on from the checkpoint"):
        parts.fit(X)
    assert (parts.n_iter_, [entry["step"] for entry in parts.history_]) == (5, [2, 4])
    monkeypatch.setattr(pretraining, "_step", step)
    resumed = clone(parts).fit(X)
    assert same_weights(whole, resumed)
    without_time = [
        pd.DataFrame(model.history_).drop(columns="seconds") for model in (whole, resumed)
    ]
    pd.testing.assert_frame_equal(*without_time)
    assert same_weights(whole, clone(parts).fit(X)), "a finished checkpoint is the whole training"


@pytest.mark.parametrize(
    ("changes", "rows", "message"),
    [
        ({"lr": 0.1}, 12, "lr was 0.001 and is 0.1"),
        ({"hidden_size": 32}, 12, "the net or its first weights differ.*hidden_size was 16"),
        ({"n_heads": 4}, 12, "n_heads was 2 and is 4"),
        ({"dropout": 0.3}, 12, "dropout was 0.1 and is 0.3"),
        ({"normalize": None}, 12, "the scales of the frames differ"),
        ({"words": ["merry"]}, 12, "the tokenizer differ"),
        ({"random_state": 1}, 12, "the net or its first weights differ.*seed was"),
        ({"max_audio": 9}, 12, "the data differ"),
        ({"span": 1}, 12, "masking was"),
        ({}, 11, "the data differ"),
    ],
)
def test_a_checkpoint_of_another_training_is_said(tmp_path, changes, rows, message):
    X, _ = make_clips(12)
    model = MEmoBERTPretrainer(**{**PRETRAIN, "max_steps": 2}, checkpoint=tmp_path / "a.ckpt")
    model.fit(X)
    with pytest.raises(ValueError, match=message):
        clone(model).set_params(**changes).fit(X.iloc[:rows])


def changed_at_the_end(X, column):
    """Clips whose last frame, or last word, of one row is another; all lengths stay."""
    cell = X[column].iloc[2]
    if column == "text":
        *before, one, other = cell.split()
        return with_cell(X, column, 2, " ".join([*before, other, one]))
    cell = cell.copy()
    cell[-1] = np.roll(cell[-1], 1)
    return with_cell(X, column, 2, cell)


OTHER_CELLS = {
    **{name: (name, False) for name in ("text", "face__frames", "face_probs__frames")},
    "audio__frames": ("audio__frames", False),
    "a file that is written anew": ("audio__frames", True),
}


@pytest.mark.parametrize(("column", "filed"), OTHER_CELLS.values(), ids=OTHER_CELLS.keys())
def test_other_clips_of_equal_lengths_are_another_training(tmp_path, column, filed):
    X, _ = make_clips(12)
    other, path = changed_at_the_end(X, column), tmp_path / "cell.npy"
    cells = [table[column].iloc[2] for table in (X, other)]
    if filed:
        write_frames(cells[0], path)
        X = other = with_cell(X, column, 2, str(path))
    options = {**PRETRAIN, "max_steps": 2, "normalize": None}
    model = MEmoBERTPretrainer(**options, checkpoint=tmp_path / "a.ckpt").fit(X)
    if filed:
        write_frames(cells[1], path)
    with pytest.raises(ValueError, match="another training: the data differ"):
        clone(model).fit(other)


def test_weights_to_begin_with_are_part_of_a_training(tmp_path):
    X, _ = make_clips(12)
    starts = [
        MEmoBERTPretrainer(**{**PRETRAIN, "random_state": seed}).fit(X).export() for seed in (0, 1)
    ]
    model = MEmoBERTPretrainer(starts[0], **PRETRAIN, checkpoint=tmp_path / "a.ckpt").fit(X)
    with pytest.raises(ValueError, match="the net or its first weights differ"):
        clone(model).set_params(model=starts[1]).fit(X)


def test_no_fold_takes_the_net_of_another(tmp_path):
    X, y = make_clips(24)
    # Equal lengths in both folds.
    X = X.iloc[[*range(12), *range(12)]].reset_index(drop=True)
    cells = [cell + i for i, cell in enumerate(X["audio__frames"])]
    X["audio__frames"] = object_column(cells, X.index)
    pretrainer = MEmoBERTPretrainer(**PRETRAIN, checkpoint=tmp_path / "a.ckpt")
    model = make_pipeline(pretrainer, LogisticRegression())
    groups = np.arange(24) // 12
    with pytest.raises(ValueError, match="each fold of a cross-validation needs one of its own"):
        cross_val_score(model, X, y, groups=groups, cv=GroupKFold(2), error_score="raise")


@pytest.mark.parametrize("make_seed", [lambda: None, lambda: np.random.RandomState(0)])
def test_a_training_without_a_seed_goes_on_too(tmp_path, monkeypatch, make_seed):
    X, _ = make_clips(12)
    options = {**PRETRAIN, "random_state": make_seed(), "checkpoint_every": 2}
    model = MEmoBERTPretrainer(**options, checkpoint=tmp_path / "a.ckpt")
    step = pretraining._step

    def interrupted(*args, **kwargs):
        if kwargs["step"] == 3:
            raise KeyboardInterrupt
        return step(*args, **kwargs)

    monkeypatch.setattr(pretraining, "_step", interrupted)
    with pytest.warns(UserWarning, match="goes on from the checkpoint"):
        model.fit(X)
    assert model.n_iter_ == 3
    steps = []

    def spied(*args, **kwargs):
        steps.append(kwargs["step"])
        return step(*args, **kwargs)

    monkeypatch.setattr(pretraining, "_step", spied)
    model.fit(X)
    assert steps == [2, 3, 4, 5]
    assert model.n_iter_ == 6


def test_nothing_is_promised_before_there_is_a_checkpoint(tmp_path, monkeypatch):
    X, _ = make_clips(12)

    def interrupted(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(pretraining, "_step", interrupted)
    with pytest.warns(UserWarning, match="of that moment") as said:
        MEmoBERTPretrainer(**PRETRAIN, checkpoint=tmp_path / "a.ckpt").fit(X)
    assert not any("goes on" in str(each.message) for each in said)


def test_a_file_that_is_no_checkpoint_is_said(tmp_path):
    X, _ = make_clips(6)
    (tmp_path / "a.ckpt").write_text("nothing")
    with pytest.raises(ValueError, match="is no checkpoint"):
        MEmoBERTPretrainer(**PRETRAIN, checkpoint=tmp_path / "a.ckpt").fit(X)
    with pytest.raises(FileNotFoundError, match="no folder"):
        MEmoBERTPretrainer(**PRETRAIN, checkpoint=tmp_path / "b" / "a.ckpt").fit(X)
