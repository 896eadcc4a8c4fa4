"""What users of skorch do: callbacks that score, watch and save; names with two underscores."""

import functools

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.metrics import accuracy_score, make_scorer, r2_score
from sklearn.model_selection import GridSearchCV
from skorch.callbacks import (
    BatchScoring,
    Checkpoint,
    EarlyStopping,
    EpochScoring,
    LRScheduler,
    PassthroughScoring,
)

from emoest.neural import MFNClassifier, SequenceClassifier, SequenceRegressor
from emoest.tables.cells import object_column
from tests.neural.helpers import PLAIN, SMALL, make_two

VALUES = np.linspace(10, 50, 40)


class Watch(EpochScoring):
    """Keeps the rows that were held out."""

    def on_epoch_end(self, net, dataset_train, dataset_valid, **kwargs):
        self.seen.append(dataset_valid)
        super().on_epoch_end(net, dataset_train, dataset_valid, **kwargs)


SCORINGS = ["accuracy", "balanced_accuracy", "f1_macro", "f1", "neg_log_loss", "roc_auc"]


def last(model, name):
    return model.history_[-1][name]


@pytest.mark.parametrize("scoring", SCORINGS)
@pytest.mark.parametrize("kind", [EpochScoring, BatchScoring])
def test_names_of_scores_work(frames, scoring, kind):
    callback = kind(scoring, lower_is_better=False)
    model = SequenceClassifier(**SMALL, callbacks=[callback]).fit(*frames)
    assert [scoring in epoch for epoch in model.history_] == [True] * 3
    if scoring == "balanced_accuracy":
        assert last(model, scoring) == pytest.approx(last(model, "valid_uar"))
    if scoring == "neg_log_loss":
        assert last(model, scoring) == pytest.approx(-last(model, "valid_loss"), abs=1e-5)
    assert model.callbacks[0] is callback and callback.target_extractor is not None


@pytest.mark.parametrize(
    "scoring",
    [accuracy_score, make_scorer(accuracy_score), None, lambda net, X, y: net.score(X, y)],
    ids=["function", "scorer", "None", "callable"],
)
@pytest.mark.parametrize("caching", [True, False])
def test_other_spellings_give_the_same(frames, scoring, caching):
    callbacks = [
        ("named", EpochScoring("accuracy", lower_is_better=False, name="a")),
        ("other", EpochScoring(scoring, lower_is_better=False, name="b", use_caching=caching)),
    ]
    model = SequenceClassifier(**SMALL, callbacks=callbacks).fit(*frames)
    assert [epoch["a"] for epoch in model.history_] == [epoch["b"] for epoch in model.history_]


def test_scores_are_those_of_the_held_out_rows(frames):
    X, y = frames
    seen = []
    watch = Watch("accuracy", lower_is_better=False)
    watch.seen = seen
    model = SequenceClassifier(**{**SMALL, "max_epochs": 1}, callbacks=[watch]).fit(X, y)
    (held_out,) = seen
    truth = model.classes_[held_out.target]
    table = object_column(list(held_out.cells["audio"]), range(len(held_out)), "audio__frames")
    assert 0 < len(held_out) < len(X)
    table = table.to_frame()
    assert last(model, "accuracy") == pytest.approx(accuracy_score(truth, model.predict(table)))


@pytest.mark.parametrize("kind", [EpochScoring, BatchScoring])
def test_scores_of_the_training_rows(frames, kind):
    callback = kind("accuracy", on_train=True, lower_is_better=False, name="train_accuracy")
    for settings in (SMALL, PLAIN):
        model = SequenceClassifier(**settings, callbacks=[callback]).fit(*frames)
        assert 0.5 <= last(model, "train_accuracy") <= 1


def test_scores_of_values_are_in_their_unit(frames):
    scores = ["r2", "neg_mean_absolute_error"]
    callbacks = [EpochScoring(name, lower_is_better=False, on_train=True) for name in scores]
    settings = {**PLAIN, "max_epochs": 1, "dropout": 0.0, "batch_size": 40, "lr": 1e-12}
    model = SequenceRegressor(**settings, callbacks=callbacks).fit(frames[0], VALUES)
    predicted = model.predict(frames[0])
    assert last(model, "r2") == pytest.approx(r2_score(VALUES, predicted), abs=1e-4)
    error = -np.abs(VALUES - predicted).mean()
    assert last(model, "neg_mean_absolute_error") == pytest.approx(error, abs=1e-3)


@pytest.mark.parametrize("loss", ["cross_entropy", "m3er"])
def test_nets_with_several_outputs_are_scored_by_that_which_predicts(loss):
    X, y = make_two(n_rows=16)
    callback = EpochScoring("accuracy", on_train=True, lower_is_better=False)
    settings = {"max_epochs": 1, "validation_fraction": None, "random_state": 0, "dropout": 0.0}
    model = MFNClassifier(
        4, memory_dim=4, loss=loss, batch_size=16, lr=1e-12, callbacks=[callback], **settings
    ).fit(X, y)
    assert last(model, "accuracy") == pytest.approx(accuracy_score(y, model.predict(X)))


