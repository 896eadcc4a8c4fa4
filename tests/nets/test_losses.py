import math

import pytest
import torch

from emoest.nets.losses import multiplicative_loss


def sample(n_samples=20, n_modalities=3, n_classes=4):
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(
        n_samples, n_modalities, n_classes, generator=generator, dtype=torch.float64
    )
    target = torch.randint(n_classes, (n_samples,), generator=generator)
    return logits.requires_grad_(), target


def cross_entropies(logits, target):
    n_modalities = logits.shape[1]
    losses = [
        torch.nn.functional.cross_entropy(logits[:, i], target, reduction="none")
        for i in range(n_modalities)
    ]
    return torch.stack(losses, dim=1)


@pytest.mark.parametrize("form", ["liu", "m3er"])
def test_one_modality_is_cross_entropy(form):
    logits, target = sample(n_modalities=1)
    loss = multiplicative_loss(logits.log_softmax(2), target, form=form, beta=2.0)
    torch.testing.assert_close(loss, cross_entropies(logits, target).sum(dim=1))


@pytest.mark.parametrize("form", ["liu", "m3er"])
def test_without_beta_it_is_the_sum_of_cross_entropies(form):
    logits, target = sample()
    loss = multiplicative_loss(logits.log_softmax(2), target, form=form, beta=0.0)
    torch.testing.assert_close(loss, cross_entropies(logits, target).sum(dim=1))


def test_liu_weight_of_two_modalities_is_the_doubt_of_the_other():
    logits, target = sample(n_modalities=2)
    ce = cross_entropies(logits, target)
    doubt = 1 - (-ce).exp()
    expected = doubt[:, 1] ** 0.7 * ce[:, 0] + doubt[:, 0] ** 0.7 * ce[:, 1]
    torch.testing.assert_close(
        multiplicative_loss(logits.log_softmax(2), target, beta=0.7), expected
    )


@pytest.mark.parametrize("form", ["liu", "m3er"])
def test_gradient_of_the_detached_form_is_weight_times_that_of_cross_entropy(form):
    logits, target = sample()
    loss = multiplicative_loss(logits.log_softmax(2), target, form=form, beta=1.5)
    (gradient,) = torch.autograd.grad(loss.sum(), logits)
    ce = cross_entropies(logits, target)
    p = (-ce).exp()
    doubt = 1 - p
    weights = {"liu": (doubt.prod(dim=1, keepdim=True) / doubt) ** 0.75, "m3er": p**0.75}[form]
    (expected,) = torch.autograd.grad((weights.detach() * ce).sum(), logits)
    torch.testing.assert_close(gradient, expected)


@pytest.mark.parametrize(("n_modalities", "beta"), [(2, 0.5), (2, 1.0), (3, 2.0)])
def test_gradient_through_the_weight_changes_sign(n_modalities, beta):
    turn = math.exp(-(n_modalities - 1) / beta)
    for share, sign in ((0.9, 1.0), (1.1, -1.0)):
        p = torch.full((1, n_modalities), turn * share, dtype=torch.float64, requires_grad=True)
        log_proba = torch.stack([p.log(), torch.log1p(-p)], dim=2)
        loss = multiplicative_loss(
            log_proba, torch.tensor([0]), form="m3er", beta=beta, detach_weights=False
        )
        (gradient,) = torch.autograd.grad(loss.sum(), p)
        assert (gradient.sign() == sign).all()


def test_boosting_spares_a_modality_that_wins_by_the_margin():
    proba = torch.tensor([[[0.8, 0.1, 0.1], [0.5, 0.4, 0.1]]])
    target = torch.tensor([0])
    spared = multiplicative_loss(proba.log(), target, beta=0.0, margin=math.log(4.0))
    assert float(spared) == pytest.approx(-math.log(0.5))
    none = multiplicative_loss(proba.log(), target, beta=0.0, margin=math.log(9.0))
    assert float(none) == pytest.approx(-math.log(0.5) - math.log(0.8))


def test_certain_predictions_keep_loss_and_gradient_finite():
    logits = torch.tensor([[[80.0, 0.0], [-80.0, 0.0]]], requires_grad=True)
    for form in ("liu", "m3er"):
        loss = multiplicative_loss(logits.log_softmax(2), torch.tensor([0]), form=form, beta=1.0)
        (gradient,) = torch.autograd.grad(loss.sum(), logits)
        assert torch.isfinite(loss).all() and torch.isfinite(gradient).all()


def test_an_unknown_form_names_the_known_ones():
    with pytest.raises(ValueError, match="form='sum' is unknown; choose one of liu, m3er"):
        multiplicative_loss(torch.zeros(1, 2, 2), torch.tensor([0]), form="sum")
