"""Telling speakers apart: the net that learns them, and softmax with an additive angular margin."""

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from emoest.nets.layers.pooling import StatisticsPoolingLayer
from emoest.nets.losses.criteria import predicting
from emoest.nets.speech_resnet import ResNetTrunk

N_EMBEDDING = 256
"""Size of the speaker embedding in public recipes."""


class CosineHead(nn.Module):
    """Cosines between a vector and one learned direction for each class.

    Parameters
    ----------
    n_dims : int
        Size of the vector.
    n_outputs : int
        Number of classes.

    Examples
    --------
    >>> cosines = CosineHead(3, 2)(torch.randn(4, 3))
    >>> bool((cosines.abs() <= 1.0001).all())
    True
    """

    def __init__(self, n_dims: int, n_outputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(n_outputs, n_dims))
        nn.init.xavier_uniform_(self.weight)

    def forward(self, vectors: Tensor) -> Tensor:
        """Cosines of shape (n_rows, n_outputs); 0 for a vector of zeros."""
        return functional.linear(
            functional.normalize(vectors.float()), functional.normalize(self.weight.float())
        )


class AngularMarginLoss(nn.Module):
    r"""Cross-entropy of scaled cosines, the true class handicapped by an angle (AAM-softmax).

    With :math:`\theta_k` the angle to class k, the logits are :math:`s \cos\theta_k`, and
    :math:`s \cos(\theta_y + m)` for the true class y. Where :math:`\theta_y + m` would exceed
    :math:`\pi`, the true logit is :math:`s (\cos\theta_y - 1 - \cos(\pi - m))` instead, so that it
    keeps falling and has no jump.

    Parameters
    ----------
    scale : float, default=32.0
        The scale s.
    margin : float, default=0.2
        The angle m in radians, from 0 (plain scaled softmax) to below pi / 2.

    Raises
    ------
    ValueError
        If the margin lies outside of its range.

    References
    ----------
    J. Deng, J. Guo, N. Xue and S. Zafeiriou, "ArcFace: additive angular margin loss for deep face
    recognition", CVPR 2019.

    Examples
    --------
    >>> cosines, target = torch.tensor([[0.5, 0.4]]), torch.tensor([0])
    >>> plain, handicapped = AngularMarginLoss(margin=0.0), AngularMarginLoss()
    >>> bool(plain(cosines, target) < handicapped(cosines, target))
    True
    """

    def __init__(self, scale: float = 32.0, margin: float = 0.2) -> None:
        super().__init__()
        if not 0 <= margin < math.pi / 2:
            raise ValueError(f"margin={margin} must lie between 0 and pi / 2.")
        self.scale = scale
        self.margin = margin

    def forward(self, output: Any, target: Tensor) -> Tensor:
        """Loss of each row.

        Parameters
        ----------
        output : Tensor of shape (n_rows, n_classes)
            Cosines.
        target : Tensor of int, shape (n_rows,)
            The true classes.

        Returns
        -------
        loss : Tensor of shape (n_rows,)
        """
        cosines = predicting(output)
        own = cosines.gather(1, target[:, None])
        # Away from 1, where the derivative of the sine is infinite.
        sine = (1 - own.square()).clamp_min(1e-7).sqrt()
        shifted = own * math.cos(self.margin) - sine * math.sin(self.margin)
        beyond = math.cos(math.pi - self.margin)
        shifted = torch.where(own > beyond, shifted, own - 1 - beyond)
        logits = self.scale * cosines.scatter(1, target[:, None], shifted)
        return functional.cross_entropy(logits, target, reduction="none")

    def extra_repr(self) -> str:
        """Show the settings where the module is printed."""
        return f"scale={self.scale}, margin={self.margin}"


class SpeakerNet(nn.Module):
    """Trunk, statistics pooling, a linear embedding, and a head over speakers.

    Parameters
    ----------
    n_mels : int
        Bands of a frame.
    n_outputs : int
        Number of speakers.
    layout, channels : str and int
        Of the backbone, see `emoest.nets.speech_resnet.ResNetTrunk`.
    n_embedding : int, default=256
        Size of the embedding.
    head : {"cosine", "linear"}, default="cosine"
        Whether the outputs are cosines, for `AngularMarginLoss`, or logits, for cross-entropy.
    unbiased : bool, default=True
        Whether the pooled variance is divided by T - 1, as in public recipes.

    Notes
    -----
    With 80 bands, 32 channels and 256 dimensions, trunk and embedding have 6,634,336 parameters.

    Examples
    --------
    >>> net = SpeakerNet(40, 7, channels=2).eval()
    >>> net(torch.zeros(2, 30, 40), torch.tensor([30, 7])).shape
    torch.Size([2, 7])
    """

    def __init__(
        self,
        n_mels: int,
        n_outputs: int,
        *,
        layout: str = "speaker",
        channels: int | None = None,
        n_embedding: int = N_EMBEDDING,
        head: str = "cosine",
        unbiased: bool = True,
    ) -> None:
        super().__init__()
        self.trunk = ResNetTrunk(n_mels, layout, channels)
        self.pooling = StatisticsPoolingLayer(unbiased=unbiased)
        self.embedding = nn.Linear(self.pooling.out_dim(self.trunk.n_dims), n_embedding)
        self.head = (CosineHead if head == "cosine" else nn.Linear)(n_embedding, n_outputs)
        self.n_units = n_embedding

    def embed(self, frames: Tensor, lengths: Tensor) -> Tensor:
        """Speaker embedding.

        Parameters
        ----------
        frames : Tensor of shape (n_rows, n_frames, n_mels)
            Log-mel spectra, less their mean over time, padding at the end.
        lengths : Tensor of int, shape (n_rows,)
            Frames of each row.

        Returns
        -------
        vectors : Tensor of shape (n_rows, n_embedding)
        """
        vectors: Tensor = self.embedding(self.pooling(*self.trunk(frames, lengths)))
        return vectors

    def forward(self, frames: Tensor, lengths: Tensor) -> Tensor:
        """Cosines or logits, shape (n_rows, n_outputs); takes what `embed` takes."""
        outputs: Tensor = self.head(self.embed(frames, lengths))
        return outputs
