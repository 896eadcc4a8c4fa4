import os
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.model_selection import GroupKFold, cross_val_score

from emoest.datasets import IncompleteCorpusWarning, load_table
from emoest.evaluation import uar_scorer
from tests.datasets._own.tables import write


def test_own_data_to_a_score_in_three_lines(folder):
    lines = [f"a.wav,hello {i},s{i % 4},{'sad' if i // 4 % 2 else 'glad'}" for i in range(16)]
    path = write(folder, "audio,text,speaker,emotion", *lines)
    X, y = load_table(path, return_X_y=True)
    scores = cross_val_score(
        DummyClassifier(), X, y, groups=X["speaker"], cv=GroupKFold(2), scoring=uar_scorer
    )
    assert scores.tolist() == [0.5, 0.5]


def test_the_bunch(folder):
    path = write(
        folder,
        "audio,text,speaker,split,emotion,age",
        "a.wav,Well,01,train,sad,30",
        'b.wav,"NA, nan",02,test,glad,31',
        "c.wav,,02,test,sad,32",
    )
    with warnings.catch_warnings(action="error"):
        bunch = load_table(path)
    assert bunch.data.columns.tolist() == ["audio", "text", "speaker", "split"]
    assert bunch.data["audio"].tolist() == [str(folder / f"{name}.wav") for name in "abc"]
    assert bunch.data["text"].tolist() == ["Well", "NA, nan", None]
    assert bunch.groups.tolist() == ["01", "02", "02"]
    assert bunch.data.index.tolist() == [(0, "01"), (1, "02"), (2, "02")]
    assert {part: rows.tolist() for part, rows in bunch.splits.items()} == {
        "train": [0],
        "test": [1, 2],
    }
    assert bunch.record.name == "mine"
    assert bunch.record.sizes == {"emotion": {"glad": 1, "sad": 2}}
    assert bunch.record.n_speakers == 2
    assert bunch.frame["age"].tolist() == ["30", "31", "32"]
    assert "glad (1), sad (2)" in bunch.DESCR


def test_a_corpus_without_speakers_has_no_groups(folder):
    path = write(folder, "audio,emotion", "a.wav,sad", "b.wav,glad")
    bunch = load_table(path)
    assert bunch.groups is None
    assert bunch.data.index.names == ["row"]


def test_audformat_tables_are_understood(folder):
    path = write(
        folder,
        "file,start,end,speaker,emotion",
        "a.wav,0 days 00:00:01.250000,0 days 00:01:02.5,s1,sad",
        "b.wav,0 days,,s2,glad",
        "c.wav,0 days 00:00:02,,s2,glad",
    )
    X = load_table(path).data
    parts = [cell.removeprefix(str(folder / "")) for cell in X["audio"]]
    assert parts == ["/a.wav#t=1.25,62.5", "/b.wav", "/c.wav#t=2"]
    frame = pd.DataFrame(
        {"emotion": ["sad"]},
        index=pd.MultiIndex.from_tuples(
            [("a.wav", pd.Timedelta("1s"), pd.Timedelta("2s"))], names=["file", "start", "end"]
        ),
    )
    assert load_table(frame, media_folder=folder).data["audio"].item().endswith("a.wav#t=1,2")
    backwards = write(folder, "file,start,end,emotion", "a.wav,2,1,sad")
    with pytest.raises(ValueError, match=r"Row 0: the part of 'a\.wav' ends \(1 s\) before"):
        load_table(backwards)


def test_missing_files_are_named(folder):
    path = write(folder, "audio,face,emotion", "a.wav,x.png,sad", "b.wav,,sad", "z.wav,,glad")
    expected = rf"1 audio files \({folder}/z\.wav\); 1 face files \({folder}/x\.png\)"
    with pytest.warns(IncompleteCorpusWarning, match=expected):
        bunch = load_table(path)
    assert bunch.missing == [f"{folder}/z.wav", f"{folder}/x.png"]
    assert bunch.data["face"].tolist() == [f"{folder}/x.png", None, None]
    with pytest.raises(FileNotFoundError, match=r"z\.wav"):
        load_table(path, strict=True)


