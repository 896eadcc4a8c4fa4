"""Label sets that hold the true class with a stated probability, for new speakers."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.exceptions import NotFittedError

from emoest.evaluation._inputs.aligned import check_aligned, check_group_names
from emoest.evaluation._inputs.columns import check_kind, is_text
from emoest.evaluation._uncertainty.probabilities import by_class, check_probabilities, check_rows
from emoest.utils.messages import listed
from emoest.utils.typing import Array, Floats, Mask
from emoest.utils.warn import warn_user


class ConformalSets:
    """Sets of labels by split conformal prediction, calibrated over speakers.

    With `groups`, each speaker of the calibration part counts the same, so that coverage is that
    of new speakers on average and not that of samples of speakers who say much.

    Parameters
    ----------
    coverage : float, default=0.9
        The probability with which a set is to hold the true class.
    guarantee : bool, default=False
        Whether a new speaker counts as one more, all of whose samples are missed. Coverage then is
        at least as stated however few speakers there are, and mostly above; nine are needed for
        90 %. Without it, coverage is near what is stated, and may fall short with few speakers.

    Attributes
    ----------
    threshold_ : float
        A class is in the set if its probability is at least one minus this.
    classes_ : ndarray of shape (n_classes,)
        The classes, in the order of the columns.
    n_groups_ : int
        Number of speakers (samples, where none are named) of the calibration part.

    References
    ----------
    V. Vovk, A. Gammerman, G. Shafer (2005). Algorithmic Learning in a Random World.
    R. Dunn, L. Wasserman, A. Ramdas (2023). Distribution-Free Prediction Sets for Two-Layer
    Hierarchical Models. JASA 118 (the pooled distribution, in which each group weighs the same).

    Examples
    --------
    >>> proba = np.array([[0.9, 0.1], [0.6, 0.4], [0.3, 0.7], [0.45, 0.55]] * 5)
    >>> sets = ConformalSets(coverage=0.8).fit([0, 0, 1, 0] * 5, proba)
    >>> sets.predict([[0.52, 0.48], [0.99, 0.01]]).to_numpy().tolist()
    [[True, True], [True, False]]
    """

    def __init__(self, coverage: float = 0.9, *, guarantee: bool = False) -> None:
        self.coverage = coverage
        self.guarantee = guarantee

    def fit(
        self, y_true: Any, proba: Any, groups: Any = None, *, classes: Sequence[Any] | None = None
    ) -> "ConformalSets":
        """Find the threshold on samples that the model was not trained on.

        Parameters
        ----------
        y_true : array-like of shape (n_samples,)
            The true classes.
        proba : array-like of shape (n_samples, n_classes)
            Probabilities of them.
        groups : array-like of shape (n_samples,), default=None
            Who each sample is from.
        classes : sequence, default=None
            The class of each column, as in `reliability_table`.

        Returns
        -------
        self : ConformalSets

        Raises
        ------
        ValueError
            If `coverage` is not between 0 and 1 or a group is missing, or as `reliability_table`.

        Warns
        -----
        UserWarning
            If there are too few speakers (samples) for the coverage, so that sets hold every class.
        """
        if not 0 < self.coverage < 1:
            raise ValueError(f"coverage={self.coverage!r} must lie between 0 and 1.")
        codes, values, self.classes_ = check_probabilities(y_true, proba, classes, groups)
        missed = np.ones(len(codes))
        known = codes >= 0
        missed[known] = 1 - values[known, codes[known]]
        # A class that the model does not know is in no set.
        missed[~known] = np.inf
        groups = np.arange(len(codes)) if groups is None else check_group_names(groups)
        places, inverse = np.unique(groups, return_inverse=True)
        weights = 1 / np.bincount(inverse)[inverse]
        self.n_groups_ = len(places)
        total = self.n_groups_ + bool(self.guarantee)
        self.threshold_ = _quantile(missed, weights, total, self.coverage)
        if not np.isfinite(self.threshold_):
            warn_user(
                f"{self.n_groups_} speakers (samples) are too few, or too many samples are of "
                f"classes that the model does not know, for sets of {self.coverage:.0%} coverage: "
                "every set holds all classes."
            )
        return self

    def predict(self, proba: Any) -> pd.DataFrame:
        """Return the set of each sample.

        Parameters
        ----------
        proba : array-like of shape (n_samples, n_classes)
            Probabilities, columns as in `fit`. Those of a DataFrame are joined by name (``proba_``
            is left out), unless they are only numbered.

        Returns
        -------
        sets : DataFrame of bool, shape (n_samples, n_classes)
            Whether a class is in the set; sets may be empty where nothing is likely.

        Raises
        ------
        NotFittedError
            If nothing was fitted.
        ValueError
            If `proba` has other columns, a probability is missing, or rows do not sum to 1.
        """
        if not hasattr(self, "threshold_"):
            raise NotFittedError("These ConformalSets are not fitted: call fit first.")
        values = by_class(proba, self.classes_)
        check_rows(values)
        inside: Mask = 1 - values <= self.threshold_ + 1e-12
        index = proba.index if isinstance(proba, pd.DataFrame) else None
        return pd.DataFrame(inside, index=index, columns=list(self.classes_))


def _quantile(missed: Floats, weights: Floats, total: int, coverage: float) -> float:
    """Find the least score below which lies the stated fraction of the total weight."""
    order = np.argsort(missed, kind="stable")
    held = np.cumsum(weights[order]) / total
    place = int(np.searchsorted(held, coverage - 1e-12))
    return float(missed[order[place]]) if place < len(order) else float("inf")


def coverage_by_group(y_true: Any, sets: pd.DataFrame, groups: Any) -> pd.DataFrame:
    """Say how often the sets of each speaker hold the true class, and how large they are.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        The true classes.
    sets : DataFrame of bool, shape (n_samples, n_classes)
        Of `ConformalSets.predict`.
    groups : array-like of shape (n_samples,)
        Who each sample is from.

    Returns
    -------
    table : DataFrame
        One row a speaker, the least covered first: ``coverage``, ``size`` (mean number of labels)
        and ``n``.

    Raises
    ------
    ValueError
        If lengths or the order of an index differ, a label or group is missing, or `sets` is no
        table of bool whose columns are named as the labels are.

    Examples
    --------
    >>> sets = pd.DataFrame({"sad": [True, False], "glad": [True, True]})
    >>> coverage_by_group(["sad", "sad"], sets, ["s1", "s2"])["coverage"].to_dict()
    {'s2': 0.0, 's1': 1.0}
    """
    true, names = check_kind(y_true, "y_true"), check_group_names(groups)
    inside = _check_sets(sets, true)
    check_aligned({"y_true": y_true, "sets": sets, "groups": groups})
    places = {name: i for i, name in enumerate(sets.columns)}
    held = [
        bool(inside[row, places[name]]) if name in places else False
        for row, name in enumerate(true.tolist())
    ]
    table = pd.DataFrame({"group": names, "held": held, "size": inside.sum(axis=1)}).groupby(
        "group"
    )
    found = table.agg(coverage=("held", "mean"), size=("size", "mean"), n=("held", "size"))
    return found.sort_values("coverage", kind="stable")


def _check_sets(sets: Any, true: Array) -> Mask:
    if not isinstance(sets, pd.DataFrame) or not all(map(pd.api.types.is_bool_dtype, sets.dtypes)):
        raise ValueError(
            "sets must be a DataFrame of True and False, one column a class, as "
            f"ConformalSets.predict gives it; got {type(sets).__name__}."
        )
    if is_text(true) != any(isinstance(name, str) for name in sets):
        raise ValueError(
            f"No label of y_true is a column of sets: labels are {listed(np.unique(true))}, "
            f"columns {listed(sets.columns)}."
        )
    inside: Mask = sets.to_numpy(dtype=bool)
    return inside
