import os
import pickle
import subprocess
import sys
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_val_predict

from emoest.neural import UniMSEClassifier, UniMSERegressor, UniversalLabeler
from emoest.neural._unimse import base, labeler, outputs
from emoest.tables.cells import object_column, write_frames
from emoest.testing import cell_estimator_checks
from emoest.utils import with_groups
from tests.neural._unimse.unimse_tables import FAST, make_emotions, make_scores

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")

SMALL = {**FAST, "av_hidden": 8, "bottleneck": 8, "max_epochs": 1}
SMALL |= {"n_pmf_layers": 1, "contrast_layers": 1}


def classifier(**settings):
    return UniMSEClassifier(**{**SMALL, **settings})


def regressor(**settings):
    return UniMSERegressor(**{**SMALL, **settings})


def name_of(check):
    return check.__name__


@pytest.mark.parametrize("check", cell_estimator_checks(classifier()), ids=name_of)
def test_the_checks_of_tables_of_cells_hold_for_the_classifier(check):
    check(classifier(), *make_emotions(8))


@pytest.mark.parametrize("check", cell_estimator_checks(regressor()), ids=name_of)
def test_the_checks_of_tables_of_cells_hold_for_the_regressor(check):
    check(regressor(), *make_scores(8))


@pytest.fixture(scope="module")
def learned():
    """A classifier of emotions and a regressor of scores, each trained on both corpora."""
    (X, y), (scored, scores) = make_emotions(32), make_scores(32)
    settings = {"max_epochs": 20, "batch_size": 16, "n_pmf_layers": 2, "contrast_layers": 2}
    settings["lr_t5"] = 0.003
    return (
        classifier(**settings).fit(X, y, aux=(scored, scores)),
        regressor(**settings).fit(scored, scores, aux=[(X, y)]),
    )


def test_both_learn(learned):
    emotions, sentiment = learned
    X, y = make_emotions(16, seed=5)
    scored, scores = make_scores(16, seed=6)
    assert (emotions.predict(X) == y).mean() >= 0.9
    # Only the sign can be known: how large a score is was drawn.
    assert (np.sign(sentiment.predict(scored)) == np.sign(scores)).mean() >= 0.8
    assert np.abs(sentiment.predict(scored)).max() <= 3


def test_all_ways_of_decoding_say_about_the_same(learned):
    emotions, sentiment = map(pickle.loads, map(pickle.dumps, learned))
    X, y = make_emotions(16, seed=5)
    for settings in ({"proba": "marginal"}, {"decode": "generate"}):
        assert (clone_of(emotions, **settings).predict(X) == y).mean() >= 0.9
    scored, _ = make_scores(16, seed=6)
    generated = clone_of(sentiment, decode="generate").predict(scored)
    assert np.corrcoef(generated, sentiment.predict(scored))[0, 1] > 0.7
    assert set(np.round(generated, 1)) == set(np.round(generated, 4))


def clone_of(fitted, **settings):
    return pickle.loads(pickle.dumps(fitted)).set_params(**settings)


def test_the_universal_label(learned):
    X, y = make_emotions(6, seed=5)
    labels = learned[0].predict_universal(X)
    assert list(labels) == ["polarity", "score", "emotion", "generated", "parsed"]
    assert labels["parsed"].all() and labels.index.equals(X.index)
    assert labels["emotion"].tolist() == y.tolist()
    signs = np.where(y == "joy", 1, -1)
    assert (np.sign(labels["score"]) == signs).all()
    assert labels["polarity"].tolist() == [{1: "positive", -1: "negative"}[s] for s in signs]
    sentiment = learned[1].predict_universal(make_scores(6, seed=6)[0])
    assert sentiment["score"].notna().all() and set(sentiment["emotion"]) <= {"joy", "sadness"}


