import warnings

import numpy as np
import pandas as pd
import pytest
from scipy.stats import pearsonr
from sklearn.metrics import balanced_accuracy_score, f1_score, recall_score

from emoest.evaluation import (
    ccc_score,
    macro_f1_score,
    multilabel_uar,
    pearson_score,
    recall_per_class,
    uar_score,
)

TRUE = ["sad", "sad", "sad", "sad", "happy", "happy"]
PRED = ["sad", "sad", "sad", "angry", "happy", "sad"]


def test_uar_is_the_mean_recall_over_present_classes():
    with pytest.warns(UserWarning, match=r"absent from y_true: \['angry'\]") as record:
        assert uar_score(TRUE, PRED) == (3 / 4 + 1 / 2) / 2
    assert len(record) == 1
    assert recall_score(TRUE, PRED, average="macro", zero_division=0) == pytest.approx(1.25 / 3)


def test_uar_differs_from_macro_recall_as_the_rule_says():
    true, pred = [0, 0, 0, 0, 1, 1], [0, 0, 2, 2, 1, 1]
    with pytest.warns(UserWarning, match=r"\[2\]"):
        assert uar_score(true, pred) == 0.75
    assert recall_score(true, pred, average="macro", zero_division=0) == 0.5


@pytest.mark.parametrize("seed", range(5))
def test_uar_equals_balanced_accuracy_where_all_classes_are_present(seed):
    rng = np.random.default_rng(seed)
    true, pred, weight = rng.integers(0, 4, 60), rng.integers(0, 4, 60), rng.uniform(0.1, 2, 60)
    expected = balanced_accuracy_score(true, pred, sample_weight=weight)
    assert uar_score(true, pred, sample_weight=weight) == pytest.approx(expected)


def test_labels_choose_the_classes_and_absent_ones_are_named_once():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert uar_score(TRUE, PRED, labels=["sad"]) == 0.75
        assert uar_score(TRUE, PRED, labels=["happy", "sad"]) == 0.625
    with pytest.warns(UserWarning, match=r"\['fear', 'calm'\]") as record:
        assert uar_score(TRUE, PRED, labels=["fear", "sad", "calm"]) == 0.75
    assert len(record) == 1
    with pytest.raises(ValueError, match="None of the labels"):
        uar_score(TRUE, PRED, labels=["fear"])


def test_a_class_without_weight_is_absent():
    with pytest.warns(UserWarning, match="happy"):
        assert uar_score(["a", "happy"], ["a", "a"], sample_weight=[1, 0]) == 1.0


def test_recall_of_each_class():
    recall = recall_per_class(TRUE, PRED)
    assert recall.index.tolist() == ["angry", "happy", "sad"]
    np.testing.assert_array_equal(recall, [np.nan, 0.5, 0.75])
    assert recall_per_class(TRUE, PRED, labels=["sad", "fear"]).index.tolist() == ["sad", "fear"]


@pytest.mark.parametrize(
    ("true", "pred", "message"),
    [
        ([], [], "y_true is empty"),
        (["a", None], ["a", "a"], r"y_true has 1 missing .* position 1"),
        ([0.5, 1.2], [0, 1], "y_true must hold classes, but it is continuous"),
        ([0, 1], ["a", "b"], "different kinds"),
        (["a", "b"], ["a"], "y_true and y_pred have 2 and 1 samples"),
        (np.array(["a", 1], dtype=object), ["a", "b"], "mixes strings"),
        ([[0, 1], [1, 0]], [[0, 1], [1, 0]], "2 columns.*multilabel_uar"),
    ],
)
def test_uar_refuses_what_it_cannot_score(true, pred, message):
    with pytest.raises(ValueError, match=message):
        uar_score(true, pred)


def test_negative_weights_are_refused():
    with pytest.raises(ValueError, match="sample_weight"):
        uar_score([0, 1], [0, 1], sample_weight=[-1, 1])


