import tracemalloc

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import soundfile
from sklearn.compose import ColumnTransformer
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline

from emoest.embeddings import WhisperEmbedder
from emoest.fusion import EarlyFusionClassifier, EarlyFusionRegressor
from emoest.multioutput import MultiTarget
from emoest.systems import make_recording_pipeline, plot_timeline, predict_timeline
from tests.media.test_video_sound import tone, write_movie
from tests.nets.tiny_whisper import save_whisper

RATE = 16_000


@pytest.fixture(scope="module")
def voice(tmp_path_factory):
    """An encoder of speech with random weights that leaves out what has no sound."""
    folder = save_whisper(tmp_path_factory.mktemp("whisper"))
    return WhisperEmbedder(folder, pooling="mean", errors="missing")


def noise(seconds, level, seed=0):
    return (level * np.random.default_rng(seed).normal(size=round(seconds * RATE))).astype(
        np.float32
    )


@pytest.fixture(scope="module")
def clips():
    """Quiet and loud clips of a second."""
    cells = [(noise(1.0, 0.2 if i % 2 else 0.01, i), RATE) for i in range(12)]
    X = pd.DataFrame({"audio": pd.Series(cells, dtype=object)})
    X["speaker"] = np.repeat(list("abc"), 4)
    return X, np.array(["quiet", "loud"] * 6)


@pytest.fixture
def talk(tmp_path):
    """Quiet for three seconds, then loud for three."""
    path = tmp_path / "talk.wav"
    soundfile.write(path, np.concatenate([noise(3, 0.01, 50), noise(3, 0.2, 51)]), RATE)
    return path


def fitted(voice, X, y, fusion=None, **settings):
    fusion = fusion or EarlyFusionClassifier(LogisticRegression())
    model = make_recording_pipeline(fusion, voice=voice, words="drop", faces="drop", **settings)
    return model.fit(X, y)


def test_classes_follow_the_recording(voice, clips, talk):
    timeline = predict_timeline(fitted(voice, *clips), talk, window=1.0, step=0.5)
    assert list(timeline.columns) == ["start", "end", "loud", "quiet", "missing"]
    np.testing.assert_allclose(timeline["start"], np.arange(11) / 2)
    np.testing.assert_allclose(timeline["end"] - timeline["start"], 1.0)
    np.testing.assert_allclose(timeline[["loud", "quiet"]].sum(axis=1), 1.0)
    assert (timeline["loud"][timeline["end"] <= 3] < 0.5).all()
    assert (timeline["loud"][timeline["start"] >= 3] > 0.5).all()
    assert set(timeline["missing"]) == {()}


def test_each_window_is_what_that_part_alone_gives(voice, clips, talk):
    model = fitted(voice, *clips)
    timeline = predict_timeline(model, f"{talk}#t=1,5", window=2.0, step=1.0)
    assert timeline[["start", "end"]].to_numpy().tolist() == [[1, 3], [2, 4], [3, 5]]
    alone = pd.DataFrame({"audio": [f"{talk}#t=2,4"], "speaker": ["?"]})
    np.testing.assert_allclose(timeline[["loud", "quiet"]].loc[1], model.predict_proba(alone)[0])


def test_parts_are_in_the_store_afterwards(voice, clips, talk, monkeypatch):
    model = fitted(voice, *clips)
    first = predict_timeline(model, talk, window=1.0)
    monkeypatch.setattr(WhisperEmbedder, "_compute", None)
    pd.testing.assert_frame_equal(first, predict_timeline(model, str(talk), window=1.0))


def test_a_speaker_who_was_not_in_training_is_normalized_by_the_recording(voice, clips, talk):
    X, y = clips
    X = X.set_index(X["speaker"].rename("group"), append=True)
    timeline = predict_timeline(fitted(voice, X, y, speaker_zscore=True), talk, window=1.0)
    assert (timeline["loud"][timeline["start"] >= 3] > 0.5).all()


def test_numbers_and_several_targets(voice, clips, talk):
    X, y = clips
    regressor = EarlyFusionRegressor(Ridge())
    numbers = fitted(voice, X, (y == "loud").astype(float), regressor)
    assert list(predict_timeline(numbers, talk).columns)[2:] == ["prediction", "missing"]
    targets = pd.DataFrame({"arousal": (y == "loud") * 1.0, "valence": (y == "loud") * -1.0})
    both = MultiTarget(
        make_recording_pipeline(regressor, voice=voice, words="drop", faces="drop")
    ).fit(X, targets)
    timeline = predict_timeline(both, talk, window=1.0)
    assert list(timeline.columns)[2:] == ["arousal", "valence", "missing"]
    np.testing.assert_allclose(timeline["arousal"], -timeline["valence"], atol=1e-6)
    assert timeline["arousal"].iloc[-1] > timeline["arousal"].iloc[0]
    classes = MultiTarget(
        make_recording_pipeline(
            EarlyFusionClassifier(LogisticRegression()), voice=voice, words="drop", faces="drop"
        )
    ).fit(X, pd.DataFrame({"arousal": y, "valence": y}))
    names = list(predict_timeline(classes, talk).columns)[2:-1]
    assert names == ["arousal__loud", "arousal__quiet", "valence__loud", "valence__quiet"]


