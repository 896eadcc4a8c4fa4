"""Pictures of an evaluation, as displays of scikit-learn; they need the extra ``plot``."""

from collections.abc import Sequence
from textwrap import wrap
from typing import Any

import numpy as np
import pandas as pd

from emoest.evaluation._uncertainty.calibration import (
    expected_calibration_error,
    reliability_table,
)
from emoest.utils.messages import printable
from emoest.utils.optional import import_optional

# Of Okabe and Ito's palette, which color-blind readers tell apart.
_BLUE, _GRAY = "#0072B2", "#6B7280"


def _axes(ax: Any, width: float, height: float) -> Any:
    if ax is not None:
        return ax
    plt = import_optional("matplotlib.pyplot", extra="plot", purpose="A display")
    return plt.subplots(figsize=(width, height), layout="constrained")[1]


class ReliabilityDisplay:
    """Reliability diagram: how often a model is right, over how sure it is.

    Parameters
    ----------
    table : DataFrame
        Of `reliability_table`.
    error : float
        The expected calibration error.

    Attributes
    ----------
    ax_, figure_ : matplotlib Axes and Figure
        What was drawn on, after `plot`.

    Examples
    --------
    >>> display = ReliabilityDisplay.from_predictions([0, 1], [[0.9, 0.1], [0.4, 0.6]])
    >>> display.ax_.get_ylabel()
    'fraction that is right'
    """

    def __init__(self, table: pd.DataFrame, error: float) -> None:
        self.table = table
        self.error = error

    def plot(self, *, ax: Any = None) -> "ReliabilityDisplay":
        """Draw the diagram; the area of a point is the number of its samples.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure of one column's width.

        Returns
        -------
        display : ReliabilityDisplay
        """
        ax = _axes(ax, 3.4, 3.4)
        ax.plot([0, 1], [0, 1], color=_GRAY, linestyle="--", linewidth=1, label="calibrated")
        share = self.table["n"] / self.table["n"].sum()
        x, y = self.table["confidence"], self.table["accuracy"]
        ax.plot(x, y, color=_BLUE, linewidth=1)
        ax.scatter(x, y, s=15 + 300 * share, color=_BLUE, alpha=0.75, clip_on=False, zorder=3)
        ax.set(
            xlim=(0, 1),
            ylim=(0, 1),
            aspect="equal",
            xlabel="largest probability",
            ylabel="fraction that is right",
            title=f"ECE {100 * self.error:.1f} %, {int(self.table['n'].sum())} samples",
        )
        ax.legend(loc="upper left", frameon=False)
        self.ax_, self.figure_ = ax, ax.figure
        return self

    @classmethod
    def from_predictions(
        cls,
        y_true: Any,
        proba: Any,
        *,
        classes: Sequence[Any] | None = None,
        n_bins: int = 10,
        ax: Any = None,
    ) -> "ReliabilityDisplay":
        """Draw the diagram of probabilities on held-out samples.

        Parameters
        ----------
        y_true, proba, classes, n_bins : object
            As in `reliability_table`.
        ax : matplotlib Axes, default=None
            Where to draw.

        Returns
        -------
        display : ReliabilityDisplay
        """
        table = reliability_table(y_true, proba, classes=classes, n_bins=n_bins)
        error = expected_calibration_error(y_true, proba, classes=classes, n_bins=n_bins)
        return cls(table, error).plot(ax=ax)

    @classmethod
    def from_estimator(
        cls, estimator: Any, X: Any, y: Any, *, n_bins: int = 10, ax: Any = None
    ) -> "ReliabilityDisplay":
        """Draw the diagram of a fitted classifier on samples that it was not trained on.

        Parameters
        ----------
        estimator : classifier
            Fitted, with `predict_proba`.
        X : DataFrame or array-like
            The samples.
        y : array-like of shape (n_samples,)
            Their classes.
        n_bins : int, default=10
            As in `reliability_table`.
        ax : matplotlib Axes, default=None
            Where to draw.

        Returns
        -------
        display : ReliabilityDisplay
        """
        proba = np.asarray(estimator.predict_proba(X))
        return cls.from_predictions(y, proba, classes=estimator.classes_, n_bins=n_bins, ax=ax)


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
        label: str = "UAR",
    ) -> None:
        self.names = names
        self.score = score
        self.low = low
        self.high = high
        self.chance = chance
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
        """
        ax = _axes(ax, 3.4, 0.8 + 0.36 * len(self.names))
        score, low, high = (np.asarray(each, float) for each in (self.score, self.low, self.high))
        places = np.arange(len(score))
        ax.hlines(places, low, high, color=_BLUE, linewidth=2)
        ax.plot(score, places, "o", color=_BLUE, markersize=5)
        if self.chance is not None:
            ax.axvline(self.chance, color=_GRAY, linestyle="--", linewidth=1)
            ax.annotate(
                "chance",
                (self.chance, 0),
                xytext=(3, -1),
                textcoords="offset points",
                color=_GRAY,
                fontsize=8,
            )
        # Long names would leave no room for the intervals in a column of a paper.
        names = ["\n".join(wrap(printable(name), 22)) or "-" for name in self.names]
        ax.set_yticks(places, names, fontsize=8)
        ax.set(xlabel=self.label, ylim=(len(score) - 0.5, -0.5))
        ax.grid(axis="x", color="#E5E7EB")
        ax.set_axisbelow(True)
        ax.spines[["top", "right", "left"]].set_visible(False)
        self.ax_, self.figure_ = ax, ax.figure
        return self

    @classmethod
    def from_table(cls, table: pd.DataFrame, *, ax: Any = None) -> "IntervalDisplay":
        """Draw the main score of each row of a table of `evaluate` or of `result.subgroups`.

        Parameters
        ----------
        table : DataFrame
            With ``uar``, ``uar_low`` and ``uar_high``, or those of CCC.
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
        return cls(names, *parts, chance=chance, label=score.upper()).plot(ax=ax)
