import warnings

import numpy as np
import pandas as pd
import pytest

from emoest.datasets import (
    IncompleteCorpusWarning,
    UnlabeledRowsWarning,
    corpus_record,
    load_mosi,
    load_mosi_features,
)
from emoest.tables.names import find_modalities

ROWS = [
    ("aB3__x", "10", "NICE FILM", "2.4", "Positive", "train"),
    ("aB3__x", "2", "SO SO", "0.0", "Neutral", "train"),
    ("-q1", "1", "QUITE BAD", "-1.8", "Negative", "valid"),
    ("zz", "1", "BAD", "-3", "Negative", "test"),
]
COLUMNS = ["video_id", "clip_id", "text", "label", "annotation", "mode"]


def write(folder, rows=ROWS):
    table = pd.DataFrame(rows, columns=COLUMNS)
    table["label_T"] = ""
    table.to_csv(folder / "label.csv", index=False)
    return folder


def test_the_table(tmp_path):
    bunch = load_mosi(write(tmp_path), target=["sentiment", "polarity"], strict=True)
    X = bunch.data
    assert list(X.columns) == ["text", "speaker", "split"]
    assert X.index[0] == ("aB3__x_10", "aB3__x")
    assert bunch.target["sentiment"].tolist() == [2.4, 0.0, -1.8, -3.0]
    assert bunch.target["polarity"].tolist() == ["positive", "neutral", "negative", "negative"]
    assert {s: rows.tolist() for s, rows in bunch.splits.items()} == {
        "train": [0, 1],
        "valid": [2],
        "test": [3],
    }
    assert "a score from -3 to 3" in bunch.DESCR


def test_the_default_target_is_the_score(tmp_path):
    _, y = load_mosi(write(tmp_path), return_X_y=True)
    assert y.name == "sentiment"
    assert y.dtype == float


def test_clips_are_found_by_video(tmp_path):
    write(tmp_path)
    for video, clip in (("aB3__x", "10"), ("aB3__x", "2"), ("zz", "1")):
        (tmp_path / "Raw" / video).mkdir(parents=True, exist_ok=True)
        (tmp_path / "Raw" / video / f"{clip}.mp4").touch()
    with pytest.warns(IncompleteCorpusWarning, match=r"1 clips \(face\) \(-q1_1\)"):
        bunch = load_mosi(tmp_path)
    assert list(bunch.data.columns) == ["text", "face", "speaker", "split"]
    faces = bunch.data["face"].tolist()
    assert faces[1] == str(tmp_path / "Raw" / "aB3__x" / "2.mp4")
    assert faces[2] is None
    assert faces[3] == str(tmp_path / "Raw" / "zz" / "1.mp4")
    assert bunch.missing == ["-q1_1"]
    with pytest.raises(FileNotFoundError, match="strict=False"):
        load_mosi(tmp_path, strict=True)


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("label", "3.2", r"row 1 has the score '3\.2'; scores are numbers from -3 to 3"),
        ("label", "good", "row 1 has the score 'good'"),
        ("annotation", "Mixed", "row 1 has the unknown annotation 'Mixed'"),
        ("mode", "dev", "row 1 has the unknown mode 'dev'; known are train, valid, test"),
    ],
)
def test_damaged_tables(tmp_path, column, value, message):
    rows = [list(row) for row in ROWS]
    rows[1][COLUMNS.index(column)] = value
    with pytest.raises(ValueError, match=message):
        load_mosi(write(tmp_path, rows))


def test_rows_without_a_label(tmp_path):
    rows = [list(row) for row in ROWS]
    rows[1][3] = ""
    write(tmp_path, rows)
    with pytest.warns(UnlabeledRowsWarning, match="1 of 4 rows have no label"):
        assert load_mosi(tmp_path).target.isna().tolist() == [False, True, False, False]
    with pytest.warns(UnlabeledRowsWarning, match="were dropped"):
        assert load_mosi(tmp_path, drop_unlabeled=True).target.tolist() == [2.4, -1.8, -3.0]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(load_mosi(tmp_path, target="polarity").target) == 4


def archive(part, n=4):
    return {
        f"{part}_text": np.full((n, 100), 1, dtype=np.float32),
        f"{part}_audio": np.arange(n * 73, dtype=np.float32).reshape(n, 73),
        f"{part}_video": np.full((n, 100), 3, dtype=np.float32),
        f"{part}_y": np.array([0, 1, 1, 0], dtype=np.int8),
        f"{part}_video_id": np.array([f"{part}B", f"{part}B", f"{part}A", f"{part}B"]),
        f"{part}_utt_no": np.array([10, 12, 1, 2], dtype=np.int32),
        f"{part}_transcript": np.array(["TEN", "TWELVE", "ONE", "TWO"]),
    }


def test_vectors_stand_in_the_order_of_the_video(tmp_path):
    np.savez(tmp_path / "mosi_utterance.npz", **archive("train"), **archive("test"))
    with pytest.warns(UserWarning, match="learned on the labels of the part 'train'"):
        bunch = load_mosi_features(tmp_path, strict=True)
    assert bunch.frame.index.get_level_values("utterance").tolist()[:4] == [
        "trainB_2",
        "trainB_10",
        "trainB_12",
        "trainA_1",
    ]
    assert bunch.data["audio__opensmile_0000"].tolist()[:4] == [219, 0, 73, 146]
    assert bunch.target.tolist()[:4] == ["negative", "negative", "positive", "positive"]
    found = find_modalities(bunch.data)
    assert {name: len(columns) for name, columns in found.items()} == {
        "text": 100,
        "audio": 73,
        "face": 100,
    }
    assert list(bunch.splits) == ["train", "test"]
    assert "were learned on the labels" in bunch.DESCR


def test_transcripts_are_honest(tmp_path):
    np.savez(tmp_path / "mosi_a.npz", **archive("train"))
    np.savez(tmp_path / "mosi_b.npz", **archive("test"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        X, _ = load_mosi_features(tmp_path, content="transcript", return_X_y=True)
    assert list(X.columns) == ["text", "speaker", "split"]
    assert X["text"].tolist()[:4] == ["TWO", "TEN", "TWELVE", "ONE"]


def test_damaged_archives(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"archives mosi_\*\.npz .*found no files at all"):
        load_mosi_features(tmp_path)
    arrays = archive("train")
    np.savez(tmp_path / "mosi_a.npz", **{**arrays, "train_y": arrays["train_y"][:3]})
    with pytest.raises(ValueError, match="arrays of different lengths"):
        load_mosi_features(tmp_path)
    del arrays["train_audio"]
    np.savez(tmp_path / "mosi_a.npz", **arrays)
    with pytest.raises(ValueError, match=r"mosi_a\.npz' has no array 'train_audio'"):
        load_mosi_features(tmp_path)


@pytest.mark.real_data
def test_real_vectors(real_data):
    record = corpus_record("mosi_features")
    with (
        pytest.warns(UserWarning, match="learned on the labels"),
        pytest.warns(IncompleteCorpusWarning, match=r"1 parts \(test\)"),
    ):
        bunch = load_mosi_features(real_data / "mosi_utterance")
    assert bunch.target.value_counts().to_dict() == dict(record.split_sizes["train"])
    assert bunch.groups.nunique() == 62
    assert bunch.data.index.is_unique
    numbers = (
        bunch.frame.index.get_level_values("utterance").str.rpartition("_").get_level_values(2)
    )
    steps = pd.Series(numbers.astype(int)).groupby(bunch.groups.to_numpy()).diff().dropna()
    assert (steps > 0).all()
    assert not bunch.data.isna().any().any()
