import csv
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn import config_context
from sklearn.dummy import DummyClassifier
from sklearn.model_selection import check_cv, cross_validate

from emoest.datasets import (
    EmoBoxFolds,
    IncompleteCorpusWarning,
    LeaveOneSessionOut,
    LeaveOneSpeakerOut,
    OfficialSplit,
    UnlabeledRowsWarning,
    corpus_record,
    list_corpora,
    load_compare2020,
    load_emodb,
    load_emorynlp,
    load_iemocap,
    load_meld,
    load_msp_improv,
    load_ravdess,
    load_seed4,
    make_compare2020_like,
    make_iemocap_like,
    make_mosi_sequences,
    make_msp_improv_like,
    make_seed4_like,
    make_stories,
)
from emoest.datasets._splits import RAVDESS_EMOBOX_ACTORS
from emoest.evaluation import evaluate
from emoest.tables.groups import NotSpeakerIndependentWarning

QUIET = pytest.mark.filterwarnings(
    "ignore::emoest.datasets.UnlabeledRowsWarning",
    "ignore::emoest.datasets.IncompleteCorpusWarning",
)


def load_dyadic(name, folder):
    make, load = {
        "iemocap": (make_iemocap_like, load_iemocap),
        "msp_improv": (make_msp_improv_like, load_msp_improv),
    }[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnlabeledRowsWarning)
        return load(make(folder, scale=0.02), drop_unlabeled=True, return_X_y=True)


def assert_partition(X, *parts):
    rows = np.concatenate(parts)
    assert sorted(rows.tolist()) == list(range(len(X)))


@pytest.mark.parametrize(("name", "n_sessions"), [("iemocap", 5), ("msp_improv", 6)])
def test_dyadic_corpora_split_by_session_and_by_speaker(tmp_path, name, n_sessions):
    X, y = load_dyadic(name, tmp_path)
    speakers, sessions = X["speaker"].to_numpy(), X["session"].to_numpy()
    with warnings.catch_warnings(action="error"):
        by_session = list(LeaveOneSessionOut().split(X, y))
        by_speaker = list(LeaveOneSpeakerOut().split_validation(X, y))
        short = list(LeaveOneSpeakerOut().split(X, y))
        long = list(LeaveOneSpeakerOut(twin="train").split(X, y))
    assert LeaveOneSessionOut().get_n_splits(X) == len(by_session) == n_sessions
    assert LeaveOneSpeakerOut().get_n_splits(X) == len(by_speaker) == 2 * n_sessions
    for train, test in by_session:
        assert_partition(X, train, test)
        assert len(set(sessions[test])) == 1
        assert not set(sessions[train]) & set(sessions[test])
        assert not set(speakers[train]) & set(speakers[test])
    for parts, (train, test), (more, test_again) in zip(by_speaker, short, long, strict=True):
        assert_partition(X, *parts)
        names = [set(speakers[rows]) for rows in parts]
        assert [len(part) for part in names] == [2 * n_sessions - 2, 1, 1]
        assert len(set.union(*names)) == 2 * n_sessions
        assert set(sessions[parts[1]]) == set(sessions[parts[2]])
        assert not set(sessions[parts[0]]) & set(sessions[parts[2]])
        np.testing.assert_array_equal(train, parts[0])
        np.testing.assert_array_equal(test, parts[2])
        np.testing.assert_array_equal(test_again, parts[2])
        np.testing.assert_array_equal(more, np.sort(np.concatenate(parts[:2])))


