import warnings

import pandas as pd
import pytest

from emoest.datasets import UnlabeledRowsWarning, load_table
from tests.datasets._own.tables import write


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


def test_decimal_commas_between_semicolons(folder):
    path = write(folder, "text;valence", "Oh, no!;2,5", "Hm.;-1", "So;")
    with (
        pytest.warns(UserWarning, match="decimal commas of 'valence', such as '2,5'"),
        pytest.warns(UnlabeledRowsWarning),
    ):
        bunch = load_table(path, target="valence", drop_unlabeled=True)
    assert bunch.target.tolist() == [2.5, -1.0] and "valence" in bunch.record.scores
    # Between commas and tabs it may be a list of codes.
    path = write(folder, "text\tvalence", "Oh!\t2,5", "Hm.\t1")
    assert load_table(path, target="valence").target.tolist() == ["2,5", "1"]


@pytest.mark.parametrize("head", ["sep=;", '"sep=;"', "sep=;\r"])
def test_the_line_of_a_spreadsheet_names_the_separator(folder, head):
    path = write(folder, head, "text;emotion", "a;sad", "b;x")
    with warnings.catch_warnings(action="error"):
        X, y = load_table(path, return_X_y=True)
    assert (X["text"].tolist(), y.tolist()) == (["a", "b"], ["sad", "x"])
    with pytest.raises(ValueError, match="Line 4 of the table"):
        load_table(path, labels={"sad": "sad"})


@pytest.mark.parametrize("separator", ["\t", ",", ";"])
@pytest.mark.parametrize(
    "texts",
    [
        ['"Oh no', "well", "fine"],
        ['"Oh no', "well", 'he said "yes"'],
        ['a "b', 'c" d', "e"],
        ["plain", "plain", "plain"],
    ],
)
def test_a_lone_quotation_mark_merges_no_rows(folder, separator, texts):
    lines = [f"{text}{separator}{label}" for text, label in zip(texts, "xyx", strict=True)]
    X, y = load_table(write(folder, f"text{separator}emotion", *lines), return_X_y=True)
    assert (X["text"].tolist(), y.tolist()) == (texts, ["x", "y", "x"])


def test_quoted_cells(folder):
    path = write(folder, '"text"\t"emotion"', '"say ""hi"""\tsad', '"two\nlines"\tsad', '""\tx')
    X, y = load_table(path, return_X_y=True)
    assert (X["text"].tolist(), y.tolist()) == (
        ['say "hi"', "two\nlines", None],
        ["sad", "sad", "x"],
    )
    path = write(folder, '"text"\t"emotion"', '"say ""hi"""\tsad', '""\tsad')
    assert load_table(path).data["text"].tolist() == ['say "hi"', None]
    path = write(folder, "text,emotion", '"a, b",x', '"c,x', "d,x", 'e",x', "f,x")
    with pytest.raises(ValueError, match=r"the text of row 1 .* holds rows of the table.*closed"):
        load_table(path)


def test_parquet_is_read(folder):
    pytest.importorskip("pyarrow")
    table = pd.DataFrame({"audio": ["a.wav"], "speaker": ["01"], "emotion": ["sad"]})
    table.to_parquet(folder / "mine.parquet")
    bunch = load_table(folder / "mine.parquet")
    assert bunch.data["audio"].tolist() == [str(folder / "a.wav")]
    assert (bunch.groups.tolist(), bunch.target.tolist()) == (["01"], ["sad"])


def test_parquet_without_its_reader_names_the_package(folder, monkeypatch):
    (folder / "mine.parquet").write_bytes(b"PAR1")

    def read_parquet(path):
        raise ImportError("no engine")

    monkeypatch.setattr(pd, "read_parquet", read_parquet)
    with pytest.raises(ImportError, match="pip install pyarrow"):
        load_table(folder / "mine.parquet")


def test_other_binary_files_are_no_text(folder):
    (folder / "mine.csv").write_bytes(b"\x93NUMPY\x00\xff\xfe")
    with pytest.raises(ValueError, match=r"is no text\. load_table reads csv and parquet"):
        load_table(folder / "mine.csv")
