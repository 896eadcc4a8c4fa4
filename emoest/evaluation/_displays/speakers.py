"""UAR of each speaker."""

from typing import Any

import numpy as np
import pandas as pd

from emoest.evaluation._bootstrap import group_codes, uar_sums
from emoest.evaluation._inputs.aligned import check_aligned, check_group_names
from emoest.evaluation._inputs.columns import check_labels
from emoest.evaluation._report.text import Evaluated
from emoest.utils.plots import BLUE, GRAY, RED, SMALL, column_axes, finish, short_name

_MOST_NAMED = 24
"""With more speakers, only the worst is named."""


class SpeakerDisplay:
    """UAR of each speaker, the worst first and named.

    Parameters
    ----------
    scores : Series
        One score a speaker, by name; NaN is left out.
    label : str, default="UAR"
        Of the axis.
    kind : str, default="speaker"
        What the groups are.

    Attributes
    ----------
    ax_, figure_ : matplotlib Axes and Figure
        What was drawn on, after `plot`.

    Examples
    --------
    >>> display = SpeakerDisplay.from_predictions(
    ...     ["sad", "glad"] * 2, ["sad", "glad", "sad", "sad"], groups=["ann", "ann", "bo", "bo"]
    ... )
    >>> display.scores.to_dict()
    {'ann': 1.0, 'bo': 0.5}
    """

    def __init__(self, scores: "pd.Series[Any]", label: str = "UAR", kind: str = "speaker") -> None:
        self.scores = scores
        self.label = label
        self.kind = kind

    def plot(self, *, ax: Any = None) -> "SpeakerDisplay":
        """Draw one point a speaker; the dashed line is their mean.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure of one column's width.

        Returns
        -------
        display : SpeakerDisplay
        """
        ax = column_axes(ax, 2.2)
        scores = self.scores.dropna().sort_values(kind="stable")
        places, mean = np.arange(len(scores)), float(scores.mean())
        ax.vlines(places, mean, scores, color=GRAY, linewidth=1)
        ax.plot(places, scores, "o", color=BLUE, markersize=4)
        ax.axhline(mean, color=GRAY, linestyle="--", linewidth=1)
        if len(scores):
            ax.plot(0, scores.iloc[0], "D", color=RED, markersize=5)
            ax.annotate(
                f"{short_name(scores.index[0], 18, 1)}: {scores.iloc[0]:.2f}",
                (0, scores.iloc[0]),
                xytext=(6, -2),
                textcoords="offset points",
                va="top",
                fontsize=SMALL,
                color=RED,
            )
        if len(scores) <= _MOST_NAMED:
            ax.set_xticks(places, [short_name(name, 12, 1) for name in scores.index], rotation=90)
        else:
            ax.set_xticks([])
        ax.spines[["top", "right"]].set_visible(False)
        ax.margins(y=0.15)
        return finish(
            self,
            ax,
            xlabel=f"{len(scores)} {self.kind}s, the worst first",
            ylabel=self.label,
            title=f"mean of {self.kind}s {mean:.3f}",
        )

    @classmethod
    def from_predictions(
        cls, y_true: Any, y_pred: Any, *, groups: Any, ax: Any = None
    ) -> "SpeakerDisplay":
        """Draw UAR of each speaker, over the classes that each has.

        Parameters
        ----------
        y_true, y_pred : array-like of shape (n_samples,)
            The true and the predicted classes.
        groups : array-like of shape (n_samples,)
            The speaker of each sample.
        ax : matplotlib Axes, default=None
            Where to draw.

        Returns
        -------
        display : SpeakerDisplay
        """
        columns = {"y_true": y_true, "y_pred": y_pred}
        true, pred = check_labels(columns, also={"groups": groups})
        names = check_group_names(groups)
        sums = uar_sums(true, pred, group_codes(names, len(names)))
        return cls(pd.Series(sums.score(sums.sums), index=np.unique(names))).plot(ax=ax)

    @classmethod
    def from_estimator(
        cls, estimator: Any, X: Any, y: Any, *, groups: Any, ax: Any = None
    ) -> "SpeakerDisplay":
        """Draw UAR of a fitted classifier on each speaker; it was trained on none of them.

        Parameters
        ----------
        estimator : classifier
            Fitted.
        X : DataFrame or array-like
            The samples.
        y : array-like of shape (n_samples,)
            Their classes.
        groups : array-like of shape (n_samples,)
            The speaker of each sample.
        ax : matplotlib Axes, default=None
            Where to draw.

        Returns
        -------
        display : SpeakerDisplay
        """
        check_aligned({"X": X, "y": y, "groups": groups})
        return cls.from_predictions(y, estimator.predict(X), groups=groups, ax=ax)

    @classmethod
    def from_result(
        cls, result: Evaluated, *, model: str | None = None, target: Any = None, ax: Any = None
    ) -> "SpeakerDisplay":
        """Draw the main score of one model of an evaluation on each speaker.

        Parameters
        ----------
        result : EvaluationResult
            Of `evaluate`, with groups.
        model : str, default=None
            May be left out if there is one model.
        target : object, default=None
            May be left out if there is one target.
        ax : matplotlib Axes, default=None
            Where to draw.

        Returns
        -------
        display : SpeakerDisplay

        Raises
        ------
        ValueError
            If there were no groups, or `model` or `target` is unknown or ambiguous.
        """
        protocol = result.protocol
        if protocol.n_groups is None:
            raise ValueError("The evaluation knew no groups, so there is no speaker to show.")
        scores = result.subgroups("group", model, target)[protocol.score]
        return cls(scores, protocol.score.upper(), protocol.group_kind).plot(ax=ax)
