"""Losses of one value a sample, from a module's outputs and the target.

A deep estimator weights them by sample and class and takes the mean. Where a module gives a tuple,
the first element is what predicts, and these losses look at nothing else.
"""

from typing import Any

from torch import Tensor, nn
from torch.nn import functional


def predicting(output: Any) -> Tensor:
    """Return what predicts of a module's output, in float32: a tensor, or the first of a tuple.

    Examples
    --------
    >>> import torch
    >>> predicting((torch.ones(1), torch.zeros(1))).item()
    1.0
    """
    first: Tensor = output[0] if isinstance(output, tuple) else output
    return first.float()


class CrossEntropy(nn.Module):
    """Cross-entropy of logits.

    Parameters
    ----------
    label_smoothing : float, default=0.0
        Share of each label that is spread evenly over all classes.

    Examples
    --------
    >>> import torch
    >>> CrossEntropy()(torch.tensor([[0.0, 0.0]]), torch.tensor([1]))
    tensor([0.6931])
    """

    def __init__(self, label_smoothing: float = 0.0):
        super().__init__()
        self.label_smoothing = label_smoothing

    def forward(self, output: Any, target: Tensor) -> Tensor:
        """Compare logits of shape (n_samples, n_classes) with class numbers or proportions."""
        smoothing = self.label_smoothing
        return functional.cross_entropy(
            predicting(output), target, reduction="none", label_smoothing=smoothing
        )


class SquaredError(nn.Module):
    """Squared error of one output.

    Examples
    --------
    >>> import torch
    >>> SquaredError()(torch.tensor([[3.0]]), torch.tensor([1.0]))
    tensor([4.])
    """

    def forward(self, output: Any, target: Tensor) -> Tensor:
        """Compare outputs of shape (n_samples, 1) with values."""
        return (predicting(output)[:, 0] - target).square()


class AbsoluteError(nn.Module):
    """Absolute error of one output.

    Examples
    --------
    >>> import torch
    >>> AbsoluteError()(torch.tensor([[3.0]]), torch.tensor([1.0]))
    tensor([2.])
    """

    def forward(self, output: Any, target: Tensor) -> Tensor:
        """Compare outputs of shape (n_samples, 1) with values."""
        return (predicting(output)[:, 0] - target).abs()


class OwnLoss(nn.Module):
    """The losses that a module computes itself, where its outputs are losses.

    Examples
    --------
    >>> import torch
    >>> OwnLoss()(torch.tensor([0.5]), torch.tensor([7]))
    tensor([0.5000])
    """

    def forward(self, output: Any, target: Tensor) -> Tensor:
        """Return outputs of shape (n_samples,)."""
        return predicting(output)
