import numpy as np
import pytest
import torch

from emoest.nets.t5_fusion.units import FusionUnit, SignalSummary
from tests.nets.t5_fusion.plain_unimse import plain_fusion, plain_lstm


@pytest.mark.parametrize("init", ["paper", "identity"])
@pytest.mark.parametrize("n_signal", [0, 3])
def test_the_unit_against_loops(init, n_signal):
    torch.manual_seed(0)
    unit = FusionUnit(4, n_signal, 5, init).double()
    for parameter in unit.parameters():
        # What starts near zero would hide a wrong term.
        torch.nn.init.normal_(parameter)
    hidden, summaries = torch.randn(2, 3, 4).double(), torch.randn(2, n_signal).double()
    output = unit(hidden, summaries if n_signal else None).detach().numpy()
    expected = plain_fusion(unit, hidden.numpy(), summaries.numpy())
    np.testing.assert_allclose(output, expected, atol=1e-5)


def test_both_initializations():
    torch.manual_seed(0)
    hidden, summaries = torch.randn(2, 3, 40), torch.randn(2, 10)
    paper, identity = (FusionUnit(40, 10, 64, init) for init in ("paper", "identity"))
    assert torch.equal(identity(hidden, summaries), hidden)
    assert not torch.allclose(paper(hidden, summaries), hidden, atol=0.1)
    for weight in (paper.down.weight, paper.up.weight):
        assert 0.8e-3 < weight.std() < 1.2e-3
    assert not paper.down.bias.any() and not paper.up.bias.any()


def test_an_identity_learns_from_the_signals():
    unit = FusionUnit(4, 2, 3, "identity")
    unit(torch.randn(2, 3, 4), torch.randn(2, 2)).square().sum().backward()
    assert unit.up.weight.grad.any() and unit.out.weight.grad[:, 4:].any()


@pytest.mark.parametrize("length", [0, 1, 4])
def test_the_summary_against_loops(length):
    torch.manual_seed(0)
    summary = SignalSummary(3, 4).eval()
    frames = torch.randn(2, 5, 3)
    frames[0, length:] = 0
    outputs = summary(frames, torch.tensor([length, 5]))
    for output, expected in zip(
        outputs, plain_lstm(summary, frames[0].double().numpy(), length), strict=True
    ):
        np.testing.assert_allclose(output[0].detach(), expected, atol=1e-5)


@pytest.mark.parametrize("bidirectional", [False, True])
def test_padding_changes_no_summary(bidirectional):
    torch.manual_seed(0)
    summary = SignalSummary(3, 4, bidirectional=bidirectional).eval()
    frames = torch.randn(1, 4, 3)
    alone = summary(frames, torch.tensor([4]))
    padded = torch.cat([frames, torch.zeros(1, 3, 3)], dim=1)
    for one, other in zip(alone, summary(padded, torch.tensor([4])), strict=True):
        torch.testing.assert_close(one, other)
