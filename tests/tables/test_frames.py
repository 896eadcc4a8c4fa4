import numpy as np
import pandas as pd
import pytest

from emoest.tables.cells import object_column, write_frames
from emoest.tables.frames import holds_frames, read_table
from emoest.validity import ModalityImputer


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


def test_frames_among_numbers_and_empty_tables_are_refused():
    X = make([frames(1, 2)] * 3, [frames(1, 1)] * 3)
    with pytest.raises(ValueError, match=r"mixes frames \(column 'audio__frames'\) with numbers"):
        ModalityImputer().fit(X.assign(audio__length=1.0))
    with pytest.raises(ValueError, match="X has 0 samples; ModalityImputer needs one"):
        ModalityImputer().fit(X.iloc[:0])
    assert ModalityImputer().fit(X).transform(X.iloc[:0]).shape == (0, 2)
