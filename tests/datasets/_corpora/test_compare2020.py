import csv
import warnings

import numpy as np
import pytest

from emoest.datasets import (
    IncompleteCorpusWarning,
    UnlabeledRowsWarning,
    corpus_record,
    load_compare2020,
    make_compare2020_like,
)


@pytest.fixture
def folder(tmp_path):
    return make_compare2020_like(tmp_path)


def rewrite(folder, change):
    path = folder / "lab" / "labels.csv"
    rows = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
    rows = change(rows) or rows
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def test_a_full_tree(folder):
    with warnings.catch_warnings(action="error"):
        bunch = load_compare2020(folder, strict=True)
    record = corpus_record("compare2020")
    assert bunch.data.columns.tolist() == ["audio", "text", "speaker", "split"]
    assert bunch.groups.nunique() == record.n_speakers
    assert {part: len(rows) for part, rows in bunch.splits.items()} == dict(record.n_samples)
    assert bunch.target.columns.tolist() == ["valence", "arousal"]
    first = bunch.frame.iloc[0]
    assert [path.rpartition("/")[2] for path in first["audio"]] == [
        "train_0001.wav",
        "train_0002.wav",
    ]
    assert first["text"] == "Geschichte Nummer 1."


def test_partitions_share_no_speaker(folder):
    bunch = load_compare2020(folder)
    speakers = [set(bunch.groups.iloc[rows]) for rows in bunch.splits.values()]
    assert [len(names) for names in speakers] == [29, 29, 29]
    assert len(set.union(*speakers)) == 87


def test_withheld_labels_are_counted_and_dropped_when_asked(folder):
    def withhold(rows):
        for row in rows:
            if row["partition"] == "test":
                row["V_cat"] = row["A_cat"] = "?"

    rewrite(folder, withhold)
    with pytest.warns(UnlabeledRowsWarning, match="87 of 261 rows have no label"):
        bunch = load_compare2020(folder, target="valence")
    assert bunch.target.isna().sum() == bunch.n_unlabeled == 87
    with pytest.warns(UnlabeledRowsWarning, match="dropped"):
        bunch = load_compare2020(folder, drop_unlabeled=True)
    assert len(bunch.data) == 174
    assert len(bunch.splits["test"]) == 0
    np.testing.assert_array_equal(bunch.splits["devel"], np.arange(87, 174))


def test_missing_files_texts_and_stories_are_one_warning(folder):
    (folder / "wav" / "train_0001.wav").unlink()
    (folder / "wav" / "train_0003.wav").unlink()
    (folder / "wav" / "train_0004.wav").unlink()

    def shorten(rows):
        rows[0]["hand_transcription"] = rows[1]["hand_transcription"] = ""
        return rows[:-2]

    rewrite(folder, shorten)
    expected = r"3 audio files \(.*\); 1 texts \(AAAA0101_st1\); 1 stories \(1 of 87 of test\)"
    with pytest.warns(IncompleteCorpusWarning, match=expected):
        bunch = load_compare2020(folder)
    assert len(bunch.data["audio"].iloc[0]) == 1
    assert bunch.data["audio"].iloc[1] is None
    assert bunch.data["text"].iloc[0] is None
    with pytest.raises(FileNotFoundError, match="incomplete"):
        load_compare2020(folder, strict=True)


def test_texts_may_stand_in_a_table_of_their_own(folder):
    def without(rows):
        return [{k: v for k, v in row.items() if k != "hand_transcription"} for row in rows]

    rewrite(folder, without)
    lines = ["filename_text;machine_transcription", "AAAA0101_st1;Es war einmal, damals."]
    (folder / "lab" / "asr.csv").write_text("\n".join(lines), encoding="utf-8")
    with pytest.warns(IncompleteCorpusWarning, match="260 texts"):
        bunch = load_compare2020(folder, transcript="machine_transcription")
    assert bunch.data["text"].iloc[0] == "Es war einmal, damals."


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("V_cat", "Z", "Line 2 .*unknown V_cat code 'Z'; known are L, M, H"),
        ("A_cat", "M", "contradicts another line of the story 'AAAA0101_st1'"),
        ("partition", "dev", "unknown partition 'dev'"),
        ("filename_text", "story1", "names the story 'story1'"),
    ],
)
def test_bad_labels_are_named(folder, column, value, message):
    def spoil(rows):
        rows[0][column] = value

    rewrite(folder, spoil)
    with pytest.raises(ValueError, match=message):
        load_compare2020(folder)


def test_a_speaker_in_two_partitions_is_an_error(folder):
    def move(rows):
        for row in rows[:2]:
            row["partition"] = "devel"

    rewrite(folder, move)
    with pytest.raises(ValueError, match="speaker 'AAAA0101' is in two partitions"):
        load_compare2020(folder)


def test_a_wrong_folder_or_table(folder, tmp_path):
    def without(rows):
        return [{k: v for k, v in row.items() if k != "V_cat"} for row in rows]

    rewrite(folder, without)
    with pytest.raises(ValueError, match="lacks the columns V_cat; it has filename_audio"):
        load_compare2020(folder)
    (folder / "lab" / "labels.csv").unlink()
    with pytest.raises(FileNotFoundError, match=r"lab/labels\.csv.*found train_|found devel_"):
        load_compare2020(folder)


@pytest.mark.real_data
def test_the_real_names_have_the_layout_of_the_record(real_data):
    with np.load(real_data / "compare2020_usoms_e" / "usoms_e_life.npz") as arrays:
        names = {part: arrays[f"names|{part}"] for part in ("train", "devel", "test")}
    record = corpus_record("compare2020")
    assert {part: len(stories) for part, stories in names.items()} == dict(record.n_samples)
    speakers = [{story.partition("_")[0] for story in stories} for stories in names.values()]
    assert [len(part) for part in speakers] == [29, 29, 29]
    assert len(set.union(*speakers)) == record.n_speakers
