"""Nets that classify frame by frame, and average what they say of the frames of a row."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from emoest.nets.layers.pooling import frame_mask


class FramewiseNet(nn.Module):
    """Base of nets that classify each frame (an image, a window of EEG) and average a row's.

    A subclass writes ``classify``, from frames of shape (n_frames, n_dims) to vectors of shape
    (n_frames, n_units) and logits of shape (n_frames, n_outputs), and has ``n_units``.

    Examples
    --------
    >>> class Same(FramewiseNet):
    ...     n_units = 2
    ...     def classify(self, frames):
    ...         return frames, frames
    >>> frames = torch.tensor([[[9.0, 0.0], [0.0, 9.0]], [[9.0, 0.0], [0.0, 0.0]]])
    >>> Same()(frames, torch.tensor([2, 1])).exp().round(decimals=3).tolist()
    [[0.5, 0.5], [1.0, 0.0]]
    """

    n_units: int

    def classify(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        """Embed and classify frames of shape (n_frames, n_dims), all of them present."""
        raise NotImplementedError

    def forward(self, frames: Tensor, lengths: Tensor) -> Tensor:
        """Classify rows.

        Parameters
        ----------
        frames : Tensor of shape (n_rows, n_frames, n_dims)
            Frames, padding at the end; the padding is never looked at.
        lengths : Tensor of int, shape (n_rows,)
            Frames of each row, at least one.

        Returns
        -------
        logits : Tensor of shape (n_rows, n_outputs)
            Logarithms of the mean probabilities of each row's frames.
        """
        own = frame_mask(lengths, frames.shape[1])
        log_proba = functional.log_softmax(self.classify(frames[own])[1].float(), dim=1)
        if frames.shape[1] == 1:
            return log_proba
        padded = log_proba.new_full((*own.shape, log_proba.shape[1]), -torch.inf)
        padded = padded.masked_scatter(own[:, :, None], log_proba)
        return padded.logsumexp(dim=1) - lengths[:, None].log()

    def embed(self, frames: Tensor, lengths: Tensor) -> Tensor:
        """Mean of the vectors of each row's frames, shape (n_rows, n_units)."""
        own = frame_mask(lengths, frames.shape[1])
        vectors = self.classify(frames[own])[0]
        rows = own.nonzero()[:, 0]
        summed = vectors.new_zeros(len(frames), vectors.shape[1]).index_add(0, rows, vectors)
        return summed / lengths[:, None]
