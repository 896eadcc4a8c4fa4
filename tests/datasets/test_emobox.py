"""Metadata of EmoBox: generated trees in its layout, and the real ones of six corpora."""

import json
import warnings
from pathlib import Path

import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier

from emoest.datasets import IncompleteCorpusWarning, load_emobox
from emoest.evaluation import evaluate

NAMES = {
    "cafe": ("01-C-1-1", "01"),
    "cremad": ("1001_DFA_ANG_XX", "1001"),
    "emodb": ("03a01Fa", "03"),
    "emovo": ("gio-f2-b2", "f2"),
    "enterface": ("s12_an_3", "s12"),
    "iemocap": ("Ses01F_impro01_M003", "Ses01M"),
    "jlcorpus": ("female1_angry_10a_1", "female1"),
    "oreau": ("07b21Na", "07"),
    "polish": ("m2.n_aha_7", "m2"),
    "ravdess": ("03-01-05-01-02-01-18", "18"),
    "savee": ("JE_sa07", "JE"),
    "shemo": ("F21N05", "F21"),
    "subesco": ("F_01_OISHI_S_1_ANGRY_1", "F_01"),
    "tess": ("OAF_back_angry", "OAF"),
    "urdu": ("SM20_F8_N012", "SM20"),
}


def write(root, name, clips, folds, *, label_map=None, whole=True, suffix=".jsonl", audio=True):
    """A clone and a folder of sound; `folds` is {k: {part: positions of clips}}."""
    place = root / "clone" / "data" / name
    place.mkdir(parents=True)
    rows = [
        {"key": f"{name}-{Path(wav).stem}", "wav": f"downloads/{name}/{wav}", "emo": emo} | more
        for wav, emo, more in clips
    ]

    def dump(path, some):
        if suffix == ".json":
            text = json.dumps({row["key"]: row for row in some})
        else:
            text = "\n".join(map(json.dumps, some)) + "\n"
        path.with_suffix(suffix).write_text(text, encoding="utf-8")

    if whole:
        dump(place / f"{name}.x", rows)
    for k, parts in folds.items():
        folder = place / f"fold_{k}"
        folder.mkdir()
        for part, positions in parts.items():
            dump(folder / f"{name}_{part}_fold_{k}.x", [rows[i] for i in positions])
    if label_map is not None:
        (place / "label_map.json").write_text(json.dumps(label_map), encoding="utf-8")
    (place / "corpus.cfg").write_text("[Corpus]\nname = x\nlanguage = Klingon\n")
    sound = root / "sound"
    for wav, _, _ in clips if audio else []:
        path = sound / wav
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    sound.mkdir(exist_ok=True)
    return root / "clone", sound


SAVEE = [
    (f"{who}_{emo}{i:02d}.wav", emo, {}) for who in ("JE", "KL") for emo in "an" for i in (1, 2)
]
LABELS = {"a": "Angry", "n": "Neutral"}
TWO_FOLDS = {1: {"train": [4, 5, 6, 7], "test": [0, 1, 2, 3]}, 2: {"test": [4, 5, 6, 7]}}


@pytest.mark.parametrize("suffix", [".jsonl", ".json"])
@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("where", ["clone", "data", "dataset"])
def test_folds_become_a_column_and_labels_are_common(tmp_path, suffix, whole, where):
    clone, sound = write(
        tmp_path, "savee", SAVEE, TWO_FOLDS, label_map=LABELS, whole=whole, suffix=suffix
    )
    place = {"clone": clone, "data": clone / "data", "dataset": clone / "data" / "savee"}[where]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        bunch = load_emobox("savee", place, sound)
    rows = bunch.frame.sort_index()
    assert rows["fold"].tolist() == [1] * 4 + [2] * 4
    assert rows["speaker"].tolist() == ["JE"] * 4 + ["KL"] * 4
    assert rows["emotion"].tolist() == ["angry", "angry", "neutral", "neutral"] * 2
    assert list(bunch.data.columns) == ["audio", "speaker", "fold"]
    assert all(Path(path).is_file() for path in bunch.data["audio"])
    assert "Klingon" in bunch.DESCR
    X, y = bunch.data, bunch.target
    result = evaluate(DummyClassifier(), X, y, cv="fold", random_state=0)
    assert result.protocol.n_splits == 2
    assert result.protocol.speaker_independent


