import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, cross_val_score, cross_validate
from sklearn.pipeline import make_pipeline

from emoest.normalization import SpeakerZScoreNormalizer, ZScoreNormalizer
from emoest.utils import with_groups

NUMBERS = ["audio__f_0", "audio__f_1", "text__f_0"]


def table(speakers, seed=0):
    generator = np.random.RandomState(seed)
    offset = np.array([hash_of(s) for s in speakers])[:, None]
    values = generator.normal(size=(len(speakers), 3)) * (1 + offset) + 10 * offset
    X = pd.DataFrame(values, columns=NUMBERS, index=[f"row{seed}-{i}" for i in range(len(values))])
    return X.assign(speaker=speakers)


def hash_of(speaker):
    return float(sum(map(ord, speaker)) % 7)


@pytest.fixture
def train():
    X = table(["ann", "bob", "cyd"] * 5)
    X.iloc[0, :2] = np.nan
    X.iloc[4, 1] = np.nan
    return X


@pytest.fixture
def new():
    return table(["dan"] * 4 + ["eve"] * 3 + ["bob"] * 2, seed=1)


def own(X):
    return (X - X.mean()) / X.std(ddof=0)


def test_each_training_speaker_by_his_own_rows(train):
    Z = SpeakerZScoreNormalizer(group_column="speaker").fit_transform(train)
    for speaker, rows in train.groupby("speaker"):
        mine = Z.loc[rows.index, NUMBERS]
        pd.testing.assert_frame_equal(mine, own(rows[NUMBERS]))
        assert (Z.loc[rows.index, "speaker"] == speaker).all()
    assert Z.iloc[0, :2].isna().all()


def test_unseen_speakers(train, new):
    transformed = {
        unseen: SpeakerZScoreNormalizer(unseen, group_column="speaker").fit(train).transform(new)
        for unseen in ("own", "global")
    }
    dan, bob = slice(0, 4), slice(7, 9)
    pd.testing.assert_frame_equal(transformed["own"].iloc[dan, :3], own(new[NUMBERS].iloc[dan]))
    mean, std = train[NUMBERS].mean(), train[NUMBERS].std(ddof=0)
    expected = (new[NUMBERS].iloc[:7] - mean) / std
    pd.testing.assert_frame_equal(transformed["global"].iloc[:7, :3], expected)
    his = train.loc[train["speaker"] == "bob", NUMBERS]
    for Z in transformed.values():
        expected = (new[NUMBERS].iloc[bob] - his.mean()) / his.std(ddof=0)
        pd.testing.assert_frame_equal(Z.iloc[bob, :3], expected)
    with pytest.raises(ValueError, match=r"2 of the speakers were not in fit: 'dan', 'eve'"):
        SpeakerZScoreNormalizer("raise", group_column="speaker").fit(train).transform(new)


def test_only_a_speakers_own_rows_count(train, new):
    """Labels and other speakers of a test fold change nothing."""
    normalizer = SpeakerZScoreNormalizer(group_column="speaker")
    dan = new.iloc[:4]
    expected = normalizer.fit(train, y=["x"] * 15).transform(dan)
    pd.testing.assert_frame_equal(normalizer.fit(train).transform(new).iloc[:4], expected)
    others = new.copy()
    others.iloc[4:, :3] *= 1000
    pd.testing.assert_frame_equal(normalizer.transform(others).iloc[:4], expected)
    shuffled = new.sample(frac=1, random_state=3)
    pd.testing.assert_frame_equal(
        normalizer.transform(shuffled).loc[dan.index], expected, check_exact=False
    )


def test_few_rows_fall_back_to_all_training_rows(train, new):
    normalizer = SpeakerZScoreNormalizer(group_column="speaker", min_rows=4).fit(train)
    Z = normalizer.transform(new)
    overall = ZScoreNormalizer().fit(train).transform(new)
    pd.testing.assert_frame_equal(Z.iloc[4:7], overall.iloc[4:7])
    pd.testing.assert_frame_equal(Z.iloc[:4, :3], own(new[NUMBERS].iloc[:4]))
    ann = normalizer.groups_.tolist().index("ann")
    assert normalizer.group_mean_[ann, 0] == train.loc[train["speaker"] == "ann", NUMBERS[0]].mean()
    stricter = SpeakerZScoreNormalizer(group_column="speaker", min_rows=5).fit(train)
    np.testing.assert_array_equal(stricter.group_mean_[ann, :2], stricter.mean_[:2])


def test_groups_come_from_argument_then_column_then_index(train):
    blocks = np.repeat(["ann", "bob", "cyd"], 5)
    column = SpeakerZScoreNormalizer(group_column="speaker").fit_transform(train)
    indexed = SpeakerZScoreNormalizer().fit_transform(with_groups(train))
    np.testing.assert_array_equal(indexed[NUMBERS], column[NUMBERS])
    array = SpeakerZScoreNormalizer().fit_transform(train[NUMBERS].to_numpy(), groups=train.speaker)
    np.testing.assert_array_equal(array, column[NUMBERS])
    explicit = SpeakerZScoreNormalizer(group_column="speaker").fit_transform(train, groups=blocks)
    by_hand = SpeakerZScoreNormalizer(group_column="speaker").fit_transform(
        train.assign(speaker=blocks)
    )
    np.testing.assert_array_equal(explicit[NUMBERS], by_hand[NUMBERS])
    assert not np.array_equal(explicit[NUMBERS], column[NUMBERS], equal_nan=True)


