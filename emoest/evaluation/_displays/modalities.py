"""What each subset of modalities reaches."""

from typing import Any

import numpy as np
import pandas as pd

from emoest.evaluation._modalities import ablation_table
from emoest.utils.messages import listed
from emoest.utils.optional import import_optional
from emoest.utils.plots import BLUE, COLUMN, GRAY, SMALL, finish, short_name


class ModalityAblationDisplay:
    """Score of each subset of modalities; filled points say which modalities it holds.

    Parameters
    ----------
    table : DataFrame
        Of `ablation_table`.

    Attributes
    ----------
    ax_, figure_ : matplotlib Axes and Figure
        What was drawn on, after `plot`.

    Examples
    --------
    >>> table = pd.DataFrame(
    ...     {"n_modalities": [1, 1, 2], "uar": [0.5, 0.6, 0.7], "low": 0.4, "high": 0.8},
    ...     index=["audio", "face", "audio+face"],
    ... )
    >>> ModalityAblationDisplay(table).plot().ax_.get_xlabel()
    'UAR'
    """

    def __init__(self, table: pd.DataFrame) -> None:
        self.table = table

    def plot(self, *, ax: Any = None) -> "ModalityAblationDisplay":
        """Draw one line a subset, the best on top; the dashed line is all modalities together.

        A title says so.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure of one column's width.

        Returns
        -------
        display : ModalityAblationDisplay

        Raises
        ------
        ValueError
            If the table is none of `ablation_table`, or empty.
        """
        score = self._score()
        alone = self.table.index[self.table["n_modalities"] == 1].tolist()
        rows = self.table.sort_values(score, ascending=False, kind="stable")
        if ax is None:
            plt = import_optional("matplotlib.pyplot", extra="plot", purpose="A display")
            size = (COLUMN, 0.9 + 0.22 * len(rows))
            ax = plt.subplots(figsize=size, layout="constrained")[1]
        places = np.arange(len(rows))
        ax.hlines(places, rows["low"], rows["high"], color=BLUE, linewidth=2)
        ax.plot(rows[score], places, "o", color=BLUE, markersize=4)
        ax.axvline(self.table[score].iloc[-1], color=GRAY, linestyle="--", linewidth=1)
        ax.set_yticks([])
        ax.grid(axis="x", color="#E5E7EB")
        ax.set_axisbelow(True)
        ax.spines[["top", "right", "left"]].set_visible(False)
        self._draw_members(ax, alone, rows.index.tolist())
        title = "dashed: all modalities"
        return finish(self, ax, xlabel=score.upper(), ylim=(len(rows) - 0.5, -0.5), title=title)

    def _score(self) -> str:
        """Find the score of the table, or say what it lacks."""
        found = next((name for name in ("uar", "ccc") if name in self.table), "uar or ccc")
        absent = [name for name in ("n_modalities", found, "low", "high") if name not in self.table]
        if absent or not len(self.table):
            raise ValueError(
                "The table is none of ablation_table: it has "
                f"{f'no column {listed(absent)}' if absent else 'no row'}, but the columns "
                f"{listed(self.table.columns) or 'of an empty one'}."
            )
        return found

    def _draw_members(self, ax: Any, alone: list[str], subsets: list[str]) -> None:
        """Draw, left of the scores, which modalities each subset holds."""
        width = min(0.5, 0.11 * len(alone))
        members = ax.inset_axes((-width - 0.02, 0, width, 1), sharey=ax)
        held = np.array([[name in subset.split("+") for name in alone] for subset in subsets])
        for j in range(len(alone)):
            for filled in (False, True):
                places = np.nonzero(held[:, j] == filled)[0]
                color = BLUE if filled else "#D1D5DB"
                members.plot(np.full(len(places), j), places, "o", color=color, markersize=5)
        names = [short_name(name, 12, 1) for name in alone]
        members.set_xticks(
            range(len(alone)), names, rotation=45, ha="right", rotation_mode="anchor"
        )
        members.tick_params(axis="x", length=0, labelsize=SMALL)
        members.tick_params(axis="y", left=False, labelleft=False)
        members.set_xlim(-0.5, len(alone) - 0.5)
        members.spines[:].set_visible(False)

    @classmethod
    def from_estimator(
        cls, estimator: Any, X: Any, y: Any, *, ax: Any = None, **options: Any
    ) -> "ModalityAblationDisplay":
        """Evaluate an estimator on every subset of modalities, and draw the scores.

        Parameters
        ----------
        estimator : estimator
            Never fitted itself; a clone is, for each subset and fold.
        X : DataFrame or array-like of shape (n_samples, n_columns)
            The samples.
        y : array-like of shape (n_samples,)
            Classes or continuous targets.
        ax : matplotlib Axes, default=None
            Where to draw.
        **options : object
            As in `ablation_table`: ``groups=``, ``cv=``, ``absent=`` and the others.

        Returns
        -------
        display : ModalityAblationDisplay
        """
        return cls(ablation_table(estimator, X, y, **options)).plot(ax=ax)
