import numpy as np
import pandas as pd
import pytest

from emoest.datasets import IncompleteCorpusWarning, corpus_record, load_ravdess_av_features
from emoest.datasets._corpora.ravdess import ACTORS, EMOTIONS
from emoest.datasets._corpora.ravdess_av import N_FEATURES
from emoest.tables.names import find_modalities

RECORD = corpus_record("ravdess_av_features")


def table(suffix, n_features, actors=ACTORS):
    rng = np.random.RandomState(0)
    rows = [
        (f"01-01-{code}-{intensity:02d}-01-01-{actor}{suffix}", emotion, intensity, int(actor))
        for actor in actors
        for code, emotion in EMOTIONS.items()
        for intensity in (1, 2)
        if (emotion, intensity) != ("neutral", 2)
    ]
    features = pd.DataFrame(
        rng.normal(size=(len(rows), n_features)), columns=[f"f{i}" for i in range(n_features)]
    )
    labels = pd.DataFrame(rows, columns=["file", "emotion", "intensity", "actor"])
    labels["gender"] = ["female" if n % 2 == 0 else "male" for n in labels["actor"]]
    return pd.concat([features, labels], axis=1)


def write(folder, audio, face):
    audio.to_csv(folder / "audio_summary.csv", index=False)
    face.sample(frac=1, random_state=0).to_csv(folder / "video_summary.csv", index=False)
    return folder


def test_the_complete_tables_have_the_counts_of_the_record(tmp_path):
    write(tmp_path, table(".wav", 69), table(".mp4", 56))
    bunch = load_ravdess_av_features(tmp_path, target=["emotion", "intensity", "sex"], strict=True)
    for name in bunch.target:
        assert bunch.target[name].value_counts().to_dict() == dict(RECORD.sizes[name])
    found = find_modalities(bunch.data)
    assert {name: len(columns) for name, columns in found.items()} == N_FEATURES
    assert bunch.data.columns[-1] == "speaker"
    assert not bunch.data.isna().any().any()


def test_rows_are_joined_by_clip(tmp_path):
    audio, face = table(".wav", 2), table(".mp4", 2)
    audio["f0"] = face["f0"] = np.arange(len(audio), dtype=float)
    write(tmp_path, audio, face)
    X, _ = load_ravdess_av_features(tmp_path, return_X_y=True)
    assert (X["audio__f0"] == X["face__f0"]).all()
    assert X.index.get_level_values("clip").is_monotonic_increasing


def test_a_clip_that_one_table_lacks_misses_that_modality(tmp_path):
    audio, face = table(".wav", 2), table(".mp4", 3)
    audio.loc[7, "f1"] = np.nan
    write(tmp_path, audio, face.drop(index=5))
    with pytest.warns(IncompleteCorpusWarning, match=r"1 of 720 files are missing"):
        bunch = load_ravdess_av_features(tmp_path)
    X = bunch.data.droplevel("group")
    clip = audio["file"][5].removesuffix(".wav")
    assert bunch.missing == [f"{clip} (face)"]
    assert X.loc[clip].filter(like="face__").isna().all()
    assert X.loc[clip].filter(like="audio__").notna().all()
    assert np.isnan(X.loc[audio["file"][7].removesuffix(".wav"), "audio__f1"])
    assert X.isna().sum().sum() == 4
    with pytest.raises(FileNotFoundError, match="strict=False"):
        load_ravdess_av_features(tmp_path, strict=True)


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("emotion", "happy", r"is said to have .*'happy'.* and its name says"),
        ("f0", "loud", "holds a cell that is no number"),
        ("file", "01-01-09-01-01-01-01.wav", "unknown emotion code '09'"),
        ("file", "01-01-01-01-01-01-02.wav", "more than once|is said to have"),
        ("file", "clip.wav", "'clip' is no name of a clip"),
    ],
)
def test_damaged_tables(tmp_path, column, value, message):
    audio = table(".wav", 2).astype({"f0": object})
    audio.loc[0, column] = value
    write(tmp_path, audio, table(".mp4", 2))
    with pytest.raises(ValueError, match=message):
        load_ravdess_av_features(tmp_path)


@pytest.mark.real_data
def test_real_tables(real_data):
    with pytest.warns(IncompleteCorpusWarning, match="all of speakers 17, 18"):
        bunch = load_ravdess_av_features(real_data / "ravdess_av_features")
    sizes = RECORD.sizes["emotion"]
    assert bunch.target.value_counts().to_dict() == {k: n * 16 // 24 for k, n in sizes.items()}
    assert {n: len(c) for n, c in find_modalities(bunch.data).items()} == N_FEATURES
    gaps = bunch.data.isna().sum()
    assert gaps[gaps > 0].to_dict() == {
        "audio__shimmer_apq11": 2,
        "audio__cpp_mean": 169,
        "audio__cpp_var": 169,
    }
    assert len(bunch.missing) == 8 * 15 * 2
