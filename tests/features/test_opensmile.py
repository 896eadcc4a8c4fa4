import sys
import warnings
from importlib.metadata import PackageNotFoundError

import numpy as np
import pandas as pd
import pytest
import soundfile
from sklearn.compose import ColumnTransformer
from sklearn.model_selection import LeaveOneGroupOut
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC

from emoest.aggregation import WeightedAggregator
from emoest.datasets import IncompleteCorpusWarning, load_emodb, load_ravdess
from emoest.evaluation import evaluate
from emoest.features import OpenSMILEFunctionals
from emoest.features import _opensmile as module
from emoest.normalization import ZScoreNormalizer
from emoest.testing import assert_same_cells, cell_estimator_checks

RATE = 16_000


def voice(seconds=0.4, f0=140.0, level=0.3, rate=RATE):
    """A buzz of rising pitch with a little noise."""
    time = np.arange(round(seconds * rate)) / rate
    phase = f0 * (time + 0.2 * time**2)
    noise = np.random.default_rng(0).normal(size=len(time))
    return (level * (2 * (phase % 1) - 1) + 0.01 * noise).astype(np.float32)


def table(n=8):
    cells = [(voice(0.2 + 0.03 * i, 110 + 20 * i), RATE) for i in range(n)]
    return pd.Series(cells, index=[f"clip_{i}" for i in range(n)], dtype=object).to_frame("audio")


@pytest.fixture
def opensmile():
    return pytest.importorskip("opensmile", reason="the extra 'opensmile' is not installed")


@pytest.mark.parametrize("pooling", ["mean", None])
def test_cell_estimator_checks(opensmile, pooling):
    for check in cell_estimator_checks(OpenSMILEFunctionals(pooling=pooling)):
        check(OpenSMILEFunctionals(pooling=pooling), table(), None)


@pytest.mark.parametrize("feature_set", module.N_FEATURES)
def test_values_and_names_are_those_of_the_package(opensmile, feature_set):
    signal = voice()
    theirs = opensmile.Smile(feature_set=opensmile.FeatureSet[feature_set])
    expected = theirs.process_signal(signal, RATE)
    features = OpenSMILEFunctionals(feature_set, pooling="mean", cache_dir=False)
    ours = features.fit_transform([(signal, RATE)])
    assert list(ours.columns) == list(expected.columns)
    assert features.n_dims_ == module.N_FEATURES[feature_set] == expected.shape[1]
    assert not any("__" in name for name in ours.columns)
    np.testing.assert_array_equal(ours.to_numpy(), expected.to_numpy())


def test_columns_are_readable(opensmile):
    features = OpenSMILEFunctionals(pooling="mean")
    vectors = features.fit_transform([(voice(f0=f0), RATE) for f0 in (110, 220)])
    pitch = vectors["F0semitoneFrom27.5Hz_sma3nz_amean"]
    assert pitch[1] - pitch[0] == pytest.approx(12, abs=0.3)
    assert list(vectors.columns) == list(features.get_feature_names_out())


def test_frames_go_through_an_aggregator_by_seconds(opensmile):
    chunks = [(voice(0.9, 110), RATE), (voice(0.3, 220), RATE)]
    X = pd.DataFrame({"audio": pd.Series([chunks, chunks[:1], chunks[1:]], dtype=object)})
    chain = make_pipeline(OpenSMILEFunctionals(), WeightedAggregator())
    system = ColumnTransformer([("audio", chain, ["audio"])]).set_output(transform="pandas")
    vectors = system.fit_transform(X)
    assert vectors.columns[0] == "audio__F0semitoneFrom27.5Hz_sma3nz_amean"
    both, first, second = vectors.to_numpy()
    np.testing.assert_allclose(both, 0.75 * first + 0.25 * second, rtol=1e-4, atol=1e-5)


def test_threads_change_nothing(opensmile):
    one = OpenSMILEFunctionals(pooling="mean", cache_dir=False).fit_transform(table())
    two = OpenSMILEFunctionals(pooling="mean", cache_dir=False, n_jobs=2).fit_transform(table())
    assert_same_cells(two, one, atol=0)


