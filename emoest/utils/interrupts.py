"""Interrupts from the keyboard: what ends one fit, and what ends all that the fit is a part of."""

import sys
from types import FrameType

_MANY_FITS = (
    "sklearn.model_selection",
    "sklearn.ensemble",
    "sklearn.calibration",
    "emoest.evaluation",
    "emoest.tuning",
    "emoest.fusion",
    "emoest.multioutput",
)


def is_one_of_many_fits() -> bool:
    """Check whether the running fit was called by something that fits several models.

    Inside an evaluation, a search or an ensemble a model that was stopped halfway would count as
    trained, and the others would still be fitted. Only the calls themselves say so: estimators do
    not know who fits them, and workers have a call stack of their own.

    Examples
    --------
    >>> is_one_of_many_fits()
    False
    """
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if frame.f_globals.get("__name__", "").startswith(_MANY_FITS):
            return True
        frame = frame.f_back
    return False