def test_splitters_work_in_scikit_learn(tmp_path):
    X, y = load_dyadic("iemocap", tmp_path)
    for cv, n_splits in ((LeaveOneSessionOut(), 5), (LeaveOneSpeakerOut(), 10)):
        assert check_cv(cv) is cv
        scores = cross_validate(DummyClassifier(), X, y, groups=X["speaker"], cv=cv)
        assert len(scores["test_score"]) == n_splits
        with config_context(enable_metadata_routing=True):
            params = {"groups": X["speaker"]}
            routed = cross_validate(DummyClassifier(), X, y, params=params, cv=cv)
        np.testing.assert_array_equal(routed["test_score"], scores["test_score"])
    result = evaluate(DummyClassifier(), X, y, groups=X["speaker"], cv=LeaveOneSpeakerOut())
    assert "uar" in str(result).lower()
    assert repr(LeaveOneSpeakerOut(twin="train")) == (
        "LeaveOneSpeakerOut(column='session', twin='train')"
    )


@pytest.mark.parametrize("stories", [False, True])
def test_the_partitions_of_compare_keep_speakers_apart(tmp_path, stories):
    if stories:
        bunch = make_stories(tmp_path, n_speakers=6, n_stories=1, chunk_seconds=1.0)
    else:
        bunch = load_compare2020(make_compare2020_like(tmp_path))
    X = bunch.data
    with warnings.catch_warnings(action="error"):
        ((train, devel),) = OfficialSplit().split(X)
        ((both, test),) = OfficialSplit(train=("train", "devel"), test="test").split(X)
    for part, rows in zip(("train", "devel", "test"), (train, devel, test), strict=True):
        np.testing.assert_array_equal(rows, bunch.splits[part])
    assert_partition(X, both, test)
    assert not set(bunch.groups.iloc[both]) & set(bunch.groups.iloc[test])
    assert not set(bunch.groups.iloc[train]) & set(bunch.groups.iloc[devel])


APART = {"compare2020", "stories", "mosi_sequences"}
APART_BY_VIDEO = {"mosi", "mosi_features", "mosei"}
SHARED = {"meld", "emorynlp", "seed4"}
NOBODY_KNOWS = {"goemotions", "fer2013", "ferplus", "mfn_mmmo", "mfn_youtube"}


def test_of_all_official_partitions_it_is_known_whether_they_share_speakers():
    with_parts = {name for name in list_corpora() if corpus_record(name).splits}
    assert with_parts == APART | APART_BY_VIDEO | SHARED | NOBODY_KNOWS
    for name in SHARED | {"goemotions", "mfn_mmmo", "mfn_youtube"}:
        words = corpus_record(name).notes.lower()
        assert any(word in words for word in ("speakers", "person", "who wrote", "writers")), name


def load_shared(name, folder):
    """A few rows of a corpus whose official partitions have the same speakers."""
    if name == "seed4":
        return load_seed4(make_seed4_like(folder, n_subjects=1)).data
    for split in ("train", "dev"):
        row = {
            "Sr No.": 1,
            "Utterance": "Oh!",
            "Speaker": "Rachel" if name == "meld" else "['Rachel Green']",
            "Emotion": "joy" if name == "meld" else "Joyful",
            "Sentiment": "positive",
            **dict.fromkeys(["Dialogue_ID", "Utterance_ID", "Season", "Episode", "Scene_ID"], 1),
            "StartTime": "00:16:16,059",
            "EndTime": "00:16:21,731",
        }
        file = f"{split}_sent_emo.csv" if name == "meld" else f"emorynlp_{split}_final.csv"
        pd.DataFrame([row]).to_csv(folder / file, index=False)
    return {"meld": load_meld, "emorynlp": load_emorynlp}[name](folder).data


@QUIET
@pytest.mark.parametrize("name", sorted(SHARED))
def test_official_partitions_that_share_speakers_say_so(tmp_path, name):
    X = load_shared(name, tmp_path)
    with pytest.warns(NotSpeakerIndependentWarning, match="1 of 1 folds have speakers in both"):
        next(OfficialSplit(test="test" if name == "seed4" else "dev").split(X))


def test_official_partitions_of_opinions_share_no_video():
    bunch = make_mosi_sequences(random_state=0)
    with warnings.catch_warnings(action="error"):
        ((train, test),) = OfficialSplit(("train", "valid"), "test").split(bunch.data)
    assert_partition(bunch.data, train, test)
    assert not set(bunch.groups.iloc[train]) & set(bunch.groups.iloc[test])


