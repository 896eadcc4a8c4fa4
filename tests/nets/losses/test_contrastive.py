import numpy as np
import pytest
import torch

from emoest.nets.losses.contrastive import CONTRASTS, anchored_contrast
from tests.nets.t5_fusion.plain_unimse import plain_contrast


@pytest.mark.parametrize("kind", CONTRASTS)
@pytest.mark.parametrize("absent", [[], [2], [0, 3]])
@pytest.mark.parametrize("temperature", [0.1, 1.0])
def test_against_loops(kind, absent, temperature):
    generator = np.random.default_rng(0)
    anchors, others = generator.normal(size=(2, 5, 3))
    present = ~np.isin(np.arange(5), absent)
    losses = anchored_contrast(
        *map(torch.tensor, (anchors, others, present)), kind=kind, temperature=temperature
    )
    expected = plain_contrast(anchors, others, present, kind, temperature)
    np.testing.assert_allclose(losses, expected, atol=1e-5)
    assert not losses[absent].any()


@pytest.mark.parametrize("kind", CONTRASTS)
def test_gradients_are_finite_where_nobody_has_the_signal(kind):
    anchors = torch.randn(3, 2, requires_grad=True)
    losses = anchored_contrast(anchors, torch.zeros(3, 2), torch.zeros(3).bool(), kind=kind)
    losses.sum().backward()
    assert not losses.any() and not anchors.grad.any()


def test_what_belongs_together_is_drawn_together():
    anchors = torch.eye(3)
    present = torch.ones(3).bool()
    right = anchored_contrast(anchors, anchors, present).sum()
    wrong = anchored_contrast(anchors, anchors.roll(1, dims=0), present).sum()
    assert right < 0.01 < wrong