def test_tables_in_memory_keep_their_cells(folder):
    cells = [np.zeros(8), (np.zeros(8), 8000), [str(folder / "a.wav")]]
    table = pd.DataFrame({"audio": pd.Series(cells, dtype=object), "emotion": ["sad"] * 3})
    before = table.copy()
    X = load_table(table).data
    assert all(out is cell for out, cell in zip(X["audio"], cells, strict=True))
    pd.testing.assert_frame_equal(table, before)
    paths = pd.DataFrame({"audio": [folder / "a.wav"], "emotion": ["sad"], "id": ["x"]})
    X = load_table(paths, index="id").data
    assert X["audio"].item() == str(folder / "a.wav")
    assert X.index.tolist() == ["x"]
    assert load_table(paths.set_index("id")).target.index.tolist() == ["x"]


@pytest.mark.parametrize(
    ("lines", "options", "message"),
    [
        (["audio,mood", "a.wav,sad"], {}, "no column 'emotion' .*it has audio, mood"),
        (["name,emotion", "a,sad"], {}, "none of the media columns audio, text, face, eeg"),
        (
            ["wav,wav_path,emotion", "a.wav,b.wav,sad"],
            {},
            "'wav', 'wav_path' could each be 'audio'",
        ),
        (["audio,emotion"], {}, "has no rows"),
        ([""], {}, "is empty"),
        (["audio,emotion", "a.wav,sad,1,2", "b,c,d,e,f"], {}, "cannot be read"),
        (["text,emotion", "Oh, no,sad", "Well, well,glad"], {}, "more cells than its head line"),
        (["audio,speaker,emotion", "a.wav,,sad"], {}, "1 rows have no speaker.*line 2 of"),
        (["audio,emotion", "a.wav,sad"], {"index": "id"}, "index='id' is no column"),
        (["audio,emotion,id", "a,x,1", "b,x,1"], {"index": "id"}, "1 rows have no name or one"),
        (["audio,emotion", "a.wav,sad"], {"columns": {"wav": "audio"}}, "columns= names wav"),
        (["audio,wav,emotion", "a,b,c"], {"columns": {"wav": "audio"}}, "more than one column"),
        (["audio,speaker", "a.wav,s"], {"target": "speaker"}, "is an input"),
    ],
)
def test_bad_tables_say_what_is_wrong(folder, lines, options, message):
    with pytest.raises(ValueError, match=message):
        load_table(write(folder, *lines), **options)


def test_a_folder_or_a_wrong_path_is_pointed_elsewhere(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"it is a folder.*load_folder"):
        load_table(tmp_path)
    with pytest.raises(FileNotFoundError, match="is not there"):
        load_table(tmp_path / "no.csv")


def write_long(folder, n_rows):
    names = [f"s{i % 100:02d}_{i:06d}.wav" for i in range(n_rows)]
    lines = [f"{name},text {i},{name[:3]},{i % 4}" for i, name in enumerate(names)]
    return write(folder, "audio,text,speaker,emotion", *lines)


def test_of_100_000_rows_the_folder_is_listed_once(tmp_path, monkeypatch):
    path = write_long(tmp_path, 100_000)
    listed, asked = [], []
    scandir, stat = os.scandir, os.stat
    monkeypatch.setattr(os, "scandir", lambda path: listed.append(path) or scandir(path))
    monkeypatch.setattr(os, "stat", lambda path, **how: asked.append(path) or stat(path, **how))
    with pytest.warns(IncompleteCorpusWarning, match="100000 audio files"):
        X, y = load_table(path, return_X_y=True)
    monkeypatch.undo()
    assert len(X) == len(y) == 100_000
    # Once for the files, and once for a hint where they may be instead.
    assert listed.count(str(tmp_path)) <= 2 and len(listed) <= 3
    assert not [path for path in asked if str(path).endswith(".wav")]


def test_twice_the_rows_are_twice_the_work(tmp_path, count_calls):
    calls = {}
    for n_rows in (100, 2_000, 4_000):
        path = write_long(tmp_path, n_rows)
        with pytest.warns(IncompleteCorpusWarning):
            calls[n_rows] = count_calls(lambda path=path: load_table(path))
    assert calls[4_000] < 2.1 * calls[2_000]
    assert calls[4_000] < 60 * 4_000


