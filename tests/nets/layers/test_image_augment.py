import pytest
import torch

from emoest.nets.layers.image_augment import (
    POLICIES,
    ImageChanges,
    change_images,
    draw_maps,
    erase_rectangles,
    find_changes,
    warp_images,
)

NOTHING = {"flip": 0.0, "rotation": 0.0, "shift": 0.0, "zoom": 0.0}


def images(n=6, size=16, seed=0):
    return torch.rand(n, 1, size, size, generator=torch.Generator().manual_seed(seed))


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def test_nothing_changes_nothing():
    before = images()
    torch.testing.assert_close(change_images(before, ImageChanges(**NOTHING)), before)


def test_a_flip_mirrors_left_and_right():
    changed = change_images(images(), ImageChanges(**{**NOTHING, "flip": 1.0}))
    torch.testing.assert_close(changed, images().flip(3))


@pytest.mark.parametrize("policy", POLICIES)
def test_the_generator_decides_and_the_image_stays(policy):
    before, kept = images(), images()
    once, again = (change_images(before, POLICIES[policy], seeded()) for _ in "12")
    assert torch.equal(once, again)
    assert not torch.equal(once, change_images(before, POLICIES[policy], seeded(1)))
    assert torch.equal(before, kept)
    assert once.min() >= 0 and once.max() <= 1


def test_without_a_generator_torch_draws():
    with torch.random.fork_rng():
        torch.manual_seed(3)
        once = change_images(images(), POLICIES["strong"])
        torch.manual_seed(3)
        assert torch.equal(once, change_images(images(), POLICIES["strong"]))


def test_images_of_a_batch_change_differently():
    same = images(1).expand(8, -1, -1, -1)
    changed = change_images(same, POLICIES["standard"], seeded())
    assert len({tuple(each.flatten().tolist()) for each in changed}) == 8


@pytest.mark.parametrize(
    ("changes", "largest"),
    [
        ({"shift": 0.25}, (1.0, 0.0, 0.5)),
        ({"zoom": 0.5}, (2.0, 0.0, 0.0)),
        ({"rotation": 90.0}, (1.0, 1.0, 0.0)),
    ],
)
def test_maps_stay_within_their_range(changes, largest):
    maps = draw_maps(2000, ImageChanges(**{**NOTHING, **changes}), seeded())
    reached = maps.abs().amax(dim=0)
    bound = torch.tensor([largest, (largest[1], largest[0], largest[2])])
    assert (reached <= bound + 1e-5).all()
    torch.testing.assert_close(reached, bound, atol=0.02, rtol=0)


def test_a_rotation_by_a_quarter_turns_the_image():
    quarter = torch.tensor([[[0.0, -1.0, 0.0], [1.0, 0.0, 0.0]]]).expand(6, -1, -1)
    torch.testing.assert_close(warp_images(images(), quarter), images().rot90(1, (2, 3)))


def test_mirrored_maps_are_turned_as_well():
    changes = ImageChanges(flip=1.0, rotation=45.0, shift=0.0, zoom=0.0)
    maps = draw_maps(50, changes, seeded())[:, :, :2]
    torch.testing.assert_close(torch.linalg.det(maps), -torch.ones(50))


def test_rectangles_hold_the_mean_and_keep_to_their_area():
    before = images(200, 40)
    erased = erase_rectangles(before, ImageChanges(erase=1.0), seeded())
    different = erased != before
    proportion = different.float().mean(dim=(1, 2, 3))
    assert float(proportion.min()) >= 0.01 and float(proportion.max()) <= 0.22
    mean = before.mean(dim=(1, 2, 3), keepdim=True).expand_as(before)
    assert torch.equal(erased[different], mean[different])
    for each in different[:, 0]:
        rows, columns = each.any(dim=1), each.any(dim=0)
        assert torch.equal(each, rows[:, None] & columns[None])
    some = erase_rectangles(before, ImageChanges(erase=0.25), seeded()) != before
    assert 0.15 <= float(some.flatten(1).any(dim=1).float().mean()) <= 0.35


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        ("weak", "augment='weak' is unknown"),
        ({"flips": 1.0}, "is no set of changes"),
        ({"flip": 2.0}, "flip=2.0 makes no sense"),
        ({"zoom": 1.0}, "zoom=1.0 makes no sense"),
        ({"rotation": -1.0}, "rotation=-1.0 makes no sense"),
        ({"erase": -0.1}, "erase=-0.1 makes no sense"),
    ],
)
def test_bad_policies_are_named(policy, message):
    with pytest.raises(ValueError, match=message):
        find_changes(policy)
