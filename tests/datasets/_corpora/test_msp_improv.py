import warnings

import pytest

from emoest.datasets import (
    IncompleteCorpusWarning,
    UnlabeledRowsWarning,
    corpus_record,
    load_msp_improv,
    make_msp_improv_like,
)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return make_msp_improv_like(tmp_path_factory.mktemp("msp"))


@pytest.fixture
def small(tmp_path):
    return make_msp_improv_like(tmp_path, scale=0.01)


@pytest.mark.parametrize("target", ["emotion", "category", "condition"])
def test_a_full_tree_has_the_counts_of_the_record(whole, target):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", UnlabeledRowsWarning)
        bunch = load_msp_improv(whole, target=target, drop_unlabeled=True, strict=True)
    assert bunch.target.value_counts().to_dict() == dict(corpus_record("msp_improv").sizes[target])
    assert bunch.groups.nunique() == 12
    assert bunch.data.groupby("session")["speaker"].nunique().tolist() == [2] * 6


def test_sizes_of_the_record_agree_with_each_other():
    record = corpus_record("msp_improv")
    assert sum(record.sizes["category"].values()) == record.n_samples["all"] == 8438
    assert sum(record.sizes["condition"].values()) == 8438
    assert sum(record.sizes["emotion"].values()) == 7798


def test_conditions_can_be_chosen(whole):
    X, y = load_msp_improv(whole, target="category", conditions=("S",), return_X_y=True)
    assert len(X) == 4381
    assert y.value_counts()["happiness"] == 1048
    with pytest.raises(ValueError, match=r"conditions=\['Q'\] must be some of P \(natural"):
        load_msp_improv(whole, conditions=["Q"])


def test_a_turn_is_read_from_its_name_and_its_line(small):
    label_file = small / "Evalution.txt"
    lines = label_file.read_text().splitlines()
    turn = lines[0].partition(";")[0].removeprefix("UTD-IMPROV-").removesuffix(".avi")
    lines[0] = f"UTD-IMPROV-{turn}.avi; H; A:4.5; V:NaN; D:2.25 ; N:1.0;"
    label_file.write_text("\n".join(lines))
    label_file.rename(small / "Evaluation.txt")
    targets = ["emotion", "intended", "condition", "arousal", "valence", "dominance", "naturalness"]
    with pytest.warns(UnlabeledRowsWarning):
        X, y = load_msp_improv(small, target=targets, return_X_y=True)
    row = y.xs(f"MSP-IMPROV-{turn}", level="turn").iloc[0]
    assert row[["emotion", "condition"]].tolist() == ["happiness", "target improvised"]
    assert row[["arousal", "dominance", "naturalness"]].tolist() == [4.5, 2.25, 1.0]
    assert row[["valence"]].isna().all()
    assert X["dialogue"].iloc[0].startswith(X["audio"].iloc[0].split("/")[-3])


def test_missing_sound_labels_and_videos_are_named(small):
    sounds = sorted(small.rglob("*.wav"))
    sounds[0].unlink()
    for path in sounds[2:]:
        path.with_suffix(".avi").touch()
    extra = small / "MSP-IMPROV-S01A-F01-P-FM99.wav"
    extra.touch()
    expected = r"1 audio files \(.*\); 1 labels \(MSP-IMPROV-S01A-F01-P-FM99\); 2 videos"
    with (
        pytest.warns(IncompleteCorpusWarning, match=expected),
        pytest.warns(UnlabeledRowsWarning),
    ):
        bunch = load_msp_improv(small, video=True)
    assert bunch.data.columns[:2].tolist() == ["audio", "face"]
    assert len(bunch.missing) == 4
    assert sounds[0].name in bunch.missing
    with pytest.raises(FileNotFoundError, match="incomplete"):
        load_msp_improv(small, strict=True)


def test_bad_input_is_named(small, tmp_path):
    label_file = small / "Evalution.txt"
    good = label_file.read_text()
    label_file.write_text(good.replace(".avi; A;", ".avi; Q;", 1))
    with pytest.raises(ValueError, match="unknown emotion code 'Q'; known are A, H, N, O, S, X"):
        load_msp_improv(small)
    label_file.write_text(good.replace("; A:", "; ", 1))
    with pytest.raises(ValueError, match=r"Line 1 of .*is not a label of MSP-IMPROV"):
        load_msp_improv(small)
    label_file.write_text(good)
    bad = small / "MSP-IMPROV-S01Q-F01-P-FM01.wav"
    bad.touch()
    with pytest.raises(ValueError, match="unknown intended emotion code 'Q'"):
        load_msp_improv(small)
    bad.unlink()
    label_file.unlink()
    with pytest.raises(FileNotFoundError, match=r"Evalution\.txt or Evaluation\.txt"):
        load_msp_improv(small)
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(FileNotFoundError, match="no files at all"):
        load_msp_improv(empty)
