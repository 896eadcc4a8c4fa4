import warnings

import pandas as pd
import pytest
from sklearn.model_selection import GroupKFold

from emoest.datasets import (
    IncompleteCorpusWarning,
    UnlabeledRowsWarning,
    corpus_record,
    load_meld,
)
from emoest.datasets._corpora.meld import N_EMOTIONS, TABLES, VIDEO_FOLDERS

RECORD = corpus_record("meld")
EMOTIONS = RECORD.labels["emotion"]


def write(folder, split, emotions):
    table = pd.DataFrame(
        {
            "Sr No.": range(1, len(emotions) + 1),
            "Utterance": [f"Well, number {i}." for i in range(len(emotions))],
            "Speaker": ["Ross" if i % 2 else "The Interviewer" for i in range(len(emotions))],
            "Emotion": emotions,
            "Sentiment": ["neutral" if e == "neutral" else "negative" for e in emotions],
            "Dialogue_ID": [i // 10 for i in range(len(emotions))],
            "Utterance_ID": [i % 10 for i in range(len(emotions))],
            "Season": 8,
            "Episode": 21,
            "StartTime": "00:16:16,059",
            "EndTime": "00:16:21,731",
        }
    )
    table.to_csv(folder / TABLES[split], index=False)


@pytest.fixture
def complete(tmp_path):
    for split, counts in N_EMOTIONS.items():
        write(tmp_path, split, [e for e, n in zip(EMOTIONS, counts, strict=True) for _ in range(n)])
    return tmp_path


@pytest.fixture
def small(tmp_path):
    for split in TABLES:
        write(tmp_path, split, ["joy", "neutral", "fear"])
    return tmp_path


def load(folder, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", IncompleteCorpusWarning)
        return load_meld(folder, **options)


def test_the_complete_corpus_has_the_counts_of_its_record(complete):
    bunch = load_meld(complete, strict=True)
    assert bunch.missing == []
    assert bunch.target.value_counts().to_dict() == dict(RECORD.sizes["emotion"])
    for split, rows in bunch.splits.items():
        counts = bunch.target.iloc[rows].value_counts().to_dict()
        assert counts == dict(RECORD.split_sizes[split])
    assert {split: len(rows) for split, rows in bunch.splits.items()} == {
        "train": 9989,
        "dev": 1109,
        "test": 2610,
    }


def test_columns_index_and_order(small):
    bunch = load(small, target=["sentiment", "emotion"])
    X = bunch.data
    assert list(X.columns) == ["text", "speaker", "dialogue", "split"]
    assert X.index.names == ["clip", "group"]
    assert X.index[0] == ("train_dia0_utt0", "The Interviewer")
    assert X["dialogue"].unique().tolist() == ["train_dia0", "dev_dia0", "test_dia0"]
    assert list(bunch.target.columns) == ["sentiment", "emotion"]
    assert bunch.target["emotion"].tolist() == ["joy", "neutral", "fear"] * 3
    assert bunch.frame["utterance"].tolist() == [0, 1, 2] * 3
    assert bunch.groups.tolist() == X.index.get_level_values("group").tolist()


def test_dialogues_can_be_kept_apart(complete):
    X, y = load(complete, return_X_y=True)
    for train, test in GroupKFold(5).split(X, y, X["dialogue"]):
        assert not set(X["dialogue"].iloc[train]) & set(X["dialogue"].iloc[test])


def test_clips_are_found_by_partition(small):
    for split, name in VIDEO_FOLDERS.items():
        (small / split / name).mkdir(parents=True)
        for utterance in range(3):
            (small / split / name / f"dia0_utt{utterance}.mp4").touch()
    (small / "dev" / "wav").mkdir()
    (small / "dev" / "wav" / "dia0_utt1.wav").touch()
    (small / "dev" / VIDEO_FOLDERS["dev"] / "dia0_utt2.mp4").unlink()
    with pytest.warns(IncompleteCorpusWarning) as caught:
        bunch = load_meld(small)
    X = bunch.data.droplevel("group")
    assert list(X.columns) == ["text", "face", "audio", "speaker", "dialogue", "split"]
    assert X.loc["test_dia0_utt1", "face"] == str(
        small / "test" / VIDEO_FOLDERS["test"] / "dia0_utt1.mp4"
    )
    assert X.loc["dev_dia0_utt2", "face"] is None
    assert X["audio"].notna().sum() == 1
    assert X.loc["dev_dia0_utt1", "audio"].endswith("dia0_utt1.wav")
    assert "dev_dia0_utt2" in bunch.missing
    assert "1 clips (face) (dev_dia0_utt2)" in str(caught[0].message)


def test_a_half_copied_corpus_is_said_once(small):
    (small / TABLES["test"]).unlink()
    with pytest.warns(IncompleteCorpusWarning, match=r"1 tables \(test_sent_emo\.csv\)") as caught:
        bunch = load_meld(small)
    assert len(caught) == 1
    assert bunch.missing == [
        "test_sent_emo.csv",
        "train_sent_emo.csv: 3 of 9989 rows",
        "dev_sent_emo.csv: 3 of 1109 rows",
    ]
    assert list(bunch.splits) == ["train", "dev"]
    with pytest.raises(FileNotFoundError, match=r"MELD in .* is incomplete.*strict=False"):
        load_meld(small, strict=True)


def test_apostrophes_are_put_right_and_said(small):
    path = small / TABLES["train"]
    path.write_bytes(path.read_bytes().replace(b"Well, number 1", b"You\x92ve, number 1"))
    path = small / TABLES["dev"]
    path.write_bytes(path.read_bytes().replace(b"Well, number 2", "It\x92s, number 2".encode()))
    with pytest.warns(UserWarning, match="1 characters of Windows-1252, such as apostrophes"):
        X, _ = load(small, return_X_y=True)
    text = X.droplevel("group")["text"]
    assert text["train_dia0_utt1"] == "You\N{RIGHT SINGLE QUOTATION MARK}ve, number 1."
    assert text["dev_dia0_utt2"] == "It\N{RIGHT SINGLE QUOTATION MARK}s, number 2."
    assert text["train_dia0_utt0"] == "Well, number 0."


def test_bad_labels(small):
    write(small, "dev", ["joy", "boredom"])
    with pytest.raises(ValueError, match=r"dev_sent_emo\.csv': row 1 has the unknown Emotion"):
        load(small)
    with pytest.raises(ValueError, match="target='mood' is not a target of meld"):
        load_meld(small, target="mood")


def test_rows_without_a_label_go_only_when_asked(small):
    write(small, "dev", ["joy", "", "fear"])
    with pytest.warns(UnlabeledRowsWarning, match="1 of 9 rows have no label"):
        kept = load(small)
    assert kept.target.isna().sum() == 1
    with pytest.warns(UnlabeledRowsWarning, match="1 of 9 rows had no label.*were dropped"):
        dropped = load(small, drop_unlabeled=True)
    assert len(dropped.data) == 8
    assert dropped.data.iloc[dropped.splits["dev"]]["split"].tolist() == ["dev", "dev"]


@pytest.mark.real_data
def test_real_tables(real_data):
    with pytest.warns(IncompleteCorpusWarning, match=r"test_sent_emo\.csv"):
        bunch = load_meld(real_data / "text_meld")
    assert bunch.missing == ["test_sent_emo.csv"]
    for split in ("train", "dev"):
        counts = bunch.target.iloc[bunch.splits[split]].value_counts().to_dict()
        assert counts == dict(RECORD.split_sizes[split])
    X = bunch.data
    assert X.index.is_unique
    assert X["dialogue"].iloc[bunch.splits["train"]].nunique() == 1038
    assert X["dialogue"].iloc[bunch.splits["dev"]].nunique() == 114
    assert X["text"].iloc[1] == "You must\N{RIGHT SINGLE QUOTATION MARK}ve had your hands full."
    assert not X["text"].str.contains("[\x80-\x9f\ufffd]").any()


@pytest.mark.real_data
def test_official_parts_share_speakers_but_no_dialogue(real_data):
    bunch = load(real_data / "text_meld")
    speakers, dialogues = (
        [set(bunch.data[column].iloc[bunch.splits[split]]) for split in ("train", "dev")]
        for column in ("speaker", "dialogue")
    )
    assert len(speakers[0] & speakers[1]) == 33
    assert not dialogues[0] & dialogues[1]
    assert "keep dialogues apart, not speakers" in bunch.DESCR
