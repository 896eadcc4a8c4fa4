import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.pipeline import make_pipeline

from emoest.validity import CorruptModality, ModalityDropout, ModalityImputer


@pytest.fixture
def X(rng):
    columns = ["audio__a", "audio__b", "text__c", "speaker"]
    frame = pd.DataFrame(rng.normal(size=(500, 4)), columns=columns)
    return frame.assign(speaker=[f"s{i % 5}" for i in range(500)])[
        ["speaker", *columns[:3]]
    ].set_index(np.arange(500) + 100)


def missing(X, name):
    return X.filter(like=f"{name}__").isna().all(axis=1)


def test_dropout_drops_in_fit_transform_only(X):
    dropout = ModalityDropout(p=0.3, random_state=0)
    output = dropout.fit_transform(X)
    assert list(output) == ["audio__a", "audio__b", "text__c", "speaker"]
    assert list(dropout.get_feature_names_out()) == list(output)
    assert output.index.equals(X.index)
    for name in ("audio", "text"):
        assert missing(output, name).mean() == pytest.approx(0.3, abs=0.06)
    assert not (missing(output, "audio") & missing(output, "text")).any()
    assert output["audio__a"].isna().equals(output["audio__b"].isna())
    assert dropout.transform(X).notna().all(axis=None)


def test_dropout_by_name_and_without_keeping_one(X):
    output = ModalityDropout(p={"audio": 0.5}, keep_one=False, random_state=0).fit_transform(X)
    assert not missing(output, "text").any()
    everything = ModalityDropout(p=1.0, keep_one=False).fit_transform(X)
    assert everything.drop(columns="speaker").isna().all(axis=None)


def test_dropout_in_a_pipeline_augments_training(X):
    model = make_pipeline(ModalityDropout(p=1.0, random_state=0), ModalityImputer())
    model.set_output(transform="pandas").fit(X)
    assert model.transform(X)["text__c"].equals(X["text__c"])
    seen = X.loc[model[0].fit_transform(X)["text__c"].notna(), "text__c"]
    assert 0 < len(seen) < len(X)
    assert model[1].statistics_[2] == pytest.approx(seen.mean())


def test_dropout_is_drawn_from_its_seed(X):
    dropout = ModalityDropout(random_state=4)
    pd.testing.assert_frame_equal(dropout.fit_transform(X), clone(dropout).fit_transform(X))
    other = ModalityDropout(random_state=5).fit_transform(X)
    assert not other.equals(dropout.fit_transform(X))


@pytest.mark.parametrize(
    ("p", "message"),
    [({"eeg": 0.1}, "p names 'eeg', which is no modality"), ({"text": 1.5}, r"\{'text': 1.5\}")],
)
def test_dropout_bad_chances(X, p, message):
    for call in ("fit", "fit_transform"):
        with pytest.raises(ValueError, match=message):
            getattr(ModalityDropout(p=p), call)(X)


@pytest.mark.parametrize(
    ("when", "in_training", "at_prediction"),
    [("predict", False, True), ("fit", True, False), ("always", True, True)],
)
def test_corruption_happens_when_asked(X, when, in_training, at_prediction):
    corrupt = CorruptModality("text", kind="zeros", when=when, random_state=0)
    training = corrupt.fit_transform(X)
    prediction = corrupt.transform(X)
    assert (training["text__c"] == 0).all() == in_training
    assert (prediction["text__c"] == 0).all() == at_prediction
    pd.testing.assert_frame_equal(training.filter(like="audio"), X.filter(like="audio"))


def test_corruption_uses_training_moments(X):
    corrupt = CorruptModality("audio", kind="mean").fit(X)
    output = corrupt.transform(X.iloc[:10])
    np.testing.assert_allclose(output["audio__a"], X["audio__a"].mean())
    assert list(corrupt.get_feature_names_out()) == list(output)


def test_corruption_of_a_share_of_each_modality(X):
    corrupt = CorruptModality(kind="nan", fraction=0.4, random_state=0).fit(X)
    output = corrupt.transform(X)
    assert missing(output, "audio").sum() == missing(output, "text").sum() == 200
    assert not missing(output, "audio").equals(missing(output, "text"))
    pd.testing.assert_frame_equal(output, corrupt.transform(X))


def test_unknown_modality_is_named(X):
    with pytest.raises(ValueError, match="modality names 'eeg', which is no modality of X"):
        CorruptModality(["text", "eeg"]).fit(X)
