"""A small convolutional net for faces: four convolutions and three linear layers.

The layout ``cnn4`` is that of a net for FER2013 that is in wide use; that it is the net of Tan et
al. 2021, who speak of a small one, is not known.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from emoest.nets.layers.frame_norm import FrameBatchNorm, VectorBatchNorm

SIZE = 48
"""Height and width in pixels of the face that goes in, those of FER2013."""


@dataclass(frozen=True)
class ImageCNNLayout:
    """Widths of an `ImageCNN`.

    Parameters
    ----------
    channels : tuple of int
        Channels of each convolution.
    kernels : tuple of int
        Height and width of the kernel of each convolution, odd.
    hidden : tuple of int
        Units of each linear layer before the classes.
    """

    channels: tuple[int, ...]
    kernels: tuple[int, ...]
    hidden: tuple[int, ...]


LAYOUTS = {
    "cnn4": ImageCNNLayout((64, 128, 512, 512), (3, 5, 3, 3), (256, 512)),
    "cnn4_small": ImageCNNLayout((32, 64, 96, 128), (3, 5, 3, 3), (64, 128)),
}
"""With 7 classes and gray images of 48 x 48: 4,474,759 and 301,735 trained parameters."""


class ImageCNN(nn.Module):
    """Convolutions with batch normalization, ReLU and halving maxima, then linear layers.

    Parameters
    ----------
    n_classes : int, default=7
        Number of outputs.
    layout : {"cnn4", "cnn4_small"}, default="cnn4"
        Widths of the layers, see `LAYOUTS`.
    size : int, default=48
        Height and width of the images; at least 16.
    n_channels : int, default=1
        Channels of the images: 1 is gray, 3 is color.
    dropout : float, default=0.25
        Fraction dropped behind each layer in training.

    Raises
    ------
    ValueError
        If `size` is smaller than the four halvings allow.

    Notes
    -----
    With 7 classes ``"cnn4"`` has 4,474,759 trained parameters; with the 3,968 running means and
    variances of the batch normalization they are 4,478,727.

    Examples
    --------
    >>> net = ImageCNN(7).eval()
    >>> vectors, logits = net(torch.zeros(2, 1, 48, 48))
    >>> tuple(vectors.shape), tuple(logits.shape)
    ((2, 512), (2, 7))
    >>> sum(parameter.numel() for parameter in net.parameters())
    4474759
    """

    def __init__(
        self,
        n_classes: int = 7,
        *,
        layout: str = "cnn4",
        size: int = SIZE,
        n_channels: int = 1,
        dropout: float = 0.25,
    ) -> None:
        super().__init__()
        widths = LAYOUTS[layout]
        left = size >> len(widths.channels)
        if left < 1:
            raise ValueError(
                f"Images of {size} x {size} pixels are too small for {layout}, which halves them "
                f"{len(widths.channels)} times: take at least {1 << len(widths.channels)}."
            )
        convolutions: list[nn.Module] = []
        n_in = n_channels
        for n_out, kernel in zip(widths.channels, widths.kernels, strict=True):
            convolutions += [
                nn.Conv2d(n_in, n_out, kernel, padding=kernel // 2),
                FrameBatchNorm(n_out),
                nn.ReLU(inplace=True),
                nn.MaxPool2d(2),
                nn.Dropout(dropout),
            ]
            n_in = n_out
        linear: list[nn.Module] = []
        n_in *= left**2
        for n_out in widths.hidden:
            linear += [
                nn.Linear(n_in, n_out),
                VectorBatchNorm(n_out),
                nn.ReLU(inplace=True),
                nn.Dropout(dropout),
            ]
            n_in = n_out
        self.convolutions = nn.Sequential(*convolutions)
        self.linear = nn.Sequential(*linear)
        self.head = nn.Linear(n_in, n_classes)
        self.n_units = n_in

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Embed and classify images.

        Parameters
        ----------
        images : Tensor of shape (n_images, n_channels, size, size)
            Values from 0 to 1.

        Returns
        -------
        vectors : Tensor of shape (n_images, n_units)
            What goes into the last layer.
        logits : Tensor of shape (n_images, n_classes)
        """
        maps = self.convolutions(images.contiguous(memory_format=torch.channels_last))
        vectors = self.linear(maps.flatten(1))
        return vectors, self.head(vectors)
