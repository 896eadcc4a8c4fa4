import numpy as np
import pandas as pd
import pytest

from emoest.fusion._segments import holds_frames, read_segments
from emoest.tables.cells import object_column
from emoest.tables.frame_columns import find_frames


def table(*cells, name="audio__frames"):
    return object_column(
        list(cells), pd.Index([f"r{i}" for i in range(len(cells))]), name
    ).to_frame()


def test_frames_stand_below_each_other_with_their_rows():
    gap = np.array([[1.0, np.nan], [np.nan, np.nan], [5.0, 6.0]])
    X = table(np.ones((2, 2)), None, np.zeros((0, 2)), gap)
    segments = read_segments(X, find_frames(X)["audio"])
    assert segments.owners.tolist() == [0, 0, 3, 3]
    np.testing.assert_array_equal(segments.values, [[1, 1], [1, 1], [1, np.nan], [5, 6]])
    assert segments.empty.tolist() == [1, 2]
    assert segments.names([1, 2]) == "'r1', 'r2'"


def test_another_width_is_named():
    X = table(np.ones((2, 2)), np.ones((2, 3)))
    with pytest.raises(
        ValueError, match=r"row 'r1', column 'audio__frames': the frames have 3 dim"
    ):
        read_segments(X, find_frames(X)["audio"])
    with pytest.raises(ValueError, match="row 9, column"):
        read_segments(X.set_axis([5, 9]), find_frames(X)["audio"])


@pytest.mark.parametrize(
    ("X", "answer"),
    [
        (table(np.ones((2, 2)), None), True),
        (table("a.npy"), True),
        (table(None, None), True),
        (table([[1.0]], name="audio"), True),
        (table(1.0, 2.0, name="audio__f0"), False),
        (pd.DataFrame({"audio__n_frames": [1.0], "speaker": ["s"]}), False),
        (np.ones((2, 2)), False),
        (np.ones((2, 2), dtype=object), False),
        (table(np.ones((2, 2))).to_numpy(), True),
        ([[1.0]], False),
    ],
)
def test_frames_are_told_from_numbers(X, answer):
    assert holds_frames(X) is answer
