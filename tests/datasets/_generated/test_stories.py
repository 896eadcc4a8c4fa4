import hashlib
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

import emoest.datasets._generated.stories as module
from emoest.datasets import list_corpora, make_stories
from emoest.tables.cells import is_missing

SMALL = {"n_speakers": 3, "n_stories": 2, "chunk_seconds": 1.0}


def files(folder):
    return sorted(path for path in Path(folder).rglob("*") if path.is_file())


def digests(folder):
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files(folder)
    }


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stories")
    return folder, make_stories(folder, **SMALL)


@pytest.fixture
def count(monkeypatch):
    """Count the chunks that are synthesized."""
    calls = []
    original = module.synthesize

    def counted(*arguments):
        calls.append(arguments)
        return original(*arguments)

    monkeypatch.setattr(module, "synthesize", counted)
    return calls


def test_what_comes_back(made):
    folder, bunch = made
    X, y = bunch.data, bunch.target
    assert list(X.columns) == ["audio", "text", "speaker", "split"]
    assert X.index.names == ["story", "group"]
    assert X.index.get_level_values("group").tolist() == X["speaker"].tolist()
    assert list(y.columns) == ["valence", "arousal"]
    assert y.index.equals(X.index)
    assert set(np.unique(y)) <= {"low", "medium", "high"}
    assert {name: rows.tolist() for name, rows in bunch.splits.items()} == {
        "train": [0, 1],
        "devel": [2, 3],
        "test": [4, 5],
    }
    assert X["split"].tolist() == ["train"] * 2 + ["devel"] * 2 + ["test"] * 2
    assert bunch.record.n_speakers == 3
    assert sum(bunch.record.sizes["arousal"].values()) == 6
    assert "stories" in list_corpora()
    for paths in X["audio"]:
        assert isinstance(paths, list)
        assert 3 <= len(paths) <= 4
        assert all(Path(path).is_relative_to(folder) for path in paths)


def test_sound_can_be_played(made):
    _, bunch = made
    for path in np.concatenate(bunch.data["audio"].to_list()):
        info = soundfile.info(path)
        assert (info.format, info.subtype, info.samplerate) == ("FLAC", "PCM_16", 16000)
        assert 0.8 <= info.frames / 16000 <= 1.2
        signal, _ = soundfile.read(path)
        assert 0.01 < np.abs(signal).max() < 0.96


def test_label_file_has_the_columns_of_the_original(made):
    folder, bunch = made
    (path,) = folder.glob("*/lab/labels.csv")
    labels = pd.read_csv(path)
    columns = ["filename_audio", "filename_text", "partition", "V_cat", "A_cat"]
    assert list(labels.columns) == [*columns, "V_cat_no", "A_cat_no", "text"]
    assert len(labels) == sum(map(len, bunch.data["audio"]))
    assert (labels["filename_audio"].str.split("_").str[0] == labels["partition"]).all()
    first = labels.groupby("filename_text").first()
    for (story, _), row in bunch.frame.iterrows():
        assert first.loc[story, "V_cat"] == row["valence"][0].upper()
        assert first.loc[story, "A_cat_no"] == ["low", "medium", "high"].index(row["arousal"])
        assert first.loc[story, "text"] == row["text"]


def test_same_seed_same_bytes(made, tmp_path):
    folder, bunch = made
    again = make_stories(tmp_path, **SMALL)
    assert digests(folder) == digests(tmp_path)
    assert again.target.equals(bunch.target)
    assert again.data["text"].equals(bunch.data["text"])
    other = make_stories(tmp_path, **SMALL, random_state=1)
    assert other.data["text"].tolist() != bunch.data["text"].tolist()


def test_nothing_is_made_twice(tmp_path, count):
    first = make_stories(tmp_path, **SMALL)
    n_chunks = len(count)
    assert n_chunks == sum(map(len, first.data["audio"]))
    times = {path: path.stat().st_mtime_ns for path in files(tmp_path)}
    again = make_stories(tmp_path, **SMALL, target="arousal", missing=0.5)
    assert len(count) == n_chunks
    assert {path: path.stat().st_mtime_ns for path in files(tmp_path)} == times
    assert again.target.equals(first.target["arousal"])
    make_stories(tmp_path, **{**SMALL, "difficulty": 0.9})
    assert len(count) > n_chunks
    assert len(list(tmp_path.iterdir())) == 2


