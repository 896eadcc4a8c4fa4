import numpy as np
import pandas as pd
import pytest

from emoest.aggregation import StatisticsPooling, pool_statistics
from emoest.tables.cells import object_column


def table(*cells):
    return pd.DataFrame({"audio__yamnet_frames": object_column(list(cells), range(len(cells)))})


def test_statistics_equal_numpy():
    frames = np.random.RandomState(0).normal(size=(9, 5)).astype("float32")
    pooled = StatisticsPooling(("max", "mean", "min", "std"), (0.5, 0.25)).fit_transform(
        table(frames)
    )
    double = frames.astype(float)
    expected = [
        double.max(0),
        double.mean(0),
        double.min(0),
        double.std(0),
        np.median(double, 0),
        np.percentile(double, 25, axis=0),
    ]
    np.testing.assert_allclose(pooled.iloc[0], np.concatenate(expected), rtol=1e-12)
    assert list(pooled)[::5] == [
        f"audio__yamnet_{name}_0000" for name in ("max", "mean", "min", "std", "q50", "q25")
    ]


def test_one_frame_has_deviation_zero():
    assert pool_statistics(np.array([[3.0]])).tolist() == [3, 0]


def test_nan_is_masked():
    padded = np.array([[1.0, 2.0], [3.0, np.nan], [np.nan, np.nan]])
    statistics = ("mean", "std", "min", "max")
    np.testing.assert_array_equal(
        pool_statistics(padded, statistics, (0.5,)), [2, 2, 1, 0, 1, 2, 3, 2, 2, 2]
    )


@pytest.mark.filterwarnings("error")
def test_frames_of_nan_alone_are_a_missing_block():
    pooled = StatisticsPooling(("mean", "std", "max"), (0.1,)).fit_transform(
        table(np.ones((2, 2)), np.full((3, 2), np.nan))
    )
    assert pooled.iloc[1].isna().all()


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"statistics": ["median"]}, r"'median' is unknown; choose among mean, std, min, max"),
        ({"quantiles": [25]}, r"must lie between 0 and 1, found 25"),
        ({"statistics": []}, r"at least one statistic"),
        ({"statistics": ["mean", "mean"]}, r"none twice"),
        ({"quantiles": [0.1, 0.1]}, r"none twice"),
    ],
)
def test_bad_parameters(parameters, message):
    with pytest.raises(ValueError, match=message):
        StatisticsPooling(**parameters).fit(table(np.ones((2, 2))))
