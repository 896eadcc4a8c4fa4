import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from emoest.evaluation import cross_corpus_table, evaluate, uar_score
from emoest.normalization import SpeakerZScoreNormalizer

N = 60
LABELS = {"one": ["sad", "glad", "calm"], "two": ["S", "H", "B"], "three": ["sad", "glad", "calm"]}
NAMES = {
    "one": {"sad": "sad", "glad": "happy", "calm": None},
    "two": {"S": "sad", "H": "happy", "B": None},
    "three": {"sad": "sad", "glad": "happy", "calm": None},
}
OPTIONS = {"n_resamples": 50, "random_state": 0}


def corpus(name, shift=0.0):
    codes = np.tile([0, 1, 2], N // 3)
    rng = np.random.default_rng(len(name))
    X = pd.DataFrame(rng.normal(size=(N, 3)) + codes[:, None] + shift).add_prefix("audio__")
    X["speaker"] = np.repeat([f"{i:02d}" for i in range(10)], 6)
    return X, np.array(LABELS[name])[codes]


def corpora(*names):
    return {name: corpus(name, 3.0 * i) for i, name in enumerate(names)}


def test_a_pair_is_a_model_of_one_corpus_on_all_of_the_other():
    table = cross_corpus_table(LogisticRegression(), corpora("one", "two"), label_map=NAMES_OF_TWO)
    assert table[["train", "test"]].to_numpy().tolist() == [
        ["two", "one"],
        ["one", "one"],
        ["one", "two"],
        ["two", "two"],
    ]
    (X, y), (X_other, y_other) = corpora("one", "two").values()
    kept, other = y != "calm", y_other != "B"
    columns = X.columns[:3]
    model = LogisticRegression().fit(X_other.loc[other, columns], y_other[other])
    expected = uar_score(np.where(y == "sad", "S", "H")[kept], model.predict(X.loc[kept, columns]))
    assert table["uar"].iloc[0] == pytest.approx(expected)
    assert table["n"].tolist() == [40] * 4
    assert table["n_dropped"].tolist() == [20] * 4
    assert table["n_groups"].tolist() == [10] * 4


NAMES_OF_TWO = {name: NAMES[name] for name in ("one", "two")}


def test_the_figure_within_a_corpus_is_its_evaluation():
    table = cross_corpus_table(
        LogisticRegression(), corpora("one", "two"), label_map=NAMES_OF_TWO, cv=5, **OPTIONS
    )
    X, y = corpus("one")
    rows = y != "calm"
    y = np.where(y == "sad", "sad", "happy")[rows]
    X = X[rows].reset_index(drop=True)
    groups = ("one: " + X["speaker"]).to_numpy()
    alone = evaluate(LogisticRegression(), X, y, groups=groups, cv=5, **OPTIONS)
    within = table[(table["train"] == "one") & (table["test"] == "one")]
    assert within["uar"].iloc[0] == alone.table["uar"].iloc[0]
    assert within["uar_low"].iloc[0] == alone.table["uar_low"].iloc[0]


def test_several_corpora_train_together():
    table = cross_corpus_table(
        LogisticRegression(),
        corpora("one", "two", "three"),
        label_map=NAMES,
        train="others",
        within=False,
        **OPTIONS,
    )
    assert table["train"].tolist() == ["two + three", "one + three", "one + two"]
    each = cross_corpus_table(
        LogisticRegression(), corpora("one", "two", "three"), label_map=NAMES, within=False
    )
    assert len(each) == 6


def test_speakers_of_two_corpora_are_not_one(recwarn):
    # Both call their speakers 00 to 09; z-scores by speaker take the shift between corpora away.
    model = make_pipeline(SpeakerZScoreNormalizer(), LogisticRegression())
    plain, scaled = (
        cross_corpus_table(each, corpora("one", "two"), label_map=NAMES_OF_TWO, **OPTIONS)
        for each in (LogisticRegression(), model)
    )
    assert plain["uar"].iloc[0] <= 0.6
    assert scaled["uar"].iloc[0] > plain["uar"].iloc[0] + 0.1
    assert not recwarn.list


def test_few_speakers_tested_are_warned_of_however_many_were_trained_on():
    few, many = corpus("one"), corpus("three")
    rows = few[0]["speaker"].isin(["00", "01", "02"]).to_numpy()
    found = {"one": (few[0][rows], few[1][rows]), "three": many}
    with pytest.warns(UserWarning, match="There are 3 groups"):
        cross_corpus_table(LogisticRegression(), found, within=False, **OPTIONS)


def test_labels_that_are_shared_need_no_map():
    table = cross_corpus_table(LogisticRegression(), corpora("one", "three"), **OPTIONS)
    assert table["n"].tolist() == [60] * 4
    assert {"recall_sad", "recall_glad", "recall_calm"} <= set(table)


X_ONE, Y_ONE = corpus("one")
NOBODY = X_ONE.drop(columns="speaker")
BAD = {
    "one corpus": ({"one": corpus("one")}, {}, "need two at least"),
    "no label shared": (corpora("one", "two"), {}, "share 0 label"),
    "a label without a name": (
        corpora("one", "two"),
        {"label_map": NAMES_OF_TWO | {"two": {"S": "sad", "H": "happy"}}},
        "does not say what 'B'",
    ),
    "a corpus without a map": (corpora("one", "two"), {"label_map": {"one": {}}}, "'two'"),
    "other columns": (
        {"one": (X_ONE, Y_ONE), "two": (X_ONE.rename(columns={"audio__0": "audio__9"}), Y_ONE)},
        {},
        "differ in 2 column",
    ),
    "nobody knows who speaks": (
        {"one": (X_ONE, Y_ONE), "two": (NOBODY, Y_ONE)},
        {},
        "'two' does not say who speaks",
    ),
    "labels in another order": (
        {"one": (X_ONE, pd.Series(Y_ONE).sample(frac=1, random_state=0)), "two": (X_ONE, Y_ONE)},
        {},
        "y of corpus 'one' have the same index in different orders",
    ),
    "groups in another order": (
        {"one": (X_ONE, Y_ONE), "two": (X_ONE, Y_ONE, X_ONE["speaker"].iloc[::-1])},
        {},
        "groups of corpus 'two' have the same index",
    ),
    "labels too few": (
        {"one": (X_ONE, Y_ONE), "two": (X_ONE, Y_ONE[:50])},
        {},
        "of corpus 'two' have different numbers of samples: 60, 50",
    ),
    "samples alone": ({"one": (X_ONE,), "two": (X_ONE, Y_ONE)}, {}, "'one' must be"),
    "another word for train": (corpora("one", "three"), {"train": "all"}, "'each' or 'others'"),
}


@pytest.mark.parametrize(("found", "options", "message"), BAD.values(), ids=BAD)
def test_corpora_that_cannot_be_compared_are_refused(found, options, message):
    with pytest.raises(ValueError, match=message):
        cross_corpus_table(LogisticRegression(), found, **OPTIONS, **options)


def test_several_models_are_refused():
    models = {"a": LogisticRegression(), "b": LogisticRegression()}
    with pytest.raises(TypeError, match="one model, got 2"):
        cross_corpus_table(models, corpora("one", "three"), **OPTIONS)
