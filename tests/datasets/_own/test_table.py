import os
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.model_selection import GroupKFold, cross_val_score

from emoest.datasets import IncompleteCorpusWarning, UnlabeledRowsWarning, load_table
from emoest.evaluation import uar_scorer


@pytest.fixture
def folder(tmp_path):
    for name in ("a.wav", "b.wav", "c.wav"):
        (tmp_path / name).touch()
    return tmp_path


def write(folder, *lines, encoding="utf-8"):
    path = folder / "mine.csv"
    path.write_text("\n".join(lines), encoding=encoding)
    return path


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


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_the_head_line_tells_the_separator_and_columns_can_be_renamed(folder, separator):
    lines = [separator.join(line) for line in (["wav_path", "mood"], ["a.wav", "sad"])]
    X, y = load_table(
        write(folder, *lines),
        target="mood",
        columns={"wav_path": "audio"},
        return_X_y=True,
    )
    assert X.columns.tolist() == ["audio"]
    assert y.tolist() == ["sad"]


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


def test_labels_may_be_codes_or_scores(folder):
    path = write(folder, "audio,emotion,valence", "a.wav,1,2.5", "b.wav,2,3", "c.wav,1,")
    y = load_table(path, labels={"1": "sad", "2": "glad"}).target
    assert y.tolist() == ["sad", "glad", "sad"]
    bunch = load_table(path)
    assert bunch.target.tolist() == [1, 2, 1]
    assert bunch.record.labels == {"emotion": ("1", "2")}
    with pytest.warns(UnlabeledRowsWarning, match="1 of 3 rows have no label"):
        bunch = load_table(path, target=["valence", "emotion"])
    assert bunch.record.scores == {"valence": (2.5, 3.0)}
    assert bunch.target["valence"].isna().tolist() == [False, False, True]
    with pytest.raises(ValueError, match=r"Line 3 of the table .* unknown emotion '2'; .* knows 1"):
        load_table(path, labels={"1": "sad"})


def test_rows_without_a_label_are_counted_and_dropped_when_asked(folder):
    path = write(folder, "audio,speaker,emotion", "a.wav,s,sad", "b.wav,s,")
    with pytest.warns(UnlabeledRowsWarning, match="1 of 2 rows have no label"):
        assert load_table(path).n_unlabeled == 1
    with pytest.warns(UnlabeledRowsWarning, match="dropped"):
        X, y = load_table(path, drop_unlabeled=True, return_X_y=True)
    assert (len(X), y.tolist()) == (1, ["sad"])


def test_missing_files_are_named(folder):
    path = write(folder, "audio,face,emotion", "a.wav,x.png,sad", "b.wav,,sad", "z.wav,,glad")
    expected = rf"1 audio files \({folder}/z\.wav\); 1 face files \({folder}/x\.png\)"
    with pytest.warns(IncompleteCorpusWarning, match=expected):
        bunch = load_table(path)
    assert bunch.missing == [f"{folder}/z.wav", f"{folder}/x.png"]
    assert bunch.data["face"].tolist() == [f"{folder}/x.png", None, None]
    with pytest.raises(FileNotFoundError, match=r"z\.wav"):
        load_table(path, strict=True)


def test_mis_encoded_tables_name_the_line(folder):
    path = write(folder, "text,emotion", "Gut,froh", "für dich,froh", encoding="latin-1")
    with pytest.raises(ValueError, match=r"Line 3 of .*mine\.csv' is not utf-8 .*cp1252"):
        load_table(path)
    assert load_table(path, encoding="cp1252").data["text"].tolist() == ["Gut", "für dich"]


def test_other_kinds_of_files_are_told_apart(folder):
    path = write(folder, "text,emotion", "für,sad", encoding="utf-16")
    with pytest.raises(ValueError, match=r"is encoded as UTF-16\. Pass encoding='utf-16'"):
        load_table(path)
    assert load_table(path, encoding="utf-16").data["text"].tolist() == ["für"]
    path.write_bytes(b"PK\x03\x04\x14\x00\x06\x00\x08\x00\x00\x00!\x00\xff\xfe")
    with pytest.raises(ValueError, match="is a spreadsheet or an archive"):
        load_table(path)
    path.write_text("text,emotion\na,sad\nb,c,sad\n")
    with pytest.raises(ValueError, match=r"line 3, saw 3\. Put texts that hold a ',' into quotes"):
        load_table(path)
    path.write_text("")
    with pytest.raises(ValueError, match="is empty"):
        load_table(path)


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
        (["wav,emotion", "a.wav,sad"], {}, "none of the media columns audio, text, face, eeg"),
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
    assert listed == [str(tmp_path)]
    assert not [path for path in asked if str(path).endswith(".wav")]


def test_twice_the_rows_are_twice_the_work(tmp_path, count_calls):
    calls = {}
    for n_rows in (100, 2_000, 4_000):
        path = write_long(tmp_path, n_rows)
        with pytest.warns(IncompleteCorpusWarning):
            calls[n_rows] = count_calls(lambda path=path: load_table(path))
    assert calls[4_000] < 2.1 * calls[2_000]
    assert calls[4_000] < 60 * 4_000
