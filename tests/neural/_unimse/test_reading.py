"""What UniMSE does with the kinds of cells that every estimator of frames must know."""

import numpy as np
import pandas as pd
import pytest

from emoest.neural import UniMSEClassifier
from emoest.tables.cells import object_column
from tests.neural._unimse.unimse_tables import FAST, make_emotions

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")

SMALL = {**FAST, "max_epochs": 1, "av_hidden": 8, "bottleneck": 8}


def fitted(X, y, **settings):
    return UniMSEClassifier(**SMALL, **settings).fit(X, y)


def with_cell(X, row, cell, column="audio__frames"):
    cells = list(X[column])
    cells[row] = cell
    return X.assign(**{column: object_column(cells, X.index)})


@pytest.mark.parametrize("cell", [None, np.nan, pd.NA, np.zeros((0, 5)), np.full((3, 5), np.nan)])
def test_cells_without_frames_are_missing(cell):
    X, y = make_emotions(8)
    expected = fitted(with_cell(X, 3, None), y)
    model = fitted(with_cell(X, 3, cell), y)
    np.testing.assert_allclose(model.predict_proba(X), expected.predict_proba(X), atol=1e-6)


def test_absent_frames_are_left_out():
    X, y = make_emotions(8)
    model = fitted(X, y)
    holed = with_cell(X, 3, np.insert(X["audio__frames"][3], 1, np.nan, axis=0))
    np.testing.assert_allclose(model.predict_proba(holed), model.predict_proba(X), atol=1e-6)


def test_a_file_of_one_frame(tmp_path):
    X, y = make_emotions(8)
    frame = X["audio__frames"][3][0]
    np.save(tmp_path / "one.npy", frame)
    model = fitted(X, y)
    file, array = with_cell(X, 3, str(tmp_path / "one.npy")), with_cell(X, 3, frame[None, :])
    np.testing.assert_allclose(model.predict_proba(file), model.predict_proba(array), atol=1e-6)


@pytest.mark.parametrize("cell", ["a.wav", "I am fine."])
def test_media_are_named(cell):
    X, y = make_emotions(8)
    with pytest.raises(ValueError, match=r"row 3, column 'audio__frames'.*pooling=None makes"):
        fitted(with_cell(X, 3, cell), y)


def test_another_width_is_named():
    X, y = make_emotions(8)
    wide = with_cell(X, 3, np.ones((2, 7), "float32"))
    for act in (lambda: fitted(wide, y), lambda: fitted(X, y).predict(wide)):
        with pytest.raises(ValueError, match=r"row 3, column 'audio__frames'.*\b7 dimensions"):
            act()


def test_a_modality_that_no_row_has_is_left_out():
    X, y = make_emotions(8)
    silent = X.assign(audio__frames=object_column([None] * 8, X.index))
    with pytest.warns(UserWarning, match="No training row has the modality 'audio'"):
        model = fitted(silent, y)
    assert model.modalities_ == ["text", "face"]
    np.testing.assert_allclose(model.predict_proba(X), model.predict_proba(silent))


def test_a_modality_that_no_row_of_a_prediction_has():
    X, y = make_emotions(8)
    silent = X.assign(audio__frames=object_column([None] * 8, X.index))
    assert np.isfinite(fitted(X, y).predict_proba(silent)).all()


def test_nothing_at_all():
    X, y = make_emotions(8)
    nothing = pd.DataFrame({name: object_column([None] * 8, X.index) for name in X})
    with pytest.raises(ValueError, match="nothing to learn from"):
        fitted(nothing, y)


def test_frames_beside_numbers_of_one_modality():
    X, y = make_emotions(8)
    with pytest.raises(ValueError, match=r"'audio' needs one column of frames; X has 2"):
        fitted(X.assign(audio__length=np.arange(8.0)), y)
    # Other columns are not used.
    fitted(X.assign(eeg__alpha=np.arange(8.0)), y)


@pytest.mark.parametrize("cell", [["so", "good"], ["so", None, "good"]])
def test_a_list_of_texts_is_read_as_one(cell):
    X, y = make_emotions(8)
    model = fitted(X, y)
    joined, listed = with_cell(X, 3, "so good", "text"), with_cell(X, 3, cell, "text")
    np.testing.assert_allclose(model.predict_proba(listed), model.predict_proba(joined))


def test_texts_alone_as_a_list_or_a_series():
    X, y = make_emotions(8, signals=False)
    expected = fitted(X, y).predict_proba(X)
    for form in (list(X["text"]), X["text"]):
        np.testing.assert_allclose(fitted(form, y).predict_proba(form), expected)
