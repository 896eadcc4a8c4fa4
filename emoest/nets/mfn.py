"""The Memory Fusion Network and the fusion network of M3ER.

Zadeh, Liang, Mazumder, Poria, Cambria and Morency, "Memory fusion network for multi-view sequential
learning", AAAI 2018, with the layers of the authors' implementation (``pliang279/MFN``); and
Mittal, Bhattacharya, Chandra, Bera and Manocha, "M3ER: multiplicative multimodal emotion
recognition", AAAI 2020, whose code is not available and which is reconstructed here.
"""

from collections.abc import Mapping
from numbers import Integral, Real
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from emoest.nets.layers.dropout import Dropout, dropout_factors
from emoest.nets.layers.heads import ModalityHeads
from emoest.nets.layers.recurrence import (
    Steps,
    gated_memory,
    linear_memory,
    lstm_states,
    pack_steps,
)

GATE_INPUTS = ("memory", "delta")
FUSIONS = ("concat", "product")
FUSION_NORMS = (None, "layernorm")
HEADS = (None, "modalities", "mixtures")
LAYERS = ("attention", "update", "gates", "output")
"""The layers that `dropout` can name."""

GATES = ("retain", "update")
"""The gates of the memory: what stays of it, and what comes in."""


class MFN(nn.Module):
    """One LSTM a modality, attention over changes of their cell states, and a gated memory.

    With c the cell states of all modalities side by side, d = (c before the step, c after it), and
    every D a linear layer, ReLU, dropout and a linear layer::

        attended = softmax(D_attention(d)) * d
        u        = gate_1 * u + gate_2 * tanh(D_update(attended))
        gate_i   = sigmoid(D_gate_i(attended, u))

    The memory u starts at 0. The output is ``D_output`` of the last hidden states and the last
    memory. Beyond a sample's length, and at a frame that is NaN (the modality is absent there), its
    states stay as they are. A modality with length 0 leaves
    its cell state at 0; its hidden state is 0 in the concatenation and 1 in the product.

    Parameters
    ----------
    input_dims : dict of str to int
        Dimensions of a step of each modality; its order is the order of the modalities.
    n_outputs : int
        Classes, or 1 for a regression.
    hidden_size : int or dict of str to int, default=32
        Units of each LSTM.
    memory_dim : int, default=128
        Units of the memory.
    attention_size, update_size, output_size : int, default=64
        Inner widths of ``D_attention``, ``D_update`` and ``D_output``.
    gate_size : int or dict of str to int, default=64
        Inner width of each ``D_gate``; a dict names ``"retain"`` (gate_1) and ``"update"``
        (gate_2).
    dropout : float or dict of str to float, default=0.2
        Behind the inner widths; a dict names ``"attention"``, ``"update"``, ``"gates"`` and
        ``"output"``, and 0 is meant where it names none. ``"gates"`` may be a dict in turn, of
        ``"retain"`` and ``"update"``.
    gate_input : {"memory", "delta"}, default="memory"
        Whether the gates see ``(attended, u)``, as in the authors' code, or ``attended`` alone, as
        in the paper's equations.
    memory_feedback : bool, default=False
        Whether the memory before a step goes into every LSTM beside the input (one reading of
        M3ER; MFN has none). Nothing can be computed ahead of the loop then, which is slower.
    fusion : {"concat", "product"}, default="concat"
        How hidden states are joined: side by side (MFN), or by their elementwise product (M3ER),
        for which all have one width.
    fusion_norm : {None, "layernorm"}, default=None
        Layer normalization of the product, whose entries are small at the start of training.
    heads : {None, "modalities", "mixtures"}, default=None
        Auxiliary classifiers on the hidden states, see `ModalityHeads`.

    Raises
    ------
    ValueError
        If an option or a layer is unknown, `hidden_size` does not name the modalities, a width or a
        rate is out of range, or a product is asked of hidden states of several widths.

    Examples
    --------
    >>> net = MFN({"text": 300, "audio": 74, "face": 35}, n_outputs=6, fusion="product").eval()
    >>> sum(p.numel() for p in net.parameters())
    179334
    >>> frames = {"text": torch.ones(2, 4, 300), "audio": torch.ones(2, 4, 74)}
    >>> frames["face"] = torch.ones(2, 4, 35)
    >>> lengths = {name: torch.tensor([4, 2]) for name in frames}
    >>> net(frames, lengths).shape, net.embed(frames, lengths).shape
    (torch.Size([2, 6]), torch.Size([2, 160]))
    """

    def __init__(
        self,
        input_dims: Mapping[str, int],
        n_outputs: int,
        hidden_size: int | Mapping[str, int] = 32,
        *,
        memory_dim: int = 128,
        attention_size: int = 64,
        update_size: int = 64,
        gate_size: int | Mapping[str, int] = 64,
        output_size: int = 64,
        dropout: float | Mapping[str, Any] = 0.2,
        gate_input: str = "memory",
        memory_feedback: bool = False,
        fusion: str = "concat",
        fusion_norm: str | None = None,
        heads: str | None = None,
    ) -> None:
        super().__init__()
        widths = _widths(input_dims, hidden_size)
        _check(gate_input, fusion, fusion_norm, heads, widths)
        self.names, self.memory_dim, self.fusion = list(input_dims), memory_dim, fusion
        self.gate_input, self.memory_feedback = gate_input, memory_feedback
        fed = memory_dim if memory_feedback else 0
        self.cells = nn.ModuleList(
            nn.LSTMCell(dim + fed, k) for dim, k in zip(input_dims.values(), widths, strict=True)
        )
        n_cells = 2 * sum(widths)
        n_seen = n_cells + (memory_dim if gate_input == "memory" else 0)
        joined = widths[0] if fusion == "product" else sum(widths)
        self.n_units = joined + memory_dim
        drop, gate_sizes = _rates(dropout), _gate_sizes(gate_size)
        self.attention = _layers(n_cells, attention_size, n_cells, drop["attention"])
        self.update = _layers(n_cells, update_size, memory_dim, drop["update"])
        self.gates = nn.ModuleList(
            _layers(n_seen, gate_sizes[gate], memory_dim, drop[f"gates {gate}"]) for gate in GATES
        )
        self.norm = nn.LayerNorm(joined) if fusion_norm else nn.Identity()
        self.output = _layers(self.n_units, output_size, n_outputs, drop["output"])
        self.heads = (
            ModalityHeads(widths, n_outputs, mixtures=heads == "mixtures") if heads else None
        )

    def forward(
        self, frames: Mapping[str, Tensor], lengths: Mapping[str, Tensor]
    ) -> Tensor | tuple[Tensor, Tensor]:
        """Classify sequences.

        Parameters
        ----------
        frames : dict of str to Tensor of shape (n_samples, n_steps, n_dims)
            Aligned steps of each modality; one that is absent at a step is NaN throughout.
        lengths : dict of str to Tensor of int, shape (n_samples,)
            Valid steps; 0 where a sample misses the modality.

        Returns
        -------
        logits : Tensor of shape (n_samples, n_outputs)
            With heads a pair of this and their logits of shape (n_samples, n_heads, n_outputs), NaN
            where a sample lacks the modality.
        """
        hidden, present, memory = self._states(frames, lengths)
        logits: Tensor = self.output(self._fuse(hidden, present, memory))
        return logits if self.heads is None else (logits, self.heads(hidden, present))

    def embed(self, frames: Mapping[str, Tensor], lengths: Mapping[str, Tensor]) -> Tensor:
        """Compute joined hidden states and memory, shape (n_samples, n_joined + n_memory)."""
        return self._fuse(*self._states(frames, lengths))

    def _fuse(self, hidden: list[Tensor], present: Tensor, memory: Tensor) -> Tensor:
        if self.fusion == "concat":
            joined = torch.cat(hidden, dim=1)
        else:
            stacked = torch.stack(hidden, dim=1)
            joined = stacked.masked_fill(~present[:, :, None], 1.0).prod(dim=1)
        return torch.cat([self.norm(joined), memory], dim=1)

    def _states(
        self, frames: Mapping[str, Tensor], lengths: Mapping[str, Tensor]
    ) -> tuple[list[Tensor], Tensor, Tensor]:
        """Last hidden states, which modalities are present, and the last memory."""
        all_lengths = torch.stack([lengths[name] for name in self.names])
        longest = all_lengths.amax(dim=0)
        steps = pack_steps(longest)
        if not steps.sizes:
            return self._nothing(all_lengths)
        run = self._run_fed if self.memory_feedback else self._run
        hidden, memory = run(*self._project(frames, all_lengths, steps), steps)
        widths = [cell.hidden_size for cell in self._lstms()]
        last = list(torch.split(steps.by_sample(hidden), widths, 1))
        return last, (all_lengths > 0).t(), steps.by_sample(memory)

    def _lstms(self) -> list[nn.LSTMCell]:
        return [cast(nn.LSTMCell, cell) for cell in self.cells]

    def _nothing(self, lengths: Tensor) -> tuple[list[Tensor], Tensor, Tensor]:
        """States of a batch whose samples have no step at all."""
        blank = self._lstms()[0].weight_hh.new_zeros(lengths.shape[1], self.memory_dim)
        hidden = [blank.new_zeros(len(blank), cell.hidden_size) for cell in self._lstms()]
        return hidden, (lengths > 0).t(), blank

    def _project(
        self, frames: Mapping[str, Tensor], lengths: Tensor, steps: Steps
    ) -> tuple[list[Tensor], Tensor | None]:
        """Input times input weights of each LSTM at all packed steps, and which stand idle."""
        idle = steps.time >= lengths[:, steps.row]
        packed_frames = []
        for beyond, name in zip(idle, self.names, strict=True):
            places = steps.row * frames[name].shape[1] + steps.time
            packed_frames.append(frames[name].flatten(0, 1)[places.masked_fill(beyond, 0)])
        # An absent frame is NaN throughout, so one of its values tells.
        idle |= torch.stack([packed[:, 0].isnan() for packed in packed_frames])
        some_idle = bool(idle.any())
        projected = []
        for packed, still, cell in zip(packed_frames, idle, self._lstms(), strict=True):
            seen = packed.masked_fill(still[:, None], 0.0) if some_idle else packed
            weight = cell.weight_ih[:, : seen.shape[1]]
            projected.append(functional.linear(seen, weight, cell.bias_ih + cell.bias_hh))
        return projected, idle.t() if some_idle else None

    def _run(
        self, projected: list[Tensor], idle: Tensor | None, steps: Steps
    ) -> tuple[Tensor, Tensor]:
        """Last hidden states and last memory, by rank."""
        weights = [cell.weight_hh for cell in self._lstms()]
        hidden, cells = lstm_states(projected, weights, steps.sizes, idle)
        attended = self.attention(cells).softmax(dim=1) * cells
        inner, gates_inner = self._first_layers(attended)
        candidate = torch.tanh(_rest(self.update, inner))
        if self.gate_input == "delta":
            parts = zip(self.gates, gates_inner, strict=True)
            retain, update = (torch.sigmoid(_rest(gate, part)) for gate, part in parts)
            return hidden, linear_memory(retain, update * candidate, steps.sizes)
        return hidden, self._remember(candidate, gates_inner, steps.sizes)

    def _first_layers(self, attended: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Pass `attended` through the first layers of the update and of both gates in one go."""
        layers = [_linear(net, 0) for net in (self.update, *self.gates)]
        weight = torch.cat([layer.weight[:, : attended.shape[1]] for layer in layers])
        inner = functional.linear(attended, weight, torch.cat([layer.bias for layer in layers]))
        update, *gates = torch.split(inner, [layer.out_features for layer in layers], 1)
        return update, gates

    def _remember(self, candidate: Tensor, inner: list[Tensor], sizes: list[int]) -> Tensor:
        """Run the memory whose gates see it."""
        firsts, seconds = ([_linear(gate, i) for gate in self.gates] for i in (0, -1))
        # The narrower gate gets units that are 0 and weigh 0, so that both run in one product.
        width = max(layer.out_features for layer in firsts)
        wider = [width - layer.out_features for layer in firsts]
        first = torch.cat(
            [
                functional.pad(layer.weight[:, -self.memory_dim :], (0, 0, 0, more))
                for layer, more in zip(firsts, wider, strict=True)
            ]
        )
        second = torch.stack(
            [
                functional.pad(layer.weight, (0, more))
                for layer, more in zip(seconds, wider, strict=True)
            ]
        )
        bias = torch.stack([layer.bias for layer in seconds])
        padded = [functional.pad(p, (0, m)) for p, m in zip(inner, wider, strict=True)]
        projected = torch.cat(padded, dim=1)
        keep = self._gate_factors(projected, first)
        return gated_memory(candidate, projected, keep, (first, second, bias), sizes)

    def _gate_factors(self, projected: Tensor, like: Tensor) -> Tensor | None:
        """Draw the factors of dropout of both gates; None where neither drops."""
        drops = [cast(Dropout, cast(nn.Sequential, gate)[2]) for gate in self.gates]
        if not any(drop.drops for drop in drops):
            return None
        if drops[0].rate == drops[1].rate:
            return dropout_factors(projected.shape, drops[0].rate, like)
        half = (len(projected), projected.shape[1] // 2)
        return torch.cat([dropout_factors(half, drop.rate, like) for drop in drops], dim=1)

    def _run_fed(
        self, projected: list[Tensor], idle: Tensor | None, steps: Steps
    ) -> tuple[Tensor, Tensor]:
        """Like `_run`, with the memory going back into the LSTMs: all of it is in the loop."""
        cells = self._lstms()
        start = projected[0].new_zeros(steps.sizes[0], self.memory_dim)
        h = [start.new_zeros(len(start), cell.hidden_size) for cell in cells]
        c, u, ended = list(h), start, []
        inputs = zip(*(torch.split(p, steps.sizes) for p in projected), strict=True)
        idles = [None] * len(steps.sizes) if idle is None else torch.split(idle, steps.sizes)
        for n, now, stands in zip(steps.sizes, inputs, idles, strict=True):
            if n < len(u):
                ended.append(torch.cat([*h, u], dim=1)[n:])
                h, c, u = [x[:n] for x in h], [x[:n] for x in c], u[:n]
            before = torch.cat(c, dim=1)
            for i, (x, cell) in enumerate(zip(now, cells, strict=True)):
                fed = functional.linear(u, cell.weight_ih[:, -self.memory_dim :])
                still = None if stands is None else stands[:, i, None]
                gates = x + fed + functional.linear(h[i], cell.weight_hh)
                h[i], c[i] = _cell_step(gates, h[i], c[i], still)
            cells_seen = torch.cat([before, *c], dim=1)
            attended = self.attention(cells_seen).softmax(dim=1) * cells_seen
            candidate = torch.tanh(self.update(attended))
            seen = attended if self.gate_input == "delta" else torch.cat([attended, u], dim=1)
            retain, update = (torch.sigmoid(gate(seen)) for gate in self.gates)
            u = retain * u + update * candidate
        states = torch.cat([torch.cat([*h, u], dim=1), *reversed(ended)])
        return states[:, : -self.memory_dim], states[:, -self.memory_dim :]


def _check(
    gate_input: str, fusion: str, fusion_norm: str | None, heads: str | None, widths: list[int]
) -> None:
    options = {
        "gate_input": (gate_input, GATE_INPUTS),
        "fusion": (fusion, FUSIONS),
        "fusion_norm": (fusion_norm, FUSION_NORMS),
        "heads": (heads, HEADS),
    }
    for option, (value, known) in options.items():
        if value not in known:
            raise ValueError(f"{option}={value!r} is unknown; choose one of {known}.")
    if fusion == "product" and len(set(widths)) > 1:
        raise ValueError(
            f"fusion='product' multiplies hidden states, which have widths {widths}; give all "
            "LSTMs one width, or take fusion='concat'."
        )


def _widths(dims: Mapping[str, int], hidden_size: int | Mapping[str, int]) -> list[int]:
    if not isinstance(hidden_size, Mapping):
        hidden_size = dict.fromkeys(dims, hidden_size)
    wrong = {k: v for k, v in hidden_size.items() if not (isinstance(v, Integral) and v > 0)}
    if wrong:
        raise ValueError(f"hidden_size must be whole numbers above zero; found {wrong}.")
    if set(hidden_size) != set(dims):
        raise ValueError(
            f"hidden_size has widths for {sorted(hidden_size)}, but the modalities are "
            f"{sorted(dims)}; name each of them once, or give one number for all."
        )
    return [hidden_size[name] for name in dims]


def _gate_sizes(gate_size: int | Mapping[str, int]) -> dict[str, int]:
    sizes = gate_size if isinstance(gate_size, Mapping) else dict.fromkeys(GATES, gate_size)
    wrong = {k: v for k, v in sizes.items() if not (isinstance(v, Integral) and v > 0)}
    if wrong or set(sizes) != set(GATES):
        raise ValueError(
            f"gate_size={gate_size!r} is no width of the gates: take a whole number above zero, "
            f"or one for each of {GATES}."
        )
    return dict(sizes)


def _rates(dropout: float | Mapping[str, Any]) -> dict[str, float]:
    """Dropout of each layer; those of the gates are called by both their names."""
    if not isinstance(dropout, Mapping):
        dropout = dict.fromkeys(LAYERS, dropout)
    unknown = sorted(set(dropout) - set(LAYERS))
    if unknown:
        raise ValueError(f"dropout names {unknown}, which are none of the layers {LAYERS}.")
    rates: dict[str, Any] = {layer: dropout.get(layer, 0.0) for layer in LAYERS}
    gates = rates.pop("gates")
    if not isinstance(gates, Mapping):
        gates = dict.fromkeys(GATES, gates)
    unknown = sorted(set(gates) - set(GATES))
    if unknown:
        raise ValueError(f"dropout of the gates names {unknown}, which are none of {GATES}.")
    rates.update({f"gates {gate}": gates.get(gate, 0.0) for gate in GATES})
    wrong = {k: v for k, v in rates.items() if not (isinstance(v, Real) and 0 <= float(v) < 1)}
    if wrong:
        raise ValueError(f"dropout must be rates in [0, 1); found {wrong}.")
    return rates


def _layers(n_in: int, width: int, n_out: int, dropout: float) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(n_in, width), nn.ReLU(), Dropout(dropout), nn.Linear(width, n_out)
    )


def _linear(layers: nn.Module, i: int) -> nn.Linear:
    return cast(nn.Linear, cast(nn.Sequential, layers)[i])


def _rest(layers: nn.Module, inner: Tensor) -> Tensor:
    """Apply the layers behind the first to what the first gave."""
    result: Tensor = cast(nn.Sequential, layers)[1:](inner)
    return result


def _cell_step(gates: Tensor, h: Tensor, c: Tensor, still: Tensor | None) -> tuple[Tensor, Tensor]:
    i, f, g, o = gates.chunk(4, dim=1)
    cell = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    hidden = torch.sigmoid(o) * torch.tanh(cell)
    if still is None:
        return hidden, cell
    return torch.where(still, h, hidden), torch.where(still, c, cell)
