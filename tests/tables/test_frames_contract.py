"""What every estimator that reads frames does with twelve kinds of table: the same."""

import importlib
import re

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from sklearn.base import BaseEstimator

import emoest
from emoest.aggregation import FrameAligner
from emoest.media.transformer import CellTransformer
from emoest.neural import M3ERClassifier
from emoest.systems import make_m3er
from emoest.tables.cells import object_column, write_frames
from tests.tables.frame_readers import (
    ALLOW_NAN,
    EVERY,
    LABELS,
    LATE,
    NET,
    NETS,
    NUMBERS,
    ONE_MODALITY,
    POOLING,
    RATES,
    READERS,
    SEGMENTS,
    SMOOTHING,
    TRAINED,
    TRANSFORMERS,
    N,
    assert_same,
    assert_works,
    fit,
    make,
    messages,
    of,
    output,
    table_for,
    with_cell,
)

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


# 1. arrays in cells
@of(EVERY)
def test_frames_are_read(estimator):
    assert_works(estimator, table_for(estimator))


# 2. paths of .npy files
@of(EVERY)
def test_files_of_frames_are_the_same_frames(estimator, tmp_path):
    X = table_for(estimator)
    paths = {
        name: [write_frames(cell, tmp_path / f"{name}{i}.npy") for i, cell in enumerate(X[name])]
        for name in X.columns
    }
    assert_same(assert_works(estimator, pd.DataFrame(paths, X.index)), assert_works(estimator, X))


# 3. paths of media, 4. texts
@of(READERS)
@pytest.mark.parametrize("cell", ["a.wav", "I am fine."])
def test_media_are_refused_with_their_row_and_column(estimator, cell):
    X = table_for(estimator)
    message = r"row 'r3', column 'audio__frames'.*pooling=None makes frames"
    with pytest.raises(ValueError, match=message):
        assert_works(estimator, with_cell(X, "audio__frames", 3, cell))


# 5. missing cells
@of(EVERY)
@pytest.mark.parametrize("cell", [None, np.nan, pd.NA])
def test_missing_cells_are_missing_modalities(estimator, cell):
    X = table_for(estimator)
    holed = with_cell(X, "audio__frames", 4, cell)
    assert_same(
        assert_works(estimator, holed),
        assert_works(estimator, with_cell(X, "audio__frames", 4, None)),
    )


# 6. cells without frames
@of(EVERY)
def test_no_frames_are_a_missing_modality(estimator):
    X = table_for(estimator)
    out = assert_works(estimator, with_cell(X, "audio__frames", 4, np.zeros((0, 3), "f4")))
    missing = assert_works(estimator, with_cell(X, "audio__frames", 4, None))
    if not any(type(estimator) is type(known) for known in SMOOTHING.values()):
        kept = [i for i in range(N) if i != 4]
        assert_same(out.iloc[kept], missing.iloc[kept])


# 7. frames of another encoder in one row
@of(READERS)
def test_another_width_is_named(estimator):
    X = table_for(estimator)
    wide = with_cell(X, "audio__frames", 3, np.ones((3, 7), "f4"))
    with pytest.raises(ValueError, match=r"row 'r3', column 'audio__frames'.*\b7 dimensions"):
        assert_works(estimator, wide)
    with pytest.raises(ValueError, match=r"row 'r3', column 'audio__frames'.*\b7 dimensions"):
        output(fit(estimator, X), wide)


# 8. a modality that no training row has
@of(TRANSFORMERS)
def test_a_modality_without_frames_gives_no_columns(estimator):
    X = make()
    silent = X.assign(text__frames=object_column([None] * N, X.index))
    if isinstance(estimator, FrameAligner):
        estimator = FrameAligner("audio", rates=RATES)
    models = []
    told = messages(lambda: models.append(fit(estimator, silent)))
    assert "No training row has the modality 'text'" in told
    for later in (silent, X):
        out = output(models[0], later)
        assert not [name for name in out.columns if "text" in name]
        assert len(out.columns)
        assert list(models[0].get_feature_names_out()) == list(out.columns)
    assert_same(output(models[0], X), output(models[0], silent))


@of({**NETS, **LATE, **SEGMENTS})
def test_a_modality_without_frames_is_left_out_of_predictions(estimator):
    X = make()
    silent = X.assign(text__frames=object_column([None] * N, X.index))
    models = []
    told = messages(lambda: models.append(fit(estimator, silent)))
    assert re.search("No training row has the modality 'text'|'text' is missing in every", told)
    assert_same(output(models[0], X), output(models[0], silent))


