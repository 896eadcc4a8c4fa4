"""Multiplicative fusion losses over the predictions of several modalities.

Liu et al. 2018, "Learn to combine modalities in multimodal deep learning", and its modified form in
Mittal et al. 2020 (M3ER), equation 3. Everything is computed from log-probabilities. With mixtures
of modalities (Liu et al., section 3.3) each candidate counts as a modality.
"""

import math
from typing import Any

import torch
from torch import Tensor, nn

from emoest.nets.losses.criteria import CrossEntropy
from emoest.utils.messages import listed

FORMS = ("liu", "m3er")
REDUCTIONS = ("none", "mean")


def multiplicative_loss(
    log_proba: Tensor,
    target: Tensor,
    *,
    form: str = "liu",
    beta: float = 0.5,
    detach_weights: bool = True,
    margin: float | None = None,
    present: Tensor | None = None,
    class_weight: Tensor | None = None,
    reduction: str = "none",
) -> Tensor:
    """Weighted sum of the cross-entropies of the modalities.

    With p_i the probability that modality i gives the true class, M the number of modalities that
    a sample has and a = beta / (M - 1), the weight of its cross-entropy is
    ``prod_{j != i} (1 - p_j) ** a`` (``"liu"``: weak where another is right already) or
    ``p_i ** a`` (``"m3er"``: strong where it is right itself). With one modality it is 1.

    Parameters
    ----------
    log_proba : Tensor of shape (n_samples, n_modalities, n_classes)
        Log-probabilities of each modality; that of a class that is ruled out may be infinite.
    target : Tensor of int, shape (n_samples,)
        The true classes.
    form : {"liu", "m3er"}, default="liu"
        Which weights.
    beta : float, default=0.5
        Their strength; 0 gives the plain sum of cross-entropies.
    detach_weights : bool, default=True
        Whether the gradient passes by the weights. False is the literal form: for ``"m3er"`` its
        gradient then changes sign at ``p = exp(-(M - 1) / beta)``, below which the true class is
        pushed further down.
    margin : float, default=None
        Boosted form of Liu et al., section 3.2: a sample whose true class has a loss that is lower
        by more than this than that of every other class costs nothing. None never spares one.
    present : Tensor of bool, shape (n_samples, n_modalities), default=None
        Which modalities each sample has; the others are left out of sums and products, and their
        `log_proba` may be NaN. A sample without any costs nothing. None means all.
    class_weight : Tensor of shape (n_classes,), default=None
        Factor of each true class.
    reduction : {"none", "mean"}, default="none"
        One value a sample, or their mean, weighted by `class_weight`, over the samples that have a
        modality.

    Returns
    -------
    loss : Tensor of shape (n_samples,) or ()

    Raises
    ------
    ValueError
        If `form` or `reduction` is unknown.

    Examples
    --------
    >>> proba = torch.tensor([[[0.8, 0.2], [0.5, 0.5]]])
    >>> target = torch.tensor([0])
    >>> [round(float(v), 4) for v in -proba[0, :, 0].log()]
    [0.2231, 0.6931]
    >>> round(float(multiplicative_loss(proba.log(), target, beta=1.0)), 4)
    0.2502
    """
    for option, value, known in (("form", form, FORMS), ("reduction", reduction, REDUCTIONS)):
        if value not in known:
            raise ValueError(f"{option}={value!r} is unknown; choose one of {listed(known)}.")
    if present is None:
        present = torch.ones(log_proba.shape[:2], dtype=torch.bool, device=log_proba.device)
    # Absent modalities may be NaN, whose gradient no mask behind it would stop; with p = 1/2 both
    # log p and log (1 - p) are finite.
    log_proba = log_proba.masked_fill(~present[:, :, None], -math.log(2.0))
    # Minus infinity times a weight of 0 would be NaN.
    log_proba = log_proba.clamp_min(torch.finfo(log_proba.dtype).min)
    index = target[:, None, None].expand(-1, log_proba.shape[1], 1)
    settings: dict[str, Any] = {"form": form, "beta": beta, "detach_weights": detach_weights}
    loss = _class_losses(log_proba.gather(2, index), present, **settings).squeeze(1)
    if margin is not None:
        with torch.no_grad():
            of_classes = _class_losses(log_proba, present, **settings)
            others = of_classes.scatter(1, target[:, None], torch.inf).amin(dim=1)
            learns = loss + margin >= others
        loss = loss * learns
    weight = present.any(dim=1).to(loss.dtype)
    if class_weight is not None:
        weight = weight * class_weight.to(loss.dtype)[target]
    loss = loss * weight
    return loss if reduction == "none" else loss.sum() / weight.sum().clamp_min(1e-12)


