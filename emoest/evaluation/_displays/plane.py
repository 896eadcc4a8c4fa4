"""Valence and arousal in a plane."""

from typing import Any

import numpy as np
import pandas as pd

from emoest.evaluation._inputs.aligned import check_aligned
from emoest.evaluation._metrics import ccc_score
from emoest.utils.plots import COLUMN, GRAY, MARKERS, PALETTE, column_axes, finish, short_name
from emoest.utils.typing import Floats

_MOST_JOINED = 60
"""With more samples, lines from true to predicted would hide each other."""


class ValenceArousalDisplay:
    """True and predicted valence and arousal: where a model moves samples to.

    Parameters
    ----------
    y_true, y_pred : array-like of shape (n_samples, 2)
        Valence and arousal.
    labels : array-like of shape (n_samples,), default=None
        Classes: the mean of each is drawn instead of every sample, from true to predicted.
    limits : (float, float), default=None
        The ends of both scales, for example (-1, 1) or (1, 9); None takes those of the data.

    Attributes
    ----------
    ax_, figure_ : matplotlib Axes and Figure
        What was drawn on, after `plot`.

    Examples
    --------
    >>> true = [[-0.5, 0.5], [0.5, 0.5], [0.5, -0.5]]
    >>> display = ValenceArousalDisplay.from_predictions(true, true, limits=(-1, 1))
    >>> display.ax_.get_title()
    'CCC: valence 1.00, arousal 1.00'
    """

    def __init__(
        self,
        y_true: Any,
        y_pred: Any,
        labels: Any = None,
        limits: tuple[float, float] | None = None,
    ) -> None:
        self.y_true = y_true
        self.y_pred = y_pred
        self.labels = labels
        self.limits = limits

    def plot(self, *, ax: Any = None) -> "ValenceArousalDisplay":
        """Draw the plane: rings are true, filled points predicted.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure of one column's width.

        Returns
        -------
        display : ValenceArousalDisplay

        Raises
        ------
        ValueError
            If targets have not two columns, or lengths or the order of an index differ.
        """
        true, pred = _pairs(self.y_true, "y_true"), _pairs(self.y_pred, "y_pred")
        check_aligned({"y_true": self.y_true, "y_pred": self.y_pred, "labels": self.labels})
        ax = column_axes(ax, COLUMN)
        low, high = self.limits or _limits(true, pred)
        ax.axhline((low + high) / 2, color="#D1D5DB", linewidth=1, zorder=0)
        ax.axvline((low + high) / 2, color="#D1D5DB", linewidth=1, zorder=0)
        if self.labels is None:
            _draw(ax, true, pred, (GRAY, PALETTE[0]), "o", joined=len(true) <= _MOST_JOINED)
            ax.legend(
                loc="upper center",
                bbox_to_anchor=(0.5, -0.18),
                ncols=2,
                frameon=False,
                borderaxespad=0,
            )
        else:
            self._draw_classes(ax, true, pred)
        for axis in (ax.xaxis, ax.yaxis):
            axis.get_major_locator().set_params(nbins=5)
        scores = [ccc_score(true[:, i], pred[:, i]) for i in (0, 1)]
        return finish(
            self,
            ax,
            xlim=(low, high),
            ylim=(low, high),
            aspect="equal",
            xlabel="valence",
            ylabel="arousal",
            title=f"CCC: valence {scores[0]:.2f}, arousal {scores[1]:.2f}",
        )

    def _draw_classes(self, ax: Any, true: Floats, pred: Floats) -> None:
        names = np.asarray(self.labels, dtype=object)
        for i, name in enumerate(pd.unique(pd.Series(names).dropna())):
            color = PALETTE[i % len(PALETTE)]
            marker = MARKERS[i // len(PALETTE) % len(MARKERS)]
            rows = names == name
            ends = true[rows].mean(axis=0), pred[rows].mean(axis=0)
            _draw(ax, ends[0][None], ends[1][None], (color, color), marker, joined=True)
            ax.annotate(
                short_name(name, 14, 1),
                ends[0],
                xytext=(4, 4),
                textcoords="offset points",
                fontsize=7,
                color=color,
            )

    @classmethod
    def from_predictions(
        cls,
        y_true: Any,
        y_pred: Any,
        *,
        labels: Any = None,
        limits: tuple[float, float] | None = None,
        ax: Any = None,
    ) -> "ValenceArousalDisplay":
        """Draw predictions on held-out samples.

        Parameters
        ----------
        y_true, y_pred, labels, limits : object
            See the class.
        ax : matplotlib Axes, default=None
            Where to draw.

        Returns
        -------
        display : ValenceArousalDisplay
        """
        return cls(y_true, y_pred, labels, limits).plot(ax=ax)

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: Any,
        *,
        labels: Any = None,
        limits: tuple[float, float] | None = None,
        ax: Any = None,
    ) -> "ValenceArousalDisplay":
        """Draw predictions of a fitted model on samples that it was not trained on.

        Parameters
        ----------
        estimator : regressor
            Fitted on valence and arousal, for example a `MultiTarget`.
        X : DataFrame or array-like
            The samples.
        y : array-like of shape (n_samples, 2)
            Their valence and arousal.
        labels, limits : object
            See the class.
        ax : matplotlib Axes, default=None
            Where to draw.

        Returns
        -------
        display : ValenceArousalDisplay
        """
        check_aligned({"X": X, "y": y, "labels": labels})
        return cls(y, estimator.predict(X), labels, limits).plot(ax=ax)


def _pairs(values: Any, name: str) -> Floats:
    if isinstance(values, pd.DataFrame) and {"valence", "arousal"} <= set(values.columns):
        values = values[["valence", "arousal"]]
    pairs = np.asarray(values, dtype=np.float64)
    if pairs.ndim != 2 or pairs.shape[1] != 2:
        raise ValueError(
            f"{name} has the shape {pairs.shape}: two columns are needed, valence and arousal."
        )
    return pairs


def _limits(true: Floats, pred: Floats) -> tuple[float, float]:
    both = np.concatenate([true, pred])
    low, high = float(np.nanmin(both)), float(np.nanmax(both))
    room = 0.08 * (high - low or 1.0)
    return low - room, high + room


def _draw(
    ax: Any, true: Floats, pred: Floats, colors: tuple[str, str], marker: str, *, joined: bool
) -> None:
    size = 28 if joined else 10
    ring = {"facecolors": "none", "edgecolors": colors[0], "linewidths": 1, "label": "true"}
    ax.scatter(*true.T, s=size, marker=marker, **ring)
    filled = {"color": colors[1], "linewidths": 0, "label": "predicted"}
    ax.scatter(*pred.T, s=size, marker=marker, **filled)
    if joined:
        for start, end in zip(true, pred, strict=True):
            ax.plot(*np.stack([start, end]).T, color=GRAY, linewidth=0.8, zorder=0.5)
