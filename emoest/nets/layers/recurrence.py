"""Recurrences over ragged batches: packing, LSTMs side by side, gated memories.

What needs no loop is left to the caller: projections of all steps are one product. The loops here
hold the recurrence alone, and their gradients are written out, so that the backward pass, too, has
small products only in its loop and forms weight gradients once at the end.

A packed batch has one row for each valid step, step by step and the longest sample first, so that
the samples still running at a step are the first rows of the step before. What comes out of a
recurrence is the state of each sample after its last step, ordered by rank: the longest first.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable


@dataclass(frozen=True)
class Steps:
    """Where the valid steps of a batch lie when they are packed.

    Parameters
    ----------
    sizes : list of int
        How many samples run at each step, never growing.
    time : Tensor of int, shape (n_steps,)
        The step that each packed row is.
    row : Tensor of int, shape (n_steps,)
        The sample that each packed row is from.
    rank : Tensor of int, shape (n_samples,)
        The place of each sample within a step.
    """

    sizes: list[int]
    time: Tensor
    row: Tensor
    rank: Tensor

    def by_sample(self, states: Tensor) -> Tensor:
        """Order states by sample that are ordered by rank; 0 for a sample without steps."""
        idle = len(self.rank) - len(states)
        return torch.nn.functional.pad(states, (0, 0, 0, idle))[self.rank]


def pack_steps(lengths: Tensor) -> Steps:
    """Lay out the valid steps of a batch.

    Parameters
    ----------
    lengths : Tensor of int, shape (n_samples,)
        Valid steps of each sample; 0 is allowed.

    Returns
    -------
    steps : Steps

    Examples
    --------
    >>> steps = pack_steps(torch.tensor([1, 3]))
    >>> steps.sizes, steps.row.tolist(), steps.time.tolist()
    ([2, 1, 1], [1, 0, 1, 1], [0, 0, 1, 2])
    >>> steps.by_sample(torch.tensor([[1.0], [2.0]])).ravel().tolist()
    [2.0, 1.0]
    """
    device = lengths.device
    order = torch.argsort(lengths, descending=True, stable=True)
    rank = torch.empty_like(order)
    rank[order] = torch.arange(len(order), device=device)
    clock = torch.arange(int(lengths.max()) if len(lengths) else 0, device=device)
    sizes = (lengths > clock[:, None]).sum(dim=1)
    starts = sizes.cumsum(0) - sizes
    time = torch.repeat_interleave(clock, sizes)
    place = torch.arange(len(time), device=device) - starts[time]
    return Steps(sizes.tolist(), time, order[place], rank)


def lstm_states(
    projected: Sequence[Tensor],
    weights: Sequence[Tensor],
    sizes: Sequence[int],
    idle: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Run LSTMs side by side over packed steps.

    Parameters
    ----------
    projected : sequence of Tensor of shape (n_steps, 4 * n_units)
        Of each LSTM, input times input weights, with every bias, for the input, forget, cell and
        output gate.
    weights : sequence of Tensor of shape (4 * n_units, n_units)
        Of each LSTM, the weights of its hidden state.
    sizes : sequence of int
        Samples at each step, see `Steps`.
    idle : Tensor of bool, shape (n_steps, n_lstms), default=None
        Steps at which an LSTM keeps its states, whatever `projected` holds there. None: every LSTM
        runs at every step.

    Returns
    -------
    hidden : Tensor of shape (n_samples, sum of n_units)
        Hidden states after each sample's last step, by rank.
    cells : Tensor of shape (n_steps, 2 * sum of n_units)
        Cell states before each step, then those after it; 0 before the first.

    Examples
    --------
    >>> hidden, cells = lstm_states([torch.ones(2, 4)], [torch.zeros(4, 1)], [1, 1])
    >>> bool(cells[1, 0] == cells[0, 1]), hidden.shape
    (True, torch.Size([1, 1]))
    """
    with torch.autocast(weights[0].device.type, enabled=False):
        inputs = [p.to(w.dtype) for p, w in zip(projected, weights, strict=True)]
        return _LSTMs.apply(tuple(sizes), idle, *inputs, *weights)  # type: ignore[no-untyped-call]


