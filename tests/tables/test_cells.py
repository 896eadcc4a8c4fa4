import numpy as np
import pandas as pd
import pytest

from emoest.tables.cells import (
    check_frames,
    is_missing,
    is_path,
    missing_cells,
    object_column,
    present_frames,
    read_frames,
    save_array,
    write_frames,
)


@pytest.mark.parametrize(
    "cell", [None, float("nan"), np.nan, np.float32("nan"), pd.NA, pd.NaT, "", " \n"]
)
def test_missing_markers(cell):
    assert is_missing(cell)


@pytest.mark.parametrize(
    "cell", ["nan", "a ", [], [None], [""], 0.0, np.array([np.nan]), np.zeros(0)]
)
def test_present_cells(cell):
    assert not is_missing(cell)


def test_missing_cells_of_a_pandas_string_column():
    column = pd.Series(["a", None, "b"], dtype="str")
    assert missing_cells(column).tolist() == [False, True, False]


def test_is_path(tmp_path):
    assert is_path("a.npy") and is_path(tmp_path)
    assert not is_path(np.zeros(2)) and not is_path(["a.npy"])


def test_frames_round_trip_through_a_file(tmp_path):
    frames = np.arange(6, dtype=np.float64).reshape(3, 2)
    path = write_frames(frames, tmp_path / "deep" / "a.npy")
    read = read_frames(path)
    assert read.dtype == np.float32
    np.testing.assert_array_equal(read, frames)
    assert [p.name for p in (tmp_path / "deep").iterdir()] == ["a.npy"]


def test_a_vector_is_one_frame_and_missing_is_none():
    assert read_frames(np.zeros(4)).shape == (1, 4)
    assert read_frames(np.nan) is None


def test_unreadable_frames_say_where_and_what(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"row 3.*gone\.npy.*run the embedder again"):
        read_frames(str(tmp_path / "gone.npy"), name="row 3")
    broken = tmp_path / "broken.npy"
    broken.write_bytes(b"text")
    with pytest.raises(ValueError, match=r"row 4.*broken\.npy.*not a readable \.npy"):
        read_frames(broken, name="row 4")
    (tmp_path / "clip.wav").write_bytes(b"RIFF")
    for path in (tmp_path / "clip.wav", "hello"):
        with pytest.raises(ValueError, match=r"row 7 holds .*(wav|hello)', which is no \.npy"):
            read_frames(path, name="row 7")
    with pytest.raises(ValueError, match=r"row 5 does not hold frames.*dict"):
        read_frames({"a": 1}, name="row 5")
    with pytest.raises(ValueError, match=r"found one of shape \(1, 2, 3\)"):
        read_frames(np.zeros((1, 2, 3)), name="row 6")


def test_pickled_arrays_are_refused(tmp_path):
    path = tmp_path / "object.npy"
    np.save(path, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(ValueError, match="not a readable"):
        read_frames(path)


def test_a_failed_write_leaves_the_old_file_and_no_rest(tmp_path, monkeypatch):
    target = tmp_path / "a.npy"
    save_array(np.ones(2), target)

    def fail(*args, **kwargs):
        raise OSError("disk full")

    monkeypatch.setattr(np, "save", fail)
    with pytest.raises(OSError, match="disk full"):
        save_array(np.zeros(2), target)
    np.testing.assert_array_equal(np.load(target), np.ones(2))
    assert [p.name for p in tmp_path.iterdir()] == ["a.npy"]


def test_object_column_keeps_arrays_whole():
    cells = [np.zeros((2, 3)), None, np.zeros((2, 3))]
    column = object_column(cells, pd.Index(["a", "b", "c"]), "audio")
    assert column.dtype == object
    assert column["a"].shape == (2, 3) and column["b"] is None


def test_frames_that_cannot_be_used_are_named():
    with pytest.raises(ValueError, match=r"row 0: .* 3 dimensions, but in fit they had 2"):
        check_frames(np.zeros((1, 3), "float32"), 2, "row 0")
    absent = np.array([[np.nan, np.nan], [1.0, 2.0]], "float32")
    single = np.array([[1.0, 2.0], [np.nan, 2.0]], "float32")
    infinite = np.array([[1.0, np.inf]], "float32")
    for allow, frames in (("absent", absent), ("nan", single), ("any", infinite)):
        check_frames(frames, 2, "row 0", allow=allow)
    with pytest.raises(ValueError, match="row 0: frame 1 of 2 holds NaN or infinity"):
        check_frames(single, 2, "row 0")
    with pytest.raises(ValueError, match="row 0: frame 0 of 1 holds NaN or infinity"):
        check_frames(infinite, 2, "row 0")
    with pytest.raises(ValueError, match="row 0: frame 0 of 1 holds infinite values"):
        check_frames(infinite, 2, "row 0", allow="nan")


def test_absent_frames_are_left_out():
    frames = np.array([[np.nan, np.nan], [1.0, 2.0], [np.nan, 2.0]], "float32")
    np.testing.assert_array_equal(present_frames(frames), frames[1:])
    assert present_frames(frames[1:2]).tolist() == [[1.0, 2.0]]
    assert present_frames(frames[:0]).shape == (0, 2)
