"""Heads of the cross-modal Transformer: words, frames, and classes of rows or of frames."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from emoest.nets.cross_modal.transformer import EPS, start_as_bert


class _Transform(nn.Module):
    """Linear, GELU, layer normalization: what each head begins with."""

    def __init__(self, hidden_size: int, size: int) -> None:
        super().__init__()
        self.dense = nn.Linear(hidden_size, size)
        self.norm = nn.LayerNorm(size, EPS)

    def forward(self, states: Tensor) -> Tensor:
        transformed: Tensor = self.norm(functional.gelu(self.dense(states)))
        return transformed


class WordHead(nn.Module):
    """Logits over pieces of words; the decoder is the table of the embedder.

    Parameters
    ----------
    hidden_size, vocab_size : int
        Sizes.

    Examples
    --------
    >>> table = torch.zeros(7, 4)
    >>> WordHead(4, 7)(torch.zeros(2, 4), table).shape
    torch.Size([2, 7])
    """

    def __init__(self, hidden_size: int, vocab_size: int) -> None:
        super().__init__()
        self.transform = _Transform(hidden_size, hidden_size)
        self.bias = nn.Parameter(torch.zeros(vocab_size))
        self.apply(start_as_bert)

    def forward(self, states: Tensor, table: Tensor, ids: Tensor | None = None) -> Tensor:
        """Logits of all pieces, or of those that `ids` names; `table` is the embedder's."""
        if ids is None:
            return functional.linear(self.transform(states), table, self.bias)
        return functional.linear(self.transform(states), table[ids], self.bias[ids])


class RegressionHead(nn.Module):
    """Frames out of states; the last map is the transpose of the embedder's projection.

    Parameters
    ----------
    hidden_size, n_dims : int
        Sizes.

    Examples
    --------
    >>> RegressionHead(4, 3)(torch.zeros(2, 4), torch.zeros(4, 3)).shape
    torch.Size([2, 3])
    """

    def __init__(self, hidden_size: int, n_dims: int) -> None:
        super().__init__()
        self.transform = _Transform(hidden_size, hidden_size)
        self.bias = nn.Parameter(torch.zeros(n_dims))
        self.apply(start_as_bert)

    def forward(self, states: Tensor, projection: Tensor) -> Tensor:
        """Frames of shape (n_states, n_dims); `projection` is (hidden_size, n_dims)."""
        frames: Tensor = functional.linear(self.transform(states), projection.T, self.bias)
        return frames


class OutputHead(nn.Module):
    """Logits of classes, or of the emotions of a face: a transformed layer, then a linear one.

    Parameters
    ----------
    hidden_size, n_outputs : int
        Sizes.
    size : int, default=None
        Width of the layer between; None takes `hidden_size`.

    Examples
    --------
    >>> OutputHead(4, 3, size=8)(torch.zeros(2, 4)).shape
    torch.Size([2, 3])
    """

    def __init__(self, hidden_size: int, n_outputs: int, size: int | None = None) -> None:
        super().__init__()
        size = hidden_size if size is None else size
        self.transform = _Transform(hidden_size, size)
        self.output = nn.Linear(size, n_outputs)
        self.apply(start_as_bert)

    def forward(self, states: Tensor) -> Tensor:
        """Logits of shape (n_states, n_outputs)."""
        logits: Tensor = self.output(self.transform(states))
        return logits
