"""Images in, classes out: one interface to the nets for faces, with changes drawn in training."""

import math
from collections.abc import Mapping
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from emoest.nets.densenet import N_DIMS as DENSENET_UNITS
from emoest.nets.densenet import SIZE as DENSENET_SIZE
from emoest.nets.densenet import FaceDenseNet
from emoest.nets.framewise import FramewiseNet
from emoest.nets.image_cnn import LAYOUTS, ImageCNN
from emoest.nets.layers.image_augment import change_images, find_changes
from emoest.nets.xception import N_DIMS as XCEPTION_UNITS
from emoest.nets.xception import SIZE as XCEPTION_SIZE
from emoest.nets.xception import MiniXception
from emoest.utils.optional import import_optional

GRAY_SIZES = {
    **dict.fromkeys(LAYOUTS, 48),
    "mini_xception": XCEPTION_SIZE,
    "densenet": DENSENET_SIZE,
}
"""Our nets on gray faces, and the height and width that they were made for."""

GRAY_SCALES = {
    **dict.fromkeys(LAYOUTS, (0.0, 1.0)),
    "mini_xception": (0.5, 0.5),
    "densenet": (0.5, 0.25),
}
"""Mean and deviation by which they scale gray values from 0 to 1."""


class _Gray(nn.Module):
    """A net of ours that takes gray faces without a channel and gives probabilities."""

    def __init__(self, net: nn.Module, n_units: int, size: int, scale: tuple[float, float]) -> None:
        super().__init__()
        self.net = net
        self.n_units = n_units
        self.size = size
        self.scale = scale

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        # In values from 0 to 255, with which these nets were first trained, to the last bit.
        mean, std = (255 * value for value in self.scale)
        faces = (255 * resize_images(images, self.size)[:, 0] - mean) / std
        vectors, proba = self.net(faces)
        return vectors, proba.float().clamp_min(torch.finfo(torch.float32).tiny).log()

    @property
    def maps(self) -> nn.Module:
        return cast("nn.Module", getattr(self.net, "features", getattr(self.net, "blocks", None)))


class _CNN(nn.Module):
    """`ImageCNN` with the interface of the others."""

    def __init__(self, net: ImageCNN, scale: tuple[float, float]) -> None:
        super().__init__()
        self.net = net
        self.n_units = net.n_units
        self.scale = scale

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        mean, std = self.scale
        vectors, logits = self.net((images - mean) / std)
        return vectors, logits

    @property
    def maps(self) -> nn.Module:
        # Before the last maximum and dropout: on the finest grid of the last channels.
        return self.net.convolutions[-3]


class _Encoder(nn.Module):
    """An image encoder of transformers and a linear head."""

    mean: Tensor
    std: Tensor

    def __init__(
        self, config: Mapping[str, Any], n_outputs: int, dropout: float, scale: tuple[Any, Any]
    ) -> None:
        super().__init__()
        transformers = import_optional(
            "transformers", extra="face", purpose="An image encoder of transformers"
        )
        settings = {name: value for name, value in config.items() if name != "model_type"}
        made = transformers.AutoConfig.for_model(config["model_type"], **settings)
        self.encoder = transformers.AutoModel.from_config(made)
        sizes = getattr(made, "hidden_sizes", None) or [made.hidden_size]
        self.n_units = int(sizes[-1])
        self.size = getattr(made, "image_size", None)
        self.n_channels = int(made.num_channels)
        mean, std = (torch.as_tensor(each, dtype=torch.float32).reshape(-1, 1, 1) for each in scale)
        self.register_buffer("mean", mean, persistent=False)
        self.register_buffer("std", std, persistent=False)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(self.n_units, n_outputs)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        if self.size is not None:
            images = resize_images(images, self.size)
        images = (images.expand(-1, self.n_channels, -1, -1) - self.mean) / self.std
        states = self.encoder(pixel_values=images).last_hidden_state
        if states.ndim == 4:
            vectors = states.mean(dim=(2, 3))
        else:
            names = [name for name, _ in self.encoder.named_parameters()]
            has_class_token = any(name.endswith("cls_token") for name in names)
            vectors = states[:, 0] if has_class_token else states.mean(dim=1)
        return vectors, self.head(self.dropout(vectors))

    @property
    def maps(self) -> nn.Module | None:
        """The encoder where its states are maps; transformers give tokens instead."""
        is_convolutional = getattr(self.encoder.config, "hidden_sizes", None) is not None
        return self.encoder.encoder if is_convolutional else None


