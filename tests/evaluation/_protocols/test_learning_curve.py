import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.dummy import DummyClassifier
from sklearn.naive_bayes import GaussianNB

from emoest.evaluation import evaluate, speaker_learning_curve

N = 96
SPEAKERS = np.repeat([f"s{i:02d}" for i in range(12)], 8)


def data():
    y = np.tile(["sad", "glad"], N // 2)
    X = np.random.default_rng(0).normal(size=(N, 4)) + (y == "sad")[:, None]
    return pd.DataFrame(X).add_prefix("audio__"), y


class Remembers(ClassifierMixin, BaseEstimator):
    """Keeps which speakers it was fitted on."""

    seen = []

    def fit(self, X, y, groups=None):
        self.classes_ = np.unique(y)
        Remembers.seen.append(set(X.index.get_level_values("group")))
        return self

    def predict(self, X):
        return np.full(len(X), self.classes_[0])


def test_each_size_trains_on_so_many_speakers_and_adds_to_the_one_before():
    Remembers.seen = []
    X, y = data()
    curve = speaker_learning_curve(Remembers(), X, y, groups=SPEAKERS, cv=4, random_state=0)
    assert curve["n_speakers"].tolist() == [2, 4, 8, 9]
    assert curve["n_samples"].tolist() == [16, 32, 64, 72]
    sizes = [list(map(len, Remembers.seen[i : i + 4])) for i in range(0, 16, 4)]
    assert sizes == [[2] * 4, [4] * 4, [8] * 4, [9] * 4]
    for few, more in zip(Remembers.seen[:4], Remembers.seen[4:8], strict=True):
        assert few < more


def test_all_speakers_give_the_evaluation_itself():
    X, y = data()
    options = {"groups": SPEAKERS, "cv": 4, "random_state": 0, "n_resamples": 50}
    curve = speaker_learning_curve(GaussianNB(), X, y, sizes=[3, 9], **options)
    whole = evaluate(GaussianNB(), X, y, **options).table
    for column in ("uar", "uar_low", "uar_high"):
        assert curve[column].iloc[-1] == whole[column].iloc[0]
    models = {"a": GaussianNB(), "b": DummyClassifier()}
    both = speaker_learning_curve(models, X, y, sizes=[3], **options)
    assert both.index.tolist() == ["a", "b"]


@pytest.mark.parametrize("sizes", [[0], [10], [], [-1, 3]])
def test_sizes_beyond_the_speakers_are_refused(sizes):
    X, y = data()
    with pytest.raises(ValueError, match="must lie between 1 and 9"):
        speaker_learning_curve(GaussianNB(), X, y, groups=SPEAKERS, cv=4, sizes=sizes)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_nobody_known_is_refused():
    with pytest.raises(ValueError, match="needs groups"):
        speaker_learning_curve(GaussianNB(), *data(), cv=4)
