"""What makes frozen convolutional nets fast on a CPU; the values change by rounding only."""

from collections.abc import Callable

import torch
from torch import Tensor, nn


def in_parts(net: Callable[[Tensor], Tensor], x: Tensor, size: int | None) -> Tensor:
    """Run the layers of large maps on a few items at a time, so that the maps stay in the cache.

    Parameters
    ----------
    net : callable
        Layers that treat each item alone.
    x : Tensor of shape (n_items, ...)
        What goes in.
    size : int or None
        Items at a time on a CPU; None, and any other device, takes all at once.

    Returns
    -------
    y : Tensor of shape (n_items, ...)

    Examples
    --------
    >>> in_parts(torch.square, torch.arange(3.0), 2).tolist()
    [0.0, 1.0, 4.0]
    """
    if size is None or len(x) <= size or x.device.type != "cpu":
        return net(x)
    return torch.cat([net(part) for part in torch.split(x, size)])


class PairedColumns(nn.Module):
    """A convolution of gray pictures that reads two columns at once.

    A convolution of one channel leaves most of a CPU's vector unit idle. Here two neighboring
    columns of the picture are two channels and, with stride 1, two neighboring columns of the
    output are twice as many channels; in memory the output is that of the plain convolution with
    channels last.

    Parameters
    ----------
    conv : Conv2d
        One channel in, a kernel of 3 x 3, stride 1 without padding, or stride 2, for which zeros
        are added behind the last row and column (TensorFlow's SAME padding of even sizes).

    Examples
    --------
    >>> conv = nn.Conv2d(1, 5, 3)
    >>> x = torch.linspace(-1, 1, 24).reshape(1, 1, 4, 6)
    >>> torch.allclose(PairedColumns(conv)(x), conv(x), atol=1e-6)
    True
    """

    weight: Tensor
    bias: Tensor

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__()
        self.stride = conv.stride[0]
        kernel = conv.weight.detach()[:, 0].transpose(1, 2)
        self.n_out = len(kernel)
        columns = range(0, 2, self.stride)
        wide = kernel.new_zeros(len(columns), self.n_out, 4, 3)
        for column in columns:
            wide[column, :, column : column + 3] = kernel
        paired = wide.reshape(-1, 2, 2, 3).permute(0, 2, 3, 1)
        self.register_buffer("weight", paired.contiguous(memory_format=torch.channels_last))
        bias = kernel.new_zeros(self.n_out) if conv.bias is None else conv.bias.detach()
        self.register_buffer("bias", bias.repeat(len(columns)))

    def forward(self, x: Tensor) -> Tensor:
        """Convolve.

        Parameters
        ----------
        x : Tensor of shape (n_items, 1, height, width)
            Pictures of even width; with stride 2 of even height as well.

        Returns
        -------
        y : Tensor of shape (n_items, n_out, height - 2, width - 2)
            Half of height and width with stride 2.
        """
        if self.stride == 2:
            x = nn.functional.pad(x, (0, 2, 0, 1))
        n, _, height, width = x.shape
        pairs = x.reshape(n, height, width // 2, 2).permute(0, 3, 1, 2)
        maps = nn.functional.conv2d(pairs, self.weight, self.bias, (self.stride, 1))
        maps = maps.permute(0, 2, 3, 1)
        return maps.reshape(n, maps.shape[1], -1, self.n_out).permute(0, 3, 1, 2)
