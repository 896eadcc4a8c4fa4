import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.frozen import FrozenEstimator

from emoest.neural import UniMSEClassifier, UniMSERegressor, UniversalLabeler
from emoest.neural._unimse import base, labeler, outputs
from emoest.testing import cell_estimator_checks
from tests.neural._unimse.unimse_tables import (
    SMALL,
    classifier,
    make_emotions,
    make_scores,
    regressor,
)

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


def name_of(check):
    return check.__name__


@pytest.mark.parametrize("check", cell_estimator_checks(UniMSEClassifier(**SMALL)), ids=name_of)
def test_the_checks_of_tables_of_cells_hold_for_the_classifier(check):
    check(classifier(), *make_emotions(8))


@pytest.mark.parametrize("check", cell_estimator_checks(UniMSERegressor(**SMALL)), ids=name_of)
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

    def test_four_fields_of_a_labeler_that_knows_no_corpora(self):
        X, y = make_emotions(6, signals=False)
        everywhere = FrozenEstimator(UniversalLabeler().fit(X[["text"]], y))
        with pytest.raises(ValueError, match=r"No sample of fit has an emotion of the corpus 0"):
            classifier(label_fields=4, labeler=everywhere).fit(X, y, aux=(X, y))

    def test_numbers_as_classes(self):
        X, y = make_emotions(8, signals=False)
        model = classifier(polarity_map={"0": "negative", "1": "positive"}).fit(X, (y == "joy") * 1)
        assert model.classes_.tolist() == [0, 1] and set(model.predict(X)) <= {0, 1}
