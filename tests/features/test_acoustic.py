import numpy as np
import pandas as pd
import pytest
import scipy
import soundfile
import soxr

from emoest.features import AcousticFunctionals, _frame_descriptors
from emoest.features._frame_descriptors import Analysis, describe_frames
from emoest.features._functionals import NAMES
from emoest.testing import cell_estimator_checks

RATE = 16000


def sawtooth(f0, seconds=1.0, level=0.3, rate=RATE):
    """A buzz with all harmonics, without aliasing in its low ones."""
    time = np.arange(round(seconds * rate)) / rate
    return level * sum(np.sin(2 * np.pi * k * f0 * time) / k for k in range(1, 12))


def syllables(rate, seconds=4.0, f0=150.0):
    time = np.arange(round(seconds * RATE)) / RATE
    return sawtooth(f0, seconds) * np.sin(np.pi * rate * time) ** 2


def values(*signals, **parameters):
    acoustic = AcousticFunctionals(
        pooling="mean", sampling_rate=RATE, cache_dir=False, **parameters
    )
    return acoustic.fit_transform(list(signals))


@pytest.mark.parametrize("f0", [80.0, 123.4, 220.0, 441.7])
def test_pitch_of_a_buzz(f0):
    row = values(sawtooth(f0)).iloc[0]
    assert row["f0_median"] == pytest.approx(12 * np.log2(f0 / 27.5), abs=0.05)
    assert row["f0_std"] < 0.05
    assert row["voiced_share"] == 1.0
    assert row["harmonicity_mean"] > 0.99


def test_pitch_follows_a_glide():
    """From 100 to 200 Hz in 2 s: 12 semitones, 6 a second, the middle one at 141 Hz."""
    seconds = np.arange(2 * RATE) / RATE
    phase = 2 * np.pi * 100.0 * (2.0 ** (seconds / 2.0) - 1.0) * 2.0 / np.log(2.0)
    row = values(sum(np.sin(k * phase) / k for k in range(1, 8)) * 0.2).iloc[0]
    assert row["f0_median"] == pytest.approx(12 * np.log2(np.sqrt(2) * 100 / 27.5), abs=0.2)
    assert row["f0_slope"] == pytest.approx(6.0, abs=0.3)
    assert row["f0_range"] == pytest.approx(0.8 * 12.0, abs=0.3)


def test_noise_is_not_voiced():
    row = values(0.1 * np.random.RandomState(0).standard_normal(2 * RATE)).iloc[0]
    assert row["voiced_share"] < 0.05
    assert row["f0_median"] == 0.0 or row["voiced_share"] > 0.0
    assert row["centroid_mean"] == pytest.approx(4000.0, rel=0.03)
    assert row["flatness_mean"] > -4.0


def test_energy_is_in_decibels():
    one, half = values(sawtooth(120.0), 0.5 * sawtooth(120.0))["energy_mean"]
    assert one == pytest.approx(10 * np.log10(np.mean(sawtooth(120.0) ** 2)), abs=0.1)
    assert one - half == pytest.approx(20 * np.log10(2.0), abs=1e-3)


def test_level_moves_nothing_but_the_level():
    signal = syllables(4.0) + 1e-3 * np.random.RandomState(0).standard_normal(4 * RATE)
    table = values(signal, 0.25 * signal)
    kept = [
        name
        for name in table
        if name not in {"energy_mean", "energy_p10", "energy_p50", "energy_p90"}
        and not name.startswith("mfcc")
    ]
    np.testing.assert_allclose(table[kept].iloc[0], table[kept].iloc[1], rtol=1e-3, atol=1e-3)


def test_a_hoarse_voice_has_less_quality():
    clear = sawtooth(150.0)
    hoarse = clear + 0.1 * np.random.RandomState(0).standard_normal(len(clear))
    table = values(clear, hoarse)
    assert (table["jitter"] < [0.05, 2.0]).all()
    assert (np.diff(table["jitter"]) > 0.1).all()
    assert (np.diff(table["shimmer"]) > 0.5).all()
    power = np.mean(clear**2) / np.mean((hoarse - clear) ** 2)
    assert table["hnr_mean"][1] == pytest.approx(10 * np.log10(power), abs=1.0)
    assert table["hnr_mean"][0] > 25.0


