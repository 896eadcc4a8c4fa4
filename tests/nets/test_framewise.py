import torch

from emoest.nets.framewise import FramewiseNet


class Linear(FramewiseNet):
    def __init__(self):
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self.layer = torch.nn.Linear(4, 3)
        self.n_units = 4

    def classify(self, frames):
        return frames, self.layer(frames)


def test_probabilities_of_the_own_frames_are_averaged():
    net, frames = Linear(), torch.randn(3, 5, 4, generator=torch.Generator().manual_seed(1))
    lengths = torch.tensor([5, 1, 3])
    proba = net(frames, lengths).exp()
    for i, length in enumerate(lengths.tolist()):
        expected = torch.softmax(net.layer(frames[i, :length]), dim=1).mean(dim=0)
        torch.testing.assert_close(proba[i], expected)
        embedded = net.embed(frames, lengths)[i]
        torch.testing.assert_close(embedded, frames[i, :length].mean(dim=0))


def test_padding_is_never_looked_at():
    net, frames = Linear(), torch.zeros(2, 3, 4)
    frames[1, 1:] = torch.nan
    logits = net(frames, torch.tensor([3, 1]))
    assert torch.isfinite(logits).all()
    logits.sum().backward()
    assert torch.isfinite(net.layer.weight.grad).all()


def test_single_frames_are_what_a_padded_batch_says_of_them():
    net, frames = Linear(), torch.randn(4, 1, 4)
    lengths = torch.ones(4, dtype=torch.int64)
    wide = torch.cat([frames, torch.full((4, 2, 4), 7.0)], dim=1)
    torch.testing.assert_close(net(frames, lengths), net(wide, lengths))
