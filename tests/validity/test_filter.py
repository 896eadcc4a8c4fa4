import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from emoest.utils import NotSpeakerIndependentWarning, with_groups
from emoest.validity import CCAValidityFilter
from tests.validity.block_tables import NAMES, of, speakers, to_frame


@pytest.mark.parametrize(("n_samples", "clean"), [(200, 0.05), (1500, 0.05)])
def test_permuted_modality_is_flagged_and_good_ones_are_not(generate, n_samples, clean):
    rng = np.random.default_rng(7)
    train, loadings = generate(n_samples, (80, 60, 40), rng)
    test, _ = generate(1000, (80, 60, 40), rng, loadings=loadings)
    check = CCAValidityFilter(fallback="none", random_state=0)
    check.fit(to_frame(train), groups=speakers(train[0]))
    flagged = 1 - check.predict_validity(to_frame(test)).mean()
    assert (flagged <= clean).all()
    permuted = [rng.permutation(test[0]), *test[1:]]
    flagged = 1 - check.predict_validity(to_frame(permuted)).mean()
    assert flagged["audio"] >= 0.90
    assert (flagged[["text", "face"]] <= 0.08).all()
    two = [rng.permutation(test[0]), rng.permutation(test[1]), test[2]]
    assert (1 - check.predict_validity(to_frame(two)).mean() > 0.9).all()


def test_rejected_blocks_become_nan_and_the_rest_stays(three):
    train, test = three
    check = CCAValidityFilter(random_state=0).fit(train, groups=speakers(train))
    broken = test.copy()
    broken.loc["r3", of(test, "text")] *= -1
    output = check.transform(broken)
    valid = check.predict_validity(broken)
    assert not valid.loc["r3", "text"]
    for name in NAMES:
        rejected = ~valid[name]
        assert output.loc[rejected, of(test, name)].isna().all(axis=None)
        pd.testing.assert_frame_equal(
            output.loc[~rejected, of(test, name)], broken.loc[~rejected, of(test, name)]
        )


@pytest.mark.parametrize("agreement", ["weighted_cosine", "cosine", "pmi"])
def test_every_agreement_finds_permuted_rows(three, rng, agreement):
    train, test = three
    check = CCAValidityFilter(agreement=agreement, n_components=10, random_state=0)
    check.fit(train, groups=speakers(train))
    broken = test.copy()
    broken[of(test, "face")] = rng.permutation(test[of(test, "face")])
    assert (~check.predict_validity(broken)["face"]).mean() > 0.85
    assert (~check.predict_validity(test)["face"]).mean() < 0.1


def test_thresholds_are_quantiles_of_held_out_scores_or_given(three):
    train, _ = three
    groups = speakers(train)
    check = CCAValidityFilter(alpha=0.1, random_state=0).fit(train, groups=groups)
    for pair, threshold in check.thresholds_.items():
        assert (check.checks_[pair].scores < threshold).mean() == pytest.approx(0.1, abs=0.01)
    fixed = CCAValidityFilter(threshold=0.3, random_state=0).fit(train, groups=groups)
    assert set(fixed.thresholds_.values()) == {0.3}
    named = {("text", "audio"): 0.1, ("audio", "face"): 0.2, ("text", "face"): 0.4}
    given = CCAValidityFilter(threshold=named, random_state=0).fit(train, groups=groups)
    expected = {"audio ~ text": 0.1, "audio ~ face": 0.2, "text ~ face": 0.4}
    assert given.thresholds_ == expected
    again = CCAValidityFilter(threshold=given.thresholds_, random_state=0).fit(train, groups=groups)
    assert again.thresholds_ == expected


def test_bad_thresholds_and_priorities_are_named(three):
    train, _ = three
    with pytest.raises(ValueError, match=r"leaves out \('audio', 'face'\)"):
        CCAValidityFilter(threshold={("audio", "text"): 0.1}).fit(train)
    with pytest.raises(ValueError, match=r"has no pair \('audio', 'eeg'\)"):
        CCAValidityFilter(threshold={("audio", "eeg"): 0.1}).fit(train)
    with pytest.raises(ValueError, match="priority names 'eeg'"):
        CCAValidityFilter(priority=["eeg"]).fit(train)
    with pytest.raises(ValueError, match="belongs to the modality 'eeg'"):
        CCAValidityFilter(modalities=["audio", "eeg"]).fit(train)
    with pytest.raises(ValueError, match="agreement='time' compares modalities over the frames"):
        CCAValidityFilter(agreement="time").fit(train)


