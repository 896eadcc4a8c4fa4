import pytest
import torch

from emoest.nets.eegnet import EEGNet


def test_shapes_and_parameters_follow_the_paper():
    """Counted from the table of the paper: F1 = 8, D = 2, F2 = 16."""
    n_chans, n_times, kernel, n_outputs = 22, 256, 64, 4
    net = EEGNet(n_chans, n_outputs, n_times, kernel=kernel)
    expected = 8 * kernel + 2 * 8 + 16 * n_chans + 2 * 16 + 16 * 16 + 16 * 16 + 2 * 16
    expected += 16 * (n_times // 32) * n_outputs + n_outputs
    assert sum(parameter.numel() for parameter in net.parameters()) == expected
    vectors, logits = net.eval()(torch.zeros(3, n_chans, n_times))
    assert (tuple(vectors.shape), tuple(logits.shape)) == ((3, 128), (3, 4))
    assert net.n_units == 128


@pytest.mark.parametrize("kernel", [1, 5, 64, 100])
def test_the_length_is_kept_whatever_the_kernel(kernel):
    net = EEGNet(2, 3, 100, kernel=kernel).eval()
    assert net(torch.zeros(1, 2, 100))[0].shape == (1, 48)


def test_norms_are_held_in_training_only():
    net = EEGNet(4, 3, 64)
    with torch.no_grad():
        net.head.weight.fill_(5.0)
        net.over_channels.weight.fill_(5.0)
    net.eval()(torch.randn(2, 4, 64))
    assert float(net.head.weight.detach().max()) == 5.0
    net.train()(torch.randn(2, 4, 64))
    assert float(net.head.weight.detach().norm(dim=1).max()) <= 0.25 + 1e-6
    assert float(net.over_channels.weight.detach().flatten(1).norm(dim=1).max()) <= 1 + 1e-6


def test_it_learns_a_rhythm():
    generator = torch.Generator().manual_seed(0)
    time = torch.arange(64) / 64
    target = torch.arange(40) % 2
    phase = torch.rand(40, 1, 1, generator=generator) * 6
    waves = torch.sin(6.283 * torch.where(target == 1, 20, 6)[:, None, None] * time + phase)
    windows = waves + 0.5 * torch.randn(40, 3, 64, generator=generator)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        net = EEGNet(3, 2, 64, kernel=32, dropout=0.1).train()
        optimizer = torch.optim.Adam(net.parameters(), lr=0.02)
        for _ in range(30):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(net(windows)[1], target).backward()
            optimizer.step()
    assert float((net.eval()(windows)[1].argmax(dim=1) == target).float().mean()) >= 0.95


def test_a_window_that_is_too_short_is_named():
    with pytest.raises(ValueError, match="window of 31 samples is too short"):
        EEGNet(2, 2, 31)
