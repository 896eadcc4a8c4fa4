import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC

from emoest.fusion import EarlyFusionClassifier, EarlyFusionRegressor
from emoest.utils import with_groups

AUDIO = [f"audio__f_{i}" for i in range(3)]
TEXT = [f"text__f_{i}" for i in range(2)]


def make(seed=0, n=60):
    generator = np.random.RandomState(seed)
    y = np.array(["calm", "angry", "sad"])[np.arange(n) % 3]
    values = generator.normal(size=(n, 5)) * [1, 10, 100, 1, 1]
    values[:, 1] += 40 * (y == "angry")
    values[:, 4] += 4 * (y == "sad")
    index = [f"{seed}-{i}" for i in range(n)]
    X = pd.DataFrame(values, columns=AUDIO + TEXT, index=index)
    return X.assign(speaker=[f"s{i // 6}" for i in range(n)]), y


@pytest.fixture
def data():
    return make()


def test_equals_a_plain_pipeline_where_nothing_is_missing(data):
    X, y = data
    ours = EarlyFusionClassifier(LogisticRegression()).fit(X, y)
    theirs = make_pipeline(StandardScaler(), LogisticRegression()).fit(X[AUDIO + TEXT], y)
    new, _ = make(1)
    np.testing.assert_allclose(
        ours.predict_proba(new), theirs.predict_proba(new[AUDIO + TEXT]), rtol=1e-6
    )
    assert ours.classes_.tolist() == ["angry", "calm", "sad"]
    assert ours.predict(new).tolist() == theirs.predict(new[AUDIO + TEXT]).tolist()
    assert ours.score(new, make(1)[1]) > 0.9


def test_1024_and_768_columns_make_1792():
    generator = np.random.RandomState(0)
    audio = pd.DataFrame(generator.normal(size=(12, 1024))).add_prefix("audio__yamnet_")
    text = pd.DataFrame(generator.normal(size=(12, 768))).add_prefix("text__bert_")
    X = pd.concat([audio, text], axis=1)
    model = EarlyFusionClassifier(LinearSVC()).fit(X, np.arange(12) % 2)
    assert model.estimator_.n_features_in_ == 1792
    assert list(model.estimator_.feature_names_in_) == list(X)


def test_context_is_not_used(data):
    X, y = data
    told = X.assign(speaker=y, text__session=y)
    model = EarlyFusionClassifier().fit(told, y)
    assert list(model.estimator_.feature_names_in_) == AUDIO + TEXT
    untold = told.assign(speaker="nobody", text__session="none")
    np.testing.assert_array_equal(model.predict_proba(untold), model.predict_proba(told))


def test_a_modality_missing_only_at_prediction(data):
    X, y = data
    model = EarlyFusionClassifier().fit(X, y)
    new, _ = make(1)
    lacking = new.copy()
    lacking[AUDIO] = np.nan
    filled = new.copy()
    filled[AUDIO] = X[AUDIO].mean().to_numpy()
    np.testing.assert_allclose(model.predict_proba(lacking), model.predict_proba(filled))
    sad = make(1)[1] == "sad"
    assert (model.predict(lacking)[sad] == "sad").mean() > 0.8


def test_partly_missing_blocks_are_filled_by_training_means(data):
    X, y = data
    X.iloc[::3, 1] = np.nan
    X.iloc[5, :3] = np.nan
    model = EarlyFusionClassifier(LogisticRegression(max_iter=1000), normalize=None).fit(X, y)
    filled = X.fillna(X[AUDIO + TEXT].mean())
    reference = LogisticRegression(max_iter=1000).fit(filled[AUDIO + TEXT], y)
    np.testing.assert_allclose(model.estimator_.coef_, reference.coef_)
    np.testing.assert_allclose(
        model.predict_proba(X), reference.predict_proba(filled[AUDIO + TEXT])
    )


def test_impute_raise(data):
    X, y = data
    X.iloc[5, :3] = np.nan
    model = EarlyFusionClassifier(impute="raise").fit(X, y)
    X.iloc[7, 1] = np.nan
    for call in (lambda: model.fit(X, y), lambda: model.predict(X)):
        with pytest.raises(ValueError, match=r"partly NaN .* row '0-7', column 'audio__f_1'"):
            call()


def test_a_row_without_any_modality(data):
    X, y = data
    y = np.where(np.arange(60) < 30, "sad", y)
    model = EarlyFusionClassifier().fit(X, y)
    new, _ = make(1)
    expected = model.predict_proba(new)
    new.iloc[[4, 9], :5] = np.nan
    with pytest.warns(UserWarning, match=r"2 row\(s\) have no modality at all .* '1-4', '1-9'"):
        proba = model.predict_proba(new)
    counts = [np.mean(y == name) for name in model.classes_]
    np.testing.assert_allclose(proba[[4, 9]], [counts, counts])
    others = np.setdiff1d(range(60), [4, 9])
    np.testing.assert_array_equal(proba[others], expected[others])
    with pytest.warns(UserWarning, match="no modality at all"):
        assert model.predict(new.iloc[[9, 4]]).tolist() == ["sad", "sad"]
    with pytest.warns(UserWarning, match="no modality at all"):
        scores = model.decision_function(new)
    assert (scores[[4, 9]].argmax(axis=1) == 2).all() and np.isfinite(scores).all()


