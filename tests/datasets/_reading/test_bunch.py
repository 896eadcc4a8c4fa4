import pandas as pd
import pytest

from emoest.datasets import corpus_record
from emoest.datasets._reading.bunch import check_target, make_bunch, target_columns


@pytest.fixture
def frame():
    return pd.DataFrame(
        {
            "audio": ["a.wav", "b.wav", "c.wav"],
            "text": ["Hm.", "Oh!", "No."],
            "speaker": ["03", "08", "03"],
            "split": ["test", "train", "test"],
            "emotion": ["anger", "fear", "anger"],
            "sex": ["male", "female", "male"],
        },
        index=pd.Index(["a", "b", "c"], name="clip"),
    )


def test_inputs_targets_groups_and_splits(frame):
    bunch = make_bunch(
        frame,
        corpus_record("emodb"),
        target="emotion",
        splits=("train", "dev", "test"),
        missing=("d.wav",),
        n_unlabeled=0,
    )
    assert bunch.data.columns.tolist() == ["audio", "text", "speaker", "split"]
    assert bunch.target.name == "emotion"
    assert bunch.groups.tolist() == ["03", "08", "03"]
    assert {name: rows.tolist() for name, rows in bunch.splits.items()} == {
        "train": [1],
        "dev": [],
        "test": [0, 2],
    }
    assert (bunch.missing, bunch.n_unlabeled) == (["d.wav"], 0)
    assert bunch.data.index.equals(bunch.target.index)


def test_changing_what_is_returned_leaves_the_frame(frame):
    bunch = make_bunch(frame, corpus_record("emodb"), target="emotion")
    bunch.data["text"] = "?"
    bunch.target.iloc[:] = "joy"
    assert bunch.frame["text"].tolist() == ["Hm.", "Oh!", "No."]
    assert bunch.frame["emotion"].tolist() == ["anger", "fear", "anger"]
    assert "n_unlabeled" not in bunch


def test_a_sequence_of_targets_is_a_table_even_of_one(frame):
    for target in (["emotion"], ("emotion", "sex")):
        _, y = make_bunch(frame, corpus_record("emodb"), target=target, return_X_y=True)
        assert y.columns.tolist() == list(target) == target_columns(target)


def test_a_multi_label_target_has_a_column_per_label():
    record = corpus_record("goemotions")
    frame = pd.DataFrame({"text": ["Hm."], **{name: [0] for name in record.labels["emotions"]}})
    X, y = make_bunch(frame, record, target="emotions", return_X_y=True)
    assert y.columns.tolist() == list(record.labels["emotions"])
    assert "group" not in X.index.names


@pytest.mark.parametrize("target", ["mood", [], ["emotion", "emotion"], ("emotion", "mood")])
def test_unknown_and_repeated_targets(target):
    with pytest.raises(ValueError, match="is not a target of emodb; choose one or several of emo"):
        check_target(target, corpus_record("emodb"))
