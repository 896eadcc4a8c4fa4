"""What an estimator of one target says to a table of several."""

from typing import Any

import numpy as np


def refuse_several_targets(estimator: Any, y: Any) -> None:
    """Raise `ValueError` if `y` has several columns, and say what fits one model each.

    Examples
    --------
    >>> refuse_several_targets(None, [0, 1, 1])
    """
    shape = np.asarray(y).shape
    if len(shape) == 2 and shape[1] > 1:
        raise ValueError(
            f"{type(estimator).__name__} takes a 1d array of targets, y has shape {shape}. Several "
            "targets (valence and arousal) need one model each: "
            f"emoest.datasets.MultiTarget({type(estimator).__name__}(...))."
        )
