import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, GroupKFold
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from emoest.evaluation import uar_scorer
from emoest.fusion import LateFusionClassifier
from emoest.utils import NotSpeakerIndependentWarning, with_groups
from tests.fusion.late_samples import Spy, sample, with_holes


def test_stacking_learns_from_out_of_fold_probabilities_of_other_speakers():
    X, y = sample(n_speakers=6)
    seen = []

    class Recorder(LogisticRegression):
        def fit(self, X, y, sample_weight=None):
            seen.append(X.index.get_level_values("group").unique().tolist())
            return super().fit(X, y, sample_weight)

    model = LateFusionClassifier(Recorder(), rule="stacking", cv=3, random_state=0)
    model.fit(with_groups(X), y)
    assert model.grouped_ is True
    fits = [set(speakers) for speakers in seen]
    assert sum(len(speakers) == 6 for speakers in fits) == 3
    parts = [speakers for speakers in fits if len(speakers) == 4]
    assert len(parts) == 9
    assert set.union(*parts) == set(X["speaker"])
    assert model.final_estimator_.n_features_in_ == 3 * 3 + 3


def test_stacking_trusts_out_of_fold_answers_not_memory():
    X, y = sample(n_speakers=20, seed=1)
    rng = np.random.default_rng(0)
    X[["text__0", "text__1"]] = rng.normal(size=(len(X), 2))
    bases = [
        ("audio", LogisticRegression()),
        ("face", "drop"),
        ("text", KNeighborsClassifier(1)),
    ]
    split = 60
    accuracy = {}
    for rule in ("mean", "stacking"):
        model = LateFusionClassifier(bases, rule=rule, random_state=0)
        model.fit(with_groups(X.iloc[:split]), y[:split])
        accuracy[rule] = model.score(with_groups(X.iloc[split:]), y[split:])
    assert accuracy["stacking"] > accuracy["mean"] + 0.1


class RecordingSplitter(GroupKFold):
    def split(self, X, y=None, groups=None):
        self.seen_ = list(groups)
        return super().split(X, y, groups)


@pytest.mark.parametrize("how", ["explicit", "column", "index"])
def test_groups_come_from_fit_then_column_then_index(how):
    X, y = sample()
    speakers, halves = X["speaker"].tolist(), (np.arange(len(X)) // 9).tolist()
    X = X.assign(session=halves).set_index(pd.Index(range(len(X)), name="group"), append=True)
    splitter = RecordingSplitter(4)
    model = LateFusionClassifier(rule="stacking", cv=splitter)
    if how == "explicit":
        model.set_params(group_column="speaker").fit(X, y, groups=halves)
        assert splitter.seen_ == halves
    elif how == "column":
        model.set_params(group_column="speaker").fit(X, y)
        assert splitter.seen_ == speakers
    else:
        model.fit(X, y)
        assert splitter.seen_ == list(range(len(X)))
    assert model.grouped_ is True


def test_without_groups_stacking_warns():
    X, y = sample()
    with pytest.warns(NotSpeakerIndependentWarning):
        model = LateFusionClassifier(rule="stacking").fit(X, y)
    assert model.grouped_ is False


def test_one_speaker_cannot_be_stacked():
    X, y = sample(n_speakers=1, per_speaker=12)
    with pytest.raises(ValueError, match="needs inner splits here, and none can be made of 12"):
        LateFusionClassifier(rule="stacking").fit(with_groups(X), y)


def test_sample_weight_reaches_pipelines_and_is_refused_by_name():
    X, y = sample()
    weight = np.linspace(0.5, 2, len(X))
    model = LateFusionClassifier(make_pipeline(StandardScaler(), Spy())).fit(X, y, weight)
    assert_allclose(model.estimators_["face"][-1].sample_weight_, weight)
    bases = [("audio", Spy()), ("face", KNeighborsClassifier()), ("text", Spy())]
    message = r"base estimator of modality 'face' \(KNeighborsClassifier\) takes none"
    with pytest.raises(ValueError, match=message):
        LateFusionClassifier(bases).fit(X, y, weight)
    LateFusionClassifier(bases).fit(X, y)


def test_negative_weights_are_refused():
    X, y = sample()
    with pytest.raises(ValueError, match="Negative values in data passed to `sample_weight`"):
        LateFusionClassifier().fit(X, y, sample_weight=-np.ones(len(X)))


def test_final_estimator_without_weights_is_named():
    X, y = sample()
    model = LateFusionClassifier(rule="stacking", final_estimator=KNeighborsClassifier())
    with pytest.raises(ValueError, match=r"final_estimator \(KNeighborsClassifier\) takes none"):
        model.fit(with_groups(X), y, sample_weight=np.ones(len(X)))


@pytest.mark.parametrize("how", ["explicit", "column", "index"])
def test_groups_go_on_to_bases_that_take_them(how):
    X, y = sample()
    X = with_holes(X)
    speakers, present = X["speaker"].to_numpy(), X["face__0"].notna().to_numpy()
    model = LateFusionClassifier(Spy(), group_column="speaker" if how == "column" else None)
    rows = with_groups(X) if how == "index" else X
    model.fit(rows, y, groups=speakers if how == "explicit" else None)
    assert model.estimators_["face"].groups_.tolist() == speakers[present].tolist()


def test_a_base_that_searches_keeps_the_speakers_of_the_index_apart():
    X, y = sample()
    base = GridSearchCV(
        LogisticRegression(), {"C": [0.1, 1.0]}, scoring=uar_scorer, cv=GroupKFold(3)
    )
    model = LateFusionClassifier(base, rule="stacking", cv=GroupKFold(3), random_state=0)
    rows = with_groups(with_holes(X))
    found = model.fit(rows, y).estimators_["face"].cv_results_
    present = with_holes(X)["face__0"].notna()
    face = X.loc[present, [c for c in X if c.startswith("face")]]
    by_hand = clone(base).fit(face, y[present], groups=X.loc[present, "speaker"])
    assert_allclose(found["mean_test_score"], by_hand.cv_results_["mean_test_score"])
    with pytest.raises(ValueError, match="'groups' parameter") as caught:
        LateFusionClassifier(base).fit(X, y)
    assert caught.value.__notes__ == [
        "This happened while fitting the base estimator of modality 'audio'."
    ]
