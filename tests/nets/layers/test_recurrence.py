import pytest
import torch

from emoest.nets.layers.recurrence import gated_memory, linear_memory, lstm_states, pack_steps

LENGTHS = torch.tensor([2, 5, 0, 3, 5])


def numbers(*shape):
    return torch.randn(*shape, dtype=torch.float64).requires_grad_()


def stepwise(steps, state, advance):
    """Advance each sample's state step by step, one sample at a time."""
    last = []
    for row in range(len(LENGTHS)):
        now = state
        for place in torch.nonzero(steps.row == row).ravel():
            now = advance(now, place)
        last.append(now)
    return torch.stack(last)


@pytest.fixture(autouse=True)
def _seeded():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


def test_packing_puts_the_longest_first_and_every_valid_step_once():
    steps = pack_steps(LENGTHS)
    assert steps.sizes == [4, 4, 3, 2, 2]
    found = sorted(zip(steps.row.tolist(), steps.time.tolist(), strict=True))
    assert found == [(row, t) for row, n in enumerate(LENGTHS.tolist()) for t in range(n)]
    assert steps.row[:4].tolist() == [1, 4, 3, 0]


def test_by_sample_puts_states_back_and_gives_zero_where_there_was_no_step():
    steps = pack_steps(LENGTHS)
    states = LENGTHS[steps.row[:4]].double()[:, None]
    assert torch.equal(steps.by_sample(states).ravel(), LENGTHS.double())


@pytest.mark.parametrize("lengths", [[0, 0], []])
def test_nothing_packs_to_nothing(lengths):
    steps = pack_steps(torch.tensor(lengths, dtype=torch.int64))
    assert steps.sizes == [] and len(steps.row) == 0


def test_lstms_are_those_of_torch():
    steps = pack_steps(LENGTHS)
    cells = [torch.nn.LSTMCell(3, k, dtype=torch.float64) for k in (2, 4)]
    inputs = [numbers(len(steps.row), 3) for _ in cells]
    projected = [
        x @ cell.weight_ih.t() + cell.bias_ih + cell.bias_hh
        for x, cell in zip(inputs, cells, strict=True)
    ]
    hidden, states = lstm_states(projected, [cell.weight_hh for cell in cells], steps.sizes)
    for cell, x, columns in zip(cells, inputs, (slice(0, 2), slice(2, 6)), strict=True):
        start = torch.zeros(2, cell.hidden_size, dtype=torch.float64)
        expected = stepwise(
            steps,
            start,
            lambda now, place, cell=cell, x=x: torch.stack(cell(x[place], (now[0], now[1]))),
        )
        torch.testing.assert_close(steps.by_sample(hidden)[:, columns], expected[:, 0])
    assert torch.equal(states[4:8, :6], states[0:4, 6:])
    assert not states[:4, :6].any()


def test_idle_steps_keep_the_states_whatever_stands_there():
    lengths = torch.tensor([5, 2, 5, 0, 3])
    steps, short = pack_steps(lengths), pack_steps(lengths.clamp(max=3))
    idle = (steps.time >= 3)[:, None] & torch.tensor([False, True])
    projected = [numbers(len(steps.row), 8) for _ in range(2)]
    projected[1] = projected[1].detach().masked_fill(idle[:, 1:], 1e30).requires_grad_()
    weights = [numbers(8, 2) for _ in range(2)]
    hidden, cells = lstm_states(projected, weights, steps.sizes, idle)
    rows = steps.time < 3
    expected, _ = lstm_states([projected[1][rows]], weights[1:], short.sizes)
    kept = steps.by_sample(hidden)[:, 2:]
    torch.testing.assert_close(kept, short.by_sample(expected), atol=0, rtol=0)
    assert torch.equal(cells[~rows][:, 2:4], cells[~rows][:, 6:8])
    (gradient,) = torch.autograd.grad(hidden.sum() + cells.sum(), projected[1])
    assert torch.isfinite(gradient).all() and not gradient[~rows].any()


@pytest.mark.parametrize("with_idle", [False, True])
def test_gradient_of_lstms(with_idle):
    steps = pack_steps(LENGTHS)
    idle = (steps.time >= 2)[:, None] & torch.tensor([True, False]) if with_idle else None
    inputs = [numbers(len(steps.row), 4 * k) for k in (1, 2)] + [numbers(4 * k, k) for k in (1, 2)]
    assert torch.autograd.gradcheck(
        lambda a, b, v, w: lstm_states([a, b], [v, w], steps.sizes, idle), inputs
    )


def test_linear_memory_and_its_gradient():
    steps = pack_steps(LENGTHS)
    retain, update = numbers(len(steps.row), 2), numbers(len(steps.row), 2)
    memory = steps.by_sample(linear_memory(retain, update, steps.sizes))
    expected = stepwise(
        steps, torch.zeros(2, dtype=torch.float64), lambda u, i: retain[i] * u + update[i]
    )
    torch.testing.assert_close(memory, expected)
    assert torch.autograd.gradcheck(lambda r, u: linear_memory(r, u, steps.sizes), (retain, update))


@pytest.mark.parametrize("drops", [False, True])
def test_gated_memory_and_its_gradient(drops):
    steps = pack_steps(LENGTHS)
    n = len(steps.row)
    keep = 2.0 * torch.randint(2, (n, 6)).double() if drops else None
    inputs = [numbers(n, 2), numbers(n, 6), numbers(6, 2), numbers(2, 2, 3), numbers(2, 2)]
    candidate, projected, first, second, bias = inputs

    def advance(u, i):
        inner = torch.relu(projected[i] + first @ u) * (1.0 if keep is None else keep[i])
        g1, g2 = (torch.sigmoid(second[j] @ inner[3 * j : 3 * j + 3] + bias[j]) for j in (0, 1))
        return g1 * u + g2 * candidate[i]

    memory = gated_memory(candidate, projected, keep, (first, second, bias), steps.sizes)
    expected = stepwise(steps, torch.zeros(2, dtype=torch.float64), advance)
    torch.testing.assert_close(steps.by_sample(memory), expected)
    assert torch.autograd.gradcheck(
        lambda c, p, v, w, b: gated_memory(c, p, keep, (v, w, b), steps.sizes), inputs
    )
