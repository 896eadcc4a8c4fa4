import numpy as np
import torch
from sklearn.utils import check_random_state

from emoest.utils.seeds import isolated_generators, resolve_seed, spawn_seeds, torch_seed


def test_seeds_follow_the_random_state():
    assert spawn_seeds(3, 4) == spawn_seeds(3, 4)
    assert spawn_seeds(3, 4) != spawn_seeds(4, 4)
    generator = np.random.RandomState(0)
    assert spawn_seeds(generator, 1) != spawn_seeds(generator, 1)
    assert len(set(spawn_seeds(0, 50))) == 50


def test_torch_is_seeded_inside_and_untouched_outside():
    before = torch.get_rng_state()
    with torch_seed(7) as seed:
        first = torch.rand(3)
    assert seed == 7
    assert torch.equal(torch.get_rng_state(), before)
    with torch_seed(np.int64(7)):
        assert torch.equal(torch.rand(3), first)
    with torch_seed(8):
        assert not torch.equal(torch.rand(3), first)


def test_seeds():
    assert resolve_seed(np.int64(4)) == 4
    assert resolve_seed(np.random.RandomState(0)) == resolve_seed(np.random.RandomState(0))
    assert resolve_seed(None) != resolve_seed(None)


def test_generators_come_back_as_they_were():
    shared = check_random_state(None)
    before = shared.get_state()[1].copy(), torch.random.get_rng_state()
    with isolated_generators(0):
        first = shared.rand(), torch.rand(1)
    with isolated_generators(0):
        assert (shared.rand(), torch.rand(1)) == first
    np.testing.assert_array_equal(shared.get_state()[1], before[0])
    assert torch.equal(torch.random.get_rng_state(), before[1])
