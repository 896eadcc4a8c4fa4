import numpy as np
import pandas as pd
import pytest

from emoest.normalization import BlockScaler


@pytest.fixture
def X():
    generator = np.random.RandomState(0)
    audio = pd.DataFrame(generator.normal(2, 9, size=(60, 16))).add_prefix("audio__f_")
    text = pd.DataFrame(generator.normal(0, 1, size=(60, 4))).add_prefix("text__f_")
    X = pd.concat([audio, text], axis=1).assign(speaker="s1")
    X.iloc[:10, 16:20] = np.nan
    return X


def block(X, name):
    return X.loc[:, [column.startswith(name) for column in X.columns]]


def test_blocks_come_out_with_the_same_variance(X):
    scaler = BlockScaler()
    Z = scaler.fit_transform(X)
    for name in ("audio", "text"):
        assert block(Z, name).var(ddof=0).sum() == pytest.approx(10)
        ratio = block(Z, name) / block(X, name)
        np.testing.assert_allclose(ratio.dropna().stack(), scaler.factors_[name])
    assert Z.columns[-1] == "speaker"
    assert block(Z, "text").iloc[:10].isna().all(axis=None)


def test_blocks_come_out_with_the_same_norm(X):
    Z = BlockScaler(criterion="norm").fit_transform(X)
    for name in ("audio", "text"):
        assert (block(Z, name).dropna() ** 2).sum(axis=1).mean() == pytest.approx(10)


def test_weights_count_like_repetition(X):
    weight = np.arange(60) % 3
    weighted = BlockScaler().fit(X, sample_weight=weight).factors_
    repeated = BlockScaler().fit(X.iloc[np.repeat(np.arange(60), weight)]).factors_
    assert weighted == pytest.approx(repeated)


def test_a_constant_or_empty_block_is_left_alone():
    X = pd.DataFrame({"a__0": [3.0, 3.0], "b__0": [np.nan, np.nan], "c__0": [0.0, 4.0]})
    scaler = BlockScaler().fit(X)
    assert scaler.factors_ == {"a": 1.0, "b": 1.0, "c": 0.5}
    new = pd.DataFrame({"a__0": [5.0], "b__0": [6.0], "c__0": [8.0]})
    assert scaler.transform(new).iloc[0].tolist() == [5.0, 6.0, 4.0]


def test_a_wide_block_no_longer_decides_who_is_near():
    """Rows that agree in text are nearest once 100 columns of noise weigh as much as 2."""
    generator = np.random.RandomState(0)
    text = np.repeat([[3.0, 3.0], [-3.0, -3.0]], 20, axis=0)
    X = np.hstack([generator.normal(scale=4, size=(40, 100)), text])

    def agreement(values):
        distances = ((values[:, None] - values[None]) ** 2).sum(axis=2)
        np.fill_diagonal(distances, np.inf)
        return np.mean(distances.argmin(axis=1) // 20 == np.arange(40) // 20)

    modalities = {"audio": slice(0, 100), "text": slice(100, 102)}
    assert agreement(X) < 0.75
    assert agreement(BlockScaler(modalities=modalities).fit_transform(X)) == 1.0