def test_such_rows_are_left_out_of_training(data):
    X, y = data
    empty = pd.DataFrame(np.nan, index=["e0", "e1"], columns=AUDIO + TEXT).assign(speaker="s0")
    with pytest.warns(UserWarning, match=r"2 training row\(s\) .* left out: 'e0', 'e1'"):
        model = EarlyFusionClassifier().fit(pd.concat([X, empty]), [*y, "sad", "sad"])
    np.testing.assert_array_equal(model.class_prior_, [1 / 3] * 3)
    np.testing.assert_array_equal(
        model.predict_proba(X), EarlyFusionClassifier().fit(X, y).predict_proba(X)
    )
    with pytest.raises(ValueError, match=r"every row misses every modality \(audio, text\)"):
        EarlyFusionClassifier().fit(empty, ["a", "b"])


def test_methods_are_those_of_the_inner_estimator(data):
    X, y = data
    forest = EarlyFusionClassifier(RandomForestClassifier(5, random_state=0))
    for model in (forest, forest.fit(X, y)):
        assert hasattr(model, "predict_proba") and not hasattr(model, "decision_function")
    linear = EarlyFusionClassifier(LinearSVC())
    for model in (linear, linear.fit(X, y)):
        assert hasattr(model, "decision_function") and not hasattr(model, "predict_proba")


def test_one_against_one_scores_have_no_prior(data):
    X, y = data
    y = np.where(np.arange(60) % 4 == 0, "bored", y)
    model = EarlyFusionClassifier(SVC(decision_function_shape="ovo")).fit(X, y)
    X.iloc[0, :5] = np.nan
    with pytest.warns(UserWarning, match="no modality at all"):
        scores = model.decision_function(X)
    assert scores.shape == (60, 6) and np.isnan(scores[0]).all() and np.isfinite(scores[1:]).all()


def test_weights_reach_statistics_and_estimator(data):
    X, y = data
    X.iloc[4, :3] = np.nan
    weight = np.random.RandomState(0).randint(0, 4, size=60)
    inner = LogisticRegression(tol=1e-10, max_iter=10_000)
    weighted = EarlyFusionClassifier(inner).fit(X, y, sample_weight=weight)
    rows = np.repeat(np.arange(60), weight)
    repeated = EarlyFusionClassifier(inner).fit(X.iloc[rows], y[rows])
    np.testing.assert_allclose(weighted.predict_proba(X), repeated.predict_proba(X), atol=1e-6)
    np.testing.assert_allclose(weighted.class_prior_, repeated.class_prior_)
    with pytest.raises(ValueError, match=r"\(KNeighborsClassifier\) takes none"):
        EarlyFusionClassifier(KNeighborsClassifier()).fit(X, y, sample_weight=weight)
    EarlyFusionClassifier(KNeighborsClassifier()).fit(X, y)


class Recorder(DummyClassifier):
    """Keeps what it was given."""

    def fit(self, X, y, sample_weight=None, groups=None):
        self.groups_, self.weight_, self.index_ = groups, sample_weight, X.index
        return super().fit(X, y)


def test_groups_reach_an_estimator_that_takes_them(data):
    X, y = data
    X.iloc[0, :5] = np.nan
    speakers = X["speaker"].tolist()[1:]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        column = EarlyFusionClassifier(Recorder(), group_column="speaker").fit(X, y)
        index = EarlyFusionClassifier(Recorder()).fit(with_groups(X), y)
        given = EarlyFusionClassifier(Recorder()).fit(X, y, groups=X["speaker"])
        none = EarlyFusionClassifier(Recorder()).fit(X, y)
    for model in (column, index, given):
        assert list(model.estimator_.groups_) == speakers
        assert model.estimator_.weight_ is None
    assert none.estimator_.groups_ is None
    assert none.estimator_.index_.equals(X.index[1:])


def test_an_inner_search_by_speaker(data):
    X, y = data
    search = GridSearchCV(LogisticRegression(max_iter=500), {"C": [0.1, 1]}, cv=GroupKFold(3))
    model = EarlyFusionClassifier(search).fit(with_groups(X), y)
    assert model.estimator_.best_score_ > 0.8
    assert model.predict_proba(with_groups(X)).shape == (60, 3)


