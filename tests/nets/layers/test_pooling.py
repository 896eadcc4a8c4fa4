"""Pooling over time and over windows."""

import numpy as np
import pytest
import torch

from emoest.nets.layers.pooling import (
    AttentionPooling,
    MeanPooling,
    StatisticsPoolingLayer,
    StochasticPooling,
    frame_mask,
)


def ragged(seed=0, n_dims=3):
    """Four rows of 5, 1, 0 and 7 frames, with NaN behind their ends."""
    generator = torch.Generator().manual_seed(seed)
    lengths = torch.tensor([5, 1, 0, 7])
    frames = torch.randn(4, 7, n_dims, generator=generator)
    return frames.masked_fill(~frame_mask(lengths, 7)[:, :, None], torch.nan), lengths


def poolings(n_dims=3):
    torch.manual_seed(0)
    return [
        MeanPooling(),
        StatisticsPoolingLayer(),
        StatisticsPoolingLayer(unbiased=True),
        AttentionPooling(n_dims),
    ]


@pytest.fixture(autouse=True)
def _generator():
    with torch.random.fork_rng():
        yield


@pytest.mark.parametrize("which", range(4))
class TestEveryPooling:
    def test_padding_never_matters(self, which):
        pool = poolings()[which]
        frames, lengths = ragged()
        pooled = pool(frames, lengths)
        for row, length in enumerate(lengths.tolist()):
            alone = pool(frames[row : row + 1, : max(1, length)], lengths[row : row + 1])
            torch.testing.assert_close(pooled[row], alone[0], rtol=0, atol=1e-6)

    def test_a_row_without_frames_is_zero(self, which):
        frames, lengths = ragged()
        pooled = poolings()[which](frames, lengths)
        assert pooled[2].abs().max() == 0
        assert pooled.isfinite().all()

    def test_gradients_are_finite_and_stop_at_the_padding(self, which):
        frames, lengths = ragged()
        frames.requires_grad_()
        poolings()[which](frames, lengths).square().sum().backward()
        valid = frame_mask(lengths, 7)
        assert frames.grad.isfinite().all()
        assert frames.grad[~valid].abs().max() == 0
        assert frames.grad[valid].abs().max() > 0

    def test_out_dim_says_the_size(self, which):
        pool = poolings()[which]
        assert pool(*ragged()).shape[1] == pool.out_dim(3)

    def test_half_precision_gives_float32(self, which):
        pool = poolings()[which]
        frames, lengths = ragged()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            assert pool(frames.bfloat16(), lengths).dtype == torch.float32


@pytest.mark.parametrize("unbiased", [False, True])
def test_statistics_are_those_of_numpy(unbiased):
    frames, lengths = ragged()
    pooled = StatisticsPoolingLayer(unbiased=unbiased, eps=0.0)(frames, lengths)
    own = frames[0, :5].numpy()
    expected = np.concatenate([own.mean(axis=0), own.std(axis=0, ddof=int(unbiased))])
    np.testing.assert_allclose(pooled[0].numpy(), expected, atol=1e-6)


def test_worked_example():
    frames = torch.tensor([[[1.0, 0.0], [2.0, 0.0], [3.0, 2.0], [4.0, 2.0]]])
    four = torch.tensor([4])
    expected = torch.tensor([[2.5, 1.0, 1.1180, 1.0]])
    torch.testing.assert_close(StatisticsPoolingLayer()(frames, four), expected, rtol=0, atol=1e-4)
    expected = torch.tensor([[2.5, 1.0, 1.2910, 1.1547]])
    pooled = StatisticsPoolingLayer(unbiased=True)(frames, four)
    torch.testing.assert_close(pooled, expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize("unbiased", [False, True])
def test_one_frame_has_no_deviation(unbiased):
    frames = torch.tensor([[[3.0, -1.0]]], requires_grad=True)
    pooled = StatisticsPoolingLayer(unbiased=unbiased)(frames, torch.tensor([1]))
    assert pooled.tolist() == [[3.0, -1.0, 0.0, 0.0]]
    pooled.sum().backward()
    assert frames.grad.tolist() == [[[1.0, 1.0]]]


def test_a_constant_dimension_has_a_finite_gradient():
    frames = torch.ones(1, 4, 2, requires_grad=True)
    StatisticsPoolingLayer()(frames, torch.tensor([4]))[:, 2:].sum().backward()
    assert frames.grad.isfinite().all()


def test_attention_weights_sum_to_one_over_own_frames():
    frames, lengths = ragged()
    weights = poolings()[3].weights(frames, lengths)
    torch.testing.assert_close(weights.sum(dim=1), torch.tensor([1.0, 1.0, 0.0, 1.0]))
    assert weights[0, 5:].abs().max() == 0
    assert weights[0, :5].std() > 0


def test_stochastic_pooling_draws_in_proportion():
    pool = StochasticPooling().train()
    maps = torch.tensor([[1.0, 2.0], [3.0, 4.0]]).expand(1, 20_000, 2, 2)
    torch.manual_seed(0)
    drawn = pool(maps).flatten()
    shares = torch.bincount(drawn.long(), minlength=5)[1:] / len(drawn)
    torch.testing.assert_close(shares, torch.tensor([0.1, 0.2, 0.3, 0.4]), rtol=0, atol=0.015)
    assert float(pool.eval()(maps[:, :1])) == 3.0


def test_stochastic_pooling_of_zeros_and_remainders():
    for pool in (StochasticPooling(2).train(), StochasticPooling(2).eval()):
        maps = torch.zeros(2, 3, 5, 7, requires_grad=True)
        pooled = pool(maps)
        assert pooled.shape == (2, 3, 2, 3)
        assert pooled.abs().max() == 0
        pooled.sum().backward()
        assert maps.grad.isfinite().all()


def test_stochastic_pooling_keeps_windows_apart():
    maps = torch.arange(16.0).reshape(1, 1, 4, 4)
    torch.manual_seed(3)
    drawn = StochasticPooling().train()(maps)[0, 0]
    for i, j in [(0, 0), (0, 1), (1, 0), (1, 1)]:
        assert drawn[i, j] in maps[0, 0, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2]
