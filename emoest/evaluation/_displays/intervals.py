"""Scores with their intervals."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from emoest.evaluation._bootstrap import uar_interval
from emoest.evaluation._inputs.aligned import check_aligned
from emoest.evaluation._metrics import uar_score
from emoest.utils.plots import BLUE, GRAY, SMALL, column_axes, finish, short_name
from emoest.utils.seeds import RandomState, resolve_seed
from emoest.utils.typing import Floats


class IntervalDisplay:
    """Scores of several systems or subgroups with their intervals, one line each.

    Parameters
    ----------
    names : sequence of str
        What each score is of.
    score, low, high : array-like of shape (n_scores,)
        Scores and the ends of their intervals; NaN where there is none.
    chance : float, default=None
        Drawn as a dashed line.
    ceiling : float, default=None
        What one rater reaches against the others (`rater_ceiling`), drawn as a dotted line; a
        fraction as the scores, 0.72 and not 72.
    label : str, default="UAR"
        Of the axis.

    Attributes
    ----------
    ax_, figure_ : matplotlib Axes and Figure
        What was drawn on, after `plot`.

    Examples
    --------
    >>> display = IntervalDisplay(["SVM", "net"], [0.6, 0.7], [0.5, 0.6], [0.7, 0.8]).plot()
    >>> [tick.get_text() for tick in display.ax_.get_yticklabels()]
    ['SVM', 'net']
    """

    def __init__(
        self,
        names: Sequence[str],
        score: Any,
        low: Any,
        high: Any,
        *,
        chance: float | None = None,
        ceiling: float | None = None,
        label: str = "UAR",
    ) -> None:
        self.names = names
        self.score = score
        self.low = low
        self.high = high
        self.chance = chance
        self.ceiling = ceiling
        self.label = label

    def plot(self, *, ax: Any = None) -> "IntervalDisplay":
        """Draw one line a score, the first on top.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure of one column's width.

        Returns
        -------
        display : IntervalDisplay

        Raises
        ------
        ValueError
            If there is not one score and interval for each name, or `chance` or `ceiling` is no
            value that the score can have (from 0 to 1, of CCC from -1).
        """
        score, low, high = self._checked()
        ax = column_axes(ax, 0.7 + 0.3 * len(self.names))
        places = np.arange(len(score))
        ax.hlines(places, low, high, color=BLUE, linewidth=2)
        ax.plot(score, places, "o", color=BLUE, markersize=5)
        self._draw_lines(ax)
        # Long names would leave no room for the intervals in a column of a paper.
        ax.set_yticks(places, [short_name(name) for name in self.names])
        ax.tick_params(axis="y", length=0)
        ax.grid(axis="x", color="#E5E7EB")
        ax.set_axisbelow(True)
        ax.spines[["top", "right", "left"]].set_visible(False)
        return finish(self, ax, xlabel=self.label, ylim=(len(score) - 0.5, -0.5))

    def _checked(self) -> list[Floats]:
        parts = {"score": self.score, "low": self.low, "high": self.high}
        values = [np.atleast_1d(np.asarray(each, dtype=np.float64)) for each in parts.values()]
        sizes = [len(each) for each in values]
        if not len(self.names) or sizes != [len(self.names)] * 3:
            given = ", ".join(f"{n} of {name}" for name, n in zip(parts, sizes, strict=True))
            raise ValueError(
                f"There are {len(self.names)} names, and {given}: pass one of each for every name, "
                "one name at least."
            )
        least = -1.0 if self.label.upper() in {"CCC", "PEARSON"} else 0.0
        for name, value in (("chance", self.chance), ("ceiling", self.ceiling)):
            if value is not None and not least <= value <= 1:
                raise ValueError(
                    f"{name}={value!r} must lie between {least:g} and 1, as the scores do: a "
                    "fraction, no percent."
                )
        return values

    def _draw_lines(self, ax: Any) -> None:
        """Draw what the scores are to be read against; names stand away from each other."""
        lines = [(self.chance, "chance", "--"), (self.ceiling, "one rater", ":")]
        known = sorted((value, *rest) for value, *rest in lines if value is not None)
        sides = ["center"] if len(known) < 2 else ["right", "left"]
        for (value, name, dash), side in zip(known, sides, strict=False):
            ax.axvline(value, color=GRAY, linestyle=dash, linewidth=1)
            ax.annotate(
                name,
                (value, -0.5),
                xytext=({"right": -2, "left": 2}.get(side, 0), 2),
                textcoords="offset points",
                ha=side,
                color=GRAY,
                fontsize=SMALL,
            )

    @classmethod
    def from_predictions(
        cls,
        y_true: Any,
        predictions: Mapping[str, Any],
        *,
        groups: Any = None,
        ceiling: float | None = None,
        random_state: RandomState = None,
        ax: Any = None,
    ) -> "IntervalDisplay":
        """Draw UAR of several systems on the same samples, with intervals from resampling groups.

        Parameters
        ----------
        y_true : array-like of shape (n_samples,)
            The true classes.
        predictions : dict of str to array-like of shape (n_samples,)
            What each system predicted.
        groups : array-like of shape (n_samples,), default=None
            Who each sample is from, see `uar_interval`.
        ceiling : float, default=None
            What one rater reaches against the others, as a fraction.
        random_state : int, RandomState instance or None, default=None
            Where the resamples come from.
        ax : matplotlib Axes, default=None
            Where to draw.

        Returns
        -------
        display : IntervalDisplay

        Raises
        ------
        ValueError
            If there is no system, or as `uar_interval`.
        """
        named = {f"predictions[{name!r}]": each for name, each in predictions.items()}
        if not named:
            raise ValueError("There is no system to draw: predictions is an empty dict.")
        check_aligned({"y_true": y_true, **named, "groups": groups})
        seed = resolve_seed(random_state)
        scores = [uar_score(y_true, each) for each in predictions.values()]
        bounds = [
            uar_interval(y_true, each, groups, random_state=seed) for each in predictions.values()
        ]
        low, high = zip(*bounds, strict=True)
        chance = 1 / len(np.unique(np.asarray(y_true)))
        return cls(list(predictions), scores, low, high, chance=chance, ceiling=ceiling).plot(ax=ax)

    @classmethod
    def from_estimator(
        cls, estimators: Mapping[str, Any], X: Any, y: Any, **options: Any
    ) -> "IntervalDisplay":
        """Draw UAR of fitted classifiers on samples that they were not trained on.

        Parameters
        ----------
        estimators : dict of str to classifier
            Fitted.
        X : DataFrame or array-like
            The samples.
        y : array-like of shape (n_samples,)
            Their classes.
        **options : object
            As in `from_predictions`.

        Returns
        -------
        display : IntervalDisplay
        """
        check_aligned({"X": X, "y": y, "groups": options.get("groups")})
        predictions = {name: each.predict(X) for name, each in estimators.items()}
        return cls.from_predictions(y, predictions, **options)

    @classmethod
    def from_table(
        cls, table: pd.DataFrame, *, ceiling: float | None = None, ax: Any = None
    ) -> "IntervalDisplay":
        """Draw the main score of each row of a table of `evaluate` or of `result.subgroups`.

        Parameters
        ----------
        table : DataFrame
            With ``uar``, ``uar_low`` and ``uar_high``, or those of CCC.
        ceiling : float, default=None
            What one rater reaches against the others, as a fraction.
        ax : matplotlib Axes, default=None
            Where to draw.

        Returns
        -------
        display : IntervalDisplay

        Raises
        ------
        ValueError
            If it has neither.
        """
        score = next((name for name in ("uar", "ccc") if f"{name}_low" in table), None)
        if score is None:
            raise ValueError(f"The table has neither uar_low nor ccc_low; it has {list(table)}.")
        chance = float(table["chance"].iloc[0]) if "chance" in table else None
        names = [" / ".join(map(str, k)) if isinstance(k, tuple) else str(k) for k in table.index]
        parts = table[score], table[f"{score}_low"], table[f"{score}_high"]
        lines = {"chance": chance, "ceiling": ceiling}
        return cls(names, *parts, label=score.upper(), **lines).plot(ax=ax)
