"""How the training of a net went."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from emoest.utils.messages import listed
from emoest.utils.optional import import_optional
from emoest.utils.plots import GRAY, PALETTE, column_axes, finish, short_name

_DASHES = ("-", "--", "-.", ":")


class TrainingHistoryDisplay:
    """Losses and scores over the epochs of a training.

    Parameters
    ----------
    history : list of dict or DataFrame
        One entry an epoch (or a step, with ``step`` in place of ``epoch``).
    keys : sequence of str, default=None
        Which entries are drawn; None takes the losses, ``train_loss`` and ``valid_loss``.

    Attributes
    ----------
    ax_, figure_ : matplotlib Axes and Figure
        What was drawn on, after `plot`.

    Examples
    --------
    >>> history = [{"epoch": 1, "train_loss": 1.2, "valid_loss": 1.3},
    ...            {"epoch": 2, "train_loss": 0.8, "valid_loss": 1.1}]
    >>> TrainingHistoryDisplay(history).plot().ax_.get_xlabel()
    'epoch'
    """

    def __init__(self, history: Any, keys: Sequence[str] | None = None) -> None:
        self.history = history
        self.keys = keys

    def plot(self, *, ax: Any = None) -> "TrainingHistoryDisplay":
        """Draw one line an entry; a diamond, on a dotted line, marks the best of a held-out one.

        The legend says so.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure of one column's width.

        Returns
        -------
        display : TrainingHistoryDisplay

        Raises
        ------
        ValueError
            If the history is empty or has none of the keys.
        """
        table = pd.DataFrame(self.history)
        known = [name for name in table if name not in {"epoch", "step", "seconds"}]
        keys = [name for name in known if "loss" in str(name)] if self.keys is None else self.keys
        absent = [name for name in keys if name not in known]
        if not len(table):
            raise ValueError(
                "The history is empty, it has nothing to draw: no epoch was trained, or another "
                "object was passed. Pass model.history_."
            )
        if absent or not keys:
            wanted = listed(absent, quoted=True) or "loss"
            raise ValueError(f"The history has no {wanted}; it has {listed(known) or 'nothing'}.")
        ax = column_axes(ax, 2.2)
        clock = next((name for name in ("epoch", "step") if name in table), None)
        x = table[clock].to_numpy() if clock else np.arange(1, len(table) + 1)
        marked = False
        for i, name in enumerate(keys):
            y = table[name].to_numpy(dtype=np.float64)
            known_y = np.isfinite(y)
            color, dash = PALETTE[i % len(PALETTE)], _DASHES[i % len(_DASHES)]
            marker = "o" if known_y.sum() == 1 else None
            label = short_name(str(name).replace("_", " "), 24, 1)
            ax.plot(x, y, dash, color=color, marker=marker, linewidth=1.4, label=label)
            if str(name).startswith("valid") and known_y.any():
                best = np.nanargmin(y) if "loss" in str(name) else np.nanargmax(y)
                ax.plot(x[best], y[best], "D", color=color, markersize=5)
                ax.axvline(x[best], color=GRAY, linestyle=":", linewidth=1)
                marked = True
        ax.legend(
            handles=_handles(ax, marked),
            loc="lower center",
            bbox_to_anchor=(0.5, 1),
            ncols=3,
            frameon=False,
            columnspacing=1,
        )
        ax.xaxis.get_major_locator().set_params(integer=True)
        ax.spines[["top", "right"]].set_visible(False)
        kinds = {"loss" if "loss" in str(name) else "score" for name in keys}
        return finish(self, ax, xlabel=clock or "epoch", ylabel=" and ".join(sorted(kinds)))

    @classmethod
    def from_estimator(
        cls, estimator: Any, *, keys: Sequence[str] | None = None, ax: Any = None
    ) -> "TrainingHistoryDisplay":
        """Draw the history of a fitted net.

        Parameters
        ----------
        estimator : estimator
            With ``history_``: every deep estimator of emoest has one after `fit`. Of a Pipeline the
            last step is taken.
        keys : sequence of str, default=None
            Which entries, for example ``["valid_uar"]``.
        ax : matplotlib Axes, default=None
            Where to draw.

        Returns
        -------
        display : TrainingHistoryDisplay

        Raises
        ------
        ValueError
            If it has no history, or none of the keys.
        """
        while hasattr(estimator, "steps"):
            estimator = estimator.steps[-1][1]
        if not hasattr(estimator, "history_"):
            raise ValueError(
                f"{type(estimator).__name__} has no history_: it is not fitted, or is no net."
            )
        return cls(estimator.history_, keys).plot(ax=ax)


def _handles(ax: Any, marked: bool) -> list[Any]:
    """Take the lines of a legend, and one for the marks of the best epochs."""
    lines = import_optional("matplotlib.lines", extra="plot", purpose="A display")
    best = lines.Line2D(
        [], [], color=GRAY, marker="D", linestyle=":", markersize=4, linewidth=1, label="best"
    )
    return [*ax.get_legend_handles_labels()[0], *([best] if marked else [])]