def test_strings_that_cannot_be_read_are_counted_and_never_predicted(learned, monkeypatch):
    emotions, sentiment = map(pickle.loads, map(pickle.dumps, learned))
    samples = [make_emotions(6, seed=5)[0], make_scores(6, seed=5)[0]]
    best = [model.predict(X) for model, X in zip((emotions, sentiment), samples, strict=True)]
    real = outputs.read_label
    broken = iter([False, True, True, False, False, False] * 10)

    def some_broken(text, *args):
        return (None, np.nan, None) if next(broken) else real(text, *args)

    monkeypatch.setattr(outputs, "read_label", some_broken)
    for model, X, expected in zip((emotions, sentiment), samples, best, strict=True):
        model.set_params(decode="generate")
        with pytest.warns(UserWarning, match="2 of 6 generated labels could not be read"):
            predicted = model.predict(X)
        assert (predicted[[1, 2]] == expected[[1, 2]]).all()
        with pytest.warns(UserWarning, match="2 of 6 generated labels could not be read"):
            labels = model.predict_universal(X)
        assert labels["parsed"].tolist() == [True, False, False, True, True, True]
        own = "emotion" if model is emotions else "score"
        assert labels[own].notna().all()


@pytest.mark.parametrize("which", [0, 1])
def test_pickles_and_files_of_weights(learned, which, tmp_path):
    model = learned[which]
    X, _ = (make_emotions, make_scores)[which](5, seed=5)
    method = "predict_proba" if which == 0 else "predict"
    expected = getattr(model, method)(X)
    loaded = pickle.loads(pickle.dumps(model))
    np.testing.assert_allclose(getattr(loaded, method)(X), expected, atol=1e-6)
    model.save_weights(tmp_path / "unimse.safetensors")
    fresh = type(model)().load_weights(tmp_path / "unimse.safetensors")
    np.testing.assert_allclose(getattr(fresh, method)(X), expected, atol=1e-6)
    pd.testing.assert_frame_equal(fresh.predict_universal(X), model.predict_universal(X))
    pd.testing.assert_frame_equal(fresh.transform(X), model.transform(X))


class TestLeakage:
    def test_the_labeler_sees_the_samples_of_fit_only(self, monkeypatch):
        """Fails if a test row is ever among the samples that lend."""
        seen = []
        real = labeler.UniversalLabeler.fit

        def spy(self, X, y, *args, **kwargs):
            seen.extend(X)
            return real(self, X, y, *args, **kwargs)

        monkeypatch.setattr(labeler.UniversalLabeler, "fit", spy)
        X, y = make_emotions(16, signals=False)
        X["text"] = [f"{text} number{i}" for i, text in enumerate(X["text"])]
        train, test = list(range(10)), list(range(10, 16))
        model = classifier().fit(X.iloc[train], y[train])
        assert set(seen) == set(X["text"].iloc[train])
        model.predict(X.iloc[test])
        model.predict_universal(X.iloc[test])
        assert not set(seen) & set(X["text"].iloc[test])

    def test_samples_held_out_for_early_stopping_lend_nothing(self, monkeypatch):
        lent = []
        real = base.complete_labels

        def spy(corpora, train, used, *args):
            lent.append((set(train.tolist()), set(used.tolist())))
            return real(corpora, train, used, *args)

        monkeypatch.setattr(base, "complete_labels", spy)
        X, y = make_emotions(20)
        groups = np.arange(20) // 2
        model = classifier(validation_fraction=0.2).fit(
            X, y, groups=groups, aux=(make_scores(20)[0], make_scores(20)[1])
        )
        train, used = lent[0]
        assert used == set(range(40)) and len(train) == 32 and model.grouped_
        held_out = sorted(used - train)
        assert sum(row < 20 for row in held_out) == 4, "each corpus gives its part"
        whole = {groups[row] for row in held_out if row < 20}
        assert all({2 * group, 2 * group + 1} <= set(held_out) for group in whole)

    def test_a_frozen_labeler_repeats_the_published_look_up(self):
        X, y = make_emotions(8, signals=False)
        scored, scores = make_scores(8)
        everywhere = UniversalLabeler().fit([*X["text"], *scored["text"]], [*y, *scores.tolist()])
        before = everywhere.lenders_.copy()
        classifier(labeler=FrozenEstimator(everywhere)).fit(X, y)
        pd.testing.assert_frame_equal(everywhere.lenders_, before)
        own = UniversalLabeler()
        classifier(labeler=own).fit(X, y)
        assert not hasattr(own, "lenders_")

    def test_polarities_are_not_read_in_prediction(self):
        X, y = make_emotions(8)
        X["text__polarity"] = np.where(y == "joy", "positive", "negative")
        model = classifier(polarity_column="polarity").fit(X, y)
        turned = X.assign(text__polarity="nonsense")
        np.testing.assert_array_equal(model.predict_proba(turned), model.predict_proba(X))
        bare = X.drop(columns="text__polarity")
        np.testing.assert_array_equal(model.predict_proba(bare), model.predict_proba(X))
        assert list(model.feature_names_in_) == list(bare)

    @pytest.mark.parametrize("which", [0, 1])
    def test_one_corpus_with_polarities_is_enough(self, which):
        corpora = [make_emotions(8, signals=False), make_scores(8)]
        with_words = [
            (X.assign(polarity="neutral") if i == which else X, y)
            for i, (X, y) in enumerate(corpora)
        ]
        (X, y), other = with_words
        model = classifier(polarity_column="polarity").fit(X, y, aux=other)
        assert model.predict(X).shape == (8,)


