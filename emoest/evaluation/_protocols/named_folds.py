"""Folds by name: those of a context column, and leave-one-speaker-out."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.model_selection import LeaveOneGroupOut

from emoest.tables.groups import Split
from emoest.tables.names import is_context, tokens
from emoest.utils.messages import listed

LOSO = "loso"
_TEST = frozenset({"test", "testing", "tst"})
_DEVELOPMENT = frozenset({"dev", "devel", "development", "val", "valid", "validation"})
_TRAIN = frozenset({"train", "training", "trn"})
_PARTS = _TEST | _DEVELOPMENT | _TRAIN


class ColumnFolds:
    """The folds that a column names.

    Parameters
    ----------
    name : str
        Of the column.
    values : ndarray of shape (n_samples,)
        The fold in which each sample is tested; a sample without one (missing, or -1) is only
        trained on. Words for parts (train, dev, test) make one fold: what is called test is tested,
        or dev where nothing is, and all else is trained on.

    Examples
    --------
    >>> folds = ColumnFolds("split", np.array(["train", "dev", "test"], dtype=object))
    >>> folds
    column 'split': test (1 sample) against dev, train (2 samples)
    >>> [(train.tolist(), test.tolist()) for train, test in folds.split()]
    [([0, 1], [2])]
    """

    def __init__(self, name: str, values: npt.NDArray[Any]) -> None:
        self.name, self.values = name, values

    def split(self, X: Any = None, y: Any = None, groups: Any = None) -> Iterator[Split]:
        """Yield the training and the test positions of each fold."""
        for tested in self._tested():
            yield np.flatnonzero(~tested), np.flatnonzero(tested)

    def _tested(self) -> Iterator[npt.NDArray[np.bool_]]:
        part = self._part()
        if part is not None:
            yield np.array([_word(value) in part for value in self.values])
            return
        for name in self._names():
            yield np.array([not pd.isna(value) and value == name for value in self.values])

    def _names(self) -> list[Any]:
        found = [value for value in pd.unique(self.values) if not pd.isna(value) and value != -1]
        return sorted(found, key=lambda value: (str(type(value)), value))

    def _part(self) -> frozenset[str] | None:
        """Return the words of the part that is tested; None if the values are no parts."""
        words = {_word(name) for name in self._names()}
        unknown = [name for name in self._names() if _word(name) not in _PARTS]
        if not words or len(unknown) == len(self._names()):
            return None
        if unknown:
            known = [name for name in self._names() if name not in unknown]
            raise ValueError(
                f"Column {self.name!r} of cv holds parts ({listed(known, quoted=True)}) and "
                f"values that are no parts: {listed(unknown, quoted=True)}. Call each part train, "
                "dev or test, or leave these samples out of X."
            )
        return _TEST if words & _TEST else _DEVELOPMENT

    def __repr__(self) -> str:
        part = self._part()
        if part is None:
            return f"folds of column {self.name!r}: {listed(self._names())}"
        names = [str(name) for name in self._names()]
        tested, trained = (
            sorted(name for name in names if (_word(name) in part) is wanted)
            for wanted in (True, False)
        )
        counts = [sum(str(v) in group for v in self.values) for group in (tested, trained)]
        sizes = [f"{n} sample{'s' if n != 1 else ''}" for n in counts]
        return (
            f"column {self.name!r}: {', '.join(tested)} ({sizes[0]}) against "
            f"{', '.join(trained)} ({sizes[1]})"
        )


def named_cv(cv: Any, X: Any, groups: Any) -> Any:
    """Return the splitter that a text stands for; anything else is returned as it is.

    Examples
    --------
    >>> named_cv("loso", None, ["a", "b"])
    LeaveOneGroupOut()
    >>> named_cv("fold", pd.DataFrame({"fold": [1, 2]}), None)
    folds of column 'fold': 1, 2
    """
    if not isinstance(cv, str):
        return cv
    context = [c for c in X.columns if is_context(c)] if isinstance(X, pd.DataFrame) else []
    found = [c for c in context if c == cv] or [c for c in context if tokens(c)[-1] == cv]
    if len(found) == 1:
        return ColumnFolds(cv, X[found[0]].to_numpy(dtype=object))
    if cv.lower() != LOSO:
        raise ValueError(
            f"cv={cv!r} is neither 'loso' (leave one speaker out) nor one context column of X, "
            f"which has {listed(context, quoted=True) or 'none'}."
        )
    if groups is None:
        raise ValueError(
            "cv='loso' leaves out one group (speaker) at a time, but nothing names groups: pass "
            "groups= or group_column=."
        )
    return LeaveOneGroupOut()


def _word(value: Any) -> str:
    return value.strip().lower() if isinstance(value, str) else ""
