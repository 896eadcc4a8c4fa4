import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler

from emoest.fusion._concatenation import check_whole, fit_blocks, fuse_blocks
from emoest.tables.vectors import validate_blocks


@pytest.fixture
def X():
    generator = np.random.RandomState(0)
    X = pd.DataFrame(
        generator.normal(4, 3, size=(20, 5)),
        columns=["text__a", "audio__a", "audio__b", "audio__c", "text__b"],
        index=[f"r{i}" for i in range(20)],
    )
    X.iloc[3, 1:4] = np.nan
    X.iloc[6, 2] = np.nan
    return X.assign(speaker="s1")


def read(X):
    return validate_blocks(BaseEstimator(), X, reset=True)


def test_blocks_stand_in_the_order_of_the_modalities(X):
    fused = fuse_blocks(read(X), fit_blocks(read(X), "zscore", None), False)
    assert list(fused) == ["text__a", "text__b", "audio__a", "audio__b", "audio__c"]
    assert fused.index.equals(X.index)


def test_zscores_and_gaps(X):
    fused = fuse_blocks(read(X), fit_blocks(read(X), "zscore", None), False)
    expected = ((X.iloc[:, :5] - X.iloc[:, :5].mean()) / X.iloc[:, :5].std(ddof=0)).fillna(0.0)
    pd.testing.assert_frame_equal(fused, expected[list(fused)])


def test_without_normalization_gaps_are_training_means(X):
    new = pd.DataFrame(np.nan, index=["n"], columns=X.columns[:5]).assign(speaker="s2")
    fused = fuse_blocks(read(new), fit_blocks(read(X), None, None), False)
    np.testing.assert_allclose(fused.iloc[0], X[list(fused)].mean())


def test_a_transformer_sees_the_rows_that_have_the_modality(X):
    fitted = fit_blocks(read(X), PCA(2), None)
    fused = fuse_blocks(read(X), fitted, False)
    assert [c.split("__")[0] for c in fused] == ["text"] * 2 + ["audio"] * 2
    audio = X[["audio__a", "audio__b", "audio__c"]]
    present = audio.fillna(audio.mean()).drop(index="r3")
    expected = PCA(2).fit(present)
    np.testing.assert_allclose(
        fused.drop(index="r3").iloc[:, 2:], expected.transform(present), atol=1e-10
    )
    np.testing.assert_allclose(fused.loc["r3"].iloc[2:], 0, atol=1e-10)


def test_weights_count_like_repetition(X):
    weight = np.arange(20) % 3.0
    again = X.iloc[np.repeat(np.arange(20), weight.astype(int))]
    for normalize in ("zscore", None, StandardScaler()):
        weighted = fuse_blocks(read(X), fit_blocks(read(X), normalize, weight), False)
        repeated = fuse_blocks(read(X), fit_blocks(read(again), normalize, None), False)
        np.testing.assert_allclose(weighted, repeated, atol=1e-10)


@pytest.mark.parametrize("normalize", ["zscore", None, PCA(1)])
def test_a_modality_that_training_lacks_is_said_and_constant(X, normalize):
    lacking = X.assign(audio__a=np.nan, audio__b=np.nan, audio__c=np.nan)
    with pytest.warns(UserWarning, match=r"No training row has the modality 'audio'"):
        fitted = fit_blocks(read(lacking), normalize, None)
    fused = fuse_blocks(read(X), fitted, False)
    audio = fused.loc[:, [c.startswith("audio") for c in fused]]
    assert audio.shape == (20, 3) and (audio == 0).all(axis=None)


def test_indicator_columns(X):
    fused = fuse_blocks(read(X), fit_blocks(read(X), "zscore", None), True)
    assert list(fused)[-2:] == ["text__missing", "audio__missing"]
    assert fused["audio__missing"].tolist() == [float(i == 3) for i in range(20)]
    assert fused["text__missing"].sum() == 0


def test_holes_are_named(X):
    with pytest.raises(
        ValueError, match=r"'audio' is partly NaN in 1 row.* 'r6', column 'audio__b"
    ):
        check_whole(read(X))
    check_whole(read(X.drop(index="r6")))
    numbered = X.set_axis(np.arange(20) * 10, axis="index")
    with pytest.raises(ValueError, match="first in row 60, column"):
        check_whole(read(numbered))
