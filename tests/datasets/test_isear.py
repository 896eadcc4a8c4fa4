import pytest

from emoest.datasets import (
    IncompleteCorpusWarning,
    UnlabeledRowsWarning,
    corpus_record,
    load_isear,
)

RECORD = corpus_record("isear")
SIZES = dict(RECORD.sizes["emotion"])


def write(folder, rows):
    lines = ["id\temotion\tsituation", *("\t".join(row) for row in rows)]
    (folder / "isear_clean.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def load(folder, **options):
    with pytest.warns(IncompleteCorpusWarning, match=r"isear_clean\.tsv: \d of 7666 rows"):
        return load_isear(folder, **options)


def test_the_complete_corpus_has_the_counts_of_its_record(tmp_path):
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
    with pytest.raises(FileNotFoundError, match=r"No table of ISEAR.*for isear_clean\.tsv"):
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
    X, _ = load_isear(real_data / "text_isear", no_response="missing", return_X_y=True)
    assert X["text"].isna().sum() == 87
