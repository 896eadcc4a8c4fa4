import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from emoest import neural
from emoest.neural import M3ERClassifier, MFNClassifier, SpeakerPretrainer
from emoest.neural._training.classifier import DeepClassifier
from tests.neural._training.tiny_estimators import ALL, CLASSIFIERS
from tests.neural.helpers import assert_same_state, make_two, make_voices, state_of

WITH_LOSSES_OF_THEIR_OWN = {"MEmoBERTClassifier", "MEmoBERTPretrainer"} | {
    "UniMSEClassifier",
    "UniMSERegressor",
}


def first_loss(model, X, y, **kwargs):
    return model.fit(X, y, **kwargs).history_[0]["train_loss"]


def test_the_table_has_every_public_deep_estimator():
    deep = {name for name in neural.__all__ if hasattr(getattr(neural, name), "save_weights")}
    assert deep == set(ALL) | WITH_LOSSES_OF_THEIR_OWN


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", CLASSIFIERS)
def test_smoothed_labels_are_the_votes_that_they_mean(name):
    model, source = CLASSIFIERS[name]
    X, y = source()
    smooth = clone(model).set_params(label_smoothing=0.2).fit(X, y)
    votes = pd.DataFrame(np.eye(2)[np.unique(y, return_inverse=True)[1]], columns=np.unique(y))
    mixed = clone(model).fit(X, votes.mul(0.8) + 0.1)
    assert smooth.history_[0]["train_loss"] == pytest.approx(
        mixed.history_[0]["train_loss"], rel=1e-5
    )
    plain = clone(model).fit(X, y)
    assert smooth.history_[0]["train_loss"] != pytest.approx(plain.history_[0]["train_loss"])
    # Votes are smoothed like labels, and labels of full share are votes of one.
    again = clone(model).set_params(label_smoothing=0.2).fit(X, votes)
    assert again.history_[0]["train_loss"] == pytest.approx(
        smooth.history_[0]["train_loss"], rel=1e-5
    )


@pytest.mark.parametrize("changes", [{}, {"class_weight": {"happy": 3.0}}], ids=str)
def test_weights_of_rows_and_classes_weight_the_smoothed_loss(changes):
    model, source = CLASSIFIERS["SequenceClassifier"]
    X, y = source()
    weight = np.arange(1.0, len(X) + 1)
    model = clone(model).set_params(label_smoothing=0.3, batch_size=len(X), normalize=None)
    # A row that alone has weight gives its own loss, as the first weights are the same.
    each = [first_loss(model, X, y, sample_weight=row) for row in np.eye(len(X))]
    of_class = [changes.get("class_weight", {}).get(label, 1.0) for label in y]
    found = first_loss(model.set_params(**changes), X, y, sample_weight=weight)
    assert found == pytest.approx(np.average(each, weights=weight * of_class), rel=1e-4)


@pytest.mark.parametrize(
    ("model", "source"),
    [
        (M3ERClassifier(4), make_two),
        (MFNClassifier(4, loss="liu"), make_two),
        (SpeakerPretrainer(), make_voices),
    ],
    ids=lambda each: type(each).__name__,
)
def test_another_loss_refuses_it_by_name(model, source):
    X, y = source()
    told = rf"label_smoothing=0.1 is for cross-entropy.*{type(model).__name__}"
    with pytest.raises(ValueError, match=told):
        clone(model).set_params(label_smoothing=0.1).fit(X, y)


@pytest.mark.parametrize("wrong", [-0.1, 1.0, "0.1", None])
def test_a_share_that_is_none_is_refused(wrong):
    model, source = CLASSIFIERS["SequenceClassifier"]
    with pytest.raises(ValueError, match="label_smoothing"):
        clone(model).set_params(label_smoothing=wrong).fit(*source())


@pytest.mark.parametrize("name", sorted(WITH_LOSSES_OF_THEIR_OWN))
def test_losses_of_their_own_have_no_such_parameter(name):
    assert "label_smoothing" not in getattr(neural, name)().get_params()


def test_zero_changes_nothing():
    model, source = CLASSIFIERS["SequenceClassifier"]
    X, y = source()
    assert DeepClassifier.label_smoothing == 0
    zero = clone(model).set_params(label_smoothing=0).fit(X, y)
    assert_same_state(state_of(zero), state_of(clone(model).fit(X, y)))