def linear_memory(retain: Tensor, update: Tensor, sizes: Sequence[int]) -> Tensor:
    """Run ``u_t = retain_t * u_{t-1} + update_t`` over packed steps.

    Parameters
    ----------
    retain, update : Tensor of shape (n_steps, n_units)
        The two terms.
    sizes : sequence of int
        Samples at each step, see `Steps`.

    Returns
    -------
    memory : Tensor of shape (n_samples, n_units)
        The memory after each sample's last step, by rank; 0 before the first step.

    Examples
    --------
    >>> half, one = torch.full((3, 1), 0.5), torch.ones(3, 1)
    >>> linear_memory(half, one, [1, 1, 1]).item()
    1.75
    """
    dtype = torch.promote_types(retain.dtype, torch.float32)
    return _LinearMemory.apply(tuple(sizes), retain.to(dtype), update.to(dtype))  # type: ignore[no-untyped-call]


def gated_memory(
    candidate: Tensor,
    projected: Tensor,
    keep: Tensor | None,
    weights: tuple[Tensor, Tensor, Tensor],
    sizes: Sequence[int],
) -> Tensor:
    """Run ``u_t = g1 * u_{t-1} + g2 * candidate_t`` with gates that see the memory.

    Each gate is ``sigmoid(W relu(projected_t + V u_{t-1}) + b)``.

    Parameters
    ----------
    candidate : Tensor of shape (n_steps, n_units)
        What may enter the memory.
    projected : Tensor of shape (n_steps, 2 * width)
        The part of the gates' first layers that does not depend on the memory, with biases; first
        the gate that retains, then the one that updates.
    keep : Tensor of shape (n_steps, 2 * width) or None
        Factors of dropout behind the first layers.
    weights : tuple of Tensor
        V of shape (2 * width, n_units), W of shape (2, n_units, width), b of shape (2, n_units).
    sizes : sequence of int
        Samples at each step, see `Steps`.

    Returns
    -------
    memory : Tensor of shape (n_samples, n_units)
        The memory after each sample's last step, by rank; 0 before the first step.

    Examples
    --------
    >>> weights = torch.zeros(2, 1), torch.zeros(2, 1, 1), torch.zeros(2, 1)
    >>> gated_memory(torch.ones(2, 1), torch.zeros(2, 2), None, weights, [1, 1]).item()
    0.75
    """
    dtype = weights[0].dtype
    with torch.autocast(candidate.device.type, enabled=False):
        inputs = candidate.to(dtype), projected.to(dtype), *weights
        return _GatedMemory.apply(tuple(sizes), keep, *inputs)  # type: ignore[no-untyped-call]


def _blocks(sizes: Sequence[int]) -> list[slice]:
    """Packed rows of each step."""
    blocks, start = [], 0
    for size in sizes:
        blocks.append(slice(start, start + size))
        start += size
    return blocks