def test_one_fold_becomes_parts_and_valid_is_kept(tmp_path):
    folds = {1: {"train": [0, 1, 2], "valid": [3], "test": [4, 5, 6, 7]}}
    clone, sound = write(tmp_path, "savee", SAVEE, folds, label_map=LABELS)
    bunch = load_emobox("savee", clone, sound)
    assert bunch.frame["split"].tolist() == ["train"] * 3 + ["valid"] + ["test"] * 4
    assert {name: len(rows) for name, rows in bunch.splits.items()} == {
        "train": 3,
        "valid": 1,
        "test": 4,
    }


def test_folds_that_test_a_clip_twice_have_a_column_each(tmp_path):
    folds = {1: {"train": [4, 5], "test": [0, 1]}, 2: {"train": [4, 5], "test": [0, 2]}}
    clone, sound = write(tmp_path, "savee", SAVEE, folds, label_map=LABELS)
    X, _ = load_emobox("savee", clone, sound, return_X_y=True)
    assert X["fold_2__split"].eq("test").tolist() == [i in (0, 2) for i in range(8)]


def test_folds_that_mix_speakers_are_said(tmp_path):
    folds = {1: {"test": [0, 1, 4, 5]}, 2: {"test": [2, 3, 6, 7]}}
    clone, sound = write(tmp_path, "savee", SAVEE, folds, label_map=LABELS)
    with pytest.warns(UserWarning, match="mix speakers: 2 of 2 are in several"):
        bunch = load_emobox("savee", clone, sound)
    assert "mix speakers" in bunch.DESCR
    with pytest.raises(ValueError, match="in both the training and the test part"):
        evaluate(DummyClassifier(), bunch.data, bunch.target, cv="fold")


def test_labels_are_matched_without_case_and_others_are_named(tmp_path):
    clips = [("a.wav", "neutral", {}), ("b.wav", "S", {}), ("c.wav", "17", {})]
    clone, sound = write(tmp_path, "ased", clips, {}, label_map={"Neutral": "Neutral"})
    with pytest.warns(UserWarning, match=r"not in its label_map.*S \(1 clips\), 17 \(1 clips\)"):
        bunch = load_emobox("ased", clone, sound, target=("emotion", "label"))
    assert bunch.target["emotion"].tolist() == ["neutral", "s", "17"]
    assert bunch.target["label"].tolist() == ["neutral", "S", "17"]


def test_a_corpus_that_names_no_speakers_says_so(tmp_path):
    clips = [("a.wav", "x", {}), ("b.wav", "y", {})]
    clone, sound = write(tmp_path, "mer2023", clips, {}, label_map={"x": "X", "y": "Y"})
    with pytest.warns(UserWarning, match="Nothing names the speakers of mer2023"):
        X, _ = load_emobox("mer2023", clone, sound, return_X_y=True)
    assert list(X.columns) == ["audio"]


@pytest.mark.parametrize(("dataset", "stem", "speaker"), [(d, *v) for d, v in NAMES.items()])
def test_speakers_are_read_from_names(tmp_path, dataset, stem, speaker):
    clone, sound = write(tmp_path, dataset, [(f"{stem}.wav", "x", {})], {}, label_map={"x": "X"})
    X, _ = load_emobox(dataset, clone, sound, return_X_y=True)
    assert X["speaker"].tolist() == [speaker]
    assert X.index.get_level_values("group").tolist() == [speaker]


def test_parts_of_a_file_are_fragments(tmp_path):
    clips = [("long.flac", "x", {"start_time": 1.5, "end_time": 3.25})]
    clone, sound = write(tmp_path, "pavoque", clips, {}, label_map={"x": "X"})
    with pytest.warns(UserWarning, match="Nothing names"):
        X, _ = load_emobox("pavoque", clone, sound, return_X_y=True)
    assert X["audio"].iloc[0].endswith("long.flac#t=1.5,3.25")


def test_files_of_one_name_are_told_apart_by_their_folders(tmp_path):
    clips = [("a/1.wav", "x", {}), ("b/1.wav", "y", {})]
    clone, sound = write(tmp_path, "esd", clips, {}, label_map={"x": "X", "y": "Y"})
    place = clone / "data" / "esd" / "esd.jsonl"
    rows = [json.loads(line) for line in place.read_text().splitlines()]
    place.write_text("\n".join(json.dumps(r | {"key": r["wav"]}) for r in rows))
    with pytest.warns(UserWarning, match="Nothing names"):
        X, _ = load_emobox("esd", clone, sound, return_X_y=True)
    assert [Path(path).parent.name for path in X["audio"]] == ["a", "b"]


