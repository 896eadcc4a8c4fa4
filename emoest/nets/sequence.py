"""Temporal models over ragged frames: recurrent or Transformer layers, pooling, one linear head."""

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from emoest.nets.layers.pooling import (
    AttentionPooling,
    MeanPooling,
    StatisticsPoolingLayer,
    frame_mask,
)
from emoest.nets.layers.whole_rows import are_whole

CELLS = ("lstm", "gru", "transformer")
"""What turns frames into hidden states; None leaves the frames as they are."""

POOLINGS = ("statistics", "attention", "mean", "last")


class SequenceNet(nn.Module):
    """Frames to hidden states, hidden states to one vector, that vector to outputs.

    Parameters
    ----------
    n_dims : int
        Dimensions of a frame.
    n_outputs : int
        Classes, or 1 for a regression.
    cell : {"lstm", "gru", "transformer"} or None, default="lstm"
        What turns frames into hidden states; None pools the frames as they are.
    hidden_size : int, default=64
        Units of a direction; the width of the Transformer.
    n_layers : int, default=1
        Layers.
    bidirectional : bool, default=True
        Whether recurrent layers also read backwards; the Transformer always sees both sides.
    n_heads : int, default=4
        Attention heads of the Transformer; they divide `hidden_size`.
    pooling : {"statistics", "attention", "mean", "last"}, default="statistics"
        How hidden states become one vector. ``"last"`` takes the last state of each direction.
    dropout : float, default=0.2
        Before the head, and between layers.

    Raises
    ------
    ValueError
        If `n_heads` does not divide `hidden_size`.

    Examples
    --------
    >>> net = SequenceNet(n_dims=3, n_outputs=4).eval()
    >>> net(torch.zeros(2, 5, 3), torch.tensor([5, 2])).shape
    torch.Size([2, 4])
    """

    def __init__(
        self,
        n_dims: int,
        n_outputs: int,
        *,
        cell: str | None = "lstm",
        hidden_size: int = 64,
        n_layers: int = 1,
        bidirectional: bool = True,
        n_heads: int = 4,
        pooling: str = "statistics",
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        self.encoder: nn.Module
        bidirectional = bidirectional and cell in {"lstm", "gru"}
        if cell is None:
            self.encoder = NoLayers()
            width = n_dims
        elif cell == "transformer":
            self.encoder = TransformerLayers(n_dims, hidden_size, n_layers, n_heads, dropout)
            width = hidden_size
        else:
            self.encoder = RecurrentLayers(
                n_dims, hidden_size, n_layers, cell, bidirectional=bidirectional, dropout=dropout
            )
            width = hidden_size * (2 if bidirectional else 1)
        self.pooling = _pooling(pooling, width, bidirectional)
        self.n_units = int(self.pooling.out_dim(width))
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(self.n_units, n_outputs)

    def embed(self, frames: Tensor, lengths: Tensor) -> Tensor:
        """Compute the pooled vector of each row.

        Parameters
        ----------
        frames : Tensor of shape (n_rows, n_frames, n_dims)
            The frames, padding at the end.
        lengths : Tensor of int, shape (n_rows,)
            Frames of each row, at least 1.

        Returns
        -------
        vectors : Tensor of shape (n_rows, n_units)
        """
        vectors: Tensor = self.pooling(self.encoder(frames, lengths), lengths)
        return vectors

    def forward(self, frames: Tensor, lengths: Tensor) -> Tensor:
        """Compute the outputs of each row, shape (n_rows, n_outputs)."""
        outputs: Tensor = self.head(self.dropout(self.embed(frames, lengths)))
        return outputs


class NoLayers(nn.Module):
    """Frames as they are: those of a pretrained encoder are states already.

    Examples
    --------
    >>> NoLayers()(torch.ones(1, 2, 3), torch.tensor([2])).shape
    torch.Size([1, 2, 3])
    """

    def forward(self, frames: Tensor, lengths: Tensor) -> Tensor:
        """Return the frames."""
        return frames


class RecurrentLayers(nn.Module):
    """LSTM or GRU layers that stop at the end of each row.

    Examples
    --------
    >>> layers = RecurrentLayers(3, 8, 1, "gru", bidirectional=True, dropout=0.0)
    >>> layers(torch.zeros(1, 5, 3), torch.tensor([4])).shape
    torch.Size([1, 5, 16])
    """

    def __init__(
        self,
        n_dims: int,
        hidden_size: int,
        n_layers: int,
        cell: str,
        *,
        bidirectional: bool,
        dropout: float,
    ) -> None:
        super().__init__()
        layers: Any = {"lstm": nn.LSTM, "gru": nn.GRU}[cell]
        self.layers = layers(
            n_dims,
            hidden_size,
            n_layers,
            batch_first=True,
            bidirectional=bidirectional,
            # torch warns of dropout between layers where there is one layer.
            dropout=dropout if n_layers > 1 else 0.0,
        )

    def forward(self, frames: Tensor, lengths: Tensor) -> Tensor:
        """Compute the hidden state at each frame, zeros in the padding."""
        if are_whole():
            unpadded: Tensor = self.layers(frames)[0]
            return unpadded
        packed = pack_padded_sequence(frames, lengths.cpu(), batch_first=True, enforce_sorted=False)
        states, _ = self.layers(packed)
        padded: Tensor = pad_packed_sequence(
            states, batch_first=True, total_length=frames.shape[1]
        )[0]
        return padded


class TransformerLayers(nn.Module):
    """Transformer encoder layers over the frames of each row, with sinusoidal positions.

    Examples
    --------
    >>> layers = TransformerLayers(3, 8, 1, 2, 0.0).eval()
    >>> layers(torch.zeros(1, 5, 3), torch.tensor([4])).shape
    torch.Size([1, 5, 8])
    """

    def __init__(
        self, n_dims: int, hidden_size: int, n_layers: int, n_heads: int, dropout: float
    ) -> None:
        super().__init__()
        if hidden_size % n_heads:
            raise ValueError(
                f"n_heads={n_heads} does not divide hidden_size={hidden_size}: each head of the "
                "Transformer takes an equal part of it."
            )
        self.project = nn.Linear(n_dims, hidden_size)
        layer = nn.TransformerEncoderLayer(
            hidden_size, n_heads, 4 * hidden_size, dropout, batch_first=True, norm_first=True
        )
        # torch warns that it cannot use nested tensors with norm_first.
        self.layers = nn.TransformerEncoder(
            layer, n_layers, norm=nn.LayerNorm(hidden_size), enable_nested_tensor=False
        )

    def forward(self, frames: Tensor, lengths: Tensor) -> Tensor:
        """Compute the hidden state at each frame."""
        mask = frame_mask(lengths, frames.shape[1])
        hidden = self.project(frames)
        hidden = hidden + positions(hidden.shape[1], hidden.shape[2]).to(hidden)
        states: Tensor = self.layers(hidden, src_key_padding_mask=~mask)
        return states


class LastPooling(nn.Module):
    """The state after the last frame; of a backward direction, the state at the first.

    Examples
    --------
    >>> LastPooling(bidirectional=False)(torch.tensor([[[1.0], [2.0], [0.0]]]), torch.tensor([2]))
    tensor([[2.]])
    """

    def __init__(self, *, bidirectional: bool) -> None:
        super().__init__()
        self.bidirectional = bidirectional

    def forward(self, frames: Tensor, lengths: Tensor) -> Tensor:
        """Pool states of shape (n_rows, n_frames, n_dims)."""
        last = frames[torch.arange(len(frames), device=frames.device), lengths.clamp_min(1) - 1]
        if not self.bidirectional:
            return last
        half = frames.shape[2] // 2
        return torch.cat([last[:, :half], frames[:, 0, half:]], dim=1)

    @staticmethod
    def out_dim(n_dims: int) -> int:
        """Size of the vector that states of `n_dims` dimensions give."""
        return n_dims


def positions(n_frames: int, n_dims: int) -> Tensor:
    """Sines and cosines that tell frames their place (Vaswani et al. 2017, section 3.5).

    Examples
    --------
    >>> positions(2, 4)[0].tolist()
    [0.0, 1.0, 0.0, 1.0]
    """
    place = torch.arange(n_frames)[:, None]
    rate = torch.exp(torch.arange(0, n_dims, 2) * (-math.log(10000.0) / n_dims))
    table = torch.zeros(n_frames, n_dims)
    table[:, 0::2] = torch.sin(place * rate)
    # An odd number of dimensions has one cosine fewer.
    table[:, 1::2] = torch.cos(place * rate[: n_dims // 2])
    return table


def _pooling(name: str, width: int, bidirectional: bool) -> Any:
    if name == "attention":
        return AttentionPooling(width)
    if name == "last":
        return LastPooling(bidirectional=bidirectional)
    return {"statistics": StatisticsPoolingLayer, "mean": MeanPooling}[name]()
