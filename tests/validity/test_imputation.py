import numpy as np
import pandas as pd
import pytest

from emoest.validity import ModalityImputer, ModalityIndicator


@pytest.fixture
def X():
    return pd.DataFrame(
        {
            "audio__a": [1.0, np.nan, 3.0, 8.0],
            "speaker": ["s", "t", "s", "t"],
            "audio__b": [np.nan, np.nan, 5.0, 7.0],
            "text__c": [1.0, 2.0, 3.0, np.nan],
        },
        index=["p", "q", "r", "s"],
    )


@pytest.mark.parametrize(
    ("strategy", "filled"),
    [("mean", [4.0, 6.0, 2.0]), ("median", [3.0, 6.0, 2.0]), ("constant", [-1.0] * 3)],
)
def test_blocks_and_single_values_are_filled(X, strategy, filled):
    imputer = ModalityImputer(strategy=strategy, fill_value=-1.0).fit(X)
    assert imputer.statistics_.tolist() == filled
    output = imputer.transform(X)
    assert list(output) == ["audio__a", "audio__b", "text__c", "speaker"]
    assert list(imputer.get_feature_names_out()) == list(output)
    assert output.loc["q"].tolist() == [filled[0], filled[1], 2.0, "t"]
    assert output.loc["p", "audio__b"] == filled[1]
    assert output.loc["s", "text__c"] == filled[2]
    assert output.loc["r"].tolist() == [3.0, 5.0, 3.0, "s"]


def test_partial_blocks_can_be_left(X):
    output = ModalityImputer(partial=False).fit_transform(X)
    assert np.isnan(output.loc["p", "audio__b"])
    assert output.loc["q", "audio__b"] == 6.0


def test_weights_count_for_the_mean(X):
    imputer = ModalityImputer().fit(X, sample_weight=[3.0, 1.0, 0.0, 1.0])
    assert imputer.statistics_.tolist() == [(3 + 8) / 4, 7.0, (3 + 2) / 4]
    with pytest.raises(ValueError, match=r"median.*takes no sample_weight"):
        ModalityImputer(strategy="median").fit(X, sample_weight=np.ones(4))


@pytest.mark.parametrize("strategy", ["mean", "median"])
def test_a_column_without_values_is_kept_and_filled_with_0(X, strategy):
    output = ModalityImputer(strategy=strategy).fit_transform(X.assign(text__c=np.nan))
    assert (output["text__c"] == 0).all()


def test_training_statistics_are_used_on_new_rows(X):
    new = X.assign(audio__a=np.nan, audio__b=np.nan)
    assert (ModalityImputer().fit(X).transform(new)["audio__a"] == 4.0).all()


def test_indicator_says_what_is_present(X):
    indicator = ModalityIndicator().fit(X)
    output = indicator.transform(X)
    assert list(output) == ["present__audio", "present__text", "speaker"]
    assert list(indicator.get_feature_names_out()) == list(output)
    assert output["present__audio"].tolist() == [1.0, 0.0, 1.0, 1.0]
    assert output["present__text"].tolist() == [1.0, 1.0, 1.0, 0.0]


def test_appended_indicators_hide_no_missing_block(X):
    output = ModalityIndicator(append=True).fit_transform(X)
    assert list(output) == [
        "audio__a",
        "audio__b",
        "text__c",
        "present__audio",
        "present__text",
        "speaker",
    ]
    again = ModalityIndicator().fit_transform(output)
    assert again["present__audio"].tolist() == [1.0, 0.0, 1.0, 1.0]
    assert again["present__present"].tolist() == [1.0] * 4


def test_indicator_of_an_array_and_with_set_output():
    X = np.array([[1.0, np.nan], [np.nan, 2.0]])
    indicator = ModalityIndicator(modalities={"a": [0], "b": [1]}, append=True)
    np.testing.assert_array_equal(
        indicator.fit_transform(X), [[1, np.nan, 1, 0], [np.nan, 2, 0, 1]]
    )
    named = indicator.set_output(transform="pandas").fit_transform(X)
    assert list(named) == ["x0", "x1", "present__a", "present__b"]


def test_single_values_alone_or_whole_modalities_alone(X):
    features = X.drop(columns="speaker")
    whole = features.filter(like="audio").isna().all(axis=1)
    assert whole.any()
    gaps = ModalityImputer(whole=False).fit_transform(features)
    assert gaps.filter(like="audio").isna().all(axis=1).equals(whole)
    assert gaps.loc[~whole].filter(like="audio").notna().all(axis=None)
    nothing = ModalityImputer(whole=False, partial=False).fit_transform(features)
    pd.testing.assert_frame_equal(nothing, features)
