"""The cross-modal Transformer: pieces of words, faces and sound in one sequence of BERT layers."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from emoest.nets.layers.dropout import Dropout

EPS = 1e-12
FRAMES = ("face", "audio")
"""Modalities of frames, in the order of the sequence."""


class TextEmbedder(nn.Module):
    """Vectors of pieces of words: piece, position and type, normalized.

    Parameters
    ----------
    vocab_size, hidden_size, n_positions : int
        Sizes of the tables.
    dropout : float
        Behind the normalization.

    Examples
    --------
    >>> TextEmbedder(10, 4, 8, 0.0)(torch.tensor([[1, 2]])).shape
    torch.Size([1, 2, 4])
    """

    def __init__(self, vocab_size: int, hidden_size: int, n_positions: int, dropout: float) -> None:
        super().__init__()
        self.words = nn.Embedding(vocab_size, hidden_size)
        self.positions = nn.Embedding(n_positions, hidden_size)
        self.types = nn.Embedding(2, hidden_size)
        self.norm = nn.LayerNorm(hidden_size, EPS)
        self.dropout = Dropout(dropout)

    def forward(self, ids: Tensor) -> Tensor:
        """Embed numbers of pieces, shape (n_rows, n_pieces)."""
        places = self.positions.weight[: ids.shape[1]]
        vectors: Tensor = self.dropout(self.norm(self.words(ids) + places + self.types.weight[0]))
        return vectors


class FrameEmbedder(nn.Module):
    """Vectors of frames: a normalized projection, position and type, normalized again.

    Parameters
    ----------
    n_dims, hidden_size, n_positions : int
        Width of a frame, width of a vector, longest sequence.
    dropout : float
        Behind the normalization.
    own_type : bool
        Whether the modality has a type vector of its own; otherwise one is given.

    Examples
    --------
    >>> embedder = FrameEmbedder(3, 4, 8, 0.0, own_type=True)
    >>> embedder(torch.zeros(1, 2, 3), None, torch.tensor([[True, False]])).shape
    torch.Size([1, 2, 4])
    """

    def __init__(
        self, n_dims: int, hidden_size: int, n_positions: int, dropout: float, *, own_type: bool
    ) -> None:
        super().__init__()
        self.mask = nn.Parameter(torch.zeros(n_dims))
        self.project = nn.Linear(n_dims, hidden_size)
        self.inner_norm = nn.LayerNorm(hidden_size, EPS)
        self.positions = nn.Embedding(n_positions, hidden_size)
        self.types = nn.Embedding(1, hidden_size) if own_type else None
        self.norm = nn.LayerNorm(hidden_size, EPS)
        self.dropout = Dropout(dropout)

    def forward(self, frames: Tensor, given_type: Tensor | None, hidden: Tensor | None) -> Tensor:
        """Embed frames of shape (n_rows, n_frames, n_dims); `hidden` ones get the mask vector."""
        if hidden is not None:
            frames = frames + hidden[..., None] * self.mask
        kind = given_type if self.types is None else self.types.weight[0]
        places = self.positions.weight[: frames.shape[1]]
        vectors: Tensor = self.dropout(
            self.norm(self.inner_norm(self.project(frames)) + places + kind)
        )
        return vectors


class Layer(nn.Module):
    """One layer of BERT: self-attention and a feed-forward net, each normalized behind its sum.

    Parameters
    ----------
    hidden_size, n_heads, intermediate_size : int
        Width, attention heads, inner width of the feed-forward net.
    dropout : float
        Of attention weights and behind each part.

    Examples
    --------
    >>> Layer(4, 2, 8, 0.0)(torch.zeros(1, 3, 4), None).shape
    torch.Size([1, 3, 4])
    """

    def __init__(
        self, hidden_size: int, n_heads: int, intermediate_size: int, dropout: float
    ) -> None:
        super().__init__()
        self.n_heads = n_heads
        self.query_key_value = nn.Linear(hidden_size, 3 * hidden_size)
        self.attended = nn.Linear(hidden_size, hidden_size)
        self.attention_norm = nn.LayerNorm(hidden_size, EPS)
        self.inner = nn.Linear(hidden_size, intermediate_size)
        self.outer = nn.Linear(intermediate_size, hidden_size)
        self.norm = nn.LayerNorm(hidden_size, EPS)
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """Transform vectors of shape (n_rows, n_steps, hidden_size); True in `mask` is seen."""
        n_rows, n_steps, size = x.shape
        parts = self.query_key_value(x).view(n_rows, n_steps, 3, self.n_heads, -1)
        query, key, value = parts.permute(2, 0, 3, 1, 4)
        heads = attend(query, key, value, mask, self.dropout)
        joined = heads.transpose(1, 2).reshape(n_rows, n_steps, size)
        x = self.attention_norm(x + self.dropout(self.attended(joined)))
        inner = functional.gelu(self.inner(x))
        output: Tensor = self.norm(x + self.dropout(self.outer(inner)))
        return output


def attend(
    query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, dropout: Dropout
) -> Tensor:
    """Attention of several heads, with dropout of its weights in training.

    Parameters
    ----------
    query, key, value : Tensor of shape (n_rows, n_heads, n_steps, head_size)
        What is compared, and what is averaged.
    mask : Tensor of bool, broadcastable to (n_rows, n_heads, n_steps, n_steps), or None
        True where a step is seen.
    dropout : Dropout
        Of the weights.

    Returns
    -------
    heads : Tensor of shape (n_rows, n_heads, n_steps, head_size)
    """
    if not dropout.drops:
        return functional.scaled_dot_product_attention(query, key, value, mask)
    if query.is_cuda:
        return functional.scaled_dot_product_attention(query, key, value, mask, dropout.rate)
    # torch's own dropout of attention weights takes most of the time of a step on a CPU.
    scores = (query * query.shape[-1] ** -0.5) @ key.transpose(-1, -2)
    if mask is not None:
        scores = scores.masked_fill(~mask, torch.finfo(scores.dtype).min)
    weights: Tensor = dropout(scores.softmax(dim=-1))
    return weights @ value


class CrossModalTransformer(nn.Module):
    """Text, faces and sound in one sequence, through the layers of BERT.

    The sequence of a row is compact, text before faces before audio; padding stands at its end and
    is not attended to, so it never changes a result.

    Parameters
    ----------
    vocab_size : int
        Pieces of the tokenizer.
    dims : mapping of str to int
        Width of the frames of ``"face"`` and ``"audio"``, of those that there are.
    hidden_size, n_layers, n_heads, intermediate_size : int
        Width, layers, attention heads, inner width; 768, 12, 12 and 3072 are BERT-base.
    n_positions : int, default=512
        Rows of each table of positions.
    dropout : float, default=0.1
        Everywhere.

    Raises
    ------
    ValueError
        If `n_heads` does not divide `hidden_size`, or `dims` names another modality.

    Notes
    -----
    Initial weights are those of BERT: normal with deviation 0.02, biases 0. Without faces, audio
    has the second type of the text's table, as in the authors' code.

    Examples
    --------
    >>> net = CrossModalTransformer(10, {"audio": 3}, hidden_size=8, n_layers=1, n_heads=2)
    >>> frames = {"text": torch.zeros(2, 4, 1), "audio": torch.zeros(2, 5, 3)}
    >>> lengths = {"text": torch.tensor([4, 3]), "audio": torch.tensor([5, 0])}
    >>> states, starts = net(frames, lengths)
    >>> states.shape, starts["audio"].tolist()
    (torch.Size([2, 9, 8]), [4, 3])
    """

    def __init__(
        self,
        vocab_size: int,
        dims: Mapping[str, int],
        *,
        hidden_size: int = 64,
        n_layers: int = 2,
        n_heads: int = 4,
        intermediate_size: int = 128,
        n_positions: int = 512,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        if hidden_size % n_heads:
            raise ValueError(f"n_heads={n_heads} does not divide hidden_size={hidden_size}.")
        if unknown := set(dims) - set(FRAMES):
            raise ValueError(f"Frames are those of {FRAMES}, not of {sorted(unknown)}.")
        self.text = TextEmbedder(vocab_size, hidden_size, n_positions, dropout)
        self.frames = nn.ModuleDict(
            {
                name: FrameEmbedder(
                    dims[name],
                    hidden_size,
                    n_positions,
                    dropout,
                    own_type=name == "audio" and "face" in dims,
                )
                for name in FRAMES
                if name in dims
            }
        )
        self.layers = nn.ModuleList(
            Layer(hidden_size, n_heads, intermediate_size, dropout) for _ in range(n_layers)
        )
        self.pooler = nn.Linear(hidden_size, hidden_size)
        self.apply(start_as_bert)

    def forward(
        self,
        frames: Mapping[str, Tensor],
        lengths: Mapping[str, Tensor],
        hidden: Mapping[str, Tensor] | None = None,
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Compute the states of a sequence.

        Parameters
        ----------
        frames : mapping of str to Tensor of shape (n_rows, n_steps, n_dims)
            ``"text"`` holds the numbers of pieces in its first dimension, with [CLS] first.
        lengths : mapping of str to Tensor of int, shape (n_rows,)
            Steps of each row and modality; 0 where it is missing.
        hidden : mapping of str to Tensor of bool, shape (n_rows, n_steps), default=None
            Frames that are masked, by modality.

        Returns
        -------
        states : Tensor of shape (n_rows, longest, hidden_size)
            The first one is that of [CLS].
        starts : dict of str to Tensor of int, shape (n_rows,)
            Where each modality begins in the row's sequence.
        """
        hidden = hidden or {}
        parts, masks, starts = [], [], {}
        begin = torch.zeros_like(lengths["text"])
        for name in ("text", *self.frames):
            if name not in frames:
                continue
            if name == "text":
                parts.append(self.text(frames[name][..., 0].long()))
            else:
                embed = self.frames[name]
                parts.append(embed(frames[name], self.text.types.weight[1], hidden.get(name)))
            masks.append(seen_steps(lengths[name], parts[-1].shape[1]))
            starts[name] = begin
            begin = begin + lengths[name]
        x, mask = _compact(torch.cat(parts, dim=1), torch.cat(masks, dim=1))
        attention = None if bool(mask.all()) else mask[:, None, None, :]
        for layer in self.layers:
            x = layer(x, attention)
        return x, starts

    def projection(self, name: str) -> Tensor:
        """Weights that project the frames of a modality, shape (hidden_size, n_dims)."""
        embedder: Any = self.frames[name]
        weight: Tensor = embedder.project.weight
        return weight

    def pool(self, states: Tensor) -> Tensor:
        """Vector of a row, out of the state of [CLS], shape (n_rows, hidden_size)."""
        return torch.tanh(self.pooler(states[:, 0]))


