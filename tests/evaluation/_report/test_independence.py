from types import SimpleNamespace

import pytest

from emoest.evaluation._report.independence import independence, is_independent


def protocol(**changes):
    plain = {"n_groups": 8, "n_rows": 96, "shared": [], "group_kind": "speaker", "leaks": []}
    plain |= {"known_speakers": 0.0}
    found = SimpleNamespace(**plain | changes)
    found.speaker_independent = is_independent(found)
    return found


def leak(check, verdict, detail="SVC"):
    return [{"check": check, "verdict": verdict, "n": 1, "detail": detail}]


FINISHED = "finished parts that saw test samples"
UNKNOWN = leak(FINISHED, "unknown", "nobody knows what SVC was trained on")
MAYBE = "not known whether speaker-independent"
CASES = {
    "kept apart": ({}, "speaker-independent", "yes"),
    "no groups": ({"n_groups": None}, "NOT speaker-independent", "no (no groups were known)"),
    "shared": (
        {"shared": ["s1"], "leaks": UNKNOWN},
        *("NOT speaker-independent", "no (1 groups in both parts of a fold)"),
    ),
    "a finished part has seen rows": (
        {"leaks": leak(f"{FINISHED} (a)", "leak")},
        *("NOT speaker-independent", f"no ({FINISHED}: SVC)"),
    ),
    "nobody knows what it has seen": (
        {"leaks": UNKNOWN},
        *(MAYBE, "not known (nobody knows what SVC was trained on)"),
    ),
    "dialogues": (
        {"group_kind": "dialogue", "known_speakers": None},
        "dialogue-independent (speakers are not known)",
        "not known (groups are dialogues; who speaks is not in X)",
    ),
    "dialogues, and nobody knows what it has seen": (
        {"group_kind": "dialogue", "known_speakers": None, "leaks": UNKNOWN},
        *(MAYBE, "not known (nobody knows what SVC was trained on)"),
    ),
    "dialogues that share speakers": (
        {"group_kind": "dialogue", "known_speakers": 0.5},
        "dialogue-independent, NOT speaker-independent",
        "no (50% of the test samples are by speakers of the training part)",
    ),
    "a group a sample": (
        {"n_groups": 96},
        *(MAYBE, "not known (every sample has a group of its own)"),
    ),
    "copies": (
        {"leaks": leak("same sample in both parts", "leak", "at position 1")},
        *("speaker-independent", "yes, but the same samples are in both parts: at position 1"),
    ),
    "spellings": (
        {"leaks": leak("spellings of one speaker", "suspect", "'a' and 'A'")},
        *("speaker-independent", "yes, unless names are one: 'a' and 'A'"),
    ),
}


@pytest.mark.parametrize(("changes", "title", "line"), CASES.values(), ids=CASES)
def test_what_is_said_of_speakers_was_checked(changes, title, line):
    assert independence(protocol(**changes)) == (title, line)
