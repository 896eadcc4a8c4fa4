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


def test_all_variants_on_all_corpora():
    corpora = small_corpora()
    table = unimse2022_ablation(
        {name: corpora[name] for name in ("talks", "films")},
        variants=["full", "alone", "no fusion", "own labels", "without films"],
        n_splits=2,
        parameters=FAST,
    )
    assert len(table) == 2 * 5
    talks, films = (table[table["target"] == name] for name in ("talks", "films"))
    assert talks["uar"].between(0, 1).all() and talks["mae"].isna().all()
    assert films["mae"].notna().all() and films["uar"].isna().all()


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
    corpora = small_corpora()
    for name, (X, _) in corpora.items():
        X["text"] = [f"{text} {name}{i}" for i, text in enumerate(X["text"])]
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
    ],
)
def test_unknown_names(settings, message):
    with pytest.raises(ValueError, match=message):
        unimse2022_ablation(small_corpora(), **settings)


def test_an_unknown_task():
    with pytest.raises(ValueError, match="task='valence' is unknown"):
        make_unimse2022("valence")
