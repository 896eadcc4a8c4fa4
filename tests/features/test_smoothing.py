import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import ConvergenceWarning

from emoest.features._kalman import Noise, smooth
from emoest.features._smoothing import LinearDynamicSmoother, MovingAverage
from emoest.tables.cells import object_column
from emoest.testing import assert_same_cells, cell_estimator_checks

GOLDEN = [2.999976, 3.000176, 3.000476, 3.000776, 3.000975]


def cells(n=8, n_dims=3):
    random = np.random.RandomState(0)
    return [
        (np.cumsum(random.normal(size=(4 + 3 * i, n_dims)), axis=0)).astype(np.float32)
        for i in range(n)
    ]


def table(n=8):
    index = pd.Index([f"trial_{i}" for i in range(n)])
    return object_column(cells(n), index, "eeg__de_frames").to_frame()


@pytest.mark.parametrize(
    ("estimator", "check"),
    [
        (estimator, check)
        for estimator in [
            LinearDynamicSmoother(),
            LinearDynamicSmoother(noise="em", tol=1e-3),
            MovingAverage(),
        ]
        for check in cell_estimator_checks(estimator)
    ],
    ids=lambda value: getattr(value, "__name__", None) or type(value).__name__,
)
def test_cell_estimator_checks(estimator, check):
    check(estimator, table(), None)


def test_golden_values_reach_the_cells():
    frames = np.stack([np.arange(1.0, 6.0), np.full(5, 2.0)], axis=1)
    X = pd.DataFrame({"eeg__de_frames": [frames, frames[:1], None]})
    output = LinearDynamicSmoother().fit_transform(X)["eeg__de_frames"]
    assert output[0].dtype == np.float32
    np.testing.assert_allclose(output[0][:, 0], GOLDEN, atol=1e-6)
    np.testing.assert_allclose(output[0][:, 1], 2.0)
    assert output[1].tolist() == [[1.0, 2.0]]
    assert output[2] is None
    filtered = LinearDynamicSmoother(backward=False).fit_transform(X)["eeg__de_frames"][0]
    np.testing.assert_allclose(filtered[0, 0], 2.980198, atol=1e-6)


def test_parameters_reach_the_model():
    X = table()
    smoother = LinearDynamicSmoother(process_noise=0.5, observation_noise=2.0, initial_variance=3.0)
    got = smoother.fit_transform(X)["eeg__de_frames"]["trial_3"]
    expected = smooth(cells()[3].astype(float), Noise(0.5, 2.0, 3.0))
    np.testing.assert_allclose(got, expected, rtol=1e-5)
    assert smoother.process_noise_ == {}


def test_nothing_passes_from_trial_to_trial():
    """Two equal trials far from each other are smoothed alike, wherever they stand."""
    trial = cells()[4]
    X = pd.DataFrame({"eeg": [trial, trial + 1000, trial]})
    for smoother in (LinearDynamicSmoother(process_noise=0.1), MovingAverage()):
        output = smoother.fit_transform(X)["eeg"]
        np.testing.assert_array_equal(output[0], output[2])
        np.testing.assert_allclose(output[1] - 1000, output[0], atol=1e-3)


def test_the_default_is_nearly_the_mean_of_the_trial():
    X = table()
    output = LinearDynamicSmoother().fit_transform(X)["eeg__de_frames"]
    for before, after in zip(X["eeg__de_frames"], output, strict=True):
        assert after.std(axis=0).max() < 0.1 * before.std(axis=0).max()


def test_em_learns_in_fit_and_one_of_each_a_dimension():
    random = np.random.RandomState(0)
    steps = np.array([0.2, 1.5])
    walks = [
        np.cumsum(random.normal(scale=steps, size=(50, 2)), axis=0) + random.normal(size=(50, 2))
        for _ in range(30)
    ]
    X = pd.DataFrame({"eeg__de_frames": object_column(walks, pd.RangeIndex(30)), "speaker": "a"})
    smoother = LinearDynamicSmoother(noise="em").fit(X)
    np.testing.assert_allclose(smoother.process_noise_["eeg"], steps**2, rtol=0.3)
    np.testing.assert_allclose(smoother.observation_noise_["eeg"], 1.0, rtol=0.2)
    assert 1 < smoother.n_iter_["eeg"] < 200
    noise = Noise(smoother.process_noise_["eeg"], smoother.observation_noise_["eeg"], np.inf)
    output = smoother.transform(X.iloc[[3]])["eeg__de_frames"]
    np.testing.assert_allclose(output[3], smooth(walks[3], noise), rtol=1e-4, atol=1e-5)
    other = X.iloc[[3]].copy()
    other["eeg__de_frames"] = object_column([walks[3][:, :1]], other.index)
    with pytest.raises(ValueError, match=r"row 3.*have 1 dimensions, but in fit they had 2"):
        smoother.transform(other)


