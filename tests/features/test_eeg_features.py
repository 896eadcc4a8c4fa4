import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.io import savemat
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import make_pipeline

from emoest.aggregation import StatisticsPooling
from emoest.features._eeg import BandPower, DifferentialEntropy
from emoest.features._eeg_bands import fft_entropy, find_bands, gaussian_entropy
from emoest.features._smoothing import LinearDynamicSmoother
from emoest.media import SEED_CHANNELS, cells_from_mat, cells_from_mne
from emoest.media.eeg_windows import place_windows
from emoest.tables.cells import object_column
from emoest.testing import cell_estimator_checks

RATE = 100.0
BANDS = {"theta": (4, 8), "alpha": (8, 14)}


def trial(seconds, seed=0, n_channels=2):
    random = np.random.RandomState(seed)
    return random.normal(scale=15, size=(n_channels, round(seconds * RATE)))


def table(n=8):
    cells = [(trial(1.5 + 0.7 * i, i), RATE) for i in range(n)]
    index = pd.Index([f"trial_{i}" for i in range(n)])
    return object_column(cells, index, "eeg").to_frame()


def with_lists(X):
    X = X.copy()
    X["eeg"] = object_column(
        [[cell, cell] if i == 1 else cell for i, cell in enumerate(X["eeg"])], X.index
    )
    return X


ESTIMATORS = [
    DifferentialEntropy(window=1.0, bands=BANDS),
    DifferentialEntropy(window=1.0, bands=BANDS, method="fft", base=2, pooling="mean"),
    BandPower(window=1.0, bands=BANDS),
    BandPower(window=1.0, bands=BANDS, pooling="max", channels=["Fz", "Cz"]),
]


@pytest.mark.parametrize(
    ("estimator", "check"),
    [(estimator, check) for estimator in ESTIMATORS for check in cell_estimator_checks(estimator)],
    ids=lambda value: getattr(value, "__name__", None) or type(value).__name__,
)
def test_cell_estimator_checks(estimator, check):
    check(estimator, with_lists(table()), None)


def test_seed_iv_gives_310_columns_a_window(tmp_path):
    """62 channels at 200 Hz, five bands, windows of 4 s: from the file to the frames."""
    random = np.random.RandomState(0)
    data = random.normal(scale=20, size=(62, 2401))
    path = tmp_path / "1_20160518.mat"
    savemat(path, {"cz_eeg1": data, "cz_eeg2": data[:, :800]})
    X = pd.DataFrame({"eeg": cells_from_mat(path)})
    entropy = DifferentialEntropy(sampling_rate=200, channels=SEED_CHANNELS)
    output = entropy.fit_transform(X)
    assert [cell.shape for cell in output["de_frames"]] == [(3, 310), (1, 310)]
    windows = place_windows(2401, 200.0, 4.0)
    values = gaussian_entropy(data, 200.0, find_bands("seed"), windows)
    np.testing.assert_allclose(output["de_frames"][0][2, 23 * 5 + 3], values[23, 2, 3], rtol=1e-5)
    names = entropy.set_params(pooling="mean").fit(X).get_feature_names_out()
    assert len(names) == 310
    assert names[:6].tolist() == [
        "de_FP1_delta",
        "de_FP1_theta",
        "de_FP1_alpha",
        "de_FP1_beta",
        "de_FP1_gamma",
        "de_FPZ_delta",
    ]
    assert names[23 * 5 + 3] == "de_T7_beta"


def test_seconds_add_up_to_the_trial():
    output = BandPower(window=1.0, bands=BANDS).fit_transform([(trial(3.5), RATE)])
    np.testing.assert_allclose(output["seconds"][0], [3.5 / 3] * 3, rtol=1e-6)


def test_names_without_and_with_channels():
    power = BandPower(window=1.0, bands=BANDS, pooling="mean").fit(table())
    expected = ["00_theta", "00_alpha", "01_theta", "01_alpha"]
    assert power.get_feature_names_out().tolist() == [f"bandpower_{name}" for name in expected]
    assert BandPower(channels=2, window=1.0).fit([None]).n_dims_ == 10
    for channels in (["Fz", "Fz"], ["a__b"], [], [1, 2]):
        with pytest.raises(ValueError, match="names that are unique, not empty and without '__'"):
            BandPower(channels=channels).fit(table())


