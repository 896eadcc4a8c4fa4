"""Every public function of two columns or more takes only columns that stand in one order."""

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from sklearn.decomposition import PCA
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GroupKFold

from emoest.evaluation import (
    ConformalSets,
    ConfusionDisplay,
    EmbeddingMapDisplay,
    IntervalDisplay,
    ReliabilityDisplay,
    SpeakerDisplay,
    ValenceArousalDisplay,
    abstention_curve,
    ccc_score,
    coverage_by_group,
    evaluate,
    expected_calibration_error,
    macro_f1_score,
    mcnemar_test,
    multilabel_uar,
    pearson_score,
    permutation_test,
    recall_per_class,
    reliability_table,
    resampled_t_test,
    sentiment_scores,
    temperature_scaled,
    uar_interval,
    uar_score,
    vote_scores,
)
from emoest.evaluation._inputs.aligned import check_aligned, check_group_names

mpl.use("agg")
N = 30
RNG = np.random.default_rng(0)
INDEX = [f"clip{i:02d}" for i in range(N)]
Y = pd.Series(np.tile(["calm", "glad", "sad"], N // 3), INDEX)
GROUPS = pd.Series(np.repeat(list("abcdefghij"), 3), INDEX)
NUMBERS = pd.Series(RNG.normal(size=N), INDEX)
WEIGHT = pd.Series(RNG.random(N), INDEX)
PLANE = pd.DataFrame(RNG.normal(size=(N, 2)), INDEX, ["valence", "arousal"])
BINARY = pd.DataFrame(np.tile([[0, 1], [1, 0], [1, 1]], (N // 3, 1)), INDEX, ["glad", "sad"])
PROBA = pd.DataFrame(RNG.dirichlet([1, 1, 1], N), INDEX, ["calm", "glad", "sad"])
SETS = PROBA > 0.3
X = pd.DataFrame(RNG.normal(size=(N, 3)), INDEX, list("abc"))
CLASSIFIER = LogisticRegression().fit(X, Y)
REGRESSOR = LinearRegression().fit(X, PLANE)
FEW = {"n_resamples": 20, "random_state": 0}

CASES = {
    "uar_score": (uar_score, [Y, Y]),
    "uar_score, weights": (lambda y, w: uar_score(y, y, sample_weight=w), [Y, WEIGHT]),
    "recall_per_class": (recall_per_class, [Y, Y]),
    "macro_f1_score": (macro_f1_score, [Y, Y]),
    "macro_f1_score of labels": (macro_f1_score, [BINARY, BINARY]),
    "multilabel_uar": (multilabel_uar, [BINARY, BINARY]),
    "ccc_score": (ccc_score, [NUMBERS, NUMBERS]),
    "ccc_score, weights": (lambda y, w: ccc_score(y, y, sample_weight=w), [NUMBERS, WEIGHT]),
    "pearson_score": (pearson_score, [NUMBERS, NUMBERS]),
    "sentiment_scores": (sentiment_scores, [NUMBERS, NUMBERS]),
    "uar_interval": (lambda y, p, s: uar_interval(y, p, s, **FEW), [Y, Y, GROUPS]),
    "mcnemar_test": (mcnemar_test, [Y, Y, Y]),
    "resampled_t_test": (
        lambda a, b: resampled_t_test(a, b, n_train=20, n_test=10),
        [NUMBERS, WEIGHT],
    ),
    "permutation_test": (
        lambda y, p, s: permutation_test(y, p, s, n_permutations=9, random_state=0),
        [Y, Y, GROUPS],
    ),
    "reliability_table": (reliability_table, [Y, PROBA]),
    "expected_calibration_error": (expected_calibration_error, [Y, PROBA]),
    "abstention_curve": (abstention_curve, [Y, PROBA]),
    "temperature_scaled": (temperature_scaled, [Y, PROBA, GROUPS]),
    "ConformalSets.fit": (ConformalSets().fit, [Y, PROBA, GROUPS]),
    "coverage_by_group": (coverage_by_group, [Y, SETS, GROUPS]),
    "vote_scores": (vote_scores, [PROBA, PROBA]),
    "ConfusionDisplay": (ConfusionDisplay.from_predictions, [Y, Y]),
    "ConfusionDisplay, model": (
        lambda X, y: ConfusionDisplay.from_estimator(CLASSIFIER, X, y),
        [X, Y],
    ),
    "IntervalDisplay": (
        lambda y, a, b, s: IntervalDisplay.from_predictions(y, {"a": a, "b": b}, groups=s),
        [Y, Y, Y, GROUPS],
    ),
    "IntervalDisplay, model": (
        lambda X, y, s: IntervalDisplay.from_estimator({"a": CLASSIFIER}, X, y, groups=s),
        [X, Y, GROUPS],
    ),
    "SpeakerDisplay": (
        lambda y, p, s: SpeakerDisplay.from_predictions(y, p, groups=s),
        [Y, Y, GROUPS],
    ),
    "SpeakerDisplay, model": (
        lambda X, y, s: SpeakerDisplay.from_estimator(CLASSIFIER, X, y, groups=s),
        [X, Y, GROUPS],
    ),
    "ReliabilityDisplay": (ReliabilityDisplay.from_predictions, [Y, PROBA]),
    "ReliabilityDisplay, model": (
        lambda X, y: ReliabilityDisplay.from_estimator(CLASSIFIER, X, y),
        [X, Y],
    ),
    "ValenceArousalDisplay": (
        lambda y, p, names: ValenceArousalDisplay.from_predictions(y, p, labels=names),
        [PLANE, PLANE, Y],
    ),
    "ValenceArousalDisplay, model": (
        lambda X, y, names: ValenceArousalDisplay.from_estimator(REGRESSOR, X, y, labels=names),
        [X, PLANE, Y],
    ),
    "EmbeddingMapDisplay": (EmbeddingMapDisplay.from_predictions, [X, Y]),
    "EmbeddingMapDisplay, model": (
        lambda X, y: EmbeddingMapDisplay.from_estimator(PCA(2).fit(X), X, y),
        [X, Y],
    ),
}
EACH = [(name, i) for name, (_, columns) in CASES.items() for i in range(len(columns))]


@pytest.fixture(autouse=True)
def pictures_are_closed():
    yield
    plt.close("all")


@pytest.mark.filterwarnings("ignore:There are")
@pytest.mark.parametrize("name", CASES)
def test_columns_in_one_order_are_taken_whatever_their_index(name):
    call, columns = CASES[name]
    found = call(*columns)
    # Rows of two models in one result have other labels, in the same order.
    again = call(columns[0], *(each.set_axis(np.arange(N) + N, axis=0) for each in columns[1:]))
    assert type(again) is type(found)


@pytest.mark.parametrize(("name", "moved"), EACH, ids=[f"{name}-{i}" for name, i in EACH])
def test_the_same_index_in_another_order_is_refused(name, moved):
    call, columns = CASES[name]
    shuffled = [each.iloc[::-1] if i == moved else each for i, each in enumerate(columns)]
    with pytest.raises(ValueError, match=r"same index in different orders.*\.loc\[.*'position'"):
        call(*shuffled)


@pytest.mark.parametrize(("name", "short"), EACH, ids=[f"{name}-{i}" for name, i in EACH])
def test_another_number_of_samples_is_refused(name, short):
    call, columns = CASES[name]
    with pytest.raises(ValueError, match=r"samples|shape"):
        call(*(each.iloc[:-1] if i == short else each for i, each in enumerate(columns)))


def test_two_evaluations_are_compared_by_position():
    options = {"groups": GROUPS.to_numpy(), "random_state": 0, "n_resamples": 20}
    splits = [GroupKFold(4), GroupKFold(5)]
    results = [evaluate(LogisticRegression(), X, Y, cv=cv, **options) for cv in splits]
    first, second = (result.select().set_index("position") for result in results)
    with pytest.raises(ValueError, match=r"set_index\('position'\)\.sort_index\(\)"):
        mcnemar_test(first["y"], first["y_pred"], second["y_pred"])
    first, second = first.sort_index(), second.sort_index()
    found = mcnemar_test(first["y"], first["y_pred"], second["y_pred"])
    right = [(rows["y"] == rows["y_pred"]).to_numpy() for rows in (first, second)]
    assert found.statistic == right[0].sum() - right[1].sum()
    np.testing.assert_array_equal(first["y"], Y)


def test_the_level_of_groups_does_not_hide_an_order():
    grouped = Y.set_axis(pd.MultiIndex.from_arrays([INDEX, GROUPS], names=["clip", "group"]))
    check_aligned({"y_true": Y, "y_pred": grouped})
    with pytest.raises(ValueError, match="different orders"):
        check_aligned({"y_true": Y, "y_pred": grouped.iloc[::-1]})


BAD_GROUPS = {
    "None": (["a", None], "missing values, at position 1"),
    "NaN beside text": (["a", float("nan")], "missing values, at position 1"),
    "text and numbers": (pd.Series(["a", 1]), "mixes kinds of names"),
    "a table": (np.zeros((2, 2)), "must be one column"),
}
TAKE_GROUPS = {
    "uar_interval": lambda s: uar_interval([0, 1], [0, 1], s),
    "permutation_test": lambda s: permutation_test([0, 1], [0, 1], s),
    "temperature_scaled": lambda s: temperature_scaled([0, 1], np.eye(2), s),
    "ConformalSets": lambda s: ConformalSets().fit([0, 1], np.eye(2), s),
    "coverage_by_group": lambda s: coverage_by_group([0, 1], pd.DataFrame(np.eye(2) > 0), s),
    "SpeakerDisplay": lambda s: SpeakerDisplay.from_predictions([0, 1], [0, 1], groups=s),
    "IntervalDisplay": lambda s: IntervalDisplay.from_predictions([0, 1], {"a": [0, 1]}, groups=s),
    "the check": check_group_names,
}


@pytest.mark.parametrize("call", TAKE_GROUPS.values(), ids=TAKE_GROUPS)
@pytest.mark.parametrize(("groups", "message"), BAD_GROUPS.values(), ids=BAD_GROUPS)
def test_groups_that_are_none_are_refused(call, groups, message):
    with pytest.raises(ValueError, match=message):
        call(groups)