class TestLabels:
    def fields(self, model, X, y, **kwargs):
        kept = []
        real = base.make_plan
        try:
            base.make_plan = lambda *args, **more: kept.append(args[1]) or real(*args, **more)
            model.fit(X, y, **kwargs)
        finally:
            base.make_plan = real
        return kept[0]

    def test_what_is_written_for_each_corpus(self):
        X, y = make_emotions(4, signals=False)
        scored, scores = make_scores(4)
        fields = self.fields(classifier(), X, y, aux=(scored, scores))
        assert all(len(each) == 3 for each in fields)
        assert [each[2] for each in fields[:4]] == y.tolist()
        assert [float(each[1]) for each in fields[4:]] == scores.tolist()
        assert {each[2] for each in fields[4:]} <= {"joy", "sadness", "neutral"}

    def test_without_universal_labels_each_writes_its_own(self):
        X, y = make_emotions(4, signals=False)
        scored, scores = make_scores(4)
        for model, first, second in (
            (classifier, (X, y), (scored, scores)),
            (regressor, (scored, scores), (X, y)),
        ):
            fitted = model(use_universal_labels=False)
            fields = self.fields(fitted, *first, aux=second)
            assert fields == [
                (label if isinstance(label, str) else f"{label:.1f}",)
                for label in [*first[1], *second[1]]
            ]
            assert len(fitted.predict(first[0])) == 4
            assert len(fitted.set_params(decode="generate").predict(first[0])) == 4

    def test_four_fields_hold_the_emotions_of_two_corpora(self):
        X, y = make_emotions(6, signals=False)
        other = np.where(y == "joy", "excited", "frustrated")
        scored, scores = make_scores(6)
        model = classifier(label_fields=4)
        fields = self.fields(model, X, y, aux=[(X, other), (scored, scores)])
        assert [each[2] for each in fields[:6]] == y.tolist()
        assert [each[3] for each in fields[6:12]] == other.tolist()
        assert {each[3] for each in fields[:6]} == {"excited", "frustrated"}
        assert set(model.predict(X)) <= {"joy", "sadness"}
        with pytest.raises(ValueError, match=r"label_fields=4 .* there are 1 corpora of emotions"):
            classifier(label_fields=4).fit(X, y, aux=(scored, scores))

    def test_numbers_as_classes(self):
        X, y = make_emotions(8, signals=False)
        model = classifier(polarity_map={"0": "negative", "1": "positive"}).fit(X, (y == "joy") * 1)
        assert model.classes_.tolist() == [0, 1] and set(model.predict(X)) <= {0, 1}