class ImageClassifier(FramewiseNet):
    """Classify images, each a row of pixels; several images of a row are averaged.

    Parameters
    ----------
    n_outputs : int
        Number of classes.
    model : {"cnn4", "cnn4_small", "mini_xception", "densenet", "transformers"}, default="cnn4"
        The net.
    size : int, default=48
        Height and width of the images that come in.
    n_channels : int, default=1
        Their channels, 1 or 3.
    dropout : float, default=0.25
        Of ``"cnn4"`` and ``"cnn4_small"``, and before the head of an encoder of transformers.
    augment : str, dict or None, default=None
        Changes of images in training, see `emoest.nets.layers.image_augment`.
    config : dict, default=None
        Of ``"transformers"``: the configuration, with ``model_type``.
    scale : pair of float or of lists of float, default=None
        Mean and deviation of values from 0 to 1: of gray ones a number each, of the channels of
        ``"transformers"`` a list each. None is `GRAY_SCALES`, and 0.5 and 0.5.
    frozen : bool, default=False
        Whether an encoder of transformers stays as it is and only its head is trained.

    Examples
    --------
    >>> net = ImageClassifier(7, "cnn4_small").eval()
    >>> net(torch.zeros(2, 1, 48 * 48), torch.tensor([1, 1])).shape
    torch.Size([2, 7])
    """

    def __init__(
        self,
        n_outputs: int,
        model: str = "cnn4",
        *,
        size: int = 48,
        n_channels: int = 1,
        dropout: float = 0.25,
        augment: str | Mapping[str, float] | None = None,
        config: Mapping[str, Any] | None = None,
        scale: tuple[Any, Any] | None = None,
        frozen: bool = False,
    ) -> None:
        super().__init__()
        self.shape = (n_channels, size, size)
        self.changes = None if augment is None else find_changes(augment)
        self.frozen = frozen
        scale = scale or GRAY_SCALES.get(model, (0.5, 0.5))
        self.net = self._make(n_outputs, model, dropout, config, scale)
        self.n_units = int(self.net.n_units)
        if frozen:
            self.net.encoder.requires_grad_(False)

    def _make(
        self, n_outputs: int, model: str, dropout: float, config: Any, scale: tuple[Any, Any]
    ) -> Any:
        n_channels, size, _ = self.shape
        if model not in GRAY_SCALES:
            return _Encoder(config, n_outputs, dropout, scale)
        scale = _gray_scale(scale)
        if model in LAYOUTS:
            options: dict[str, Any] = {"size": size, "n_channels": n_channels, "dropout": dropout}
            return _CNN(ImageCNN(n_outputs, layout=model, **options), scale)
        if model == "mini_xception":
            return _Gray(MiniXception(n_outputs), XCEPTION_UNITS, XCEPTION_SIZE, scale)
        return _Gray(FaceDenseNet(n_outputs), DENSENET_UNITS, DENSENET_SIZE, scale)

    @property
    def maps_layer(self) -> nn.Module | None:
        """The layer whose output is the last map of the convolutions; None where there is none."""
        layer: nn.Module | None = self.net.maps
        return layer

    def train(self, mode: bool = True) -> "ImageClassifier":
        """Switch to training; a frozen encoder keeps its batch statistics."""
        super().train(mode)
        if self.frozen:
            self.net.encoder.eval()
        return self

    def classify(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        """Embed and classify images, each a row of pixels from 0 to 255, channel by channel."""
        images = frames.reshape(-1, *self.shape) / 255
        if self.training and self.changes is not None:
            images = change_images(images, self.changes)
        vectors, logits = self.net(images)
        return vectors, logits


def _gray_scale(scale: Any) -> tuple[float, float]:
    mean, std = (float(value) for value in scale)
    if not math.isfinite(mean) or not 0 < std < math.inf:
        raise ValueError(f"scale={scale!r} must be a mean and a deviation above 0, both finite.")
    return mean, std


def resize_images(images: Tensor, size: Any) -> Tensor:
    """Resize images of shape (n_images, n_channels, height, width), bilinear, if need be.

    Examples
    --------
    >>> resize_images(torch.zeros(1, 1, 4, 4), 8).shape
    torch.Size([1, 1, 8, 8])
    """
    target = (size, size) if isinstance(size, int) else tuple(size)
    if tuple(images.shape[2:]) == target:
        return images
    return functional.interpolate(images, target, mode="bilinear", antialias=True)
