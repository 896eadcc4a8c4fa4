import csv
import warnings

import numpy as np
import pandas as pd
import pytest

from emoest.datasets import IncompleteCorpusWarning, corpus_record, load_mosi_features
from emoest.tables.names import find_modalities


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


def write_tables(folder, part, start):
    """Write the tables of one part as the authors' repository has them; return the arrays."""
    arrays = archive(part)
    rng = np.random.RandomState(start)
    for name, width in (("text", 100), ("audio", 73), ("video", 100)):
        arrays[f"{part}_{name}"] = rng.randn(4, width).astype(np.float32)
        rows = np.column_stack([arrays[f"{part}_{name}"], arrays[f"{part}_y"]])
        (folder / name).mkdir(parents=True, exist_ok=True)
        pd.DataFrame(rows).to_csv(
            folder / name / f"{name}_{part}0.csv", header=False, index=False, quoting=csv.QUOTE_ALL
        )
    names = [
        f"{video}_{number}"
        for video, number in zip(arrays[f"{part}_video_id"], arrays[f"{part}_utt_no"], strict=True)
    ]
    with open(folder / "transcripts.csv", "a", newline="") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_ALL)
        writer.writerows(
            zip(names, arrays[f"{part}_transcript"], "9999", arrays[f"{part}_y"], strict=True)
        )
    index = pd.DataFrame(np.column_stack([np.arange(4) + start, np.zeros((4, 3))]))
    index.astype({0: int}).to_csv(folder / f"text_{part}.csv", header=False, index=False)
    return arrays


@pytest.fixture
def tables(tmp_path):
    folder = tmp_path / "clone" / "bc-LSTM" / "data"
    arrays = {**write_tables(folder, "train", 0), **write_tables(folder, "test", 4)}
    np.savez(tmp_path / "mosi_same.npz", **arrays)
    return folder


def test_the_tables_of_the_authors_give_what_archives_give(tables, tmp_path):
    with pytest.warns(UserWarning, match="learned on the labels"):
        bunch = load_mosi_features(tmp_path / "clone", strict=True)
    with pytest.warns(UserWarning, match="learned on the labels"):
        archived = load_mosi_features(tmp_path, strict=True)
    pd.testing.assert_frame_equal(bunch.frame, archived.frame, rtol=1e-6)
    assert {part: len(rows) for part, rows in bunch.splits.items()} == {"train": 4, "test": 4}
    with warnings.catch_warnings(action="error"):
        X = load_mosi_features(tables, content="transcript", return_X_y=True)[0]
    assert X["text"].tolist()[:4] == ["TWO", "TEN", "TWELVE", "ONE"]


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("audio/audio_test0.csv", None, None, r"audio_test0\.csv' is not there"),
        ("video/video_train0.csv", '"1.0"\n', '"0.0"\n', "other labels than 'transcripts.csv'"),
        ("text/text_train0.csv", '"\n', '","7"\n', "has 4 rows of 102 numbers"),
        ("text/text_train0.csv", '"', '"x', "is no table of numbers"),
        ("text_test.csv", "7,", "70,", "has 8 rows, and 'text_test.csv' names row 70"),
    ],
)
def test_damaged_tables_of_the_authors(tables, file, old, new, message):
    path = tables / file
    if old is None:
        path.unlink()
    else:
        path.write_text(path.read_text().replace(old, new))
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        load_mosi_features(tables)


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
