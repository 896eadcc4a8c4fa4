"""Proxies, constants, dropout and corruption in tables of frames."""

import numpy as np
import pandas as pd
import pytest

from emoest.tables.cells import is_missing, object_column
from emoest.validity import (
    CorruptModality,
    ModalityDropout,
    ModalityImputer,
    ProxyFeatureGenerator,
)


def set_cell(X, row, name, cell):
    cells = list(X[f"{name}__frames"])
    cells[row] = cell
    return X.assign(**{f"{name}__frames": object_column(cells, X.index)})


def without(X, name):
    return X.assign(**{f"{name}__frames": object_column([None] * len(X), X.index)})


def stacked(X, name):
    return np.concatenate(list(X[f"{name}__frames"]))


def generator(X, **options):
    return ProxyFeatureGenerator(group_column="speaker", random_state=0, **options).fit(X)


def unexplained(truth, proxy):
    return ((truth - proxy) ** 2).sum() / ((truth - truth.mean(axis=0)) ** 2).sum()


@pytest.fixture
def two_tables(sequences):
    rng = np.random.default_rng(0)
    train, loadings = sequences(150, rng)
    return train, sequences(50, rng, loadings=loadings)[0]


@pytest.mark.parametrize("method", ["local_linear", "ridge"])
def test_a_missing_cell_is_regenerated_step_by_step(two_tables, method):
    train, test = two_tables
    proxy = generator(train, method=method)
    assert proxy.reading_ == "frames"
    filled = proxy.transform(without(test, "text"))
    assert [len(c) for c in filled["text__frames"]] == [len(c) for c in test["text__frames"]]
    assert filled["text__frames"].iloc[0].dtype == np.float32
    assert unexplained(stacked(test, "text"), stacked(filled, "text")) < 0.1
    assert proxy.r2_["audio to text"] > 0.9
    pd.testing.assert_series_equal(filled["audio__frames"], test["audio__frames"])


def test_without_one_clock_the_mean_is_regenerated(two_tables):
    train, test = two_tables
    face = object_column([np.repeat(c, 2, axis=0) for c in train["face__frames"]], train.index)
    proxy = generator(train.assign(face__frames=face))
    assert proxy.reading_ == "mean"
    filled = proxy.transform(without(test, "text"))
    means = np.stack([cell.mean(axis=0) for cell in test["text__frames"]])
    proxies = np.stack([cell[0] for cell in filled["text__frames"]])
    assert unexplained(means, proxies) < 0.15
    for cell, audio in zip(filled["text__frames"], test["audio__frames"], strict=True):
        assert cell.shape == (len(audio), 7)
        assert (cell == cell[0]).all()
    ragged = set_cell(without(test.iloc[[0]], "text"), 0, "face", np.zeros((9, 6), "float32"))
    assert len(proxy.transform(ragged)["text__frames"].iloc[0]) == 9


def test_missing_frames_are_regenerated_and_the_others_stay(two_tables):
    train, test = two_tables
    cell = test["audio__frames"].iloc[0]
    holed = cell.copy()
    holed[1] = np.nan
    filled = generator(train).transform(set_cell(test, 0, "audio", holed))["audio__frames"].iloc[0]
    kept = np.arange(len(cell)) != 1
    np.testing.assert_array_equal(filled[kept], cell[kept])
    assert np.abs(filled[1] - cell[1]).max() < 0.3 * np.abs(stacked(test, "audio")).max()
    nothing = set_cell(test, 0, "audio", np.full_like(cell, np.nan))
    for reading in ("frames", "mean"):
        again = generator(train, reading=reading).transform(nothing)["audio__frames"].iloc[0]
        assert again.shape == cell.shape
        assert np.isfinite(again).all()


def test_one_modality_is_enough_and_none_is_not(two_tables):
    train, test = two_tables
    proxy = generator(train)
    alone = without(without(test, "text"), "face")
    assert unexplained(stacked(test, "face"), stacked(proxy.transform(alone), "face")) < 0.2
    empty = set_cell(alone, 4, "audio", np.empty((0, 8)))
    with pytest.warns(UserWarning, match=r"1 of 50 samples .*nothing where they have no modality"):
        output = proxy.transform(empty)
    assert output.iloc[4][["text__frames", "face__frames"]].map(is_missing).all()
    assert not output.drop(columns="speaker").iloc[5].map(is_missing).any()


def test_a_modality_that_training_lacks_cannot_be_regenerated(two_tables):
    train, test = two_tables
    with pytest.warns(UserWarning, match="No training row has the modality 'text'"):
        proxy = generator(without(train, "text"))
    mixed = without(test, "face")
    output = proxy.transform(set_cell(mixed, 0, "text", None))
    assert list(output) == ["audio__frames", "face__frames", "speaker"]
    assert unexplained(stacked(test, "face"), stacked(output, "face")) < 0.2


def test_unequal_lengths_are_named(two_tables):
    train, test = two_tables
    short = set_cell(test, 3, "audio", test["audio__frames"].iloc[3][:-1])
    with pytest.raises(ValueError, match=r"row 'r3': the modalities have different numbers"):
        generator(train).transform(short)


def test_proxies_at_prediction_only(two_tables):
    train, test = two_tables
    holed = without(train.iloc[:40], "text")
    X = pd.concat([holed, train.iloc[40:]])
    proxy = ProxyFeatureGenerator(when="predict", group_column="speaker", random_state=0)
    output = proxy.fit_transform(X)
    assert output["text__frames"].map(is_missing).tolist() == [True] * 40 + [False] * 110
    assert not proxy.transform(without(test, "text"))["text__frames"].map(is_missing).any()


