"""How often a model is right, over how sure it is."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from emoest.evaluation._inputs.aligned import check_aligned
from emoest.evaluation._uncertainty.calibration import (
    expected_calibration_error,
    reliability_table,
)
from emoest.utils.plots import BLUE, COLUMN, GRAY, column_axes, finish


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
        ax = column_axes(ax, COLUMN)
        ax.plot([0, 1], [0, 1], color=GRAY, linestyle="--", linewidth=1, label="calibrated")
        share = self.table["n"] / self.table["n"].sum()
        x, y = self.table["confidence"], self.table["accuracy"]
        ax.plot(x, y, color=BLUE, linewidth=1)
        ax.scatter(x, y, s=15 + 300 * share, color=BLUE, alpha=0.75, clip_on=False, zorder=3)
        ax.legend(loc="upper left", frameon=False)
        return finish(
            self,
            ax,
            xlim=(0, 1),
            ylim=(0, 1),
            aspect="equal",
            xlabel="largest probability",
            ylabel="fraction that is right",
            title=f"ECE {100 * self.error:.1f} %, {int(self.table['n'].sum())} samples",
        )

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
        check_aligned({"X": X, "y": y})
        proba = np.asarray(estimator.predict_proba(X))
        return cls.from_predictions(y, proba, classes=estimator.classes_, n_bins=n_bins, ax=ax)
