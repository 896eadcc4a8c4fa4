"""Media, frames and context that reach an estimator of numbers are named."""

import numpy as np
import pandas as pd
import pytest
from optuna.distributions import FloatDistribution
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import LinearSVC

from emoest.evaluation import evaluate
from emoest.multioutput import MultiTarget
from emoest.neural import MFNClassifier, SequenceClassifier
from emoest.tables.cells import object_column
from emoest.tables.conversion import explained_conversion
from emoest.tuning import OptunaSearchCV
from emoest.validity import CCAValidityFilter, CorruptModality, ModalityImputer

N_ROWS = 12
Y = np.tile(["a", "b"], N_ROWS // 2)
SPEAKERS = np.repeat([f"SM{i}" for i in range(6)], 2)


def column(name, cells):
    return object_column(cells, pd.RangeIndex(N_ROWS), name).to_frame()


FRAMES = column("audio__frames", [np.ones((3, 2), "f4")] * N_ROWS)
LENGTHS = column("audio__frames", [np.ones((3 + i % 2, 2), "f4") for i in range(N_ROWS)])
PATHS = column("audio", [f"{i}.wav" for i in range(N_ROWS)])
TEXTS = column("text", [f"story {i}" for i in range(N_ROWS)])
NUMBERS = pd.DataFrame({"face__a": np.arange(float(N_ROWS))})
CONTEXT = pd.DataFrame({"voice__a": np.arange(float(N_ROWS)), "actor__speaker": SPEAKERS})

CASES = {
    "frames": (FRAMES, r"Column 'audio__frames' holds frames .*Pool the frames first"),
    "frames of two lengths": (LENGTHS, r"Column 'audio__frames' holds frames .*Pool the frames"),
    "paths": (PATHS, r"Column 'audio' holds paths or texts .*Embed what they stand for first"),
    "texts": (TEXTS, r"Column 'text' holds paths or texts .*Embed what they stand for first"),
    "beside numbers": (pd.concat([NUMBERS, TEXTS], axis=1), r"Column 'text' holds paths or texts"),
    "context": (CONTEXT, r"Column 'actor__speaker' holds 'SM\d'.*Pass X\[\['voice__a'\]\]"),
}


def by_evaluate(model, X):
    evaluate(model, X, Y, groups=SPEAKERS, cv=2, random_state=0)


def by_search(model, X):
    space = {"linearsvc__C": FloatDistribution(0.1, 1)}
    OptunaSearchCV(model, space, n_trials=1, cv=2, random_state=0).fit(X, Y, groups=SPEAKERS)


def by_targets(model, X):
    MultiTarget(model).fit(X, pd.DataFrame({"mood": Y, "other": Y}))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("handed_on", [by_evaluate, by_search, by_targets])
@pytest.mark.parametrize("step", [StandardScaler(), FunctionTransformer()], ids=["scaler", "none"])
def test_what_is_no_number_is_named(case, handed_on, step):
    X, told = CASES[case]
    if case == "context" and handed_on is by_evaluate:
        # It leaves such columns out.
        handed_on(make_pipeline(step, LinearSVC()), X)
        return
    with pytest.raises(Exception, match=told):
        handed_on(make_pipeline(step, LinearSVC()), X)


@pytest.mark.parametrize(
    "error", [ValueError("n_splits=5 cannot be"), TypeError("float() argument must be a string")]
)
def test_other_errors_and_numbers_stay(error):
    with pytest.raises(type(error)) as caught, explained_conversion(NUMBERS):
        raise error
    assert caught.value is error


@pytest.mark.parametrize(
    "estimator",
    [
        CCAValidityFilter(),
        ModalityImputer(),
        CorruptModality(),
        SequenceClassifier(modalities=["audio", "face"]),
        MFNClassifier(),
    ],
    ids=lambda each: type(each).__name__,
)
@pytest.mark.parametrize(
    ("column", "told"),
    [
        (PATHS, r"X mixes paths or texts \(column 'audio'\).*Embed what they stand for first"),
        (FRAMES, r"X mixes frames \(column 'audio__frames'\).*Pool the frames first"),
    ],
    ids=["paths", "frames"],
)
def test_what_stands_beside_numbers_is_called_what_it_is(estimator, column, told):
    with pytest.raises(ValueError, match=told):
        estimator.fit(pd.concat([column, NUMBERS], axis=1), Y)
