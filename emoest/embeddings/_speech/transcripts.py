"""Transcripts as they are stored, and the cells that are made of them."""

import json
from collections.abc import Iterator
from typing import Any

import numpy as np

DETAILS = ("language", "language_probability", "no_speech_prob", "avg_logprob")
"""Auxiliary columns about an item's transcript."""

WORDS = ("seconds", "probability")
"""Auxiliary columns about each of its words."""


def as_bytes(found: dict[str, Any]) -> np.ndarray:
    """Write a transcript as bytes, shape (n_bytes, 1)."""
    return np.frombuffer(json.dumps(found).encode(), dtype=np.uint8)[:, None]


def segment_of(segment: Any, offset: float) -> dict[str, Any]:
    """Take from a segment of faster-whisper what is kept; `offset` is when its piece begins."""
    return {
        "start": segment.start + offset,
        "end": segment.end + offset,
        "text": segment.text.strip(),
        "avg_logprob": float(segment.avg_logprob),
        "no_speech_prob": float(segment.no_speech_prob),
    }


def words_of(segment: Any, offset: float) -> Iterator[list[Any]]:
    """Yield the words of a segment: word, beginning, end, probability."""
    for word in segment.words or []:
        if word.word.strip():
            times = [float(word.start) + offset, float(word.end) + offset]
            yield [word.word.strip(), *times, float(word.probability)]


def transcript_row(items: list[dict[str, Any]], is_list: bool, words: bool) -> dict[str, Any]:
    """Make the cells of a row from the transcripts of its items; None where nobody speaks."""
    names = ("text", *WORDS, *DETAILS)
    spoken = [item for item in items if item["segments"]]
    if not spoken:
        return dict.fromkeys(names)
    segments = [segment for item in spoken for segment in item["segments"]]
    durations = np.array([segment["end"] - segment["start"] for segment in segments])
    weights = durations if durations.sum() > 0 else None
    row = {
        name: float(np.average([segment[name] for segment in segments], weights=weights))
        for name in ("no_speech_prob", "avg_logprob")
    }
    row.update({name: spoken[0][name] for name in ("language", "language_probability")})
    texts = [" ".join(segment["text"] for segment in item["segments"]) for item in spoken]
    if not words:
        return {**dict.fromkeys(names), **row, "text": texts if is_list else texts[0]}
    offsets = np.cumsum([0.0, *(item["duration"] for item in items)])[:-1]
    found = [
        (word, start + offset, end + offset, probability)
        for item, offset in zip(items, offsets, strict=True)
        for word, start, end, probability in item["words"]
    ]
    if not found:
        return dict.fromkeys(names)
    row["text"] = [word for word, *_ in found]
    row["seconds"] = np.array([times for _, *times, _ in found], dtype=np.float32)
    row["probability"] = np.array([p for *_, p in found], dtype=np.float32)
    return row
