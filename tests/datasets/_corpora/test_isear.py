import pytest

from emoest.datasets import (
    IncompleteCorpusWarning,
    UnlabeledRowsWarning,
    corpus_record,
    load_isear,
)
from emoest.datasets._corpora.isear import repair_situation

RECORD = corpus_record("isear")
SIZES = dict(RECORD.sizes["emotion"])


def write(folder, rows):
    lines = ["id\temotion\tsituation", *("\t".join(row) for row in rows)]
    (folder / "isear_clean.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


HEAD = "ID|CITY|EMOT|Field1|MYKEY|SIT|STATE|"


def write_extract(folder, rows, codes=None):
    """Write the table with bars, whose other columns are left out but for a few."""
    codes = codes or {emotion: number for number, emotion in enumerate(SIZES, start=1)}
    lines = [
        f"{person}|1|{codes.get(emotion, emotion)}|{emotion}|0{person}|{text}|1|"
        for person, emotion, text in rows
    ]
    (folder / "isear.csv").write_text("\n".join([HEAD, *lines, ""]), encoding="utf-8")
    return folder


def load(folder, **options):
    with pytest.warns(IncompleteCorpusWarning, match=r"isear(_clean\.tsv|\.csv): \d of 7666 rows"):
        return load_isear(folder, **options)


@pytest.mark.parametrize("write", [write, write_extract])
def test_the_complete_corpus_has_the_counts_of_its_record(tmp_path, write):
    rows = [
        (str(10000 + person), emotion, f"Situation {person}.")
        for person in range(1096)
        for emotion, n in SIZES.items()
        if person < n
    ]
    bunch = load_isear(write(tmp_path, rows), strict=True)
    assert bunch.target.value_counts().to_dict() == SIZES
    assert bunch.groups.nunique() == RECORD.n_speakers
    assert bunch.splits == {}
    assert list(bunch.data.columns) == ["text", "speaker"]
    assert bunch.data.index[0] == ("10000_joy", "10000")


@pytest.mark.parametrize(
    ("text", "repaired"),
    [
        ("Each time that \xe1 we met.  \xe1 Twice. ", "Each time that we met. Twice."),
        ('The \\worker \xe1|share\\" funds."', 'The "worker share" funds.'),
        ('I asked \\why?\\""', 'I asked "why?"'),
        ('See \\shame\\".]"', 'See "shame".]'),
        ('A "true" quotation', 'A "true" quotation'),
    ],
)
def test_line_breaks_and_quotation_marks_are_repaired(text, repaired):
    assert repair_situation(text) == repaired


def test_both_forms_give_the_same(tmp_path):
    said = 'I was \\downgraded\\" and  |left.'
    quoted = said.replace('"', '""')
    clean, extract = tmp_path / "clean", tmp_path / "extract"
    clean.mkdir()
    extract.mkdir()
    write(clean, [("1", "joy", f'"{quoted}"""'), ("2", "guilt", "A lie.")])
    raw = said.replace("  |", " \xe1|")
    write_extract(extract, [("1", "joy", f'{raw}"'), ("2", "guilt", "A \xe1 lie. ")])
    ours, theirs = load(clean).frame, load(extract).frame
    assert ours.equals(theirs)
    assert ours["text"].tolist() == ['I was "downgraded" and left.', "A lie."]
    write_extract(clean, [("3", "fear", "A storm.")])
    assert load(clean).data["speaker"].tolist() == ["3"]


def test_damaged_extracts(tmp_path):
    write_extract(tmp_path, [("1", "8", "A theft.")])
    with pytest.raises(ValueError, match="row 0 has the unknown emotion '8'; known are 1, 2"):
        load_isear(tmp_path)
    (tmp_path / "isear.csv").write_text(f"{HEAD}\n1|1|1|joy|01|A birth.|1|\n2|1|2|fear\n")
    with pytest.raises(ValueError, match=r"Line 3 of .*isear\.csv' breaks off: it has 4 cells"):
        load_isear(tmp_path)
    (tmp_path / "isear.csv").write_text("joy,A birth.\n")
    with pytest.raises(ValueError, match=r"does not say who wrote.*load_table"):
        load_isear(tmp_path)


ROWS = [
    ("1", "joy", "A birth."),
    ("1", "guilt", "[ No response.]"),
    ("2", "fear", "NO RESPONSE"),
    ("2", "shame", "There was no response to my letter."),
]


def test_no_response(tmp_path):
    write(tmp_path, ROWS)
    kept, _ = load(tmp_path, return_X_y=True)
    assert kept["text"].tolist() == [row[2] for row in ROWS]
    missing, _ = load(tmp_path, no_response="missing", return_X_y=True)
    assert missing["text"].tolist() == ["A birth.", None, None, ROWS[3][2]]
    with pytest.warns(UserWarning, match="2 rows without a response were dropped, as asked"):
        X, y = load(tmp_path, no_response="drop", return_X_y=True)
    assert y.tolist() == ["joy", "shame"]
    assert X.index.equals(y.index)


def test_rows_without_a_label(tmp_path):
    write(tmp_path, [("1", "joy", "A birth."), ("1", "", "Nothing.")])
    with pytest.warns(UnlabeledRowsWarning, match="1 of 2 rows have no label"):
        assert load(tmp_path).target.isna().tolist() == [False, True]
    with pytest.warns(UnlabeledRowsWarning, match="were dropped"):
        assert load(tmp_path, drop_unlabeled=True).target.tolist() == ["joy"]


def test_bad_input(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"No table of ISEAR.*for isear\.csv, isear_clean"):
        load_isear(tmp_path)
    write(tmp_path, [("1", "anger", "A theft."), ("1", "hate", "A theft.")])
    with pytest.raises(ValueError, match="row 1 has the unknown emotion 'hate'"):
        load_isear(tmp_path)


@pytest.mark.real_data
def test_real_table(real_data):
    bunch = load_isear(real_data / "text_isear", strict=True)
    assert bunch.target.value_counts().to_dict() == SIZES
    assert bunch.groups.nunique() == 1096
    assert bunch.data["text"].duplicated().sum() == 164
    assert not bunch.data["text"].str.contains(r'[\\\\|]|""').any()
    assert (bunch.data["text"].str.count('"') % 2 == 0).all()
    X, _ = load_isear(real_data / "text_isear", no_response="missing", return_X_y=True)
    assert X["text"].isna().sum() == 87
