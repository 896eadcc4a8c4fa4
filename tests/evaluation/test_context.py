import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from sklearn.svm import LinearSVC

from emoest.aggregation import StatisticsPooling
from emoest.datasets import LeaveOneSessionOut
from emoest.evaluation import evaluate, modality_shapley
from emoest.evaluation._context import without_unused_context
from emoest.fusion import EarlyFusionClassifier
from emoest.normalization import SpeakerZScoreNormalizer

SPEAKERS = np.repeat([f"SM{i}" for i in range(10)], 4)
X = pd.DataFrame(
    np.random.default_rng(0).normal(size=(40, 2)), columns=["audio__a", "audio__b"]
).assign(speaker=SPEAKERS, session=np.repeat(list("abcde"), 8))
Y = pd.Series(np.tile(["sad", "glad"], 20))


class Reader(TransformerMixin, BaseEstimator):
    """Reads a column that none of its parameters names."""

    def fit(self, X, y=None):
        self.speakers_ = X["speaker"].unique()
        return self

    def transform(self, X):
        return X.drop(columns=["speaker", "session"])


encoder = ColumnTransformer([("who", OneHotEncoder(handle_unknown="ignore"), ["speaker"])])
grid = GridSearchCV(LogisticRegression(), {"C": [1.0]}, cv=LeaveOneSessionOut())
KEPT = {
    "linear": (LinearSVC(), []),
    "pipeline": (make_pipeline(StandardScaler(), LinearSVC()), []),
    "fusion": (EarlyFusionClassifier(), []),
    "group_column": (
        make_pipeline(SpeakerZScoreNormalizer(group_column="speaker"), LinearSVC()),
        ["speaker"],
    ),
    "a column of a ColumnTransformer": (make_pipeline(encoder, LinearSVC()), ["speaker"]),
    "a splitter inside": (grid, ["session"]),
    "a step of one's own": (make_pipeline(Reader(), LinearSVC()), ["speaker", "session"]),
    "a function": (
        make_pipeline(FunctionTransformer(lambda X: X[["audio__a"]]), LinearSVC()),
        ["speaker", "session"],
    ),
}


@pytest.mark.parametrize(("model", "kept"), KEPT.values(), ids=KEPT)
def test_context_stays_where_a_part_asks_for_it(model, kept):
    assert list(without_unused_context(X, model)) == ["audio__a", "audio__b", *kept]


SCALED = make_pipeline(StandardScaler(), LinearSVC())


@pytest.mark.parametrize(
    ("model", "plain"),
    [(LinearSVC(), LinearSVC()), (SCALED, SCALED), (make_pipeline(Reader(), LinearSVC()), None)],
)
def test_a_plain_model_on_a_loaded_corpus_works(model, plain):
    found = evaluate(model, X, Y, group_column="speaker", random_state=0)
    numbers = X[["audio__a", "audio__b"]]
    expected = evaluate(plain or LinearSVC(), numbers, Y, groups=SPEAKERS, random_state=0)
    assert found.predictions["y_pred"].equals(expected.predictions["y_pred"])
    assert found.protocol.speaker_independent


def test_frames_before_a_plain_model():
    cells = np.empty(40, dtype=object)
    cells[:] = list(np.random.default_rng(0).normal(size=(40, 3, 2)).astype(np.float32))
    frames = pd.DataFrame({"audio__frames": cells, "speaker": SPEAKERS})
    model = make_pipeline(StatisticsPooling(), LinearSVC())
    assert evaluate(model, frames, Y, group_column="speaker", random_state=0).n_tested == 40


def test_shapley_values_too():
    table = X.rename(columns={"audio__b": "text__b"})
    found = modality_shapley(
        EarlyFusionClassifier(LogisticRegression()),
        *(table, Y),
        value="predict",
        group_column="speaker",
        cv=2,
        n_resamples=10,
        random_state=0,
    )
    assert list(found.index) == ["audio", "text"]
