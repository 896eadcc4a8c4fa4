"""What both aggregators share: the container, names, gaps, messages."""

import re

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.preprocessing import FunctionTransformer

from emoest.aggregation import StatisticsPooling, WeightedAggregator
from emoest.tables.cells import object_column, write_frames
from emoest.testing import check_cell_estimator


def instances():
    yield WeightedAggregator("uniform")
    yield WeightedAggregator("duration")
    yield WeightedAggregator("peak_end")
    yield WeightedAggregator(_sums, modalities=["audio"])
    yield StatisticsPooling()
    yield StatisticsPooling(("max", "min"), (0.1, 0.9))


def _sums(frames):
    return np.abs(frames).sum(axis=1)


def column(cells, index, name):
    return object_column(cells, pd.Index(index), name)


@pytest.fixture
def X():
    """Audio with sidecar, text without, of different lengths."""
    generator = np.random.RandomState(0)
    rows = list("abcdefghij")
    audio = [generator.normal(size=(2 + i % 4, 3)) for i in range(10)]
    text = [generator.normal(size=(1 + i % 3, 2)).astype("float32") for i in range(10)]
    seconds = [generator.uniform(0.1, 2, size=len(frames)) for frames in audio]
    return pd.concat(
        [
            column(audio, rows, "audio__yamnet_frames"),
            column(seconds, rows, "audio__seconds"),
            column(text, rows, "text__frames"),
        ],
        axis=1,
    )


@pytest.mark.parametrize(
    "estimator", list(instances()), ids=lambda value: re.sub(r" at 0x\w+", "", str(value))
)
@pytest.mark.filterwarnings("ignore:weights='duration' finds no column")
def test_cell_checks(estimator, X):
    """On frames without sidecars: the ragged check cuts frames alone."""
    check_cell_estimator(estimator, X[["audio__yamnet_frames"]])


def test_several_modalities_at_once(X):
    X = X.assign(speaker=["s1"] * 10, text__length=np.arange(10.0))
    aggregator = StatisticsPooling(("mean",)).fit(X)
    Z = aggregator.transform(X)
    assert list(Z.columns) == [
        "audio__yamnet_mean_0000",
        "audio__yamnet_mean_0001",
        "audio__yamnet_mean_0002",
        "text__mean_0000",
        "text__mean_0001",
        "text__length",
        "speaker",
    ]
    assert aggregator.n_dims_ == {"audio": 3, "text": 2}
    assert aggregator.get_feature_names_out().tolist() == list(Z.columns)
    np.testing.assert_allclose(Z.loc["d"].iloc[:3].astype(float), X.iloc[3, 0].mean(axis=0), 1e-6)
    np.testing.assert_allclose(Z.loc["d"].iloc[3:5].astype(float), X.iloc[3, 2].mean(axis=0), 1e-6)
    assert Z["text__length"].tolist() == list(range(10))


def test_one_modality_of_several(X):
    Z = WeightedAggregator(modalities=["audio"]).fit_transform(X)
    assert list(Z.columns[3:]) == ["text__frames"]
    assert Z["text__frames"].iloc[0] is X["text__frames"].iloc[0]


def test_a_missing_modality_is_a_block_of_nan(X):
    X["audio__yamnet_frames"] = column([None, *X.iloc[1:, 0]], X.index, "x")
    Z = StatisticsPooling().fit_transform(X)
    assert Z.iloc[0, :6].isna().all()
    assert Z.iloc[0, 6:].notna().all()


def test_zero_frames_are_said_and_missing(X):
    for empty in (np.zeros((0, 3)), []):
        X["audio__yamnet_frames"] = column([*X.iloc[:9, 0], empty], X.index, "x")
        with pytest.warns(UserWarning, match=r"row 'j', column 'audio__yamnet_frames': zero fr"):
            Z = StatisticsPooling().fit_transform(X)
        assert Z.loc["j"].iloc[:6].isna().all() and Z.iloc[:9].notna().all(axis=None)