def test_no_groups_is_said_and_global(train):
    with pytest.warns(UserWarning, match="found no groups") as caught:
        Z = SpeakerZScoreNormalizer().fit_transform(train)
    assert len(caught) == 1
    pd.testing.assert_frame_equal(Z, ZScoreNormalizer().fit_transform(train))
    fitted = SpeakerZScoreNormalizer().fit(train, groups=train["speaker"])
    with pytest.warns(UserWarning, match="found no groups"):
        Z = fitted.transform(train)
    pd.testing.assert_frame_equal(Z, ZScoreNormalizer().fit_transform(train))


def test_a_missing_group_is_nobody(train):
    holed = train.assign(speaker=train["speaker"].where(train["speaker"] != "cyd"))
    normalizer = SpeakerZScoreNormalizer(group_column="speaker").fit(holed)
    assert normalizer.groups_.tolist() == ["ann", "bob"]
    nobody = (train["speaker"] == "cyd").to_numpy()
    overall = ZScoreNormalizer().fit_transform(train)[NUMBERS]
    pd.testing.assert_frame_equal(normalizer.transform(holed).loc[nobody, NUMBERS], overall[nobody])


def test_weights_count_like_repetition(train):
    weight = np.arange(15) % 4
    weighted = SpeakerZScoreNormalizer(group_column="speaker").fit(train, sample_weight=weight)
    repeated = SpeakerZScoreNormalizer(group_column="speaker").fit(
        train.iloc[np.repeat(range(15), weight)]
    )
    order = [weighted.groups_.tolist().index(name) for name in repeated.groups_]
    np.testing.assert_allclose(weighted.group_mean_[order], repeated.group_mean_)
    np.testing.assert_allclose(weighted.group_scale_[order], repeated.group_scale_)


def test_refit_equals_fit_and_pickle(train, new):
    once = SpeakerZScoreNormalizer(group_column="speaker").fit(train).transform(new)
    again = SpeakerZScoreNormalizer(group_column="speaker").fit(new).fit(train)
    pd.testing.assert_frame_equal(again.transform(new), once)
    pd.testing.assert_frame_equal(pickle.loads(pickle.dumps(again)).transform(new), once)


def test_it_says_whether_it_is_transductive():
    assert SpeakerZScoreNormalizer()._emoest_transductive is True
    assert SpeakerZScoreNormalizer(unseen="global")._emoest_transductive is False


def stories():
    """Speakers whose offsets drown the signal that each shows against himself."""
    generator = np.random.RandomState(0)
    speakers = np.repeat([f"s{i}" for i in range(10)], 12)
    y = np.tile(["high", "low"], 60)
    offset = np.repeat(generator.normal(scale=30, size=10), 12)
    values = np.column_stack([(y == "high") * 2.0 + offset, generator.normal(size=120)])
    values += generator.normal(scale=0.5, size=values.shape)
    X = pd.DataFrame(values, columns=["audio__f0", "audio__rms"]).assign(speaker=speakers)
    return X, y


def test_speaker_offsets_are_removed_under_speaker_independent_folds():
    X, y = stories()
    X = with_groups(X)[["audio__f0", "audio__rms"]]
    groups = X.index.get_level_values("group")
    scores = {}
    for normalizer in (SpeakerZScoreNormalizer(), ZScoreNormalizer()):
        model = make_pipeline(normalizer, LogisticRegression()).set_output(transform="pandas")
        cv = GroupKFold(5)
        scores[type(normalizer).__name__] = cross_val_score(model, X, y, groups=groups, cv=cv)
    assert scores["SpeakerZScoreNormalizer"].mean() > 0.95
    assert scores["ZScoreNormalizer"].mean() < 0.7


def test_metadata_routing_brings_groups_to_fit_and_transform():
    X, y = stories()
    values = X[["audio__f0", "audio__rms"]]
    model = make_pipeline(SpeakerZScoreNormalizer(), LogisticRegression())
    with sklearn.config_context(enable_metadata_routing=True):
        fitted = model.fit(values, y, groups=X["speaker"])
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            result = cross_validate(
                model, values, y, params={"groups": X["speaker"]}, cv=GroupKFold(5)
            )
    assert sorted(fitted[0].groups_) == sorted(set(X["speaker"]))
    assert result["test_score"].mean() > 0.95


def test_labels_that_speakers_determine_are_said():
    X = pd.DataFrame(
        {"audio__f0": np.arange(48.0), "speaker": np.repeat([f"s{i}" for i in range(12)], 4)}
    )
    one_each = np.repeat(["sad", "glad", "angry", "calm"] * 3, 4)
    with pytest.warns(UserWarning, match="12 of 12 speakers have one label only.* below chance"):
        SpeakerZScoreNormalizer(group_column="speaker").fit(X, one_each)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        SpeakerZScoreNormalizer(group_column="speaker").fit(
            X, ["sad", "glad", "angry", "calm"] * 12
        )
        SpeakerZScoreNormalizer(group_column="speaker").fit(X, np.arange(48) / 7)
        SpeakerZScoreNormalizer(group_column="speaker").fit(X)
