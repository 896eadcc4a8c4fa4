"""Ways to leak, each with what `check_leakage` and `evaluate` say of it."""

import numpy as np
import pandas as pd
import pytest
from sklearn.decomposition import PCA
from sklearn.dummy import DummyClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.svm import SVC

from emoest.evaluation import check_leakage, evaluate
from emoest.tables.groups import NotSpeakerIndependentWarning

N = 60
SPEAKERS = np.repeat([f"s{i:02d}" for i in range(15)], 4)
BY_SPEAKER = [(np.arange(20, N), np.arange(20)), (np.arange(20), np.arange(20, N))]
COLUMNS = [f"audio__a{i}" for i in range(12)]


def table():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(1.0, 2.0, size=(N, 12)), columns=COLUMNS)
    X["speaker"] = SPEAKERS
    return X, pd.Series(np.tile(["sad", "glad"], N // 2))


def found(table):
    return table.loc[~table["verdict"].isin(["ok", "unknown"]), "check"].tolist()


def check(X, y, cv=BY_SPEAKER, **options):
    options = {"group_column": "speaker"} | options
    return check_leakage(X, y, cv=cv, random_state=0, **options)


def scaled(transformer):
    X, y = table()
    X[COLUMNS] = transformer.fit_transform(X[COLUMNS])
    return X, y


def by_speaker():
    X, y = table()
    X[COLUMNS] -= X.groupby("speaker")[COLUMNS].transform("mean")
    return X, y


def same_sample():
    X, y = table()
    X.loc[30, COLUMNS] = X.loc[3, COLUMNS]
    return X, y


def near_copy():
    X, y = table()
    X.loc[30, COLUMNS] = X.loc[3, COLUMNS] + 0.002
    return X, y


def near_frames():
    y = table()[1]
    rng = np.random.default_rng(0)
    cells = [rng.normal(size=(7, 6)) for _ in range(N)]
    cells[30] = cells[3] + 1e-3
    column = np.empty(N, dtype=object)
    column[:] = cells
    return pd.DataFrame({"audio__frames": column, "speaker": SPEAKERS}), y


def with_columns(**columns):
    X, y = table()
    return X.assign(**columns), y


def renamed(name):
    X, y = table()
    X.loc[30, "speaker"] = name
    return X, y


LEAKS = {
    "none": (table, []),
    "session": (lambda: with_columns(session=np.tile(["a", "b"], 30)), ["session in both parts"]),
    "dialogue": (lambda: with_columns(dialogue=np.arange(N) // 3), ["dialogue in both parts"]),
    "trial": (lambda: with_columns(trial=np.tile(["t1", "t2", "t3"], 20)), ["trial in both parts"]),
    "the same sample": (same_sample, ["same sample in both parts"]),
    "near copy": (near_copy, ["near copy in both parts"]),
    "near frames": (near_frames, ["near copy in both parts"]),
    "spelling by case": (lambda: renamed("S01"), ["spellings of one speaker"]),
    "spelling by number": (lambda: renamed("1"), ["spellings of one speaker"]),
    "spelling by word": (lambda: renamed("Actor_01"), ["spellings of one speaker"]),
    "z-scores": (lambda: scaled(StandardScaler()), ["scaled over all rows"]),
    "range": (lambda: scaled(MinMaxScaler()), ["scaled over all rows"]),
    "components": (lambda: scaled(PCA()), ["scaled over all rows"]),
    "by speaker": (by_speaker, ["scaled over all rows"]),
    "label": (
        lambda: with_columns(code=np.tile(["S", "G"], N // 2)),
        ["label among the columns"],
    ),
    "label as a number": (
        lambda: with_columns(audio__code=np.tile([0.0, 1.0], N // 2)),
        ["label among the columns"],
    ),
}


@pytest.mark.parametrize(("make", "expected"), LEAKS.values(), ids=LEAKS)
def test_each_way_to_leak_has_its_row(make, expected):
    assert found(check(*make())) == expected


def test_speakers_in_both_parts_are_a_leak_and_not_an_error():
    X, y = table()
    leaks = check(X, y, cv=KFold(5, shuffle=True, random_state=0)).set_index("check")
    assert leaks.loc["speaker in both parts", "verdict"] == "leak"
    assert leaks.loc["speaker in both parts", "n"] == 15
    # Speakers are looked at where groups are something else, or nothing.
    for options in ({"groups": np.arange(N)}, {"group_column": None}):
        cv = KFold(5, shuffle=True, random_state=0)
        assert "speaker in both parts" in found(check(X, y, cv=cv, **options))
    nobody = check(X.drop(columns="speaker"), y, group_column=None).set_index("check")
    assert nobody.loc["speaker in both parts", "verdict"] == "unknown"


def fitted(model):
    X, y = table()
    return model.fit(X[COLUMNS], y)


GRID = GridSearchCV(KNeighborsClassifier(), {"n_neighbors": [1, 3]}, cv=3)
PARTS = {
    "scaler": (lambda: FrozenEstimator(fitted(StandardScaler())), "means are those of all rows"),
    "neighbors": (
        lambda: FrozenEstimator(fitted(KNeighborsClassifier())),
        "keeps 60 of the rows tested",
    ),
    "search": (lambda: FrozenEstimator(fitted(GRID)), "keeps 60 of the rows"),
    "machine": (lambda: FrozenEstimator(fitted(SVC(random_state=0))), "of the rows"),
}


@pytest.mark.parametrize(("part", "says"), PARTS.values(), ids=PARTS)
def test_finished_parts_that_remember_test_samples_are_found(part, says):
    X, y = table()
    part = part()
    model = part if hasattr(part, "predict") else make_pipeline(part, LogisticRegression())
    leaks = check(X, y, model=model).set_index("check")
    row = leaks.loc["finished parts that saw test samples"]
    assert row["verdict"] == "leak"
    assert says in row["detail"]


@pytest.mark.parametrize(("part", "says"), PARTS.values(), ids=PARTS)
def test_an_evaluation_refuses_what_has_seen_test_samples(part, says):
    X, y = table()
    part = part()
    model = part if hasattr(part, "predict") else make_pipeline(part, LogisticRegression())
    options = {"group_column": "speaker", "cv": BY_SPEAKER, "random_state": 0, "n_resamples": 5}
    with pytest.raises(ValueError, match=f"finished parts.*{says}.*allow_overlap=True"):
        evaluate(model, X, y, **options)
    text = evaluate(model, X, y, allow_overlap=True, **options).to_html()
    assert ">UAR, NOT speaker-independent</h1>" in text
    assert "no (finished parts that saw test samples: " in text


def test_what_was_fitted_on_training_rows_has_seen_no_test_row():
    X, y = table()
    train, test = BY_SPEAKER[0]
    centered = X.assign(**{c: X[c] - X.groupby("speaker")[c].transform("mean") for c in COLUMNS})
    scaler = FrozenEstimator(StandardScaler().fit(centered.loc[train, COLUMNS]))
    machine = FrozenEstimator(SVC(random_state=0).fit(X.loc[train, COLUMNS], y[train]))
    for rows, model in ((X, machine), (centered, make_pipeline(scaler, LogisticRegression()))):
        leaks = check(rows, y, cv=[(train, test)], model=model).set_index("check")
        assert leaks.loc["finished parts that saw test samples", "verdict"] == "unknown"
        both = check(rows, y, cv=[(test, train)], model=model).set_index("check")
        expected = "leak" if model is machine else "unknown"
        assert both.loc["finished parts that saw test samples", "verdict"] == expected


@pytest.mark.filterwarnings("ignore:There are:UserWarning")
@pytest.mark.filterwarnings("ignore:No groups were found")
def test_leaks_that_are_not_refused_are_warned_of():
    X, y = table()
    X.loc[30, COLUMNS] = X.loc[4, COLUMNS]
    X["code"] = np.tile(["S", "G"], N // 2)
    with pytest.warns(UserWarning) as caught:
        evaluate(DummyClassifier(), X, y, cv=BY_SPEAKER, random_state=0, n_resamples=5)
    texts = [str(each.message) for each in caught]
    assert any("2 test sample(s) are the same" in t and "at position 4, 30" in t for t in texts)
    assert any("Column(s) 'code' are the label under another name" in text for text in texts)


def test_speakers_that_other_groups_do_not_keep_apart_are_warned_of():
    X, y = with_columns(dialogue=np.arange(N) % 10)
    with pytest.warns(NotSpeakerIndependentWarning, match=r"15 speaker\(s\) are in both"):
        evaluate(DummyClassifier(), X, y, group_column="dialogue", cv=5, random_state=0)


def test_a_group_a_sample_keeps_nothing_together():
    X, y = table()
    X = X.drop(columns="speaker")
    with pytest.warns(NotSpeakerIndependentWarning, match="Every sample has a group"):
        result = evaluate(DummyClassifier(), X, y, groups=np.arange(N), cv=2, random_state=0)
    assert result.summary().startswith("UAR, not known whether speaker-independent")


UNITS = {
    "floats": np.tile(np.arange(12.0), 5),
    "floats with a gap": np.r_[np.nan, np.tile(np.arange(12.0), 5)[1:]],
    "whole numbers with a gap": pd.array([None, *np.tile(np.arange(12), 5)[1:]], dtype="Int64"),
    "texts with a gap": np.r_[[None], np.tile(list("abcdefghijkl"), 5)[1:]],
}


@pytest.mark.parametrize("column", UNITS.values(), ids=UNITS)
@pytest.mark.parametrize("name", ["trial", "session"])
def test_units_of_any_kind_have_their_row(name, column):
    X, y = with_columns(**{name: column})
    row = check(X, y).set_index("check").loc[f"{name} in both parts"]
    assert (row["verdict"], row["n"]) == ("suspect", 12)
    assert ".0" not in row["detail"]


def test_a_finished_part_that_tells_nothing_is_unknown_and_a_fitted_one_is_fitted_anew():
    X, y = table()
    frozen = FrozenEstimator(fitted(LogisticRegression()))
    for model, verdict in ((frozen, "unknown"), (fitted(GRID), "ok")):
        leaks = check(X, y, model=model).set_index("check")
        assert leaks.loc["finished parts that saw test samples", "verdict"] == verdict


def test_an_evaluation_makes_the_checks_and_prints_them():
    X, y = near_copy()
    with pytest.warns(UserWarning, match=r"nearly the same.*3 \(s00\) and 30 \(s07\)"):
        result = evaluate(
            DummyClassifier(), X, y, group_column="speaker", cv=BY_SPEAKER, random_state=0
        )
    leaks = check(X, y, model=DummyClassifier())
    assert result.leakage.equals(leaks)
    assert "suspect: near copy in both parts (1)" in result.summary()
    X, y = table()
    clean = evaluate(DummyClassifier(), X, y, groups=SPEAKERS, cv=BY_SPEAKER, random_state=0)
    assert "none found by 7 checks" in clean.summary()


def test_independence_is_not_said_where_two_names_may_be_one():
    X, y = renamed("Actor_01")
    with pytest.warns(UserWarning, match="'Actor_01' and 's01'"):
        result = evaluate(
            DummyClassifier(), X, y, group_column="speaker", cv=BY_SPEAKER, random_state=0
        )
    assert "yes, unless names are one: 'Actor_01' and 's01'" in result.summary()


@pytest.mark.parametrize("n_dims", [1, 2, 3, 12, 300])
@pytest.mark.parametrize("seed", range(3))
def test_chance_makes_no_near_copies(n_dims, seed):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(200, n_dims))
    leaks = check_leakage(X, np.tile(["a", "b"], 100), np.arange(200), cv=5, random_state=0)
    assert leaks.set_index("check").loc["near copy in both parts", "verdict"] == "ok"


ODD = {
    "one sample a group": (np.arange(N), 5),
    "groups of numbers": (np.repeat(np.arange(15), 4), 5),
}


@pytest.mark.parametrize(("groups", "cv"), ODD.values(), ids=ODD)
def test_any_groups_and_constant_columns_are_taken(groups, cv):
    y = np.tile(["a", "b"], N // 2)
    leaks = check_leakage(np.zeros((N, 3)), y, groups, cv, random_state=0)
    assert set(leaks["verdict"]) <= {"ok", "unknown"}
    continuous = check_leakage(
        np.random.default_rng(0).normal(size=(N, 3)), np.linspace(0, 1, N), groups, cv
    )
    assert "label among the columns" not in set(continuous["check"])


@pytest.mark.parametrize("later", [np.zeros((3, 2)), [1.0, 2.0], ("a.wav", 1)], ids=type)
def test_cells_that_come_late_in_a_column_are_media_and_no_labels(later):
    X = pd.DataFrame({"text__frames": [None] * 60 + [later] * 60})
    table = check_leakage(X, ["a", "b"] * 60, np.arange(120) // 4, 2)
    assert "leak" not in set(table["verdict"])