def test_unknown_partitions_and_overlaps_are_errors():
    X = pd.DataFrame({"split": ["train", "devel"], "speaker": ["a", "a"]})
    with pytest.raises(ValueError, match="'split', which has devel, train"):
        next(OfficialSplit(test="test").split(X))
    with pytest.raises(ValueError, match="different partitions"):
        next(OfficialSplit(train=("train", "devel")).split(X))
    with pytest.warns(NotSpeakerIndependentWarning, match=r"1 of 1 folds .*\(partition devel: a\)"):
        next(OfficialSplit().split(X))
    with pytest.raises(ValueError, match="pass X to get_n_splits"):
        OfficialSplit().get_n_splits()


@pytest.mark.parametrize("name", sorted(n for n in list_corpora() if corpus_record(n).splits))
def test_without_settings_the_part_for_development_is_predicted(name):
    parts = list(corpus_record(name).splits)
    X = pd.DataFrame({"split": parts})
    if parts == ["train", "test"]:
        with pytest.raises(ValueError, match=r"none of which is .*OfficialSplit\(test='test'\)"):
            next(OfficialSplit().split(X))
        parts.insert(1, "test")
        splitter = OfficialSplit(test="test")
    else:
        splitter = OfficialSplit()
    ((train, test),) = splitter.split(X)
    assert X["split"].iloc[train].str.lower().str.startswith("train").all()
    assert X["split"].iloc[test].tolist() == [parts[1]]


def test_several_parts_for_development_are_not_chosen_from():
    X = pd.DataFrame({"split": ["train", "dev", "valid", "test"]})
    with pytest.raises(ValueError, match="several of which is for development"):
        next(OfficialSplit().split(X))
    ((_, test),) = OfficialSplit(("train", "dev")).split(X)
    assert test.tolist() == [2]
    with pytest.raises(ValueError, match="has dev, test, train, valid"):
        next(OfficialSplit("Training").split(X))


@pytest.mark.parametrize("splitter", [OfficialSplit(), LeaveOneSessionOut()])
def test_a_table_without_the_column_is_told_what_helps(splitter):
    X = pd.DataFrame({"text": ["a", "b"], "speaker": ["s", "t"]})
    with pytest.raises(ValueError, match=f"X has no column '{splitter.column}'; it has 'text'"):
        next(splitter.split(X))
    with pytest.raises(ValueError, match=r"no DataFrame but ndarray\. Split the DataFrame of the"):
        next(splitter.split(X.to_numpy()))
    X[f"text__{splitter.column}"] = ["train", "devel"]
    assert len(list(splitter.split(X))) == splitter.get_n_splits(X)


def test_speakers_come_from_groups_column_or_index():
    X = pd.DataFrame({"session": list("1122")})
    with pytest.raises(ValueError, match="finds no speakers"):
        next(LeaveOneSpeakerOut().split(X))
    given = [test.tolist() for _, test in LeaveOneSpeakerOut().split(X, groups=list("abcd"))]
    assert given == [[0], [1], [2], [3]]
    X = X.set_index(pd.Index(list("abcd"), name="group"))
    assert LeaveOneSpeakerOut().get_n_splits(X) == 4


@pytest.mark.parametrize(
    ("sessions", "speakers", "message"),
    [
        ("1123", "abac", "speaker 'a' is in the sessions 1, 2"),
        ("1122", "abcc", "speaker 'c' is alone in session '2'"),
        ("1111", "abcd", "All rows have the same session"),
    ],
)
def test_sessions_that_make_no_twins(sessions, speakers, message):
    X = pd.DataFrame({"session": list(sessions), "speaker": list(speakers)})
    with pytest.raises(ValueError, match=message):
        list(LeaveOneSpeakerOut().split(X))