def _class_losses(
    log_p: Tensor, present: Tensor, *, form: str, beta: float, detach_weights: bool
) -> Tensor:
    """Loss of each class, summed over modalities, shape (n_samples, n_classes)."""
    here = present[:, :, None].to(log_p.dtype)
    n_modalities = present.sum(dim=1)[:, None, None]
    exponent = beta * (n_modalities > 1) / (n_modalities - 1).clamp_min(1)
    if form == "m3er":
        log_weights = log_p
    else:
        # At p = 1 the logarithm of 1 - p would be infinite.
        doubt = torch.log(-torch.expm1(log_p.clamp(max=-torch.finfo(log_p.dtype).eps))) * here
        log_weights = doubt.sum(dim=1, keepdim=True) - doubt
    weights = (exponent * log_weights).exp()
    if detach_weights:
        weights = weights.detach()
    return -(weights * log_p * here).sum(dim=1)


def starts_wrong_way(n_modalities: int, n_classes: int, beta: float) -> bool:
    """Check whether M3ER's loss with gradient through its weights begins by unlearning.

    Equal probabilities 1 / K lie below the turning point ``exp(-(M - 1) / beta)`` when
    ``beta >= (M - 1) / ln K``. One modality has no weight, so nothing turns.

    Parameters
    ----------
    n_modalities : int
        M, or the number of candidates.
    n_classes : int
        K.
    beta : float
        Strength of the weights.

    Returns
    -------
    wrong_way : bool

    Examples
    --------
    >>> starts_wrong_way(3, 4, beta=1.4), starts_wrong_way(3, 4, beta=1.5)
    (False, True)
    """
    return 1 < n_modalities <= 1 + beta * math.log(n_classes)


class FusionLoss(nn.Module):
    """Cross-entropy of a fused prediction and a multiplicative loss of those of the modalities.

    Parameters
    ----------
    form, beta, detach_weights, margin
        As in `multiplicative_loss`.
    aux_weight : float, default=1.0
        Factor of the multiplicative loss.

    Examples
    --------
    >>> unimodal = torch.tensor([[[0.0, 0.0], [torch.nan, torch.nan]]])
    >>> FusionLoss(beta=0.0)((torch.zeros(1, 2), unimodal), torch.tensor([0]))
    tensor([1.3863])
    """

    def __init__(
        self,
        form: str = "m3er",
        beta: float = 0.5,
        *,
        detach_weights: bool = True,
        margin: float | None = None,
        aux_weight: float = 1.0,
    ) -> None:
        super().__init__()
        self.settings: dict[str, Any] = {
            "form": form,
            "beta": beta,
            "detach_weights": detach_weights,
            "margin": margin,
        }
        self.aux_weight = aux_weight
        self.fused = CrossEntropy()

    def forward(self, output: tuple[Tensor, Tensor], target: Tensor) -> Tensor:
        """Compare with class numbers, one value a sample.

        Parameters
        ----------
        output : pair of Tensor
            Logits of shape (n_samples, n_classes), and logits of each modality of shape
            (n_samples, n_modalities, n_classes), NaN where a sample lacks it.
        target : Tensor of int, shape (n_samples,)
            The true classes.

        Returns
        -------
        loss : Tensor of shape (n_samples,)
        """
        logits = output[1].float()
        present = ~logits.isnan().any(dim=2)
        log_proba = logits.masked_fill(~present[:, :, None], 0.0).log_softmax(dim=2)
        other = multiplicative_loss(log_proba, target, present=present, **self.settings)
        loss: Tensor = self.fused(output, target) + self.aux_weight * other
        return loss
