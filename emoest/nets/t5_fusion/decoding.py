"""From encoder states to labels: scores of given strings, the best prefix, free generation.

A string is scored by the sum of the logarithms of its tokens' probabilities, the token that ends it
among them, and not divided by their number: strings that end so exclude each other, whatever their
lengths, and their probabilities add up to at most 1.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

_MOST_SEQUENCES = 512
_NOTHING = -1


def next_logits(
    t5: Any, hidden: Tensor, seen: Tensor, tokens: Tensor, past: Any = None, *, shift: bool = True
) -> Any:
    """Run the decoder on tokens and return the logits of each next one.

    Parameters
    ----------
    t5 : Module
        A T5, wrapped or not.
    hidden : Tensor of shape (n_rows, n_source, d_model)
        Encoder states.
    seen : Tensor of bool, shape (n_rows, n_source)
        Which of them are attended to.
    tokens : Tensor of int, shape (n_rows, n_tokens)
        The tokens whose logits are wanted; the decoder gets them shifted by one.
    past : object, default=None
        Cache of earlier steps; with one, or with ``shift=False``, `tokens` go in as they are.
    shift : bool, default=True
        Whether the token that starts the decoder is put in front and the last one is left out.

    Returns
    -------
    logits : Tensor of shape (n_rows, n_tokens, n_vocabulary)
        Without `shift` the pair of logits and cache.

    Examples
    --------
    >>> from emoest.nets.t5_fusion.backbones import make_t5, tiny_config
    >>> hidden, seen = torch.zeros(1, 3, 64), torch.ones(1, 3, dtype=torch.bool)
    >>> next_logits(make_t5(tiny_config(20)), hidden, seen, torch.ones(1, 2).long()).shape
    torch.Size([1, 2, 20])
    """
    inputs = tokens
    if shift:
        start = torch.full_like(tokens[:, :1], int(t5.config.decoder_start_token_id))
        inputs = torch.cat([start, tokens[:, :-1]], dim=1)
    output = t5(
        encoder_outputs=(hidden,),
        attention_mask=seen.long(),
        decoder_input_ids=inputs,
        past_key_values=past,
        use_cache=not shift,
    )
    return output.logits if shift else (output.logits, output.past_key_values)


def generate(t5: Any, hidden: Tensor, seen: Tensor, n_tokens: int) -> Tensor:
    """Generate tokens greedily until the end or `n_tokens`; padding stands behind the end."""
    pad, end = int(t5.config.pad_token_id), int(t5.config.eos_token_id)
    last = torch.full((len(hidden), 1), int(t5.config.decoder_start_token_id), device=hidden.device)
    done = torch.zeros(len(hidden), dtype=torch.bool, device=hidden.device)
    past, found = None, []
    for _ in range(n_tokens):
        logits, past = next_logits(t5, hidden, seen, last, past, shift=False)
        last = logits[:, -1:].argmax(dim=-1).masked_fill(done[:, None], pad)
        found.append(last)
        done = done | (last[:, 0] == end)
        if bool(done.all()):
            break
    tokens = torch.cat(found, dim=1)
    return torch.nn.functional.pad(tokens, (0, n_tokens - tokens.shape[1]), value=pad)


class ChoiceTable:
    """The label strings among which a net chooses: every prefix with every choice.

    Parameters
    ----------
    prefixes : sequence of sequence of int
        Tokens of the fields in front of the one that is predicted; ``[[]]`` if there are none. No
        prefix begins with another one.
    choices : sequence of sequence of int
        Tokens of what is predicted, with the token behind it.
    groups : sequence of int, default=None
        Group of each prefix, such as its polarity; None stands for one group.

    Examples
    --------
    >>> table = ChoiceTable([[4, 3], [5, 6, 3]], [[7, 1], [8, 9, 1]])
    >>> table.sequences.shape
    torch.Size([2, 2, 6])
    """

    def __init__(
        self,
        prefixes: Sequence[Sequence[int]],
        choices: Sequence[Sequence[int]],
        groups: Sequence[int] | None = None,
    ) -> None:
        self.prefixes = _padded(prefixes)
        joined = [[*prefix, *choice] for prefix in prefixes for choice in choices]
        self.sequences = _padded(joined).reshape(len(prefixes), len(choices), -1)
        self.groups = torch.tensor([0] * len(prefixes) if groups is None else list(groups))

    @property
    def every(self) -> Tensor:
        """All prefixes, as a mask."""
        return torch.ones(len(self.prefixes), dtype=torch.bool)

    def greedy(self, net: Any, hidden: Tensor, seen: Tensor, allowed: Tensor) -> Tensor:
        """Find a prefix token by token, each the most probable one that a prefix goes on with.

        Parameters
        ----------
        net : UniversalLabelNet
            The net, whose ``encode`` was called on the rows.
        hidden, seen : Tensor
            What it gave.
        allowed : Tensor of bool, shape (n_prefixes,)
            The prefixes among which to find it.

        Returns
        -------
        number : Tensor of int, shape (n_rows,)
        """
        prefixes = self.prefixes.to(hidden.device)
        alive = allowed.to(hidden.device).expand(len(hidden), -1).clone()
        start = int(net.t5.config.decoder_start_token_id)
        last = torch.full((len(hidden), 1), start, device=hidden.device)
        past = None
        for step in range(prefixes.shape[1]):
            going = alive & (prefixes[:, step] != _NOTHING)
            running = going.any(dim=1)
            if not bool(running.any()):
                break
            logits, past = next_logits(net.t5, hidden, seen, last, past, shift=False)
            column = prefixes[:, step].clamp_min(0)
            scores = logits[:, -1, :].float()[:, column].masked_fill(~going, -torch.inf)
            token = column[scores.argmax(dim=1)]
            alive = torch.where(running[:, None], going & (column == token[:, None]), alive)
            last = torch.where(running, token, start)[:, None]
        return alive.int().argmax(dim=1)

    def scores(self, net: Any, hidden: Tensor, seen: Tensor, *, marginal: bool) -> Tensor:
        """Score every choice behind the best prefix, or behind the best one of each group.

        Returns
        -------
        scores : Tensor of shape (n_rows, n_choices)
            Logarithms of probabilities of prefix and choice, summed over groups.
        """
        masks = (
            [self.groups == group for group in sorted(set(self.groups.tolist()))]
            if marginal
            else []
        )
        sequences = self.sequences.to(hidden.device)
        found = [
            sequence_scores(net, hidden, seen, sequences[self.greedy(net, hidden, seen, mask)])
            for mask in masks or [self.every]
        ]
        return torch.logsumexp(torch.stack(found), dim=0)


def sequence_scores(net: Any, hidden: Tensor, seen: Tensor, sequences: Tensor) -> Tensor:
    """Compute the logarithm of the probability of several strings for each row, all in one pass.

    Parameters
    ----------
    net : UniversalLabelNet
        The net, whose ``encode`` was called on the rows.
    hidden, seen : Tensor
        What it gave.
    sequences : Tensor of int, shape (n_rows, n_strings, n_tokens)
        The strings; -1 stands behind their ends.

    Returns
    -------
    scores : Tensor of shape (n_rows, n_strings)
    """
    n_rows, n_strings, n_tokens = sequences.shape
    owners = torch.arange(n_rows, device=hidden.device).repeat_interleave(n_strings)
    flat = sequences.reshape(-1, n_tokens)
    summaries = net.signals.summaries
    parts = []
    try:
        # Passes of limited size, since the logits of a large vocabulary fill the memory.
        for first in range(0, len(flat), _MOST_SEQUENCES):
            chunk = slice(first, first + _MOST_SEQUENCES)
            rows = owners[chunk]
            net.signals.summaries = None if summaries is None else summaries[rows]
            tokens = flat[chunk]
            valid = tokens != _NOTHING
            logits = next_logits(net.t5, hidden[rows], seen[rows], tokens.clamp_min(0))
            each = logits.float().log_softmax(dim=-1).gather(2, tokens.clamp_min(0)[..., None])
            parts.append(each.squeeze(2).masked_fill(~valid, 0.0).sum(dim=1))
    finally:
        net.signals.summaries = summaries
    return torch.cat(parts).reshape(n_rows, n_strings)


def _padded(sequences: Sequence[Sequence[int]]) -> Tensor:
    longest = max(len(sequence) for sequence in sequences)
    rows = [[*sequence, *[_NOTHING] * (longest - len(sequence))] for sequence in sequences]
    return torch.tensor(rows, dtype=torch.int64).reshape(len(rows), longest)