@pytest.mark.parametrize(("method", "added"), [("gaussian", 1.0), ("fft", 2.0)])
def test_doubling_adds_one_or_two_in_base_two(method, added):
    """Multiplying by k adds log2 k (gaussian) or 2 log2 k (fft); here k = 2."""
    signal = trial(8.0)
    entropy = DifferentialEntropy(window=2.0, bands=BANDS, method=method, base=2)
    output = entropy.fit_transform([(signal, RATE), (2 * signal, RATE), (signal + 500, RATE)])
    once, twice, offset = output["de_frames"]
    np.testing.assert_allclose(twice - once, added, atol=1e-5)
    np.testing.assert_allclose(offset, once, atol=1e-5)


def test_ten_hertz_is_alpha():
    time = np.arange(1200) / 200
    signal = 20 * np.sin(2 * np.pi * 10 * time) + np.random.RandomState(0).normal(size=(1, 1200))
    for estimator in (
        DifferentialEntropy(window=2.0, pooling="mean"),
        DifferentialEntropy(window=2.0, pooling="mean", method="fft"),
        BandPower(window=2.0, pooling="mean"),
        BandPower(window=2.0, pooling="mean", scale="relative"),
    ):
        values = estimator.fit_transform([(signal, 200)]).iloc[0]
        assert values.idxmax().endswith("_alpha")


def test_bases_and_scales():
    cells = [(trial(6.0), RATE)]
    natural = DifferentialEntropy(bands=BANDS, window=2.0).fit_transform(cells)["de_frames"][0]
    binary = DifferentialEntropy(bands=BANDS, window=2.0, base=2).fit_transform(cells)
    np.testing.assert_allclose(binary["de_frames"][0] * np.log(2), natural, rtol=1e-5)
    power, log, relative = (
        BandPower(bands=BANDS, window=2.0, scale=scale).fit_transform(cells)["bandpower_frames"][0]
        for scale in ("power", "log", "relative")
    )
    np.testing.assert_allclose(np.exp(log), power, rtol=1e-5)
    shares = power.reshape(3, 2, 2)
    shares = (shares / shares.sum(axis=2, keepdims=True)).reshape(3, 4)
    np.testing.assert_allclose(relative, shares, rtol=1e-5)


def test_parameters_reach_the_numerics():
    signal = trial(6.0)
    cells = [(signal, RATE)]
    bands = find_bands(BANDS)
    windows = place_windows(600, RATE, 2.0, 0.5)
    causal = DifferentialEntropy(
        bands=BANDS, window=2.0, step=0.5, order=5, zero_phase=False
    ).fit_transform(cells)["de_frames"][0]
    expected = gaussian_entropy(signal, RATE, bands, windows, order=5, zero_phase=False)
    np.testing.assert_allclose(causal[4], expected[:, 4].ravel(), rtol=1e-5)
    fft = DifferentialEntropy(bands=BANDS, window=2.0, step=0.5, method="fft").fit_transform(cells)
    np.testing.assert_allclose(
        fft["de_frames"][0][8], fft_entropy(signal, RATE, bands, windows)[:, 8].ravel(), rtol=1e-5
    )


@pytest.mark.parametrize(
    ("entropy", "parameter", "value"),
    [
        *[(True, "window", 2.0), (True, "step", 0.5), (True, "bands", {"a": (4, 9), "b": (8, 14)})],
        *[(True, "method", "fft"), (True, "base", 2), (True, "order", 4)],
        *[(True, "zero_phase", False), (False, "scale", "power"), (False, "step", 0.5)],
    ],
)
def test_the_store_tells_settings_apart(tmp_path, entropy, parameter, value):
    cells = [(trial(6.0), RATE)]
    kind = DifferentialEntropy if entropy else BandPower
    stored = kind(window=1.0, bands=BANDS, cache_dir=tmp_path)
    before = stored.fit_transform(cells).iloc[0, 0]
    after = stored.set_params(**{parameter: value}).fit_transform(cells).iloc[0, 0]
    fresh = stored.set_params(cache_dir=False).fit_transform(cells).iloc[0, 0]
    np.testing.assert_array_equal(after, fresh)
    assert before.shape != after.shape or not np.allclose(before, after)


def test_a_list_of_trials():
    cells = [[(trial(2.0, 1), RATE), (trial(3.0, 2), RATE)]]
    pooled = BandPower(window=1.0, bands=BANDS).fit_transform(cells)
    every = BandPower(window=1.0, bands=BANDS, chunks="concat").fit_transform(cells)
    assert pooled["bandpower_frames"][0].shape == (2, 4)
    assert pooled["seconds"][0].tolist() == [2.0, 3.0]
    frames = every["bandpower_frames"][0]
    assert frames.shape == (5, 4)
    np.testing.assert_allclose(pooled["bandpower_frames"][0][1], frames[2:].mean(axis=0), rtol=1e-5)