def test_interrupted_work_is_resumed(tmp_path, monkeypatch, count):
    original = module._write_flac

    def interrupted(path, signal, sampling_rate):
        original(path, signal[: len(signal) // 2], sampling_rate)
        if len(count) == 4:
            raise KeyboardInterrupt
        original(path, signal, sampling_rate)

    monkeypatch.setattr(module, "_write_flac", interrupted)
    with pytest.raises(KeyboardInterrupt):
        make_stories(tmp_path, **SMALL)
    assert len(files(tmp_path)) == 3
    monkeypatch.setattr(module, "_write_flac", original)
    X, _ = make_stories(tmp_path, **SMALL, return_X_y=True)
    n_chunks = sum(map(len, X["audio"]))
    assert len(count) == 4 + n_chunks - 3
    whole = digests(tmp_path)
    assert not [name for name in whole if name.endswith(".tmp")]
    make_stories(tmp_path / "other", **SMALL)
    assert (
        digests(tmp_path / "other").items()
        <= {name.removeprefix("other/"): value for name, value in digests(tmp_path).items()}.items()
    )


def test_lost_and_damaged_files_are_made_again(tmp_path, count):
    X, _ = make_stories(tmp_path, **SMALL, return_X_y=True)
    before = digests(tmp_path)
    paths = X["audio"].iloc[0]
    Path(paths[0]).unlink()
    Path(paths[1]).write_bytes(Path(paths[1]).read_bytes()[:100])
    made_before = len(count)
    make_stories(tmp_path, **SMALL)
    assert len(count) == made_before + 2
    assert digests(tmp_path) == before
    (manifest,) = tmp_path.glob("*/manifest.json")
    manifest.write_text("{")
    make_stories(tmp_path, **SMALL)
    assert json.loads(manifest.read_text())["n_speakers"] == 3


def test_missing_modalities(tmp_path):
    make = {**SMALL, "n_speakers": 10, "n_stories": 1}
    whole, _ = make_stories(tmp_path, **make, return_X_y=True)
    X, y = make_stories(tmp_path, **make, missing={"audio": 0.3, "text": 0.1}, return_X_y=True)
    absent = X[["audio", "text"]].map(is_missing)
    assert absent.sum().to_dict() == {"audio": 3, "text": 1}
    assert not absent.all(axis=1).any()
    assert X["audio"][~absent["audio"]].equals(whole["audio"][~absent["audio"]])
    assert not y.isna().any(axis=None)
    X, _ = make_stories(tmp_path, **make, missing=0.5, return_X_y=True)
    absent = X[["audio", "text"]].map(is_missing)
    assert (absent.sum(axis=1) == 1).all()
    assert X["speaker"].equals(whole["speaker"])


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"target": "mood"}, "choose one or several of valence, arousal"),
        ({"missing": {"face": 0.1}}, "names 'face'; the modalities are audio, text"),
        ({"missing": {"text": 1.1}}, r"missing\['text'\] must be a fraction from 0 to 1"),
        ({"n_speakers": 2}, "n_speakers"),
        ({"difficulty": 1.5}, "difficulty"),
        ({"chunk_seconds": 0.5}, "chunk_seconds"),
    ],
)
def test_bad_arguments_write_nothing(tmp_path, parameters, message):
    with pytest.raises(ValueError, match=message):
        make_stories(tmp_path, **{**SMALL, **parameters})
    assert files(tmp_path) == []


def test_one_target_and_other_rates(tmp_path):
    X, y = make_stories(
        tmp_path, **SMALL, target="valence", sampling_rate=8000, random_state=7, return_X_y=True
    )
    assert y.name == "valence"
    assert soundfile.info(X["audio"].iloc[0][0]).samplerate == 8000


def test_progress_is_quiet_by_default(tmp_path, capsys):
    make_stories(tmp_path, **SMALL)
    assert capsys.readouterr() == ("", "")
    make_stories(tmp_path, **SMALL, random_state=3, verbose=1)
    assert "stories" in capsys.readouterr().err


def test_random_state_none_and_instance(tmp_path):
    one = make_stories(tmp_path, **SMALL, random_state=None)
    two = make_stories(tmp_path, **SMALL, random_state=None)
    assert one.data["text"].tolist() != two.data["text"].tolist()
    three = make_stories(tmp_path, **SMALL, random_state=np.random.RandomState(0))
    four = make_stories(tmp_path, **SMALL, random_state=0)
    assert three.data["text"].tolist() == four.data["text"].tolist()
