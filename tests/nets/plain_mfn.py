"""The Memory Fusion Network written down as its equations say: every step, padding and all.

The oracle of ``test_mfn.py`` and the form that ``benchmarks/mfn.py`` measures against. It takes the
parameters of an `emoest.nets.mfn.MFN` and shares nothing else with it.
"""

import torch


def plain_mfn(net, frames, lengths):
    """Give the logits of `net` for padded steps of shape (n_samples, n_steps, n_dims)."""
    names = list(frames)
    n_samples = len(frames[names[0]])
    n_steps = max(x.shape[1] for x in frames.values())
    first = frames[names[0]]
    h = [first.new_zeros(n_samples, cell.hidden_size) for cell in net.cells]
    c = [first.new_zeros(n_samples, cell.hidden_size) for cell in net.cells]
    u = first.new_zeros(n_samples, net.memory_dim)
    for t in range(n_steps):
        before = torch.cat(c, dim=1)
        for m, (name, cell) in enumerate(zip(names, net.cells, strict=True)):
            if t >= frames[name].shape[1]:
                continue
            runs = (t < lengths[name])[:, None]
            x = torch.where(runs, frames[name][:, t], 0.0)
            if net.memory_feedback:
                x = torch.cat([x, u], dim=1)
            new_h, new_c = cell(x, (h[m], c[m]))
            h[m], c[m] = torch.where(runs, new_h, h[m]), torch.where(runs, new_c, c[m])
        d = torch.cat([before, *c], dim=1)
        attended = torch.softmax(net.attention(d), dim=1) * d
        candidate = torch.tanh(net.update(attended))
        seen = attended if net.gate_input == "delta" else torch.cat([attended, u], dim=1)
        retain, update = (torch.sigmoid(gate(seen)) for gate in net.gates)
        runs = torch.stack([t < lengths[name] for name in names]).any(dim=0)[:, None]
        u = torch.where(runs, retain * u + update * candidate, u)
    if net.fusion == "concat":
        joined = torch.cat(h, dim=1)
    else:
        joined = torch.ones_like(h[0])
        for name, state in zip(names, h, strict=True):
            joined = joined * torch.where((lengths[name] > 0)[:, None], state, 1.0)
    return net.output(torch.cat([net.norm(joined), u], dim=1))
