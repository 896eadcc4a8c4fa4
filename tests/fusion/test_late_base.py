import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.naive_bayes import GaussianNB

from emoest.fusion import (
    LateFusionClassifier,
    LateFusionRegressor,
    MonteCarloFusionClassifier,
    MultiplicativeFusionClassifier,
)
from emoest.fusion._modality_estimators import ModalityEstimator, Training
from emoest.fusion._rules import LATE_RULES
from emoest.tables.samples import read_samples


def test_out_of_fold_predictions_come_from_estimators_that_have_not_seen_the_row():
    rng = np.random.default_rng(0)
    y = np.tile([0, 1, 2], 10)
    X = rng.normal(size=(30, 3)) + y[:, None]
    X[4, 2] = np.nan
    model = LateFusionClassifier(modalities={"a": [0, 1], "b": [2]})
    table, y = read_samples(model, X, y)
    rows = np.arange(30)
    splits = [(rows[9:], rows[:9]), (rows[:15], rows[15:21])]
    given = Training(table, y, np.array([0, 1, 2]), splits=splits)
    estimators = [ModalityEstimator(name, (name,), GaussianNB()) for name in "ab"]
    predictions = model._out_of_fold(given, estimators)
    expected = GaussianNB().fit(given.table.data[9:, :2], given.y[9:])
    assert_allclose(predictions[:9, 0], expected.predict_proba(given.table.data[:9, :2]))
    assert np.isnan(predictions[4, 1]).all()
    assert np.isnan(predictions[9:15]).all()
    assert np.isnan(predictions[21:]).all()
    assert np.isfinite(predictions[15:21]).all()


def test_every_class_sets_the_same_fitted_attributes():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(30, 3))
    modalities = {"a": [0, 1], "b": [2]}
    shared = {"estimators_", "modalities_", "n_features_in_", "seen_groups_"}
    for model in (
        LateFusionClassifier(modalities=modalities),
        MultiplicativeFusionClassifier(modalities=modalities),
        MonteCarloFusionClassifier(modalities=modalities, strategy="agreement"),
    ):
        model.fit(X, np.arange(30) % 3)
        found = {name for name in vars(model) if name.endswith("_")}
        assert found - {"weights_"} == shared | {"classes_", "class_prior_"}
        assert list(model.estimators_) == model.modalities_ == ["a", "b"]
    model = LateFusionRegressor(modalities=modalities).fit(X, X[:, 0])
    found = {name for name in vars(model) if name.endswith("_")}
    assert found == shared | {"mean_", "weights_"}


@pytest.mark.parametrize("name", LATE_RULES)
def test_every_rule_that_has_a_name_is_an_option(name):
    X = np.random.default_rng(0).normal(size=(30, 3))
    modalities = {"a": [0, 1], "b": [2]}
    rule = LATE_RULES[name]
    weights = None if rule.weights == "none" else [1, 3]
    model = LateFusionClassifier(rule=name, weights=weights, modalities=modalities)
    assert_allclose(model.fit(X, np.arange(30) % 3).predict_proba(X).sum(axis=1), 1.0)
    numbers = LateFusionRegressor(rule=name, weights=weights, modalities=modalities)
    if rule.fuses_numbers:
        assert np.isfinite(numbers.fit(X, X[:, 0]).predict(X)).all()
    else:
        with pytest.raises(ValueError, match="The 'rule' parameter of LateFusionRegressor"):
            numbers.fit(X, X[:, 0])
