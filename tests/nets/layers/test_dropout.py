import pytest
import torch

from emoest.nets.layers.dropout import Dropout, dropout_factors


@pytest.mark.parametrize("rate", [0.0, 0.1, 0.5, 0.9])
def test_the_rate_holds_and_the_expectation_is_one(rate):
    torch.manual_seed(0)
    factors = dropout_factors((401, 499), rate, torch.zeros(1, dtype=torch.float64))
    assert factors.shape == (401, 499) and factors.dtype == torch.float64
    noise = 4 * (rate * (1 - rate) / factors.numel()) ** 0.5
    assert float((factors == 0).double().mean()) == pytest.approx(rate, abs=noise + 1e-5)
    kept = factors[factors > 0]
    torch.testing.assert_close(kept, torch.full_like(kept, 1 / (1 - rate)), rtol=2e-4, atol=0)


def test_a_rate_just_below_one_keeps_something_to_scale():
    factors = dropout_factors((100,), 1 - 1e-9, torch.zeros(1))
    assert torch.isfinite(factors).all() and set(factors.tolist()) <= {0.0, 65536.0}


def test_factors_beside_each_other_are_not_related():
    torch.manual_seed(0)
    zero = (dropout_factors((50_000, 4), 0.5, torch.zeros(1)) == 0).float()
    correlation = torch.corrcoef(torch.cat([zero, zero.roll(1, dims=0)], dim=1).t())
    assert float((correlation - torch.eye(8)).abs().max()) < 0.02


def test_the_generator_of_torch_decides():
    draws = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        draws.append(dropout_factors((20, 3), 0.5, torch.zeros(1)))
    assert torch.equal(draws[0], draws[1])
    assert not torch.equal(draws[0], draws[2])


def test_it_drops_in_training_only():
    layer = Dropout(0.5)
    x = torch.ones(100, requires_grad=True)
    y = layer(x)
    assert set(y.tolist()) == {0.0, 2.0}
    (gradient,) = torch.autograd.grad(y.sum(), x)
    assert torch.equal(gradient, y)
    assert layer.eval()(x) is x
    assert Dropout(0.0)(x) is x
    assert "rate=0.5" in repr(layer)