class TestModalities:
    def test_audio_and_video_matter_only_where_they_are_used(self):
        X, y = make_emotions(8)
        other = X.assign(audio__frames=object_column([c + 3 for c in X["audio__frames"]], X.index))
        for settings, names in (
            ({}, ["text", "audio", "face"]),
            ({"use_audio": False}, ["text", "face"]),
            ({"use_video": False, "use_audio": False}, ["text"]),
        ):
            model = classifier(**settings).fit(X, y)
            assert model.modalities_ == names
            same = np.allclose(model.predict_proba(X), model.predict_proba(other), atol=1e-7)
            assert same == ("audio" not in names)
        model = classifier(use_pmf=False).fit(X, y)
        np.testing.assert_allclose(model.predict_proba(X), model.predict_proba(other), atol=1e-7)

    def test_missing_signals_texts_and_columns(self):
        X, y = make_emotions(8)
        holed = X.copy()
        holed["audio__frames"] = object_column([None, *X["audio__frames"][1:]], X.index)
        holed["text"] = object_column([X["text"][0], None, *X["text"][2:]], X.index)
        model = classifier().fit(holed, y)
        assert np.isfinite(model.predict_proba(holed)).all()
        lost = pd.DataFrame({name: [None] for name in X}, index=[9], dtype=object)
        with pytest.warns(UserWarning, match="no frames in any modality"):
            proba = model.predict_proba(pd.concat([X, lost]))
        np.testing.assert_allclose(proba[-1], model.class_prior_, atol=1e-6)

    def test_an_auxiliary_corpus_brings_a_signal_that_the_other_lacks(self):
        X, y = make_emotions(8, signals=False)
        scored, scores = make_scores(8, signals=True)
        model = classifier().fit(X, y, aux=(scored, scores))
        assert model.modalities_ == ["text", "audio", "face"]
        assert list(model.feature_names_in_) == ["text"]
        assert model.predict_proba(X).shape == (8, 2)

    def test_files_and_numbers(self, tmp_path):
        X, y = make_emotions(8)
        paths = [write_frames(c, tmp_path / f"{i}.npy") for i, c in enumerate(X["audio__frames"])]
        expected = classifier().fit(X, y).predict_proba(X)
        files = X.assign(audio__frames=paths)
        np.testing.assert_allclose(classifier().fit(files, y).predict_proba(files), expected)
        numbers = X[["text"]].assign(audio__f0=np.arange(8.0), audio__f1=1.0, face__smile=0.5)
        model = classifier().fit(numbers, y)
        assert model.n_dims_ == {"text": 2, "audio": 2, "face": 1}

    def test_long_signals_are_cut_or_thinned(self):
        X, y = make_emotions(8)
        model = classifier(max_audio=2, max_video=2).fit(X, y)
        cells = {"audio__frames": [], "face__frames": []}
        for _, row in X.iterrows():
            cells["audio__frames"].append(row["audio__frames"][:2])
            cells["face__frames"].append(row["face__frames"][[0, -1]])
        short = X.assign(**{n: object_column(c, X.index) for n, c in cells.items()})
        np.testing.assert_allclose(model.predict_proba(short), model.predict_proba(X), atol=1e-6)

    def test_media_that_nobody_reads_are_named(self):
        X, y = make_emotions(8)
        for other in ("video__frames", "video"):
            renamed = X.rename(columns={"face__frames": other})
            with pytest.warns(UserWarning, match=f"no column of .* 'face', .* column '{other}'"):
                classifier().fit(renamed, y)
            with warnings.catch_warnings(record=True) as said:
                warnings.simplefilter("always")
                classifier(use_video=False).fit(renamed, y)
                classifier(video="video").fit(renamed, y)
                classifier().fit(X.assign(mood="fine"), y)
            assert not any("nobody reads" in str(each.message) for each in said)

    def test_other_names(self):
        X, y = make_emotions(8)
        renamed = X.rename(columns={"text": "words", "audio__frames": "voice__frames"})
        model = classifier(text="words", audio="voice").fit(renamed, y)
        assert model.modalities_ == ["text", "voice", "face"]


class TestDialogues:
    def test_neighbors_are_read_and_others_are_not(self):
        X, y = make_emotions(8, signals=False)
        X["dialogue"] = ["a"] * 4 + ["b"] * 4
        model = classifier(context_mode="plain").fit(X, y)
        changed = X.copy()
        changed.loc[3, "text"] = "something awful awful"
        before, after = model.predict_proba(X), model.predict_proba(changed)
        differs = ~np.isclose(before, after, atol=1e-7).all(axis=1)
        assert differs.tolist() == [False, True, True, True] + [False] * 4
        alone = classifier(context_before=0, context_after=0).fit(X, y)
        differs = ~np.isclose(alone.predict_proba(X), alone.predict_proba(changed), atol=1e-7).all(
            1
        )
        assert differs.tolist() == [False] * 3 + [True] + [False] * 4

    def test_a_corpus_without_dialogues(self):
        X, y = make_emotions(8, signals=False)
        message = r"dialogue_column='dialogue' is no column of X.*without dialogues is read"
        with pytest.raises(ValueError, match=message):
            classifier(dialogue_column="dialogue").fit(X, y)
        within = X.assign(dialogue="a")
        model = classifier(dialogue_column="dialogue").fit(within, y, aux=make_scores(8))
        with pytest.raises(ValueError, match=message):
            model._read_part(X, reset=False, must=True, main=False)

    def test_dialogues_are_kept_together_when_samples_are_held_out(self):
        X, y = make_emotions(20, signals=False)
        X["dialogue"] = np.repeat([*"abcde"], 4)
        model = classifier(validation_fraction=0.2).fit(X, y)
        assert model.grouped_
        assert len(model.history_) == 1 and "valid_loss" in model.history_[0]

    def test_cross_validation_by_dialogue(self):
        X, y = make_emotions(12, signals=False)
        X["dialogue"] = np.repeat([*"abcd"], 3)
        predicted = cross_val_predict(classifier(), X, y, groups=X["dialogue"], cv=GroupKFold(2))
        assert set(predicted) <= {"joy", "sadness"}


