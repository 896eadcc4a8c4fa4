import numpy as np
import pandas as pd
import pytest

from emoest.utils.cells import object_column, write_frames
from emoest.utils.modalities import find_frames
from emoest.validity._readings import holds_frames, read_cells


def table(audio, text):
    index = [f"r{i}" for i in range(len(audio))]
    return pd.concat(
        [object_column(audio, index, "audio__frames"), object_column(text, index, "text__frames")],
        axis=1,
    )


def frames(n, d, start=0.0):
    return np.arange(start, start + n * d, dtype=np.float32).reshape(n, d)


def test_frame_by_frame(tmp_path):
    path = write_frames(frames(3, 2), tmp_path / "a.npy")
    X = table([path, None, frames(2, 2, 50)], [frames(3, 1), frames(4, 1), np.empty((0, 1))])
    readings = read_cells(X, find_frames(X), None, aligned=True)
    assert readings.rows["audio"].tolist() == [0, 0, 0, 2, 2]
    assert readings.rows["text"].tolist() == [0, 0, 0, 1, 1, 1, 1]
    assert readings.observed.tolist() == [[True, True], [False, True], [True, False]]
    assert readings.both("audio", "text").tolist() == [True, False, False]
    both = readings.both("audio", "text")
    np.testing.assert_array_equal(readings.select("audio", both), frames(3, 2))
    assert readings.samples_of("audio", both).tolist() == [0, 0, 0]


def test_mean_over_frames_leaves_nan_out():
    cell = frames(3, 2)
    cell[0, 0] = np.nan
    X = table([cell, frames(1, 2)], [frames(2, 1), None])
    readings = read_cells(X, find_frames(X), None, aligned=False)
    np.testing.assert_allclose(readings.values["audio"], [[3.0, 3.0], [0.0, 1.0]])
    assert readings.rows["text"].tolist() == [0]


def test_bad_frames_are_named():
    X = table([frames(3, 2), frames(3, 4)], [frames(3, 1), frames(2, 1)])
    with pytest.raises(ValueError, match="row 'r1', column 'audio__frames' has frames of 4 dim"):
        read_cells(X, find_frames(X), None, aligned=True)
    with pytest.raises(ValueError, match=r"frames of 2 dimensions where 3"):
        read_cells(X, find_frames(X), {"audio": 3, "text": 1}, aligned=True)
    X = table([frames(3, 2), frames(3, 2)], [frames(3, 1), frames(2, 1)])
    with pytest.raises(ValueError, match=r"row 'r1': .* \{'audio': 3, 'text': 2\}.*one clock"):
        read_cells(X, find_frames(X), None, aligned=True)


def test_which_tables_hold_frames():
    X = table([frames(1, 2)], [None])
    assert holds_frames(X)
    assert holds_frames(X.assign(audio__seconds=object_column([np.ones(1)], X.index)))
    assert not holds_frames(pd.DataFrame({"audio__0": [1.0], "speaker": ["s"]}))
    assert not holds_frames(pd.DataFrame({"speaker": ["s"]}))
