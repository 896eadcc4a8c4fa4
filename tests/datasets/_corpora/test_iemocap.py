import shutil
import warnings

import pytest
from sklearn.utils import Bunch

from emoest.datasets import (
    IncompleteCorpusWarning,
    UnlabeledRowsWarning,
    corpus_record,
    load_iemocap,
    make_iemocap_like,
)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return make_iemocap_like(tmp_path_factory.mktemp("iemocap"))


@pytest.fixture
def small(tmp_path):
    return make_iemocap_like(tmp_path, scale=0.01)


@pytest.mark.parametrize("target", ["emotion", "emotion6", "category"])
def test_a_full_tree_has_the_counts_of_the_record(whole, target):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", UnlabeledRowsWarning)
        bunch = load_iemocap(whole, target=target, drop_unlabeled=True, strict=True)
    counts = bunch.target.value_counts().to_dict()
    sizes = corpus_record("iemocap").sizes[target]
    assert {label: counts[label] for label in sizes} == dict(sizes)
    assert set(counts) == set(corpus_record("iemocap").labels[target])


def test_four_classes_are_those_of_most_papers():
    sizes = corpus_record("iemocap").sizes
    assert sum(sizes["emotion"].values()) == 5531
    merged = sizes["emotion6"]["happiness"] + sizes["emotion6"]["excitement"]
    assert sizes["emotion"]["happiness"] == merged


def test_the_bunch_holds_speakers_sessions_and_dialogues(whole):
    with pytest.warns(UnlabeledRowsWarning, match="4505 of 10036 rows have no label"):
        bunch = load_iemocap(whole)
    assert isinstance(bunch, Bunch)
    assert bunch.n_unlabeled == bunch.target.isna().sum() == 4505
    assert bunch.missing == []
    assert bunch.data.columns.tolist() == ["audio", "text", "speaker", "session", "dialogue"]
    assert bunch.groups.nunique() == 10
    assert bunch.data.index.get_level_values("group").tolist() == bunch.groups.tolist()
    turn = bunch.data.xs("Ses03F_impro01_M007", level="turn").iloc[0]
    assert (turn["speaker"], turn["session"], turn["dialogue"]) == ("3M", "3", "Ses03F_impro01")
    assert turn["audio"].endswith("Session3/sentences/wav/Ses03F_impro01/Ses03F_impro01_M007.wav")
    assert turn["text"] == "This is turn 1."


def test_ratings_are_read_in_the_order_valence_arousal_dominance(small):
    path = small / "Session1" / "dialog" / "EmoEvaluation" / "Ses01F_impro01.txt"
    lines = path.read_text().splitlines()
    lines[2] = lines[2].rpartition("\t")[0] + "\t[1.5000, 4.0000, 2.2500]"
    path.write_text("\n".join(lines))
    targets = ["valence", "arousal", "dominance"]
    X, y = load_iemocap(small, target=targets, return_X_y=True)
    assert y.columns.tolist() == targets
    assert y.iloc[0].tolist() == [1.5, 4.0, 2.25]
    assert len(X) == len(y)


def test_a_half_copied_corpus_loads_with_one_warning(small):
    shutil.rmtree(small / "Session5")
    shutil.rmtree(small / "Session4" / "dialog" / "transcriptions")
    lost = sorted((small / "Session1" / "sentences").rglob("*.wav"))[0]
    lost.unlink()
    expected = rf"missing are 1 sessions \(5\); 1 audio files \({lost.name}\); \d+ transcripts"
    with pytest.warns(IncompleteCorpusWarning, match=expected) as caught:
        bunch = load_iemocap(small, target="category")
    assert len(caught) == 1
    assert bunch.missing[:2] == ["5", lost.name]
    assert bunch.data["audio"].isna().sum() == 1
    assert bunch.data.loc[bunch.data["session"] == "4", "text"].isna().all()
    with pytest.raises(FileNotFoundError, match="incomplete"):
        load_iemocap(small, strict=True)


def test_a_missing_label_file_is_named_and_its_turns_are_not_dropped_silently(small):
    sound = small / "Session1" / "sentences" / "wav" / "Ses01M_impro02" / "Ses01M_impro02_F000.wav"
    sound.parent.mkdir()
    sound.touch()
    (small / "Session2" / "dialog" / "transcriptions" / "Ses02F_script01_1.txt").touch()
    match = r"missing are 2 label files \(Ses01M_impro02\.txt, Ses02F_script01_1\.txt\)\."
    with pytest.warns(IncompleteCorpusWarning, match=match):
        bunch = load_iemocap(small, target="category")
    assert bunch.missing == ["Ses01M_impro02.txt", "Ses02F_script01_1.txt"]
    with pytest.raises(FileNotFoundError, match="2 label files"):
        load_iemocap(small, target="category", strict=True)


def test_files_of_other_systems_and_of_raters_are_passed_over(small):
    folder = small / "Session1" / "dialog" / "EmoEvaluation"
    (folder / "._Ses01F_impro01.txt").write_bytes(b"\x00\xff")
    (folder / "Categorical").mkdir()
    (folder / "Categorical" / "Ses01F_impro01_e1_cat.txt").write_text("nonsense")
    before = len(load_iemocap(small, target="category").data)
    assert before > 90


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("[1.0 - 2.0]\tSes01F_impro01_F900\tjoy\t[1, 2, 3]", "Line 3 .*unknown emotion code 'joy'"),
        ("[1.0 - 2.0] Ses01F_impro01_F900 neu [1, 2, 3]", "Line 3 .*is not a label of IEMOCAP"),
    ],
)
def test_bad_lines_are_named(small, line, message):
    path = small / "Session1" / "dialog" / "EmoEvaluation" / "Ses01F_impro01.txt"
    head, comment, rest = path.read_text().split("\n", 2)
    path.write_text("\n".join([head, comment, line, rest]))
    with pytest.raises(ValueError, match=message):
        load_iemocap(small)


def test_mis_encoded_and_empty_and_doubled_label_files_are_errors(small):
    folder = small / "Session1" / "dialog" / "EmoEvaluation"
    path = folder / "Ses01F_impro01.txt"
    copy = small / "copy" / "EmoEvaluation"
    copy.mkdir(parents=True)
    shutil.copy(path, copy)
    with pytest.raises(ValueError, match="is labeled twice"):
        load_iemocap(small)
    shutil.rmtree(small / "copy")
    path.write_bytes(path.read_bytes() + b"\xe9t\xe9")
    with pytest.raises(ValueError, match="is not utf-8"):
        load_iemocap(small)
    for other in small.rglob("EmoEvaluation/*.txt"):
        other.write_text("")
    with pytest.raises(ValueError, match="hold no label"):
        load_iemocap(small)


def test_a_wrong_folder_says_what_was_looked_for_and_found(tmp_path):
    (tmp_path / "Ses01F_impro01_F000.wav").touch()
    with pytest.raises(FileNotFoundError, match=r"EmoEvaluation.*found Ses01F_impro01_F000\.wav"):
        load_iemocap(tmp_path)
    with pytest.raises(FileNotFoundError, match="is not there"):
        load_iemocap(tmp_path / "nowhere")
    with pytest.raises(ValueError, match="target='mood'"):
        load_iemocap(tmp_path, target="mood")