def test_groups_explicit_by_column_and_by_index(three):
    train, _ = three
    groups = speakers(train)
    explicit = CCAValidityFilter(random_state=0).fit(train, groups=groups)
    with_column = train.assign(speaker=groups)
    by_column = CCAValidityFilter(group_column="speaker", random_state=0).fit(with_column)
    by_index = CCAValidityFilter(random_state=0).fit(with_groups(with_column))
    assert explicit.grouped_
    assert explicit.thresholds_ == by_column.thresholds_ == by_index.thresholds_
    with pytest.warns(NotSpeakerIndependentWarning):
        assert not CCAValidityFilter(random_state=0).fit(train).grouped_


def test_context_goes_last_and_is_not_read(three):
    train, test = three
    groups = speakers(train)
    plain = CCAValidityFilter(random_state=0).fit(train, groups=groups)
    mixed = train.copy()
    mixed.insert(4, "speaker", "s")
    check = CCAValidityFilter(random_state=0).fit(mixed, groups=groups)
    shown = test.copy()
    shown.insert(4, "speaker", [f"s{i}" for i in range(len(test))])
    output = check.transform(shown)
    assert list(output) == [*test, "speaker"] == list(check.get_feature_names_out())
    pd.testing.assert_frame_equal(output[list(test)], plain.transform(test))
    assert output["speaker"].equals(shown["speaker"])


def test_missing_modalities_stay_missing_and_take_no_part(three):
    train, test = three
    holed = train.copy()
    holed.loc[holed.index[:100], of(train, "face")] = np.nan
    check = CCAValidityFilter(random_state=0).fit(holed, groups=speakers(train))
    assert check.checks_["audio ~ face"].directions.n_samples == 200
    assert check.checks_["audio ~ text"].directions.n_samples == 300
    shown = test.copy()
    shown.loc["r0", of(test, "face")] = np.nan
    shown.loc["r1", of(test, "face") + of(test, "audio")] = np.nan
    valid = check.predict_validity(shown)
    assert not valid.loc["r0", "face"]
    assert valid.loc["r1"].tolist() == [False, True, False]
    scores = check.score_samples(shown)
    assert list(scores) == ["audio ~ text", "audio ~ face", "text ~ face"]
    assert scores.loc["r0"].isna().tolist() == [False, True, True]
    assert scores.loc["r1"].isna().all()
    pd.testing.assert_frame_equal(
        check.predict_validity(shown).iloc[2:], check.predict_validity(test).iloc[2:]
    )


def test_single_missing_values_are_given_back_as_they_came(three):
    train, test = three
    check = CCAValidityFilter(random_state=0).fit(train, groups=speakers(train))
    shown = test.copy()
    shown.iloc[:, 0] = np.nan
    output = check.transform(shown)
    kept = check.predict_validity(shown)["audio"]
    assert kept.mean() > 0.8
    pd.testing.assert_frame_equal(
        output.loc[kept, of(test, "audio")], shown.loc[kept, of(test, "audio")]
    )


def test_rows_do_not_depend_on_each_other(three):
    train, test = three
    check = CCAValidityFilter(random_state=0).fit(train, groups=speakers(train))
    output = check.transform(test)
    shuffled = test.sample(frac=1, random_state=1)
    pd.testing.assert_frame_equal(check.transform(shuffled), output.loc[shuffled.index])
    pd.testing.assert_frame_equal(check.transform(test.iloc[[5]]), output.iloc[[5]])


def test_shuffled_columns_change_nothing(three):
    train, test = three
    order = np.random.RandomState(0).permutation(train.shape[1])
    a, b = (CCAValidityFilter(modalities=NAMES, random_state=0) for _ in range(2))
    a.fit(train, groups=speakers(train))
    b.fit(train.iloc[:, order], groups=speakers(train))
    pd.testing.assert_frame_equal(a.predict_validity(test), b.predict_validity(test.iloc[:, order]))


def test_refit_pickle_and_clone(three):
    train, test = three
    check = CCAValidityFilter(random_state=0).fit(train, groups=speakers(train))
    expected = check.transform(test)
    assert expected.isna().any(axis=None)
    pd.testing.assert_frame_equal(pickle.loads(pickle.dumps(check)).transform(test), expected)
    check.fit(train.iloc[:150], groups=speakers(train)[:150])
    pd.testing.assert_frame_equal(
        check.fit(train, groups=speakers(train)).transform(test), expected
    )
    again = clone(check).fit(train, groups=speakers(train))
    pd.testing.assert_frame_equal(again.transform(test), expected)


