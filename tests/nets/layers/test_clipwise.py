import torch
from torch import nn

from emoest.nets.layers.clipwise import Clipwise


class Watched(nn.Module):
    """Normalizes over time, as the first layer of wav2vec 2.0 base, and remembers what it saw."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv1d(1, 3, 4, stride=2)
        self.norm = nn.GroupNorm(3, 3)
        self.shapes = []

    def forward(self, x):
        self.shapes.append(tuple(x.shape))
        return self.norm(self.conv(x[:, None]))


def make(lengths):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        net, clips = Watched(), [torch.randn(n) for n in lengths]
    return net, clips, nn.utils.rnn.pad_sequence(clips, batch_first=True)


def test_each_clip_is_seen_without_its_padding():
    net, clips, padded = make([20, 9, 20, 14])
    clipwise = Clipwise(net)
    clipwise.lengths = [20, 9, 20, 14]
    with torch.no_grad():
        got = clipwise(padded)
        assert net.shapes == [(2, 20), (1, 9), (1, 14)]
        assert got.shape == (4, 3, 9)
        for row, clip in zip(got, clips, strict=True):
            alone = net(clip[None])[0]
            torch.testing.assert_close(row[:, : alone.shape[1]], alone, atol=1e-6, rtol=0)
            assert row[:, alone.shape[1] :].abs().sum() == 0
        naive = net(padded)
    assert (naive[1, :, :3] - got[1, :, :3]).abs().max() > 1e-2


def test_clips_of_one_length_go_through_together():
    net, _, padded = make([12, 12, 12])
    clipwise = Clipwise(net)
    clipwise.lengths = [12, 12, 12]
    with torch.no_grad():
        assert clipwise(padded).shape == (3, 3, 5)
    assert net.shapes == [(3, 12)]
