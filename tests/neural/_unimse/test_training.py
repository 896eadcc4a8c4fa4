"""Fits of UniMSE's estimators, and input that they refuse."""

import os
import subprocess
import sys

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from emoest.neural import UniversalLabeler
from emoest.tables.cells import object_column
from emoest.utils import with_groups
from tests.neural._unimse.unimse_tables import (
    classifier,
    make_emotions,
    make_scores,
    regressor,
)

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


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
