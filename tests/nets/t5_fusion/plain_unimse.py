"""The equations of UniMSE written out in loops, and a small net, for the tests of this folder."""

import numpy as np
import torch

from emoest.nets.t5_fusion.backbones import tiny_config
from emoest.nets.t5_fusion.net import UniversalLabelNet

DIMS = {"audio": 5, "face": 4}
PREFIXES, CHOICES, GROUPS = [[4, 3], [5, 6, 3], [5, 7, 3]], [[8, 1], [9, 10, 1]], [0, 1, 1]


def small_net(dims=None, seed=0, vocab_size=40, **settings):
    torch.manual_seed(seed)
    settings = {"av_hidden": 6, "bottleneck": 7, "n_pmf_layers": 2, **settings}
    dims = DIMS if dims is None else dims
    table = (PREFIXES, CHOICES, GROUPS)
    return UniversalLabelNet(tiny_config(vocab_size), dims, *table, **settings).eval()


def small_batch(n_rows=4, seed=0, dims=None, vocab_size=40):
    """Ragged texts and signals; the last row lacks the first signal."""
    generator = torch.Generator().manual_seed(seed)
    lengths = {"text": torch.randint(3, 9, (n_rows,), generator=generator)}
    tokens = torch.randint(4, vocab_size, (n_rows, 8), generator=generator)
    own = torch.zeros(n_rows, 8)
    own[:, 1:3] = 1
    frames = {"text": torch.stack([tokens.float(), own], dim=2)}
    for place, (name, width) in enumerate((DIMS if dims is None else dims).items()):
        lengths[name] = torch.randint(1, 7, (n_rows,), generator=generator)
        if place == 0:
            lengths[name][-1] = 0
        frames[name] = torch.randn(n_rows, 6, width, generator=generator)
    for name, length in lengths.items():
        frames[name] = (
            frames[name] * (torch.arange(frames[name].shape[1]) < length[:, None])[..., None]
        )
    return frames, lengths


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def numbers(module):
    return {name: value.detach().double().numpy() for name, value in module.state_dict().items()}


def plain_fusion(unit, hidden, summaries):
    w = numbers(unit)
    output = np.zeros(hidden.shape)
    for row, states in enumerate(hidden):
        for place, h in enumerate(states):
            joined = np.concatenate([h, summaries[row]])
            down = sigmoid(w["down.weight"] @ joined + w["down.bias"])
            up = w["up.weight"] @ down + w["up.bias"]
            output[row, place] = w["out.weight"] @ (up + joined) + w["out.bias"]
    return output


def plain_lstm(summary, frames, length):
    """Last state and mean of states of one row."""
    w = numbers(summary)
    n = w["lstm.layers.weight_hh_l0"].shape[1]
    h, c, states = np.zeros(n), np.zeros(n), []
    for x in frames[:length]:
        gates = (
            w["lstm.layers.weight_ih_l0"] @ x
            + w["lstm.layers.bias_ih_l0"]
            + w["lstm.layers.weight_hh_l0"] @ h
            + w["lstm.layers.bias_hh_l0"]
        )
        i, f, g, o = np.split(gates, 4)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        states.append(h)
    if not states:
        return np.zeros(len(w["project.bias"])), np.zeros(n)
    return w["project.weight"] @ h + w["project.bias"], np.mean(states, axis=0)


def plain_contrast(anchors, others, present, kind, temperature):
    losses = np.zeros(len(anchors))
    for i in range(len(anchors)):
        if not present[i]:
            continue
        scores = {}
        for k in range(len(others)):
            dot = anchors[i] @ others[k]
            if kind == "cosine":
                dot /= np.linalg.norm(anchors[i]) * np.linalg.norm(others[k]) * temperature
            scores[k] = np.exp(dot)
        total = sum(scores[k] for k in scores if present[k])
        total += scores[i] if kind == "printed" else 0.0
        losses[i] = -np.log(scores[i] / total)
    return losses
