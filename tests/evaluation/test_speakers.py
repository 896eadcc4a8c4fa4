"""What an evaluation says of its groups, and what it refuses or warns of."""

import re

import numpy as np
import pandas as pd
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import StackingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, LogisticRegressionCV
from sklearn.model_selection import GridSearchCV, GroupKFold
from sklearn.pipeline import make_pipeline

from emoest.evaluation import evaluate
from emoest.fusion import EarlyFusionClassifier
from emoest.utils import with_groups

N = 48
SPEAKERS = np.repeat([f"s{i:02d}" for i in range(12)], 4)
DIALOGUES = np.tile([f"d{i}" for i in range(6)], 8)


def table(**context):
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"audio__a": rng.normal(size=N), "text__b": rng.normal(size=N)})
    return X.assign(**context), pd.Series(np.tile(["sad", "glad", "glad", "sad"], N // 4))


def protocol(X, y, model=None, **options):
    model = model or EarlyFusionClassifier(LogisticRegression())
    result = evaluate(model, X, y, cv=4, random_state=0, n_resamples=20, **options)
    return result.protocol, result.summary()


CASES = {
    "groups without a name are speakers": ({}, {"groups": SPEAKERS}, True, "speaker-independent"),
    "a column of speakers": ({"speaker": SPEAKERS}, {"group_column": "speaker"}, True, "speaker"),
    "dialogues, speakers in X": (
        *({"speaker": SPEAKERS, "dialogue": DIALOGUES}, {"group_column": "dialogue"}),
        *(False, "dialogue-independent, NOT speaker-independent"),
    ),
    "dialogues, speakers unknown": (
        *({"dialogue": DIALOGUES}, {"group_column": "dialogue"}),
        *(False, "dialogue-independent (speakers are not known)"),
    ),
    "dialogues as an array": (
        *({"dialogue": DIALOGUES}, {"groups": DIALOGUES}),
        *(False, "dialogue-independent (speakers are not known)"),
    ),
    "recordings by name": (
        *({}, {"groups": pd.Series(DIALOGUES, name="recording")}),
        *(False, "recording-independent (speakers are not known)"),
    ),
    "sessions of two speakers": (
        *({"speaker": SPEAKERS, "session": np.repeat(list("abcdef"), 8)},),
        *({"group_column": "session"}, True, "speaker-independent"),
    ),
    "groups that cut across speakers": (
        *({"speaker": SPEAKERS}, {"groups": DIALOGUES}, False, "NOT speaker-independent"),
    ),
}


@pytest.mark.parametrize(("context", "options", "independent", "title"), CASES.values(), ids=CASES)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_independent_of_speakers_is_said_where_it_was_checked(context, options, independent, title):
    found, text = protocol(*table(**context), **options)
    assert found.speaker_independent is independent
    assert title in text.splitlines()[0]


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_speakers_in_the_index_are_looked_at_too():
    X, y = table(speaker=SPEAKERS, dialogue=DIALOGUES)
    found, text = protocol(with_groups(X, "speaker"), y, group_column="dialogue")
    assert (found.speaker_independent, found.known_speakers) == (False, 1.0)
    assert "no (100% of the test samples are by speakers of the training part)" in text
    only_index = with_groups(X, "speaker").drop(columns="speaker")
    assert protocol(only_index, y, group_column="dialogue")[0].known_speakers == 1.0


def test_groups_against_the_index_are_refused():
    X, y = table(speaker=SPEAKERS)
    with pytest.raises(ValueError, match="groups disagrees with the index level"):
        protocol(with_groups(X).drop(columns="speaker"), y, groups=np.roll(SPEAKERS, 1))
    renamed = pd.Series(SPEAKERS).str.upper().to_numpy()
    assert protocol(with_groups(X), y, groups=renamed)[0].speaker_independent


ALIKE = {
    "case": "S01",
    "blank": "s01 ",
    "leading zero": "s1",
    "underscore": "s_01",
}


@pytest.mark.parametrize("other", ALIKE.values(), ids=ALIKE)
def test_names_that_may_be_one_are_said(other):
    names = np.where(np.arange(N) == 5, other, SPEAKERS)
    with pytest.warns(UserWarning, match=re.escape(repr(other))):
        protocol(*table(), groups=names)


@pytest.mark.parametrize("other", ["Sad", " sad", "SAD"])
def test_labels_that_may_be_one_are_said(other):
    X, y = table()
    y[::8] = other
    with pytest.warns(UserWarning, match="Labels.*look like one"):
        protocol(X, y, groups=SPEAKERS)


def test_a_label_that_a_speaker_determines_is_said():
    X, _ = table()
    y = np.repeat(["sad", "glad", "calm"], N // 3)
    with pytest.warns(UserWarning, match="12 of 12 speakers have one label only"):
        protocol(X, y, groups=SPEAKERS)


def test_clean_names_and_labels_give_no_warning(recwarn):
    protocol(*table(), groups=SPEAKERS)
    assert not recwarn.list


REFUSED = {
    "a table of groups": (
        {"groups": pd.DataFrame({"a": SPEAKERS, "b": SPEAKERS})},
        "groups must be one column",
    ),
    "another order": (
        {"groups": pd.Series(SPEAKERS).iloc[::-1]},
        r"X and groups have the same index in different orders.*groups.loc\[X.index\]",
    ),
    "a missing name": (
        {"groups": [*SPEAKERS[:-1].tolist(), float("nan")]},
        "groups is missing in 1 row",
    ),
    "None among names": ({"groups": [None, *SPEAKERS[1:].tolist()]}, "groups is missing in 1 row"),
}


@pytest.mark.parametrize(("options", "message"), REFUSED.values(), ids=REFUSED)
def test_groups_that_cannot_be_trusted_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        protocol(*table(), **options)


def test_one_column_of_a_table_is_groups():
    assert protocol(*table(), groups=pd.DataFrame({"who": SPEAKERS}))[0].n_groups == 12


def test_masks_are_read_as_scikit_learn_reads_them():
    X, y = table()
    masks = [(SPEAKERS >= "s06", SPEAKERS < "s06"), (SPEAKERS < "s06", SPEAKERS >= "s06")]
    rows = [tuple(np.flatnonzero(part) for part in split) for split in masks]
    found = [
        evaluate(DummyClassifier(), X, y, groups=SPEAKERS, cv=cv, random_state=0).predictions
        for cv in (masks, rows)
    ]
    assert found[0].equals(found[1])
    with pytest.raises(ValueError, match="mask of cv has 3 entries for 48 rows"):
        evaluate(DummyClassifier(), X, y, groups=SPEAKERS, cv=[(np.ones(3, bool), masks[0][1])])


def test_a_row_on_both_sides_is_refused_whatever_is_allowed():
    X, y = table()
    cv = [(np.arange(30), np.arange(28, N))]
    with pytest.raises(ValueError, match=r"2 row\(s\) are in both.*28, 29"):
        evaluate(DummyClassifier(), X, y, groups=SPEAKERS, cv=cv, allow_overlap=True)


def test_rows_tested_twice_are_counted_in_the_protocol():
    X, y = table()
    cv = [(np.arange(24), np.arange(24, N)), (np.arange(24), np.arange(40, N))]
    result = evaluate(DummyClassifier(), X, y, groups=SPEAKERS, cv=cv, random_state=0)
    assert "24 of 48, 8 of them more than once (each time counts)" in result.summary()


@pytest.mark.parametrize("seed", range(8))
def test_as_many_folds_as_speakers_work_with_any_seed(seed):
    X, _ = table()
    y = np.repeat(["sad", "glad", "calm"], N // 3)
    with pytest.warns(UserWarning, match="one label only"):
        result = evaluate(DummyClassifier(), X, y, groups=SPEAKERS, cv=12, random_state=seed)
    assert result.predictions.groupby("fold")["group"].nunique().eq(1).all()


def copied(kind, folder):
    """A table whose sample 5, of speaker s01, is sample 0, of s00, once more."""
    X, y = table()
    if kind == "numbers":
        X.iloc[5] = X.iloc[0]
        return X, y
    if kind == "frames":
        cells = np.empty(N, dtype=object)
        cells[:] = list(np.random.default_rng(0).normal(size=(N, 3, 2)))
        cells[5] = cells[0].copy()
        return pd.DataFrame({"audio__frames": cells}), y
    paths = [folder / f"{i}.txt" for i in range(N)]
    for i, path in enumerate(paths):
        path.write_text(str(0 if i == 5 else i))
    return pd.DataFrame({"audio": [str(path) for path in paths]}), y


@pytest.mark.parametrize("kind", ["numbers", "frames", "files"])
def test_the_same_clip_under_two_speakers_is_said(kind, tmp_path):
    X, y = copied(kind, tmp_path)
    with pytest.warns(UserWarning, match=r"1 sample\(s\) are the same.*0 \(s00\) and 5 \(s01\)"):
        protocol(X, y, model=DummyClassifier(), groups=SPEAKERS)


def test_what_people_may_both_say_is_no_copy(recwarn):
    _, y = table()
    protocol(pd.DataFrame({"text": ["hello"] * N}), y, model=DummyClassifier(), groups=SPEAKERS)
    protocol(np.zeros((N, 3)), y, model=DummyClassifier(), groups=SPEAKERS)
    assert not recwarn.list


C = {"C": [0.1, 1.0]}
INNER = {
    "grid": (GridSearchCV(LogisticRegression(), C, cv=3), "GridSearchCV"),
    "grid in a pipeline": (
        make_pipeline(GridSearchCV(LogisticRegression(), C, cv=3)),
        "GridSearchCV",
    ),
    "regularization path": (LogisticRegressionCV(cv=3), "LogisticRegressionCV"),
    "stack": (StackingClassifier([("a", LogisticRegression())], cv=3), "StackingClassifier"),
    "calibration": (CalibratedClassifierCV(LogisticRegression(), cv=3), "CalibratedClassifierCV"),
    "grid by group": (GridSearchCV(LogisticRegression(), C, cv=GroupKFold(3)), None),
    "emoest": (EarlyFusionClassifier(LogisticRegression()), None),
}


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize(("model", "named"), INNER.values(), ids=INNER)
def test_inner_folds_that_ignore_speakers_stand_in_the_protocol(model, named):
    text = protocol(*table(), model=model, groups=SPEAKERS)[1]
    line = [each for each in text.splitlines() if each.startswith("inner folds")]
    assert len(line) == (named is not None)
    assert not line or f"do not keep speakers together: {named} in" in line[0]


def test_finished_parts_of_unknown_training_stand_in_the_protocol():
    X, y = table()
    text = protocol(X, y, FrozenEstimator(LogisticRegression().fit(X, y)), groups=SPEAKERS)[1]
    assert "on speakers that nobody knows: LogisticRegression in FrozenEstimator" in text


def test_a_terminal_gets_no_control_characters():
    X, y = table()
    y = y.replace({"sad": "sad\x1b[31m", "glad": "gl\u202ead\n"})
    models = {"a\x07": DummyClassifier(), "b\nc": DummyClassifier()}
    result = evaluate(models, X, y, groups=SPEAKERS, cv=2, random_state=0)
    assert r"recall sad\x1b[31m" in result.summary()
    assert r"gl\u202ead\n" in result.summary()
    for text in (result.summary(), repr(result), str(result)):
        assert all(c.isprintable() or c == "\n" for c in text)
        assert r"b\nc" in text