def test_cells_are_filled_with_training_means(two_tables):
    train, test = two_tables
    imputer = ModalityImputer().fit(train)
    mean = stacked(train, "text").mean(axis=0)
    output = imputer.transform(without(test, "text"))
    for cell, audio in zip(output["text__frames"], test["audio__frames"], strict=True):
        assert cell.shape == (len(audio), 7)
        np.testing.assert_allclose(cell, np.tile(mean, (len(cell), 1)), rtol=1e-4, atol=1e-5)
    holed = test["text__frames"].iloc[0].copy()
    holed[0], holed[1, 3] = np.nan, np.nan
    X = set_cell(test, 0, "text", holed)
    filled = imputer.transform(X)["text__frames"].iloc[0]
    np.testing.assert_allclose(filled[0], mean, rtol=1e-4, atol=1e-5)
    assert filled[1, 3] == pytest.approx(mean[3], rel=1e-4, abs=1e-5)
    assert filled.dtype == np.float32
    rows_only = ModalityImputer(partial=False).fit(train).transform(X)["text__frames"].iloc[0]
    assert np.isnan(rows_only[1, 3])
    assert np.isfinite(rows_only[0]).all()
    gaps_only = ModalityImputer(whole=False).fit(train)
    cell = gaps_only.transform(X)["text__frames"].iloc[0]
    assert np.isnan(cell[0]).all()
    assert np.isfinite(cell[1:]).all()
    assert gaps_only.transform(without(test, "text"))["text__frames"].map(is_missing).all()


def test_weights_of_samples_count_for_all_their_frames(two_tables):
    train, _ = two_tables
    weight = np.zeros(len(train))
    weight[2] = 1.0
    imputer = ModalityImputer().fit(train, sample_weight=weight)
    mean = train["audio__frames"].iloc[2].mean(axis=0)
    np.testing.assert_allclose(imputer.statistics_[:8], mean, rtol=1e-5)


def test_dropped_cells(two_tables):
    train, _ = two_tables
    dropout = ModalityDropout(p={"audio": 1.0, "text": 0.5}, random_state=0)
    output = dropout.fit_transform(train)
    assert output["audio__frames"].map(is_missing).all()
    assert 0.3 < output["text__frames"].map(is_missing).mean() < 0.7
    assert not output["face__frames"].map(is_missing).any()
    pd.testing.assert_frame_equal(dropout.transform(train), train)


@pytest.mark.parametrize("kind", ["zeros", "mean", "noise", "permute", "additive", "gain", "nan"])
def test_corrupted_cells_keep_their_length(two_tables, kind):
    train, test = two_tables
    corrupt = CorruptModality("text", kind=kind, fraction=0.5, random_state=0).fit(train)
    output = corrupt.transform(test)
    pairs = zip(test["text__frames"], output["text__frames"], strict=True)
    if kind == "nan":
        assert output["text__frames"].map(is_missing).sum() == 25
        return
    changed = 0
    for before, after in pairs:
        assert before.shape == after.shape
        assert after.dtype == np.float32
        changed += not np.array_equal(before, after)
    assert changed == 25
    pd.testing.assert_series_equal(output["audio__frames"], test["audio__frames"])
    if kind == "permute":
        known = {row.tobytes() for row in stacked(test, "text")}
        assert all(row.tobytes() in known for row in stacked(output, "text"))


def test_corruption_of_a_modality_that_training_lacks(two_tables):
    train, test = two_tables
    with pytest.warns(UserWarning, match="No training row has the modality 'text'"):
        corrupt = CorruptModality(["text", "face"], kind="gain", gain=2.0).fit(
            without(train, "text")
        )
    output = corrupt.transform(test)
    assert list(output) == ["audio__frames", "face__frames", "speaker"]
    mean = stacked(train, "face").mean(axis=0)
    expected = mean + 2 * (stacked(test, "face") - mean)
    np.testing.assert_allclose(stacked(output, "face"), expected, rtol=1e-3, atol=1e-4)


def test_all_frames_side_by_side_regenerate_what_comes_from_other_steps():
    rng = np.random.default_rng(0)
    audio = rng.normal(size=(120, 3, 2)).astype(np.float32)
    backwards = np.repeat(audio[:, ::-1, :1], 2, axis=1)
    X = pd.DataFrame(
        {
            "audio__frames": object_column(list(audio), pd.RangeIndex(120)),
            "text__frames": object_column(list(backwards), pd.RangeIndex(120)),
            "speaker": np.arange(120) % 10,
        }
    )
    proxy = generator(X.iloc[:100], method="ridge", ridge=0.0, reading="flatten")
    assert proxy.reading_ == "flatten"
    assert proxy.r2_["audio to text"] > 0.999
    filled = proxy.transform(without(X.iloc[100:], "text"))
    assert filled["text__frames"].iloc[0].shape == (6, 1)
    np.testing.assert_allclose(stacked(filled, "text"), stacked(X.iloc[100:], "text"), atol=1e-4)
    with pytest.raises(ValueError, match=r"row 100, column 'audio__frames' has 2 frames where 3"):
        proxy.transform(set_cell(X.iloc[100:], 0, "audio", audio[0, :2]))
