"""What one rater reaches against the others, and a model against the same reference."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from emoest.evaluation._bootstrap import (
    GroupSums,
    bootstrap_interval,
    group_codes,
    resample_scores,
    uar_of_sums,
)
from emoest.evaluation._checks import check_bootstrap
from emoest.evaluation._inputs.aligned import check_aligned, check_group_names
from emoest.evaluation._inputs.columns import check_kind
from emoest.evaluation._metrics import (
    ccc_of_sums,
    ccc_score,
    pearson_of_sums,
    pearson_score,
    recall_per_class,
)
from emoest.evaluation._uncertainty.raters import rating_counts, rating_numbers
from emoest.utils.seeds import RandomState, resolve_seed
from emoest.utils.typing import Floats

LEAST = {"classification": 3, "regression": 2}
"""Ratings that an item needs: one, and others that it is scored against."""


def rater_ceiling(
    ratings: Any,
    *,
    task: str = "classification",
    y_pred: Any = None,
    groups: Any = None,
    n_draws: int = 100,
    n_resamples: int = 2000,
    confidence: float = 0.95,
    random_state: RandomState = None,
) -> pd.DataFrame:
    """Score one rater against the others: what a person reaches under the same scores as a model.

    In each draw one of the ratings of every item is taken out, at random, and scored against the
    label that most of the others gave (ties by a random one of them), or against their mean.

    Parameters
    ----------
    ratings : DataFrame or array-like of shape (n_items, n_raters)
        Ratings; missing where a rater did not rate an item. The order of raters may differ between
        items. Items with fewer than two ratings (three, for classes) are left out.
    task : {"classification", "regression"}, default="classification"
        Whether ratings are classes or numbers.
    y_pred : array-like of shape (n_items,), default=None
        Predictions of a model, to be scored against the same references in the same draws: those of
        the raters but one, ties by the same random one.
    groups : array-like of shape (n_items,), default=None
        Whom each item is of (the speaker): they are resampled whole. None resamples items.
    n_draws : int, default=100
        How often a rater is drawn for each item.
    n_resamples : int, default=2000
        How often items or groups are drawn with replacement for the interval.
    confidence : float, default=0.95
        Of the interval.
    random_state : int, RandomState instance or None, default=None
        Where the draws come from.

    Returns
    -------
    table : DataFrame
        One row a score (``uar`` and ``wa``; ``ccc``, ``pearson`` and ``mae``): ``mean`` and ``std``
        over the draws of raters; ``low`` and ``high``, the interval of the mean over items (or
        groups), NaN with fewer than two; the number ``n`` of items; and ``model``, the mean of the
        scores of `y_pred`, if given.

    Raises
    ------
    ValueError
        If `task` is unknown, `n_draws` or `n_resamples` is below one, no item has enough ratings,
        lengths or the order of an index differ, or a prediction or group is missing.

    Notes
    -----
    `evaluate` scores a model against the label of all raters, with ties as the user broke them.
    That reference has one rater more than the one here, so its scores are slightly higher than
    ``model`` here; compare ``model`` with ``mean``.

    Examples
    --------
    >>> ratings = [["sad", "sad", "sad"], ["glad", "glad", "glad"]] * 5
    >>> table = rater_ceiling(ratings, y_pred=["sad"] * 10, n_draws=3, random_state=0)
    >>> table["mean"].to_dict(), table["model"].to_dict()
    ({'uar': 1.0, 'wa': 1.0}, {'uar': 0.5, 'wa': 0.5})
    """
    if task not in LEAST:
        raise ValueError(f"task={task!r} must be 'classification' or 'regression'.")
    if n_draws < 1:
        raise ValueError(f"n_draws must be at least 1, got {n_draws}.")
    check_bootstrap(n_resamples, confidence)
    check_aligned({"ratings": ratings, "y_pred": y_pred, "groups": groups})
    seed = resolve_seed(random_state)
    rng = np.random.default_rng(seed)
    items: _Classes | _Numbers
    items = _Classes(ratings, y_pred) if task == "classification" else _Numbers(ratings, y_pred)
    if not len(items.kept):
        raise ValueError(
            f"No item has {LEAST[task]} ratings, so no rater can be scored against others."
        )
    drawn = [items.draw(rng) for _ in range(n_draws)]
    scores, of_model = (pd.DataFrame(list(each)) for each in zip(*drawn, strict=True))
    names = None if groups is None else check_group_names(groups)[items.kept]
    parts = _group_parts(items, group_codes(names, len(items.kept)))
    rows = {}
    for name, (part, bounds) in parts.items():
        mean = float(scores[name].mean())
        resampled = resample_scores([part], n_resamples, seed)[:, 0]
        # The score of all draws together is not quite the mean of the draws.
        low, high = bootstrap_interval(
            mean, resampled + mean - part.value(), len(part.sums), confidence, bounds
        )
        std = float(np.std(scores[name], ddof=1)) if n_draws > 1 else float("nan")
        rows[name] = {"mean": mean, "std": std, "low": low, "high": high, "n": len(items.kept)}
    table = pd.DataFrame.from_dict(rows, orient="index").astype({"n": int})
    return table if y_pred is None else table.assign(model=of_model.mean())


def _group_parts(
    items: "_Classes | _Numbers", codes: npt.NDArray[np.intp]
) -> dict[str, tuple[GroupSums, tuple[float, float]]]:
    """Add up the sums of the items of each group, for every score."""
    sums = np.zeros((int(codes.max()) + 1, items.sums.shape[1]))
    np.add.at(sums, codes, items.sums)
    return {name: (GroupSums(sums, score), ends) for name, (score, ends) in items.scores().items()}


Scores = dict[str, tuple[Callable[[Floats], Floats], tuple[float, float]]]


@dataclass
class _Classes:
    """Items with classes as ratings; `sums` adds up hits and support over the draws."""

    ratings: Any
    y_pred: Any
    kept: npt.NDArray[np.intp] = field(init=False)
    sums: Floats = field(init=False)

    def __post_init__(self) -> None:
        counts, self.values, _ = rating_counts(self.ratings)
        self.kept = np.flatnonzero(counts.sum(axis=1) >= LEAST["classification"])
        self.counts = counts[self.kept]
        self.sums = np.zeros((len(self.kept), 2 * len(self.values)))
        pred = None if self.y_pred is None else check_kind(self.y_pred, "y_pred")
        self.pred = None if pred is None else pred[self.kept]

    def draw(self, rng: np.random.Generator) -> tuple[dict[str, float], dict[str, float]]:
        """Score one rating of each item, and the model, against the others."""
        rows = np.arange(len(self.counts))
        ends = np.cumsum(self.counts, axis=1)
        place = rng.random(len(rows)) * ends[:, -1]
        one = np.argmax(ends > place[:, None], axis=1)
        others = self.counts.copy()
        others[rows, one] -= 1
        majority = np.argmax(others + rng.random(others.shape) / 2, axis=1)
        self.sums[rows, majority] += one == majority
        self.sums[rows, len(self.values) + majority] += 1
        true = self.values[majority]
        of_model = {} if self.pred is None else _class_scores(true, self.pred)
        return _class_scores(true, self.values[one]), of_model

    def scores(self) -> Scores:
        return {"uar": (uar_of_sums, (0.0, 1.0)), "wa": (_accuracy_of_sums, (0.0, 1.0))}


@dataclass
class _Numbers:
    """Items with numbers as ratings; `sums` adds up products and distances over the draws."""

    ratings: Any
    y_pred: Any
    kept: npt.NDArray[np.intp] = field(init=False)
    sums: Floats = field(init=False)

    def __post_init__(self) -> None:
        numbers = rating_numbers(self.ratings)
        self.kept = np.flatnonzero((~np.isnan(numbers)).sum(axis=1) >= LEAST["regression"])
        self.numbers = numbers[self.kept]
        # Sums of squares lose digits far from the origin.
        self.middle = float(np.nanmean(self.numbers)) if len(self.kept) else 0.0
        self.sums = np.zeros((len(self.kept), 7))
        self.pred = None
        if self.y_pred is not None:
            self.pred = np.asarray(self.y_pred, dtype=np.float64)[self.kept]

    def draw(self, rng: np.random.Generator) -> tuple[dict[str, float], dict[str, float]]:
        """Score one rating of each item, and the model, against the others."""
        known = ~np.isnan(self.numbers)
        place = np.where(known, rng.random(self.numbers.shape), -1.0).argmax(axis=1)
        one = self.numbers[np.arange(len(self.numbers)), place]
        others = (np.nansum(self.numbers, axis=1) - one) / (known.sum(axis=1) - 1)
        x, y = others - self.middle, one - self.middle
        products = [np.ones_like(x), x, y, x * x, y * y, x * y, np.abs(x - y)]
        self.sums += np.column_stack(products)
        of_model = {} if self.pred is None else _number_scores(others, self.pred)
        return _number_scores(others, one), of_model

    def scores(self) -> Scores:
        return {
            "ccc": (lambda sums: ccc_of_sums(sums[..., :6]), (-1.0, 1.0)),
            "pearson": (lambda sums: pearson_of_sums(sums[..., :6]), (-1.0, 1.0)),
            "mae": (lambda sums: sums[..., 6] / sums[..., 0], (0.0, np.inf)),
        }


def _accuracy_of_sums(sums: Floats) -> Floats:
    hits, support = np.split(sums, 2, axis=-1)
    accuracy: Floats = hits.sum(axis=-1) / support.sum(axis=-1)
    return accuracy


def _class_scores(true: Any, pred: Any) -> dict[str, float]:
    return {"uar": float(recall_per_class(true, pred).mean()), "wa": float(np.mean(true == pred))}


def _number_scores(true: Floats, pred: Floats) -> dict[str, float]:
    return {
        "ccc": ccc_score(true, pred),
        "pearson": pearson_score(true, pred),
        "mae": float(np.mean(np.abs(true - pred))),
    }