@pytest.mark.parametrize("monitor", ["valid_uar_best", "valid_loss_best", "accuracy_best"])
def test_checkpoints_watch_any_score(frames, tmp_path, monitor):
    callbacks = [
        ("accuracy", EpochScoring("accuracy", lower_is_better=False)),
        ("checkpoint", Checkpoint(monitor=monitor, dirname=tmp_path)),
    ]
    SequenceClassifier(**SMALL, callbacks=callbacks).fit(*frames)
    assert (tmp_path / "params.pt").exists()


def test_the_best_uar_is_marked_where_it_rises(frames):
    flags = []

    class Flags(EpochScoring):
        def on_epoch_end(self, net, **kwargs):
            flags.append((net.history[-1, "valid_uar"], net.history[-1, "valid_uar_best"]))

    model = SequenceClassifier(
        **{**SMALL, "max_epochs": 8}, patience=None, callbacks=[Flags("accuracy")]
    )
    model.fit(*frames)
    best = [max([-1.0, *[score for score, _ in flags[:i]]]) for i in range(len(flags))]
    assert [flag for _, flag in flags] == [
        score > before for (score, _), before in zip(flags, best, strict=True)
    ]
    assert flags[0][1] is True and len(flags) == 8
    assert "valid_uar_best" not in model.history_[0]


@pytest.mark.parametrize(
    ("callback", "settings", "told"),
    [
        (EarlyStopping(), PLAIN, "watches key 'valid_loss'.*need rows that are held out"),
        (EarlyStopping(monitor="valid_acc"), SMALL, "'valid_acc'.*It has .*'valid_uar'"),
        (Checkpoint(monitor="valid_uar_best"), PLAIN, "'valid_uar_best'.*held out"),
        (Checkpoint(monitor="acc_best"), SMALL, "'acc_best'.*It has"),
        (PassthroughScoring("train_loss"), PLAIN, "history does not have"),
        (LRScheduler("ReduceLROnPlateau", monitor="valid_f1"), SMALL, "'valid_f1'"),
        (EpochScoring("uar"), SMALL, "history_ has it as 'valid_uar'"),
    ],
    ids=range(7),
)
def test_what_the_history_does_not_have_is_named(frames, callback, settings, told):
    with pytest.raises(ValueError, match=told):
        SequenceClassifier(**settings, callbacks=[callback]).fit(*frames)


def test_errors_of_a_callback_are_its_own(frames):
    def scorer(net, X, y):
        return {}["mine"]

    with pytest.raises(KeyError, match="mine"):
        SequenceClassifier(**SMALL, callbacks=[EpochScoring(scorer, name="x")]).fit(*frames)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("optimizer__momentum", r"functools.partial\(torch.optim.SGD, momentum=...\)"),
        ("optimizer__lr", "the name is lr"),
        ("optimizer__weight_decay", "the name is weight_decay"),
        ("module__hidden_size", "the name is hidden_size"),
        ("module__width", "whose parameters are those of the net"),
        ("criterion__weight", "The loss follows from the estimator"),
        ("iterator_train__shuffle", "set batch_size"),
        ("callbacks__early__patience", "Set callbacks as a whole"),
        ("train_split", "Set validation_fraction"),
        ("lr__momentum", "lr=0.0.* has no parameters of its own"),
    ],
)
def test_names_of_skorch_say_what_stands_for_them(frames, name, told):
    with pytest.raises(ValueError, match=rf"There is no {name}.*{told}"):
        SequenceClassifier().set_params(**{name: 0.5})
    search = GridSearchCV(SequenceClassifier(**PLAIN), {name: [0.5]}, error_score="raise")
    with pytest.raises(ValueError, match=told):
        search.fit(*frames)


def test_other_names_are_told_by_scikit_learn():
    with pytest.raises(ValueError, match="Invalid parameter 'hiden_size'"):
        SequenceClassifier().set_params(hiden_size=3)
    assert SequenceClassifier().set_params(hidden_size=3).hidden_size == 3


def test_an_optimizer_takes_parameters_of_its_own(frames):
    momentum = functools.partial(torch.optim.SGD, momentum=0.9, nesterov=True)
    model = SequenceClassifier(**PLAIN, optimizer=momentum).fit(*frames)
    group = model.net_.optimizer_.param_groups[0]
    assert (group["momentum"], group["nesterov"], group["lr"]) == (0.9, True, 0.02)
    assert clone(model).optimizer.keywords == momentum.keywords
    decayed = functools.partial(torch.optim.AdamW, weight_decay=0.1, betas=(0.8, 0.9))
    group = model.set_params(optimizer=decayed).fit(*frames).net_.optimizer_.param_groups[0]
    assert (group["weight_decay"], group["betas"]) == (0.1, (0.8, 0.9))


@pytest.mark.parametrize(
    ("optimizer", "settings", "told"),
    [
        (functools.partial(torch.optim.SGD, lr=0.1), {}, "with lr, which the estimator sets"),
        (
            functools.partial(torch.optim.SGD, weight_decay=0.1),
            {"weight_decay": 0.2},
            "with weight_decay, which the estimator sets",
        ),
        (functools.partial(torch.optim.SGD, []), {}, "with parameters without a name"),
        (functools.partial(print, sep=""), {}, "print is no optimizer of torch"),
    ],
    ids=range(4),
)
def test_partial_optimizers_that_do_not_fit_are_named(frames, optimizer, settings, told):
    with pytest.raises(ValueError, match=told):
        SequenceClassifier(**PLAIN, optimizer=optimizer, **settings).fit(*frames)
