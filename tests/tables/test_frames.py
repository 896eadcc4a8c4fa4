import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator

from emoest.tables.cells import is_missing, object_column, write_frames
from emoest.tables.frames import rows_as_frames, settle_modalities
from emoest.tables.vectors import validate_blocks
from emoest.validity import ModalityImputer
from tests.tables.frame_tables import frames, make, read


def test_reading_a_table(tmp_path):
    path = write_frames(frames(3, 2), tmp_path / "a.npy")
    table = read(make([path, None], [frames(3, 1), np.empty((0, 1))]))
    assert table.names == ["audio", "text"]
    assert table.widths == {"audio": 2, "text": 1}
    assert table.lengths.tolist() == [[3, 3], [0, 0]]
    assert table.time_aligned
    assert table.steps("Nothing").tolist() == [3, 0]
    assert table.empty.tolist() == [False, True]
    assert not read(make([frames(3, 2)], [frames(2, 1)])).time_aligned


def test_bad_frames_are_named():
    X = make([frames(3, 2), frames(3, 4)], [frames(3, 1), frames(2, 1)])
    message = r"row 'r1', column 'audio__frames': the frames have 4 dim.*those of row 'r0' have 2"
    with pytest.raises(ValueError, match=message):
        read(X)
    with pytest.raises(ValueError, match=r"'r0'.* frames have 2 dimensions, but in fit they had 3"):
        read(X, {"audio": 3, "text": 1})
    cell = frames(3, 2)
    cell[1, 1] = -np.inf
    message = r"row 'r0', column 'audio__frames': frame 1 of 3 holds infinite"
    with pytest.raises(ValueError, match=message):
        read(make([cell], [None]))
    assert read(make([cell], [frames(1, 1)]), allow="any").lengths.tolist() == [[3, 1]]


def test_files_may_stay_closed(tmp_path):
    path = write_frames(frames(3, 2), tmp_path / "a.npy")
    table = read(make([path], [frames(2, 1)]), lazy=True)
    assert table.cells["audio"] == [path]
    assert table.lengths.tolist() == [[3, 2]]
    with pytest.raises(ValueError, match=r"row 'r0', column 'audio__frames'.* 2 dimensions"):
        read(make([path], [None]), {"audio": 5}, lazy=True)


def test_a_modality_that_was_never_seen_is_left_out_for_good():
    with pytest.warns(UserWarning, match="No training row has the modality 'text'"):
        table = read(make([frames(1, 2)], [None], text__seconds=[None], speaker=["s1"]))
    assert table.widths == {"audio": 2}
    assert list(table.rebuild({})) == ["audio__frames", "speaker"]
    X = make([frames(1, 2)], [frames(1, 7)], text__seconds=[[0.1]], speaker=["s1"])
    later = read(X, table.widths)
    assert later.names == ["audio"]
    assert list(later.rebuild({"audio": {0: None}})) == ["audio__frames", "speaker"]
    with pytest.raises(ValueError, match="fit saw the modalities audio, face; X has audio, text"):
        read(X, {"audio": 2, "face": 3})


def test_a_modality_of_an_earlier_fit_may_be_missing_in_this_one():
    table = rows_as_frames(
        validate_blocks(
            BaseEstimator(), pd.DataFrame({"a__x": [1.0], "b__y": [np.nan]}), reset=True
        )
    )
    kept = settle_modalities(None, table, reset=True, widths={"a": 1, "b": 4})
    assert kept.widths == {"a": 1, "b": 4}
    with pytest.raises(ValueError, match="nothing to learn from: none of the 1 rows of X has"):
        settle_modalities(None, kept.select(["b"]), reset=True, widths=None)


def test_cells_change_and_what_lies_beside_them_goes_with_them():
    X = make([frames(2, 2)] * 2, [frames(2, 1)] * 2, audio__seconds=[np.ones(2)] * 2)
    output = read(X).rebuild({"audio": {0: None, 1: frames(1, 2, 9.0)}})
    assert is_missing(output["audio__frames"].iloc[0])
    assert is_missing(output["audio__seconds"].iloc[0])
    assert output["audio__frames"].iloc[1].tolist() == [[9.0, 10.0]]
    assert output["audio__seconds"].iloc[1] is X["audio__seconds"].iloc[1]
    assert X["audio__frames"].iloc[0] is not None


@pytest.mark.parametrize("dtype", [object, "str"])
def test_paths_are_frames_whatever_pandas_calls_strings(tmp_path, dtype):
    rng = np.random.default_rng(0)
    paths = [write_frames(rng.normal(size=(3, 2)), tmp_path / f"{i}.npy") for i in range(12)]
    X = pd.DataFrame({"audio__frames": paths, "text__frames": [*paths[1:], None]}, dtype=dtype)
    X["speaker"] = ["s1", "s2", "s3"] * 4
    output = ModalityImputer().fit_transform(X)
    assert output["audio__frames"].tolist() == paths
    assert output["text__frames"].iloc[11].shape == (3, 2)


def test_frames_among_numbers_and_empty_tables_are_refused():
    X = make([frames(1, 2)] * 3, [frames(1, 1)] * 3)
    with pytest.raises(ValueError, match=r"mixes frames \(column 'audio__frames'\) with numbers"):
        ModalityImputer().fit(X.assign(audio__length=1.0))
    with pytest.raises(ValueError, match=r"0 sample\(s\).* is required by ModalityImputer"):
        ModalityImputer().fit(X.iloc[:0])
    assert ModalityImputer().fit(X).transform(X.iloc[:0]).shape == (0, 2)


def test_a_fold_without_a_modality_may_hold_it_as_numbers():
    X = make([frames(1, 2)] * 2, [frames(1, 1)] * 2)
    imputer = ModalityImputer().fit(X)
    silent = X.assign(text__frames=np.nan)
    assert imputer.transform(silent)["text__frames"].iloc[0].shape == (1, 1)
    column = object_column([None, None], X.index, "text__frames")
    assert imputer.transform(X.assign(text__frames=column))["text__frames"].notna().all()