def test_two_modalities_fail_together_and_one_is_kept(two, rng):
    train, test = two
    broken = test.copy()
    broken[of(test, "audio")] = rng.permutation(test[of(test, "audio")])
    fit = {"X": train, "groups": speakers(train)}
    none = CCAValidityFilter(fallback="none", random_state=0).fit(**fit)
    valid = none.predict_validity(broken)
    assert (valid["audio"] == valid["text"]).all()
    assert (~valid["audio"]).mean() > 0.85
    keep_all = CCAValidityFilter(fallback="all", random_state=0).fit(**fit)
    assert keep_all.predict_validity(broken).all(axis=None)
    for priority in (["text", "audio"], ["text"]):
        best = CCAValidityFilter(priority=priority, random_state=0).fit(**fit)
        kept = best.predict_validity(broken)
        assert kept["text"].all()
        assert kept["audio"].equals(valid["audio"])


@pytest.mark.parametrize("name", ["audio", "text"])
@pytest.mark.parametrize("kind", ["mean", "gain", "nan"])
def test_of_two_the_modality_of_unusual_size_is_rejected(two, name, kind):
    from emoest.validity import CorruptModality

    train, test = two
    agreement = "pmi" if kind == "gain" else "weighted_cosine"
    check = CCAValidityFilter(agreement=agreement, random_state=0)
    check.fit(train, groups=speakers(train))
    corrupt = CorruptModality(name, kind=kind, gain=8.0, random_state=0).fit(train)
    valid = check.predict_validity(corrupt.transform(test))
    other = "text" if name == "audio" else "audio"
    assert (~valid[name]).mean() > 0.95
    assert valid[other].mean() > 0.95


def test_every_sample_keeps_something_by_default(two):
    train, _ = two
    check = CCAValidityFilter(random_state=0).fit(train, groups=speakers(train))
    noise = pd.DataFrame(np.random.default_rng(1).normal(size=train.shape), columns=train.columns)
    noise.iloc[0] = np.nan
    valid = check.predict_validity(noise)
    assert valid.iloc[1:].any(axis=1).all()
    assert not valid.iloc[0].any()


def test_one_modality_passes_through(three):
    audio = three[0][of(three[0], "audio")]
    with pytest.warns(UserWarning, match="found one modality .*no other to be consistent with"):
        check = CCAValidityFilter().fit(audio)
    pd.testing.assert_frame_equal(check.transform(audio), audio)
    assert check.predict_validity(audio).all(axis=None)


def test_pairs_that_cannot_tell_are_named_and_do_not_protect(three, rng):
    train, test = three
    noise = pd.DataFrame(rng.normal(size=(300, 5)), index=train.index).add_prefix("eeg__")
    with pytest.warns(UserWarning, match="cannot check 'audio' with 'eeg'.*share nothing"):
        check = CCAValidityFilter(random_state=0).fit(
            pd.concat([train, noise], axis=1), groups=speakers(train)
        )
    assert check.disabled_pairs_ == [(n, "eeg") for n in NAMES]
    broken = pd.concat([test, noise.iloc[:200].set_axis(test.index)], axis=1)
    broken[of(test, "audio")] = rng.permutation(test[of(test, "audio")])
    valid = check.predict_validity(broken)
    assert valid["eeg"].all()
    assert valid["audio"].mean() < 0.15


def test_constant_and_absent_modalities_are_left_alone(three):
    train, test = three
    train = train.assign(**dict.fromkeys(of(train, "face"), 1.0))
    with pytest.warns(UserWarning, match="one is constant"):
        check = CCAValidityFilter(random_state=0).fit(train, groups=speakers(train))
    assert check.pairs_ == [("audio", "text")]
    assert check.predict_validity(test)["face"].all()
    train = train.assign(**dict.fromkeys(of(train, "face"), np.nan))
    with pytest.warns(UserWarning, match="too few training samples"):
        check = CCAValidityFilter(random_state=0).fit(train, groups=speakers(train))
    assert check.transform(test)[of(test, "face")].notna().all(axis=None)


def test_large_training_sets_are_cut(three):
    train, _ = three
    check = CCAValidityFilter(max_fit_samples=120, random_state=0)
    check.fit(train, groups=speakers(train))
    assert {c.directions.n_samples for c in check.checks_.values()} == {120}


def test_the_default_is_the_agreement_that_noticed_most():
    assert CCAValidityFilter().agreement == "pmi"
