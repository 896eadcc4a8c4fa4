"""Contrast of a fused representation with the signals that went into it (UniMSE)."""

import torch
from torch import Tensor
from torch.nn import functional

CONTRASTS = ("cosine", "printed")
"""How pairs are compared: by cosines over a temperature, or by dot products as printed."""


def anchored_contrast(
    anchors: Tensor,
    others: Tensor,
    present: Tensor,
    *,
    kind: str = "cosine",
    temperature: float = 0.1,
) -> Tensor:
    """Compute for each sample how badly its own other representation is told from those of others.

    ``"cosine"`` is InfoNCE: the cross-entropy of ``cos(anchor_i, other_k) / temperature`` over all
    k, where k = i is right. ``"printed"`` is the formula of the paper as we have it: dot products,
    no temperature, and a denominator in which the right pair stands twice, once by itself and once
    in the sum over the batch.

    Parameters
    ----------
    anchors : Tensor of shape (n_samples, n_units)
        The fused representation of each sample.
    others : Tensor of shape (n_samples, n_units)
        Representations of one of its signals.
    present : Tensor of bool, shape (n_samples,)
        Samples that have the signal; the others are neither right nor wrong ones.
    kind : {"cosine", "printed"}, default="cosine"
        Which of the two.
    temperature : float, default=0.1
        Divisor of the cosines.

    Returns
    -------
    losses : Tensor of shape (n_samples,)
        0 for a sample without the signal.

    References
    ----------
    G. Hu et al. (2022). UniMSE. EMNLP, section on inter-modality contrastive learning
    (reconstructed from recollection).

    Examples
    --------
    >>> vectors = torch.eye(2)
    >>> present = torch.ones(2, dtype=torch.bool)
    >>> anchored_contrast(vectors, vectors, present, temperature=1.0)
    tensor([0.3133, 0.3133])
    >>> anchored_contrast(vectors, vectors, present, kind="printed")
    tensor([0.8620, 0.8620])
    """
    anchors, others = anchors.float(), others.float()
    if kind == "cosine":
        anchors, others = functional.normalize(anchors), functional.normalize(others)
        logits = anchors @ others.T / temperature
    else:
        logits = anchors @ others.T
    right = logits.diagonal()
    logits = logits.masked_fill(~present, -torch.inf)
    if kind == "printed":
        logits = torch.cat([right[:, None], logits], dim=1)
    # Absent rows are replaced before they are subtracted, as infinity minus infinity has no slope.
    total = torch.logsumexp(logits.masked_fill(~present[:, None], 0.0), dim=1)
    return torch.where(present, total - right, 0.0)
