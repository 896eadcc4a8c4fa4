"""Multiplicative fusion losses over the predictions of several modalities.

Liu et al. 2018, "Learn to combine modalities in multimodal deep learning", and its modified form in
Mittal et al. 2020 (M3ER), equation 3. Everything is computed from log-probabilities.
"""

import torch
from torch import Tensor

FORMS = ("liu", "m3er")


def multiplicative_loss(
    log_proba: Tensor,
    target: Tensor,
    *,
    form: str = "liu",
    beta: float = 0.5,
    detach_weights: bool = True,
    margin: float | None = None,
) -> Tensor:
    """Weighted sum of the cross-entropies of the modalities, one value a sample.

    With p_i the probability that modality i gives the true class and a = beta / (M - 1), the weight
    of its cross-entropy is ``prod_{j != i} (1 - p_j) ** a`` (``"liu"``: weak where another is right
    already) or ``p_i ** a`` (``"m3er"``: strong where it is right itself).

    Parameters
    ----------
    log_proba : Tensor of shape (n_samples, n_modalities, n_classes)
        Log-probabilities of each modality.
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
        Boosted form of Liu et al.: a modality whose true class wins by more than this
        log-probability over every other class costs nothing. None never spares one.

    Returns
    -------
    loss : Tensor of shape (n_samples,)

    Raises
    ------
    ValueError
        If `form` is unknown.

    Examples
    --------
    >>> proba = torch.tensor([[[0.8, 0.2], [0.5, 0.5]]])
    >>> target = torch.tensor([0])
    >>> [round(float(v), 4) for v in -proba[0, :, 0].log()]
    [0.2231, 0.6931]
    >>> round(float(multiplicative_loss(proba.log(), target, beta=1.0)), 4)
    0.2502
    """
    if form not in FORMS:
        raise ValueError(f"form={form!r} is unknown; choose one of {', '.join(FORMS)}.")
    n_modalities = log_proba.shape[1]
    index = target[:, None, None].expand(-1, n_modalities, 1)
    log_true = log_proba.gather(2, index).squeeze(2)
    exponent = beta / (n_modalities - 1) if n_modalities > 1 else 0.0
    weights = (exponent * _log_weights(log_true, form)).exp()
    if detach_weights:
        weights = weights.detach()
    if margin is not None:
        others = log_proba.scatter(2, index, -torch.inf).amax(dim=2)
        weights = weights * (log_true - others <= margin)
    return -(weights * log_true).sum(dim=1)


def _log_weights(log_true: Tensor, form: str) -> Tensor:
    if form == "m3er":
        return log_true
    doubt = torch.log1p(-log_true.exp().clamp(max=1 - 1e-7))
    return doubt.sum(dim=1, keepdim=True) - doubt