class TestTraining:
    def test_weights_of_samples_seeds_and_groups_seen(self):
        X, y = make_emotions(12, signals=False)
        X = with_groups(X.assign(speaker=[f"s{i % 3}" for i in range(12)]))
        scored, scores = make_scores(8)
        scored = with_groups(scored.assign(speaker="film"))
        one, same, other = (
            classifier(random_state=seed).fit(X, y, aux=(scored, scores)) for seed in (0, 0, 1)
        )
        np.testing.assert_array_equal(one.predict_proba(X), same.predict_proba(X))
        assert not np.allclose(one.predict_proba(X), other.predict_proba(X))
        assert one.seen_groups_ == ["s0", "s1", "s2", "film"]
        weight = np.where(y == "joy", 1.0, 0.0)
        weighted = classifier().fit(X, y, sample_weight=weight, aux=(scored, scores))
        np.testing.assert_allclose(weighted.class_prior_, [1.0, 0.0])
        balanced = classifier(class_weight={"joy": 3.0, "sadness": 1.0}).fit(X, y)
        np.testing.assert_allclose(balanced.class_prior_, [0.75, 0.25])

    def test_the_same_in_every_process(self):
        """Vocabularies do not follow the order of sets, which each process draws anew."""
        code = (
            "from tests.neural._unimse.unimse_tables import FAST, make_emotions; "
            "from emoest.neural import UniMSEClassifier; "
            "names = ['joy', 'fear', 'anger', 'calm'] * 2; "
            "model = UniMSEClassifier(**{**FAST, 'max_epochs': 1}); "
            "model.fit(make_emotions(8, signals=False)[0], names); "
            "print(model._tokenizer_json[0])"
        )
        said = [
            subprocess.run(
                [sys.executable, "-c", code],
                env={**os.environ, "PYTHONHASHSEED": seed},
                capture_output=True,
                text=True,
                check=True,
            ).stdout
            for seed in ("1", "2")
        ]
        assert said[0] == said[1]

    def test_contrastive_epochs_before_training(self):
        X, y = make_emotions(8)
        plain, before = (classifier(pretrain=n).fit(X, y) for n in (0, 2))
        assert len(before.history_) == 1
        assert not np.allclose(plain.predict_proba(X), before.predict_proba(X))
        alone = classifier(pretrain=2, alpha=0, beta=0).fit(X, y)
        assert not list(alone.net_.module_.anchors)

    def test_learning_rates_of_the_parts(self):
        X, y = make_emotions(8)
        model = classifier(lr=0.001, lr_t5=0.002, lr_pmf=0.003).fit(X, y)
        rates = {group["lr"]: len(group["params"]) for group in model.net_.optimizer_.param_groups}
        assert set(rates) == {0.001, 0.002, 0.003} and rates[0.003] == 2 * 6

    def test_warm_start_goes_on(self):
        X, y = make_emotions(8)
        model = classifier(warm_start=True).fit(X, y)
        first = model.predict_proba(X)
        again = model.fit(X, y).predict_proba(X)
        assert not np.allclose(first, again)
        with pytest.raises(ValueError, match="classes were"):
            model.fit(X, np.where(y == "joy", "joy", "fear"))
        with pytest.raises(ValueError, match="bottleneck was 8 and is 4"):
            model.set_params(bottleneck=4).fit(X, y)

    @pytest.mark.parametrize("scores", [[1.0, -3.0], [2.0, -1.0, 3.0, -2.0], [2.0, 1.0]])
    def test_a_warm_start_with_other_scores(self, scores):
        X, _ = make_scores(8)
        model = regressor(warm_start=True).fit(X, [2.0, -1.0] * 4)
        before = model.predict(X)
        with pytest.raises(ValueError, match=r"warm_start=True goes on .* chose from 2 strings"):
            model.fit(X, (scores * 4)[:8])
        np.testing.assert_array_equal(model.predict(X), before)
        assert np.abs(model.fit(X, [2.0, -1.0] * 4).predict(X)).max() <= 2

    def test_it_works_in_searches(self):
        X, y = make_emotions(8, signals=False)
        search = GridSearchCV(classifier(), {"alpha": [0.0, 0.5]}, cv=2).fit(X, y)
        assert len(search.predict(X)) == 8
        assert clone(search.best_estimator_).get_params()["model"] == "tiny"