@pytest.mark.parametrize(
    "name",
    [
        "wav",
        "audio_path",
        "wav_path",
        "file_path",
        "filename",
        "file",
        "path",
        "Audio",
        "AUDIO",
        "wavFile",
        "audio-file",
    ],
)
def test_usual_names_of_audio_are_understood(folder, name):
    path = write(folder, f"{name},Text,Emotion", "a.wav,Oh!,sad", "b.wav,Hm.,glad")
    with warnings.catch_warnings(action="error"):
        X, y = load_table(path, return_X_y=True)
    assert X.columns.tolist() == ["audio", "text"]
    assert X["audio"].tolist() == [str(folder / "a.wav"), str(folder / "b.wav")]
    assert y.tolist() == ["sad", "glad"] and y.name == "emotion"


@pytest.mark.parametrize(
    "name", ["speaker_id", "Speaker ID", "Speaker", " speaker ", "speakerID", "speaker-name"]
)
def test_usual_names_of_speakers_are_understood(name):
    bunch = load_table(pd.DataFrame({"text": ["a"], "emotion": ["sad"], name: ["s1"]}))
    assert bunch.groups.tolist() == ["s1"]


@pytest.mark.parametrize(
    ("column", "cells", "shown"),
    [
        ("clean", ["a.wav", "b.WAV"], "'clean' (audio)"),
        ("photo", ["a.png", None], "'photo' (face)"),
        ("subject", ["ann", "bob"], "'subject' (speaker)"),
        ("Participant_ID", [1, 2], "'Participant_ID' (speaker)"),
        ("age", [1, 2], None),
        ("note", ["wav", "see a.wav please"], None),
        ("video", ["happy", "sad"], None),
    ],
)
def test_what_looks_like_media_or_speakers_and_is_not_used_is_said(column, cells, shown):
    table = pd.DataFrame({"text": ["a", "b"], "emotion": ["x", "y"], column: cells})
    with warnings.catch_warnings(record=True, action="always") as caught:
        bunch = load_table(table)
    said = [str(warning.message) for warning in caught]
    assert bunch.data.columns.tolist() == ["text"] and column in bunch.frame
    assert len(said) == (shown is not None)
    if shown:
        assert f"media or speakers: {shown}. Pass columns={{{column!r}: " in said[0]


@pytest.mark.parametrize("table", [[{"text": "a", "emotion": "sad"}], {"text": ["a"]}])
def test_lists_and_dicts_are_pointed_to_a_frame(table):
    with pytest.raises(ValueError, match=r"load_table\(pd\.DataFrame\(table\)\)"):
        load_table(table)


def test_a_folder_with_a_table_names_it(folder):
    write(folder, "text,emotion", "a,sad")
    with pytest.raises(FileNotFoundError, match=rf"it holds '{folder}/mine\.csv'"):
        load_table(folder)


@pytest.mark.parametrize("text", ["", "  ", "\n", None, float("nan")])
def test_empty_texts_are_missing(text):
    table = pd.DataFrame({"text": pd.Series(["a", text], dtype=object), "emotion": ["x", "y"]})
    assert load_table(table).data["text"].tolist() == ["a", None]


@pytest.mark.parametrize("names", [["s01", "S01"], ["s1", "s01"], ["Ann Lee", "ann_lee"]])
def test_speakers_with_two_spellings_are_said(names):
    table = pd.DataFrame({"text": ["a", "b"], "emotion": ["x", "y"], "speaker": names})
    with pytest.warns(UserWarning, match=f"'{names[0]}' and '{names[1]}'. Each counts"):
        assert load_table(table).groups.tolist() == names


def test_blanks_around_context_are_no_part_of_it():
    table = pd.DataFrame(
        {"text": ["a", "b"], "emotion": ["x", "y"], "speaker": ["s1 ", "s1"], "split": [" t", "t"]}
    )
    with warnings.catch_warnings(action="error"):
        bunch = load_table(table)
    assert bunch.groups.tolist() == ["s1", "s1"] and bunch.record.n_speakers == 1
    assert bunch.splits["t"].tolist() == [0, 1]
    assert table["speaker"].tolist() == ["s1 ", "s1"]
    with pytest.raises(ValueError, match="1 rows have no speaker"):
        load_table(table.assign(speaker=["s1", " "]))


def test_files_one_folder_away_are_pointed_to(folder):
    (folder / "clips").mkdir()
    (folder / "a.wav").rename(folder / "clips" / "a.wav")
    path = write(folder, "audio,emotion", "a.wav,sad")
    with pytest.warns(IncompleteCorpusWarning, match=f"media_folder='{folder}/clips'"):
        load_table(path)
