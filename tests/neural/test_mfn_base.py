import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator

from emoest.datasets import make_emotions
from emoest.neural import M3ERClassifier, MFNClassifier, MFNRegressor
from emoest.neural._mfn_base import align_steps, interpolate_steps
from emoest.tables.cells import object_column, write_frames
from emoest.tables.frames import read_frames_table

FAST = {"max_epochs": 2, "validation_fraction": None, "random_state": 0}


@pytest.fixture(scope="module")
def emotions():
    return make_emotions(48, n_speakers=6, return_X_y=True, random_state=0)


def table_of(lengths):
    cells = {
        name: [np.arange(2.0 * n, dtype="float32").reshape(n, 2) if n else None for n in each]
        for name, each in lengths.items()
    }
    index = [f"clip {i}" for i in range(len(lengths["a"]))]
    columns = [object_column(each, index, name) for name, each in cells.items()]
    return read_frames_table(BaseEstimator(), pd.concat(columns, axis=1), reset=True)


def test_rows_of_one_clock_are_left_alone_and_missing_modalities_have_none():
    table = table_of({"a": [3, 0, 2], "b": [3, 4, 2]})
    before = list(table.cells["a"])
    align_steps(table, None)
    assert table.lengths[:, 0].tolist() == [3, 0, 2]
    assert all(left is right for left, right in zip(table.cells["a"], before, strict=True))


def test_different_clocks_are_refused_by_row_or_stretched(tmp_path):
    table = table_of({"a": [3, 2], "b": [3, 5]})
    with pytest.raises(ValueError, match=r"'clip 1'.*\{'a': 2, 'b': 5\}.*FrameAligner.*resample"):
        align_steps(table, None)
    table.cells["a"][1] = write_frames(table.cells["a"][1], tmp_path / "a.npy")
    align_steps(table, "linear")
    assert table.lengths[:, 0].tolist() == [3, 5]
    np.testing.assert_allclose(table.cells["a"][1][:, 0], [0.0, 0.5, 1.0, 1.5, 2.0])


def test_a_file_with_nan_is_refused_before_it_is_stretched(tmp_path):
    table = table_of({"a": [3, 2], "b": [3, 5]})
    frames = table.cells["a"][1].copy()
    frames[1, 0] = np.nan
    table.cells["a"][1] = write_frames(frames, tmp_path / "a.npy")
    with pytest.raises(ValueError, match=r"row 'clip 1', modality 'a': frame 1 of 2 holds NaN"):
        align_steps(table, "linear")


def test_stretching_keeps_the_ends_and_repeats_a_single_frame():
    frames = np.random.RandomState(0).randn(4, 3).astype("float32")
    longer = interpolate_steps(frames, 9)
    np.testing.assert_allclose(longer[[0, -1]], frames[[0, -1]], atol=1e-6)
    assert interpolate_steps(frames[:1], 3).tolist() == [frames[0].tolist()] * 3
    np.testing.assert_array_equal(interpolate_steps(frames, 4), frames)


def test_unimodal_probabilities_are_of_their_own_modality(emotions):
    X, y = emotions
    model = M3ERClassifier(resample="linear", **FAST).fit(X, y)
    proba = model.predict_proba_unimodal(X)
    assert list(proba) == ["audio", "text", "face"] == model.modalities_
    missing = X["text__frames"].isna().to_numpy()
    assert missing.any()
    assert np.isnan(proba["text"][missing]).all()
    np.testing.assert_allclose(proba["text"][~missing].sum(axis=1), 1.0, rtol=1e-5)
    changed = X.copy()
    changed["face__frames"] = object_column(
        [None if cell is None else cell + 5 for cell in X["face__frames"]], X.index
    )
    again = model.predict_proba_unimodal(changed)
    np.testing.assert_allclose(again["text"], proba["text"], atol=1e-6)
    assert np.nanmax(np.abs(again["face"] - proba["face"])) > 0.01


def test_without_a_multiplicative_loss_there_are_no_unimodal_probabilities(emotions):
    X, y = emotions
    model = MFNClassifier(resample="linear", **FAST).fit(X, y)
    with pytest.raises(AttributeError, match="loss='cross_entropy' trains none"):
        model.predict_proba_unimodal(X)


def test_the_literal_loss_warns_where_it_begins_by_unlearning(emotions):
    X, y = emotions
    literal = M3ERClassifier(resample="linear", detach_weights=False, beta=1.5, **FAST)
    with pytest.warns(UserWarning, match=r"beta=1.5: with 4 classes and 3 pred.*below 1.44"):
        literal.fit(X, y)
    with pytest.warns(UserWarning, match="beta=1.5") as again:
        literal.set_params(warm_start=True).fit(X, y)
    assert len([w for w in again if "less probable" in str(w.message)]) == 1


def test_a_small_beta_does_not_warn(emotions, recwarn):
    X, y = emotions
    M3ERClassifier(resample="linear", detach_weights=False, beta=1.4, **FAST).fit(X, y)
    assert not [w for w in recwarn if issubclass(w.category, UserWarning)]


