"""Which training rows are held out for early stopping: whole groups, and every class stays."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from emoest.tables.groups import inner_splits
from emoest.utils.seeds import RandomState
from emoest.utils.warn import warn_user


@dataclass
class HeldOut:
    """Rows for training and rows for early stopping.

    Parameters
    ----------
    train : ndarray of int
        Positions of the rows to learn from.
    valid : ndarray of int or None
        Positions of the rows to stop by; None when early stopping is off.
    grouped : bool or None
        Whether groups were kept apart; None when nothing was split.
    """

    train: npt.NDArray[np.intp]
    valid: npt.NDArray[np.intp] | None
    grouped: bool | None


def hold_out(
    y: npt.NDArray[Any],
    groups: npt.NDArray[Any] | None,
    fraction: float | None,
    *,
    classifier: bool,
    random_state: RandomState,
) -> HeldOut:
    """Hold out about a fraction of the rows, by group where there are groups.

    Parameters
    ----------
    y : ndarray of shape (n_samples,)
        The target.
    groups : ndarray of shape (n_samples,) or None
        The groups.
    fraction : float or None
        How much; None holds out nothing. With few groups it is at least one whole group.
    classifier : bool
        Whether to stratify by `y`.
    random_state : int, RandomState instance or None
        Draws the rows.

    Returns
    -------
    held_out : HeldOut

    Warns
    -----
    UserWarning
        If no part can be held out without losing a class, or there is only one group.

    Examples
    --------
    >>> y, groups = np.array([0, 1] * 10), np.repeat(range(5), 4)
    >>> held_out = hold_out(y, groups, 0.2, classifier=True, random_state=0)
    >>> len(held_out.train), len(set(groups[held_out.valid])), held_out.grouped
    (16, 1, True)
    """
    everything = np.arange(len(y))
    if fraction is None:
        return HeldOut(everything, None, None)
    # Of 1 / fraction folds the first holds about that fraction.
    splits, grouped = inner_splits(
        np.zeros((len(y), 1)),
        y,
        groups=groups,
        cv=max(2, round(1 / fraction)),
        classifier=classifier,
        random_state=random_state,
    )
    if not splits:
        known = "no groups" if groups is None else f"{len(np.unique(groups))} group(s)"
        warn_user(
            "Early stopping is off: no rows can be held out with every class left to learn from "
            f"({len(y)} rows, {known}). Training runs for max_epochs. validation_fraction=None "
            "says so without this warning."
        )
        return HeldOut(everything, None, None)
    train, valid = splits[0]
    return HeldOut(train, valid, grouped)
