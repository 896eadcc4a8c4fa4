import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from emoest.aggregation import StatisticsPooling
from emoest.evaluation import evaluate
from emoest.features import AcousticFunctionals
from emoest.fusion import (
    EarlyFusionClassifier,
    LateFusionClassifier,
    MonteCarloFusionClassifier,
    MultiplicativeFusionClassifier,
)
from emoest.normalization import BlockScaler, ZScoreNormalizer
from emoest.tables.cells import object_column
from emoest.tables.inputs import as_fitted, as_pandas
from emoest.tables.names import find_modalities
from emoest.utils import with_groups
from emoest.validity import (
    CCAValidityFilter,
    ModalityImputer,
    ProxyFeatureGenerator,
    RegularizedCCA,
)

CLASSIFIERS = [
    EarlyFusionClassifier(),
    LateFusionClassifier(),
    MultiplicativeFusionClassifier(),
    MonteCarloFusionClassifier(strategy="agreement", n_draws=50, random_state=0),
]
TRANSFORMERS = [
    ZScoreNormalizer(),
    BlockScaler(),
    CCAValidityFilter(group_column="speaker", random_state=0),
    ProxyFeatureGenerator(group_column="speaker", random_state=0),
    ModalityImputer(),
    RegularizedCCA(),
]


def sample(speaker="text"):
    rng = np.random.default_rng(0)
    y = np.tile(["high", "low"], 30)
    shared = rng.normal(size=(60, 3)) + 2.0 * (y == "high")[:, None]
    X = pd.DataFrame(
        np.hstack([shared, shared]) + 0.3 * rng.normal(size=(60, 6)),
        columns=[f"{name}__{i}" for name in ("audio", "text") for i in range(3)],
    )
    numbers = np.repeat(np.arange(10), 6)
    X["speaker"] = numbers.astype(float) if speaker == "number" else [f"s{n}" for n in numbers]
    return X, y


@pytest.mark.parametrize("model", CLASSIFIERS, ids=lambda m: type(m).__name__)
@pytest.mark.parametrize("speaker", ["text", "number"])
@pytest.mark.parametrize("form", [np.ndarray, list])
def test_an_array_after_a_frame_is_taken_by_position_with_a_warning(model, speaker, form):
    X, y = sample(speaker)
    model.fit(X, y)
    values = X.to_numpy() if form is np.ndarray else X.to_numpy().tolist()
    with pytest.warns(UserWarning, match="X does not have valid feature names"):
        assert model.predict(values).tolist() == model.predict(X).tolist()
    with pytest.raises(ValueError, match="X has 6 features"):
        model.predict(X.to_numpy()[:, :6])


@pytest.mark.parametrize("model", CLASSIFIERS, ids=lambda m: type(m).__name__)
def test_a_frame_after_an_array_is_taken_by_position_with_a_warning(model):
    X, y = sample()
    numbers = X.drop(columns="speaker")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(numbers.to_numpy(), y)
    with pytest.warns(UserWarning, match="X has feature names, but"):
        assert model.predict(numbers).tolist() == model.predict(numbers.to_numpy()).tolist()


@pytest.mark.parametrize("model", TRANSFORMERS, ids=lambda m: type(m).__name__)
def test_transformers_give_an_array_when_they_get_one_after_a_frame(model):
    X, _ = sample()
    expected = model.fit(X).transform(X)
    with pytest.warns(UserWarning, match="X does not have valid feature names"):
        out = model.transform(X.to_numpy())
    assert isinstance(out, np.ndarray)
    assert out[:, -1].tolist() == X["speaker"].tolist()
    np.testing.assert_allclose(
        out[:, :-1].astype(float), expected.iloc[:, :-1].to_numpy(), atol=1e-12
    )


def test_frames_in_an_object_array_after_a_table():
    cells = [np.full((i + 1, 2), i, dtype="float32") for i in range(6)]
    X = object_column(cells, range(6), "audio__frames").to_frame().assign(speaker="s1")
    pooled = StatisticsPooling().fit(X)
    with pytest.warns(UserWarning, match="X does not have valid feature names"):
        out = pooled.transform(X.to_numpy(dtype=object))
    assert list(out) == list(pooled.transform(X))


def test_what_is_no_table_is_left_to_the_validation_of_scikit_learn():
    X, y = sample()
    model = EarlyFusionClassifier().fit(X, y)
    for wrong in (np.zeros(7), [1.0, 2.0], [[1.0], [1.0, 2.0]], "text"):
        assert as_fitted(model, wrong, reset=False) is wrong
        with pytest.raises((ValueError, TypeError)):
            model.predict(wrong)


polars = pytest.importorskip("polars")


def as_polars(X):
    return polars.DataFrame({name: X[name].tolist() for name in X})


def test_polars_becomes_pandas_with_names_numbers_and_missing_values():
    table = polars.DataFrame(
        {"audio__a": [1.0, None], "audio__n": [1, 2], "text": ["a", None], "speaker": ["x", "y"]}
    )
    found = as_pandas(table)
    assert list(found) == ["audio__a", "audio__n", "text", "speaker"]
    assert found["audio__a"].isna().tolist() == [False, True]
    assert found["audio__a"].dtype == np.float64
    assert found["text"].tolist()[0] == "a"
    assert found["text"].isna().tolist() == [False, True]


@pytest.mark.parametrize("model", CLASSIFIERS, ids=lambda m: type(m).__name__)
def test_polars_keeps_modalities_and_context(model):
    X, y = sample("number")
    expected = model.fit(X, y).predict(X)
    model.fit(as_polars(X), y)
    assert list(model.feature_names_in_) == list(X)
    assert model.modalities_ == ["audio", "text"]
    assert model.predict(as_polars(X)).tolist() == model.predict(X).tolist() == expected.tolist()