def test_em_says_when_it_did_not_settle():
    message = "modality 'eeg' was still changing after 2 iter"
    with pytest.warns(ConvergenceWarning, match=message) as told:
        LinearDynamicSmoother(noise="em", max_iter=2, tol=0.0).fit_transform(table())
    assert told[0].filename == __file__


def test_em_needs_trials_of_two_frames():
    X = pd.DataFrame({"eeg": [np.ones((1, 2)), None]})
    with pytest.raises(ValueError, match=r"the modality 'eeg' has none. Pass noise='fixed'"):
        LinearDynamicSmoother(noise="em").fit(X)
    X = pd.DataFrame({"eeg": [np.ones((3, 2)), np.ones((3, 4))]})
    with pytest.raises(
        ValueError, match=r"row 1, column 'eeg'.* 4 dimensions, those of row 0 have 2"
    ):
        LinearDynamicSmoother(noise="em").fit(X)


def test_only_the_named_modality_changes_and_all_else_is_kept():
    X = pd.DataFrame(
        {
            "speaker": ["a", "b"],
            "eeg__de_frames": cells(2),
            "eeg__seconds": [np.ones(4), np.ones(7)],
            "face__frames": cells(2),
        },
        index=[7, 3],
    )
    output = MovingAverage(window=3, modalities=["eeg"]).fit_transform(X)
    assert list(output.columns) == ["eeg__de_frames", "eeg__seconds", "face__frames", "speaker"]
    assert_same_cells(output[["eeg__seconds", "face__frames"]], X[["eeg__seconds", "face__frames"]])
    before, after = X["eeg__de_frames"][7], output["eeg__de_frames"][7]
    np.testing.assert_allclose(after[1], before[:3].mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(after[0], before[:2].mean(axis=0), rtol=1e-5)
    np.testing.assert_array_equal(before, cells(2)[0])
    both = MovingAverage(window=3).fit_transform(X)
    np.testing.assert_array_equal(both["face__frames"][7], after)


def test_stored_frames_and_arrays_are_taken(tmp_path):
    np.save(tmp_path / "a.npy", np.array([[0.0], [3.0], [6.0]]))
    X = np.empty((1, 1), dtype=object)
    X[0, 0] = str(tmp_path / "a.npy")
    output = MovingAverage(window=3).fit_transform(X)
    assert isinstance(output, pd.DataFrame)
    assert output.iloc[0, 0].ravel().tolist() == [1.5, 3.0, 4.5]
    empty = pd.DataFrame({"eeg": [np.zeros((0, 2)), np.ones((3, 2))]})
    assert MovingAverage().fit_transform(empty)["eeg"][0].shape == (0, 2)


@pytest.mark.parametrize("smoother", [LinearDynamicSmoother(), MovingAverage()])
def test_bad_frames_are_said(smoother):
    bad = np.ones((4, 2))
    bad[2, 1] = np.nan
    with pytest.raises(
        ValueError, match=r"row 1, column 'eeg': frame 2 of 4 holds NaN or infinity"
    ):
        smoother.fit_transform(pd.DataFrame({"eeg": [np.ones((3, 2)), bad]}))
    with pytest.raises(ValueError, match="needs one column of frames"):
        smoother.fit(pd.DataFrame({"eeg__a_frames": [bad], "eeg__b_frames": [bad]}))


def test_an_even_window_is_said():
    with pytest.raises(ValueError, match="window=4 has no middle frame: pass an odd number, such"):
        MovingAverage(window=4).fit(table())
