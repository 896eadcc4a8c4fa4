"""Batch normalization that never sees padding."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from emoest.nets.layers.frame_norm import (
    FrameBatchNorm,
    OwnFrames,
    Packing,
    VectorBatchNorm,
    averaged_statistics,
)

LENGTHS = torch.tensor([5, 0, 7, 1])


@pytest.fixture(autouse=True)
def _generator():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


def maps(n_channels=3, height=2, n_frames=7):
    """Maps with numbers behind the end of the rows that would move any statistic."""
    values = torch.randn(len(LENGTHS), n_channels, height, n_frames)
    behind = torch.arange(n_frames) >= LENGTHS[:, None]
    return values.masked_fill(behind[:, None, None], 1e3)


def own_values(values):
    return torch.cat([row[..., :n].flatten(1) for row, n in zip(values, LENGTHS, strict=True)], 1)


def norm_with_shifts(n_channels=3):
    norm = FrameBatchNorm(n_channels)
    nn.init.normal_(norm.weight)
    nn.init.normal_(norm.bias)
    return norm


def test_training_takes_the_statistics_of_own_values():
    norm, values = norm_with_shifts(), maps()
    out = norm(values, OwnFrames(LENGTHS, 7))
    own = own_values(values)
    expected = functional.batch_norm(own.T, None, None, norm.weight, norm.bias, training=True)
    torch.testing.assert_close(own_values(out), expected.T, rtol=0, atol=1e-5)
    torch.testing.assert_close(norm.running_mean, own.mean(dim=1))
    torch.testing.assert_close(norm.running_var, own.var(dim=1))
    assert norm.num_batches_tracked == 1


@pytest.mark.parametrize("norm", [FrameBatchNorm(1), VectorBatchNorm(1)], ids=["frame", "vector"])
def test_running_statistics_average_ten_batches_before_they_forget(norm):
    shape = (8, 1, 1, 4) if isinstance(norm, FrameBatchNorm) else (8, 1)
    batches = [torch.randn(shape) + i for i in range(12)]
    for batch in batches[:10]:
        norm(batch)
    average = torch.stack([batch.mean() for batch in batches[:10]]).mean()
    torch.testing.assert_close(norm.running_mean[0], average)
    other = type(norm)(1)
    other.load_state_dict(norm.state_dict())
    for each in (norm, other):
        each(batches[10])
    assert torch.equal(other.running_mean, norm.running_mean)
    torch.testing.assert_close(norm.running_mean[0], 0.9 * average + 0.1 * batches[10].mean())


@pytest.mark.parametrize("training", [True, False])
def test_zeros_stand_behind_the_ends(training):
    out = norm_with_shifts().train(training)(maps(), OwnFrames(LENGTHS, 7))
    behind = (torch.arange(7) >= LENGTHS[:, None])[:, None, None].expand_as(out)
    assert out[behind].abs().max() == 0
    assert out[~behind].abs().max() > 0


@pytest.mark.parametrize("training", [True, False])
def test_gradients_are_those_of_own_values_alone(training):
    norm = norm_with_shifts().train(training)
    norm.running_mean.normal_()
    values = maps().requires_grad_()
    norm(values, OwnFrames(LENGTHS, 7)).square().sum().backward()
    found = norm.weight.grad.clone(), norm.bias.grad.clone(), own_values(values.grad)
    norm.zero_grad()
    norm.running_mean.zero_() if training else None
    own = own_values(values.detach()).T.contiguous().requires_grad_()
    stats = (None, None) if training else (norm.running_mean, norm.running_var)
    alone = functional.batch_norm(own, *stats, norm.weight, norm.bias, training=training)
    alone.square().sum().backward()
    expected = norm.weight.grad, norm.bias.grad, own.grad.T
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)
    assert values.grad[1].abs().max() == 0


def test_without_padding_it_is_batch_norm():
    norm, plain, values = norm_with_shifts(), nn.BatchNorm2d(3), maps()
    plain.load_state_dict(norm.state_dict())
    full = OwnFrames(torch.full((4,), 7), 7)
    assert not full.padded
    torch.testing.assert_close(norm(values, full), plain(values))
    torch.testing.assert_close(norm.eval()(values, full), norm(values))


@pytest.mark.parametrize("lengths", [[1], [0]])
def test_a_single_value_or_none_leaves_the_running_statistics(lengths):
    norm = norm_with_shifts()
    norm.running_mean.fill_(0.5)
    values = torch.full((1, 3, 1, 1 + lengths[0]), 2.0)
    out = norm(values, OwnFrames(torch.tensor(lengths), 1 + lengths[0]))
    assert out.isfinite().all()
    assert (norm.running_mean == 0.5).all()
    assert norm.num_batches_tracked == 0
    if lengths == [1]:
        torch.testing.assert_close(out, norm.eval()(values, OwnFrames(torch.tensor([1]), 2)))


def test_a_batch_of_one_vector_takes_the_running_statistics():
    norm, vector = VectorBatchNorm(4), torch.randn(1, 4)
    norm.running_mean.normal_()
    before = norm.running_mean.clone()
    torch.testing.assert_close(norm.train()(vector), norm.eval()(vector))
    assert torch.equal(norm.running_mean, before)
    two = torch.randn(2, 4)
    torch.testing.assert_close(norm.train()(two).mean(dim=0), torch.zeros(4), rtol=0, atol=1e-6)


def test_lengths_halve_as_a_strided_convolution_does():
    conv = nn.Conv2d(1, 1, 3, stride=2, padding=1)
    for n in range(1, 12):
        own = OwnFrames(torch.tensor([n, 0]), n).halved()
        assert own.lengths.tolist() == [conv(torch.zeros(1, 1, 1, n)).shape[3], 0]
        assert own.n_frames == own.lengths[0]


def test_packing_there_and_back_is_the_identity_on_own_values():
    own = OwnFrames(LENGTHS, 7)
    packing, values = Packing(own.mask(), 2), maps().double().requires_grad_()
    packed = packing.pack(values)
    assert packed.shape == (1, 3, 2 * 13, 1)
    back = packing.unpack(packed)
    torch.testing.assert_close(own_values(back), own_values(values))
    assert torch.autograd.gradcheck(lambda v: packing.unpack(packing.pack(v).square()), values)


def test_output_may_be_written_to():
    values = maps().requires_grad_()
    out = norm_with_shifts()(values, OwnFrames(LENGTHS, 7))
    out.relu_().sum().backward()
    assert values.grad.isfinite().all()


def lagging(norm):
    """A net whose running statistics are those of other data, with a dropout that must rest."""
    net = nn.Sequential(nn.Linear(3, 3), norm, nn.Dropout(0.5)).train()
    for _ in range(30):
        net(torch.randn(16, 3) - 5)
    return net


@pytest.mark.parametrize("norm", [VectorBatchNorm(3), nn.BatchNorm1d(3)], ids=["own", "torch"])
def test_statistics_become_averages_of_one_pass(norm):
    net, batches = lagging(norm), [torch.randn(16, 3) + 2 for _ in range(12)]
    momentum = norm.momentum
    with averaged_statistics(net), torch.no_grad():
        assert not net.training and norm.training
        for batch in batches:
            net(batch)
    hidden = [net[0](batch) for batch in batches]
    torch.testing.assert_close(
        norm.running_mean, torch.stack([each.mean(dim=0) for each in hidden]).mean(dim=0)
    )
    torch.testing.assert_close(
        norm.running_var, torch.stack([each.var(dim=0) for each in hidden]).mean(dim=0)
    )
    assert net.training and norm.momentum == momentum


def test_frozen_statistics_stay_and_an_error_changes_nothing():
    class Frozen(nn.Sequential):
        def train(self, mode=True):
            super().train(mode)
            self[1].eval()
            return self

    frozen = Frozen(*lagging(VectorBatchNorm(3))).train()
    before = frozen[1].running_mean.clone()
    with averaged_statistics(frozen), torch.no_grad():
        frozen(torch.randn(8, 3))
    assert torch.equal(frozen[1].running_mean, before)
    net = lagging(VectorBatchNorm(3))
    before = {name: value.clone() for name, value in net.state_dict().items()}
    with pytest.raises(RuntimeError), averaged_statistics(net):
        net(torch.randn(8, 3))
        raise RuntimeError
    for name, value in net.state_dict().items():
        assert torch.equal(value, before[name]), name
    with averaged_statistics(net):
        pass
    assert torch.equal(net[1].running_mean, before["1.running_mean"])
