from dataclasses import replace

import numpy as np
import pytest

from emoest.datasets import IncompleteCorpusWarning, corpus_record, load_goemotions
from emoest.datasets._corpora.goemotions import EMOTIONS, N_EMOTIONS

RECORD = corpus_record("goemotions")


def write(folder, split, counts, n_rows):
    """Write `n_rows` comments whose labels have these counts; the last come as second labels."""
    codes = [str(code) for code, n in enumerate(counts) for _ in range(n)]
    rows = [[code] for code in codes[:n_rows]]
    for row, code in zip(rows, codes[n_rows:], strict=False):
        row.append(code)
    lines = [f'A "comment\t{",".join(row)}\t{split}{i}' for i, row in enumerate(rows)]
    (folder / f"{split}.tsv").write_text("\n".join(lines) + "\n")


@pytest.fixture
def complete(tmp_path):
    for split, n_rows in RECORD.n_samples.items():
        counts = N_EMOTIONS.get(split, [0] * 27 + [n_rows])
        write(tmp_path, split, counts, n_rows)
    (tmp_path / "labels.txt").write_text("\n".join(EMOTIONS))
    return tmp_path


def test_the_complete_corpus_has_the_counts_of_its_record(complete):
    bunch = load_goemotions(complete, strict=True)
    assert bunch.missing == []
    assert list(bunch.target.columns) == list(EMOTIONS)
    assert set(np.unique(bunch.target)) == {0, 1}
    for split, sizes in RECORD.split_sizes.items():
        assert bunch.target.iloc[bunch.splits[split]].sum().to_dict() == dict(sizes)
    assert {s: len(rows) for s, rows in bunch.splits.items()} == dict(RECORD.n_samples)


def test_there_are_no_groups(complete):
    bunch = load_goemotions(complete)
    assert bunch.groups is None
    assert list(bunch.data.columns) == ["text", "split"]
    assert bunch.data.index.names == ["comment"]
    assert bunch.data["text"].iloc[0] == 'A "comment'


def test_several_labels_hold_together(tmp_path):
    (tmp_path / "dev.tsv").write_text("Oh?\t4,27\ta\nHm.\t0\ta\n")
    with pytest.warns(IncompleteCorpusWarning, match=r"2 tables \(train\.tsv, test\.tsv\)"):
        X, y = load_goemotions(tmp_path, return_X_y=True)
    assert y.columns[y.iloc[0] == 1].tolist() == ["approval", "neutral"]
    assert y.iloc[1].sum() == 1
    assert X.index.tolist() == ["a", "a#2"]


@pytest.mark.parametrize("codes", ["28", "", "joy", "1,,2"])
def test_unknown_labels(tmp_path, codes):
    (tmp_path / "dev.tsv").write_text(f"Oh?\t27\ta\nHm.\t{codes}\tb\n")
    with pytest.raises(ValueError, match=r"dev\.tsv': row 1 has the unknown label"):
        load_goemotions(tmp_path)


def test_another_list_of_labels_is_refused(complete):
    (complete / "labels.txt").write_text("\n".join(reversed(EMOTIONS)))
    with pytest.raises(ValueError, match=r"labels\.txt' lists other labels than GoEmotions has"):
        load_goemotions(complete)


@pytest.mark.real_data
def test_real_tables(real_data):
    with pytest.warns(IncompleteCorpusWarning, match=r"test\.tsv"):
        bunch = load_goemotions(real_data / "text_goemotions")
    assert bunch.missing == ["test.tsv"]
    assert bunch.data.index.is_unique
    for split, sizes in RECORD.split_sizes.items():
        assert bunch.target.iloc[bunch.splits[split]].sum().to_dict() == dict(sizes)
        assert len(bunch.splits[split]) == RECORD.n_samples[split]
    train, dev = (set(bunch.data["text"].iloc[bunch.splits[s]]) for s in ("train", "dev"))
    assert len(train & dev) == 41


def test_a_record_may_not_count_labels_that_it_lacks():
    with pytest.raises(ValueError, match="'goemotions' has no emotions 'hate'"):
        replace(RECORD, split_sizes={"train": {"hate": 1}})
    assert "Target emotions (several may hold together): admiration," in RECORD.describe()


def test_the_root_of_a_clone_has_other_tables_of_these_names(tmp_path):
    other = tmp_path / "a_paper" / "train.tsv"
    other.parent.mkdir()
    other.write_text("index\tsentence\n1\tNo comment of a forum.\n")
    (tmp_path / "dev.tsv").write_text("label\ttext\tid\n")
    deep = tmp_path / "goemotions" / "data"
    deep.mkdir(parents=True)
    for split in ("train", "dev", "test"):
        (deep / f"{split}.tsv").write_text(f"Thanks, {split}!\t15,24\ted{split}\n")
    (deep / "emotions.txt").write_text("\n".join(EMOTIONS))
    with pytest.warns(IncompleteCorpusWarning, match="ends of tables"):
        X = load_goemotions(tmp_path, return_X_y=True)[0]
    assert X["text"].tolist() == ["Thanks, train!", "Thanks, dev!", "Thanks, test!"]
