"""Fusion inside the layers of a T5: the unit, how a layer is wrapped, summaries of signals."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from emoest.nets.sequence import LastPooling, RecurrentLayers

INITIALIZATIONS = ("paper", "identity")
"""How a fusion unit starts: with random weights, or by passing the text on."""

_SMALL = 1e-3


@dataclass
class Signals:
    """What the fusion units of one net read and write during a forward pass.

    Parameters
    ----------
    summaries : Tensor of shape (n_samples, n_units) or None
        Summaries of all signals, side by side; None where there are none.
    kept : list of Tensor or None
        Outputs of the layers that keep theirs, in order; None keeps nothing.
    means : dict of str to Tensor, or None
        Mean of the states that each signal was summarized from.
    """

    summaries: Tensor | None = None
    kept: list[Tensor] | None = None
    means: dict[str, Tensor] | None = None

    def __deepcopy__(self, memo: Any) -> "Signals":
        # What one pass left is no part of a net, and tensors with a history cannot be copied.
        return Signals()


class FusionUnit(nn.Module):
    """Fuse the summaries of other modalities into each position of a text.

    With h the output of a feed-forward layer and s the summaries::

        F = [h ; s]
        F_d = sigmoid(W_d F + b_d)
        F_u = W_u F_d + b_u
        output = W (F_u + F) + b

    Parameters
    ----------
    d_model : int
        Width of the text.
    n_signal : int
        Width of all summaries together; 0 is allowed.
    bottleneck : int, default=64
        Units of F_d.
    init : {"paper", "identity"}, default="paper"
        ``"paper"`` draws W_d and W_u with a deviation of 0.001 and W as any linear layer, so that
        at first the layer no longer carries what T5 knows; ``"identity"`` starts with W = [I 0] and
        W_u = 0, so that the output is h.

    References
    ----------
    G. Hu et al. (2022). UniMSE. EMNLP, pre-trained modality fusion; the equations are those of the
    public code.

    Examples
    --------
    >>> unit = FusionUnit(4, 2, init="identity")
    >>> hidden = torch.ones(1, 3, 4)
    >>> bool((unit(hidden, torch.ones(1, 2)) == hidden).all())
    True
    """

    def __init__(
        self, d_model: int, n_signal: int, bottleneck: int = 64, init: str = "paper"
    ) -> None:
        super().__init__()
        width = d_model + n_signal
        self.down = nn.Linear(width, bottleneck)
        self.up = nn.Linear(bottleneck, width)
        self.out = nn.Linear(width, d_model)
        nn.init.normal_(self.down.weight, std=_SMALL)
        nn.init.normal_(self.up.weight, std=_SMALL)
        nn.init.zeros_(self.down.bias)
        nn.init.zeros_(self.up.bias)
        if init == "identity":
            nn.init.zeros_(self.up.weight)
            nn.init.eye_(self.out.weight)
            nn.init.zeros_(self.out.bias)

    def forward(self, hidden: Tensor, summaries: Tensor | None) -> Tensor:
        """Fuse summaries of shape (n_rows, n_signal) into (n_rows, n_tokens, d_model)."""
        joined = hidden
        if summaries is not None:
            spread = summaries[:, None].expand(-1, hidden.shape[1], -1)
            joined = torch.cat([hidden, spread.to(hidden.dtype)], dim=-1)
        fused: Tensor = self.out(self.up(torch.sigmoid(self.down(joined))) + joined)
        return fused


class FusedLayer(nn.Module):
    """A feed-forward layer of a T5, and the fusion unit behind it.

    Parameters
    ----------
    layer : Module
        The layer, residual included.
    unit : FusionUnit or None
        The unit; None leaves the output as it is.
    signals : Signals
        Where the summaries come from and the output is kept.
    keeps : bool
        Whether the output is kept.

    Examples
    --------
    >>> signals = Signals(kept=[])
    >>> layer = FusedLayer(nn.Identity(), None, signals, keeps=True)
    >>> layer(torch.ones(1, 2, 3)).shape, len(signals.kept)
    (torch.Size([1, 2, 3]), 1)
    """

    def __init__(
        self, layer: nn.Module, unit: FusionUnit | None, signals: Signals, *, keeps: bool
    ) -> None:
        super().__init__()
        self.layer = layer
        self.unit = unit
        self.keeps = keeps
        self._signals = signals

    def forward(self, hidden: Tensor) -> Tensor:
        """Run the layer and the unit."""
        output: Tensor = self.layer(hidden)
        if self.unit is not None:
            output = self.unit(output, self._signals.summaries)
        if self.keeps and self._signals.kept is not None:
            self._signals.kept.append(output)
        return output


class SignalSummary(nn.Module):
    """Summarize the frames of a signal by the last state of an LSTM.

    Parameters
    ----------
    n_dims : int
        Width of the frames.
    hidden_size : int, default=64
        Units of the LSTM, of each direction, and of the summary.
    bidirectional : bool, default=False
        Whether the LSTM reads backwards as well.
    dropout : float, default=0.3
        On the last state.

    Examples
    --------
    >>> summary = SignalSummary(3, 4).eval()
    >>> last, mean = summary(torch.ones(2, 5, 3), torch.tensor([5, 0]))
    >>> last.shape, mean.shape, bool((last[1] == 0).all())
    (torch.Size([2, 4]), torch.Size([2, 4]), True)
    """

    def __init__(
        self,
        n_dims: int,
        hidden_size: int = 64,
        *,
        bidirectional: bool = False,
        dropout: float = 0.3,
    ) -> None:
        super().__init__()
        self.lstm = RecurrentLayers(
            n_dims, hidden_size, 1, "lstm", bidirectional=bidirectional, dropout=0.0
        )
        self.last = LastPooling(bidirectional=bidirectional)
        self.dropout = nn.Dropout(dropout)
        self.n_states = hidden_size * (2 if bidirectional else 1)
        self.project = nn.Linear(self.n_states, hidden_size)

    def forward(self, frames: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Return the summary of each row, and the mean of its states; both 0 without frames.

        Parameters
        ----------
        frames : Tensor of shape (n_rows, n_frames, n_dims)
            The frames, padding at the end.
        lengths : Tensor of int, shape (n_rows,)
            Frames of each row; 0 is allowed.
        """
        present = (lengths > 0)[:, None]
        at_least_one = lengths.clamp_min(1)
        states = self.lstm(frames, at_least_one)
        summary = self.project(self.dropout(self.last(states, at_least_one)))
        mean = states.sum(dim=1) / at_least_one[:, None]
        return torch.where(present, summary, 0.0), torch.where(present, mean, 0.0)
