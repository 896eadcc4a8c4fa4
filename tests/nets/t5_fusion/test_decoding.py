import itertools

import numpy as np
import pytest
import torch

from emoest.nets.t5_fusion import decoding
from tests.nets.t5_fusion.plain_unimse import CHOICES, GROUPS, PREFIXES, small_batch, small_net


def log_probability(net, frames, lengths, row, tokens):
    """The logarithm of the probability of one string for one row, token by token."""
    one = {name: value[row : row + 1] for name, value in frames.items()}
    some = {name: value[row : row + 1] for name, value in lengths.items()}
    hidden, _, seen = net.encode(one, some)
    total = 0.0
    for place, token in enumerate(tokens):
        inputs = torch.tensor([[0, *tokens[:place]]])
        output = net.t5(
            encoder_outputs=(hidden,), attention_mask=seen.long(), decoder_input_ids=inputs
        )
        total += output.logits[0, -1].log_softmax(dim=0)[token].item()
    return total


def best_prefix(net, frames, lengths):
    """The number of the most probable prefix of each row."""
    hidden, _, seen = net.encode(frames, lengths)
    return net.table.greedy(net, hidden, seen, net.table.every)


def test_strings_of_unequal_length_are_scored_by_the_sum_over_their_tokens():
    net, (frames, lengths) = small_net(), small_batch()
    hidden, _, seen = net.encode(frames, lengths)
    strings = [[8, 1], [9, 10, 11, 1], [1]]
    table = decoding.ChoiceTable([[]], strings)
    with torch.no_grad():
        scores = decoding.sequence_scores(net, hidden, seen, table.sequences.expand(4, -1, -1))
        for row, (place, tokens) in itertools.product(range(4), enumerate(strings)):
            expected = log_probability(net, frames, lengths, row, tokens)
            assert scores[row, place] == pytest.approx(expected, abs=1e-4)


def test_strings_that_end_exclude_each_other():
    """All strings of at most two tokens with an end, and those that go on, add up to 1."""
    net, (frames, lengths) = small_net(vocab_size=12), small_batch(vocab_size=12)
    hidden, _, seen = net.encode(frames, lengths)
    others = [token for token in range(12) if token != 1]
    strings = [[1], *[[a, 1] for a in others], *[[a, b] for a in others for b in others]]
    table = decoding.ChoiceTable([[]], strings)
    scores = decoding.sequence_scores(net, hidden, seen, table.sequences.expand(4, -1, -1))
    np.testing.assert_allclose(scores.exp().sum(dim=1).detach(), 1.0, atol=1e-4)


def test_passes_of_limited_size_give_the_same(monkeypatch):
    net, (frames, lengths) = small_net(), small_batch()
    whole = net.greedy_scores(frames, lengths)
    monkeypatch.setattr(decoding, "_MOST_SEQUENCES", 3)
    torch.testing.assert_close(net.greedy_scores(frames, lengths), whole)


def test_one_pass_scores_all_choices_of_all_rows():
    net, (frames, lengths) = small_net(), small_batch()
    hidden, _, seen = net.encode(frames, lengths)
    calls = []
    net.t5.decoder.register_forward_hook(lambda *args: calls.append(1))
    table = decoding.ChoiceTable([[]], CHOICES)
    table.scores(net, hidden, seen, marginal=False)
    assert len(calls) == 1


def test_the_best_prefix_is_found_token_by_token():
    net, (frames, lengths) = small_net(), small_batch(8)
    found = best_prefix(net, frames, lengths).tolist()
    for row, number in enumerate(found):
        first = {t: log_probability(net, frames, lengths, row, [t]) for t in (4, 5)}
        expected = 0
        if first[5] > first[4]:
            second = {t: log_probability(net, frames, lengths, row, [5, t]) for t in (6, 7)}
            expected = 1 if second[6] > second[7] else 2
        assert number == expected
    assert len(set(found)) > 1, "the rows of this test must differ"


def test_greedy_and_marginal_scores():
    net, (frames, lengths) = small_net(), small_batch()
    best = best_prefix(net, frames, lengths).tolist()
    greedy = net.greedy_scores(frames, lengths)
    hidden, _, seen = net.encode(frames, lengths)
    marginal = net.marginal_scores(frames, lengths)
    of_group = net.table.greedy(net, hidden, seen, torch.tensor([False, True, True])).tolist()
    assert set(of_group) <= {1, 2} and GROUPS == [0, 1, 1]
    for row, (place, choice) in itertools.product(range(4), enumerate(CHOICES)):
        parts = [
            log_probability(net, frames, lengths, row, [*PREFIXES[number], *choice])
            for number in {best[row], 0, of_group[row]}
        ]
        expected = log_probability(net, frames, lengths, row, [*PREFIXES[best[row]], *choice])
        assert greedy[row, place].item() == pytest.approx(expected, abs=1e-4)
        assert marginal[row, place].item() == pytest.approx(np.logaddexp.reduce(parts), abs=1e-4)


def test_generation_is_greedy_and_stops_at_the_end():
    net, (frames, lengths) = small_net(seed=3), small_batch()
    net.max_new_tokens = 6
    tokens = net.generate(frames, lengths)
    assert tokens.shape == (4, 6)
    for row in range(4):
        one = {name: value[row : row + 1] for name, value in frames.items()}
        hidden, _, seen = net.encode(one, {n: v[row : row + 1] for n, v in lengths.items()})
        inputs = [0]
        for token in tokens[row].tolist():
            output = net.t5(
                encoder_outputs=(hidden,),
                attention_mask=seen.long(),
                decoder_input_ids=torch.tensor([inputs]),
            )
            assert token == (0 if 1 in inputs else int(output.logits[0, -1].argmax()))
            inputs.append(token)


def test_a_forced_end_is_followed_by_padding():
    net, (frames, lengths) = small_net(dims={}), small_batch(dims={})
    hidden, _, seen = net.encode(frames, lengths)

    class Ends:
        config = net.t5.config

        def __call__(self, **given):
            output = net.t5(**given)
            output.logits[..., 1] = 100.0
            return output

    tokens = decoding.generate(Ends(), hidden, seen, 5)
    assert tokens.tolist() == [[1, 0, 0, 0, 0]] * 4
