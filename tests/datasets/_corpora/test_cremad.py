import shutil
import warnings

import pytest

from emoest.datasets import (
    IncompleteCorpusWarning,
    check_corpus,
    corpus_record,
    load_cremad,
    make_cremad_like,
)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return make_cremad_like(tmp_path_factory.mktemp("cremad"))


@pytest.mark.parametrize("target", ["emotion", "intensity"])
def test_a_full_tree_has_the_counts_of_the_record(whole, target):
    with warnings.catch_warnings(action="error"):
        bunch = load_cremad(whole, target=target, strict=True)
    record = corpus_record("cremad")
    assert bunch.target.value_counts().to_dict() == dict(record.sizes[target])
    assert len(bunch.data) == record.n_samples["all"]
    assert bunch.groups.nunique() == record.n_speakers == 91
    sexes = bunch.frame.groupby("speaker")["sex"].first().value_counts().to_dict()
    assert sexes == {"male": 48, "female": 43}


def test_the_clip_with_the_irregular_name_is_read(whole):
    frame = load_cremad(whole).frame.xs("1040_ITH_SAD_X", level="clip")
    assert frame[["emotion", "intensity", "speaker"]].iloc[0].tolist() == [
        "sadness",
        "unspecified",
        "1040",
    ]


@pytest.fixture
def part(tmp_path):
    for name in ("1001_IEO_HAP_HI.wav", "1002_DFA_ANG_XX.wav", "1002_DFA_ANG_XX.mp3"):
        (tmp_path / name).touch()
    (tmp_path / "1002_DFA_ANG_XX.flv").touch()
    return tmp_path


def test_without_the_list_clips_are_counted(part):
    with pytest.warns(IncompleteCorpusWarning, match="7440 of 7442 that cannot be named") as caught:
        X, y = load_cremad(part, target=["emotion", "intensity"], return_X_y=True)
    assert len(caught) == 1
    assert y.to_numpy().tolist() == [["happiness", "high"], ["anger", "unspecified"]]
    assert X["text"].tolist() == ["It's eleven o'clock.", "Don't forget a jacket."]
    assert all(path.endswith(".wav") for path in X["audio"])


def test_with_the_list_missing_clips_are_named(part):
    rows = ['1,"1001_IEO_HAP_HI"', '2,"1002_DFA_ANG_XX"', '3,"1003_DFA_ANG_XX"']
    (part / "SentenceFilenames.csv").write_text("\n".join(['"Stimulus_Number","Filename"', *rows]))
    with pytest.warns(IncompleteCorpusWarning, match=r"1 clips \(1003_DFA_ANG_XX\)"):
        assert load_cremad(part).missing == ["1003_DFA_ANG_XX"]
    with pytest.raises(FileNotFoundError, match="1003_DFA_ANG_XX"):
        load_cremad(part, strict=True)


def test_videos_stand_in_a_column_of_faces(part):
    with pytest.warns(IncompleteCorpusWarning, match=r"1 videos \(1001_IEO_HAP_HI\)"):
        X = load_cremad(part, video=True).data
    assert X.columns.tolist() == ["audio", "face", "text", "speaker"]
    assert X["face"].isna().tolist() == [True, False]


@pytest.mark.filterwarnings("ignore::emoest.datasets.IncompleteCorpusWarning")
def test_other_formats_do_where_there_is_no_wav(part):
    for path in part.glob("*.wav"):
        path.unlink()
    assert load_cremad(part).data["audio"].item().endswith("1002_DFA_ANG_XX.mp3")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("1001_DFA_JOY_XX.wav", "unknown emotion code 'JOY'"),
        ("1001_ABC_ANG_XX.wav", "unknown sentence code 'ABC'"),
        ("1092_DFA_ANG_XX.wav", "unknown actor code '1092'"),
        ("1001_DFA_ANG_ZZ.wav", "unknown intensity code 'ZZ'"),
    ],
)
def test_unknown_codes_name_the_file(part, name, message):
    (part / name).touch()
    with pytest.raises(ValueError, match=f"{name}.*{message}"):
        load_cremad(part)


def test_a_wrong_folder_says_what_was_found(tmp_path):
    (tmp_path / "a.txt").touch()
    with pytest.raises(FileNotFoundError, match=r"names like '1001_DFA_ANG_XX\.wav'.*1 \.txt"):
        load_cremad(tmp_path)
    with pytest.raises(NotADirectoryError, match="is a file"):
        load_cremad(tmp_path / "a.txt")


@pytest.mark.real_data
@pytest.mark.filterwarnings("ignore::emoest.datasets.IncompleteCorpusWarning")
def test_the_real_sample(real_data, tmp_path):
    X, y = load_cremad(real_data / "cremad_sample", return_X_y=True)
    assert sorted(X["speaker"].value_counts().items()) == [("1001", 6), ("1002", 6)]
    assert y.value_counts().to_dict() == dict.fromkeys(corpus_record("cremad").labels["emotion"], 2)
    assert set(X["text"]) == {"Don't forget a jacket."}
    assert check_corpus(X, n_jobs=2).empty
    broken = tmp_path / "1001_DFA_ANG_XX.wav"
    broken.write_bytes(bytes(range(256)) * 20)
    shutil.copy(real_data / "cremad_sample" / "1002_DFA_ANG_XX.mp3", tmp_path)
    bad = check_corpus(load_cremad(tmp_path).data)
    assert bad["item"].tolist() == [str(broken)]
    assert "libsndfile" in bad["problem"].item()
