import warnings

import pytest

from emoest.media.notes import CollectedNotes, ImplausibleMediaWarning, note


def test_a_note_that_nobody_collects_is_a_warning():
    with pytest.warns(ImplausibleMediaWarning, match=r"^row 3 is silent\.$"):
        note("is silent", "row 3")


def test_one_warning_a_kind():
    with warnings.catch_warnings(record=True) as caught, CollectedNotes():
        warnings.simplefilter("always")
        for k in range(4):
            note("is silent", f"row {k}")
            note("is silent", f"row {k}")
        note("is loud", "row 9")
    assert [str(warning.message) for warning in caught] == [
        "row 0 is silent. (And 3 more such items.)",
        "row 9 is loud.",
    ]
    assert caught[0].filename == __file__


def test_notes_are_told_when_reading_ends_in_an_error():
    with (
        pytest.warns(ImplausibleMediaWarning, match="row 1 is silent"),
        pytest.raises(OSError, match="gone"),
        CollectedNotes(),
    ):
        note("is silent", "row 1")
        raise OSError("gone")
