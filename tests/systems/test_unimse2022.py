import numpy as np
import pandas as pd
import pytest

from emoest.neural import UniMSEClassifier, UniMSERegressor, UniversalLabeler
from emoest.systems import make_unimse2022, unimse2022_ablation
from emoest.systems import unimse2022 as module
from tests.neural._unimse.unimse_tables import make_emotions, make_scores

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")

FAST = {"max_epochs": 1, "validation_fraction": None, "av_hidden": 8, "bottleneck": 8}
FAST |= {"n_pmf_layers": 1, "contrast_layers": 1}


def small_corpora():
    X, y = make_emotions(12)
    X["dialogue"] = np.repeat([*"abcd"], 3)
    other = np.where(y == "joy", "excited", "frustrated").astype(object)
    return {
        "talks": (X, y),
        "films": make_scores(12),
        "plays": (X.assign(dialogue=np.repeat([*"pqrs"], 3)), other),
    }


@pytest.mark.parametrize("task", ["emotion", "sentiment"])
def test_the_system_of_one_corpus(task):
    X, y = make_emotions(8) if task == "emotion" else make_scores(8, signals=True)
    model = make_unimse2022(task, parameters=FAST, random_state=0).fit(X, y)
    assert isinstance(model["unimse"], {"emotion": UniMSEClassifier}.get(task, UniMSERegressor))
    assert len(model.predict(X)) == 8


def test_audio_becomes_mel_bands():
    X, y = make_emotions(8, signals=False)
    generator = np.random.default_rng(0)
    X["audio"] = [(generator.normal(0, 0.1, 8000), 16000) for _ in range(8)]
    X["dialogue"] = "a"
    model = make_unimse2022(media=["audio"], parameters=FAST, cache_dir=False).fit(X, y)
    assert model["unimse"].n_dims_ == {"text": 2, "audio": 64}
    assert model[:-1].transform(X).filter(like="frames").iloc[0, 0].shape == (12, 64)


@pytest.fixture
def fits(monkeypatch):
    """What each net is fitted and tested on, and its parameters."""
    seen = []
    for kind in (UniMSEClassifier, UniMSERegressor):
        real_fit, real_predict = kind.fit, kind.predict

        def fit(self, X, y, aux=None, real=real_fit):
            seen.append({"parameters": self.get_params(), "X": X, "y": y, "aux": aux})
            return real(self, X, y, aux=aux)

        def predict(self, X, real=real_predict):
            seen[-1]["tested"] = X
            return real(self, X)

        monkeypatch.setattr(kind, "fit", fit)
        monkeypatch.setattr(kind, "predict", predict)
    return seen


def own_texts(corpora):
    """Mark each text by its corpus and row, so that none is there twice."""
    for name, (X, _) in corpora.items():
        X["text"] = [f"{text} {name}{i}" for i, text in enumerate(X["text"])]
    return corpora