@pytest.mark.parametrize("kind", [list, np.array, pd.Series, pd.Categorical])
def test_uar_reads_any_column_of_labels(kind):
    true, pred = kind(["a", "b", "b"]), kind(["a", "b", "a"])
    assert uar_score(true, pred) == 0.75


def test_multilabel_scores_equal_their_definitions():
    rng = np.random.default_rng(0)
    true, pred = rng.integers(0, 2, (40, 3)), rng.integers(0, 2, (40, 3))
    frame = pd.DataFrame(true, columns=["happy", "sad", "angry"])
    uar = multilabel_uar(frame, pred)
    assert uar.index.tolist() == ["happy", "sad", "angry"]
    for k, name in enumerate(frame):
        assert uar[name] == balanced_accuracy_score(true[:, k], pred[:, k])
    by_label = [f1_score(true[:, k], pred[:, k]) for k in range(3)]
    assert macro_f1_score(frame, pred) == pytest.approx(np.mean(by_label))
    with pytest.raises(ValueError, match="zeros and ones"):
        multilabel_uar([[2, 0]], [[1, 0]])
    with pytest.raises(ValueError, match=r"\(40, 3\) and y_pred \(40, 2\)"):
        macro_f1_score(frame, pred[:, :2])


def test_macro_f1_takes_classes_too():
    rng = np.random.default_rng(0)
    true, pred = rng.choice(["sad", "calm", "happy"], (2, 40))
    assert macro_f1_score(true, pred) == f1_score(true, pred, average="macro")
    assert macro_f1_score(pd.Series(TRUE), PRED) == pytest.approx((0 + 2 / 3 + 3 / 4) / 3)
    with pytest.raises(ValueError, match="must hold classes, but it is continuous"):
        macro_f1_score([0.5, 1.2], [0, 1])
    with pytest.raises(ValueError, match="y_pred has 2 columns"):
        macro_f1_score([0, 1], [[0, 1], [1, 0]])


def test_ccc_by_hand_and_by_definition():
    assert ccc_score([1, 2, 3], [1, 2, 3]) == 1.0
    assert ccc_score([1, 2, 3], [3, 2, 1]) == -1.0
    rng = np.random.default_rng(0)
    true = rng.normal(1e4, 1, 200)
    pred = 0.7 * true + rng.normal(3e3, 1, 200)
    expected = 2 * np.cov(true, pred, ddof=0)[0, 1]
    expected /= true.var() + pred.var() + (true.mean() - pred.mean()) ** 2
    assert ccc_score(true, pred) == pytest.approx(expected, rel=1e-9)
    assert pearson_score(true, pred) == pytest.approx(pearsonr(true, pred)[0], rel=1e-9)


def test_ratings_that_do_not_vary():
    assert ccc_score([2, 2], [2, 2]) == 0.0
    assert ccc_score([1, 2], [3, 3]) == 0.0
    assert pearson_score([1, 2], [3, 3]) == 0.0


def test_a_weight_of_two_is_a_row_twice():
    true, pred = [1.0, 2.0, 4.0], [1.5, 1.0, 3.0]
    for score in (ccc_score, pearson_score):
        twice = score([*true, 4.0], [*pred, 3.0])
        assert score(true, pred, sample_weight=[1, 1, 2]) == pytest.approx(twice)


def test_missing_ratings_are_named():
    with pytest.raises(ValueError, match=r"y_pred has 1 missing or infinite .* position 1"):
        ccc_score([1, 2], [1, np.nan])


@pytest.mark.parametrize("value", [0.0, 0.3, 1.0, -2.0, 1e6])
@pytest.mark.parametrize("constant", ["true", "pred"])
def test_pearson_of_a_constant_is_exactly_zero(value, constant):
    varied, flat = [-3.0, -1.6, -0.4, 0.0, 0.0, 0.6, 1.8, 2.7], [value] * 8
    pair = (flat, varied) if constant == "true" else (varied, flat)
    assert pearson_score(*pair) == 0.0
    assert pearson_score(*pair, sample_weight=[0.1] * 7 + [0.7]) == 0.0