def test_syllables_are_counted():
    slow, fast = values(syllables(3.0), syllables(6.0))["syllable_rate"]
    assert slow == pytest.approx(3.0, abs=0.3)
    assert fast == pytest.approx(6.0, abs=0.3)


def test_pauses_are_measured():
    gap = np.zeros(RATE // 2)
    speech = sawtooth(150.0, 0.75)
    row = values(np.concatenate([speech, gap, speech, gap, speech])).iloc[0]
    assert row["pause_rate"] == pytest.approx(2 / 3.25, abs=0.02)
    assert row["pause_mean"] == pytest.approx(0.5, abs=0.05)
    assert row["pause_share"] == pytest.approx(1.0 / 3.25, abs=0.03)
    assert row["phrase_mean"] == pytest.approx(0.75, abs=0.05)
    assert row["voiced_segment_rate"] == pytest.approx(3 / 3.25, abs=0.02)


def test_brightness():
    dull, bright = values(sawtooth(100.0), np.diff(sawtooth(100.0), prepend=0.0))[
        "alpha_ratio_mean"
    ]
    assert dull > bright + 5.0


@pytest.mark.parametrize(
    "signal",
    [np.zeros(RATE), np.zeros(1), np.ones(100), 1e-9 * np.ones(RATE), np.full(RATE, 0.5)],
    ids=["silence", "one sample", "short", "tiny", "constant"],
)
def test_odd_signals_stay_finite(signal):
    row = values(signal).iloc[0]
    assert np.isfinite(row.to_numpy(dtype=float)).all()
    assert row["voiced_share"] == 0.0
    assert (row[["f0_median", "jitter", "shimmer", "hnr_mean", "hnr_std"]] == 0.0).all()


def test_blocks_do_not_matter():
    signal = syllables(4.0, seconds=13.0)
    whole = describe_frames([signal], Analysis())
    pieces = describe_frames(np.split(signal, [7, 5000, 5001, 170_000]), Analysis())
    assert len(whole.f0) == 1 + (len(signal) - 640) // 160
    for name, expected in vars(whole).items():
        np.testing.assert_array_equal(getattr(pieces, name), expected, err_msg=name)


def test_batches_and_order_do_not_matter():
    generator = np.random.RandomState(0)
    signals = [generator.uniform(-0.5, 0.5, n) * syllables(3.0)[:n] for n in (900, 8000, 20000)]
    alone = pd.concat([values(signal) for signal in signals], ignore_index=True)
    for size in (1, 2, 32):
        np.testing.assert_array_equal(values(*signals, batch_size=size), alone)
    np.testing.assert_array_equal(values(*signals[::-1]), alone.iloc[::-1])


def test_names_and_frames(tmp_path):
    paths = []
    for i, seconds in enumerate((1.0, 3.0)):
        paths.append(str(tmp_path / f"{i}.flac"))
        soundfile.write(paths[-1], sawtooth(100.0 * (i + 1), seconds), RATE)
    X = pd.DataFrame({"audio": [paths, paths[0], None], "speaker": ["a", "b", "c"]})
    frames = AcousticFunctionals(cache_dir=False).fit_transform(X)
    assert list(frames.columns) == ["acoustic_frames", "seconds", "speaker"]
    assert frames["acoustic_frames"][0].shape == (2, len(NAMES)) == (2, 71)
    assert frames["seconds"][0].tolist() == [1.0, 3.0]
    assert frames["acoustic_frames"][1].shape == (1, 71)
    assert frames["acoustic_frames"][2] is None
    vectors = AcousticFunctionals(pooling="mean", cache_dir=False).fit_transform(X)
    assert list(vectors.columns) == [*NAMES, "speaker"]
    low, high = frames["acoustic_frames"][0]
    np.testing.assert_allclose(
        vectors.loc[0, list(NAMES)].to_numpy(dtype=float), 0.25 * low + 0.75 * high, rtol=1e-4
    )
    assert vectors.loc[2, list(NAMES)].isna().all()
    assert len(set(NAMES)) == 71


def test_every_name_is_in_the_table_of_the_docstring():
    doc = AcousticFunctionals.__doc__
    for name in NAMES:
        stem, _, statistic = name.rpartition("_")
        if not stem:
            assert f"    {name} " in doc
        elif not stem.startswith("mfcc"):
            assert stem in doc, name
            assert f"_{statistic}" in doc, name


def test_parameters():
    with pytest.raises(ValueError, match="no range of pitch"):
        values(sawtooth(100.0), f0_min=300.0, f0_max=200.0)
    low = values(sawtooth(50.0), f0_min=40.0)["f0_median"][0]
    assert low == pytest.approx(12 * np.log2(50 / 27.5), abs=0.1)


@pytest.mark.parametrize(("parameter", "value"), [("f0_min", 150.0), ("f0_max", 90.0)])
def test_the_store_tells_settings_apart(tmp_path, parameter, value):
    cells = [(sawtooth(100.0), RATE)]
    stored = AcousticFunctionals(pooling="mean", cache_dir=tmp_path)
    before = stored.fit_transform(cells)
    after = stored.set_params(**{parameter: value}).fit_transform(cells)
    pd.testing.assert_frame_equal(after, stored.set_params(cache_dir=False).fit_transform(cells))
    assert not after.equals(before)


def test_stored_values_are_those_of_one_resampler():
    recipe = AcousticFunctionals().fit(pd.DataFrame({"audio": [None]}))._recipe()
    assert recipe["soxr"] == soxr.__version__.partition(".")[0]
    assert recipe["scipy"] == scipy.__version__.partition(".")[0]


def test_errors_name_the_row(tmp_path):
    (tmp_path / "bad.wav").write_text("no sound")
    X = pd.DataFrame({"audio": [str(tmp_path / "bad.wav"), str(tmp_path / "gone.wav")]})
    with pytest.raises(ValueError, match=r"row 0.*bad\.wav"):
        AcousticFunctionals(cache_dir=False).fit_transform(X.iloc[:1])
    with pytest.raises(FileNotFoundError, match=r"gone\.wav"):
        AcousticFunctionals(cache_dir=False).fit_transform(X.iloc[1:])


def test_frames_are_described_many_at_a_time(monkeypatch):
    """What costs time: one call of numpy for a batch of frames, not one for each frame."""
    sizes = []

    def counting(frames, last, settings):
        sizes.append(len(frames))
        return describe_batch(frames, last, settings)

    describe_batch = _frame_descriptors._describe_batch
    monkeypatch.setattr(_frame_descriptors, "_describe_batch", counting)
    values(np.tile(syllables(4.0, 5.0), 6))
    assert sum(sizes) > 2_000
    assert len(sizes) <= sum(sizes) / _frame_descriptors.BATCH_FRAMES + 1


CHECKED = pd.DataFrame(
    {"audio": [[sawtooth(100 + 20 * i, 0.1), sawtooth(90, 0.2)][: 1 + i % 2] for i in range(8)]}
)


@pytest.mark.parametrize("pooling", [None, "mean"])
@pytest.mark.parametrize(
    "check", cell_estimator_checks(AcousticFunctionals()), ids=lambda check: check.__name__
)
def test_contract_of_cells(check, pooling):
    estimator = AcousticFunctionals(pooling=pooling, sampling_rate=RATE, cache_dir=False)
    check(estimator, CHECKED.copy(), None)


@pytest.mark.real_data
def test_real_speech(real_data):
    """Men's voices are lower than women's, and anger is louder than calm."""
    names = [f"03-01-{e}-01-0{s}-01-{a}" for e in ("02", "05") for s in "12" for a in ("01", "02")]
    folder = real_data / "ravdess" / "speech_16k_flac"
    table = AcousticFunctionals(pooling="mean", cache_dir=False).fit_transform(
        [str(folder / f"{name}.flac") for name in names]
    )
    parts = pd.Series(names).str.split("-")
    male = (parts.str[-1] == "01").to_numpy()
    angry = (parts.str[2] == "05").to_numpy()
    assert table["f0_median"][~male].min() > table["f0_median"][male].max() - 2.0
    assert table["f0_median"][~male].mean() > table["f0_median"][male].mean() + 4.0
    for actor in (male, ~male):
        assert (
            table["energy_mean"][actor & angry].min() > table["energy_mean"][actor & ~angry].max()
        )
