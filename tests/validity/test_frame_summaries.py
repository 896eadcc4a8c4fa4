import numpy as np
import pytest

from emoest.tables.cells import is_missing, write_frames
from emoest.validity._frame_summaries import (
    frames_to_samples,
    reduce_frames,
    set_missing,
    spread,
    vectors_to_samples,
)
from tests.tables.frame_tables import frames, make, read


def table_of_two(audio, text):
    return read(make(audio, text))


def test_the_mean_leaves_nan_out():
    cell = frames(3, 2)
    cell[0, 0] = np.nan
    nothing = np.full((2, 1), np.nan, dtype=np.float32)
    table = read(make([cell, frames(1, 2)], [nothing, None]))
    blocks, owners = reduce_frames(table, "mean")
    np.testing.assert_allclose(blocks.block("audio"), [[3.0, 3.0], [0.0, 1.0]])
    assert blocks.missing.tolist() == [[False, True], [False, True]]
    assert owners.tolist() == [0, 1]


def test_frames_side_by_side():
    table = read(make([frames(2, 2), None], [frames(3, 1), frames(3, 1)]))
    blocks, _ = reduce_frames(table, "flatten")
    assert blocks.values.shape == (2, 7)
    assert blocks.block("audio")[0].tolist() == [0.0, 1.0, 2.0, 3.0]
    assert blocks.missing.tolist() == [[False, False], [True, False]]
    with pytest.raises(ValueError, match=r"'text__frames' has 3 frames where 5 .*FrameAligner"):
        reduce_frames(table, "flatten", {"audio": 2, "text": 5})


def test_steps_one_by_one():
    audio = frames(3, 2)
    audio[1] = np.nan
    table = read(make([audio, None, None], [None, frames(2, 1), None]))
    blocks, owners = reduce_frames(table, "frames")
    assert owners.tolist() == [0, 0, 0, 1, 1]
    assert blocks.missing[:, 0].tolist() == [False, True, False, True, True]
    assert blocks.missing[:, 1].tolist() == [True, True, True, False, False]
    ragged = read(make([frames(3, 2)], [frames(2, 1)]))
    with pytest.raises(ValueError, match=r"row 'r0'.*\{'audio': 3, 'text': 2\}.*FrameAligner"):
        reduce_frames(ragged, "frames")


def test_cells_are_written_back_and_the_rest_is_left_alone(tmp_path):
    path = write_frames(frames(3, 2), tmp_path / "a.npy")
    X = make(
        [path, frames(2, 2)],
        [frames(3, 1), frames(2, 1)],
        audio__seconds=[np.ones(3), np.ones(2)],
    )
    X.insert(0, "speaker", ["s1", "s2"])
    table = read(X)
    valid = np.array([[True, True], [True, False], [True, True], [False, True], [False, True]])
    owners = np.array([0, 0, 0, 1, 1])
    output = set_missing(table, valid, owners)
    assert list(output) == ["audio__frames", "text__frames", "audio__seconds", "speaker"]
    assert output["audio__frames"].iloc[0] == path
    assert is_missing(output["audio__frames"].iloc[1])
    assert is_missing(output["audio__seconds"].iloc[1])
    np.testing.assert_array_equal(output["text__frames"].iloc[0], [[0.0], [np.nan], [2.0]])
    assert output["text__frames"].iloc[1] is X["text__frames"].iloc[1]
    np.testing.assert_array_equal(X["text__frames"].iloc[0], frames(3, 1))


def test_frames_of_a_sample_together(tmp_path):
    path = write_frames(frames(3, 2), tmp_path / "a.npy")
    samples = frames_to_samples(
        table_of_two(
            [path, None, frames(2, 2, 50)],
            [frames(3, 1), frames(4, 1), np.empty((0, 1), "float32")],
        )
    )
    assert samples.rows["audio"].tolist() == [0, 0, 0, 2, 2]
    assert samples.rows["text"].tolist() == [0, 0, 0, 1, 1, 1, 1]
    assert samples.observed.tolist() == [[True, True], [False, True], [True, False]]
    both = samples.both("audio", "text")
    assert both.tolist() == [True, False, False]
    np.testing.assert_array_equal(samples.select("audio", both), frames(3, 2))
    assert samples.samples_of("audio", both).tolist() == [0, 0, 0]
    assert samples.owners.tolist() == [0, 1, 2]


def test_frames_of_a_sample_need_time_alignment():
    two = table_of_two([frames(3, 2), frames(3, 2)], [frames(3, 1), frames(2, 1)])
    with pytest.raises(ValueError, match=r"row 'r1': .* \{'audio': 3, 'text': 2\}.*time-aligned"):
        frames_to_samples(two)


def test_single_steps_know_their_row():
    blocks, owners = reduce_frames(
        table_of_two([frames(2, 2), None], [frames(2, 1), frames(1, 1)]), "frames"
    )
    samples = vectors_to_samples(blocks, owners)
    assert samples.owners.tolist() == [0, 0, 1]
    assert samples.observed.tolist() == [[True, True], [True, True], [False, True]]
    split = [(np.array([1]), np.array([0]))]
    (train, test), *_ = spread(split, samples.owners)
    assert (train.tolist(), test.tolist()) == ([2], [0, 1])