class _LSTMs(torch.autograd.Function):
    """The recurrence of `lstm_states`.

    Every gate and every cell state goes through the logistic function s, whose vectorized form is
    several times faster on CPUs than that of tanh(x) = 2 s(2x) - 1. Gates are kept as s(x), for the
    cell gate s(2x); ``squashed`` is s(2c).
    """

    @staticmethod
    def forward(
        ctx: Any, sizes: tuple[int, ...], idle: Tensor | None, *inputs: Tensor
    ) -> tuple[Tensor, Tensor]:
        projected, weights = inputs[: len(inputs) // 2], inputs[len(inputs) // 2 :]
        widths = [weight.shape[1] for weight in weights]
        gates = torch.cat([p.reshape(len(p), 4, -1) for p in projected], dim=2)
        idle = _hold(gates, idle, widths)
        n_steps, n = len(gates), sum(widths)
        cells = gates.new_empty(n_steps, 2 * n)
        squashed, before = (gates.new_empty(n_steps, n) for _ in range(2))
        hidden = gates.new_zeros(sizes[0], n)
        cell = hidden
        for now in _blocks(sizes):
            state = hidden[: now.stop - now.start]
            before[now] = state
            parts = torch.split(gates[now], widths, 2), weights, torch.split(state, widths, 1)
            for part, weight, own in zip(*parts, strict=True):
                part.add_((own @ weight.t()).view(len(state), 4, -1))
            gates[now, 2] *= 2.0
            i, f, g, o = gates[now].sigmoid_().unbind(1)
            cells[now, :n] = cell[: len(state)]
            cell = cells[now, n:]
            torch.mul(f, cells[now, :n], out=cell).sub_(i).addcmul_(i, g, value=2.0)
            q = torch.mul(cell, 2.0, out=squashed[now]).sigmoid_()
            state.mul_(0.0 if idle is None else idle[now])
            state.addcmul_(o, q, value=2.0).sub_(o)
        ctx.save_for_backward(idle, gates, squashed, before, cells, *weights)
        ctx.sizes = sizes
        return hidden, cells

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_hidden: Tensor, d_cells: Tensor) -> tuple[Tensor | None, ...]:
        idle, gates, squashed, before, cells, *weights = ctx.saved_tensors
        widths = [weight.shape[1] for weight in weights]
        n = sum(widths)
        d_projected = [gates.new_empty(len(gates), 4 * k) for k in widths]
        carried_h, carried_c = d_hidden.clone(), torch.zeros_like(d_hidden)
        scratch = gates.new_empty(len(d_hidden), 4, n)
        for now in reversed(_blocks(ctx.sizes)):
            size = now.stop - now.start
            dh, dc, d_gates = carried_h[:size], carried_c[:size], scratch[:size]
            dc += d_cells[now, n:]
            seen = {"gates": gates[now], "squashed": squashed[now], "before": cells[now, :n]}
            _through_step(dh, dc, d_gates, **seen)
            dc.mul_(gates[now, 1]).add_(d_cells[now, :n])
            dh.mul_(0.0 if idle is None else idle[now])
            parts = (
                d_projected,
                torch.split(d_gates, widths, 2),
                weights,
                torch.split(dh, widths, 1),
            )
            for d_own, part, weight, d_before in zip(*parts, strict=True):
                step = d_own[now]
                step.view(size, 4, -1).copy_(part)
                d_before.addmm_(step, weight)
        own = torch.split(before, widths, 1)
        d_weights = [d_own.t() @ h for d_own, h in zip(d_projected, own, strict=True)]
        return None, None, *d_projected, *d_weights


def _hold(gates: Tensor, idle: Tensor | None, widths: list[int]) -> Tensor | None:
    """Close the gates of LSTMs that stand idle; return the units that do, as factors."""
    if idle is None:
        return None
    units = idle.repeat_interleave(torch.tensor(widths, device=idle.device), dim=1)
    # With s(-inf) = 0 and s(inf) = 1 nothing enters the cell, nothing leaves it, all of it stays.
    for gate, value in enumerate((-torch.inf, torch.inf, 0.0, -torch.inf)):
        gates[:, gate].masked_fill_(units, value)
    return units.to(gates.dtype)


def _through_step(
    dh: Tensor, dc: Tensor, d_gates: Tensor, *, gates: Tensor, squashed: Tensor, before: Tensor
) -> None:
    """Fill the gradient of the gates' inputs, and add to `dc` what comes through the output."""
    i, _, g, o = gates.unbind(1)
    d_i, d_f, d_g, d_o = d_gates.unbind(1)
    torch.mul(dh, o, out=d_i).mul_(squashed)
    dc.add_(d_i, alpha=4.0).addcmul_(d_i, squashed, value=-4.0)
    torch.mul(dh, squashed, out=d_o).mul_(2.0).sub_(dh)
    torch.mul(dc, g, out=d_i).mul_(2.0).sub_(dc)
    torch.mul(dc, i, out=d_g).mul_(4.0)
    torch.mul(dc, before, out=d_f)
    d_gates.mul_(gates).addcmul_(d_gates, gates, value=-1.0)


