import numpy as np
import pandas as pd
import pytest

from emoest.tables.cells import object_column
from emoest.tables.frame_columns import (
    find_frame_columns,
    find_frames,
    holds_frames,
    may_hold_frames,
)
from tests.tables.frame_tables import frames, make


def table(*columns):
    return pd.DataFrame(np.zeros((2, len(columns))), columns=list(columns))


def column_of(*cells, name="audio__frames"):
    return object_column(list(cells), pd.RangeIndex(len(cells)), name).to_frame()


def test_frames_and_sidecars_inside_and_outside_a_column_transformer():
    X = table("audio__yamnet_frames", "audio__seconds", "audio__speech", "face__frames", "speaker")
    found = find_frames(X)
    assert list(found) == ["audio", "face"]
    assert found["audio"].sidecars == {"seconds": 1, "speech": 2}
    assert found["face"].position == 3 and found["face"].sidecars == {}
    bare = find_frames(table("yamnet_frames", "seconds"))
    assert bare["features"].sidecars == {"seconds": 1}
    assert bare["features"].vector_names(2) == ["yamnet_0000", "yamnet_0001"]


def test_frames_by_position_when_the_names_were_lost():
    found = find_frames(pd.DataFrame(np.zeros((1, 2))))
    assert found["features"].position == 0 and found["features"].sidecars == {"seconds": 1}


def test_frames_of_a_modality_must_be_one_column():
    with pytest.raises(ValueError, match=r"'audio' needs one column of frames; X has 2"):
        find_frames(table("audio__a_frames", "audio__b_frames"))
    with pytest.raises(ValueError, match=r"'eeg' needs one column .* has none\. .*'audio'"):
        find_frames(table("audio"), ["eeg"])


@pytest.mark.parametrize(
    "modalities",
    [
        {"voice": "audio__yamnet_frames", "words": ["text"]},
        {"voice": [0, 1], "words": [2]},
        {"voice": slice(0, 2), "words": slice(2, 3)},
    ],
)
def test_frames_named_by_a_dict(modalities):
    found = find_frames(table("audio__yamnet_frames", "audio__seconds", "text"), modalities)
    assert {name: column.position for name, column in found.items()} == {"voice": 0, "words": 2}
    assert found["voice"].sidecars == {"seconds": 1} and not found["words"].sidecars


def test_a_dict_of_frames_names_one_column_each():
    X = table("audio__frames", "text__frames")
    assert list(find_frames(X, {"words": "text__frames"})) == ["words"]
    with pytest.raises(ValueError, match=r"modality 'both' needs one column of frames; X has 2"):
        find_frames(X, {"both": [0, 1]})
    with pytest.raises(ValueError, match="names columns that X does not have: 'face__frames'"):
        find_frames(X, {"face": "face__frames"})
    nameless = pd.DataFrame(np.zeros((1, 2)))
    assert find_frames(nameless, {"a": 1, "b": 0})["a"].position == 1


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (pd.Series(["a.npy", None], dtype="str"), True),
        (pd.Series(["a.npy", None], dtype=object), True),
        (object_column([None, np.ones((2, 3))], range(2)), True),
        (pd.Series([None, None], dtype=object), True),
        (pd.Series([None, 1], dtype=object), False),
        (pd.Series([np.nan, np.nan]), False),
        (pd.Series([1, None], dtype="Int64"), False),
    ],
)
def test_which_columns_may_hold_frames(column, expected):
    assert may_hold_frames(column) is expected


def test_which_tables_hold_frames():
    X = make([frames(1, 2)], [None])
    assert holds_frames(X)
    assert holds_frames(X.assign(audio__seconds=object_column([np.ones(1)], X.index)))
    assert holds_frames(X.assign(face__frames=np.nan))
    assert holds_frames(X.assign(face__length=1.0))
    assert not holds_frames(pd.DataFrame({"audio__0": [1.0], "speaker": ["s"]}))
    assert not holds_frames(pd.DataFrame({"audio__0": [np.nan], "speaker": ["s"]}))
    assert not holds_frames(pd.DataFrame({"speaker": ["s"]}))
    assert not holds_frames(pd.DataFrame({"audio__0": [1.0, None]}, dtype=object))


@pytest.mark.parametrize(
    ("X", "answer"),
    [
        (column_of(np.ones((2, 2)), None), True),
        (column_of("a.npy"), True),
        (column_of(None, None), True),
        (column_of([[1.0]], name="audio"), True),
        (column_of(1.0, 2.0, name="audio__f0"), False),
        (pd.DataFrame({"audio__n_frames": [1.0], "speaker": ["s"]}), False),
        (np.ones((2, 2)), False),
        (np.ones((2, 2), dtype=object), False),
        (column_of(np.ones((2, 2))).to_numpy(), True),
        ([[1.0]], False),
    ],
)
def test_frames_are_told_from_numbers(X, answer):
    assert holds_frames(X) is answer


def test_numbers_are_passed_by_or_refused():
    X = make([frames(1, 2)], [frames(1, 1)], audio__length=[3.0])
    assert list(find_frame_columns(X, numbers="pass")) == ["audio", "text"]
    with pytest.raises(
        ValueError, match=r"\(column 'audio__frames'\) with numbers \(column 'audio_"
    ):
        find_frame_columns(X)
    assert list(find_frame_columns(X, ["text"])) == ["text"]
    assert list(find_frame_columns(X, {"words": "text__frames"})) == ["words"]
    with pytest.raises(ValueError, match="mixes frames"):
        find_frame_columns(X, {"both": [0, 2]})
    numbers = X.assign(audio__frames=1.0, text__frames=2.0)
    for how in ("pass", "raise"):
        with pytest.raises(ValueError, match="X has no column of frames"):
            find_frame_columns(numbers, numbers=how)