def test_where_the_sound_has_ended_the_voice_is_missing(voice, tmp_path):
    paths = [
        write_movie(tmp_path / f"{i}.mov", [tone(1.0, 200 * (1 + i % 2))], codec="pcm_s16le")
        for i in range(4)
    ]
    X = pd.DataFrame({"video": [str(path) for path in paths]})
    model = fitted(voice, X, ["low", "high"] * 2)
    long = write_movie(tmp_path / "long.mov", [tone(2.5)], codec="pcm_s16le", seconds=6.0)
    with pytest.warns(UserWarning, match="cells could not be read|no modality"):
        timeline = predict_timeline(model, long, window=2.0, step=1.0)
    assert timeline["end"].iloc[-1] == 6.0
    assert timeline["missing"].tolist() == [(), (), (), ("audio",), ("audio",)]


def test_memory_does_not_grow_with_the_recording(voice, clips, tmp_path):
    path = tmp_path / "two_hours.wav"
    with soundfile.SoundFile(path, "w", 8_000, 1, "PCM_U8") as file:
        for i in range(120):
            file.write(0.1 * np.random.default_rng(i).normal(size=60 * 8_000))
    model = fitted(voice, *clips)
    predict_timeline(model, f"{path}#t=0,10", step=5.0)
    tracemalloc.start()
    timeline = predict_timeline(model, path, window=3.0, step=120.0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(timeline) == 60 and timeline["start"].iloc[-1] == 7080.0
    # The recording alone would be 230 MB as float32.
    assert peak < 30 * 2**20


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"window": 0}, "window must be a positive number of seconds, found 0"),
        ({"step": "1"}, "step must be a positive number of seconds, found '1'"),
        ({"columns": ["video"]}, r"columns=\['video'\] must be among .* media: 'audio'"),
    ],
)
def test_what_makes_no_windows(clips, talk, settings, message):
    model = DummyClassifier(strategy="prior").fit(*clips)
    with pytest.raises(ValueError, match=message):
        predict_timeline(model, talk, **settings)


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("nowhere.wav", FileNotFoundError, "is not there"),
        ("notes.txt", ValueError, "is not audio.*Nor are there images: .*neither an image"),
    ],
)
def test_a_file_that_is_no_recording(clips, tmp_path, name, error, message):
    (tmp_path / "notes.txt").write_text("Nothing to hear.")
    model = DummyClassifier(strategy="prior").fit(*clips)
    with pytest.raises(error, match=message):
        predict_timeline(model, tmp_path / name)


def test_a_model_without_names_of_columns(talk):
    model = DummyClassifier().fit(np.zeros((2, 1)), [0, 1])
    with pytest.raises(ValueError, match="not fitted on a DataFrame"):
        predict_timeline(model, talk)


def test_a_column_of_texts_is_missing_in_windows(clips, talk):
    from sklearn.preprocessing import FunctionTransformer

    seen = []

    def keep(X):
        seen.append(X)
        return np.zeros((len(X), 1))

    X = clips[0].assign(text="Oh.")
    embed = ColumnTransformer([("all", FunctionTransformer(keep), ["audio", "text"])])
    model = make_pipeline(embed, DummyClassifier(strategy="prior")).fit(X, clips[1])
    predict_timeline(model, talk)
    assert seen[-1]["text"].isna().all() and seen[-1]["audio"].str.contains("#t=").all()


def test_the_plot_shows_each_class_and_what_is_missing():
    spans = {"start": [0.0, 1.0, 2.0], "end": [3.0, 4.0, 5.0]}
    missing = {"missing": [(), ("face",), ("audio", "face")]}
    timeline = pd.DataFrame(spans | {"angry": [0.1, 0.2, 0.9], "calm": [0.9, 0.8, 0.1]} | missing)
    ax = plot_timeline(timeline)
    assert ax.get_ylim() == (0, 1) and len(ax.patches) == 2
    np.testing.assert_allclose(ax.lines[0].get_xydata()[2], [3.5, 0.9])
    assert ax.get_title(loc="right") == "gray: audio, face missing"
    plt.close(ax.figure)
    numbers = pd.DataFrame(spans | {"arousal": [-1.0, 0.0, 2.0], "missing": [(), (), ()]})
    ax = plot_timeline(numbers, ax=plt.subplots()[1])
    assert ax.get_ylim()[0] < -1.0 and not ax.patches
    plt.close(ax.figure)
