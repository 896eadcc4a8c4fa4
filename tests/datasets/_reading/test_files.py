import os
import re
import warnings
from pathlib import Path

import pandas as pd
import pytest

from emoest.datasets import IncompleteCorpusWarning
from emoest.datasets._reading.files import CorpusFolder, add_clips, decode

PATTERN = re.compile(r"[0-9]{2}[ab][0-9]{2}")


def make(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return CorpusFolder(folder, "X")


def test_files_come_the_least_deep_first_and_hidden_ones_never(tmp_path):
    files = make(tmp_path, "a/b/c.wav", "z.wav", "a/._z.wav", ".hidden", "b/a.wav")
    found = [path.relative_to(tmp_path).as_posix() for path in files.paths]
    assert found == ["z.wav", "b/a.wav", "a/b/c.wav"]
    assert files.first("C.WAV", "none.wav") == tmp_path / "a" / "b" / "c.wav"
    assert files.first("none.wav") is None


def test_the_folder_is_walked_once(tmp_path, monkeypatch):
    calls = []
    walk = os.walk
    monkeypatch.setattr(os, "walk", lambda top: calls.append(top) or walk(top))
    files = make(tmp_path, "dev.tsv", "01a01.wav")
    files.find_tables({"dev": "dev.tsv"})
    files.find_named(PATTERN, example="01a01.wav")
    files.first("labels.csv")
    assert len(calls) == 1


def test_tables_are_found_below_and_in_any_case(tmp_path):
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "dev.tsv").touch()
    (tmp_path / "a" / "DEV.TSV").touch()
    assert CorpusFolder(tmp_path, "X").find_tables({"dev": "dev.tsv"}) == {
        "dev": tmp_path / "a" / "DEV.TSV"
    }


def test_a_wrong_folder_says_what_it_holds(tmp_path):
    (tmp_path / "song.mp3").touch()
    with pytest.raises(FileNotFoundError, match=r"No table of X.*for dev\.tsv; found song\.mp3"):
        CorpusFolder(tmp_path, "X").find_tables({"dev": "dev.tsv"})
    with pytest.raises(FileNotFoundError, match=r"is not there"):
        CorpusFolder(tmp_path / "nowhere", "X").find_tables({"dev": "dev.tsv"})
    with pytest.raises(NotADirectoryError, match=r"is a file"):
        CorpusFolder(tmp_path / "song.mp3", "X").find_tables({"dev": "dev.tsv"})


def test_of_files_with_one_name_the_first_is_taken_and_the_others_counted(tmp_path):
    files = make(tmp_path, "deep/01a01.wav", "01a01.flac", "02b02.txt", "laryngo/03a01.wav")
    with pytest.warns(UserWarning, match="1 files of X are left out, since another file has the"):
        found = files.find_named(PATTERN, example="01a01.wav", without=["laryngo"])
    assert found == {"01a01": tmp_path / "01a01.flac"}


def test_no_named_file_says_what_the_folder_holds(tmp_path):
    files = make(tmp_path, "notes.txt", "README", "b.txt")
    with pytest.raises(
        FileNotFoundError,
        match=r"No file of X .* names like '01a01\.wav' with one of the suffixes \.wav.*; found "
        r"README, b\.txt, notes\.txt \(2 \.txt, 1 no suffix\)\. Pass the folder into which X was",
    ):
        files.find_named(PATTERN, example="01a01.wav")


def test_clips_are_columns_before_the_speaker(tmp_path):
    files = make(tmp_path, "1.mp4", "1.wav", "2.mp4", "old/1.mp4", "x.txt")
    clips = files.find_clips(lambda path: path.stem, [".mp4"])
    frame = pd.DataFrame({"text": ["a", "b"], "speaker": ["s", "s"]}, index=["u1", "u2"])
    missing = add_clips(frame, clips, ["1", "2"])
    assert frame.columns.tolist() == ["text", "face", "audio", "speaker"]
    assert frame["face"].tolist() == [str(tmp_path / "1.mp4"), str(tmp_path / "2.mp4")]
    assert frame["audio"].tolist() == [str(tmp_path / "1.wav"), None]
    assert missing == {"clips (face)": [], "clips (audio)": ["u2"]}


def test_nothing_is_said_where_nothing_is_missing():
    files = CorpusFolder("x", "Mine", strict=True)
    with warnings.catch_warnings(action="error"):
        assert files.report_missing({"files": []}) == []
        assert files.report_missing_by_speaker({"a": 0, "b": [], "c": -1}, {"a": 1, "b": 1}) == []


def test_missing_files_are_one_warning_or_an_error():
    missing = {"audio files": ["a", "b", "c", "d"], "texts": ["t"], "videos": []}
    expected = r"missing are 4 audio files \(a, b, c, d\); 1 texts \(t\)"
    with pytest.warns(IncompleteCorpusWarning, match=expected) as caught:
        assert CorpusFolder("x", "M").report_missing(missing) == [*"abcd", "t"]
    assert len(caught) == 1
    with pytest.raises(FileNotFoundError, match=expected):
        CorpusFolder("x", "M", strict=True).report_missing(missing)


def test_missing_files_are_counted_by_speaker():
    missing = {"a": ["a1", "a2"], "b": ["b1"], "c": 3, "d": 0}
    expected = {"a": 2, "b": 4, "c": 9, "d": 1}
    message = r"6 of 16 files are missing \(all of speakers a; 1 of 4 of speaker b: b1; 3 of 9 of"
    with pytest.warns(IncompleteCorpusWarning, match=message):
        names = CorpusFolder("x", "M").report_missing_by_speaker(missing, expected)
    assert names == ["a1", "a2", "b1", "3 of 9 files of speaker c"]
    with pytest.raises(FileNotFoundError, match=message):
        CorpusFolder("x", "M", strict=True).report_missing_by_speaker(missing, expected)


def test_an_unknown_code_names_the_file_and_the_codes():
    with pytest.raises(
        ValueError, match=r"'a\.wav' has the unknown mood code 'q'; known are s \(sad"
    ):
        decode({"s": "sad"}, "q", field="mood", path=Path("a.wav"))
