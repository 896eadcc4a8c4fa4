import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.model_selection import GroupKFold, LeaveOneGroupOut

from emoest.evaluation import evaluate

N = 48
SPEAKERS = np.repeat([f"s{i:02d}" for i in range(12)], 4)
BY_FOUR = np.repeat([1, 2, 3, 4], 12)


def table(**context):
    X = pd.DataFrame({"audio__a": np.random.default_rng(0).normal(size=N)})
    return X.assign(speaker=SPEAKERS, **context), np.tile(["sad", "glad"], N // 2)


def run(cv, X=None, y=None, **options):
    X, y = table() if X is None else (X, y)
    options = {"group_column": "speaker", "random_state": 0} | options
    return evaluate(DummyClassifier(), X, y, cv=cv, **options)


def folds(result):
    rows = result.predictions
    return {fold: rows.loc[rows["fold"] == fold, "position"].tolist() for fold in rows["fold"]}


def test_loso_leaves_one_speaker_out():
    X, y = table()
    expected = [test.tolist() for _, test in LeaveOneGroupOut().split(X, y, SPEAKERS)]
    for name in ("loso", "LOSO"):
        result = run(name)
        assert list(folds(result).values()) == expected
        assert result.protocol.splitter == "LeaveOneGroupOut()"


COLUMNS = {
    "numbers": (BY_FOUR, {f: np.flatnonzero(f == BY_FOUR).tolist() for f in (1, 2, 3, 4)}),
    "texts": (
        np.repeat(["b", "a"], 24),
        {1: list(range(24, 48)), 2: list(range(24))},
    ),
    "some are trained on only": (
        np.repeat([-1, 7, np.nan, 8], 12),
        {1: list(range(12, 24)), 2: list(range(36, 48))},
    ),
    "parts": (np.repeat(["Train", "dev", "train", "TEST"], 12), {1: list(range(36, 48))}),
    "parts without a test part": (np.repeat(["train", "valid"], 24), {1: list(range(24, 48))}),
}


@pytest.mark.parametrize(("column", "expected"), COLUMNS.values(), ids=COLUMNS)
@pytest.mark.parametrize("name", ["fold", "split", "corpus__fold"])
def test_official_folds_are_those_of_a_column(column, expected, name):
    X, y = table(**{name: column})
    result = run(name, X, y)
    assert folds(result) == expected
    assert name in result.protocol.splitter
    assert folds(run(name.rpartition("_")[2], X, y)) == expected


def test_official_folds_that_mix_speakers_are_refused_unless_said():
    X, y = table(fold=np.tile([1, 2], N // 2))
    with pytest.raises(ValueError, match="in both the training and the test part of fold 1 of 2"):
        run("fold", X, y)
    assert not run("fold", X, y, allow_overlap=True).protocol.speaker_independent


def test_the_column_of_folds_is_no_feature():
    X, y = table(fold=BY_FOUR)
    result = evaluate(SeesColumns(), X, y, cv="fold", groups=SPEAKERS, random_state=0)
    assert result.protocol.n_splits == 4


class SeesColumns(DummyClassifier):
    __module__ = "sklearn.dummy"

    def fit(self, X, y):
        assert list(X.columns) == ["audio__a"]
        return super().fit(X, y)


BAD = {
    "no such column": ("folds", {}, "neither 'loso'.*nor one context column"),
    "no groups": ("loso", {"group_column": None}, "nothing names groups"),
    "parts and a word that is none": (
        "split",
        {"column": np.repeat(["train", "Validate", "test"], 16)},
        "parts.*'test', 'train'.*no parts: 'Validate'",
    ),
    "parts and a number": (
        "split",
        {"column": np.repeat(np.array(["train", 3, "test"], dtype=object), 16)},
        "no parts: 3",
    ),
    "fewer speakers than folds": (20, {}, "only 12"),
}


@pytest.mark.parametrize(("cv", "options", "message"), BAD.values(), ids=BAD)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_names_that_mean_nothing_are_refused(cv, options, message):
    options = dict(options)
    X, y = table(**({"split": options.pop("column")} if "column" in options else {}))
    with pytest.raises(ValueError, match=message):
        run(cv, X, y, **options)


def test_a_splitter_of_scikit_learn_stays_one():
    assert run(GroupKFold(3)).protocol.n_splits == 3
