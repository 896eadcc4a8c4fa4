import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin

from emoest.tables.vectors import fill_missing, validate_blocks, weighted_mean, weighted_std


class Classifier(ClassifierMixin, BaseEstimator):
    pass


@pytest.fixture
def X():
    values = np.array([[1.0, 2.0, 3.0], [np.nan, np.nan, 4.0], [np.nan, 5.0, np.nan]])
    frame = pd.DataFrame(values, columns=["audio__a", "audio__b", "text__c"], index=["r", "s", "t"])
    frame.insert(1, "speaker", ["x", "y", "z"])
    return frame


def test_a_row_misses_a_modality_if_its_whole_block_is_nan(X):
    blocks = validate_blocks(BaseEstimator(), X, reset=True)
    assert blocks.missing.tolist() == [[False, False], [True, False], [False, True]]
    assert blocks.block("text").ravel()[:2].tolist() == [3.0, 4.0]
    assert blocks.columns == ["audio__a", "audio__b", "text__c"]


def test_rebuild_puts_context_last_and_keeps_the_index(X):
    estimator = BaseEstimator()
    blocks = validate_blocks(estimator, X, reset=True)
    output = blocks.rebuild(blocks.values * 2)
    assert list(output.columns) == ["audio__a", "audio__b", "text__c", "speaker"]
    assert output.index.tolist() == ["r", "s", "t"]
    assert output["speaker"].tolist() == ["x", "y", "z"]
    assert estimator.n_features_in_ == 4
    renamed = blocks.rebuild(blocks.values[:, :1], ["z"])
    assert list(renamed.columns) == ["z", "speaker"]


def test_an_array_stays_an_array(X):
    blocks = validate_blocks(BaseEstimator(), np.zeros((2, 3)), reset=True)
    assert isinstance(blocks.rebuild(blocks.values), np.ndarray)


def test_other_columns_than_in_fit_are_an_error(X):
    estimator = BaseEstimator()
    validate_blocks(estimator, X, reset=True)
    with pytest.raises(ValueError, match="feature names"):
        validate_blocks(estimator, X.rename(columns={"text__c": "text__d"}), reset=False)


def test_target_is_validated_beside_context(X):
    blocks, y = validate_blocks(Classifier(), X, ["a", "b", "a"], reset=True)
    assert y.tolist() == ["a", "b", "a"] and blocks.values.shape == (3, 3)
    with pytest.raises(ValueError, match="inconsistent"):
        validate_blocks(Classifier(), X, ["a"], reset=True)
    with pytest.raises(ValueError, match="requires y to be passed"):
        validate_blocks(Classifier(), X, None, reset=True)


def test_infinity_and_text_are_refused(X):
    with pytest.raises(ValueError, match="infinity"):
        validate_blocks(BaseEstimator(), X.replace(1.0, np.inf), reset=True)
    with pytest.raises(ValueError, match=r"'text__c' holds paths or texts .*Embed"):
        validate_blocks(BaseEstimator(), X.assign(text__c="word"), reset=True)


def test_weighted_statistics_equal_repetition():
    values = np.array([[1.0, np.nan], [2.0, 4.0], [7.0, 6.0]])
    weight = np.array([2, 1, 3])
    repeated = np.repeat(values, weight, axis=0)
    mean = weighted_mean(values, weight)
    np.testing.assert_allclose(mean, np.nanmean(repeated, axis=0))
    np.testing.assert_allclose(weighted_std(values, mean, weight), np.nanstd(repeated, axis=0))


def test_a_column_without_values_has_mean_and_std_zero():
    empty = np.full((2, 1), np.nan)
    assert weighted_mean(empty).tolist() == [0.0]
    assert weighted_std(empty, np.zeros(1)).tolist() == [0.0]


def test_fill_missing_copies():
    values = np.array([[np.nan, 1.0]])
    assert fill_missing(values, np.array([2.0, 3.0])).tolist() == [[2.0, 1.0]]
    assert np.isnan(values[0, 0])
