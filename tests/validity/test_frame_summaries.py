import numpy as np
import pandas as pd
import pytest

from emoest.tables.cells import object_column, write_frames
from emoest.tables.frames import read_table
from emoest.validity._frame_rows import stack
from emoest.validity._frame_summaries import read_over_time, read_vectors, spread


def table(audio, text):
    index = [f"r{i}" for i in range(len(audio))]
    columns = [
        object_column(audio, index, "audio__frames"),
        object_column(text, index, "text__frames"),
    ]
    return read_table(pd.concat(columns, axis=1), "auto", None)


def frames(n, d, start=0.0):
    return np.arange(start, start + n * d, dtype=np.float32).reshape(n, d)


def test_frames_of_a_sample_together(tmp_path):
    path = write_frames(frames(3, 2), tmp_path / "a.npy")
    readings = read_over_time(
        table(
            [path, None, frames(2, 2, 50)],
            [frames(3, 1), frames(4, 1), np.empty((0, 1), "float32")],
        )
    )
    assert readings.rows["audio"].tolist() == [0, 0, 0, 2, 2]
    assert readings.rows["text"].tolist() == [0, 0, 0, 1, 1, 1, 1]
    assert readings.observed.tolist() == [[True, True], [False, True], [True, False]]
    both = readings.both("audio", "text")
    assert both.tolist() == [True, False, False]
    np.testing.assert_array_equal(readings.select("audio", both), frames(3, 2))
    assert readings.samples_of("audio", both).tolist() == [0, 0, 0]
    assert readings.owners.tolist() == [0, 1, 2]


def test_frames_of_a_sample_need_one_clock():
    two = table([frames(3, 2), frames(3, 2)], [frames(3, 1), frames(2, 1)])
    with pytest.raises(ValueError, match=r"row 'r1': .* \{'audio': 3, 'text': 2\}.*one clock"):
        read_over_time(two)


def test_single_steps_know_their_row():
    blocks, owners = stack(table([frames(2, 2), None], [frames(2, 1), frames(1, 1)]), "frames")
    readings = read_vectors(blocks, owners)
    assert readings.owners.tolist() == [0, 0, 1]
    assert readings.observed.tolist() == [[True, True], [True, True], [False, True]]
    split = [(np.array([1]), np.array([0]))]
    (train, test), *_ = spread(split, readings.owners)
    assert (train.tolist(), test.tolist()) == ([2], [0, 1])