def test_files_parts_and_rates_are_told_apart_in_the_store(tmp_path):
    data = trial(10.0)
    np.save(tmp_path / "a.npy", data)
    savemat(tmp_path / "b.mat", {"x": data, "y": 2 * data})
    cells = [
        str(tmp_path / "a.npy"),
        tmp_path / "a.npy",
        f"{tmp_path}/a.npy#t=0,5",
        f"{tmp_path}/b.mat#x",
        f"{tmp_path}/b.mat#y",
        (data, RATE),
    ]
    power = BandPower(window=1.0, bands=BANDS, sampling_rate=RATE)
    frames = power.fit_transform(cells)["bandpower_frames"]
    for i in (1, 3, 5):
        np.testing.assert_array_equal(frames[i], frames[0])
    np.testing.assert_array_equal(frames[2], frames[0][:5])
    np.testing.assert_allclose(frames[4] - frames[3], 2 * np.log(2), atol=1e-5)
    again = power.fit_transform(cells)["bandpower_frames"]
    np.testing.assert_array_equal(again[4], frames[4])
    half = BandPower(window=1.0, bands=BANDS, sampling_rate=RATE / 2)
    assert len(half.fit_transform(cells[:1])["bandpower_frames"][0]) == 20


def damaged(kind):
    data = trial(6.0, 3)
    if kind == "flat":
        data[1] = 4.0
    elif kind == "nan":
        data[0] = np.nan
    elif kind == "part":
        data[1, 250:400] = 0.0
    elif kind == "short":
        data = data[:, :50]
    elif kind == "channels":
        data = np.vstack([data, data])
    elif kind == "transposed":
        data = np.ascontiguousarray(data.T)
    return (data, {"slow": 25.0, "zero": 0.0}.get(kind, RATE))


@pytest.mark.parametrize("method", ["gaussian", "fft"])
@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("flat", r"channel 1 is flat \(constant\) in all of its 6 windows"),
        ("part", r"channel 1 is flat .* in 1 of its 6 windows, first from 3.000 to 4.000 s"),
        ("nan", "channel 0 is missing: all its samples are NaN"),
        ("short", "window of 1 s is longer than the trial, which lasts 0.500 s at 100 Hz"),
        ("slow", r"alpha \(8-14 Hz\) does not lie below half the sampling rate, 12.5 Hz"),
        ("zero", "rate must be a positive number of Hz, found 0"),
        ("channels", r"has 4 channels where 2 are expected \(as in fit\)"),
        ("transposed", r"shape \(600, 2\), .* transpose it"),
    ],
)
def test_bad_trials_are_said_or_missing(kind, message, method):
    X = table(6)
    X["eeg"] = object_column([*X["eeg"][:3], damaged(kind), *X["eeg"][4:]], X.index)
    entropy = DifferentialEntropy(window=1.0, bands=BANDS, method=method)
    with pytest.raises(ValueError, match=rf"row 'trial_3' .position 3., column 'eeg'.*{message}"):
        entropy.fit_transform(X)
    entropy.set_params(errors="missing")
    with pytest.warns(UserWarning, match=message):
        output = entropy.fit_transform(X)
    assert [cell is None for cell in output["de_frames"]] == [False] * 3 + [True] + [False] * 2


def test_what_fit_cannot_use_is_said():
    with pytest.raises(ValueError, match="found no EEG in any of the 2 rows of fit"):
        BandPower().fit([None, None])
    with pytest.raises(ValueError, match="sampling_rate=80: the band gamma"):
        BandPower(sampling_rate=80).fit(table())
    with pytest.raises(FileNotFoundError, match=r"row 0, column 'eeg' \(file 'a.npy'\): the file"):
        BandPower().fit(pd.DataFrame({"eeg": ["a.npy"]}))
    with pytest.raises(ValueError, match="takes one column"):
        BandPower().fit(pd.DataFrame({"eeg": [None], "more": [None]}))
    with pytest.raises(ValueError, match="'method' parameter"):
        DifferentialEntropy(method="welch").fit(table())
    unreadable = BandPower(window=1.0, errors="missing").fit([3.0, (trial(2.0), RATE)])
    assert unreadable.n_dims_ == 10


def test_recordings_of_mne():
    mne = pytest.importorskip("mne", reason="MNE is in the extra eeg")
    info = mne.create_info(["Fz", "Cz"], RATE, "eeg")
    raw = mne.io.RawArray(trial(6.0) * 1e-6, info, verbose="error")
    epochs = mne.make_fixed_length_epochs(raw, 2.0, preload=True, verbose="error")
    power = BandPower(window=1.0, bands=BANDS)
    frames = power.fit_transform(cells_from_mne(epochs))["bandpower_frames"]
    expected = power.fit_transform([(trial(6.0), RATE)])["bandpower_frames"][0]
    assert len(frames) == 3
    np.testing.assert_allclose(np.concatenate(list(frames)), expected, atol=1e-4)
    with pytest.raises(ValueError, match=r"RawArray of MNE.*cells_from_mne"):
        power.fit([raw])


