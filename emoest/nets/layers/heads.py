"""Classifiers of single modalities and of mixtures of them, beside a fused one."""

from collections.abc import Sequence
from itertools import combinations

import torch
from torch import Tensor, nn


class ModalityHeads(nn.Module):
    """One linear classifier for each modality, or for each non-empty subset of modalities.

    The mixtures are those of Liu et al. 2018, section 3.3: a subset of one is the modality's own
    vector; a larger one is the mean of rectified affine maps of its members to a common width. The
    heads of single modalities come first.

    Parameters
    ----------
    dims : sequence of int
        Width of each modality's vector.
    n_outputs : int
        Classes, or 1 for a regression.
    mixtures : bool, default=False
        Whether subsets have heads too, ``2 ** n_modalities - 1`` in all.
    size : int, default=64
        Common width of a mixture.

    Examples
    --------
    >>> heads = ModalityHeads([3, 2], n_outputs=4, mixtures=True)
    >>> vectors = [torch.zeros(2, 3), torch.zeros(2, 2)]
    >>> logits = heads(vectors, torch.tensor([[True, True], [True, False]]))
    >>> logits.shape, logits[..., 0].isnan().tolist()
    (torch.Size([2, 3, 4]), [[False, False, False], [False, True, True]])
    """

    def __init__(
        self, dims: Sequence[int], n_outputs: int, *, mixtures: bool = False, size: int = 64
    ) -> None:
        super().__init__()
        members = range(len(dims))
        largest = len(dims) if mixtures else 1
        self.subsets = [s for r in range(1, largest + 1) for s in combinations(members, r)]
        self.maps = nn.ModuleList([nn.Linear(dim, size) for dim in dims] if largest > 1 else [])
        self.heads = nn.ModuleList(
            nn.Linear(dims[s[0]] if len(s) == 1 else size, n_outputs) for s in self.subsets
        )

    def forward(self, vectors: Sequence[Tensor], present: Tensor) -> Tensor:
        """Classify each subset.

        Parameters
        ----------
        vectors : sequence of Tensor of shape (n_samples, n_dims)
            One vector a modality.
        present : Tensor of bool, shape (n_samples, n_modalities)
            Which modalities each sample has.

        Returns
        -------
        logits : Tensor of shape (n_samples, n_subsets, n_outputs)
            NaN where the sample lacks a member of the subset.
        """
        mapped = [torch.relu(layer(v)) for layer, v in zip(self.maps, vectors, strict=False)]
        logits = []
        for subset, head in zip(self.subsets, self.heads, strict=True):
            single = len(subset) == 1
            inputs = vectors[subset[0]] if single else sum(mapped[i] for i in subset) / len(subset)
            lacking = ~present[:, subset].all(dim=1, keepdim=True)
            logits.append(head(inputs).masked_fill(lacking, torch.nan))
        return torch.stack(logits, dim=1)