class _LinearMemory(torch.autograd.Function):
    """The recurrence of `linear_memory`."""

    @staticmethod
    def forward(ctx: Any, sizes: tuple[int, ...], retain: Tensor, update: Tensor) -> Tensor:
        before = torch.empty_like(update)
        memory = update.new_zeros(sizes[0], update.shape[1])
        for now in _blocks(sizes):
            state = memory[: now.stop - now.start]
            before[now] = state
            state.mul_(retain[now]).add_(update[now])
        ctx.save_for_backward(retain, before)
        ctx.sizes = sizes
        return memory

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_memory: Tensor) -> tuple[None, Tensor, Tensor]:
        retain, before = ctx.saved_tensors
        d_update = torch.empty_like(retain)
        carried = d_memory.clone()
        for now in reversed(_blocks(ctx.sizes)):
            state = carried[: now.stop - now.start]
            d_update[now] = state
            state.mul_(retain[now])
        return None, d_update * before, d_update


class _GatedMemory(torch.autograd.Function):
    """The recurrence of `gated_memory`; gates lie as (step, gate, unit)."""

    @staticmethod
    def forward(ctx: Any, sizes: tuple[int, ...], keep: Tensor | None, *inputs: Tensor) -> Tensor:
        candidate, projected, first, second, bias = inputs
        inner, before = torch.empty_like(projected), torch.empty_like(candidate)
        gates = candidate.new_empty(len(candidate), 2, candidate.shape[1])
        memory = candidate.new_zeros(sizes[0], candidate.shape[1])
        for now in _blocks(sizes):
            state = memory[: now.stop - now.start]
            before[now] = state
            torch.addmm(projected[now], state, first.t(), out=inner[now]).relu_()
            if keep is not None:
                inner[now] *= keep[now]
            for gate, part in enumerate(inner[now].chunk(2, dim=1)):
                torch.addmm(bias[gate], part, second[gate].t(), out=gates[now, gate])
            retain, update = gates[now].sigmoid_().unbind(1)
            state.mul_(retain).addcmul_(update, candidate[now])
        ctx.save_for_backward(candidate, keep, first, second, inner, gates, before)
        ctx.sizes = sizes
        return memory

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_memory: Tensor) -> tuple[Tensor | None, ...]:
        candidate, keep, first, second, inner, gates, before = ctx.saved_tensors
        d_candidate, d_inner, d_gates = map(torch.empty_like, (candidate, inner, gates))
        carried = d_memory.clone()
        for now in reversed(_blocks(ctx.sizes)):
            state, step = carried[: now.stop - now.start], d_gates[now]
            torch.mul(state, gates[now, 1], out=d_candidate[now])
            torch.mul(state, before[now], out=step[:, 0])
            torch.mul(state, candidate[now], out=step[:, 1])
            step.mul_(gates[now]).addcmul_(step, gates[now], value=-1.0)
            for gate, part in enumerate(d_inner[now].chunk(2, dim=1)):
                torch.mm(step[:, gate], second[gate], out=part)
            d_inner[now] *= inner[now] > 0
            if keep is not None:
                d_inner[now] *= keep[now]
            state.mul_(gates[now, 0]).addmm_(d_inner[now], first)
        d_second = [d_gates[:, j].t() @ part for j, part in enumerate(inner.chunk(2, dim=1))]
        d_first = d_inner.t() @ before
        d_bias = d_gates.sum(dim=0)
        return None, None, d_candidate, d_inner, d_first, torch.stack(d_second), d_bias