def test_grid_search_and_clone(data):
    X, y = data
    grid = {"estimator__C": [1e-6, 1.0], "normalize": [None, "zscore", PCA(2)]}
    search = GridSearchCV(EarlyFusionClassifier(SVC()), grid, cv=GroupKFold(3), error_score="raise")
    search.fit(X, y, groups=X["speaker"])
    assert search.best_params_ == {"estimator__C": 1.0, "normalize": "zscore"}
    assert clone(search.best_estimator_).estimator.C == 1.0


def test_shuffled_rows_refit_and_pickle(data):
    X, y = data
    X.iloc[3, :3] = np.nan
    model = EarlyFusionClassifier().fit(X, y)
    expected = model.predict_proba(X)
    order = np.random.RandomState(0).permutation(60)
    np.testing.assert_allclose(model.predict_proba(X.iloc[order]), expected[order])
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).predict_proba(X), expected)
    other, labels = make(3)
    np.testing.assert_array_equal(model.fit(other, labels).fit(X, y).predict_proba(X), expected)


def test_shuffled_columns_change_nothing_but_their_order_in_fit(data):
    X, y = data
    mixed = X[[TEXT[0], AUDIO[2], "speaker", AUDIO[0], TEXT[1], AUDIO[1]]]
    model = EarlyFusionClassifier().fit(mixed, y)
    assert model.modalities_ == ["text", "audio"]
    expected = EarlyFusionClassifier().fit(X, y).predict_proba(X)
    np.testing.assert_allclose(model.predict_proba(mixed), expected, atol=1e-4)
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(X)


def test_positions_name_the_modalities_of_an_array(data):
    X, y = data
    values = X[AUDIO + TEXT].to_numpy().copy()
    values[3, :3] = np.nan
    X.iloc[3, :3] = np.nan
    modalities = {"audio": slice(0, 3), "text": [3, 4]}
    model = EarlyFusionClassifier(modalities=modalities).fit(values, y)
    np.testing.assert_allclose(
        model.predict_proba(values), EarlyFusionClassifier().fit(X, y).predict_proba(X)
    )


@pytest.mark.parametrize("estimator", [EarlyFusionClassifier(), EarlyFusionRegressor()], ids=str)
def test_several_targets_are_an_error_that_helps(estimator, data):
    X, _ = data
    y = pd.DataFrame({"valence": np.arange(60) % 2, "arousal": np.arange(60) % 3})
    with pytest.raises(ValueError, match=r"Several targets .*\.MultiTarget\(EarlyFusion"):
        estimator.fit(X, y)


def test_numbers_as_classes_are_an_error(data):
    X, _ = data
    with pytest.raises(ValueError, match="Unknown label type"):
        EarlyFusionClassifier().fit(X, np.linspace(0, 1, 60))


def test_one_class_is_an_error(data):
    X, _ = data
    with pytest.raises(ValueError, match="at least 2 classes"):
        EarlyFusionClassifier().fit(X, ["sad"] * 60)


def test_regression(data):
    X, _ = data
    target = 2 * X[AUDIO[0]] - X[TEXT[1]] + 5
    X.iloc[8, :3] = np.nan
    kept = np.setdiff1d(range(60), [8, 9])
    X.iloc[9, :5] = np.nan
    with pytest.warns(UserWarning, match="left out: '0-9'"):
        model = EarlyFusionRegressor(LinearRegression()).fit(X, target)
    with pytest.warns(UserWarning, match=r"at all \(row '0-9'\) and get the mean of training, "):
        predicted = model.predict(X)
    np.testing.assert_allclose(predicted[kept], target.iloc[kept], atol=0.7)
    assert predicted[9] == pytest.approx(target.drop("0-9").mean()) == pytest.approx(model.mean_)
    weighted = EarlyFusionRegressor().fit(X.iloc[:8], target.iloc[:8], sample_weight=[0] * 7 + [1])
    assert weighted.mean_ == pytest.approx(target.iloc[7])


def test_inner_estimators_are_seeded(data):
    X, y = data
    forest = EarlyFusionClassifier(make_pipeline(RandomForestClassifier(5)), random_state=3)
    expected = forest.fit(X, y).predict_proba(X)
    np.testing.assert_array_equal(clone(forest).fit(X, y).predict_proba(X), expected)
    other = clone(forest).set_params(random_state=4).fit(X, y)
    assert not np.array_equal(other.predict_proba(X), expected)
    assert forest.estimator[-1].random_state is None


def test_speaker_independent_scores_in_a_pipeline(data):
    X, y = data
    scores = cross_val_score(
        EarlyFusionClassifier(), X, y, groups=X["speaker"], cv=GroupKFold(5), error_score="raise"
    )
    assert scores.mean() > 0.9


def test_bad_parameters_are_named(data):
    X, y = data
    for parameters in ({"normalize": "minmax"}, {"impute": "median"}, {"estimator": "svm"}):
        name = next(iter(parameters))
        with pytest.raises(ValueError, match=f"The '{name}' parameter of EarlyFusionClassifier"):
            EarlyFusionClassifier(**parameters).fit(X, y)
