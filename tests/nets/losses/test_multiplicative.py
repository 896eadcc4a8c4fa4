import math

import pytest
import torch

from benchmarks.multiplicative_losses import learned_uar
from emoest.nets.losses.multiplicative import FusionLoss, multiplicative_loss, starts_wrong_way


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


@pytest.mark.parametrize("form", ["liu", "m3er"])
def test_boosting_spares_a_sample_whose_true_class_wins_by_the_margin(form):
    logits, target = sample(n_samples=200)
    log_proba = logits.log_softmax(2)
    plain = multiplicative_loss(log_proba, target, form=form, beta=0.8)
    classes = [
        multiplicative_loss(log_proba, torch.full_like(target, c), form=form, beta=0.8)
        for c in range(4)
    ]
    others = torch.stack(classes, dim=1).scatter(1, target[:, None], torch.inf).amin(dim=1)
    learns = plain + 0.3 >= others
    assert learns.any() and not learns.all()
    boosted = multiplicative_loss(log_proba, target, form=form, beta=0.8, margin=0.3)
    torch.testing.assert_close(boosted, plain * learns)
    (gradient,) = torch.autograd.grad(boosted.sum(), logits)
    assert torch.equal(gradient.abs().sum(dim=(1, 2)) > 0, learns)


@pytest.mark.parametrize("form", ["liu", "m3er"])
@pytest.mark.parametrize("margin", [None, 0.2])
def test_absent_modalities_leave_what_the_present_ones_give(form, margin):
    logits, target = sample(n_samples=32, n_modalities=3)
    present = torch.tensor([[i >> j & 1 for j in range(3)] for i in range(8)] * 4).bool()
    log_proba = logits.log_softmax(2).masked_fill(~present[:, :, None], torch.nan)
    settings = {"form": form, "beta": 1.3, "margin": margin, "detach_weights": False}
    found = multiplicative_loss(log_proba, target, present=present, **settings)
    for i, there in enumerate(present):
        expected = torch.zeros(1, dtype=torch.float64)
        if there.any():
            one = slice(i, i + 1)
            expected = multiplicative_loss(log_proba[one, there], target[one], **settings)
        torch.testing.assert_close(found[i : i + 1], expected)
    (gradient,) = torch.autograd.grad(found.sum(), logits)
    assert torch.isfinite(gradient).all() and not gradient[~present].any()


def test_the_mean_is_over_samples_with_a_modality_weighted_by_class():
    logits, target = sample(n_samples=6)
    target = torch.tensor([0, 1, 0, 1, 2, 0])
    present = torch.ones(6, 3, dtype=torch.bool)
    present[:2] = False
    weight = torch.tensor([1.0, 2.0, 0.5, 9.0])
    log_proba = logits.log_softmax(2)
    each = multiplicative_loss(log_proba, target, present=present)
    mean = multiplicative_loss(log_proba, target, present=present, reduction="mean")
    torch.testing.assert_close(mean, each[2:].mean())
    settings = {"present": present, "class_weight": weight}
    weighted = multiplicative_loss(log_proba, target, **settings)
    torch.testing.assert_close(weighted, each * weight[target])
    mean = multiplicative_loss(log_proba, target, reduction="mean", **settings)
    torch.testing.assert_close(mean, weighted[2:].sum() / weight[target][2:].sum())
    nothing = torch.zeros(6, 3, dtype=torch.bool)
    assert multiplicative_loss(log_proba, target, present=nothing, reduction="mean") == 0


def test_liu_weights_are_exact_where_another_modality_is_nearly_certain():
    doubt = 1e-5
    log_proba = torch.tensor([[math.log1p(-doubt), math.log(0.5)]])
    log_proba = torch.stack([log_proba, torch.log(-torch.expm1(log_proba))], dim=2)
    loss = multiplicative_loss(log_proba, torch.tensor([0]), beta=1.0)
    assert float(loss) == pytest.approx(doubt * math.log(2) + 0.5 * doubt, rel=1e-4)


