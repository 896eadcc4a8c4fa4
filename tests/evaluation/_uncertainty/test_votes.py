"""Proportions of labels, the votes of raters, as targets of nets and of scores."""

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import Ridge

from emoest.evaluation import evaluate, label_distribution, vote_scores
from emoest.neural import FaceCNNClassifier, M3ERClassifier, SequenceClassifier

RNG = np.random.default_rng(0)
N = 90
LABELS = np.array(["calm", "glad", "sad"])
TRUE = np.arange(N) % 3
X = RNG.normal(size=(N, 3)) + 2 * np.eye(3)[TRUE]
RATINGS = np.where(RNG.random((N, 5)) < 0.7, LABELS[TRUE][:, None], RNG.choice(LABELS, (N, 5)))
VOTES = label_distribution(RATINGS)
UNRATED = VOTES.mask(VOTES.index.isin([0, 1])[:, None] & np.ones(3, bool))
SPEAKERS = np.arange(N) // 9
SETTINGS = {"max_epochs": 5, "random_state": 0, "validation_fraction": None}


def test_a_net_learns_from_votes_in_any_order_of_columns():
    net = SequenceClassifier(**SETTINGS).fit(X, VOTES[["sad", "calm", "glad"]])
    assert net.classes_.tolist() == LABELS.tolist()
    other = SequenceClassifier(**SETTINGS).fit(X, VOTES)
    np.testing.assert_array_equal(net.predict_proba(X), other.predict_proba(X))
    np.testing.assert_allclose(net.class_prior_, VOTES.mean(), rtol=1e-5)


def test_unanimous_votes_are_labels():
    votes = pd.DataFrame(np.eye(3)[TRUE], columns=LABELS)
    by_votes = SequenceClassifier(class_weight="balanced", **SETTINGS).fit(X, votes)
    by_labels = SequenceClassifier(class_weight="balanced", **SETTINGS).fit(X, LABELS[TRUE])
    np.testing.assert_allclose(by_votes.predict_proba(X), by_labels.predict_proba(X), atol=1e-5)


def test_votes_are_sample_weights_in_one():
    """The loss of proportions is that of each label, weighted by its proportion."""
    options = SETTINGS | {"max_epochs": 1, "batch_size": 300, "dropout": 0.0, "normalize": None}
    net = SequenceClassifier(**options).fit(X, VOTES)
    again = SequenceClassifier(**options)
    rows, columns = np.nonzero(VOTES.to_numpy())
    weight = VOTES.to_numpy()[rows, columns]
    again.fit(X[rows], LABELS[columns], sample_weight=weight)
    np.testing.assert_allclose(net.predict_proba(X), again.predict_proba(X), atol=1e-4)


def test_early_stopping_scores_by_the_largest_vote():
    net = SequenceClassifier(max_epochs=3, random_state=0).fit(X, VOTES, groups=SPEAKERS)
    assert "valid_uar" in net.history_[-1]


def test_a_net_of_faces_takes_votes():
    faces = list(RNG.integers(0, 255, (6, 48, 48), dtype=np.uint8))
    options = {"max_epochs": 1, "random_state": 0, "validation_fraction": None}
    net = FaceCNNClassifier("cnn4_small", **options).fit(faces, VOTES.iloc[:6])
    assert net.predict_proba(faces).shape == (6, 3)
    with pytest.raises(ValueError, match="classes= chooses samples by their label"):
        FaceCNNClassifier("cnn4_small", classes=["sad", "glad"], **options).fit(
            faces, VOTES.iloc[:6]
        )


def test_evaluate_scores_by_the_largest_and_learns_from_all():
    model = SequenceClassifier(**SETTINGS)
    result = evaluate(model, X, VOTES, groups=SPEAKERS, random_state=0, n_resamples=50)
    labels = LABELS[VOTES.to_numpy().argmax(axis=1)]
    rows = result.select()
    np.testing.assert_array_equal(rows["y"], labels[rows["position"]])
    assert result.table["uar"].iloc[0] > 0.5
    scores = vote_scores(
        VOTES.iloc[rows["position"]].reset_index(drop=True), result.probabilities()
    )
    assert 0 < scores["js"] < 0.5
    assert "UAR" in result.summary()


