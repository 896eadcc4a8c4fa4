"""DenseNet-BC for faces: the net from which MEmoBERT takes its visual features.

The shape follows the authors' description (Zhao et al., 2022, and their published training code),
written anew: one gray channel, a strided stem without normalization, three dense blocks of sixteen
bottleneck layers that add twelve channels each, transitions that halve. Names of tensors are those
of common DenseNet implementations, so that weights of this shape need no renaming.
"""

from collections import OrderedDict
from pathlib import Path

import torch
from torch import Tensor, nn

from emoest.nets.weight_files.safetensors_io import fitting_net, read_safetensors

CLASSES = ("neutral", "happy", "surprise", "sad", "anger", "disgust", "fear", "contempt")
"""Emotions in the order of the outputs, which is that of FER+."""

SIZE = 64
"""Height and width in pixels of the face that goes in."""

N_DIMS = 342

_GROWTH = 12
_BOTTLENECK = 4
_N_LAYERS = 16
_N_BLOCKS = 3
_STEM = 2 * _GROWTH
_WHAT = "DenseNet-BC for faces"


class _Dense(nn.Module):
    """A bottleneck layer: what it finds stands beside what it got."""

    def __init__(self, n_in: int) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm2d(n_in)
        self.conv1 = nn.Conv2d(n_in, _BOTTLENECK * _GROWTH, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(_BOTTLENECK * _GROWTH)
        self.conv2 = nn.Conv2d(_BOTTLENECK * _GROWTH, _GROWTH, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        found = self.conv1(torch.relu(self.norm1(x)))
        found = self.conv2(torch.relu(self.norm2(found)))
        return torch.cat([x, found], dim=1)


class _Transition(nn.Module):
    """Half as many channels on a map of half the size."""

    def __init__(self, n_in: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(n_in)
        self.conv = nn.Conv2d(n_in, n_in // 2, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.avg_pool2d(self.conv(torch.relu(self.norm(x))), 2)


class FaceDenseNet(nn.Module):
    """DenseNet-BC of MEmoBERT: a face to 342 numbers and the probabilities of eight emotions.

    Parameters
    ----------
    n_classes : int, default=8
        Number of outputs.

    Notes
    -----
    With eight classes 768,044 parameters are trainable. Channels along the way: 24, 216, 108, 300,
    150, 342. The authors' weights are not published; the net has to be trained, or its weights
    given.

    References
    ----------
    Zhao, J., Li, R., Jin, Q., Wang, X. and Li, H. (2022). MEmoBERT: Pre-training model with
    prompt-based learning for multimodal emotion recognition. ICASSP.

    Huang, G., Liu, Z., van der Maaten, L. and Weinberger, K. (2017). Densely connected
    convolutional networks. CVPR.

    Examples
    --------
    >>> net = FaceDenseNet().eval()
    >>> embeddings, probabilities = net(torch.zeros(2, 64, 64))
    >>> tuple(embeddings.shape), tuple(probabilities.shape)
    ((2, 342), (2, 8))
    """

    def __init__(self, n_classes: int = len(CLASSES)) -> None:
        super().__init__()
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        layers["conv0"] = nn.Conv2d(1, _STEM, 3, stride=2, padding=1, bias=False)
        width = _STEM
        for i in range(1, _N_BLOCKS + 1):
            block: OrderedDict[str, nn.Module] = OrderedDict()
            for j in range(1, _N_LAYERS + 1):
                block[f"denselayer{j}"] = _Dense(width)
                width += _GROWTH
            layers[f"denseblock{i}"] = nn.Sequential(block)
            if i < _N_BLOCKS:
                layers[f"transition{i}"] = _Transition(width)
                width //= 2
        layers[f"norm{_N_BLOCKS}"] = nn.BatchNorm2d(width)
        self.features = nn.Sequential(layers)
        self.classifier = nn.Linear(width, n_classes)

    def forward(self, faces: Tensor) -> tuple[Tensor, Tensor]:
        """Embed and classify faces.

        Parameters
        ----------
        faces : Tensor of shape (n_faces, 64, 64)
            Gray faces, normalized with the mean and standard deviation of the training corpus.

        Returns
        -------
        embeddings : Tensor of shape (n_faces, 342)
            Average of the last map.
        probabilities : Tensor of shape (n_faces, n_classes)
            Rows sum to one.
        """
        x = faces[:, None].contiguous(memory_format=torch.channels_last)
        embeddings = torch.relu(self.features(x)).mean(dim=(2, 3))
        return embeddings, torch.softmax(self.classifier(embeddings), dim=1)


def load_face_densenet(path: Path) -> FaceDenseNet:
    """Load the net from a ``.safetensors`` file.

    Parameters
    ----------
    path : Path
        A file that `emoest.nets.weight_files.safetensors_io.save_net` wrote, or one with the same
        names of tensors.

    Returns
    -------
    net : FaceDenseNet
        In evaluation mode.

    Raises
    ------
    ValueError
        If the file is not of this kind, is truncated, or holds another net.
    """
    with open(path, "rb") as file:
        head = file.read(16)
    # A safetensors file begins with the length of a header in eight bytes, which is JSON.
    if head[8:9] != b"{":
        raise ValueError(
            f"{str(path)!r} is not a .safetensors file (it starts with {head!r}). Pickled weights "
            "are not opened; where you trust them, convert them once: "
            "safetensors.torch.save_file(torch.load(path, weights_only=True), new_path)."
        )
    state = read_safetensors(path)
    bias = state.get("classifier.bias")
    n_classes = len(CLASSES) if bias is None or not bias.ndim else len(bias)
    where = f"{str(path)!r} does not hold {_WHAT}"
    return fitting_net(lambda: FaceDenseNet(n_classes), state, where)
