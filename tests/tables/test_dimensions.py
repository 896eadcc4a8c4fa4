import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import make_pipeline

from emoest.aggregation import StatisticsPooling, WeightedAggregator
from emoest.features import AcousticFunctionals, DifferentialEntropy, MovingAverage
from emoest.features._functionals import NAMES
from emoest.tables.cells import object_column
from emoest.tables.dimensions import dimension_names, name_dimensions


def clips(n=4):
    rng = np.random.default_rng(0)
    chunks = [[rng.normal(size=4000) / 9 for _ in range(2)] for _ in range(n - 1)]
    cells = object_column([*chunks, None], pd.RangeIndex(n), "audio")
    return cells.to_frame().assign(speaker=["a", "b"] * (n // 2))


@pytest.fixture(scope="module")
def frames():
    acoustic = AcousticFunctionals(sampling_rate=8000, cache_dir=False)
    return acoustic.fit_transform(clips())


VECTORS = {
    "weighted": (WeightedAggregator(), list(NAMES)),
    "statistics": (
        StatisticsPooling(["mean", "std"]),
        [f"{name}_{what}" for what in ("mean", "std") for name in NAMES],
    ),
}


@pytest.mark.parametrize(("aggregator", "names"), VECTORS.values(), ids=VECTORS.keys())
def test_aggregators_keep_the_names_of_the_functionals(frames, aggregator, names):
    out = aggregator.fit_transform(frames)
    assert sorted(out.columns[:-1]) == sorted(names)
    assert list(out.columns) == list(aggregator.get_feature_names_out())
    assert list(aggregator.transform(frames.iloc[2:]).columns) == list(out.columns)


def test_they_are_the_names_and_values_of_pooling_in_the_embedder():
    X = clips()
    parameters = {"sampling_rate": 8000, "cache_dir": False}
    two = make_pipeline(AcousticFunctionals(**parameters), WeightedAggregator()).fit_transform(X)
    one = AcousticFunctionals(pooling="mean", **parameters).fit_transform(X)
    pd.testing.assert_frame_equal(two, one, check_dtype=False, rtol=1e-5)


def test_inside_a_column_transformer_the_prefix_stands_before_them():
    acoustic = AcousticFunctionals(sampling_rate=8000, cache_dir=False)
    steps = [
        ("audio", make_pipeline(acoustic, WeightedAggregator()), ["audio"]),
        ("rest", "passthrough", ["speaker"]),
    ]
    embed = ColumnTransformer(steps).set_output(transform="pandas")
    assert list(embed.fit_transform(clips()))[:2] == ["audio__f0_median", "audio__f0_mean"]


def test_smoothed_frames_keep_them(frames):
    smoothed = MovingAverage(window=3).fit_transform(frames)
    assert NAMES[0] in WeightedAggregator().fit_transform(smoothed)


def test_channels_of_eeg_keep_theirs():
    rng = np.random.default_rng(0)
    cells = [(rng.normal(size=(2, 800)), 200, ["Fz", "Cz"]) for _ in range(3)]
    X = object_column(cells, pd.RangeIndex(3), "eeg").to_frame()
    pooled = make_pipeline(DifferentialEntropy(cache_dir=False), WeightedAggregator("uniform"))
    names = list(pooled.fit_transform(X))
    assert {"de_Fz_alpha", "de_Cz_alpha"} <= set(names)


def test_names_of_another_number_of_dimensions_are_not_taken(frames):
    other = frames.copy()
    other["acoustic_frames"] = object_column(
        [None if cell is None else cell[:, :2] for cell in frames["acoustic_frames"]], frames.index
    )
    assert dimension_names(other, "acoustic_frames") == tuple(NAMES)
    names = list(WeightedAggregator().fit_transform(other))
    assert names == ["acoustic_0000", "acoustic_0001", "speaker"]


def test_each_column_has_its_own():
    X = pd.DataFrame({"a_frames": [None], "b_frames": [None]})
    name_dimensions(X, "a_frames", ["x"])
    name_dimensions(X, "b_frames", ["y", "z"])
    assert dimension_names(X, "face__b_frames") == ("y", "z")
    assert dimension_names(X, "c_frames") == ()
