import pytest

from emoest.datasets._reading.csv_tables import (
    missing_tables,
    read_label_table,
    read_labels,
    unique_names,
)


def test_cells_stay_text(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text('text,n\n"Oh, \n""no""",007\nNA,\n')
    table = read_label_table(path, ["text", "n"])
    assert table.to_numpy().tolist() == [['Oh, \n"no"', "007"], ["NA", ""]]


def test_quotes_mean_nothing_in_tabbed_tables(tmp_path):
    path = tmp_path / "a.tsv"
    path.write_text('"Hm.\t1\n')
    assert read_label_table(path, ["text", "n"], sep="\t", header=False).loc[0, "text"] == '"Hm.'


def test_fixed_and_lost_characters_are_said(tmp_path):
    path = tmp_path / "a.tsv"
    path.write_bytes(b"he\x92s\nhe\xef\xbf\xbds\n")
    with (
        pytest.warns(UserWarning, match=r"1 characters of Windows-1252.*were fixed"),
        pytest.warns(UserWarning, match=r"characters are lost \(U\+FFFD\) in lines 2\."),
    ):
        table = read_label_table(path, ["text"], sep="\t", header=False)
    assert table["text"].tolist() == [
        "he\N{RIGHT SINGLE QUOTATION MARK}s",
        "he\N{REPLACEMENT CHARACTER}s",
    ]
    with (
        pytest.warns(UserWarning, match="were fixed"),
        pytest.raises(ValueError, match=r"lost .* in lines 2\. Copy the official file again"),
    ):
        read_label_table(path, ["text"], sep="\t", header=False, strict=True)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", r"has no column 'text'; it has \[\]"),
        ('text,n\n"a,1\n', "cannot be read as a table .unexpected end of data, line 2"),
        ("text,n\na,1,2,3\nb,1\n", "row 0 has 4 cells, and there are 2"),
        ("words,n\na,1\n", r"has no column 'text'; it has \['words', 'n'\]"),
        ("text,n\na,1\nb\n", r"row 1 has 1 cells, and there are 2 columns"),
    ],
)
def test_damaged_tables_are_refused(tmp_path, content, message):
    path = tmp_path / "a.csv"
    path.write_text(content)
    with pytest.raises(ValueError, match=message):
        read_label_table(path, ["text", "n"])


def test_unknown_labels_name_the_row(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("mood\nlow\nloud\n")
    table = read_label_table(path, ["mood"])
    with pytest.raises(ValueError, match=r"row 1 has the unknown mood 'loud'; known are low, high"):
        read_labels(table, "mood", ("low", "high"), path=path)


def test_missing_tables_and_names():
    found = missing_tables({"a": "a.csv"}, {"a": 3}, {"a": 3})
    assert found == {"tables": [], "ends of tables": []}
    assert unique_names(["a", "a", "b", "a"]) == ["a", "a#2", "b", "a#3"]
