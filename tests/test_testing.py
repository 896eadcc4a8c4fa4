"""The checks must be able to fail: each broken estimator is caught by the check named for it."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin

from emoest.tables.cells import is_missing, object_column, read_frames
from emoest.tables.names import is_context
from emoest.testing import cell_estimator_checks, check_cell_estimator


@pytest.fixture
def X():
    generator = np.random.RandomState(0)
    cells = [generator.normal(size=(3 + i % 4, 2)).astype("float32") for i in range(10)]
    return object_column(cells, pd.Index(list("abcdefghij")), "audio__frames").to_frame()


class MeanOfFrames(TransformerMixin, BaseEstimator):
    """A right one, small enough to break in one place at a time."""

    def fit(self, X, y=None):
        self.n_features_in_ = X.shape[1]
        self.feature_names_in_ = np.asarray(X.columns, dtype=object)
        return self

    def get_feature_names_out(self, input_features=None):
        context = [c for c in self.feature_names_in_ if is_context(c)]
        return np.asarray(["audio__0000", "audio__0001", *context], dtype=object)

    def transform(self, X):
        means = [self.mean(read_frames(cell)) for cell in X.iloc[:, 0]]
        names = ["audio__0000", "audio__0001"]
        frame = pd.DataFrame(np.array(means), index=X.index, columns=names)
        return pd.concat([frame, X.loc[:, [c for c in X.columns if is_context(c)]]], axis=1)

    def mean(self, frames):
        return [np.nan, np.nan] if frames is None else frames.mean(axis=0)


class Classifier(ClassifierMixin, BaseEstimator):
    def fit(self, X, y):
        self.n_features_in_ = X.shape[1]
        self.feature_names_in_ = np.asarray(X.columns, dtype=object)
        self.classes_, counts = np.unique(y, return_counts=True)
        self.prior_ = counts / counts.sum()
        return self

    def predict_proba(self, X):
        return np.tile(self.prior_, (len(X), 1))

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


class WritesTheIndexAnew(MeanOfFrames):
    def transform(self, X):
        return super().transform(X).reset_index(drop=True)


class CentersOnTheBatch(MeanOfFrames):
    def transform(self, X):
        output = super().transform(X)
        output.iloc[:, :2] -= output.iloc[:, :2].mean()
        return output


class FillsMissing(MeanOfFrames):
    def mean(self, frames):
        return [0.0, 0.0] if frames is None else frames.mean(axis=0)


class Accumulates(MeanOfFrames):
    def fit(self, X, y=None):
        self.seen_ = getattr(self, "seen_", 0) + len(X)
        return super().fit(X, y)

    def mean(self, frames):
        return [np.nan, np.nan] if frames is None else frames.mean(axis=0) + self.seen_


class ForgetsNames(MeanOfFrames):
    def fit(self, X, y=None):
        super().fit(X, y)
        self.feature_names_in_ = self.feature_names_in_[:0]
        return self


class NamesTwice(MeanOfFrames):
    def get_feature_names_out(self, input_features=None):
        return np.asarray(["audio__0000", "audio__0000"], dtype=object)


class DrawsGlobally(MeanOfFrames):
    def transform(self, X):
        np.random.rand()  # noqa: NPY002
        return super().transform(X)


class CarriesWeights(MeanOfFrames):
    def fit(self, X, y=None):
        self.weights_ = np.zeros(2 * 10**6)
        return super().fit(X, y)


class PutsContextFirst(MeanOfFrames):
    def transform(self, X):
        output = super().transform(X)
        return output[output.columns[::-1]] if output.shape[1] > 2 else output


class AnswersNumbers(Classifier):
    def predict(self, X):
        return self.predict_proba(X).argmax(axis=1)


BROKEN = [
    (WritesTheIndexAnew(), "check_row_order"),
    (CentersOnTheBatch(), "check_subset_invariance"),
    (FillsMissing(), "check_missing_cells"),
    (CentersOnTheBatch(), "check_ragged_cells"),
    (Accumulates(), "check_refit_equals_fit"),
    (ForgetsNames(), "check_input_names"),
    (NamesTwice(), "check_output_names"),
    (DrawsGlobally(), "check_global_generators_untouched"),
    (CarriesWeights(), "check_pickle_without_weights"),
    (PutsContextFirst(), "check_context_passes_through"),
    (AnswersNumbers(), "check_string_labels"),
]


def by_name(estimator, name):
    return next(check for check in cell_estimator_checks(estimator) if check.__name__ == name)


def labels(estimator, X):
    return np.array(["sad", "happy"] * 5) if isinstance(estimator, ClassifierMixin) else None


@pytest.mark.parametrize(("estimator", "name"), BROKEN, ids=lambda v: str(v).removesuffix("()"))
def test_each_check_catches_its_fault(estimator, name, X):
    state = np.random.get_state()  # noqa: NPY002
    try:
        with pytest.raises(AssertionError):
            by_name(estimator, name)(estimator, X, labels(estimator, X))
    finally:
        np.random.set_state(state)  # noqa: NPY002


def test_right_estimators_pass(X):
    check_cell_estimator(MeanOfFrames(), X)
    check_cell_estimator(Classifier(), X, np.array(["sad", "happy"] * 5))


def test_missing_row_of_a_right_transformer_is_missing(X):
    X.iat[0, 0] = None
    output = MeanOfFrames().fit(X).transform(X)
    assert all(is_missing(value) for value in output.iloc[0])
