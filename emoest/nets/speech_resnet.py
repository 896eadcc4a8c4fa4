"""ResNet34 with statistics pooling on log-mel spectra of any length.

Two layouts. ``"speaker"`` is the ResNet34 of public speaker recognition recipes (narrow, a 3x3
stem, no max-pooling), ``"imagenet"`` the classic one (wide, a 7x7 stem of stride 2, max-pooling)
with one input channel. Padi et al. 2021 say ResNet34 with statistics pooling, trained on speakers
first; which of the two it was, and how wide, is not known.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from emoest.nets.layers.frame_norm import FrameBatchNorm, OwnFrames, VectorBatchNorm
from emoest.nets.layers.pooling import StatisticsPoolingLayer
from emoest.nets.layers.silence import SILENCE, coarser, trim_silence
from emoest.nets.layers.spec_augment import SpecAugment

LAYOUTS = {"speaker": 32, "imagenet": 64}
"""The layouts, and the channels of their first stage."""

BLOCKS = (3, 4, 6, 3)
"""Blocks of each stage of a ResNet34."""

N_STAGES = len(BLOCKS)


class _Block(nn.Module):
    """Two convolutions and what goes around them; frames behind the end of a row stay 0."""

    def __init__(self, n_in: int, n_out: int, stride: int) -> None:
        super().__init__()
        self.stride = stride
        self.conv1 = nn.Conv2d(n_in, n_out, 3, stride=stride, padding=1, bias=False)
        self.bn1 = FrameBatchNorm(n_out)
        self.conv2 = nn.Conv2d(n_out, n_out, 3, padding=1, bias=False)
        self.bn2 = FrameBatchNorm(n_out)
        self.shortcut = nn.ModuleList()
        if stride != 1 or n_in != n_out:
            self.shortcut.extend([nn.Conv2d(n_in, n_out, 1, bias=False), FrameBatchNorm(n_out)])

    def forward(self, maps: Tensor, own: OwnFrames) -> Tensor:
        out = functional.relu(self.bn1(self.conv1(maps), own), inplace=True)
        out = self.bn2(self.conv2(out), own)
        if self.shortcut:
            # The stride is a slice: as a stride of the convolution, the gradient of its kernel
            # overwrites foreign memory (torch 2.13 on CPUs, channels last, fewer than 8 channels).
            conv, norm = self.shortcut
            maps = norm(conv(maps[:, :, :: self.stride, :: self.stride]), own)
        return functional.relu(out.add_(maps), inplace=True)


class ResNetTrunk(nn.Module):
    """Convolutions of a ResNet34 over log-mel frames: fewer and wider frames come out.

    Frames behind the end of a row are zeroed after every convolution and shortcut, lengths are
    halved (rounded up) with every stride, and batch normalization sees own frames only. So a row
    gives the same whatever its padding and its neighbors, and learns the same.

    Parameters
    ----------
    n_mels : int, default=80
        Bands of a frame.
    layout : {"speaker", "imagenet"}, default="speaker"
        ``"speaker"``: 3x3 stem of stride 1, strides 1, 2, 2, 2, an eighth of the frames.
        ``"imagenet"``: 7x7 stem of stride 2, 3x3 max-pooling of stride 2, then the same, a
        thirty-second of the frames.
    channels : int, default=None
        Channels of the first stage, doubled with each further one; None takes 32 (``"speaker"``)
        or 64 (``"imagenet"``).

    Attributes
    ----------
    n_dims : int
        Width of a frame that comes out: channels of the last stage times bands left.
    stride : int
        Frames that become one: 8 (``"speaker"``) or 32 (``"imagenet"``).

    Notes
    -----
    Tensors have the names of the public speaker recognition nets (WeSpeaker): ``conv1``, ``bn1``,
    ``layer1.0.conv1``, ``layer2.0.shortcut.0``, with kernels of bands times frames. The speaker
    layout with 32 channels has 5,323,360 parameters, the other one with 64 21,278,400. A batch of
    a single value a channel is normalized by the running statistics, in training too.

    References
    ----------
    K. He, X. Zhang, S. Ren and J. Sun, "Deep residual learning for image recognition", CVPR 2016,
    table 1.

    Examples
    --------
    >>> trunk = ResNetTrunk(80, channels=2)
    >>> frames, lengths = trunk(torch.zeros(1, 100, 80), torch.tensor([100]))
    >>> frames.shape, lengths.tolist(), trunk.n_dims
    (torch.Size([1, 13, 160]), [13], 160)
    """

    def __init__(
        self, n_mels: int = 80, layout: str = "speaker", channels: int | None = None
    ) -> None:
        super().__init__()
        if layout not in LAYOUTS:
            raise ValueError(f"layout={layout!r} is unknown; choose one of {list(LAYOUTS)}.")
        self.layout = layout
        self.n_mels = n_mels
        self.channels = LAYOUTS[layout] if channels is None else channels
        size, stride = (3, 1) if layout == "speaker" else (7, 2)
        self.conv1 = nn.Conv2d(1, self.channels, size, stride=stride, padding=size // 2, bias=False)
        self.bn1 = FrameBatchNorm(self.channels)
        width = self.channels
        for i, n_blocks in enumerate(BLOCKS):
            n_out = self.channels * 2**i
            strides = [1 if i == 0 else 2] + [1] * (n_blocks - 1)
            blocks = [_Block(width if j == 0 else n_out, n_out, s) for j, s in enumerate(strides)]
            setattr(self, f"layer{i + 1}", nn.ModuleList(blocks))
            width = n_out
        self.stride = 8 if layout == "speaker" else 32
        self.n_dims = width * -(-n_mels // self.stride)
        self.apply(_initialize)

    def stages(self) -> list[nn.Module]:
        """The stages, in the order in which the frames pass them; the stem is none of them."""
        return [getattr(self, f"layer{i + 1}") for i in range(N_STAGES)]

    def forward(self, frames: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Run the convolutions.

        Parameters
        ----------
        frames : Tensor of shape (n_rows, n_frames, n_mels)
            Log-mel spectra, less their mean over time, padding at the end.
        lengths : Tensor of int, shape (n_rows,)
            Frames of each row.

        Returns
        -------
        frames : Tensor of shape (n_rows, n_frames_out, n_dims)
            Channels and bands side by side, channels slow.
        lengths : Tensor of int, shape (n_rows,)
            Frames of each row that are left.
        """
        own = OwnFrames(lengths, frames.shape[1])
        maps = frames.transpose(1, 2)[:, None]
        maps = maps.masked_fill(~own.mask(), 0.0) if own.padded else maps
        maps, own = self._stem(maps.contiguous(memory_format=torch.channels_last), own)
        for stage in self.stages():
            for block in stage:  # type: ignore[attr-defined]
                own = own.halved() if block.stride == 2 else own
                maps = block(maps, own)
        return maps.permute(0, 3, 1, 2).flatten(2), own.lengths

    def _stem(self, maps: Tensor, own: OwnFrames) -> tuple[Tensor, OwnFrames]:
        if self.layout == "speaker":
            return functional.relu(self.bn1(self.conv1(maps), own), inplace=True), own
        own = own.halved()
        maps = functional.relu(self.bn1(self.conv1(maps), own), inplace=True)
        # Behind a ReLU zeros pad as well as minus infinity does.
        maps, own = functional.max_pool2d(maps, 3, stride=2, padding=1), own.halved()
        return own.clear_(maps), own