def test_other_width_is_an_error_that_names_the_row(X):
    X["text__frames"] = column([*X.iloc[:9, 2], np.zeros((2, 5))], X.index, "x")
    message = r"row 'j', column 'text__frames': the frames have 5 dimensions, but in fit .* 2"
    with pytest.raises(ValueError, match=message):
        StatisticsPooling().fit_transform(X)


def test_a_modality_without_any_frames_gives_no_columns(X):
    for nothing in (None, np.nan):
        silent = X.assign(text__frames=nothing)
        with pytest.warns(UserWarning, match="No training row has the modality 'text'"):
            model = StatisticsPooling().fit(silent)
        assert model.n_dims_ == {"audio": 3}
        assert list(model.transform(X)) == list(model.transform(silent))
        assert not [name for name in model.get_feature_names_out() if "text" in name]


def test_a_table_of_vectors_is_an_error():
    X = pd.DataFrame({"audio__yamnet_0000": [1.0], "audio__yamnet_0001": [2.0]})
    with pytest.raises(ValueError, match="X has no column of frames"):
        WeightedAggregator().fit(X)


def test_two_columns_of_frames_in_one_modality_are_an_error(X):
    X["audio__logmel_frames"] = X["audio__yamnet_frames"]
    with pytest.raises(ValueError, match=r"'audio' needs one column of frames; X has 2"):
        WeightedAggregator().fit(X)


def test_frames_are_read_from_files(X, tmp_path):
    expected = StatisticsPooling().fit_transform(X)
    paths = [write_frames(f, tmp_path / f"{i}.npy") for i, f in enumerate(X.iloc[:, 0])]
    X["audio__yamnet_frames"] = paths
    pd.testing.assert_frame_equal(StatisticsPooling().fit_transform(X), expected)
    (tmp_path / "4.npy").unlink()
    with pytest.raises(FileNotFoundError, match=r"row 'e', column 'audio__yamnet_frames'"):
        StatisticsPooling().fit(X.iloc[:3]).transform(X)


def test_lost_names_go_by_position(X):
    named = WeightedAggregator().fit_transform(X.iloc[:, :2])
    array = WeightedAggregator().fit_transform(X.iloc[:, :2].to_numpy())
    np.testing.assert_array_equal(array, named)
    assert list(array.columns) == ["0000", "0001", "0002"]


def test_inside_a_column_transformer(X):
    """The branch sees bare names, the transformer's name becomes the prefix."""
    frames = X[["audio__yamnet_frames", "audio__seconds"]].set_axis(["f", "s"], axis=1)
    rename = FunctionTransformer(lambda X: X.set_axis(["yamnet_frames", "seconds"], axis=1))
    embed = ColumnTransformer([("audio", rename, ["f", "s"])], verbose_feature_names_out=False)
    embed.set_output(transform="pandas")
    inner = embed.fit_transform(frames)
    assert list(WeightedAggregator().fit_transform(inner)) == [f"yamnet_000{i}" for i in range(3)]
    outer = ColumnTransformer([("audio", WeightedAggregator(), ["yamnet_frames", "seconds"])])
    Z = outer.set_output(transform="pandas").fit_transform(inner)
    assert list(Z) == [f"audio__yamnet_000{i}" for i in range(3)]
    np.testing.assert_array_equal(Z, WeightedAggregator().fit_transform(X.iloc[:, :2]))


def test_rows_with_numbers_for_names_are_called_as_pandas_shows_them(X):
    X = X.set_axis(pd.Index([7, 3, 5, 9, 1, 0, 2, 4, 6, 8]))
    cells = [np.empty((0, 3)), *X["audio__yamnet_frames"][1:]]
    X["audio__yamnet_frames"] = object_column(cells, X.index)
    with pytest.warns(UserWarning, match="StatisticsPooling: row 7, column 'audio__yamnet_frames'"):
        StatisticsPooling().fit_transform(X)
    X["audio__seconds"] = object_column([[1.0]] * 10, X.index)
    with pytest.raises(ValueError, match=r"^row 3, column 'audio__seconds'"):
        WeightedAggregator("duration", modalities=["audio"]).fit_transform(X)
