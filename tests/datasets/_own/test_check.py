import warnings

import numpy as np
import pandas as pd
import pytest
import soundfile

from emoest.datasets import check_corpus
from emoest.utils import with_groups


@pytest.fixture
def folder(tmp_path):
    generator = np.random.RandomState(0)
    for name in ("a", "b"):
        soundfile.write(tmp_path / f"{name}.wav", 0.1 * generator.randn(4000), 8000)
    whole = (tmp_path / "a.wav").read_bytes()
    (tmp_path / "same.wav").write_bytes(whole)
    (tmp_path / "empty.wav").touch()
    (tmp_path / "words.wav").write_text("these are words")
    return tmp_path


def corpus(folder, *names, **columns):
    cells = [None if name is None else str(folder / name) for name in names]
    return pd.DataFrame({"audio": cells, **columns}, index=[f"r{i}" for i in range(len(names))])


def test_a_good_corpus_gives_an_empty_table(folder):
    bad = check_corpus(corpus(folder, "a.wav", "b.wav", None, speaker=["1", "2", "2"]))
    assert bad.empty
    assert bad.columns.tolist() == ["row", "column", "item", "problem"]


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_bad_files_are_listed_in_order_with_row_file_and_reason(folder, n_jobs):
    names = ["a.wav", "empty.wav", "gone.wav", "words.wav", "b.wav#t=0.1,9", "b.wav"]
    X = corpus(folder, *names, text=["fine", "", "ok", "f\N{REPLACEMENT CHARACTER}r", "ok", "ok"])
    bad = check_corpus(X, n_jobs=n_jobs)
    assert bad["row"].tolist() == [1, 2, 3, 3, 4]
    assert bad.index.tolist() == ["r1", "r2", "r3", "r3", "r4"]
    assert bad["column"].tolist() == ["audio", "audio", "audio", "text", "audio"]
    assert bad["item"].iloc[0] == str(folder / "empty.wav")
    reasons = ["is empty (0 bytes)", "is not there", "not audio", "lost", "outside"]
    for reason, problem in zip(reasons, bad["problem"], strict=True):
        assert reason in problem
    assert "row 2, column 'audio'" in bad["problem"].iloc[1]
    assert X.drop(bad.index).index.tolist() == ["r0", "r5"]


@pytest.mark.parametrize(
    ("samples", "silent"),
    [
        (np.zeros(8000), True),
        (np.full(8000, 0.3), True),
        (np.random.RandomState(0).choice([0, 1 / 32768], 8000), True),
        (np.column_stack([np.sin(np.arange(8000)), -np.sin(np.arange(8000))]), True),
        (np.eye(1, 8000)[0] * 0.01, False),
        (0.001 * np.sin(np.arange(8000)), False),
    ],
    ids=["zeros", "constant", "dither", "antiphase", "click", "quiet"],
)
def test_silent_clips_are_listed(tmp_path, samples, silent):
    soundfile.write(tmp_path / "a.wav", samples, 8000, subtype="FLOAT")
    cells = [str(tmp_path / "a.wav"), (np.asarray(samples), 8000)]
    bad = check_corpus(pd.DataFrame({"audio": pd.Series(cells, dtype=object)}))
    assert bad["row"].tolist() == ([0, 1] if silent else [])
    assert bad["problem"].str.contains("is silent").all()


def test_blank_texts_are_missing_as_none_is():
    assert check_corpus(pd.DataFrame({"text": ["Oh.", "", " ", None]})).empty


@pytest.mark.parametrize("where", ["column", "index"])
def test_speakers_that_determine_the_label_are_said(where):
    speakers = np.repeat([f"s{i:02d}" for i in range(29)], 4)
    labels = np.repeat([f"e{i % 4}" for i in range(29)], 4)
    X = pd.DataFrame({"text": [f"text {i}" for i in range(116)], "speaker": speakers})
    if where == "index":
        X = with_groups(X).drop(columns="speaker")
    with pytest.warns(UserWarning, match="29 of 29 speakers have one label only"):
        assert check_corpus(X, labels).empty
    with pytest.warns(UserWarning, match="29 of 29 speakers"):
        check_corpus(X, pd.DataFrame({"mixed": np.tile(list("abcd"), 29), "emotion": labels}))
    with warnings.catch_warnings(action="error"):
        check_corpus(X, pd.Series(np.tile(list("abcd"), 29)))
        check_corpus(X)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        check_corpus(X, labels[:3])


def test_spellings_of_one_name_are_said():
    X = pd.DataFrame({"text": ["a", "b"], "speaker": ["s1", "S1"]})
    with pytest.warns(UserWarning, match="'s1' and 'S1'"):
        check_corpus(X)
    with pytest.warns(UserWarning, match="'Sad' and 'sad'"):
        check_corpus(X.drop(columns="speaker"), ["Sad", "sad"])


def test_files_that_break_off_are_found(folder):
    flac = folder / "long.flac"
    soundfile.write(flac, 0.1 * np.random.RandomState(1).randn(80000), 8000)
    flac.write_bytes(flac.read_bytes()[:40000])
    assert check_corpus(corpus(folder, "long.flac"))["row"].tolist() == [0]


def test_equal_files_of_different_rows_are_listed(folder):
    bad = check_corpus(corpus(folder, "a.wav", "b.wav", "same.wav", "a.wav#t=0,0.2"))
    assert bad["row"].tolist() == [2]
    assert f"same bytes as that of row 0, '{folder / 'a.wav'}'" in bad["problem"].item()


def test_lists_arrays_and_other_modalities(folder):
    eeg = folder / "trial.npy"
    np.save(eeg, np.ones((4, 100)))
    np.save(folder / "flat.npy", np.array("text"))
    X = pd.DataFrame(
        {
            "audio": [[str(folder / "a.wav"), str(folder / "empty.wav")], np.array([0.0, np.nan])],
            "eeg": [str(eeg), str(folder / "flat.npy")],
            "note": ["just words", 3.0],
        }
    )
    bad = check_corpus(X)
    assert bad[["row", "column"]].to_numpy().tolist() == [
        [0, "audio"],
        [1, "audio"],
        [1, "eeg"],
        [1, "note"],
    ]
    assert bad["item"].tolist()[1] == "ndarray (2,)"
    assert "NaN" in bad["problem"].iloc[1]


def test_progress_is_shown_on_request(folder, capsys):
    check_corpus(corpus(folder, "a.wav"), verbose=1)
    assert "check_corpus" in capsys.readouterr().err
    check_corpus(corpus(folder, "a.wav"))
    assert capsys.readouterr().err == ""


@pytest.mark.real_data
def test_the_duplicated_clip_of_ravdess_is_found(real_data):
    files = sorted((real_data / "ravdess" / "speech_16k_flac").glob("03-01-03-01-02-*-07.flac"))
    X = pd.DataFrame({"audio": [str(path) for path in files]})
    bad = check_corpus(X)
    assert len(files) == 2
    assert bad["row"].tolist() == [1]
    assert "03-01-03-01-02-01-07.flac" in bad["problem"].item()


@pytest.mark.real_data
def test_real_video(real_data):
    pytest.importorskip("av")
    pytest.importorskip("PIL")
    clip = real_data / "cremad_sample" / "1001_DFA_ANG_XX.flv"
    X = pd.DataFrame({"face": [str(clip), str(clip.with_suffix(".wav"))]})
    assert check_corpus(X)["row"].tolist() == [1]
