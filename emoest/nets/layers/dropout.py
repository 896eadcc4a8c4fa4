"""Dropout that draws its random bits sparingly."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

_LEVELS = 65536


def dropout_factors(shape: Sequence[int], rate: float, like: Tensor) -> Tensor:
    """Draw the factors of dropout, four from each 64-bit random number.

    That is several times faster on CPUs than one draw each, which is what `torch.nn.Dropout` makes.

    Parameters
    ----------
    shape : sequence of int
        How many factors.
    rate : float in [0, 1)
        Which part is 0, rounded to 1/65536.
    like : Tensor
        Whose device and kind of number to take.

    Returns
    -------
    factors : Tensor of shape `shape`
        0, or what brings their expectation to 1. They come from torch's generator.

    Examples
    --------
    >>> sorted(set(dropout_factors((4, 100), 0.5, torch.zeros(1)).ravel().tolist()))
    [0.0, 2.0]
    """
    n_factors = torch.Size(shape).numel()
    draws = torch.empty((n_factors + 3) // 4, dtype=torch.int64, device=like.device)
    bits = draws.random_(-(2**63), None).view(torch.int16)[:n_factors].view(*shape)
    # A rate that is rounded up to 1 would divide by 0.
    dropped = min(round(rate * _LEVELS), _LEVELS - 1)
    # The bits are signed, from -32768 on.
    kept = (bits >= dropped - _LEVELS // 2).to(like.dtype)
    return kept.mul_(_LEVELS / (_LEVELS - dropped))


class Dropout(nn.Module):
    """Dropout with the factors of `dropout_factors`.

    Parameters
    ----------
    rate : float in [0, 1)
        Which part of the entries is dropped in training.

    Examples
    --------
    >>> bool((Dropout(0.5).eval()(torch.ones(3)) == 1).all())
    True
    """

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def extra_repr(self) -> str:
        """Show the rate."""
        return f"rate={self.rate}"

    def forward(self, x: Tensor) -> Tensor:
        """Drop entries of `x`, in training only."""
        return x * dropout_factors(x.shape, self.rate, x) if self.drops else x

    @property
    def drops(self) -> bool:
        """Whether anything is dropped now."""
        return self.training and self.rate > 0