def test_rows_without_a_session_and_wrong_settings_are_errors():
    X = pd.DataFrame({"session": ["1", None], "speaker": ["a", "b"]})
    with pytest.raises(ValueError, match="1 of 2 rows have no 'session'"):
        list(LeaveOneSessionOut().split(X))
    with pytest.raises(ValueError, match="must be 'validation' or 'train'"):
        list(LeaveOneSpeakerOut(twin="test").split(X))


def test_the_actor_sets_of_ravdess_are_a_partition():
    actors = [actor for fold in RAVDESS_EMOBOX_ACTORS.values() for actor in fold]
    assert sorted(actors) == [f"{actor:02d}" for actor in range(1, 25)]


def test_folds_of_a_file(tmp_path):
    path = tmp_path / "folds.csv"
    path.write_text("file,test_fold,label\na.wav,1,x\nb.wav,2,x\nc.wav,10,x\nd.wav,2,x\n")
    X = pd.DataFrame({"speaker": list("abcd")}, index=pd.Index(list("dcba"), name="clip"))
    folds = EmoBoxFolds(path)
    assert [test.tolist() for _, test in folds.split(X)] == [[3], [0, 2], [1]]
    assert folds.get_n_splits(X) == 3
    with pytest.raises(ValueError, match="index level 'clip' that names them, but has"):
        list(folds.split(X.reset_index(drop=True)))
    with pytest.raises(ValueError, match=r"1 rows of X are in no fold of EmoBox: c"):
        list(EmoBoxFolds({"a.wav": 1, "b.wav": 2, "d.wav": 2}).split(X))
    path.write_text("name,fold\n")
    with pytest.raises(ValueError, match="lack the columns file, test_fold"):
        list(folds.split(X))
    with pytest.raises(ValueError, match="sets of actors: X needs a column 'speaker'"):
        list(EmoBoxFolds("ravdess").split(X[[]]))


@QUIET
@pytest.mark.real_data
def test_emobox_folds_of_ravdess_are_the_public_ones_and_keep_actors_apart(real_data):
    path = real_data / "emobox_folds" / "ravdess.csv"
    with open(path, encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    X = load_ravdess(real_data / "ravdess").data
    with warnings.catch_warnings(action="error"):
        public = list(EmoBoxFolds(path).split(X))
        built_in = list(EmoBoxFolds("ravdess").split(X))
    assert len(public) == len(built_in) == 6
    for (train, test), (train_again, test_again) in zip(public, built_in, strict=True):
        np.testing.assert_array_equal(test, test_again)
        np.testing.assert_array_equal(train, train_again)
        assert_partition(X, train, test)
        assert not set(X["speaker"].iloc[train]) & set(X["speaker"].iloc[test])
    every = {row["file"][18:20]: row["test_fold"] for row in rows}
    assert len(rows) == 1440
    assert every == {a: fold for fold, actors in RAVDESS_EMOBOX_ACTORS.items() for a in actors}


@QUIET
@pytest.mark.real_data
def test_emobox_folds_of_emodb_mix_speakers_and_say_so(real_data):
    X = load_emodb(real_data / "emodb").data
    folds = EmoBoxFolds(real_data / "emobox_folds" / "emodb.csv")
    with pytest.warns(NotSpeakerIndependentWarning, match="5 of 5 folds have speakers") as caught:
        parts = list(folds.split(X))
    assert len(caught) == 1
    assert len(parts) == 5
    assert sum(len(test) for _, test in parts) == len(X)


def test_incomplete_corpora_keep_their_folds(tmp_path):
    for actor in ("01", "04"):
        (tmp_path / f"03-01-01-01-01-01-{actor}.wav").touch()
    with pytest.warns(IncompleteCorpusWarning):
        X = load_ravdess(tmp_path).data
    assert [test.tolist() for _, test in EmoBoxFolds().split(X)] == [[0], [1]]