def test_missing_files_are_left_out_and_counted(tmp_path):
    clone, sound = write(tmp_path, "savee", SAVEE, TWO_FOLDS, label_map=LABELS)
    (sound / "JE_a01.wav").unlink()
    with pytest.warns(IncompleteCorpusWarning, match="1 audio files"):
        bunch = load_emobox("savee", clone, sound)
    assert len(bunch.data) == 7
    with pytest.raises(FileNotFoundError, match="JE_a01"):
        load_emobox("savee", clone, sound, strict=True)


def broken(tmp_path, name, text):
    clone, sound = write(tmp_path, "savee", SAVEE, TWO_FOLDS, label_map=LABELS)
    (clone / "data" / "savee" / name).write_text(text, encoding="utf-8")
    return clone, sound


BROKEN = {
    "no JSON": ("savee.jsonl", "{", "is not a table of EmoBox"),
    "no clip": ("savee.jsonl", '{"key": "a"}', "a clip without"),
    "a list": ("savee.jsonl", "[1]", "a clip without"),
    "labels": ("label_map.json", "[", "is not a table of labels"),
    "settings": ("corpus.cfg", "no = section", "cannot be read"),
}


@pytest.mark.parametrize(("name", "text", "message"), BROKEN.values(), ids=BROKEN)
def test_broken_metadata_is_an_error_that_names_the_file(tmp_path, name, text, message):
    with pytest.raises(ValueError, match=message):
        load_emobox("savee", *broken(tmp_path, name, text))


def test_what_is_not_there_is_said(tmp_path):
    clone, sound = write(tmp_path, "savee", SAVEE, TWO_FOLDS, label_map=LABELS, audio=False)
    with pytest.raises(FileNotFoundError, match=r"no metadata of 'ravdess'.*'savee'"):
        load_emobox("ravdess", clone, sound)
    with pytest.raises(FileNotFoundError, match="JE_a01"):
        load_emobox("savee", clone, sound)
    with pytest.raises(ValueError, match="target='mood'"):
        load_emobox("savee", clone, sound, target="mood")


REAL = {
    "ravdess": (1440, 24, 8, dict.fromkeys(range(1, 7), 240)),
    "emodb": (535, 10, 7, dict.fromkeys(range(1, 6), 107)),
    "emovo": (588, 6, 7, dict.fromkeys(range(1, 7), 98)),
    "savee": (480, 4, 7, dict.fromkeys(range(1, 5), 120)),
    "urdu": (400, None, 4, {"train": 300, "test": 100}),
    "pavoque": (None, None, None, {}),
}


@pytest.mark.real_data
@pytest.mark.parametrize(("dataset", "facts"), REAL.items())
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_real_metadata(dataset, facts, tmp_path, real_data):
    n_clips, n_speakers, n_labels, folds = facts
    metadata = real_data / "emobox_metadata"
    whole = metadata / dataset / f"{dataset}.jsonl"
    for path in [whole] if whole.is_file() else (metadata / dataset).rglob("*.jsonl"):
        for line in path.read_text(encoding="utf-8").splitlines():
            (tmp_path / Path(json.loads(line)["wav"]).name).touch()
    bunch = load_emobox(dataset, metadata, tmp_path)
    if n_clips is None:
        assert bunch.data["audio"].str.contains("#t=").all()
        return
    assert len(bunch.frame) == n_clips
    assert bunch.target.nunique() == n_labels
    assert set(bunch.target.str.lower()) == set(bunch.target)
    column = bunch.frame["fold"] if "fold" in bunch.frame else bunch.frame["split"]
    assert column.value_counts().sort_index().to_dict() == dict(sorted(folds.items()))
    if n_speakers is not None:
        assert bunch.frame["speaker"].nunique() == n_speakers
    mixed = "mix speakers" in bunch.DESCR
    assert mixed == (pd.crosstab(bunch.frame["speaker"], column).gt(0).sum(axis=1) > 1).any()