def test_a_second_run_computes_nothing(opensmile, monkeypatch):
    first = OpenSMILEFunctionals().fit_transform(table())
    monkeypatch.setattr(module, "_analyze", None)
    assert_same_cells(OpenSMILEFunctionals().fit_transform(table()), first)


def test_full_scale_does_not_wrap_around(opensmile, tmp_path):
    square = np.sign(voice(0.5, level=1.0))
    almost = OpenSMILEFunctionals(pooling="mean").fit_transform([(square * 0.999, RATE)])
    full = OpenSMILEFunctionals(pooling="mean").fit_transform([(square * 1.2, RATE)])
    name = "equivalentSoundLevel_dBp"
    assert full[name][0] == pytest.approx(almost[name][0], abs=0.02)
    alpha = "alphaRatioV_sma3nz_amean"
    assert full[alpha][0] == pytest.approx(almost[alpha][0], abs=0.02)


def test_stereo_files_are_averaged(opensmile, tmp_path):
    signal = voice()
    path = tmp_path / "stereo.wav"
    soundfile.write(path, np.stack([signal, signal], axis=1), RATE, subtype="FLOAT")
    vectors = OpenSMILEFunctionals(pooling="mean").fit_transform([path, (signal, RATE)])
    np.testing.assert_allclose(vectors.to_numpy()[0], vectors.to_numpy()[1], rtol=1e-5)


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ((np.zeros(100), RATE), "row 1 lasts 0.006 s, which is too short for eGeMAPSv02"),
        ((np.full(4000, 3000.0), RATE), "row 1 has a sample of 3000; openSMILE takes 16 bits"),
        (voice(), "row 1.* has no sampling rate"),
        ("no.wav", "row 1.*'no.wav' is not there"),
    ],
)
def test_bad_cells(opensmile, cell, message):
    cells = [(voice(), RATE), cell]
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        OpenSMILEFunctionals().fit_transform(cells)
    with pytest.warns(UserWarning, match="1 of 2 cells could not be read") as told:
        vectors = OpenSMILEFunctionals(pooling="mean", errors="missing").fit_transform(cells)
    assert vectors.isna().all(axis=1).tolist() == [False, True]
    assert [item.category for item in told].count(UserWarning) == 1


def test_an_unknown_feature_set_is_refused():
    with pytest.raises(ValueError, match="'feature_set' parameter of OpenSMILEFunctionals"):
        OpenSMILEFunctionals("eGeMAPS").fit(table())


def test_without_the_package_the_extra_is_named(monkeypatch):
    def not_installed(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr(module, "version", not_installed)
    monkeypatch.setitem(sys.modules, "opensmile", None)
    with pytest.raises(
        ImportError, match=r"OpenSMILEFunctionals needs .*pip install 'emoest\[opensmile\]'"
    ):
        OpenSMILEFunctionals().fit(table())


@pytest.mark.slow
@pytest.mark.real_data
@pytest.mark.parametrize(
    ("load", "folder", "chosen", "floor"),
    [
        (load_ravdess, "ravdess", r"-01-01-01-\d\d\.", 0.3),
        (load_emodb, "emodb/crop2s_flac", r"\d\d[ab]0[25][WNTF]", 0.5),
    ],
)
def test_egemaps_hear_emotions_of_unseen_actors(opensmile, real_data, load, folder, chosen, floor):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", IncompleteCorpusWarning)
        X, y = load(real_data / folder, return_X_y=True)
    kept = X["audio"].astype(str).str.contains(chosen).to_numpy()
    X, y = X.loc[kept, ["audio", "speaker"]], y[kept]
    model = make_pipeline(
        OpenSMILEFunctionals(pooling="mean", n_jobs=2),
        ZScoreNormalizer(),
        SVC(kernel="linear", C=0.01),
    )
    result = evaluate(model, X, y, cv=LeaveOneGroupOut(), n_resamples=200, random_state=0)
    assert X["speaker"].nunique() >= 8
    assert result.table["uar"].iloc[0] >= floor
