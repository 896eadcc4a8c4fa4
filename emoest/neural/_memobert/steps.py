"""Budgets in steps instead of epochs: an epoch is what lies between two evaluations."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from emoest.nets.batches import Batch, BucketedBatches
from emoest.neural._training.skorch_net import FrameNet


def hold_out_groups(kept: Any, target: Any, groups: Any, *, names: list[Any]) -> tuple[Any, Any]:
    """Split rows into those to learn from and those of named groups, to stop by.

    Parameters
    ----------
    kept : ndarray of int
        Rows that can be learned from.
    target, groups : ndarray of shape (n_samples,)
        Class numbers and groups of all rows; None stands for no groups.
    names : list
        The groups that are held out.

    Returns
    -------
    train, valid : ndarray of int

    Raises
    ------
    ValueError
        If no row is held out, or a class is left without a row to learn from.

    Examples
    --------
    >>> groups = np.array(["a", "b", "b"])
    >>> train, valid = hold_out_groups(np.arange(3), np.zeros(3), groups, names=["a"])
    >>> train.tolist(), valid.tolist()
    ([1, 2], [0])
    """
    known = np.full(len(target), None) if groups is None else groups
    held = np.isin(known[kept].astype(str), [str(name) for name in names])
    train, valid = kept[~held], kept[held]
    if not len(valid) or not np.isin(target[kept], target[train]).all():
        why = ", as there are no groups" if groups is None else ""
        raise ValueError(
            f"validation_groups={names!r} holds out {len(valid)} of {len(kept)} training "
            f"rows{why}; some are needed, and every class on the other side."
        )
    return train, valid


@dataclass(frozen=True)
class LinearWarmup:
    """Factor of the learning rate: from 0 up to 1 in some steps, then down to 0 at the last.

    Parameters
    ----------
    warmup_steps, max_steps : int
        When it is 1, and when it is 0 again.

    Examples
    --------
    >>> factor = LinearWarmup(2, 6)
    >>> [factor(step) for step in range(6)]
    [0.5, 1.0, 1.0, 0.75, 0.5, 0.25]
    """

    warmup_steps: int
    max_steps: int

    def __call__(self, step: int) -> float:
        if step < self.warmup_steps:
            return (step + 1) / self.warmup_steps
        return max(0.0, (self.max_steps - step) / max(1, self.max_steps - self.warmup_steps))


class StepBatches:
    """Batches of one evaluation after the other, until the budget is spent.

    Parameters
    ----------
    batches : BucketedBatches
        The batches of one pass, drawn again for each pass.
    eval_every, max_steps : int
        Steps between evaluations, and in all.

    Examples
    --------
    >>> steps = StepBatches([["a"], ["b"], ["c"]], eval_every=2, max_steps=5)
    >>> [len(list(steps)) for _ in range(3)]
    [2, 2, 1]
    """

    def __init__(self, batches: BucketedBatches | Any, eval_every: int, max_steps: int) -> None:
        self.batches = batches
        self.eval_every = eval_every
        self.left = max_steps
        self._stream = self._endless()

    def _endless(self) -> Iterator[Batch]:
        while True:
            yield from self.batches

    def __iter__(self) -> Iterator[Batch]:
        for _ in range(min(self.eval_every, self.left)):
            self.left -= 1
            yield next(self._stream)


class StepNet(FrameNet):
    """A net whose epochs are so many steps.

    Parameters
    ----------
    eval_every, max_steps : int
        See `StepBatches`.

    The others are those of `FrameNet`.
    """

    def __init__(self, *args: Any, eval_every: int = 100, max_steps: int = 1000, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.eval_every = eval_every
        self.max_steps = max_steps

    def get_iterator(self, dataset: Any, training: bool = False) -> Any:
        """Make batches, in training as many an epoch as lie between evaluations."""
        batches = super().get_iterator(dataset, training)
        return StepBatches(batches, self.eval_every, self.max_steps) if training else batches
