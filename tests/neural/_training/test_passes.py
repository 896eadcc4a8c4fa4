import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from skorch.callbacks import Callback

from emoest.neural import (
    FaceCNNClassifier,
    MEmoBERTClassifier,
    SequenceClassifier,
    SpeechResNetClassifier,
    UniMSEClassifier,
    UniMSERegressor,
)
from tests.neural._training.tiny_estimators import ALL, CLASSIFIERS, REGRESSORS
from tests.neural.helpers import assert_same_state, make_frames, state_of


def first_pass(model, X, y):
    kwargs = {"classes": np.unique(y)} if hasattr(model, "predict_proba") else {}
    return model.partial_fit(X, y, **kwargs)


def sequence(**changes):
    model, source = CLASSIFIERS["SequenceClassifier"]
    return clone(model).set_params(**changes), *source()


@pytest.mark.parametrize("name", ALL)
def test_a_first_pass_is_a_fit_of_one_epoch(name):
    model, source = ALL[name]
    X, y = source()
    passed, fitted = first_pass(clone(model), X, y), clone(model).fit(X, y)
    assert_same_state(state_of(passed), state_of(fitted))
    np.testing.assert_array_equal(passed.predict(X), fitted.predict(X))
    assert passed.n_iter_ == 1
    assert set(vars(passed)) == set(vars(fitted))


@pytest.mark.parametrize("name", ALL)
def test_passes_are_the_epochs_of_a_fit_where_the_order_does_not_matter(name):
    model, source = ALL[name]
    X, y = source()
    model = clone(model).set_params(batch_size=len(X), precision="float32")
    passed, fitted = clone(model), clone(model).set_params(max_epochs=3).fit(X, y)
    for _ in range(3):
        first_pass(passed, X, y)
    losses = [[row["train_loss"] for row in each.history_] for each in (passed, fitted)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-3)
    steps = {int(each["step"]) for each in passed.net_.optimizer_.state.values()}
    assert steps == {3}
    assert [row["epoch"] for row in passed.history_] == [1, 2, 3]
    assert passed.n_iter_ == 3


def test_what_was_learned_of_the_first_rows_stays_and_averages_grow():
    model, X, y = sequence()
    groups = np.array([f"s{i}" for i in range(len(X))])
    model.partial_fit(X[:4], y[:4], classes=["happy", "sad", "angry"], groups=groups[:4])
    assert model.classes_.tolist() == ["angry", "happy", "sad"]
    assert model.class_prior_.tolist() == [0, 0.5, 0.5]
    scale = model.scales_["audio"]
    angry = ["angry"] * 2
    model.partial_fit(X[4:6], angry, sample_weight=[1.0, 3.0], groups=groups[4:6])
    assert model.scales_["audio"] is scale
    assert model.class_prior_.tolist() == [0.5, 0.25, 0.25]
    assert model.seen_groups_ == groups[:6].tolist()
    assert model.predict_proba(X).shape == (8, 3)


def test_it_goes_on_from_fit_and_from_a_pickle_and_from_saved_weights(tmp_path):
    model, X, y = sequence()
    model.fit(X, y)
    model.save_weights(tmp_path / "net.safetensors")
    loaded = clone(model).load_weights(tmp_path / "net.safetensors")
    for each in (model, pickle.loads(pickle.dumps(model)), loaded):
        before = state_of(each)
        each.partial_fit(X[:2], ["happy", "happy"])
        assert not np.array_equal(state_of(each)["head.weight"], before["head.weight"])
        assert each.class_prior_.tolist() == [0.6, 0.4]
        assert [row["epoch"] for row in each.history_] == [1, 2]


def test_votes_and_weights_of_classes_go_into_passes():
    model, X, y = sequence(class_weight={"happy": 3.0})
    shares = pd.DataFrame(np.eye(2)[(y == "sad").astype(int)], columns=["happy", "sad"])
    labels, votes = clone(model), clone(model)
    for _ in range(2):
        labels.partial_fit(X, y, classes=["happy", "sad"])
        votes.partial_fit(X, shares[["sad", "happy"]], classes=["happy", "sad"])
    assert votes.history_[1]["train_loss"] == pytest.approx(labels.history_[1]["train_loss"])
    assert labels.class_prior_.tolist() == votes.class_prior_.tolist() == [0.75, 0.25]


def test_rates_and_batches_may_change_between_passes():
    model, X, y = sequence()
    model.partial_fit(X, y, classes=["happy", "sad"])
    model.set_params(lr=0.001, batch_size=2).partial_fit(X, y)
    assert {group["lr"] for group in model.net_.optimizer_.param_groups} == {0.001}
    assert len(model.net_.history[-1]["batches"]) == 4


class Broken(Callback):
    on = None

    def on_batch_end(self, net, training=False, **kwargs):
        if self.on is not None and len(net.history) > 1:
            raise self.on