class EmotionHead(nn.Module):
    """What stands behind the pooling: linear, batch normalization, ReLU, dropout, linear.

    On request the pooled statistics are scaled before, each to mean 0 and deviation 1 (batch
    normalization without weights): means and deviations of hundreds of channels differ by orders of
    magnitude, and the largest would drown the others.

    In training a batch of one is normalized by the running statistics, since it has no variance.

    Parameters
    ----------
    n_dims : int
        Size of the pooled vector.
    n_outputs : int
        Number of logits.
    hidden_size : int, default=256
        Units between the two linear layers.
    dropout : float, default=0.3
        Share of the units that training drops.
    scaled : bool, default=False
        Whether the pooled statistics are scaled first.

    Examples
    --------
    >>> EmotionHead(8, 4, hidden_size=3).eval().embed(torch.zeros(2, 8)).shape
    torch.Size([2, 3])
    """

    def __init__(
        self,
        n_dims: int,
        n_outputs: int,
        hidden_size: int = 256,
        dropout: float = 0.3,
        *,
        scaled: bool = False,
    ) -> None:
        super().__init__()
        self.scale = VectorBatchNorm(n_dims, affine=False) if scaled else nn.Identity()
        self.linear = nn.Linear(n_dims, hidden_size)
        self.norm = VectorBatchNorm(hidden_size)
        self.dropout = nn.Dropout(dropout)
        self.out = nn.Linear(hidden_size, n_outputs)

    def embed(self, vectors: Tensor) -> Tensor:
        """Penultimate vector, shape (n_rows, hidden_size)."""
        return torch.relu(self.norm(self.linear(self.scale(vectors))))

    def forward(self, vectors: Tensor) -> Tensor:
        """Logits, shape (n_rows, n_outputs)."""
        return self.out(self.dropout(self.embed(vectors)))