class TestBadInput:
    @pytest.mark.parametrize("score", [3.5, -4.0])
    def test_scores_of_another_scale(self, score):
        X, y = make_scores(8)
        y[3] = score
        with pytest.raises(ValueError, match=r"outside of \[-3, 3\].* in row 3"):
            regressor().fit(X, y)
        felt, emotions = make_emotions(8)
        with pytest.raises(ValueError, match=r"outside of \[-3, 3\]"):
            classifier().fit(felt, emotions, aux=(X, y))

    def test_polarities(self):
        X, y = make_emotions(8, signals=False)
        wrong = X.assign(polarity=["positive"] * 7 + ["good"])
        with pytest.raises(ValueError, match=r"none of 'negative'.*'good' in row 7"):
            classifier(polarity_column="polarity").fit(wrong, y)
        with pytest.raises(ValueError, match="polarity_column='polarity' is no column"):
            classifier(polarity_column="polarity").fit(X, y)
        with pytest.raises(ValueError, match="no column of X and of no auxiliary corpus"):
            classifier(polarity_column="polarity").fit(X, y, aux=(X, y))

    def test_a_labeler_beside_a_map_for_one(self):
        X, y = make_emotions(8, signals=False)
        given = {"labeler": UniversalLabeler(), "polarity_map": {"joy": "neutral"}}
        with pytest.raises(ValueError, match="both are given"):
            classifier(**given).fit(X, y)

    def test_texts(self):
        X, y = make_emotions(8)
        with pytest.raises(ValueError, match="needs one column of texts of the modality 'text'"):
            classifier().fit(X.drop(columns="text"), y)
        with pytest.raises(ValueError, match=r"row 2, column 'text': int '7' is no text"):
            classifier().fit(
                X.assign(text=object_column([*X["text"][:2], 7, *X["text"][3:]], X.index)), y
            )
        with pytest.warns(UserWarning, match=r"8 text\(s\) have more than 3 tokens"):
            classifier(max_length=8).fit(X, y)
        with pytest.raises(ValueError, match="leaves none for the text"):
            classifier(max_length=8, prefix="a long prefix that has many words ").fit(X, y)

    def test_frames(self):
        X, y = make_emotions(8)
        holed = X["audio__frames"][3].copy()
        holed[1, 2] = np.nan
        cells = [*X["audio__frames"][:3], holed, *X["audio__frames"][4:]]
        with pytest.raises(ValueError, match=r"row 3, column 'audio__frames': frame 1 .*NaN"):
            classifier().fit(X.assign(audio__frames=object_column(cells, X.index)), y)
        scored, scores = make_scores(8, signals=True)
        wide = [np.ones((2, 9), "float32")] * 8
        with pytest.raises(ValueError, match="have 5, 9 dimensions in different corpora"):
            classifier().fit(
                X, y, aux=(scored.assign(audio__frames=object_column(wide, X.index)), scores)
            )
        numbers = X[["text"]].assign(audio__f0=[np.nan, *range(7)], audio__f1=1.0)
        with pytest.raises(ValueError, match=r"1 row.* have NaN in some columns of the modality"):
            classifier().fit(numbers, y)

    def test_labels(self):
        X, y = make_emotions(8, signals=False)
        with pytest.raises(ValueError, match="at least two classes"):
            classifier().fit(X, ["joy"] * 8)
        with pytest.raises(ValueError, match="'JOY', 'joy' are one to the tokenizer"):
            classifier().fit(X, ["joy", "JOY"] * 4)
        with pytest.raises(ValueError, match="label 'joy, so much' holds a comma"):
            classifier().fit(X, ["joy, so much", "fear"] * 4)
        with pytest.raises(ValueError, match=r"aux takes a pair \(X, y\)"):
            classifier().fit(X, y, aux=[X, y])
