"""Layers that pool: a sequence of any length into one vector, and a window of a map into one value.

Three poolings over time take zero-padded frames with their lengths: the mean, statistics pooling
(mean and standard deviation) and attention. What stands in the padding never matters. Stochastic
pooling is another thing in spite of its name: it draws one activation of a small window, in
training only, and shortens a map by a fixed factor.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional


def frame_mask(lengths: Tensor, n_frames: int) -> Tensor:
    """Mark which frames of a padded batch belong to their row.

    Parameters
    ----------
    lengths : Tensor of int, shape (n_rows,)
        Frames of each row; 0 where the row has none.
    n_frames : int
        Frames with padding.

    Returns
    -------
    mask : Tensor of bool, shape (n_rows, n_frames)

    Examples
    --------
    >>> frame_mask(torch.tensor([2, 0]), 3).tolist()
    [[True, True, False], [False, False, False]]
    """
    return torch.arange(n_frames, device=lengths.device) < lengths[:, None]


class MeanPooling(nn.Module):
    """The mean over the frames of each row.

    Examples
    --------
    >>> frames = torch.tensor([[[1.0], [3.0], [9.0]]])
    >>> MeanPooling()(frames, torch.tensor([2])).tolist()
    [[2.0]]
    """

    def forward(self, frames: Tensor, lengths: Tensor) -> Tensor:
        """Pool padded frames.

        Parameters
        ----------
        frames : Tensor of shape (n_rows, n_frames, n_dims)
            The frames, padding at the end.
        lengths : Tensor of int, shape (n_rows,)
            Frames of each row.

        Returns
        -------
        vectors : Tensor of shape (n_rows, n_dims)
            float32; zero in a row without frames.
        """
        return _mean(frames, lengths)[0]

    @staticmethod
    def out_dim(n_dims: int) -> int:
        """Size of the vector that frames of `n_dims` dimensions give."""
        return n_dims


class StatisticsPoolingLayer(nn.Module):
    r"""Mean and standard deviation over the frames of each row, side by side.

    The statistics pooling of x-vectors: for frames :math:`h_1, \dots, h_T` it gives
    :math:`[\mu, \sigma]` with :math:`\sigma_d = \sqrt{\mathrm{var}_d + \epsilon}`, first the block
    of means, then that of standard deviations. The size does not depend on the number of frames,
    so layers on frames can stand before it and layers on segments behind it. Nothing is random,
    and training and prediction do the same.

    Parameters
    ----------
    unbiased : bool, default=False
        Whether the variance is divided by T - 1 instead of T. Public speaker recognition nets
        divide by T - 1.
    eps : float, default=1e-7
        Added to the variance, so that the gradient at a constant dimension is finite.

    Notes
    -----
    The standard deviation of a single frame is exactly 0, for both divisors, and passes no
    gradient.

    References
    ----------
    D. Snyder, D. Garcia-Romero, G. Sell, D. Povey and S. Khudanpur, "X-vectors: robust DNN
    embeddings for speaker recognition", ICASSP 2018.

    Examples
    --------
    >>> frames = torch.tensor([[[1.0, 0.0], [2.0, 0.0], [3.0, 2.0], [4.0, 2.0]]])
    >>> vector = StatisticsPoolingLayer()(frames, torch.tensor([4]))[0]
    >>> [round(value, 4) for value in vector.tolist()]
    [2.5, 1.0, 1.118, 1.0]
    """

    def __init__(self, *, unbiased: bool = False, eps: float = 1e-7) -> None:
        super().__init__()
        self.unbiased = unbiased
        self.eps = eps

    def forward(self, frames: Tensor, lengths: Tensor, kept: Tensor | None = None) -> Tensor:
        """Pool frames as `MeanPooling` does, to vectors of shape (n_rows, 2 * n_dims).

        With `kept`, bool of shape (n_rows, n_frames), only frames that it marks count.
        """
        mean, mask, count = _mean(frames, lengths, kept)
        centered = (frames.float() - mean[:, None]).masked_fill(~mask, 0.0)
        divisor = (count - 1).clamp_min(1) if self.unbiased else count
        variance = centered.square().sum(dim=1) / divisor
        single = count <= 1
        std = (variance + self.eps).sqrt().masked_fill(single, 0.0)
        return torch.cat([mean, std], dim=1)

    @staticmethod
    def out_dim(n_dims: int) -> int:
        """Size of the vector that frames of `n_dims` dimensions give."""
        return 2 * n_dims

    def extra_repr(self) -> str:
        """Show the settings where the module is printed."""
        return f"unbiased={self.unbiased}, eps={self.eps}"


class AttentionPooling(nn.Module):
    """A weighted mean over the frames of each row; the weights are learned from the frames.

    A frame's score is ``v . tanh(W h + b)``, the weights are the softmax of the scores over the
    row's own frames.

    Parameters
    ----------
    n_dims : int
        Dimensions of a frame.
    hidden_size : int, default=64
        Units behind W.

    References
    ----------
    Z. Yang, D. Yang, C. Dyer, X. He, A. Smola and E. Hovy, "Hierarchical attention networks for
    document classification", NAACL 2016.

    Examples
    --------
    >>> pool = AttentionPooling(1)
    >>> pool(torch.tensor([[[2.0], [2.0], [7.0]]]), torch.tensor([2])).tolist()
    [[2.0]]
    """

    def __init__(self, n_dims: int, hidden_size: int = 64) -> None:
        super().__init__()
        self.hidden = nn.Linear(n_dims, hidden_size)
        self.score = nn.Linear(hidden_size, 1, bias=False)

    def weights(self, frames: Tensor, lengths: Tensor) -> Tensor:
        """Weight of each frame of what `forward` takes, float32 of shape (n_rows, n_frames).

        They sum to 1 in each row that has frames, and are 0 behind its end.
        """
        mask = frame_mask(lengths, frames.shape[1])
        clean = frames.masked_fill(~mask[:, :, None], 0.0)
        scores = self.score(torch.tanh(self.hidden(clean))).squeeze(2).float()
        # A row without frames takes a softmax over zeros, which is then emptied.
        none = (lengths <= 0)[:, None]
        scores = scores.masked_fill(~(mask | none), -torch.inf)
        return scores.softmax(dim=1).masked_fill(~mask, 0.0)

    def forward(self, frames: Tensor, lengths: Tensor) -> Tensor:
        """Pool frames as `MeanPooling` does, to vectors of shape (n_rows, n_dims)."""
        weights = self.weights(frames, lengths)
        mask = frame_mask(lengths, frames.shape[1])[:, :, None]
        return (weights[:, :, None] * frames.float().masked_fill(~mask, 0.0)).sum(dim=1)

    @staticmethod
    def out_dim(n_dims: int) -> int:
        """Size of the vector that frames of `n_dims` dimensions give."""
        return n_dims


class StochasticPooling(nn.Module):
    r"""Draw one activation of each window of a map in training, take the expectation afterwards.

    With activations :math:`a_i \ge 0` of a window and :math:`p_i = a_i / \sum_j a_j`, training
    gives :math:`a_l` with :math:`l` drawn from :math:`p`, evaluation :math:`\sum_i p_i a_i`. A
    window of zeros gives 0. Windows do not overlap; rows and columns that fill none are left out,
    as in max-pooling. The draws come from torch's generator.

    Parameters
    ----------
    size : int, default=2
        Height and width of a window.

    References
    ----------
    M. D. Zeiler and R. Fergus, "Stochastic pooling for regularization of deep convolutional neural
    networks", ICLR 2013.

    Examples
    --------
    >>> window = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])
    >>> round(float(StochasticPooling().eval()(window)), 4)
    3.0
    >>> float(StochasticPooling().train()(window)) in {1.0, 2.0, 3.0, 4.0}
    True
    """

    def __init__(self, size: int = 2) -> None:
        super().__init__()
        self.size = size

    def forward(self, maps: Tensor) -> Tensor:
        """Pool windows.

        Parameters
        ----------
        maps : Tensor of shape (n_rows, n_channels, height, width)
            Activations that are not negative (behind a ReLU); a negative one is never drawn.

        Returns
        -------
        pooled : Tensor of shape (n_rows, n_channels, height // size, width // size)
        """
        rows, channels, height, width = maps.shape
        flat = functional.unfold(
            maps.reshape(rows * channels, 1, height, width), self.size, stride=self.size
        )
        shape = (rows, channels, height // self.size, width // self.size)
        weights = flat.relu()
        if not self.training:
            total = weights.sum(dim=1)
            mean = (weights * flat).sum(dim=1) / total.masked_fill(total == 0, 1.0)
            return mean.reshape(shape)
        # The largest of p / E with E exponential is i with probability p_i.
        noise = torch.empty_like(weights).exponential_()
        drawn = (weights.detach() / noise).argmax(dim=1, keepdim=True)
        value = flat.gather(1, drawn) * (weights.sum(dim=1, keepdim=True) > 0)
        return value.reshape(shape)

    def extra_repr(self) -> str:
        """Show the settings where the module is printed."""
        return f"size={self.size}"


def _mean(
    frames: Tensor, lengths: Tensor, kept: Tensor | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """Mean of each row, its mask (n_rows, n_frames, 1) and its divisor (n_rows, 1)."""
    mask = frame_mask(lengths, frames.shape[1])[:, :, None]
    n_kept = lengths
    if kept is not None:
        mask = mask & kept[:, :, None]
        n_kept = mask.sum(dim=(1, 2))
    count = n_kept.clamp_min(1)[:, None].float()
    total = frames.float().masked_fill(~mask, 0.0).sum(dim=1)
    return total / count, mask, count
