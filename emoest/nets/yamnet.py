"""YAMNet: a MobileNet v1 that names 521 kinds of sound, as a torch module, and its weight files.

Architecture and file layout follow TensorFlow Models, research/audioset/yamnet (``yamnet.py``,
``params.py``; Apache-2.0), written anew for torch: width 1.0, plain ReLU, batch normalization
without scale and with epsilon 1e-4, TensorFlow's SAME padding. Input is the log-mel patches of
`emoest.features`.
"""

import copy
from pathlib import Path
from typing import Any, cast

import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_weights

from emoest.nets.layers.fast_convolutions import PairedColumns
from emoest.nets.weight_files.hdf5_reader import find_item, read_dataset, read_hdf5
from emoest.nets.weight_files.safetensors_io import (
    as_tensor,
    channels_last,
    fitting_net,
    read_safetensors,
)
from emoest.nets.weight_files.tflite_reader import (
    CONV_2D,
    DEPTHWISE_CONV_2D,
    FULLY_CONNECTED,
    read_tflite,
)

N_CLASSES = 521
N_DIMS = 1024
N_MELS = 64
PATCH_FRAMES = 96

_LAYERS = [
    (32, 64, 1),
    (64, 128, 2),
    (128, 128, 1),
    (128, 256, 2),
    (256, 256, 1),
    (256, 512, 2),
    (512, 512, 1),
    (512, 512, 1),
    (512, 512, 1),
    (512, 512, 1),
    (512, 512, 1),
    (512, 1024, 2),
    (1024, 1024, 1),
]
"""Channels in, channels out and stride of the separable layers 2 to 14."""

_EPSILON = 1e-4
_MOMENTUM = 0.01
_WHAT = "YAMNet"
# Numbers of the largest tensor, of a head of thousands of classes.
_LARGEST = 8 * N_DIMS**2


