import pytest
import torch

from emoest.nets.sequence import POOLINGS, SequenceNet, positions

VARIANTS = [
    ("lstm", "statistics"),
    ("gru", "last"),
    ("lstm", "mean"),
    ("transformer", "attention"),
    *((None, pooling) for pooling in POOLINGS),
]


@pytest.mark.parametrize(("cell", "pooling"), VARIANTS)
def test_padding_never_changes_the_outputs(cell, pooling):
    torch.manual_seed(0)
    net = SequenceNet(3, 4, cell=cell, pooling=pooling, hidden_size=8, n_layers=2).eval()
    frames, lengths = torch.randn(3, 6, 3), torch.tensor([6, 1, 4])
    expected = net(frames, lengths)
    longer = torch.cat([frames, torch.full((3, 8, 3), 1e3)], dim=1)
    for row, length in enumerate(lengths):
        longer[row, length:6] = -7.0
    torch.testing.assert_close(net(longer, lengths), expected, atol=1e-5, rtol=0)
    for row in range(3):
        alone = net(frames[row : row + 1, : lengths[row]], lengths[row : row + 1])
        torch.testing.assert_close(alone, expected[row : row + 1], atol=1e-5, rtol=0)


def test_the_last_state_reads_both_directions():
    torch.manual_seed(0)
    net = SequenceNet(2, 1, pooling="last", hidden_size=4).eval()
    frames, lengths = torch.randn(1, 5, 2), torch.tensor([3])
    _, (state, _) = net.encoder.layers(frames[:, :3])
    torch.testing.assert_close(net.embed(frames, lengths), torch.cat([state[0], state[1]], dim=1))


def test_frames_as_they_are():
    """Attention that knows nothing is the mean."""
    frames, lengths = torch.randn(2, 5, 3), torch.tensor([5, 2])
    net = SequenceNet(3, 4, cell=None, pooling="attention")
    assert net.n_units == 3
    assert sum(value.numel() for value in net.head.parameters()) == 4 * (3 + 1)
    torch.nn.init.zeros_(next(net.pooling.parameters()))
    means = torch.stack([row[:n].mean(dim=0) for row, n in zip(frames, lengths, strict=True)])
    torch.testing.assert_close(net.embed(frames, lengths), means)


def test_the_transformer_knows_the_order_and_odd_widths_are_fine():
    torch.manual_seed(0)
    net = SequenceNet(2, 1, cell="transformer", pooling="mean", hidden_size=8).eval()
    frames = torch.randn(1, 5, 2)
    lengths = torch.tensor([5])
    assert not torch.allclose(net(frames, lengths), net(frames.flip(1), lengths), atol=1e-4)
    assert positions(3, 5).shape == (3, 5)


def test_heads_that_do_not_divide_the_width_are_refused():
    with pytest.raises(ValueError, match="n_heads=3 does not divide hidden_size=8"):
        SequenceNet(2, 1, cell="transformer", hidden_size=8, n_heads=3)
