"""Masks over log-mel spectra."""

import pytest
import torch

from emoest.nets.layers.spec_augment import POLICIES, SpecAugment, find_policy

PAPER = {  # bands, band masks, frames, share, frame masks
    "LB": (27, 1, 100, 1.0, 1),
    "LD": (27, 2, 100, 1.0, 2),
    "SM": (15, 2, 70, 0.2, 2),
    "SS": (27, 2, 70, 0.2, 2),
}


@pytest.fixture(autouse=True)
def _generator():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


def spectra(n_rows=200, n_frames=100, n_mels=80):
    return 1.0 + torch.rand(n_rows, n_frames, n_mels)


def masked_bands_and_frames(policy, n_rows=400, n_frames=400, n_mels=80):
    """How many whole bands and whole frames each spectrum lost."""
    frames = spectra(n_rows, n_frames, n_mels)
    out = SpecAugment(policy)(frames, torch.full((n_rows,), n_frames)) == 0
    return out.all(dim=1).sum(dim=1), out.all(dim=2).sum(dim=1)


@pytest.mark.parametrize("name", PAPER)
def test_policies_are_those_of_the_paper(name):
    policy = POLICIES[name]
    found = (
        policy.bands,
        policy.n_band_masks,
        policy.frames,
        policy.share,
        policy.n_frame_masks,
    )
    assert found == PAPER[name]


@pytest.mark.parametrize("name", PAPER)
def test_masked_shares_stay_in_bounds_and_reach_them(name):
    bands, n_band_masks, frames, _, n_frame_masks = PAPER[name]
    lost_bands, lost_frames = masked_bands_and_frames(name)
    assert lost_bands.max() <= bands * n_band_masks
    assert lost_frames.max() <= frames * n_frame_masks
    assert lost_bands.float().mean() == pytest.approx(bands * n_band_masks / 2, rel=0.15)
    assert lost_frames.float().mean() == pytest.approx(frames * n_frame_masks / 2, rel=0.2)
    assert lost_bands.min() < bands * n_band_masks / 4


def test_short_spectra_lose_a_share_of_their_frames():
    lost = masked_bands_and_frames("SM", n_frames=50)[1]
    assert 10 < lost.max() <= 2 * 10


@pytest.mark.parametrize(("n_mels", "widest"), [(80, 27), (40, 14), (160, 54), (3, 1)])
def test_width_in_bands_scales_with_their_number(n_mels, widest):
    policy = {"bands": 27, "n_band_masks": 1, "frames": 0, "share": 1.0, "n_frame_masks": 0}
    lost = masked_bands_and_frames(policy, n_rows=1000, n_frames=2, n_mels=n_mels)[0]
    assert lost.max() == widest
    assert lost.min() == 0


def test_every_band_and_frame_can_be_masked():
    frames = spectra(3000, 10, 4)
    out = SpecAugment("LB")(frames, torch.full((3000,), 10)) == 0
    assert out.any(dim=0).all()


def test_untouched_cells_and_the_input_stay():
    frames = spectra()
    before = frames.clone()
    out = SpecAugment("LD")(frames, torch.full((200,), 100))
    assert torch.equal(frames, before)
    assert torch.equal(out[out != 0], before[out != 0])
    assert 0 < (out == 0).float().mean() < 1


def test_no_width_is_identity():
    policy = {"bands": 0, "n_band_masks": 2, "frames": 0, "share": 1.0, "n_frame_masks": 2}
    frames = spectra()
    assert torch.equal(SpecAugment(policy)(frames, torch.full((200,), 100)), frames)


def test_nothing_happens_outside_of_training():
    frames = spectra()
    assert SpecAugment("SS").eval()(frames, torch.full((200,), 100)) is frames


def test_padding_is_left_and_time_masks_stay_inside():
    frames = torch.ones(400, 60, 80)
    lengths = torch.arange(400) % 60
    policy = {"bands": 0, "n_band_masks": 0, "frames": 70, "share": 1.0, "n_frame_masks": 1}
    for chosen in ("SS", policy):
        out = SpecAugment(chosen)(frames, lengths)
        padding = torch.arange(60) >= lengths[:, None]
        assert (out[padding] == 1).all()
        assert (out[~padding] == 0).any()
    lost = (out == 0).all(dim=2).sum(dim=1)
    assert (lost < lengths.clamp_min(1)).all()


def test_one_frame_survives():
    for policy in POLICIES:
        out = SpecAugment(policy)(spectra(50, 1), torch.ones(50, dtype=torch.long))
        assert (out != 0).any(dim=2).all()


def test_mean_fill_is_the_mean_of_own_frames():
    frames = spectra(20, 30)
    frames[:, 20:] = torch.nan
    lengths = torch.full((20,), 20)
    out = SpecAugment("SS", fill="mean")(frames, lengths)
    for row in range(20):
        changed = out[row, :20][out[row, :20] != frames[row, :20]]
        torch.testing.assert_close(changed, frames[row, :20].mean().expand_as(changed))
    assert out[:, :20].isfinite().all()


def test_mild_policy_leaves_some_spectra_alone():
    frames = spectra(1000)
    out = SpecAugment("mild")(frames, torch.full((1000,), 100))
    changed = (out != frames).flatten(1).any(dim=1)
    assert changed.float().mean() == pytest.approx(0.6, abs=0.05)
    lost = (out[changed] == 0).all(dim=2).sum(dim=1)
    assert lost.min() == 1
    assert lost.max() == 10


def test_same_seed_same_masks_drawn_anew_each_time():
    masks, frames, lengths = SpecAugment(), spectra(), torch.full((200,), 100)
    torch.manual_seed(1)
    first, second = masks(frames, lengths), masks(frames, lengths)
    torch.manual_seed(1)
    assert torch.equal(masks(frames, lengths), first)
    assert not torch.equal(first, second)


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        ("XX", "choose one of"),
        ({"bands": 3}, "n_band_masks"),
        ({**vars(POLICIES["SM"]), "warp": 80}, "warp"),
        ({**vars(POLICIES["SM"]), "share": 1.5}, "share=1.5"),
        ({**vars(POLICIES["SM"]), "bands": -1}, "bands=-1"),
    ],
)
def test_bad_policies_are_named(policy, words):
    with pytest.raises(ValueError, match=words):
        find_policy(policy)


def test_bad_fill_is_named():
    with pytest.raises(ValueError, match="'zero' or 'mean'"):
        SpecAugment(fill="noise")
