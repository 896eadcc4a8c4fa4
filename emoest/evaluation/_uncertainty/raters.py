"""What raters agree on, and how near probabilities are to their votes."""

from collections.abc import Sequence
from numbers import Real
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.spatial.distance import jensenshannon
from scipy.stats import entropy

from emoest.evaluation._checks import _SCALES, in_order
from emoest.evaluation._inputs.aligned import check_aligned
from emoest.evaluation._uncertainty.probabilities import by_class, column_classes
from emoest.tables.spelling import find_alike
from emoest.utils.messages import listed
from emoest.utils.typing import Floats
from emoest.utils.warn import warn_user

LEVELS = ("nominal", "ordinal", "interval")


def rating_table(ratings: pd.DataFrame, *, item: str, rater: str, rating: str) -> pd.DataFrame:
    """Turn ratings in long form, one a row, into a table of items by raters.

    Parameters
    ----------
    ratings : DataFrame
        One rating a row.
    item, rater, rating : str
        Its columns.

    Returns
    -------
    table : DataFrame of shape (n_items, n_raters)
        Missing where a rater did not rate an item.

    Raises
    ------
    ValueError
        If a column is missing, or a rater rated an item twice.

    Examples
    --------
    >>> long = pd.DataFrame({"clip": [1, 1, 2], "who": list("aba"), "said": list("xxy")})
    >>> rating_table(long, item="clip", rater="who", rating="said").shape
    (2, 2)
    """
    absent = [name for name in (item, rater, rating) if name not in ratings]
    if absent:
        raise ValueError(f"ratings has no column {absent[0]!r}; it has {list(ratings.columns)}.")
    twice = ratings.duplicated([item, rater])
    if twice.any():
        first = ratings.loc[twice].iloc[0]
        raise ValueError(
            f"{int(twice.sum())} rating(s) are of a rater who had rated the item before, the first "
            f"of item {first[item]!r} by {first[rater]!r}. Keep one of each."
        )
    return ratings.pivot(index=item, columns=rater, values=rating)


def label_distribution(ratings: Any) -> pd.DataFrame:
    """Compute which fraction of the raters gave each label.

    Parameters
    ----------
    ratings : DataFrame or array-like of shape (n_items, n_raters)
        Labels; missing where a rater did not rate an item.

    Returns
    -------
    distribution : DataFrame of shape (n_items, n_labels)
        Rows sum to 1; NaN for an item that nobody rated.

    Examples
    --------
    >>> label_distribution([["sad", "sad"], ["sad", "glad"]]).to_dict("list")
    {'glad': [0.0, 0.5], 'sad': [1.0, 0.5]}
    """
    counts, values, index = rating_counts(ratings)
    total = counts.sum(axis=1, keepdims=True)
    found = np.divide(counts, total, out=np.full_like(counts, np.nan), where=total > 0)
    return pd.DataFrame(found, index=index, columns=values.tolist())


def vote_scores(
    votes: Any, proba: Any, *, classes: Sequence[Any] | None = None
) -> dict[str, float]:
    """Score probabilities against what fraction of the raters gave each label.

    Parameters
    ----------
    votes : DataFrame or array-like of shape (n_samples, n_classes)
        Of `label_distribution`. Samples that nobody rated are left out.
    proba : DataFrame or array-like of shape (n_samples, n_classes)
        Probabilities. Two DataFrames are joined by the names of their columns (``proba_`` is left
        out); a class that one of them lacks has probability 0 there.
    classes : sequence, default=None
        The columns of `proba` where it has no names and those of `votes` are in another order.

    Returns
    -------
    scores : dict of str to float
        ``cross_entropy`` in nats, ``kl`` (the same less the entropy of the votes: 0 is best),
        ``js`` (Jensen-Shannon divergence in bits, from 0 to 1), ``distance`` (total variation, the
        mass at other labels), and ``top``, how often the most probable label is one that most
        raters gave.

    Raises
    ------
    ValueError
        If shapes or the order of an index differ, the tables have no class in common or spell one
        in two ways, rows do not sum to 1, or nobody rated anything.

    Examples
    --------
    >>> votes = label_distribution([["sad", "sad"], ["sad", "glad"]])
    >>> scores = vote_scores(votes, [[0.0, 1.0], [0.5, 0.5]])
    >>> scores["js"], scores["distance"], scores["top"]
    (0.0, 0.0, 1.0)
    """
    check_aligned({"votes": votes, "proba": proba})
    said, given = _same_columns(votes, proba, classes)
    rated = ~np.isnan(said).any(axis=1)
    if not rated.any():
        raise ValueError("There is no vote: every sample is without a rating.")
    said, given = said[rated], given[rated]
    for name, table in (("votes", said), ("proba", given)):
        if not (np.allclose(table.sum(axis=1), 1.0, atol=1e-3) and (table >= 0).all()):
            raise ValueError(f"{name} must be proportions that sum to 1 in each row.")
    # A probability of exactly 0 for a label that somebody gave would be an infinite loss.
    cross = -(said * np.log(np.maximum(given, 1e-12))).sum(axis=1)
    best = given.argmax(axis=1)
    return {
        "cross_entropy": float(cross.mean()),
        "kl": float((cross - entropy(said, axis=1)).mean()),
        "js": float((jensenshannon(said, given, axis=1, base=2) ** 2).mean()),
        "distance": float(np.abs(said - given).sum(axis=1).mean() / 2),
        "top": float(np.mean(said[np.arange(len(said)), best] >= said.max(axis=1) - 1e-9)),
    }