def test_in_a_pipeline_from_trials_to_vectors():
    X = table().assign(speaker=list("aabbccdd"))
    branch = make_pipeline(
        DifferentialEntropy(window=1.0, bands=BANDS), LinearDynamicSmoother(), StatisticsPooling()
    )
    model = ColumnTransformer([("eeg", branch, ["eeg"])]).set_output(transform="pandas")
    output = model.fit_transform(X)
    assert output.columns[0] == "eeg__de_00_theta_mean"
    assert output.index.equals(X.index)
    assert not output.isna().any(axis=None)


@pytest.fixture(scope="module")
def benchmark():
    path = Path(__file__).parents[2] / "benchmarks" / "eeg_muse.py"
    spec = importlib.util.spec_from_file_location("eeg_muse", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.real_data
def test_mixed_windows_flatter_on_the_muse_recordings(real_data, benchmark):
    recordings = benchmark.read_recordings(real_data / "eeg_mental_state" / "eeg_muse.npz")
    assert len(recordings) == 18
    assert sorted(set(recordings["subject"])) == ["subjecta", "subjectb", "subjectc"]
    assert [len(cell) for cell in recordings["eeg"] if len(cell) > 1] == [10]
    power = BandPower(window=1.0, chunks="concat", cache_dir=False)
    windows = benchmark.windows_of(recordings, power)
    assert windows.shape == (954, 20)
    mixed, recording, subject = (
        benchmark.score(windows, split, trees=60)["accuracy"] for split in benchmark.SPLITS
    )
    assert mixed > 0.85
    assert 0.45 < subject < recording < mixed
    assert mixed - subject > 0.1


@pytest.mark.parametrize("pooling", ["mean", None])
def test_recordings_whose_channels_stand_in_another_order(pooling, tmp_path):
    data = trial(4.0, n_channels=3) * np.array([[1.0], [4.0], [16.0]])
    cells = [
        (data, RATE, ["Fz", "Cz", "Pz"]),
        (data[[2, 0, 1]], RATE, ("Pz", "Fz", "Cz")),
        (data, RATE),
        [(data[::-1], RATE, ["PZ", "CZ", "FZ"])],
    ]
    for channels in (None, ["Pz", "Fz", "Cz"]):
        entropy = DifferentialEntropy(
            window=4.0, bands=BANDS, pooling=pooling, channels=channels, cache_dir=tmp_path
        )
        output = entropy.fit_transform(cells)
        if pooling:
            named = [f"de_{name}_alpha" for name in ("Fz", "Cz", "Pz")]
            assert np.all(np.diff(output[named].to_numpy()[[0, 1, 3]], axis=1) > 1)
            assert output.columns[0] == f"de_{'Fz' if channels is None else 'Pz'}_theta"
            continue
        for k in (1, 3):
            np.testing.assert_array_equal(output["de_frames"][k], output["de_frames"][0])


def test_recordings_whose_bad_channels_differ_are_said():
    data = trial(4.0, n_channels=3)
    cells = [(data, RATE, ["Fz", "Cz", "Pz"]), (data, RATE, ["Fz", "Cz", "Oz"])]
    entropy = DifferentialEntropy(window=1.0, bands=BANDS, cache_dir=False)
    with pytest.raises(ValueError, match=r"row 1.*lacks Pz and has Oz in addition"):
        entropy.fit_transform(cells)
    with pytest.warns(UserWarning, match="1 of 2 cells could not be read"):
        output = entropy.set_params(errors="missing").fit_transform(cells)
    assert output["de_frames"].isna().tolist() == [False, True]


def test_names_of_channels_travel_from_mne_to_columns():
    mne = pytest.importorskip("mne", reason="MNE is in the extra eeg")
    info = mne.create_info(["Pz", "Fz"], RATE, "eeg")
    raw = mne.io.RawArray(trial(4.0) * 1e-6, info, verbose="error")
    entropy = DifferentialEntropy(window=1.0, bands=BANDS, pooling="mean", cache_dir=False)
    output = entropy.fit_transform(cells_from_mne(raw))
    assert output.columns.tolist() == ["de_Pz_theta", "de_Pz_alpha", "de_Fz_theta", "de_Fz_alpha"]