@of({**READERS})
def test_no_frames_at_all_are_said(estimator):
    X = table_for(estimator)
    silent = X.assign(**{name: object_column([None] * N, X.index) for name in X.columns})
    if any(type(estimator) is type(known) for known in POOLING.values()):
        told = messages(lambda: assert_works(estimator, silent))
        assert "No training row has the modality 'audio'" in told
        return
    with pytest.raises(ValueError, match=r"of the 24 rows of X has frames|nothing to learn"):
        fit(estimator, silent)


# 9. frames that are NaN throughout
@of(EVERY)
def test_a_frame_of_nan_is_absent(estimator):
    X = table_for(estimator)
    holed = X["audio__frames"].iloc[3].copy()
    holed[1] = np.nan
    assert_works(estimator, with_cell(X, "audio__frames", 3, holed))
    gone = with_cell(X, "audio__frames", 3, np.full((3, 3), np.nan, "f4"))
    assert_works(estimator, gone)


@of(ONE_MODALITY)
def test_absent_frames_change_nothing_where_time_does_not_matter_between_modalities(estimator):
    X = table_for(estimator)
    cell = X["audio__frames"].iloc[3]
    holed = np.insert(cell, 1, np.nan, axis=0)
    assert_same(
        assert_works(estimator, with_cell(X, "audio__frames", 3, holed)), assert_works(estimator, X)
    )


@of(SMOOTHING)
def test_absent_frames_stay_where_they_are_when_others_are_smoothed(estimator):
    X = table_for(estimator)
    holed = np.insert(X["audio__frames"].iloc[3], 1, np.nan, axis=0)
    out = assert_works(estimator, with_cell(X, "audio__frames", 3, holed))["audio__frames"].iloc[3]
    assert np.isnan(out[1]).all()
    expected = assert_works(estimator, X)["audio__frames"].iloc[3]
    assert_allclose(np.delete(out, 1, axis=0), expected, atol=1e-6)


# 10. single NaN in frames
@of(READERS)
def test_single_nan_are_named_unless_a_class_says_what_they_mean(estimator):
    X = table_for(estimator)
    holed = X["audio__frames"].iloc[3].copy()
    holed[1, 2] = np.nan
    X = with_cell(X, "audio__frames", 3, holed)
    if any(type(estimator) is type(known) for known in ALLOW_NAN.values()):
        assert_works(estimator, X)
        return
    with pytest.raises(ValueError, match=r"row 'r3', column 'audio__frames': frame 1 .*NaN"):
        assert_works(estimator, X)


@of({"proxies=False": M3ERClassifier(2, **NET, **TRAINED)})
def test_a_net_without_proxies_takes_what_the_filter_leaves(estimator):
    X = make()
    shuffled = [np.roll(cell, 1, axis=0) * (-1) ** i for i, cell in enumerate(X["text__frames"])]
    model = make_m3er(proxies=False, classifier=estimator, random_state=0)
    model.set_params(check__reading="frames", check__fallback="none", check__threshold=0.5)
    model.fit(X, LABELS)
    test = X.assign(text__frames=object_column(shuffled, X.index))
    checked = model[:-1].transform(test)["text__frames"]
    assert any(cell is not None and np.isnan(cell).any() for cell in checked)
    assert np.isfinite(model.predict_proba(test)).all()


NO_FRAMES = {
    "EEGFilter": "reads and gives media",
    "EEGNetClassifier": "reads EEG",
    "FaceCNNClassifier": "reads images",
    "MultiTarget": "hands X on to one copy of its estimator a target",
    "OptunaSearchCV": "hands X on to its estimator",
    "SpeakerPretrainer": "reads as SpeechResNetClassifier; its labels are speakers",
    "UniMSEClassifier": "needs a column of texts; tests/neural/_unimse asks the same",
    "UniMSERegressor": "as UniMSEClassifier",
    "UniversalLabeler": "completes labels",
}
"""What is not asked about frames, and why. Readers of media are checked by emoest.testing."""


def test_every_public_estimator_is_asked_or_says_why_not():
    asked = {type(estimator).__name__ for estimator in [*EVERY.values(), *NUMBERS.values()]}
    known = asked | set(NO_FRAMES)
    for room in emoest._SUBMODULES:
        module = importlib.import_module(f"emoest.{room}")
        for name in getattr(module, "__all__", ()):
            each = getattr(module, name)
            if not isinstance(each, type) or not issubclass(each, BaseEstimator):
                continue
            assert name in known or issubclass(each, CellTransformer), f"{name} of {room}"
            assert name not in NO_FRAMES or name not in asked