def same_padding(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """TensorFlow's SAME padding of one axis: the odd zero stands at the end.

    Parameters
    ----------
    size, kernel, stride : int
        Length of the axis, of the kernel, and its stride.

    Returns
    -------
    before, after : int

    Examples
    --------
    >>> same_padding(96, 3, 2), same_padding(96, 3, 1)
    ((0, 1), (1, 1))
    """
    total = max(0, (-(-size // stride) - 1) * stride + kernel - size)
    return total // 2, total - total // 2


class _BetaNorm(nn.Module):
    """Batch normalization with a shift and no scale."""

    running_mean: Tensor
    running_var: Tensor
    scale: Tensor

    def __init__(self, n_channels: int) -> None:
        super().__init__()
        self.beta = nn.Parameter(torch.zeros(n_channels))
        self.register_buffer("running_mean", torch.zeros(n_channels))
        self.register_buffer("running_var", torch.ones(n_channels))
        self.register_buffer("scale", torch.ones(n_channels), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.batch_norm(
            x,
            self.running_mean,
            self.running_var,
            self.scale,
            self.beta,
            self.training,
            _MOMENTUM,
            _EPSILON,
        )


class _ConvNorm(nn.Module):
    """Convolution with SAME padding, normalization, ReLU."""

    def __init__(self, n_in: int, n_out: int, kernel: int, stride: int, groups: int = 1) -> None:
        super().__init__()
        self.kernel = kernel
        self.stride = stride
        self.conv = nn.Conv2d(n_in, n_out, kernel, stride, groups=groups, bias=False)
        self.norm: nn.Module = _BetaNorm(n_out)

    def forward(self, x: Tensor) -> Tensor:
        pairs = [same_padding(size, self.kernel, self.stride) for size in x.shape[-2:]]
        padding = [before for before, _ in pairs]
        if any(before != after for before, after in pairs):
            x = nn.functional.pad(x, (*pairs[1], *pairs[0]))
            padding = [0, 0]
        conv = self.conv
        x = nn.functional.conv2d(
            x, conv.weight, conv.bias, conv.stride, padding, groups=conv.groups
        )
        return torch.relu_(self.norm(x))

    def fold(self) -> None:
        """Fold the normalization into the convolution."""
        conv, norm = self.conv, cast("_BetaNorm", self.norm)
        statistics = (norm.running_mean, norm.running_var, _EPSILON, norm.scale, norm.beta)
        conv.weight, conv.bias = fuse_conv_bn_weights(conv.weight, conv.bias, *statistics)
        self.norm = nn.Identity()

    def even_out(self) -> None:
        """Add a row and a column of zeros before the kernel of a layer that strides over even maps.

        So its padding is the same on all sides, and no map is copied to be padded.
        """
        if self.stride == 2:
            self.conv.weight = nn.Parameter(nn.functional.pad(self.conv.weight, (1, 0, 1, 0)))
            self.kernel += 1


class YAMNet(nn.Module):
    """YAMNet, the sound classifier whose last pooled layer is the embedding.

    Parameters
    ----------
    n_classes : int, default=521
        Number of outputs of the head.

    Notes
    -----
    3,729,481 parameters are trainable (README of the original: 3.7 million). The order of the 27
    convolutions is that of `blocks`: the first, then depthwise and pointwise of layers 2 to 14.

    References
    ----------
    TensorFlow Models, research/audioset/yamnet.

    Examples
    --------
    >>> net = YAMNet().eval()
    >>> embeddings, scores = net(torch.zeros(2, 96, 64))
    >>> tuple(embeddings.shape), tuple(scores.shape)
    ((2, 1024), (2, 521))
    """

    def __init__(self, n_classes: int = N_CLASSES) -> None:
        super().__init__()
        blocks = [_ConvNorm(1, 32, 3, 2)]
        for n_in, n_out, stride in _LAYERS:
            blocks.append(_ConvNorm(n_in, n_in, 3, stride, groups=n_in))
            blocks.append(_ConvNorm(n_in, n_out, 1, 1))
        self.blocks = nn.Sequential(*blocks)
        self.head = nn.Linear(N_DIMS, n_classes)

    def forward(self, patches: Tensor) -> tuple[Tensor, Tensor]:
        """Embed and classify patches.

        Parameters
        ----------
        patches : Tensor of shape (n_patches, 96, 64)
            Log-mel patches, time before frequency.

        Returns
        -------
        embeddings : Tensor of shape (n_patches, 1024)
            The pooled last layer.
        scores : Tensor of shape (n_patches, n_classes)
            Each class on its own, in [0, 1]; rows do not sum to one.
        """
        x = self.blocks(patches[:, None].contiguous(memory_format=torch.channels_last))
        embeddings = x.mean(dim=(2, 3))
        return embeddings, torch.sigmoid(self.head(embeddings))

    def folded(self) -> "YAMNet":
        """Copy the net with each normalization folded into its convolution, for inference.

        Returns
        -------
        net : YAMNet
            In evaluation mode and with the memory layout that is fastest on a CPU; its outputs
            differ by rounding only. It cannot be trained or saved.

        Raises
        ------
        RuntimeError
            If the net is in training mode, where normalization depends on the batch.

        Examples
        --------
        >>> net = YAMNet().eval()
        >>> patches = torch.linspace(-1, 1, 6144).reshape(1, 96, 64)
        >>> torch.allclose(net.folded()(patches)[0], net(patches)[0], atol=1e-5)
        True
        """
        if self.training:
            raise RuntimeError("Call eval() first: in training mode nothing can be folded.")
        net = copy.deepcopy(self)
        blocks = [cast("_ConvNorm", block) for block in net.blocks]
        for block in blocks:
            block.fold()
        for block in blocks[1:]:
            block.even_out()
        net.blocks[0] = nn.Sequential(PairedColumns(blocks[0].conv), nn.ReLU(inplace=True))
        return channels_last(net)


def load_yamnet(path: Path) -> YAMNet:
    """Load YAMNet from a file; its kind is told from its content.

    Parameters
    ----------
    path : Path
        A Keras HDF5 file with the official names (``yamnet.h5``; needs the extra ``keras``), a
        ``.tflite`` conversion (float, or with int8 weights that are scaled back and with the
        normalization folded in), or a file that `save_net` wrote.

    Returns
    -------
    net : YAMNet
        In evaluation mode.

    Raises
    ------
    ValueError
        If the file is none of these, is truncated, or holds another net.

    Notes
    -----
    The tests read a ``.tflite`` conversion of the published weights, and an HDF5 file that they
    generate with the official names; against the published ``yamnet.h5`` itself the results were
    not compared.
    """
    with open(path, "rb") as file:
        head = file.read(16)
    if head.startswith(b"\x89HDF"):
        state = read_hdf5(path, _official_state, what=_WHAT, purpose="Reading yamnet.h5")
    elif head[4:8] == b"TFL3":
        state = _read_tflite(path)
    # A safetensors file begins with the length of a header in eight bytes, which is JSON.
    elif head[8:9] == b"{":
        state = read_safetensors(path)
    else:
        raise ValueError(
            f"{str(path)!r} holds no YAMNet weights: it is neither an HDF5 file (yamnet.h5), nor "
            f"a .tflite, nor a .safetensors file; it starts with {head!r}."
        )
    head_weight = state.get("head.weight")
    n_classes = N_CLASSES if head_weight is None or not head_weight.ndim else len(head_weight)
    return fitting_net(lambda: YAMNet(n_classes), state, f"{str(path)!r} does not hold {_WHAT}")


def keras_names() -> list[tuple[str, str]]:
    """Names of the layers in ``yamnet.h5``, in the order of the net's convolutions.

    Returns
    -------
    names : list of (str, str)
        The layer and the name of its kernel.

    Examples
    --------
    >>> keras_names()[:2]
    [('layer1/conv', 'kernel'), ('layer2/depthwise_conv', 'depthwise_kernel')]
    """
    names = [("layer1/conv", "kernel")]
    for i in range(2, len(_LAYERS) + 2):
        names.append((f"layer{i}/depthwise_conv", "depthwise_kernel"))
        names.append((f"layer{i}/pointwise_conv", "kernel"))
    return names


def _official_state(file: Any) -> dict[str, Tensor]:
    def read(name: str) -> npt.NDArray[Any]:
        return read_dataset(find_item(file, name), _LARGEST)

    state = {}
    for i, (layer, kernel) in enumerate(keras_names()):
        axes = (2, 3, 0, 1) if kernel == "depthwise_kernel" else (3, 2, 0, 1)
        weight = read(f"{layer}/{layer}/{kernel}:0")
        norm = f"{layer}/bn/{layer}/bn"
        state[f"blocks.{i}.conv.weight"] = as_tensor(weight.transpose(axes))
        state[f"blocks.{i}.norm.beta"] = as_tensor(read(f"{norm}/beta:0"))
        state[f"blocks.{i}.norm.running_mean"] = as_tensor(read(f"{norm}/moving_mean:0"))
        state[f"blocks.{i}.norm.running_var"] = as_tensor(read(f"{norm}/moving_variance:0"))
    state["head.weight"] = as_tensor(read("logits/logits/kernel:0").T)
    state["head.bias"] = as_tensor(read("logits/logits/bias:0"))
    return state


def _read_tflite(path: Path) -> dict[str, Tensor]:
    """Read the convolutions in order; their biases are what folding left of the normalization."""
    operators = read_tflite(path)
    layers = [op for op in operators if op.code in {CONV_2D, DEPTHWISE_CONV_2D}]
    heads = [
        op.constants
        for op in operators
        if op.code == FULLY_CONNECTED and op.constants and op.constants[0].shape[1:] == (N_DIMS,)
    ]
    n_layers = 1 + 2 * len(_LAYERS)
    whole = all(len(constants) == 2 for constants in [op.constants for op in layers] + heads)
    if len(layers) != n_layers or len(heads) != 1 or not whole:
        raise ValueError(
            f"{str(path)!r} does not hold YAMNet: found {len(layers)} convolutions and "
            f"{len(heads)} heads, expected {n_layers} and 1, each with weights and bias."
        )
    state = {}
    for i, op in enumerate(layers):
        weight, bias = op.constants
        axes = (3, 0, 1, 2) if op.code == DEPTHWISE_CONV_2D else (0, 3, 1, 2)
        state[f"blocks.{i}.conv.weight"] = as_tensor(weight.transpose(axes))
        state[f"blocks.{i}.norm.beta"] = as_tensor(bias)
        state[f"blocks.{i}.norm.running_mean"] = torch.zeros(len(bias))
        # Less epsilon, so that the normalization, folded already, divides by exactly 1.
        state[f"blocks.{i}.norm.running_var"] = torch.full((len(bias),), 1 - _EPSILON)
    state["head.weight"], state["head.bias"] = (as_tensor(values) for values in heads[0])
    return state
