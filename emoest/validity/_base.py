"""What the estimators of this room share: names that come out, one modality, observed rows."""

from collections.abc import Iterable
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import OneToOneFeatureMixin

from emoest.tables.names import is_context
from emoest.utils.warn import warn_user


class BlocksInBlocksOut(OneToOneFeatureMixin):
    """Names of the columns of a transformer that changes values only: context moves to the end."""

    def get_feature_names_out(self, input_features: Any = None) -> npt.NDArray[Any]:
        """Get the names of the columns that come out.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Names of the columns that went in; None takes those of ``fit``.

        Returns
        -------
        names : ndarray of str
            The same names, context columns last.
        """
        return context_last(super().get_feature_names_out(input_features))


def context_last(names: Iterable[Any]) -> npt.NDArray[Any]:
    """Move the names of context columns to the end.

    Examples
    --------
    >>> context_last(["audio__f0", "speaker", "text__w"]).tolist()
    ['audio__f0', 'text__w', 'speaker']
    """
    names = list(names)
    ordered = [name for name in names if not is_context(name)]
    return np.asarray(ordered + [name for name in names if is_context(name)], dtype=object)


def warn_if_single(estimator: Any, names: list[str], why: str) -> bool:
    """Say whether X has one modality only, and warn that it passes through.

    Parameters
    ----------
    estimator : estimator
        Who warns.
    names : list of str
        The modalities that ``fit`` was given.
    why : str
        Why one modality is not enough, as a clause.
    """
    if len(names) > 1:
        return False
    warn_user(
        f"{type(estimator).__name__} found one modality ({names}), {why}; X "
        "passes through unchanged. Name columns '<modality>__<feature>' or pass modalities=.",
    )
    return True


def all_pairs(names: Iterable[str]) -> list[tuple[str, str]]:
    """Every unordered pair of modalities, in order.

    Examples
    --------
    >>> all_pairs(["audio", "text", "face"])
    [('audio', 'text'), ('audio', 'face'), ('text', 'face')]
    """
    return list(combinations(names, 2))
