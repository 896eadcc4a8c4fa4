import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from emoest.datasets import IncompleteCorpusWarning, corpus_record, load_emodb
from emoest.datasets._corpora.emodb import AMBIGUOUS, EMOTIONS, N_FILES, TEXTS


@pytest.fixture
def corpus(tmp_path):
    """Names of the official shape, as many of each speaker and emotion as the corpus has."""
    speakers = [speaker for speaker, count in N_FILES.items() for _ in range(count)]
    sizes = corpus_record("emodb").sizes["emotion"]
    codes = [code for code, label in EMOTIONS.items() for _ in range(sizes[label])]
    texts = list(TEXTS)
    for number, (speaker, code) in enumerate(zip(speakers, codes, strict=True)):
        text, version = texts[number % 10], "abcdefghijklmnopqrstuvwxyz"[number // 10 % 26]
        (tmp_path / f"{speaker}{text}{code}{version}.wav").touch()
    return tmp_path


def test_complete_corpus(corpus):
    with warnings.catch_warnings(action="error"):
        bunch = load_emodb(corpus, strict=True)
    assert len(bunch.data) == sum(N_FILES.values()) == 535
    assert bunch.target.value_counts().to_dict() == dict(corpus_record("emodb").sizes["emotion"])
    assert list(bunch.data.columns) == ["audio", "text", "speaker"]
    assert bunch.data.index.names == ["clip", "group"]
    assert bunch.groups.value_counts().to_dict() == N_FILES
    assert bunch.missing == []


def test_letter_codes(tmp_path):
    codes = {"W": "anger", "L": "boredom", "E": "disgust", "A": "fear", "F": "happiness"}
    codes |= {"N": "neutral", "T": "sadness"}
    for code in codes:
        (tmp_path / f"16b10{code}b.wav").touch()
    with pytest.warns(IncompleteCorpusWarning):
        X, y = load_emodb(tmp_path, return_X_y=True)
    for (clip, group), emotion in y.items():
        assert emotion == codes[clip[5]]
        assert group == "16"
    assert set(X["text"]) == {TEXTS["b10"]}


def test_half_copied_corpus(corpus):
    for path in [*corpus.glob("03*"), *sorted(corpus.glob("10*"))[:2]]:
        path.unlink()
    with pytest.warns(IncompleteCorpusWarning) as caught:
        bunch = load_emodb(corpus)
    message = str(caught[0].message)
    assert "51 of 535 files are missing (all of speakers 03; 2 of 38 of speaker 10)" in message
    assert bunch.missing == ["49 of 49 files of speaker 03", "2 of 38 files of speaker 10"]
    with pytest.raises(FileNotFoundError, match="strict=False"):
        load_emodb(corpus, strict=True)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("03a01Xa.wav", "emotion code 'X'"),
        ("04a01Fa.wav", "speaker code '04'"),
        ("03a03Fa.wav", "sentence code 'a03'"),
    ],
)
def test_unknown_code_names_the_file(tmp_path, name, message):
    (tmp_path / name).touch()
    with pytest.raises(ValueError, match=message) as caught:
        load_emodb(tmp_path)
    assert str(tmp_path / name) in str(caught.value)


def test_wrong_folder(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"found no files at all"):
        load_emodb(tmp_path)


@pytest.fixture
def release_2(tmp_path):
    """Two clips of 1999, one that listeners did not recognize, and the laryngograms of all."""
    names = ["03a01Fa.wav", "03a01Wa.wav", "03a02Na.wav"]
    for folder in ("wav", "laryngo"):
        (tmp_path / folder).mkdir()
        for name in names:
            (tmp_path / folder / name).touch()
    table = "file,emotion,emotion.confidence\nwav/03a02Na.wav,neutral,0.4\n"
    (tmp_path / AMBIGUOUS).write_text(table)
    return tmp_path


@pytest.mark.filterwarnings("ignore::emoest.datasets.IncompleteCorpusWarning")
def test_release_2_gives_the_sound_of_recognized_clips(release_2):
    with pytest.warns(UserWarning, match=r"1 clips that .* did not recognize .*\(03a02Na\)"):
        X = load_emodb(release_2).data
    assert X["audio"].tolist() == [
        str(release_2 / "wav" / name) for name in ("03a01Fa.wav", "03a01Wa.wav")
    ]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert len(load_emodb(release_2, ambiguous=True).data) == 3
    assert [warning.category for warning in caught] == [IncompleteCorpusWarning]


def test_more_clips_than_were_recognized_are_said(corpus):
    (corpus / "03a01Ta.wav").touch()
    with pytest.warns(UserWarning, match="has 1 clips more than the 535"):
        load_emodb(corpus)


def test_several_targets(corpus):
    _, y = load_emodb(corpus, target=("emotion", "sex"), return_X_y=True)
    assert list(y.columns) == ["emotion", "sex"]
    with pytest.raises(ValueError, match="emotion, statement, sex"):
        load_emodb(corpus, target=[])


@pytest.mark.real_data
def test_real_clips(real_data):
    folder = real_data / "emodb"
    with pytest.warns(IncompleteCorpusWarning, match="all of speakers 03, 09"):
        bunch = load_emodb(folder)
    assert bunch.groups.nunique() == 8
    meta = pd.read_csv(folder / "meta.csv", dtype={"speaker": str}).set_index("file")
    names = [f"{clip}.wav" for clip in bunch.data.index.get_level_values("clip")]
    np.testing.assert_array_equal(meta.loc[names, "emotion"], bunch.target)
    np.testing.assert_array_equal(meta.loc[names, "text_code"], bunch.frame["statement"])
    np.testing.assert_array_equal(meta.loc[names, "sex"], bunch.frame["sex"].str[0])
    assert all(Path(path).suffix == ".flac" for path in bunch.data["audio"])
