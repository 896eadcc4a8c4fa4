import numpy as np
import pytest

from emoest.validity import corrupt_block
from emoest.validity._corruption import drop_modalities


@pytest.fixture
def block(rng):
    return rng.normal(loc=3.0, scale=2.0, size=(400, 5))


def test_only_the_chosen_share_changes(block):
    for kind in ("zeros", "mean", "noise", "permute", "additive", "gain", "nan"):
        output, corrupted = corrupt_block(block, kind, fraction=0.3, random_state=0)
        assert corrupted.sum() == 120
        np.testing.assert_array_equal(output[~corrupted], block[~corrupted])
        assert (output[corrupted] != block[corrupted]).all()


def test_what_each_kind_does(block):
    mean, std = block.mean(axis=0), block.std(axis=0)
    assert not corrupt_block(block, "zeros")[0].any()
    np.testing.assert_allclose(corrupt_block(block, "mean")[0], np.tile(mean, (400, 1)))
    assert np.isnan(corrupt_block(block, "nan")[0]).all()
    gain = corrupt_block(block, "gain", gain=3.0)[0]
    np.testing.assert_allclose(gain, mean + 3 * (block - mean))
    noise = corrupt_block(block, "noise", random_state=0)[0]
    np.testing.assert_allclose(noise.mean(axis=0), mean, atol=0.4)
    np.testing.assert_allclose(noise.std(axis=0), std, rtol=0.12)
    assert abs(np.corrcoef(noise[:, 0], block[:, 0])[0, 1]) < 0.15


@pytest.mark.parametrize("snr", [-6.0, 0.0, 20.0])
def test_additive_noise_has_the_stated_ratio(block, snr):
    added = corrupt_block(block, "additive", snr=snr, random_state=0)[0] - block
    found = 10 * np.log10(block.var(axis=0) / added.var(axis=0))
    np.testing.assert_allclose(found, snr, atol=1.0)


def test_permuted_rows_are_those_of_others(block):
    output, _ = corrupt_block(block, "permute", random_state=0)
    np.testing.assert_array_equal(np.sort(output, axis=0), np.sort(block, axis=0))
    assert (output != block).all(axis=1).all()
    one, corrupted = corrupt_block(block[:3], "permute", fraction=0.34, random_state=0)
    assert corrupted.sum() == 1
    donor = (one[corrupted] == block[:3]).all(axis=1)
    assert donor.sum() == 1
    assert not (donor & corrupted).any()


def test_missing_rows_stay_missing(block):
    block[:100] = np.nan
    output, corrupted = corrupt_block(block, "noise", fraction=0.5, random_state=0)
    assert np.isnan(output[:100]).all()
    assert corrupted.sum() == 150
    assert not corrupted[:100].any()
    assert not np.isnan(output[100:]).any()
    assert not corrupt_block(np.full((3, 2), np.nan), "zeros")[1].any()


def test_same_seed_same_result_and_input_is_left(block):
    before = block.copy()
    a, b = (corrupt_block(block, "noise", random_state=3)[0] for _ in range(2))
    np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(block, before)


def test_unknown_kind_is_named(block):
    with pytest.raises(ValueError, match="kind='hum' is unknown; choose one of"):
        corrupt_block(block, "hum")


def test_dropping_keeps_one_and_drops_as_often_as_asked():
    rng = np.random.RandomState(0)
    missing = np.zeros((4000, 3), dtype=bool)
    missing[:1000, 0] = True
    p = np.array([0.5, 0.2, 0.0])
    dropped = drop_modalities(missing, p, keep_one=False, rng=rng)
    assert not (dropped & missing).any()
    np.testing.assert_allclose(dropped[1000:].mean(axis=0), p, atol=0.03)
    kept = drop_modalities(missing, np.ones(3), keep_one=True, rng=rng)
    present = ~missing & ~kept
    assert (present.sum(axis=1) == 1).all()
    np.testing.assert_allclose(present[1000:].mean(axis=0), 1 / 3, atol=0.04)
    assert not drop_modalities(np.ones((2, 2), bool), np.ones(2), keep_one=True, rng=rng).any()
