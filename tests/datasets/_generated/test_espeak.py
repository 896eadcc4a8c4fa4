import hashlib
import subprocess
import sys

import numpy as np
import pytest

from emoest.datasets import make_stories
from emoest.datasets._generated.espeak import speak
from emoest.datasets._generated.speech_synthesis import Prosody
from emoest.datasets._generated.story_translations import STOCKS

pytest.importorskip("espeakng_loader")

RATE = 16_000
TEXTS = {"en": "The door was open.", "de": "Die Tür ging auf.", "zh": "门是开着的。"}


def pitch(signal):
    """Fundamental frequency of the loudest 40 ms."""
    size = RATE // 25
    parts = signal[: len(signal) // size * size].reshape(-1, size)
    part = parts[np.argmax(np.abs(parts).mean(axis=1))]
    lags = np.correlate(part, part, "full")[size - 1 :]
    low, high = RATE // 500, RATE // 70
    return RATE / (low + np.argmax(lags[low:high]))


@pytest.mark.parametrize("language", TEXTS)
def test_words_are_said_alike_whatever_was_said_before(language):
    first = speak(TEXTS[language], Prosody(), language, RATE)
    assert 0.3 < len(first) / RATE < 4 and first.dtype == np.float32
    speak(TEXTS["en"], Prosody(tract=1.1, f0=250.0, syllable_rate=7.0), "en", RATE)
    np.testing.assert_array_equal(first, speak(TEXTS[language], Prosody(), language, RATE))


def test_prosody_is_heard():
    text = "We sat at the table and talked about the usual things."
    usual = speak(text, Prosody(), "en", RATE)
    assert len(speak(text, Prosody(syllable_rate=7.0), "en", RATE)) < 0.8 * len(usual)
    assert len(speak(text, Prosody(pause=3.0), "en", RATE)) > 1.2 * len(usual)
    quiet = speak(text, Prosody(level=-37.0), "en", RATE)
    assert np.sqrt(np.mean(usual**2) / np.mean(quiet**2)) == pytest.approx(10**0.5, rel=0.01)
    assert pitch(speak(text, Prosody(f0=200.0), "en", RATE)) > 1.2 * pitch(usual)
    assert pitch(speak(text, Prosody(f0=180.0, tract=1.1), "en", RATE)) > 1.2 * pitch(usual)


def test_another_process_says_the_same():
    tracts = [tract + 1e-6 * i for tract in (0.95, 1.12) for i in range(4)]
    code = (
        "import hashlib; from emoest.datasets._generated.espeak import speak; "
        "from emoest.datasets._generated.speech_synthesis import Prosody; "
        f"said = [speak('Hello.', Prosody(tract=t), 'en', 16000) for t in {tracts}]; "
        "print([hashlib.sha256(each.tobytes()).hexdigest() for each in said])"
    )
    runs = [
        subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
        for _ in range(2)
    ]
    assert runs[0].stdout == runs[1].stdout
    here = [speak("Hello.", Prosody(tract=tract), "en", RATE) for tract in tracts]
    assert runs[0].stdout.strip() == str([hashlib.sha256(s.tobytes()).hexdigest() for s in here])
    assert len({each.tobytes() for each in here}) > len(tracts) // 2


def test_no_sound_is_too_loud():
    assert np.abs(speak("Oh!", Prosody(level=0.0), "en", RATE)).max() <= 0.99


@pytest.mark.parametrize("language", STOCKS)
def test_stories_are_told_in_a_language(tmp_path, language):
    made = make_stories(
        tmp_path, n_speakers=3, n_stories=1, voice="espeak", language=language, random_state=5
    )
    text = made.data["text"].iloc[0]
    assert any("一" <= letter <= "鿿" for letter in text) == (language == "zh")
    again = make_stories(
        tmp_path, n_speakers=3, n_stories=1, voice="espeak", language=language, random_state=5
    )
    assert made.data["audio"].tolist() == again.data["audio"].tolist()
    babbled = make_stories(tmp_path, n_speakers=3, n_stories=1, language=language, random_state=5)
    assert babbled.data["text"].tolist() == made.data["text"].tolist()
    assert set(babbled.data["audio"].iloc[0]).isdisjoint(made.data["audio"].iloc[0])


@pytest.mark.parametrize("language", STOCKS)
def test_every_mood_has_sentences_for_a_whole_story(language):
    topics, people, outcomes, _ = STOCKS[language]
    assert set(topics) == set(STOCKS["en"][0]) and len(set(people)) == 8
    for sentences in outcomes.values():
        assert len(set(sentences)) == len(sentences) >= 7
        assert all(s.format(person="x")[-1] in ".。" for s in sentences)


def test_without_the_package_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr("ctypes.util.find_library", lambda name: None)
    monkeypatch.setitem(sys.modules, "espeakng_loader", None)
    with pytest.raises(ImportError, match=r"make_stories\(voice='espeak'\).*emoest\[espeak\]"):
        make_stories(tmp_path, n_speakers=3, voice="espeak")
    assert not list(tmp_path.iterdir())
