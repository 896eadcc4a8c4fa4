import dataclasses

import pytest

from emoest.datasets import CorpusRecord, corpus_record, list_corpora
from emoest.datasets._reading.record import register


def make_record(**changes):
    facts = {
        "name": "toy",
        "title": "A toy",
        "labels": {"emotion": ("glad", "sad")},
        "modalities": ("audio",),
        "n_speakers": 2,
        "license": "none",
        "access": "none",
        "homepage": "none",
        "citation": "none",
    }
    return CorpusRecord(**{**facts, **changes})


def test_look_up():
    assert {"emodb", "ravdess", "stories"} <= set(list_corpora())
    assert list_corpora() == sorted(list_corpora())
    assert corpus_record("ravdess").targets[0] == "emotion"
    with pytest.raises(ValueError, match=r"'ravdes' is no corpus of emoest; there are .*ravdess"):
        corpus_record("ravdes")


def test_a_record_does_not_change():
    with pytest.raises(dataclasses.FrozenInstanceError):
        corpus_record("emodb").n_speakers = 11


def test_codes_and_sizes_speak_of_labels():
    with pytest.raises(ValueError, match="has no emotion 'angry'"):
        make_record(codes={"emotion": {"1": "angry"}})
    with pytest.raises(ValueError, match="has no emotion 'angry'"):
        make_record(sizes={"emotion": {"angry": 3}})
    with pytest.raises(ValueError, match="context"):
        make_record(labels={"speaker": ("a", "b")})


def test_a_name_is_taken_once():
    with pytest.raises(ValueError, match="another corpus named 'emodb'"):
        register(make_record(name="emodb"))


def test_description():
    text = make_record(sizes={"emotion": {"glad": 3}}, notes="Mind the gap.").describe()
    assert "Target emotion: glad (3), sad." in text
    assert text.endswith("Notes: Mind the gap.")