def test_tables_of_other_targets_stay_what_they_are():
    y = pd.DataFrame({"a": np.arange(N) % 2, "b": 1 - np.arange(N) % 2}).astype(float)
    result = evaluate(DummyClassifier(), X, y, groups=SPEAKERS, n_resamples=50, random_state=0)
    assert result.targets == ["a", "b"]
    halves = pd.DataFrame({"valence": np.linspace(0, 1, N), "arousal": 1 - np.linspace(0, 1, N)})
    result = evaluate(Ridge(), X, halves, groups=SPEAKERS, n_resamples=50, random_state=0)
    assert result.targets == ["valence", "arousal"]


def test_scores_of_votes_are_what_they_are_called():
    votes = np.array([[1.0, 0.0], [0.5, 0.5]])
    assert vote_scores(votes, votes)["kl"] == pytest.approx(0, abs=1e-9)
    found = vote_scores(votes, [[0.5, 0.5], [0.5, 0.5]])
    assert found["cross_entropy"] == pytest.approx(np.log(2))
    assert found["kl"] == pytest.approx(np.log(2) / 2)
    assert found["distance"] == pytest.approx(0.25)
    assert found["top"] == 1.0
    opposite = vote_scores([[1.0, 0.0]], [[0.0, 1.0]])
    assert (opposite["js"], opposite["distance"], opposite["top"]) == (1.0, 1.0, 0.0)


def test_columns_are_joined_by_name_and_unrated_samples_left_out():
    votes = pd.DataFrame({"a": [0.25, np.nan], "b": [0.75, np.nan]})
    proba = pd.DataFrame({"c": [0.0, 1.0], "b": [0.75, 0.0], "a": [0.25, 0.0]})
    assert vote_scores(votes, proba)["distance"] == 0
    assert vote_scores(votes, proba.to_numpy(), classes=["c", "b", "a"])["distance"] == 0


BAD = {
    "nobody voted": (
        lambda: SequenceClassifier(**SETTINGS).fit(X, UNRATED),
        r"2 row\(s\) of y have no votes: 0, 1",
    ),
    "another loss": (
        lambda: M3ERClassifier(modalities={"a": slice(0, 1), "b": slice(1, 3)}, **SETTINGS).fit(
            X, VOTES
        ),
        "needs one label a sample",
    ),
    "two targets": (
        lambda: SequenceClassifier(**SETTINGS).fit(X, VOTES * 2),
        "several|2-D|columns|1d",
    ),
    "nobody voted in an evaluation": (
        lambda: evaluate(DummyClassifier(), X, UNRATED),
        "2 sample.* have no votes, at position 0, 1",
    ),
    "no class in common": (
        lambda: vote_scores(VOTES, VOTES.set_axis(["x", "y", "z"], axis=1)),
        "give columns of one class the same name",
    ),
    "a class in another case": (
        lambda: vote_scores(VOTES, VOTES.rename(columns=str.upper)),
        "give columns of one class the same name",
    ),
    "a class twice": (
        lambda: vote_scores(VOTES, VOTES.set_axis(["calm", "sad", "sad"], axis=1)),
        "proba names 'sad' twice",
    ),
    "other shapes": (lambda: vote_scores([[1.0]], [[0.5, 0.5]]), "have the shapes"),
    "no proportions": (lambda: vote_scores([[2.0, 1.0]], [[0.5, 0.5]]), "votes must be prop"),
    "no vote": (lambda: vote_scores([[np.nan, np.nan]], [[0.5, 0.5]]), "no vote"),
}


@pytest.mark.parametrize(("call", "message"), BAD.values(), ids=BAD)
def test_what_are_no_votes_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