class SpeechResNet(nn.Module):
    """Masks, trunk, statistics pooling and emotion head: log-mel frames in, logits out.

    Parameters
    ----------
    n_mels : int
        Bands of a frame.
    n_outputs : int
        Number of emotions.
    layout, channels : str and int
        Of the backbone, see `ResNetTrunk`.
    hidden_size, dropout : int and float
        Of the head, see `EmotionHead`.
    specaugment : str or dict, default=None
        Masks that training draws, see `emoest.nets.layers.spec_augment.SpecAugment`; None draws
        none.
    fill : {"zero", "mean"}, default="zero"
        What stands under them.
    unbiased : bool, default=False
        Whether the pooled variance is divided by T - 1, as public speaker weights expect.
    n_trained : int or None, default=None
        How many of the four last stages of the backbone are trained with the head. None trains the
        whole backbone, stem included; 0 trains the head only. What is not trained keeps its batch
        statistics as well.
    silence : {"keep", "trim", "gate"}, default="keep"
        ``"trim"`` cuts the frames before the first and behind the last loud one
        (`emoest.nets.layers.silence.loud_frames`); ``"gate"`` also leaves out of the pooling what
        the backbone makes of the quiet frames in between.
    scale_statistics : bool, default=False
        Whether the head scales the pooled statistics first, see `EmotionHead`.

    Notes
    -----
    A row of length 0 gives the logits of a vector of zeros.

    References
    ----------
    S. Padi, S. O. Sadjadi, R. D. Sriram and D. Manocha, "Improved speech emotion recognition using
    transfer learning and spectrogram augmentation", ICMI 2021.

    Examples
    --------
    >>> net = SpeechResNet(40, 4, channels=2).eval()
    >>> net(torch.zeros(2, 30, 40), torch.tensor([30, 7])).shape
    torch.Size([2, 4])
    """

    def __init__(
        self,
        n_mels: int,
        n_outputs: int,
        *,
        layout: str = "speaker",
        channels: int | None = None,
        hidden_size: int = 256,
        dropout: float = 0.3,
        specaugment: str | Mapping[str, float] | None = None,
        fill: str = "zero",
        unbiased: bool = False,
        n_trained: int | None = None,
        silence: str = "keep",
        scale_statistics: bool = False,
    ) -> None:
        super().__init__()
        if silence not in SILENCE:
            raise ValueError(f"silence={silence!r} is unknown; choose one of {list(SILENCE)}.")
        self.silence = silence
        self.masks = None if specaugment is None else SpecAugment(specaugment, fill=fill)
        self.trunk = ResNetTrunk(n_mels, layout, channels)
        self.pooling = StatisticsPoolingLayer(unbiased=unbiased)
        self.head = EmotionHead(
            self.pooling.out_dim(self.trunk.n_dims),
            n_outputs,
            hidden_size,
            dropout,
            scaled=scale_statistics,
        )
        self.n_units = hidden_size
        self.n_trained = n_trained
        for part in self._frozen():
            part.requires_grad_(False)

    def _frozen(self) -> list[nn.Module]:
        if self.n_trained is None:
            return []
        return [
            self.trunk.conv1,
            self.trunk.bn1,
            *self.trunk.stages()[: N_STAGES - self.n_trained],
        ]

    def train(self, mode: bool = True) -> "SpeechResNet":
        """Set the mode; what is frozen stays in evaluation mode."""
        super().train(mode)
        for part in self._frozen():
            part.eval()
        return self

    def pool(self, frames: Tensor, lengths: Tensor) -> Tensor:
        """Vector of the whole utterance behind the backbone: means, then standard deviations.

        Parameters
        ----------
        frames : Tensor of shape (n_rows, n_frames, n_mels)
            Log-mel spectra, less their mean over time, padding at the end.
        lengths : Tensor of int, shape (n_rows,)
            Frames of each row.

        Returns
        -------
        vectors : Tensor of shape (n_rows, 2 * trunk.n_dims)
        """
        loud = None
        if self.silence != "keep":
            frames, lengths, loud = trim_silence(frames, lengths)
        if self.masks is not None:
            frames = self.masks(frames, lengths)
        frames, lengths = self.trunk(frames, lengths)
        if loud is None or self.silence == "trim":
            return self.pooling(frames, lengths)
        return self.pooling(frames, lengths, coarser(loud, self.trunk.stride))

    def embed(self, frames: Tensor, lengths: Tensor) -> Tensor:
        """Penultimate vector, shape (n_rows, hidden_size); takes what `pool` takes."""
        return self.head.embed(self.pool(frames, lengths))

    def forward(self, frames: Tensor, lengths: Tensor) -> Tensor:
        """Logits, shape (n_rows, n_outputs); takes what `pool` takes."""
        return self.head(self.pool(frames, lengths))


def _initialize(module: nn.Module) -> Any:
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
