import numpy as np
import pandas as pd
import pytest

from emoest.nets.batches import FrameDataset
from emoest.neural import SequenceClassifier
from emoest.neural._training.scaling import fit_scales
from emoest.tables.cells import object_column, write_frames
from tests.neural.helpers import PLAIN, SMALL, assert_same_state, state_of


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
        (
            np.float32([[np.nan, 0, 0], [0, 0, 0]]),
            r"row \(5, 's2'\), column 'audio__frames': frame 0",
        ),
        (np.zeros((2, 7), "float32"), r"'s2'\).*7 dimensions, those of row \(0, 's0'\) have 3"),
        ("hello.wav", r"row \(5, 's2'\).*holds 'hello\.wav', which is no \.npy file.*pooling=None"),
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
    assert model.modalities_ == ["audio"]
    assert pd.DataFrame(model.transform(X.assign(speaker="s1"))).columns[-1] == "speaker"


@pytest.mark.parametrize(
    "save",
    [
        lambda path, cell: np.save(path, cell.astype("float64")),
        lambda path, cell: np.save(path, np.asfortranarray(cell)),
    ],
)
def test_files_of_other_types_and_orders_are_the_same_frames(frames, tmp_path, save):
    X, y = frames
    paths = []
    for i, cell in enumerate(X["audio__frames"]):
        paths.append(str(tmp_path / f"{i}.npy"))
        save(paths[-1], cell)
    column = object_column(paths, X.index, "audio__frames").to_frame()
    model = SequenceClassifier(**PLAIN).fit(column, y)
    assert_same_state(state_of(model), state_of(SequenceClassifier(**PLAIN).fit(X, y)))
    array = SequenceClassifier(**PLAIN).fit(column.to_numpy(), y)
    assert_same_state(state_of(model), state_of(array))


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.array([["a", "b", "c"]]), "does not hold frames.*found ndarray"),
        (np.zeros((2, 3, 4)), r"shape \(2, 3, 4\)"),
        (np.array([[None]], dtype=object), "is not a readable"),
    ],
)
def test_files_without_frames_are_named_before_training(frames, tmp_path, array, message):
    X, y = frames
    np.save(tmp_path / "bad.npy", array)
    cells = [*X["audio__frames"].iloc[:39], str(tmp_path / "bad.npy")]
    bad = object_column(cells, X.index, "audio__frames").to_frame()
    with pytest.raises(ValueError, match=rf"row \(39, 's3'\), column 'audio__frames'.*{message}"):
        SequenceClassifier(**PLAIN).fit(bad, y)


@pytest.mark.parametrize("empty", [[], np.zeros((0, 3)), np.zeros((0, 9)), np.zeros((2, 0))])
def test_cells_without_frames_are_missing(frames, empty):
    X, y = frames
    cells = [empty, *X["audio__frames"].iloc[1:]]
    holed = object_column(cells, X.index, "audio__frames").to_frame()
    with pytest.warns(UserWarning, match="1 training row"):
        model = SequenceClassifier(**PLAIN).fit(holed, y)
    np.testing.assert_allclose(model.predict_proba(X.iloc[1:]).sum(axis=1), 1, rtol=1e-6)


def test_a_column_alone_is_a_table_of_one_modality(frames):
    X, y = frames
    model = SequenceClassifier(**PLAIN).fit(X["audio__frames"], y)
    np.testing.assert_array_equal(model.predict(X["audio__frames"]), model.predict(X))
    assert model.transform(X["audio__frames"]).index.equals(X.index)


def test_names_may_be_lost_on_the_way_to_a_prediction(frames):
    X, y = frames
    model = SequenceClassifier(**PLAIN).fit(X, y)
    with pytest.warns(UserWarning, match="valid feature names"):
        np.testing.assert_array_equal(model.predict(X.to_numpy()), model.predict(X))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda X: list(X["audio__frames"]), "frames as cells of a table.*object_column"),
        (lambda X: np.zeros((40, 5, 3)), "frames as cells of a table.*object_column"),
        (lambda X: X.iloc[:0], r"0 sample\(s\)"),
        (lambda X: pd.DataFrame({"speaker": ["s1"] * 40}), "only \\['speaker'\\]"),
        (lambda X: object_column([None] * 40, X.index, "audio").to_frame(), "nothing to learn"),
    ],
)
def test_what_is_no_table_of_frames_is_refused_in_words(frames, make, message):
    X, y = frames
    with pytest.raises(ValueError, match=message):
        SequenceClassifier(**PLAIN).fit(make(X), y)


def test_another_kind_of_table_at_prediction_is_refused(frames):
    X, y = frames
    model = SequenceClassifier(**PLAIN).fit(X, y)
    with pytest.raises(ValueError, match="'audio' has 1 dimensions, it had 3 in fit"):
        model.predict(pd.DataFrame({"audio__frames": [1.0, 2.0]}))
    wide = object_column([np.zeros((2, 7))], X.index[:1], "audio__frames").to_frame()
    with pytest.raises(ValueError, match="7 dimensions, but in fit they had 3"):
        model.predict(wide)
    with pytest.raises(ValueError, match=r"0 sample\(s\)"):
        model.predict(X.iloc[:0])


def test_numbers_may_stand_in_object_columns():
    X = np.random.RandomState(0).randn(12, 2)
    numbers = pd.DataFrame(X, columns=["audio__a", "audio__b"])
    expected = SequenceClassifier(**PLAIN).fit(numbers, [0, 1] * 6).predict_proba(numbers)
    objects = numbers.astype(object)
    model = SequenceClassifier(**PLAIN).fit(objects, [0, 1] * 6)
    np.testing.assert_array_equal(model.predict_proba(objects), expected)
    assert SequenceClassifier(**PLAIN).fit(pd.DataFrame(X).astype(object), [0, 1] * 6)


def test_scales_are_those_of_all_weighted_frames():
    cells = [np.arange(6, dtype="float32").reshape(3, 2), np.full((2, 2), 9, "float32")]
    data = FrameDataset({"a": cells}, {"a": np.array([3, 2])}, {"a": 2})
    scale = fit_scales(data, np.array([1.0, 2.0]))["a"]
    frames = np.concatenate([cells[0], cells[1], cells[1]])
    np.testing.assert_allclose(scale.mean, frames.mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(scale.std, frames.std(axis=0), rtol=1e-6)


@pytest.mark.filterwarnings("error")
def test_numbers_beside_a_column_of_strings_warn_of_nothing():
    X = pd.DataFrame({"a__x": [0.0, 1.0] * 6, "speaker": ["s1", "s1", "s2", "s2"] * 3})
    model = SequenceClassifier(**PLAIN).fit(X, [0, 1] * 6)
    assert model.modalities_ == ["a"]


def test_rows_with_numbers_for_names_are_called_as_pandas_shows_them(frames):
    X, y = frames
    X = X.set_axis(pd.Index(range(100, 100 + len(X)))).sample(frac=1, random_state=0)
    cells = list(X["audio__frames"])
    cells[0] = cells[0].copy()
    cells[0][-1, 0] = np.nan
    X["audio__frames"] = object_column(cells, X.index)
    with pytest.raises(ValueError, match=rf"^row {X.index.tolist()[0]}, column 'audio__frames'"):
        SequenceClassifier(**PLAIN).fit(X, y)