@pytest.mark.parametrize("model", TRANSFORMERS, ids=lambda m: type(m).__name__)
def test_transformers_take_polars(model):
    X, _ = sample()
    expected = model.fit(X).transform(X)
    out = model.fit(as_polars(X)).transform(as_polars(X))
    pd.testing.assert_frame_equal(out, expected, check_dtype=False)


def test_steps_that_return_polars_keep_names():
    X, y = sample("number")
    numbers = [c for c in X if c != "speaker"]
    scale = ColumnTransformer(
        [("scale", StandardScaler(), numbers)],
        remainder="passthrough",
        verbose_feature_names_out=False,
    ).set_output(transform="polars")
    model = make_pipeline(scale, EarlyFusionClassifier()).fit(X, y)
    assert model[-1].modalities_ == ["audio", "text"]
    assert model[-1].estimator_.n_features_in_ == 6


def test_lists_in_cells_of_polars_are_frames():
    X = polars.DataFrame({"audio__frames": [[[1.0, 2.0]], [[3.0, 4.0], [5.0, 6.0]], None]})
    assert StatisticsPooling(["mean"]).fit_transform(X)["audio__mean_0000"].tolist()[:2] == [1, 4]


class Lazy:
    """What has to_pandas() or collect() and is no DataFrame: pyarrow, datasets, LazyFrame."""

    def to_pandas(self):
        raise AssertionError("the user decides about a copy")


ARRAYS = {"audio": np.zeros((4, 2)), "text": np.zeros((4, 3))}
NO_TABLES = {
    "a dict of columns": (
        {"audio": ["a.wav"] * 4},
        TypeError,
        r"X is a dict.*pandas\.DataFrame\(X",
    ),
    "a dict of arrays": (
        ARRAYS,
        TypeError,
        r"numpy\.hstack.*'audio': slice\(0, 2\), 'text': slice\(2, 5\)",
    ),
    "a list of dicts": ([{"audio__a": 1.0}] * 4, TypeError, r"list of dicts.*pandas\.DataFrame\(X"),
    "a list of frames": ([np.zeros((3, 2))] * 4, ValueError, r"emoest\.utils\.object_column"),
    "a 3-D array": (np.zeros((4, 3, 2)), ValueError, r"shape \(4, 3, 2\).*utils\.object_column"),
    "another library": (Lazy(), TypeError, r"X is a Lazy of .*X\.to_pandas\(\)"),
    "lazy polars": (as_polars(sample()[0]).lazy(), TypeError, r"polars.*X\.collect\(\)"),
}


@pytest.mark.parametrize(("X", "kind", "message"), NO_TABLES.values(), ids=NO_TABLES.keys())
@pytest.mark.parametrize("model", [*CLASSIFIERS, *TRANSFORMERS, StatisticsPooling()], ids=str)
def test_what_is_no_table_says_what_makes_one(model, X, kind, message):
    with pytest.raises(kind, match=message):
        model.fit(X, ["a", "b", "a", "b"])


def test_the_array_that_a_dict_is_told_to_become_is_one():
    X = np.hstack(list(ARRAYS.values()))
    found = find_modalities(X, {"audio": slice(0, 2), "text": slice(2, 5)})
    assert {name: len(at) for name, at in found.items()} == {"audio": 2, "text": 3}


@pytest.mark.parametrize("name", ["a dict of columns", "another library", "lazy polars"])
def test_readers_of_media_say_so_too(name):
    X, kind, message = NO_TABLES[name]
    with pytest.raises(kind, match=message):
        AcousticFunctionals().fit(X)


def test_polars_reaches_readers_of_media_with_context():
    wave = np.sin(np.arange(8000) / 10.0)
    X = pd.DataFrame({"audio": [wave, None], "speaker": ["a", "b"]})
    acoustic = AcousticFunctionals(pooling="mean", sampling_rate=8000, cache_dir=False)
    table = polars.DataFrame(
        {"audio": polars.Series([wave, None], dtype=polars.Object), "speaker": ["a", "b"]}
    )
    expected = acoustic.fit_transform(X)
    pd.testing.assert_frame_equal(acoustic.fit_transform(table), expected, check_dtype=False)
    one = acoustic.fit_transform(table["audio"])
    pd.testing.assert_frame_equal(one, expected.drop(columns="speaker"))


@pytest.mark.parametrize("where", ["array", "column", "series"])
def test_polars_is_evaluated_as_pandas(where):
    X, y = sample()
    table = as_polars(X)
    groups = {
        "array": {"groups": X["speaker"].to_numpy()},
        "column": {"group_column": "speaker"},
        "series": {"groups": table["speaker"]},
    }[where]
    model = make_pipeline(ZScoreNormalizer(), EarlyFusionClassifier())
    model.set_output(transform="pandas")
    expected = evaluate(model, X, y, groups=X["speaker"], cv=3, random_state=0, n_resamples=50)
    for target in (y, polars.Series(y), polars.DataFrame({"emotion": y})):
        found = evaluate(model, table, target, cv=3, random_state=0, n_resamples=50, **groups)
        pd.testing.assert_frame_equal(found.table, expected.table)


def test_evaluate_says_what_makes_a_table_of_a_dict():
    with pytest.raises(TypeError, match=r"X is a dict.*pandas\.DataFrame\(X\)"):
        evaluate(EarlyFusionClassifier(), {"audio__a": [1.0, 2.0]}, ["a", "b"])


def test_groups_of_polars_ride_in_the_index_of_pandas():
    X, _ = sample()
    found = with_groups(as_polars(X), "speaker")
    assert found.index.get_level_values("group").tolist() == X["speaker"].tolist()