def seen_steps(lengths: Tensor, longest: int) -> Tensor:
    """Which steps of padded rows are no padding, shape (n_rows, longest).

    Examples
    --------
    >>> seen_steps(torch.tensor([1, 0]), 2).tolist()
    [[True, False], [False, False]]
    """
    return torch.arange(longest, device=lengths.device) < lengths[:, None]


def states_at(states: Tensor, starts: Tensor, chosen: Tensor) -> Tensor:
    """States of chosen steps of one modality, in the order of ``chosen.nonzero()``.

    Parameters
    ----------
    states : Tensor of shape (n_rows, n_steps, hidden_size)
        Of the whole sequence.
    starts : Tensor of int, shape (n_rows,)
        Where the modality begins.
    chosen : Tensor of bool, shape (n_rows, n_own_steps)
        Which of its steps.

    Returns
    -------
    chosen_states : Tensor of shape (n_chosen, hidden_size)

    Examples
    --------
    >>> states = torch.arange(6.0).view(1, 6, 1)
    >>> states_at(states, torch.tensor([2]), torch.tensor([[True, False, True]])).ravel().tolist()
    [2.0, 4.0]
    """
    rows, steps = chosen.nonzero(as_tuple=True)
    return states[rows, starts[rows] + steps]


def start_as_bert(module: nn.Module) -> None:
    """Give one layer BERT's initial weights; for ``net.apply``."""
    if isinstance(module, nn.Linear | nn.Embedding):
        nn.init.normal_(module.weight, std=0.02)
    if isinstance(module, FrameEmbedder):
        nn.init.normal_(module.mask, std=0.02)
    if isinstance(module, nn.Linear) and module.bias is not None:
        nn.init.zeros_(module.bias)


def _compact(x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Put the padding of all modalities behind each row's last step, and cut what all rows pad."""
    if bool(mask.all()):
        return x, mask
    order = torch.argsort((~mask).to(torch.uint8), dim=1, stable=True)
    order = order[:, : int(mask.sum(dim=1).max())]
    index: Any = order[..., None].expand(-1, -1, x.shape[2])
    return x.gather(1, index), mask.gather(1, order)
