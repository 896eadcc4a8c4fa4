import pytest
import torch

from emoest.nets.layers.heads import ModalityHeads

VECTORS = [torch.full((2, 3), 1.0), torch.full((2, 2), -1.0), torch.full((2, 1), 2.0)]


@pytest.mark.parametrize(("mixtures", "n_heads"), [(False, 3), (True, 7)])
def test_every_subset_has_a_head_and_single_modalities_come_first(mixtures, n_heads):
    torch.manual_seed(0)
    heads = ModalityHeads([3, 2, 1], 4, mixtures=mixtures, size=5)
    logits = heads(VECTORS, torch.ones(2, 3, dtype=torch.bool))
    assert logits.shape == (2, n_heads, 4)
    for i, vector in enumerate(VECTORS):
        torch.testing.assert_close(logits[:, i], heads.heads[i](vector))


def test_a_mixture_is_the_mean_of_rectified_maps():
    torch.manual_seed(0)
    heads = ModalityHeads([3, 2, 1], 4, mixtures=True, size=5)
    logits = heads(VECTORS, torch.ones(2, 3, dtype=torch.bool))
    mapped = [torch.relu(layer(v)) for layer, v in zip(heads.maps, VECTORS, strict=True)]
    assert heads.subsets[5] == (1, 2)
    torch.testing.assert_close(logits[:, 5], heads.heads[5]((mapped[1] + mapped[2]) / 2))


def test_a_subset_that_lacks_a_member_is_nan_and_has_no_gradient():
    torch.manual_seed(0)
    heads = ModalityHeads([3, 2, 1], 4, mixtures=True, size=5)
    logits = heads(VECTORS, torch.tensor([[True, False, True], [False, False, False]]))
    lacks = [1 in subset for subset in heads.subsets]
    assert logits[0].isnan().all(dim=1).tolist() == lacks
    assert logits[1].isnan().all()
    logits.nansum().backward()
    assert not heads.heads[1].weight.grad.any()
    assert all(torch.isfinite(p.grad).all() for p in heads.parameters() if p.grad is not None)


def test_without_mixtures_there_are_no_maps():
    assert sum(p.numel() for p in ModalityHeads([32, 32, 32], 6).parameters()) == 594
