"""Calibration, abstention and label sets."""

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

from emoest.evaluation import (
    ConformalSets,
    abstention_curve,
    coverage_by_group,
    evaluate,
    expected_calibration_error,
    reliability_table,
    temperature_scaled,
    uar_score,
    vote_scores,
)

CLASSES = ["angry", "glad", "sad"]


def drawn(n, temperature=1.0, seed=0, n_speakers=10):
    """Labels drawn from probabilities; those given are sharper than they should be."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(scale=1.5, size=(n, 3))
    proba = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    y = np.array(CLASSES)[[rng.choice(3, p=row) for row in proba]]
    sharp = proba ** (1 / temperature)
    sharp /= sharp.sum(axis=1, keepdims=True)
    return y, sharp, np.arange(n) % n_speakers


def test_the_table_is_counted_by_hand():
    y = ["angry", "glad", "glad", "sad"]
    proba = [[0.9, 0.05, 0.05], [0.1, 0.8, 0.1], [0.85, 0.1, 0.05], [0.2, 0.3, 0.5]]
    table = reliability_table(y, proba, n_bins=5)
    assert table["n"].tolist() == [1, 3]
    assert table["confidence"].tolist() == pytest.approx([0.5, 0.85])
    assert table["accuracy"].tolist() == pytest.approx([1.0, 2 / 3])
    assert table["low"].tolist() == pytest.approx([0.4, 0.8])
    error = (1 * 0.5 + 3 * abs(0.85 - 2 / 3)) / 4
    assert expected_calibration_error(y, proba, n_bins=5) == pytest.approx(error)


def test_temperature_scaling_finds_the_temperature_and_keeps_predictions():
    y, sharp, speakers = drawn(3000, temperature=0.4)
    scaled = temperature_scaled(y, sharp, speakers)
    true = drawn(3000)[1]
    np.testing.assert_allclose(scaled.to_numpy(), true, atol=0.05)
    np.testing.assert_array_equal(scaled.to_numpy().argmax(axis=1), sharp.argmax(axis=1))
    before, after = (expected_calibration_error(y, p, classes=CLASSES) for p in (sharp, scaled))
    assert after < 0.03 < 0.1 < before


def test_the_temperature_of_a_speaker_does_not_see_the_speaker():
    y, proba, speakers = drawn(300)
    first = temperature_scaled(y, proba, speakers).to_numpy()
    changed = y.copy()
    changed[speakers == 3] = "sad"
    second = temperature_scaled(changed, proba, speakers).to_numpy()
    np.testing.assert_array_equal(first[speakers == 3], second[speakers == 3])
    assert not np.array_equal(first, second)


def test_abstaining_keeps_the_surest():
    y, proba, _ = drawn(500)
    curve = abstention_curve(y, proba, coverage=[1.0, 0.8, 0.5])
    pred = np.array(CLASSES)[proba.argmax(axis=1)]
    assert curve["uar"].iloc[0] == pytest.approx(uar_score(y, pred))
    kept = np.argsort(-proba.max(axis=1), kind="stable")[:250]
    assert curve["uar"].iloc[2] == pytest.approx(uar_score(y[kept], pred[kept]))
    assert curve["coverage"].tolist() == [1.0, 0.8, 0.5]
    assert curve["uar"].is_monotonic_increasing


@pytest.mark.parametrize("guarantee", [True, False])
@pytest.mark.parametrize("coverage", [0.7, 0.9])
def test_sets_cover_new_speakers(coverage, guarantee):
    held = []
    for seed in range(60):
        y, proba, speakers = drawn(400, temperature=0.5, seed=seed, n_speakers=40)
        fitted = speakers < 20
        sets = ConformalSets(coverage, guarantee=guarantee)
        sets.fit(y[fitted], proba[fitted], speakers[fitted])
        found = coverage_by_group(y[~fitted], sets.predict(proba[~fitted]), speakers[~fitted])
        held.append(found["coverage"].mean())
    low, high = (0.0, 0.06) if guarantee else (-0.02, 0.02)
    assert coverage + low <= np.mean(held) <= coverage + high


def test_each_speaker_counts_the_same():
    # One speaker says nearly everything, and the model is always right there.
    y = np.array(["sad"] * 110)
    proba = np.vstack([np.tile([0.0, 0.0, 1.0], (100, 1)), np.tile([0.5, 0.3, 0.2], (10, 1))])
    speakers = np.r_[np.zeros(100), np.arange(1, 11)]
    by_speaker = ConformalSets(0.8).fit(y, proba, speakers, classes=CLASSES)
    by_sample = ConformalSets(0.8).fit(y, proba, classes=CLASSES)
    assert by_speaker.threshold_ == pytest.approx(0.8)  # of the ten who say one thing
    assert by_sample.threshold_ == 0.0


def test_too_few_speakers_give_all_labels_and_say_so():
    y, proba, _ = drawn(3)
    with pytest.warns(UserWarning, match="too few"):
        sets = ConformalSets(0.9, guarantee=True).fit(y, proba, classes=CLASSES)
    assert sets.predict(proba).to_numpy().all()


def test_a_label_that_the_model_never_saw_is_in_no_set():
    y, proba, speakers = drawn(400)
    sets = ConformalSets(0.9).fit(y, proba, speakers, classes=CLASSES)
    found = coverage_by_group(["proud"] * 400, sets.predict(proba), speakers)
    assert (found["coverage"] == 0).all()
    assert expected_calibration_error(["proud"] * 400, proba, classes=CLASSES) > 0.4


def test_probabilities_come_from_an_evaluation():
    y, proba, speakers = drawn(120)
    result = evaluate(LogisticRegression(), np.log(proba), y, groups=speakers, random_state=0)
    rows, table = result.select(), result.probabilities()
    assert list(table.columns) == CLASSES
    assert 0 <= expected_calibration_error(rows["y"], table) <= 1
    assert temperature_scaled(rows["y"], table, rows["group"]).index.equals(table.index)
    bare = evaluate(LinearSVC(random_state=0), proba, y, groups=speakers, random_state=0)
    with pytest.raises(ValueError, match="gave no probabilities"):
        bare.probabilities()


@pytest.mark.parametrize("ties", ["all", "at the last place", "by rounding"])
@pytest.mark.parametrize("order", ["sorted", "reversed", "mixed"])
def test_ties_do_not_make_a_score_out_of_the_order_of_rows(ties, order):
    y = np.array(["angry"] * 48 + ["sad"] * 48)
    proba = np.full((96, 3), 1 / 3)
    if ties == "at the last place":
        proba[[0, 95]] = [0.8, 0.1, 0.1]
    if ties == "by rounding":
        proba += 1e-13 * np.arange(96)[:, None] * np.array([1, -1, 0])
    rows = {"sorted": np.arange(96), "reversed": np.arange(96)[::-1]}
    rows["mixed"] = np.random.default_rng(0).permutation(96)
    kept = rows[order]
    curve = abstention_curve(y[kept], proba[kept], classes=CLASSES)
    # Every sample is called angry.
    assert curve["uar"].tolist() == pytest.approx([0.5] * 6)
    assert curve["wa"].tolist() == pytest.approx([0.5] * 6)
    assert curve["n"].tolist() == [96, 86, 77, 67, 58, 48]


def test_the_score_of_fewer_classes_is_not_put_beside_that_of_all():
    proba = [[0.9, 0.1], [0.8, 0.2], [0.4, 0.6]]
    curve = abstention_curve(["angry", "angry", "sad"], proba, coverage=[1.0, 0.67])
    assert curve["n_classes"].tolist() == [2, 1]
    np.testing.assert_array_equal(curve["uar"], [1.0, np.nan])
    assert curve["wa"].tolist() == [1.0, 1.0]


Y, P, S = drawn(20)
TABLE = pd.DataFrame(P, columns=CLASSES)
REORDERED = ["sad", "angry", "glad"]
TAKE_CLASSES = {
    "reliability_table": lambda p, **k: reliability_table(Y, p, **k),
    "expected_calibration_error": lambda p, **k: expected_calibration_error(Y, p, **k),
    "abstention_curve": lambda p, **k: abstention_curve(Y, p, **k),
    "temperature_scaled": lambda p, **k: temperature_scaled(Y, p, **k)[CLASSES],
    "ConformalSets.fit": lambda p, **k: ConformalSets().fit(Y, p, **k).threshold_,
    "ConformalSets.predict": lambda p, **k: ConformalSets().fit(Y, P).predict(p),
    "vote_scores": lambda p, **k: vote_scores(pd.DataFrame(P, columns=CLASSES), p, **k),
}
FITTING = {
    "other order": (TABLE[REORDERED], {}),
    "as evaluate names them": (TABLE[REORDERED].add_prefix("proba_"), {}),
    "other order than classes=": (TABLE[REORDERED], {"classes": CLASSES}),
    "only numbered": (pd.DataFrame(P), {"classes": CLASSES}),
}


@pytest.mark.parametrize("call", TAKE_CLASSES.values(), ids=TAKE_CLASSES)
@pytest.mark.parametrize(("proba", "options"), FITTING.values(), ids=FITTING)
def test_columns_are_joined_with_classes_by_name(call, proba, options):
    found, expected = call(proba, **options), call(TABLE)
    if isinstance(found, pd.DataFrame):
        pd.testing.assert_frame_equal(found, expected)
    else:
        assert found == expected


UNFIT = {
    "other names": (TABLE.set_axis(["angry", "glad", "proud"], axis=1), {"classes": CLASSES}),
    "another case": (TABLE.set_axis(["Angry", "Glad", "Sad"], axis=1), {}),
    "a class twice": (P, {"classes": ["angry", "glad", "glad"]}),
    "a column twice": (TABLE.set_axis(["angry", "glad", "glad"], axis=1), {}),
}


@pytest.mark.parametrize("call", TAKE_CLASSES.values(), ids=TAKE_CLASSES)
@pytest.mark.parametrize(("proba", "options"), UNFIT.values(), ids=UNFIT)
def test_columns_that_are_not_the_classes_are_refused(call, proba, options):
    if options.get("classes") and call is TAKE_CLASSES["ConformalSets.predict"]:
        proba = pd.DataFrame(P, columns=["angry", "glad", "proud"])
    message = r"twice|give columns|Give each one"
    with pytest.raises(ValueError, match=message):
        call(proba, **options)


def test_the_set_of_a_class_is_that_of_its_column():
    sets = ConformalSets(0.5).fit(Y, P)
    sets.threshold_ = 0.5
    found = sets.predict(pd.DataFrame([[0.8, 0.1, 0.1]], columns=["sad", "glad", "angry"]))
    assert found.to_dict("records") == [{"angry": False, "glad": False, "sad": True}]


BAD = {
    "nan": (lambda p: np.where(p == p.max(), np.nan, p), "are missing or do not sum"),
    "no sum": (lambda p: p * 2, "do not sum to 1"),
    "negative": (lambda p: p + np.array([1.0, -1.0, 0.0]), "no table of probabilities"),
    "a column short": (lambda p: p[:, :2], "has the shape"),
    "a row short": (lambda p: p[:-1], "has the shape"),
}


@pytest.mark.parametrize(("change", "message"), BAD.values(), ids=BAD)
@pytest.mark.parametrize(
    "call",
    [
        reliability_table,
        expected_calibration_error,
        abstention_curve,
        temperature_scaled,
        ConformalSets().fit,
    ],
)
def test_what_are_no_probabilities_is_refused(call, change, message):
    with pytest.raises(ValueError, match=message):
        call(Y, change(P), classes=CLASSES)


OTHER = {
    "bins": lambda: reliability_table(Y, P, n_bins=0),
    "coverage": lambda: ConformalSets(1.0).fit(Y, P),
    "fractions": lambda: abstention_curve(Y, P, coverage=[0.0]),
    "fewer speakers than parts": lambda: temperature_scaled(Y, P, np.zeros(20)),
    "groups of another length": lambda: ConformalSets().fit(Y, P, [1]),
    "nothing": lambda: reliability_table([], np.zeros((0, 3)), classes=CLASSES),
    "columns": lambda: ConformalSets().fit(Y, P).predict(P[:, :2]),
    "NaN in a prediction": lambda: ConformalSets().fit(Y, P).predict(P * np.nan),
    "no sum in a prediction": lambda: ConformalSets().fit(Y, P).predict(P * 2),
    "not fitted": lambda: ConformalSets().predict(P),
    "None as a label": lambda: expected_calibration_error([None, *Y[1:]], P),
    "labels in another case": lambda: expected_calibration_error(
        ["SAD", *Y[1:]], P, classes=CLASSES
    ),
    "no known label": lambda: temperature_scaled(["proud"] * 20, P, S, classes=CLASSES),
    "sets that are an array": lambda: coverage_by_group(Y, P > 0.5, S),
    "sets that are probabilities": lambda: coverage_by_group(Y, TABLE, S),
    "numbers in sets of texts": lambda: coverage_by_group(np.zeros(20), TABLE > 0.5, S),
    "rows": lambda: coverage_by_group(["sad"], pd.DataFrame({"sad": [True]}), []),
}


@pytest.mark.parametrize("call", OTHER.values(), ids=OTHER)
def test_other_bad_input_is_refused(call):
    with pytest.raises((ValueError, NotFittedError)):
        call()
