import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from emoest.datasets import IncompleteCorpusWarning, corpus_record, load_ravdess
from emoest.datasets._corpora.ravdess import ACTORS, _expected


def write_corpus(folder, channel="speech", actors=ACTORS, suffix=".wav", skip=()):
    for actor in actors:
        place = Path(folder) / f"Actor_{actor}"
        place.mkdir(parents=True, exist_ok=True)
        for name in _expected(actor, channel):
            if name not in skip:
                (place / f"{name}{suffix}").touch()
    return folder


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return write_corpus(tmp_path_factory.mktemp("ravdess"))


def test_complete_corpus(corpus):
    with warnings.catch_warnings(action="error"):
        bunch = load_ravdess(corpus, strict=True)
    assert len(bunch.data) == 1440
    assert bunch.missing == []
    assert list(bunch.data.columns) == ["audio", "text", "speaker"]
    assert bunch.target.name == "emotion"
    counts = bunch.target.value_counts()
    assert counts.to_dict() == corpus_record("ravdess").sizes["emotion"]
    assert counts.sum() == 1440
    for target, sizes in corpus_record("ravdess").sizes.items():
        assert bunch.frame[target].value_counts().to_dict() == sizes, target
    assert bunch.splits == {}
    assert "CC BY-NC-SA 4.0" in bunch.DESCR


def test_labels_come_from_the_file_name(corpus):
    bunch = load_ravdess(corpus)
    row = bunch.frame.xs("03-01-06-02-01-02-12", level="clip").iloc[0]
    assert row[["speaker", "emotion", "intensity", "statement", "repetition", "sex"]].tolist() == [
        "12",
        "fearful",
        "strong",
        "kids",
        "second",
        "female",
    ]
    assert row["text"] == "Kids are talking by the door."
    assert Path(row["audio"]).name == "03-01-06-02-01-02-12.wav"
    assert Path(row["audio"]).exists()


def test_the_speaker_is_the_group(corpus):
    X, y = load_ravdess(corpus, return_X_y=True)
    assert X.index.names == ["clip", "group"]
    assert X.index.equals(y.index)
    assert X.index.get_level_values("group").tolist() == X["speaker"].tolist()
    assert X["speaker"].nunique() == 24


def test_targets(corpus):
    _, y = load_ravdess(corpus, target=["intensity", "emotion"], return_X_y=True)
    assert isinstance(y, pd.DataFrame)
    assert list(y.columns) == ["intensity", "emotion"]
    _, y = load_ravdess(corpus, target="statement", return_X_y=True)
    assert sorted(y.unique()) == ["dogs", "kids"]
    with pytest.raises(ValueError, match=r"target='mood' is not a target of ravdess.*intensity"):
        load_ravdess(corpus, target="mood")


def test_song(tmp_path):
    write_corpus(tmp_path, channel="song")
    with warnings.catch_warnings(action="error"):
        X, y = load_ravdess(tmp_path, channel="song", return_X_y=True)
    assert len(X) == 1012
    assert "18" not in set(X["speaker"])
    assert "disgust" not in set(y)
    with pytest.raises(FileNotFoundError, match="no audio with channel='speech'"):
        load_ravdess(tmp_path)


def test_half_copied_corpus(tmp_path):
    actors = [f"{actor:02d}" for actor in range(1, 17)]
    write_corpus(tmp_path, actors=actors, skip=["03-01-08-01-01-01-05"])
    with pytest.warns(IncompleteCorpusWarning) as caught:
        bunch = load_ravdess(tmp_path)
    assert len(caught) == 1
    message = str(caught[0].message)
    assert "481 of 1440 files are missing" in message
    assert "all of speakers 17, 18, 19, 20, 21, 22, 23, 24" in message
    assert "1 of 60 of speaker 05: 03-01-08-01-01-01-05" in message
    assert len(bunch.missing) == 481
    assert "03-01-08-01-01-01-05" in bunch.missing
    with pytest.raises(FileNotFoundError, match="481 of 1440 files are missing"):
        load_ravdess(tmp_path, strict=True)


def test_warnings_point_to_the_line_that_loads(tmp_path):
    for name in ("03-01-01-01-01-01-01.wav", "copy/03-01-01-01-01-01-01.wav"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    with pytest.warns(UserWarning) as caught:
        load_ravdess(tmp_path)
    assert [warning.category for warning in caught] == [UserWarning, IncompleteCorpusWarning]
    assert {warning.filename for warning in caught} == {__file__}


def test_unknown_code_names_the_file(tmp_path):
    (tmp_path / "03-01-09-01-01-01-01.wav").touch()
    with pytest.raises(ValueError, match=r"03-01-09-01-01-01-01\.wav.*emotion code '09'.*01 \(neu"):
        load_ravdess(tmp_path)


def test_wrong_folder(tmp_path):
    with pytest.raises(FileNotFoundError, match="is not there"):
        load_ravdess(tmp_path / "nowhere")
    for name in ("a.wav", "b.csv", "c.csv"):
        (tmp_path / name).touch()
    with pytest.raises(FileNotFoundError) as caught:
        load_ravdess(tmp_path)
    message = str(caught.value)
    assert "03-01-06-01-02-01-12.wav" in message
    assert "2 .csv, 1 .wav" in message
    with pytest.raises(NotADirectoryError, match="unpacked"):
        load_ravdess(tmp_path / "a.wav")


def test_any_suffix_and_no_row_twice(tmp_path):
    write_corpus(tmp_path / "one", suffix=".FLAC")
    write_corpus(tmp_path / "one" / "again", suffix=".wav")
    (tmp_path / "one" / "Actor_01" / "._03-01-01-01-01-01-01.wav").touch()
    with pytest.warns(UserWarning, match="1440 files of RAVDESS are left out"):
        X, _ = load_ravdess(tmp_path / "one", return_X_y=True)
    assert len(X) == 1440
    assert {Path(path).suffix for path in X["audio"]} == {".FLAC"}
    assert X.index.is_unique


def test_video_files_are_no_sound(tmp_path):
    write_corpus(tmp_path)
    (tmp_path / "01-01-06-01-02-01-12.mp4").touch()
    (tmp_path / "01-01-06-01-02-01-12.wav").touch()
    X, _ = load_ravdess(tmp_path, return_X_y=True)
    assert len(X) == 1440


@pytest.mark.real_data
def test_real_clips(real_data):
    folder = real_data / "ravdess"
    with pytest.warns(IncompleteCorpusWarning, match="480 of 1440"):
        bunch = load_ravdess(folder)
    assert len(bunch.data) == 960
    assert bunch.groups.nunique() == 16
    meta = pd.read_csv(folder / "meta.csv").set_index("file")
    names = [f"{clip}.wav" for clip in bunch.data.index.get_level_values("clip")]
    np.testing.assert_array_equal(meta.loc[names, "emotion"], bunch.target)
    np.testing.assert_array_equal(meta.loc[names, "sex"], bunch.frame["sex"].str[0])
