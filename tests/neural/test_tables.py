import numpy as np
import pandas as pd
import pytest

from emoest.neural import SequenceClassifier
from emoest.utils.cells import object_column, write_frames
from tests.neural.conftest import PLAIN, SMALL, assert_same_state, state_of


def test_frames_on_disk_are_read_when_a_batch_needs_them(frames, tmp_path):
    X, y = frames
    paths = [write_frames(cell, tmp_path / f"{i}.npy") for i, cell in enumerate(X.iloc[:, 0])]
    lazy = object_column(paths, X.index, "audio__frames").to_frame()
    model = SequenceClassifier(**SMALL).fit(X, y)
    from_disk = SequenceClassifier(**SMALL).fit(lazy, y)
    assert_same_state(state_of(model), state_of(from_disk))
    (tmp_path / "3.npy").unlink()
    with pytest.raises(FileNotFoundError, match=r"row \(3, 's1'\).*3\.npy"):
        from_disk.predict(lazy)


def test_rows_without_frames_are_left_out_and_answered_by_the_prior(frames):
    X, y = frames
    holed = X.copy()
    holed["audio__frames"] = object_column(
        [None if i in (0, 2, 4) else cell for i, cell in enumerate(X.iloc[:, 0])], X.index
    )
    with pytest.warns(UserWarning, match=r"3 training row\(s\) have no frames.*\(0, 's0'\)"):
        model = SequenceClassifier(**PLAIN).fit(holed, y)
    with pytest.warns(UserWarning, match=r"3 row\(s\) have no frames"):
        proba = model.predict_proba(holed)
    np.testing.assert_allclose(proba[0], [17 / 37, 20 / 37], rtol=1e-6)
    assert np.isnan(model.transform(holed).iloc[0]).all()
    assert not np.isnan(model.transform(holed).iloc[1]).any()


def test_numbers_with_holes_are_filled_by_training_means_or_refused():
    X = np.array([[0.0, 1.0], [4.0, np.nan], [0.5, 3.0], [4.5, 5.0]] * 3)
    y = [0, 1] * 6
    filled = np.where(np.isnan(X), 3.0, X)
    holed = SequenceClassifier(**PLAIN).fit(X, y)
    whole = SequenceClassifier(**PLAIN).fit(filled, y)
    np.testing.assert_allclose(holed.predict_proba(X), whole.predict_proba(filled), atol=1e-6)
    with pytest.raises(ValueError, match=r"3 row\(s\) have NaN.*'features'.*1, 5, 9.*impute="):
        SequenceClassifier(**PLAIN, impute="raise").fit(X, y)


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        (np.full((2, 3), np.nan, "float32"), r"row \(5, 's2'\), column 'audio__frames': frame 0"),
        (np.zeros((2, 7), "float32"), r"row \(5, 's2'\).*7 dimensions, others of this column 3"),
        ("nowhere.npy", r"row \(5, 's2'\).*nowhere\.npy"),
        (np.zeros((2, 3, 4), "float32"), r"row \(5, 's2'\).*shape \(2, 3, 4\)"),
    ],
)
def test_bad_cells_are_named(frames, cell, message):
    X, y = frames
    cells = list(X["audio__frames"])
    cells[5] = cell
    bad = object_column(cells, X.index, "audio__frames").to_frame()
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        SequenceClassifier(**SMALL).fit(bad, y)


def test_context_stays_out_of_the_net(frames):
    X, y = frames
    model = SequenceClassifier(**PLAIN).fit(X.assign(speaker="s1"), y)
    assert list(model.dims_) == ["audio"]
    assert pd.DataFrame(model.transform(X.assign(speaker="s1"))).columns[-1] == "speaker"