def test_nan_frames_name_row_and_column(emotions):
    X, y = emotions
    bad = X.copy()
    cells = list(X["audio__frames"])
    row = next(i for i, cell in enumerate(cells) if cell is not None and len(cell) > 1)
    cells[row] = cells[row].copy()
    cells[row][1, 0] = np.nan
    bad["audio__frames"] = object_column(cells, X.index)
    with pytest.raises(ValueError, match=rf"row \('u{row:04d}', .*'audio__frames': frame 1 of"):
        MFNClassifier(resample="linear", **FAST).fit(bad, y)


def test_every_modality_missing_is_answered_by_the_prior(emotions):
    X, y = emotions
    model = M3ERClassifier(resample="linear", **FAST).fit(X, y)
    empty = X.iloc[:2].copy()
    for name in empty.columns[:3]:
        empty[name] = object_column([None, np.zeros((0, 12))], empty.index)
    with pytest.warns(UserWarning, match=r"2 row\(s\) have no frames in any modality"):
        np.testing.assert_allclose(model.predict_proba(empty), [model.class_prior_] * 2, rtol=1e-5)
    assert all(np.isnan(p).all() for p in model.predict_proba_unimodal(empty).values())


def test_a_single_modality_works_and_so_does_one_that_is_absent_later(emotions):
    X, y = emotions
    alone = MFNClassifier(modalities=["audio"], **FAST).fit(
        X[X["audio__frames"].notna()], y[X["audio__frames"].notna()]
    )
    assert alone.modalities_ == ["audio"]
    model = MFNClassifier(resample="linear", **FAST).fit(X, y)
    later = X.assign(text__frames=object_column([None] * len(X), X.index))
    assert not np.isnan(model.predict_proba(later)).any()


def test_a_dict_names_the_columns_of_the_modalities(emotions):
    X, y = emotions
    named = {"voice": "audio__frames", "words": "text__frames", "look": [2]}
    model = M3ERClassifier(resample="linear", modalities=named, **FAST).fit(X, y)
    assert model.modalities_ == ["voice", "words", "look"]
    plain = M3ERClassifier(resample="linear", **FAST).fit(X, y)
    np.testing.assert_allclose(model.predict_proba(X), plain.predict_proba(X), atol=1e-6)


@pytest.mark.parametrize("numbers", [False, True])
def test_a_modality_that_training_lacks_is_left_out_with_a_warning(emotions, numbers):
    X, y = emotions
    if numbers:
        values = np.random.RandomState(0).randn(48, 4)
        X = pd.DataFrame(values, X.index, ["audio__0", "audio__1", "text__0", "face__0"])
        train = X.assign(text__0=np.nan)
    else:
        train = X.assign(text__frames=object_column([None] * 48, X.index))
    rest = train.drop(columns=[name for name in train if name.startswith("text")])
    model = MFNClassifier(resample="linear", **FAST)
    with pytest.warns(UserWarning, match="No training row has the modality 'text'"):
        proba = model.fit(train, y).predict_proba(X)
    assert model.modalities_ == ["audio", "face"]
    alone = MFNClassifier(resample="linear", **FAST).fit(rest, y)
    np.testing.assert_allclose(proba, alone.predict_proba(rest), atol=1e-6)


@pytest.mark.filterwarnings("ignore:2 training row")
def test_a_fit_that_goes_on_may_lack_a_modality(emotions):
    X, y = emotions
    model = MFNClassifier(resample="linear", warm_start=True, **FAST).fit(X, y)
    model.fit(X.assign(audio__frames=object_column([None] * 48, X.index)), y)
    assert model.modalities_ == ["audio", "text", "face"]


LEARNING = {"dropout": 0.0, "lr": 0.02, "max_epochs": 40, "batch_size": 160, "random_state": 0}


def test_a_cross_modal_exclusive_or_is_learned():
    rng = np.random.RandomState(0)
    first, second = rng.randint(0, 2, 240), rng.randint(0, 2, 240)
    X = pd.DataFrame({"a__x": first * 2.0 - 1, "b__x": second * 2.0 - 1})
    X += 0.2 * rng.randn(*X.shape)
    y = first ^ second
    model = MFNClassifier(16, 16, **LEARNING)
    model.set_params(validation_fraction=None).fit(X[:160], y[:160])
    assert model.score(X[160:], y[160:]) > 0.95
    from emoest.fusion import EarlyFusionClassifier

    assert EarlyFusionClassifier().fit(X[:160], y[:160]).score(X[160:], y[160:]) < 0.7


def test_values_are_learned_from_what_two_modalities_say_together():
    rng = np.random.RandomState(0)
    X = pd.DataFrame(rng.choice([-1.0, 1.0], (200, 2)), columns=["a__x", "b__x"])
    y = 5 + 2 * X["a__x"] * X["b__x"]
    model = MFNRegressor(16, 16, **LEARNING)
    assert model.set_params(validation_fraction=None).fit(X, y).score(X, y) > 0.9
