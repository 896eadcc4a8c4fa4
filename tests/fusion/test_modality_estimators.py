import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.base import BaseEstimator
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from emoest.fusion._modality_estimators import (
    ModalityEstimator,
    Training,
    restrict_splits,
    seeded_clone,
    squash,
)
from emoest.fusion._rules import SCORES
from emoest.tables.samples import read_samples


class Owner(BaseEstimator):
    def __init__(self, modalities=None, context=()):
        self.modalities = modalities
        self.context = context


def training(**fields):
    rng = np.random.default_rng(0)
    y = np.tile([0, 1, 2], 10)
    X = rng.normal(size=(30, 3)) + y[:, None]
    X[4, 2] = np.nan
    table, y = read_samples(Owner({"a": [0, 1], "b": [2]}), X, y)
    return Training(table, y, np.array([0, 1, 2]), **fields)


def test_imputation_is_learned_on_the_rows_of_the_fold():
    given = training()
    given.table.data[0, 0] = np.nan
    fitted = ModalityEstimator("a", ("a",), GaussianNB()).fit(given, np.arange(10))
    assert fitted.fill["a"][0] == pytest.approx(given.table.data[1:10, 0].mean())


def test_an_estimator_that_cannot_be_fitted_says_why():
    given = training(sample_weight=np.r_[0.0, 0.0, 0.0, np.ones(27)])
    base = ModalityEstimator("b", ("b",), GaussianNB())
    assert base.fit(given, np.array([4])) == "is missing in every training row"
    one = base.fit(given, np.array([3, 6]))
    assert one == "is present in training rows of one class only (0)"
    zero = base.fit(given, np.array([0, 1, 2]))
    assert zero == "has weight zero in every training row that has it"


def test_an_estimator_without_usable_inner_splits_cannot_be_calibrated():
    rows = np.arange(30)
    given = training(splits=[(rows[:2], rows[2:])])
    base = ModalityEstimator("a", ("a",), SVC(), calibrate="sigmoid")
    with pytest.raises(ValueError, match="modality 'a' cannot be calibrated: no inner split"):
        base.fit(given, rows)


def test_scores_of_pairs_of_classes_are_refused():
    X = np.random.default_rng(0).normal(size=(40, 3))
    table, y = read_samples(Owner({"a": [0, 1], "b": [2]}), X, np.arange(40) % 4)
    given = Training(table, y, np.arange(4))
    pairs = ModalityEstimator("a", ("a",), SVC(decision_function_shape="ovo"), SCORES)
    fitted = pairs.fit(given, np.arange(40))
    with pytest.raises(ValueError, match="modality 'a' gives 6 scores for 4 classes"):
        fitted.predict(table, given.classes)


def test_two_classes_are_squashed_by_the_sigmoid():
    assert_allclose(squash(np.array([2.0]))[0, 1], 1 / (1 + np.exp(-2)))
    assert_allclose(squash(np.array([[1.0, 2.0, 3.0]])).sum(), 1.0)


def test_splits_are_restricted_to_rows_and_to_all_classes():
    y = np.array([0, 1, 0, 1, 0, 1, 0, 1])
    splits = [
        (np.array([0, 1, 2, 3]), np.array([4, 5, 6, 7])),
        (np.array([4, 5, 6, 7]), np.array([0, 1, 2, 3])),
    ]
    rows = np.array([0, 3, 5, 7])
    kept = restrict_splits(splits, rows, y)
    assert [[part.tolist() for part in split] for split in kept] == [[[0, 1], [2, 3]]]


def test_open_seeds_are_set_deep_inside_and_given_ones_kept():
    model = make_pipeline(StandardScaler(), RandomForestClassifier())
    assert seeded_clone(model, 5)[-1].random_state == 5
    assert model[-1].random_state is None
    assert seeded_clone(LogisticRegression(random_state=1), 5).random_state == 1


def test_factors_multiply_given_weights():
    assert training().weighted_by(np.full(30, 2.0)).sample_weight.tolist() == [2.0] * 30
    given = training(sample_weight=np.full(30, 3.0))
    assert given.weighted_by(np.full(30, 2.0)).sample_weight.tolist() == [6.0] * 30