WRONG = {
    "a label that is no class": (lambda X, y: (X, ["glad", *y[1:]]), {}, "'glad'; the classes are"),
    "other classes": (lambda X, y: (X, y), {"classes": ["happy", "glad"]}, "classes are"),
    "a missing label": (lambda X, y: (X, [None, *y[1:]]), {}, "NaN or None"),
    "too few labels": (lambda X, y: (X, y[1:]), {}, "inconsistent numbers"),
    "no frames": (lambda X, y: (X.map(lambda _: None), y), {}, ""),
    "a column more": (lambda X, y: (X.assign(eeg__frames=X.iloc[:, 0]), y), {}, ""),
    "infinity": (lambda X, y: (X.map(lambda cell: cell + np.inf), y), {}, ""),
    "other widths": (lambda X, y: (X.map(lambda cell: np.hstack([cell, cell])), y), {}, ""),
    "votes of other classes": (
        lambda X, y: (X, pd.DataFrame({"happy": [1.0] * len(X), "glad": [0.0] * len(X)})),
        {},
        "'glad'; the classes are",
    ),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("case", WRONG)
def test_refused_rows_leave_the_net_as_it_was(case):
    change, kwargs, told = WRONG[case]
    model, X, y = sequence()
    model.partial_fit(X, y, classes=["happy", "sad"])
    before, state = dict(vars(model)), state_of(model)
    with pytest.raises((ValueError, TypeError), match=told):
        model.partial_fit(*change(X, y), **kwargs)
    assert vars(model).keys() == before.keys()
    assert all(vars(model)[name] is value for name, value in before.items())
    assert_same_state(state_of(model), state)
    assert model.partial_fit(X, y).n_iter_ == 2


@pytest.mark.parametrize("error", [RuntimeError, MemoryError, KeyboardInterrupt, SystemExit])
def test_a_pass_that_breaks_off_leaves_net_and_optimizer_as_they_were(error):
    model, X, y = sequence(batch_size=2, callbacks=[("broken", Broken())])
    model.partial_fit(X, y, classes=["happy", "sad"])
    untouched = sequence(batch_size=2)[0].partial_fit(X, y, classes=["happy", "sad"])
    dict(model.net_.callbacks_)["broken"].on = error
    with pytest.raises(error):
        model.partial_fit(X, y)
    dict(model.net_.callbacks_)["broken"].on = None
    assert len(model.net_.history) == model.n_iter_ == 1
    assert_same_state(state_of(model.partial_fit(X, y)), state_of(untouched.partial_fit(X, y)))


def test_a_pass_that_diverges_says_so_and_is_undone():
    model, X, y = sequence()
    model.partial_fit(X, y, classes=["happy", "sad"])
    state = state_of(model)
    with pytest.raises(ValueError, match="in this pass; the net is what it was before"):
        model.set_params(lr=1e38).partial_fit(X, y)
    assert_same_state(state_of(model), state)
    assert np.isfinite(model.set_params(lr=0.01).partial_fit(X, y).predict_proba(X)).all()


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_a_first_pass_that_is_refused_leaves_nothing(name):
    model, source = CLASSIFIERS[name]
    X, y = source()
    model = clone(model)
    with pytest.raises(ValueError, match="classes must be passed on the first call"):
        model.partial_fit(X, y)
    with pytest.raises(ValueError, match="class"):
        model.partial_fit(X, y, classes=["glad", "mad"])
    with pytest.raises(ValueError, match="at least two classes"):
        model.partial_fit(X, y, classes=["happy"])
    with pytest.raises(ValueError, match="class_weight='balanced' needs all samples"):
        clone(model).set_params(class_weight="balanced").partial_fit(X, y, classes=np.unique(y))
    assert vars(model) == vars(clone(model)) | {
        name: value for name, value in vars(model).items() if name in model.get_params()
    }


def test_another_net_is_refused():
    model, X, y = sequence()
    model.partial_fit(X, y, classes=["happy", "sad"])
    with pytest.raises(ValueError, match=r"partial_fit goes on.*hidden_size was 4 and is 5.*anew"):
        model.set_params(hidden_size=5).partial_fit(X, y)


def test_values_keep_the_scale_of_the_first_pass():
    model, source = REGRESSORS["SequenceRegressor"]
    X, y = source()
    model = clone(model).partial_fit(X, y)
    scale = model.target_scale_
    assert model.partial_fit(X, y + 100).target_scale_ is scale


@pytest.mark.parametrize(
    ("model", "told"),
    [
        (MEmoBERTClassifier(), "planned over all steps"),
        (SpeechResNetClassifier(pretrain="speakers"), "SpeakerPretrainer"),
        (FaceCNNClassifier(classes=["happy", "sad"]), "classes"),
    ],
    ids=lambda each: type(each).__name__,
)
def test_those_that_need_all_rows_at_once_say_so(model, told):
    assert not hasattr(model, "partial_fit")
    with pytest.raises(AttributeError) as caught:
        model.partial_fit  # noqa: B018
    assert told in str(caught.value) + str(caught.value.__cause__)


def test_those_that_learn_from_corpora_have_no_passes():
    assert not any(hasattr(each, "partial_fit") for each in (UniMSEClassifier, UniMSERegressor))


def test_passes_over_shuffled_parts_learn():
    X, y = make_frames(n_rows=40)
    model = SequenceClassifier(hidden_size=8, lr=0.02, batch_size=8, random_state=0)
    draws = np.random.default_rng(0)
    for _ in range(6):
        for part in np.array_split(draws.permutation(len(X)), 2):
            model.partial_fit(X.iloc[part], y[part], classes=["happy", "sad"])
    assert model.score(X, y) > 0.8
