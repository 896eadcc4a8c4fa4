"""UniversalLabeler: polarity, score and emotion of every sample, the missing part borrowed."""

from collections.abc import Sequence
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.base import BaseEstimator, clone
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.preprocessing import normalize
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from emoest.media.items import as_table
from emoest.neural._unimse.polarity import (
    check_polarities,
    check_scores,
    polarity_of_emotions,
    polarity_of_scores,
)
from emoest.tables.cells import is_missing, object_column
from emoest.utils._sklearn import HasMethods, Interval, StrOptions, fit_context
from emoest.utils.messages import listed
from emoest.utils.typing import Array, Mask, Rows

_CHUNK = 1024


class UniversalLabeler(BaseEstimator):
    """Complete labels of sentiment and of emotion to one label of both.

    A universal label is a polarity, a score between -3 and 3 and an emotion. A corpus of sentiment
    has no emotions and one of emotions has no scores; what is missing is borrowed from the training
    sample of the other kind that has the same polarity and the most similar text.

    Parameters
    ----------
    similarity : "tfidf" or transformer, default="tfidf"
        What turns texts into vectors, whose cosine tells how similar they are: ``"tfidf"`` (words
        and pairs of words, fitted on the texts of ``fit``), or an estimator such as
        ``SBERTEmbedder()``, which is cloned.
    polarity_map : dict of str to str, default=None
        Polarity (``"positive"``, ``"neutral"``, ``"negative"``) of emotions by name; the others
        have their usual one, surprise is negative and calm is neutral.
    neutral_score : float, default=0.0
        Score of neutral samples without one.

    Attributes
    ----------
    lenders_ : DataFrame
        The samples of ``fit``: polarity, score, emotion and source.
    similarity_ : transformer
        What was fitted on their texts.

    Raises
    ------
    ValueError
        If a score is outside of -3 to 3, a polarity is an unknown word, or a label is missing.

    Notes
    -----
    Only samples of ``fit`` lend. The script that UniMSE was published with looks among the samples
    of all splits, so that training targets can be copied from test labels; to repeat that, fit on
    all samples and say that it leaks. Neutral samples, and those for which no sample of their
    polarity can lend, get constants: `neutral_score` and the emotion ``"neutral"``. Among equally
    similar texts the first in ``fit`` lends.

    References
    ----------
    G. Hu, T.-E. Lin, Y. Zhao, G. Lu, Y. Wu, Y. Li (2022). UniMSE: towards unified multimodal
    sentiment analysis and emotion recognition. EMNLP.

    Examples
    --------
    >>> texts = ["a lovely film", "a dreadful film", "what a lovely day", "it was dreadful"]
    >>> labels = [2.4, -1.8, "joy", "sadness"]
    >>> labeler = UniversalLabeler().fit(texts, labels)
    >>> labeler.complete(texts, labels)[["polarity", "score", "emotion"]].values.tolist()
    [['positive', 2.4, 'joy'], ['negative', -1.8, 'sadness'], ['positive', 2.4, 'joy'], \
['negative', -1.8, 'sadness']]
    """

    _parameter_constraints: dict = {
        "similarity": [StrOptions({"tfidf"}), HasMethods(["fit", "transform"])],
        "polarity_map": [dict, None],
        "neutral_score": [Interval(Real, -3, 3, closed="both")],
    }

    def __init__(
        self,
        similarity: Any = "tfidf",
        *,
        polarity_map: dict[str, str] | None = None,
        neutral_score: float = 0.0,
    ):
        self.similarity = similarity
        self.polarity_map = polarity_map
        self.neutral_score = neutral_score

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any, polarity: Any = None, source: Any = None) -> "UniversalLabeler":
        """Keep the samples that lend, and fit the similarity on their texts.

        Parameters
        ----------
        X : DataFrame of one column, Series or list of shape (n_samples,)
            Texts; None counts as an empty one.
        y : array-like of shape (n_samples,)
            The label of each sample: a number is a score, a text is an emotion.
        polarity : array-like of shape (n_samples,), default=None
            ``"positive"``, ``"neutral"`` or ``"negative"``; None for all, or in single places,
            derives it from the sign of the score, or from the emotion.
        source : array-like of shape (n_samples,), default=None
            Name of each sample's corpus.

        Returns
        -------
        self : UniversalLabeler
        """
        texts, known = self._read(X, y, polarity, source)
        self.lenders_ = known
        words = TfidfVectorizer(ngram_range=(1, 2), token_pattern=r"(?u)\b\w+\b")
        self.similarity_ = words if isinstance(self.similarity, str) else clone(self.similarity)
        try:
            self.similarity_.fit(texts)
            self._vectors = self._embed(texts)
        except ValueError as error:
            if "empty vocabulary" not in str(error):
                raise
            raise ValueError("The texts hold no words, so none is similar to another.") from error
        return self

    def complete(self, X: Any, y: Any, polarity: Any = None, source: Any = None) -> pd.DataFrame:
        """Complete the labels of samples, of ``fit`` or others.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_samples, n_columns)
            As in ``fit``, like the others.
        y, polarity, source : array-like of shape (n_samples,), default=None
            Labels, their polarities, and the corpora they come from.

        Returns
        -------
        labels : DataFrame of shape (n_samples, 5)
            ``polarity``, ``score`` and ``emotion``, on the index of X, and ``score_from`` and
            ``emotion_from``: the position in ``fit`` of the sample that lent it, -1 if none did.
        """
        check_is_fitted(self)
        texts, labels = self._read(X, y, polarity, source)
        vectors = self._embed(texts)
        for part, constant in (("score", self.neutral_score), ("emotion", "neutral")):
            lacking = labels[part].isna().to_numpy()
            lends = self.lenders_[part].notna().to_numpy()
            borrowed = self._nearest(vectors, labels["polarity"], lacking, lends)
            labels[f"{part}_from"] = borrowed
            lent = self.lenders_[part].to_numpy()[borrowed]
            labels.loc[lacking & (borrowed < 0), part] = constant
            labels.loc[borrowed >= 0, part] = lent[borrowed >= 0]
        labels["score"] = labels["score"].astype(np.float64)
        return labels.drop(columns="source")

    def emotions_of(
        self, source: Any, X: Any, y: Any, polarity: Any = None, sources: Any = None
    ) -> Array:
        """Return the emotion that each sample has, or borrows, in one corpus of emotions.

        Parameters
        ----------
        source : object
            Name of the corpus, as in the parameter of ``fit``.
        X : DataFrame or array-like of shape (n_samples, n_columns)
            As in ``fit``, like the others.
        y, polarity : array-like of shape (n_samples,), default=None
            Labels and their polarities.
        sources : array-like of shape (n_samples,), default=None
            Corpora of the samples.

        Returns
        -------
        emotions : ndarray of shape (n_samples,)

        Raises
        ------
        ValueError
            If no sample of ``fit`` has an emotion of that corpus.
        """
        check_is_fitted(self)
        texts, labels = self._read(X, y, polarity, sources)
        own = labels["emotion"].notna() & (labels["source"] == source)
        lends = (self.lenders_["emotion"].notna() & (self.lenders_["source"] == source)).to_numpy()
        if not lends.any():
            raise ValueError(
                f"No sample of fit has an emotion of the corpus {source!r}, so none can lend one. "
                "Give the corpora of the samples to fit, source=."
            )
        borrowed = self._nearest(self._embed(texts), labels["polarity"], ~own.to_numpy(), lends)
        lent = self.lenders_["emotion"].to_numpy()[borrowed]
        emotions = np.where(own, labels["emotion"], np.where(borrowed >= 0, lent, "neutral"))
        return np.asarray(emotions, dtype=object)

    def _nearest(self, vectors: Any, polarity: Any, lacking: Mask, lends: Mask) -> Rows:
        """Find the most similar lender of the same polarity, positive or negative; -1 for none."""
        found = np.full(len(lacking), -1, dtype=np.intp)
        for word in ("positive", "negative"):
            pool = np.flatnonzero(lends & (self.lenders_["polarity"] == word).to_numpy())
            rows = np.flatnonzero(lacking & (np.asarray(polarity) == word))
            if not len(pool):
                continue
            for start in range(0, len(rows), _CHUNK):
                chunk = rows[start : start + _CHUNK]
                cosine = vectors[chunk] @ self._vectors[pool].T
                cosine = cosine.toarray() if sparse.issparse(cosine) else np.asarray(cosine)
                found[chunk] = pool[cosine.argmax(axis=1)]
        return found

    def _embed(self, texts: list[str]) -> Any:
        vectors = self.similarity_.transform(texts)
        if isinstance(vectors, pd.DataFrame):
            # What no embedder says anything about is similar to nothing.
            vectors = np.nan_to_num(vectors.to_numpy(dtype=np.float64))
        return normalize(vectors)

    def _read(self, X: Any, y: Any, polarity: Any, source: Any) -> tuple[list[str], pd.DataFrame]:
        """Texts, and a table of polarity, score (NaN), emotion (None) and source."""
        table = as_table(X)
        if table.shape[1] != 1:
            raise ValueError(
                f"X needs one column of texts, it has {listed(table.columns, quoted=True)}."
            )
        cells, rows = list(table.iloc[:, 0]), list(table.index)
        y = list(y)
        check_consistent_length(cells, y, polarity, source)
        score, emotion = _split_labels(y, rows)
        given = [None] * len(y) if polarity is None else list(polarity)
        words = check_polarities(given, rows)
        labels = pd.DataFrame({"score": score}, index=table.index)
        labels["emotion"] = object_column(emotion, table.index)
        labels["source"] = object_column(
            [None] * len(y) if source is None else list(source), table.index
        )
        labels.insert(0, "polarity", self._polarities(words, score, emotion))
        return ["" if is_missing(cell) else str(cell) for cell in cells], labels

    def _polarities(
        self, given: Sequence[str | None], score: Array, emotion: list[str | None]
    ) -> list[str]:
        open_words = [e for word, e in zip(given, emotion, strict=True) if word is None and e]
        known = dict(
            zip(open_words, polarity_of_emotions(open_words, self.polarity_map), strict=True)
        )
        signs = polarity_of_scores(np.nan_to_num(score))
        parts = zip(given, emotion, signs, strict=True)
        return [word or (sign if own is None else known[own]) for word, own, sign in parts]


def _split_labels(y: list[Any], rows: list[Any]) -> tuple[Array, list[str | None]]:
    """Scores (NaN for emotions) and emotions (None for scores)."""
    missing = [row for row, label in zip(rows, y, strict=True) if is_missing(label)]
    if missing:
        raise ValueError(
            f"{len(missing)} row(s) have no label, for example {listed(missing, quoted=True)}. "
            "Leave them out."
        )
    emotion = [str(label) if isinstance(label, str) else None for label in y]
    score = np.array([np.nan if isinstance(label, str) else float(label) for label in y])
    scored = [i for i, word in enumerate(emotion) if word is None]
    check_scores(score[scored], [rows[i] for i in scored])
    return score, emotion
