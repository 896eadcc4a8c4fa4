import warnings

import pandas as pd
import pytest

from emoest.datasets import (
    IncompleteCorpusWarning,
    UnlabeledRowsWarning,
    load_mosi,
)

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
