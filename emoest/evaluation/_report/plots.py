"""Plots of an evaluation; they need the extra ``plot``."""

from typing import Any

from emoest.evaluation._report.text import Evaluated, number
from emoest.utils.messages import printable
from emoest.utils.optional import import_optional


def _title(result: Evaluated, model: str | None, target: Any) -> str:
    """Name model and target, and the score below them."""
    row = result.folds if model is None else result.folds[result.folds["model"] == model]
    name = row["model"].iloc[0]
    key = (name, target) if len(result.protocol.targets) > 1 else name
    what = printable(name if target is None else f"{name}, {target}")
    return f"{what}\nUAR {number(result.table.loc[key, 'uar'])}"


def plot_confusion(
    result: Evaluated, *, model: str | None = None, target: Any = None, ax: Any = None
) -> Any:
    """Draw a confusion matrix: counts, with the fraction of each row as color and percent.

    Parameters
    ----------
    result : EvaluationResult
        Of `evaluate`, on classes.
    model : str, default=None
        May be left out if there is one model.
    target : object, default=None
        May be left out if there is one target.
    ax : matplotlib Axes, default=None
        Where to draw; None makes a figure of pyplot, which a notebook shows.

    Returns
    -------
    ax : matplotlib Axes
        ``ax.figure.savefig(path)`` writes it.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    ValueError
        For continuous targets, or if `model` or `target` is unknown or ambiguous.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.dummy import DummyClassifier
    >>> from emoest.evaluation import evaluate
    >>> X, y = np.zeros((8, 1)), ["sad", "happy"] * 4
    >>> groups = np.repeat([1, 2, 3, 4], 2)
    >>> result = evaluate(DummyClassifier(), X, y, groups=groups, cv=2, random_state=0)
    >>> plot_confusion(result).get_xlabel()
    'predicted'
    """
    counts = result.confusion(model, target)
    shares = result.confusion(model, target, normalize=True).to_numpy()
    if ax is None:
        side = 1.6 + 0.9 * len(counts)
        plt = import_optional("matplotlib.pyplot", extra="plot", purpose="plot_confusion")
        ax = plt.subplots(figsize=(side, side), layout="constrained")[1]
    ax.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for i, row in enumerate(counts.to_numpy()):
        for j, count in enumerate(row):
            color = "white" if shares[i, j] > 0.55 else "black"
            text = f"{count}\n{shares[i, j]:.0%}"
            ax.text(j, i, text, ha="center", va="center", color=color)
    names = [printable(name) for name in counts.index]
    ax.set_xticks(range(len(names)), names, rotation=45, ha="right")
    ax.set_yticks(range(len(names)), names)
    ax.set(xlabel="predicted", ylabel="true", title=_title(result, model, target))
    return ax