@pytest.mark.parametrize(
    ("n_modalities", "n_classes", "bound"), [(3, 4, 1.44), (3, 6, 1.12), (3, 7, 1.03)]
)
def test_where_the_literal_loss_starts_wrong_way(n_modalities, n_classes, bound):
    assert not starts_wrong_way(n_modalities, n_classes, bound - 0.01)
    assert starts_wrong_way(n_modalities, n_classes, bound + 0.01)
    assert not starts_wrong_way(1, n_classes, 100.0)
    logits = torch.zeros(1, n_modalities, n_classes, requires_grad=True)
    for beta in (bound - 0.01, bound + 0.01):
        loss = multiplicative_loss(
            logits.log_softmax(2), torch.tensor([0]), form="m3er", beta=beta, detach_weights=False
        )
        (gradient,) = torch.autograd.grad(loss.sum(), logits)
        pushes_down = bool(gradient[0, 0, 0] > 0)
        assert pushes_down == starts_wrong_way(n_modalities, n_classes, beta)


def test_fusion_loss_adds_the_loss_of_the_modalities_to_that_of_the_fused_prediction():
    unimodal, target = sample()
    fused = unimodal.mean(dim=1)
    output = fused, unimodal.masked_fill(torch.eye(20, 3).bool()[:, :, None], torch.nan)
    loss = FusionLoss("liu", 0.7, margin=0.1, aux_weight=0.4)(output, target)
    other = multiplicative_loss(
        unimodal.float().log_softmax(2),
        target,
        form="liu",
        beta=0.7,
        margin=0.1,
        present=~torch.eye(20, 3).bool(),
    )
    ce = torch.nn.functional.cross_entropy(fused.float(), target, reduction="none")
    torch.testing.assert_close(loss, ce + 0.4 * other)
    (gradient,) = torch.autograd.grad(loss.sum(), unimodal)
    assert torch.isfinite(gradient).all()


def test_certain_predictions_keep_loss_and_gradient_finite():
    logits = torch.tensor([[[80.0, 0.0], [-80.0, 0.0]]], requires_grad=True)
    settings = [(form, detach) for form in ("liu", "m3er") for detach in (True, False)]
    for form, detach in settings:
        loss = multiplicative_loss(
            logits.log_softmax(2),
            torch.tensor([0]),
            form=form,
            beta=1.0,
            detach_weights=detach,
        )
        (gradient,) = torch.autograd.grad(loss.sum(), logits)
        assert torch.isfinite(loss).all() and torch.isfinite(gradient).all()


@pytest.mark.parametrize("detach_weights", [True, False])
def test_a_class_that_is_ruled_out_is_no_nan(detach_weights):
    log_proba = torch.tensor([[[1.0, 0.0], [0.5, 0.5]]]).log()
    settings = {"form": "m3er", "beta": 1.0, "detach_weights": detach_weights}
    loss = multiplicative_loss(log_proba, torch.tensor([1]), **settings)
    assert float(loss) == pytest.approx(0.5 * math.log(2))
    spared = multiplicative_loss(log_proba, torch.tensor([0]), margin=0.0)
    assert float(spared) == 0.0


def test_an_unknown_form_names_the_known_ones():
    with pytest.raises(ValueError, match="form='sum' is unknown; choose one of liu, m3er"):
        multiplicative_loss(torch.zeros(1, 2, 2), torch.tensor([0]), form="sum")
    with pytest.raises(ValueError, match="reduction='sum' is unknown; choose one of none, mean"):
        multiplicative_loss(torch.zeros(1, 2, 2), torch.tensor([0]), reduction="sum")


def test_the_literal_loss_unlearns_and_the_detached_ones_learn_like_cross_entropy():
    def uar(form, beta, detach):
        sizes = {"n_train": 300, "n_epochs": 25}
        return sum(learned_uar(form, beta, detach, seed, **sizes) for seed in range(2)) / 2

    entropy = uar("liu", 0.0, True)
    assert entropy > 0.85
    assert uar("liu", 0.5, True) == pytest.approx(entropy, abs=0.03)
    assert uar("m3er", 0.5, True) == pytest.approx(entropy, abs=0.03)
    assert uar("m3er", 2.0, True) == pytest.approx(entropy, abs=0.1)
    literal = [uar("m3er", beta, False) for beta in (0.5, 1.0, 2.0)]
    assert entropy > literal[0] > literal[1] > literal[2]
    assert literal[2] < 0.25