def test_all_variants_on_all_corpora(fits):
    corpora = own_texts(small_corpora())
    variants = ["full", "alone", "no fusion", "own labels", "without films"]
    table = unimse2022_ablation(
        {name: corpora[name] for name in ("talks", "films")},
        variants=variants,
        n_splits=2,
        parameters=FAST,
    )
    assert len(table) == 2 * 5 and len(fits) == 2 * 5 * 2
    talks, films = (table[table["target"] == name] for name in ("talks", "films"))
    assert talks["uar"].between(0, 1).all() and talks["mae"].isna().all()
    assert films["mae"].notna().all() and films["uar"].isna().all()
    order = [(name, variant) for name in ("talks", "films") for variant in variants]
    for number, each in enumerate(fits):
        name, variant = order[number // 2]
        switches = {**FAST, **module.VARIANTS.get(variant, {})}
        assert switches.items() <= each["parameters"].items()
        left_out = variant == "alone" or (name, variant) == ("talks", "without films")
        assert len(each["aux"]) == (0 if left_out else 1)
        for other, y in each["aux"]:
            assert len(other) == len(y) < 12
            assert not set(other["text"]) & set(corpora[name][0]["text"])


@pytest.mark.parametrize("target", ["talks", "scores"])
def test_no_row_with_a_text_of_a_tested_one_is_learned_from(fits, target):
    X, y = make_emotions(20, signals=False)
    X["text"] = [f"{text} {i}" for i, text in enumerate(X["text"])]
    other = X.assign(text=[f" {text.upper()}  " for text in X["text"]])
    corpora = {"talks": (X, y), "scores": (other, make_scores(20)[1])}
    unimse2022_ablation(corpora, [target], variants=["full"], n_splits=5, parameters=FAST)
    assert len(fits) == 5
    for each in fits:
        tested = {text.strip().upper() for text in each["tested"]["text"]}
        ((learned, labels),) = each["aux"]
        assert len(learned) == len(labels) and 12 <= len(learned) <= 16
        assert not tested & {text.strip().upper() for text in learned["text"]}


def test_no_row_of_a_tested_dialogue_is_learned_from(fits):
    corpora = own_texts(small_corpora())
    plays, labels = corpora["plays"]
    corpora["plays"] = (plays.assign(dialogue=np.repeat([*"abxy"], 3)), labels)
    unimse2022_ablation(corpora, ["talks"], variants=["full"], n_splits=2, parameters=FAST)
    learned = [
        {name for other, _ in each["aux"] for name in other.get("dialogue", [])} for each in fits
    ]
    tested = [set(each["tested"]["dialogue"]) for each in fits]
    assert len(fits) == 2 and set.union(*tested) == {*"abcd"} and {*"xy"} <= set.union(*learned)
    assert not any(one & other for one, other in zip(learned, tested, strict=True))


def test_a_corpus_of_tested_texts_only_is_left_out(fits):
    X, y = make_emotions(8, signals=False)
    same = X.assign(text="fine")
    corpora = {"talks": (same, y), "scores": (same, make_scores(8)[1])}
    with pytest.warns(UserWarning, match="'scores' in fold 1 have texts or dialogues of rows of"):
        unimse2022_ablation(corpora, ["talks"], variants=["full"], n_splits=2, parameters=FAST)
    assert [each["aux"] for each in fits] == [[], []]


def test_predictions_of_whole_scores_are_not_cut(monkeypatch):
    monkeypatch.setattr(UniMSERegressor, "predict", lambda self, X: np.full(len(X), 0.75))
    X, y = make_scores(8)
    y = np.sign(y).astype(int)
    table = unimse2022_ablation({"films": (X, y)}, variants=["alone"], n_splits=2, parameters=FAST)
    assert table["mae"][0] == pytest.approx(np.abs(y - 0.75).mean())


def test_corpora_may_be_named_like_variants(fits):
    corpora = own_texts(small_corpora())
    named = {"full": corpora["films"], "talks": corpora["talks"]}
    variants = ["full", "without full"]
    unimse2022_ablation(named, ["talks"], variants=variants, n_splits=2, parameters=FAST)
    assert [len(each["aux"]) for each in fits] == [1, 1, 0, 0]


@pytest.mark.parametrize("given", [None, {"joy": "negative"}])
def test_a_map_of_polarities_among_the_parameters_stays(fits, given):
    own = {"joy": "neutral"}
    unimse2022_ablation(
        {"talks": small_corpora()["talks"]},
        variants=["alone"],
        n_splits=2,
        polarity_map=given,
        parameters={**FAST, "polarity_map": own},
    )
    assert [each["parameters"]["polarity_map"] for each in fits] == [given or own] * 2


def test_the_labeler_of_all_reads_as_the_nets_do(fits):
    corpora = {
        name: (X.rename(columns={"text": "words"}).assign(mood="neutral"), y)
        for name, (X, y) in small_corpora().items()
    }
    settings = {**FAST, "text": "words", "polarity_column": "mood"}
    unimse2022_ablation(
        corpora,
        ["talks"],
        variants=["alone"],
        n_splits=2,
        neighbors="all",
        polarity_map={"joy": "negative"},
        parameters=settings,
    )
    labeler = fits[0]["parameters"]["labeler"].estimator
    assert len(labeler.lenders_) == 36 and set(labeler.lenders_["polarity"]) == {"neutral"}
    assert labeler.polarity_map == {"joy": "negative"}


@pytest.mark.parametrize("neighbors", ["train", "all"])
def test_no_tested_row_of_any_corpus_lends(neighbors, monkeypatch):
    """Fails if a row of a test fold is ever among those that lend, unless that was asked for."""
    lent, tested = [], []
    real_fit, real_predict = UniversalLabeler.fit, UniMSEClassifier.predict

    def spy_fit(self, X, *args, **kwargs):
        lent.append(set(X))
        return real_fit(self, X, *args, **kwargs)

    def spy_predict(self, X):
        tested.append(set(X["text"]))
        return real_predict(self, X)

    monkeypatch.setattr(UniversalLabeler, "fit", spy_fit)
    monkeypatch.setattr(UniMSEClassifier, "predict", spy_predict)
    corpora = own_texts(small_corpora())
    unimse2022_ablation(
        corpora, ["talks"], variants=["full"], n_splits=2, neighbors=neighbors, parameters=FAST
    )
    leaks = [bool(pool & rows) for pool in lent for rows in tested]
    if neighbors == "all":
        assert len(lent) == 1 and all(leaks)
        return
    assert len(lent) == len(tested) == 2
    assert not any(pool & rows for pool, rows in zip(lent, tested, strict=True))
    everything = {text for X, _ in corpora.values() for text in X["text"]}
    assert all(len(pool) < len(everything) for pool in lent)


def test_dialogues_are_held_out_whole():
    X, _ = small_corpora()["talks"]
    for train, test in module._folds(X, 2, 0):
        assert not set(X["dialogue"].iloc[train]) & set(X["dialogue"].iloc[test])
    scored, _ = make_scores(6)
    grouped = scored.set_index(pd.Index([*"aabbcc"], name="group"), append=True)
    for train, test in module._folds(grouped, 3, 0):
        groups = grouped.index.get_level_values("group")
        assert not set(groups[train]) & set(groups[test])


def test_the_published_look_up_says_that_it_leaks():
    with pytest.warns(UserWarning, match="the scores leak"):
        unimse2022_ablation(
            small_corpora(),
            ["talks"],
            variants=["alone"],
            n_splits=2,
            neighbors="all",
            parameters=FAST,
        )


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"targets": ["songs"]}, "targets names 'songs'"),
        ({"variants": ["no text"]}, "variants='no text' is unknown"),
        ({"variants": ["without songs"]}, "variants='without songs' is unknown"),
        ({"neighbors": "some"}, "neighbors='some' is unknown"),
        ({"neighbors": "all", "parameters": {"label_fields": 4}}, "label_fields=4 takes"),
    ],
)
def test_unknown_names(settings, message):
    with pytest.raises(ValueError, match=message):
        unimse2022_ablation(small_corpora(), **settings)


def test_an_unknown_task():
    with pytest.raises(ValueError, match="task='valence' is unknown"):
        make_unimse2022("valence")
