import numpy as np

from emoest.embeddings._speech.transcripts import as_bytes, transcript_row


def item(*segments, words=(), duration=2.0):
    names = ("start", "end", "text", "avg_logprob", "no_speech_prob")
    found = [dict(zip(names, segment, strict=True)) for segment in segments]
    return {
        "duration": duration,
        "language": "en",
        "language_probability": 0.5,
        "segments": found,
        "words": [list(word) for word in words],
    }


def test_means_are_weighted_by_the_duration_of_segments():
    row = transcript_row([item((0, 1, "a", -1.0, 0.0), (1, 4, "b", -3.0, 0.4))], False, False)
    assert row["text"] == "a b"
    assert row["avg_logprob"] == -2.5 and abs(row["no_speech_prob"] - 0.3) < 1e-12


def test_items_without_speech_shift_the_words_behind_them():
    spoken = item((0, 1, "a", -1.0, 0.0), words=[("a", 0.1, 0.4, 0.9)])
    row = transcript_row([item(duration=3.0), spoken], True, True)
    assert row["text"] == ["a"]
    np.testing.assert_allclose(row["seconds"], [[3.1, 3.4]], atol=1e-6)


def test_nothing_spoken_is_missing_everywhere():
    assert set(transcript_row([item()], False, True).values()) == {None}


def test_a_transcript_is_stored_as_bytes():
    assert as_bytes({"a": 1}).shape == (8, 1)