def _same_columns(votes: Any, proba: Any, classes: Sequence[Any] | None) -> tuple[Floats, Floats]:
    if classes is not None:
        proba = pd.DataFrame(by_class(proba, classes), columns=list(classes))
    if isinstance(votes, pd.DataFrame) and isinstance(proba, pd.DataFrame):
        unrated = votes.isna().any(axis=1).to_numpy()
        votes, proba = _joined(votes, proba)
        votes[unrated] = np.nan
    said, given = np.asarray(votes, dtype=np.float64), np.asarray(proba, dtype=np.float64)
    if said.shape != given.shape or said.ndim != 2:
        raise ValueError(f"votes and proba have the shapes {said.shape} and {given.shape}.")
    return said, given


def _joined(votes: pd.DataFrame, proba: pd.DataFrame) -> tuple[Floats, Floats]:
    """Put the columns of the same class side by side, 0 where a table lacks one."""
    # Numbers become texts in the names of columns.
    tables = [t.set_axis(list(map(str, column_classes(t))), axis=1) for t in (votes, proba)]
    for table, what in zip(tables, ("votes", "proba"), strict=True):
        if not table.columns.is_unique:
            twice = table.columns[table.columns.duplicated()]
            raise ValueError(f"{what} names {listed(twice, quoted=True)} twice.")
    mine, its = (list(table.columns) for table in tables)
    alike = find_alike([*mine, *its])
    if alike or not set(mine) & set(its):
        raise ValueError(
            f"votes has the columns {listed(votes.columns, quoted=True)}, and proba "
            f"{listed(proba.columns, quoted=True)}: give columns of one class the same name, or "
            "name those of proba by classes=."
        )
    names = list(dict.fromkeys([*mine, *its]))
    said, given = (
        np.array(table.reindex(columns=names, fill_value=0.0), dtype=np.float64) for table in tables
    )
    return said, given


def rating_counts(ratings: Any) -> tuple[Floats, npt.NDArray[Any], pd.Index]:
    """Count how many raters gave each value to each item.

    Examples
    --------
    >>> rating_counts([["sad", "sad"], ["sad", None]])[0].tolist()
    [[2.0], [1.0]]
    """
    table = ratings if isinstance(ratings, pd.DataFrame) else pd.DataFrame(ratings)
    cells = table.to_numpy(dtype=object)
    known = ~pd.isna(cells)
    if not known.any():
        raise ValueError("There is no rating: every cell is missing.")
    found = cells[known].tolist()
    values, codes = np.unique(np.array(found), return_inverse=True)
    counts = np.zeros((len(table), len(values)))
    np.add.at(counts, (np.nonzero(known)[0], codes), 1.0)
    return counts, values, table.index


