import pytest
import torch
from torch import nn

from emoest.nets.layers.fast_convolutions import PairedColumns, halved_maxima


def convolution(stride, *, bias=True):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return nn.Conv2d(1, 6, 3, stride, bias=bias)


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(("height", "width"), [(8, 12), (4, 4), (64, 64)])
def test_paired_columns_equal_the_plain_convolution(stride, bias, height, width):
    conv = convolution(stride, bias=bias)
    x = torch.randn(3, 1, height, width, generator=torch.Generator().manual_seed(1))
    padded = nn.functional.pad(x, (0, 1, 0, 1)) if stride == 2 else x
    with torch.inference_mode():
        found, expected = PairedColumns(conv)(x), conv(padded)
    assert found.shape == expected.shape
    assert found.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


def test_paired_columns_move_with_the_net():
    state = PairedColumns(convolution(1)).state_dict()
    assert {name: tuple(value.shape) for name, value in state.items()} == {
        "weight": (12, 2, 3, 2),
        "bias": (12,),
    }


@pytest.mark.parametrize("shape", [(1, 1, 2, 2), (2, 3, 4, 10), (3, 16, 60, 60)])
def test_halved_maxima_are_those_of_torch(shape):
    x = torch.randn(shape, generator=torch.Generator().manual_seed(0)) - 5
    x = x.contiguous(memory_format=torch.channels_last)
    before = x.clone()
    expected = nn.functional.max_pool2d(x, 3, stride=2, ceil_mode=True)
    assert torch.equal(halved_maxima(x), expected)
    assert torch.equal(x, before)
