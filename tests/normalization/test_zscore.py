import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from emoest.normalization import SampleZScoreNormalizer, ZScoreNormalizer


@pytest.fixture
def X():
    generator = np.random.RandomState(0)
    names = [f"audio__f_{i}" for i in range(3)] + [f"text__f_{i}" for i in range(2)]
    X = pd.DataFrame(
        generator.normal(3, 2, size=(12, 5)), columns=names, index=list("abcdefghijkl")
    )
    X.iloc[2, :3] = np.nan
    X.iloc[5, 3:] = np.nan
    X.iloc[7, 1] = np.nan
    X.insert(1, "speaker", [f"s{i % 4}" for i in range(12)])
    return X


NUMBERS = ["audio__f_0", "audio__f_1", "audio__f_2", "text__f_0", "text__f_1"]


def test_training_statistics_and_gaps(X):
    Z = ZScoreNormalizer().fit_transform(X)
    expected = (X[NUMBERS] - X[NUMBERS].mean()) / X[NUMBERS].std(ddof=0)
    pd.testing.assert_frame_equal(Z[NUMBERS], expected)
    assert list(Z.columns) == [*NUMBERS, "speaker"]
    assert Z["speaker"].tolist() == X["speaker"].tolist()
    assert Z.iloc[2, :3].isna().all() and Z.iloc[5, 3:5].isna().all()


def test_new_rows_are_normalized_by_the_training_rows(X):
    normalizer = ZScoreNormalizer().fit(X.iloc[:8])
    expected = normalizer.transform(X).iloc[8:]
    pd.testing.assert_frame_equal(normalizer.transform(X.iloc[8:]), expected)
    shuffled = X.sample(frac=1, random_state=0)
    pd.testing.assert_frame_equal(
        normalizer.transform(shuffled), normalizer.transform(X).loc[shuffled.index]
    )


def test_constant_and_empty_columns_become_zero_in_new_rows_too():
    train = np.array([[1.0, np.nan, 1.0], [1.0, np.nan, 2.0]])
    new = np.array([[9.0, 9.0, 1.5], [np.nan, np.nan, np.nan]])
    Z = ZScoreNormalizer().fit(train).transform(new)
    np.testing.assert_array_equal(Z, [[0, 0, 0], [np.nan] * 3])


def test_weights_count_like_repetition(X):
    weight = np.arange(12) % 3
    weighted = ZScoreNormalizer().fit(X, sample_weight=weight)
    repeated = ZScoreNormalizer().fit(X.iloc[np.repeat(np.arange(12), weight)])
    np.testing.assert_allclose(weighted.mean_, repeated.mean_)
    np.testing.assert_allclose(weighted.scale_, repeated.scale_)


def test_refit_equals_fit_and_pickle(X):
    once = ZScoreNormalizer().fit(X)
    again = ZScoreNormalizer().fit(X.iloc[:5]).fit(X)
    pd.testing.assert_frame_equal(again.transform(X), once.transform(X))
    pd.testing.assert_frame_equal(pickle.loads(pickle.dumps(once)).transform(X), once.transform(X))


def test_set_output_names_and_order(X):
    plain = ZScoreNormalizer().fit_transform(X)
    asked = ZScoreNormalizer().set_output(transform="pandas")
    pd.testing.assert_frame_equal(asked.fit_transform(X), plain)
    assert asked.get_feature_names_out().tolist() == list(plain.columns)


def test_an_unknown_modality_is_named(X):
    with pytest.raises(ValueError, match=r"No column of X belongs to the modality 'face'"):
        ZScoreNormalizer(modalities=["audio", "text", "face"]).fit(X)


def test_inside_grid_search(X):
    model = make_pipeline(SampleZScoreNormalizer(), LogisticRegression())
    filled = X[NUMBERS].fillna(0.0)
    grid = {"samplezscorenormalizer__modalities": ["auto", {"all": slice(0, 5)}]}
    search = GridSearchCV(model, grid, cv=2, error_score="raise")
    search.fit(filled, ["low", "high"] * 6)
    assert clone(search).fit(filled, ["low", "high"] * 6).best_params_ == search.best_params_


def test_each_row_within_each_modality(X):
    Z = SampleZScoreNormalizer().fit_transform(X)
    for block in (NUMBERS[:3], NUMBERS[3:]):
        rows = X[block]
        deviations = rows.sub(rows.mean(axis=1), axis=0)
        expected = deviations.div(rows.std(axis=1, ddof=0), axis=0)
        pd.testing.assert_frame_equal(Z[block], expected)
    alone = SampleZScoreNormalizer().fit(X).transform(X.iloc[[4]])
    pd.testing.assert_frame_equal(alone, Z.iloc[[4]])


def test_a_modality_of_one_column_is_said():
    X = pd.DataFrame({"audio__rms": [1.0, 2.0], "text__a": [1.0, 2.0], "text__b": [5.0, 2.0]})
    with pytest.warns(UserWarning, match=r"\['audio'\] have one column each"):
        Z = SampleZScoreNormalizer().fit_transform(X)
    assert Z.to_numpy().tolist() == [[0, -1, 1], [0, 0, 0]]