def krippendorff_alpha(ratings: Any, *, level: str = "nominal") -> float:
    """Compute Krippendorff's alpha: agreement of raters beyond chance, with any gaps.

    Parameters
    ----------
    ratings : DataFrame or array-like of shape (n_items, n_raters)
        Ratings; missing (None or NaN) where a rater did not rate an item. Items with one rating
        tell nothing and are left out.
    level : {"nominal", "ordinal", "interval"}, default="nominal"
        What differs: labels; ranks, by how many ratings lie between; or numbers, by their squared
        difference. Ordinal labels stand in the order of their categories (columns of ordered
        categories), in that of names which have one (low, medium, high), else sorted.

    Returns
    -------
    alpha : float
        1 for perfect agreement, 0 for that of chance; NaN where all ratings are the same or no item
        has two.

    Raises
    ------
    ValueError
        If `level` is unknown, nothing was rated, interval ratings are no numbers, or columns have
        different ordered categories.

    Warns
    -----
    UserWarning
        If ordinal ratings are texts without a known order: they are ranked alphabetically.

    References
    ----------
    K. Krippendorff (2011). Computing Krippendorff's Alpha-Reliability. University of Pennsylvania.

    Examples
    --------
    >>> krippendorff_alpha([[1, 1], [2, 2], [1, 2], [2, 2]])
    0.533...
    """
    if level not in LEVELS:
        raise ValueError(f"level={level!r} must be one of {', '.join(LEVELS)}.")
    if level == "interval":
        return _interval_alpha(rating_numbers(ratings))
    counts, values, _ = rating_counts(ratings)
    if level == "ordinal":
        counts = counts[:, _ranked(ratings, values)]
    counts = counts[counts.sum(axis=1) > 1]
    if not len(counts):
        return float("nan")
    size = counts.sum(axis=1)
    weighted = counts / (size - 1)[:, None]
    # Pairs of values given to one item, by different raters.
    observed = weighted.T @ counts - np.diag(weighted.sum(axis=0))
    totals = counts.sum(axis=0)
    expected = (np.outer(totals, totals) - np.diag(totals)) / (totals.sum() - 1)
    distance = _distances(totals, level)
    apart = float(np.sum(expected * distance))
    return 1.0 - float(np.sum(observed * distance)) / apart if apart > 0 else float("nan")


def _ranked(ratings: Any, values: npt.NDArray[Any]) -> list[int]:
    """Return the positions of sorted values in the order of their ranks."""
    found: list[Any] = values.tolist()
    dtypes: Any = ratings.dtypes if isinstance(ratings, pd.DataFrame) else []
    scales = [kind.categories.tolist() for kind in dtypes if getattr(kind, "ordered", False)]
    if scales and (any(each != scales[0] for each in scales) or set(found) - set(scales[0])):
        raise ValueError(
            "Columns of ordinal ratings have different categories, for example "
            f"{listed(scales[0], quoted=True)} and {listed(scales[-1], quoted=True)}. Give all the "
            "same ordered ones."
        )
    ranked = scales[0] if scales else in_order(pd.Series(found))
    texts = [value.strip().lower() for value in found if isinstance(value, str)]
    if texts and not scales and not any(set(texts) <= set(scale) for scale in _SCALES):
        warn_user(
            f"Ordinal ratings are texts, ranked alphabetically: {listed(ranked, quoted=True)}. "
            "Where that is not their order, give numbers or ordered categories.",
        )
    return [found.index(value) for value in ranked if value in found]


def _distances(totals: Floats, level: str) -> Floats:
    """Squared difference of every two values."""
    if level == "nominal":
        return 1.0 - np.eye(len(totals))
    middle = np.cumsum(totals) - totals / 2
    squared: Floats = (middle[:, None] - middle) ** 2
    return squared


def rating_numbers(ratings: Any) -> Floats:
    """Return ratings as numbers, NaN where a rater did not rate an item.

    Examples
    --------
    >>> rating_numbers([[1, None]]).tolist()
    [[1.0, nan]]
    """
    table = ratings if isinstance(ratings, pd.DataFrame) else pd.DataFrame(ratings)
    cells = table.to_numpy(dtype=object)
    known = ~pd.isna(cells)
    if not known.any():
        raise ValueError("There is no rating: every cell is missing.")
    wrong = [cell for cell in cells[known] if not isinstance(cell, Real)]
    if wrong:
        raise ValueError(f"Interval ratings must be numbers, got for example {wrong[0]!r}.")
    return np.where(known, cells, np.nan).astype(np.float64)


def _interval_alpha(numbers: Floats) -> float:
    """Alpha of squared differences; sums tell it, however many values there are."""
    numbers = numbers[(~np.isnan(numbers)).sum(axis=1) > 1]
    if not len(numbers):
        return float("nan")
    # Differences do not change with the origin, digits that are lost do.
    numbers = numbers - np.nanmean(numbers)
    size = (~np.isnan(numbers)).sum(axis=1)
    sums, squares = np.nansum(numbers, axis=1), np.nansum(numbers**2, axis=1)
    within = np.sum((size * squares - sums**2) / (size - 1))
    n = size.sum()
    apart = (n * squares.sum() - sums.sum() ** 2) / (n - 1)
    spread = np.nanmax(numbers) - np.nanmin(numbers)
    return 1.0 - float(within / apart) if spread > 0 else float("nan")
