import numpy as np
import pandas as pd
import pytest

from emoest.utils.cells import is_missing, object_column, write_frames
from emoest.validity import ModalityImputer
from emoest.validity._frames import holds_frames, read_table, reject, stack


def make(audio, text, **beside):
    index = [f"r{i}" for i in range(len(audio))]
    cells = {"audio__frames": audio, "text__frames": text, **beside}
    return pd.concat([object_column(c, index, name) for name, c in cells.items()], axis=1)


def frames(n, d, start=0.0):
    return np.arange(start, start + n * d, dtype=np.float32).reshape(n, d)


def test_reading_a_table(tmp_path):
    path = write_frames(frames(3, 2), tmp_path / "a.npy")
    table = read_table(make([path, None], [frames(3, 1), np.empty((0, 1))]), "auto", None)
    assert table.names == ["audio", "text"]
    assert table.widths == {"audio": 2, "text": 1}
    assert table.lengths.tolist() == [[3, 3], [0, 0]]
    assert table.on_one_clock
    assert table.clock("Nothing").tolist() == [3, 0]
    assert not read_table(make([frames(3, 2)], [frames(2, 1)]), "auto", None).on_one_clock


def test_bad_frames_are_named():
    X = make([frames(3, 2), frames(3, 4)], [frames(3, 1), frames(2, 1)])
    with pytest.raises(ValueError, match="row 'r1', column 'audio__frames' has frames of 4 dim"):
        read_table(X, "auto", None)
    with pytest.raises(ValueError, match=r"frames of 2 dimensions where 3"):
        read_table(X, "auto", {"audio": 3, "text": 1})
    cell = frames(3, 2)
    cell[1, 1] = -np.inf
    with pytest.raises(ValueError, match=r"row 'r0', column 'audio__frames' holds infinite"):
        read_table(make([cell], [None]), "auto", None)


def test_a_modality_that_was_never_seen_may_have_any_width():
    table = read_table(make([frames(1, 2)], [frames(1, 7)]), "auto", {"audio": 2, "text": 0})
    assert table.widths == {"audio": 2, "text": 7}


def test_the_mean_leaves_nan_out():
    cell = frames(3, 2)
    cell[0, 0] = np.nan
    nothing = np.full((2, 1), np.nan, dtype=np.float32)
    table = read_table(make([cell, frames(1, 2)], [nothing, None]), "auto", None)
    blocks, owners = stack(table, "mean")
    np.testing.assert_allclose(blocks.block("audio"), [[3.0, 3.0], [0.0, 1.0]])
    assert blocks.missing.tolist() == [[False, True], [False, True]]
    assert owners.tolist() == [0, 1]


def test_frames_side_by_side():
    table = read_table(make([frames(2, 2), None], [frames(3, 1), frames(3, 1)]), "auto", None)
    blocks, _ = stack(table, "flatten")
    assert blocks.values.shape == (2, 7)
    assert blocks.block("audio")[0].tolist() == [0.0, 1.0, 2.0, 3.0]
    assert blocks.missing.tolist() == [[False, False], [True, False]]
    with pytest.raises(ValueError, match=r"'text__frames' has 3 frames where 5 .*FrameAligner"):
        stack(table, "flatten", {"audio": 2, "text": 5})


def test_steps_one_by_one():
    audio = frames(3, 2)
    audio[1] = np.nan
    table = read_table(make([audio, None, None], [None, frames(2, 1), None]), "auto", None)
    blocks, owners = stack(table, "frames")
    assert owners.tolist() == [0, 0, 0, 1, 1]
    assert blocks.missing[:, 0].tolist() == [False, True, False, True, True]
    assert blocks.missing[:, 1].tolist() == [True, True, True, False, False]
    ragged = read_table(make([frames(3, 2)], [frames(2, 1)]), "auto", None)
    with pytest.raises(ValueError, match=r"row 'r0'.*\{'audio': 3, 'text': 2\}.*FrameAligner"):
        stack(ragged, "frames")


def test_cells_are_written_back_and_the_rest_is_left_alone(tmp_path):
    path = write_frames(frames(3, 2), tmp_path / "a.npy")
    X = make(
        [path, frames(2, 2)],
        [frames(3, 1), frames(2, 1)],
        audio__seconds=[np.ones(3), np.ones(2)],
    )
    X.insert(0, "speaker", ["s1", "s2"])
    table = read_table(X, "auto", None)
    valid = np.array([[True, True], [True, False], [True, True], [False, True], [False, True]])
    owners = np.array([0, 0, 0, 1, 1])
    output = table.rebuild(reject(table, valid, owners))
    assert list(output) == ["audio__frames", "text__frames", "audio__seconds", "speaker"]
    assert output["audio__frames"].iloc[0] == path
    assert is_missing(output["audio__frames"].iloc[1])
    assert is_missing(output["audio__seconds"].iloc[1])
    np.testing.assert_array_equal(output["text__frames"].iloc[0], [[0.0], [np.nan], [2.0]])
    assert output["text__frames"].iloc[1] is X["text__frames"].iloc[1]
    np.testing.assert_array_equal(X["text__frames"].iloc[0], frames(3, 1))


def test_which_tables_hold_frames():
    X = make([frames(1, 2)], [None])
    assert holds_frames(X)
    assert holds_frames(X.assign(audio__seconds=object_column([np.ones(1)], X.index)))
    assert holds_frames(X.assign(face__frames=np.nan))
    assert not holds_frames(X.assign(face__length=1.0))
    assert not holds_frames(pd.DataFrame({"audio__0": [1.0], "speaker": ["s"]}))
    assert not holds_frames(pd.DataFrame({"audio__0": [np.nan], "speaker": ["s"]}))
    assert not holds_frames(pd.DataFrame({"speaker": ["s"]}))
    assert not holds_frames(pd.DataFrame({"audio__0": [1.0, None]}, dtype=object))


@pytest.mark.parametrize("dtype", [object, "str"])
def test_paths_are_frames_whatever_pandas_calls_strings(tmp_path, dtype):
    rng = np.random.default_rng(0)
    paths = [write_frames(rng.normal(size=(3, 2)), tmp_path / f"{i}.npy") for i in range(12)]
    X = pd.DataFrame({"audio__frames": paths, "text__frames": [*paths[1:], None]}, dtype=dtype)
    X["speaker"] = ["s1", "s2", "s3"] * 4
    assert holds_frames(X)
    output = ModalityImputer().fit_transform(X)
    assert output["audio__frames"].tolist() == paths
    assert output["text__frames"].iloc[11].shape == (3, 2)
