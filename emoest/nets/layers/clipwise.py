"""Batches of ragged clips through the convolutions of a speech encoder, each clip on its own."""

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn


class Clipwise(nn.Module):
    """Run a net of convolutions over each clip of a padded batch as if the clip were alone.

    The first layer of wav2vec 2.0 base and its relatives normalizes every channel over time, so
    zeros behind a clip change the clip's own values. Here the net sees each clip without them;
    clips of the same length go through it together. What comes out is padded with zeros again.

    Parameters
    ----------
    net : nn.Module
        From (n_clips, n_samples) to (n_clips, n_channels, n_frames).

    Examples
    --------
    >>> import torch
    >>> class Mean(nn.Module):
    ...     def forward(self, x):
    ...         return x.mean(dim=1)[:, None, None].expand(-1, 1, x.shape[1])
    >>> net = Clipwise(Mean())
    >>> net.lengths = [1, 2]
    >>> net(torch.tensor([[4.0, 0.0], [1.0, 3.0]])).tolist()
    [[[4.0, 0.0]], [[2.0, 2.0]]]
    """

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net
        self.lengths: Sequence[int] = ()

    def forward(self, signals: Tensor, *args: Any) -> Tensor:
        """Run the net; `lengths` says how many samples of each row are the clip's.

        Parameters
        ----------
        signals : Tensor of shape (n_clips, n_samples)
            The clips, padded at their ends.
        *args : object
            Handed over to the net.

        Returns
        -------
        features : Tensor of shape (n_clips, n_channels, n_frames)
            As many frames as the longest clip has.
        """
        rows: dict[int, list[int]] = {}
        for row, length in enumerate(self.lengths):
            rows.setdefault(length, []).append(row)
        parts = {n: self.net(signals[rows[n], :n], *args) for n in rows}
        if len(parts) == 1:
            return next(iter(parts.values()))
        longest = parts[max(parts)]
        features = longest.new_zeros(len(signals), *longest.shape[1:])
        for n, part in parts.items():
            features[rows[n], :, : part.shape[2]] = part
        return features
