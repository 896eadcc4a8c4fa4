"""Bad input, a table of cases: what an evaluation and all that it prints make of each."""

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, GroupKFold

from emoest.evaluation import (
    ConformalSets,
    ConfusionDisplay,
    EvaluationError,
    EvaluationResult,
    IntervalDisplay,
    SpeakerDisplay,
    abstention_curve,
    evaluate,
    expected_calibration_error,
    mcnemar_test,
    permutation_test,
    reliability_table,
    temperature_scaled,
    uar_interval,
)

pytestmark = [
    pytest.mark.filterwarnings("ignore:There are:UserWarning"),
    pytest.mark.filterwarnings("ignore:3 of 3 speakers have one label:UserWarning"),
]
N, N_SPEAKERS = 60, 10
RNG = np.random.default_rng(0)
SPEAKERS = np.repeat([f"s{i}" for i in range(N_SPEAKERS)], N // N_SPEAKERS)
Y = np.tile(["glad", "sad", "calm"], N // 3)
X = RNG.normal(size=(N, 3)) + np.eye(3)[np.arange(N) % 3]
OPTIONS = {"random_state": 0, "n_resamples": 50}


class Given(ClassifierMixin, BaseEstimator):
    """Predicts what the first column says: probabilities that a test wants."""

    def __init__(self, proba=None, label=None):
        self.proba = proba
        self.label = label

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        rows = np.full((len(X), len(self.classes_)), 1 / len(self.classes_))
        if self.proba is not None:
            rows[0] = self.proba
        return rows

    def predict(self, X):
        return np.full(len(X), self.classes_[0] if self.label is None else self.label)


def only_in(speaker):
    """A class that one speaker alone has."""
    y = Y.astype(object)
    y[np.flatnonzero(speaker == SPEAKERS)[:3]] = "awe"
    return y


def alone():
    """A speaker with one row."""
    speakers = SPEAKERS.astype(object)
    speakers[-5:] = "s8"
    return speakers


MARKUP = np.array(["<script>alert('1')</script>", "a & b | $x_1$ \\", "\x1b[31mred\u202e\n\x07"])
RESULTS = {
    "a class missing in folds": lambda: (LogisticRegression(), X, only_in("s3"), SPEAKERS),
    "constant predictions": lambda: (
        {"a": DummyClassifier(), "b": DummyClassifier()},
        X,
        Y,
        SPEAKERS,
    ),
    "a label that nobody has": lambda: (Given(label="awe"), X, Y, SPEAKERS),
    "a label that the model never saw": lambda: (LogisticRegression(), X, only_in("s0"), SPEAKERS),
    "a group of one row": lambda: (LogisticRegression(), X, Y, alone()),
    "ties everywhere": lambda: ({"a": Given(), "b": Given()}, np.zeros((N, 1)), Y, SPEAKERS),
    "labels with markup": lambda: (
        {"<b>": LogisticRegression(), "\x07$": DummyClassifier()},
        X,
        MARKUP[np.arange(N) % 3],
        SPEAKERS,
    ),
    "speakers with markup": lambda: (LogisticRegression(), X, Y, MARKUP[np.arange(N) % 3]),
}


@pytest.mark.parametrize("make", RESULTS.values(), ids=RESULTS)
def test_all_that_can_be_printed_is_printed(make, tmp_path):
    mpl = pytest.importorskip("matplotlib")
    mpl.use("agg")
    model, rows, y, groups = make()
    cv = GroupKFold(3)
    result = evaluate(model, rows, y, groups=groups, cv=cv, **OPTIONS)
    first = result.models[0]
    assert len(result.table) == len(result.models)
    assert 0 <= result.table["uar"].iloc[0] <= 1
    counts = result.confusion(first)
    assert counts.to_numpy().sum() == N
    texts = [result.summary(), result.to_latex(), result.to_model_card(), result.to_html()]
    control = {chr(i) for i in range(32)} - {"\n"} | {"\x1b", "\u202e"}
    for text in texts:
        assert not control & set(text)
    assert "<script>" not in texts[2] + texts[3]
    assert result.subgroups("group", first)["n"].sum() == N
    result.save(tmp_path)
    assert EvaluationResult.load(tmp_path).to_html() == texts[3]
    for display in (ConfusionDisplay, SpeakerDisplay):
        display.from_result(result, model=first).figure_.draw_without_rendering()
    IntervalDisplay.from_table(result.table).figure_.draw_without_rendering()
    mpl.pyplot.close("all")


@pytest.mark.parametrize("kind", [int, str, bool])
def test_probabilities_of_labels_of_any_kind_belong_to_them(kind):
    y = np.tile([0, 1], N // 2).astype(kind)
    result = evaluate(LogisticRegression(), X, y, groups=SPEAKERS, **OPTIONS)
    rows = result.select()
    own = result.probabilities()
    right = (rows["y"] == rows["y_pred"]).mean()
    for each in (own, rows[[c for c in rows if c.startswith("proba_")]]):
        table = reliability_table(rows["y"].to_numpy(), each)
        assert np.average(table["accuracy"], weights=table["n"]) == pytest.approx(right)


def test_labels_that_no_column_has_are_never_right():
    # A fold whose training part lacked a class gives it no probability.
    table = reliability_table(only_in("s0"), PROBA, classes=NAMES)
    assert table["n"].sum() == N
    one = permutation_test(np.full(N, "sad"), np.full(N, "sad"), SPEAKERS, n_permutations=20)
    assert one.p == 1


def test_models_that_tie_do_not_differ():
    models, rows, y, groups = RESULTS["ties everywhere"]()
    result = evaluate(models, rows, y, groups=groups, **OPTIONS)
    row = result.comparison.iloc[0]
    assert (row["difference"], row["low"], row["high"], row["p"]) == (0, 0, 0, 1)
    curve = abstention_curve(y, np.full((N, 3), 1 / 3), classes=["calm", "glad", "sad"])
    assert curve["n"].tolist() == [60, 54, 48, 42, 36, 30]


def run(model=None, X=X, y=Y, groups=SPEAKERS, **options):
    model = LogisticRegression() if model is None else model
    return evaluate(model, X, y, groups=groups, **OPTIONS | options)


class Says(Given):
    """Predicts what a test wants of all samples."""

    def __init__(self, says=None, proba=None):
        self.says = says
        self.proba = proba

    def predict(self, X):
        return self.says(len(X))


def refused(message, says=lambda n: np.full(n, "sad"), y=Y, **options):
    return (
        lambda: run({"m": Says(says, **options)}, y=y),
        EvaluationError,
        rf"'m' .*fold 1.*{message}",
    )


OUTPUTS = {
    "NaN": refused("no value.*6|12 sample", lambda n: np.full(n, np.nan)),
    "None among texts": refused(
        "no value .* 1 sample",
        lambda n: np.array([None] + ["sad"] * (n - 1), dtype=object),
    ),
    "nothing at all": refused("predict gave None instead", lambda n: None),
    "two columns": refused(r"shape \(12, 2\), but one value", lambda n: np.full((n, 2), "sad")),
    "numbers for texts": refused(r"numbers \(1\), but 'y' holds texts", lambda n: np.ones(n, int)),
    "texts for numbers": refused(
        "texts .'sad'., but 'y' holds numbers", y=np.tile([1, 2, 3], N // 3)
    ),
    "too few": refused("1 predictions for 12", lambda n: ["sad"]),
    "sums other than 1": refused("do not sum to 1 for 1 sample", proba=0.5),
    "negative probabilities": refused("are negative for 1 sample", proba=[-0.5, 1, 0.5]),
}


@pytest.mark.parametrize(("call", "error", "message"), OUTPUTS.values(), ids=OUTPUTS)
def test_predictions_that_cannot_be_scored_are_refused_at_once(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_a_rating_without_end_is_refused():
    class Endless(DummyRegressor):
        def predict(self, X):
            return np.full(len(X), np.inf)

    for model, message in ((Endless(), "infinite"), (Says(lambda n: np.full(n, "a")), "texts")):
        with pytest.raises((EvaluationError, ValueError), match=message + "|is a classifier"):
            run(model, y=np.linspace(0, 1, N))


def test_a_class_that_a_training_part_lacks_is_said_once():
    with pytest.warns(UserWarning, match="no training sample.*: 'awe' in fold 4.") as caught:
        result = run(y=only_in("s3"), cv="loso", seeds=[0, 1])
    assert sum("no training sample" in str(each.message) for each in caught) == 1
    assert "not trained on       'awe' in fold 4" in result.summary()
    splits = [(np.arange(12, N), np.arange(12))]
    result = run(y=only_in("s3"), cv=splits)
    assert result.protocol.untrained == {}
    assert "classes not tested   'awe'" in result.summary()
    assert "not trained on" not in result.summary()


PROBA = np.full((N, 3), 1 / 3)
GAPS = np.where(np.arange(N)[:, None] == 4, np.nan, PROBA)
NAMES = ["calm", "glad", "sad"]
REFUSED = {
    "fewer speakers than folds": (lambda: run(cv=11), ValueError, "11 folds need at least 11"),
    "half a resample": (
        lambda: run(n_resamples=100.5),
        TypeError,
        "n_resamples=100.5 must be a whole",
    ),
    "one row": (lambda: run(X=X[:1], y=Y[:1], groups=SPEAKERS[:1]), ValueError, "one class only"),
    "one class": (lambda: run(y=np.full(N, "sad")), ValueError, "one class only, 'sad'"),
    "one speaker": (lambda: run(groups=np.full(N, "s")), ValueError, "All samples are of one"),
    "no rows": (lambda: run(X=X[:0], y=Y[:0], groups=SPEAKERS[:0]), ValueError, "no|one|0 sample"),
    "NaN probabilities": (
        lambda: run(Given(proba=np.nan)),
        EvaluationError,
        "predict_proba gave NaN",
    ),
    "two systems on other rows": (
        lambda: mcnemar_test(Y, Y, Y[:-1]),
        ValueError,
        "60",
    ),
    "two systems on other rows, drawn": (
        lambda: IntervalDisplay.from_predictions(Y, {"a": Y, "b": Y[:-1]}),
        ValueError,
        "samples|length",
    ),
    "NaN in a reliability table": (
        lambda: reliability_table(Y, GAPS, classes=NAMES),
        ValueError,
        "NaN|missing|finite",
    ),
    "NaN in a calibration error": (
        lambda: expected_calibration_error(Y, GAPS, classes=NAMES),
        ValueError,
        "NaN|missing|finite",
    ),
    "NaN in temperature scaling": (
        lambda: temperature_scaled(Y, GAPS, SPEAKERS, classes=NAMES),
        ValueError,
        "NaN|missing|finite",
    ),
    "NaN in sets": (
        lambda: ConformalSets().fit(Y, GAPS, SPEAKERS, classes=NAMES),
        ValueError,
        "NaN|missing|finite",
    ),
    "NaN in abstaining": (
        lambda: abstention_curve(Y, GAPS, classes=NAMES),
        ValueError,
        "NaN|missing|finite",
    ),
    "labels that are no classes": (
        lambda: reliability_table(Y, PROBA, classes=[1, 2, 3]),
        ValueError,
        "No label of y_true is a class",
    ),
    "groups with gaps": (
        lambda: uar_interval(Y, Y, np.where(np.arange(N) == 3, None, SPEAKERS)),
        ValueError,
        "missing",
    ),
}


@pytest.mark.parametrize(("call", "error", "message"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_evaluated_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_several_searches_and_seeds_are_nested_by_speaker():
    seen = []

    class Watching(GroupKFold):
        def split(self, X, y=None, groups=None):
            seen.append(None if groups is None else set(groups))
            return super().split(X, y, groups)

    grid = {"C": [0.1, 1.0]}
    models = {
        name: GridSearchCV(LogisticRegression(max_iter=steps), grid, cv=Watching(2))
        for name, steps in (("a", 100), ("b", 200))
    }
    result = run(models, cv=3, seeds=[1, 2])
    assert result.models == ["a", "b"]
    assert result.predictions.groupby(["model", "seed"])["position"].nunique().tolist() == [N] * 4
    # Two models, two seeds, three folds; none saw the speakers that it was tested on.
    assert len(seen) == 12
    assert all(groups is not None and len(groups) < N_SPEAKERS for groups in seen)
    assert {"seed_std", "uar_low"} <= set(result.table)
