import pytest
import torch
from torch import nn

from emoest.nets._inference import PairedColumns, in_parts


@pytest.mark.parametrize("size", [1, 2, 5, 7, None])
def test_parts_are_run_in_order_and_none_is_larger_than_asked_for(size):
    seen = []

    def double(x):
        seen.append(len(x))
        return 2 * x

    x = torch.arange(10.0).reshape(5, 2)
    assert torch.equal(in_parts(double, x, size), 2 * x)
    assert sum(seen) == 5
    assert max(seen) == min(5, size or 5)


def test_elsewhere_than_on_a_cpu_all_go_at_once():
    seen = []
    in_parts(lambda x: seen.append(len(x)) or x, torch.empty(5, 2, device="meta"), 2)
    assert seen == [5]


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
