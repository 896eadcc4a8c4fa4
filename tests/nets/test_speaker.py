"""Softmax with an angular margin, and the net that learns speakers."""

import math

import pytest
import torch
from torch import nn
from torch.nn import functional

from emoest.nets.speaker import AngularMarginLoss, CosineHead, SpeakerNet


@pytest.fixture(autouse=True)
def _generator():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


def cosines_and_target(n_rows=50, n_classes=7):
    return 2 * torch.rand(n_rows, n_classes) - 1, torch.randint(n_classes, (n_rows,))


def test_no_margin_is_scaled_cross_entropy():
    cosines, target = cosines_and_target()
    expected = functional.cross_entropy(32 * cosines, target, reduction="none")
    torch.testing.assert_close(AngularMarginLoss(margin=0.0)(cosines, target), expected)


def test_margin_is_added_to_the_angle_of_the_true_class():
    cosines, target = torch.tensor([[0.3, -0.2, 0.9]]), torch.tensor([1])
    logits = 10 * cosines.clone()
    logits[0, 1] = 10 * math.cos(math.acos(-0.2) + 0.4)
    expected = functional.cross_entropy(logits, target, reduction="none")
    torch.testing.assert_close(AngularMarginLoss(10.0, 0.4)(cosines, target), expected)


def test_true_logit_falls_with_the_angle_and_has_no_jump():
    angles = torch.linspace(0, math.pi, 2001, dtype=torch.float64)
    cosines = torch.stack([angles.cos(), torch.zeros_like(angles)], dim=1)
    loss = AngularMarginLoss(1.0, 0.5)(cosines, torch.zeros(2001, dtype=torch.long))
    steps = loss.diff()
    assert (steps > 0).all()
    assert steps.max() < 0.002


def test_gradient_is_finite_at_the_ends():
    cosines = torch.tensor([[1.0, 0.0], [-1.0, 0.0]], requires_grad=True)
    AngularMarginLoss()(cosines, torch.tensor([0, 0])).sum().backward()
    assert cosines.grad.isfinite().all()


@pytest.mark.parametrize("margin", [-0.1, math.pi / 2])
def test_margin_out_of_range_is_named(margin):
    with pytest.raises(ValueError, match="margin="):
        AngularMarginLoss(margin=margin)


def test_cosines_do_not_depend_on_lengths_of_vectors():
    head, vectors = CosineHead(5, 3), torch.randn(4, 5)
    torch.testing.assert_close(head(vectors), head(100 * vectors))
    assert head(torch.zeros(1, 5)).abs().max() == 0


@pytest.mark.parametrize(
    ("n_mels", "expected"), [(80, 6_634_336), (64, 6_372_192), (40, 5_978_976)]
)
def test_number_of_parameters(n_mels, expected):
    with torch.device("meta"):
        net = SpeakerNet(n_mels, 10)
    n = sum(p.numel() for part in (net.trunk, net.embedding) for p in part.parameters())
    assert n == expected


@pytest.mark.parametrize(
    ("head", "loss"), [("cosine", AngularMarginLoss()), ("linear", nn.CrossEntropyLoss())]
)
def test_speakers_can_be_learned(head, loss):
    """Two speakers who differ in one band."""
    net = SpeakerNet(8, 2, channels=2, n_embedding=4, head=head)
    target = torch.arange(16) % 2
    frames = 0.3 * torch.randn(16, 12, 8)
    frames[target == 1, :, 2] += 2
    lengths = torch.full((16,), 12)
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    for _ in range(15):
        optimizer.zero_grad()
        loss(net(frames, lengths), target).mean().backward()
        optimizer.step()
    assert (net(frames, lengths).argmax(dim=1) == target).all()
    assert net.embed(frames, lengths).shape == (16, net.n_units)
