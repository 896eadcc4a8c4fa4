"""Which classes are taken for which."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import confusion_matrix

from emoest.evaluation._checks import in_order
from emoest.evaluation._inputs.aligned import check_aligned
from emoest.evaluation._inputs.columns import check_labels
from emoest.evaluation._report.text import Evaluated, number
from emoest.utils.messages import listed
from emoest.utils.plots import COLUMN, SMALL, column_axes, finish, short_name

_MOST_COUNTED = 5
"""With more classes, a cell of a column's width has no room for the count below the percent."""


class ConfusionDisplay:
    """Confusion matrix by recall: each row is what was predicted for one true class.

    Color and percent are the fraction of the row, so the diagonal holds the recall of each class
    whatever its size; UAR is the mean of the diagonal.

    Parameters
    ----------
    counts : DataFrame of shape (n_classes, n_classes)
        True classes in rows, predicted ones in columns, in the order that is drawn.
    title : str, default=""
        Stands above.

    Attributes
    ----------
    ax_, figure_ : matplotlib Axes and Figure
        What was drawn on, after `plot`.

    Examples
    --------
    >>> order = ["low", "medium", "high"]
    >>> display = ConfusionDisplay.from_predictions(
    ...     ["low", "high", "medium"], ["low", "high", "high"], labels=order
    ... )
    >>> [tick.get_text() for tick in display.ax_.get_xticklabels()]
    ['low', 'medium', 'high']
    """

    def __init__(self, counts: pd.DataFrame, title: str = "") -> None:
        self.counts = counts
        self.title = title

    def plot(self, *, ax: Any = None) -> "ConfusionDisplay":
        """Draw the matrix; up to five classes have their counts too.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure of one column's width.

        Returns
        -------
        display : ConfusionDisplay
        """
        ax = column_axes(ax, COLUMN, "plot_confusion")
        counts = self.counts.to_numpy()
        parts = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        ax.imshow(parts, cmap="Blues", vmin=0, vmax=1)
        few = len(counts) <= _MOST_COUNTED
        for i, row in enumerate(counts):
            for j, count in enumerate(row):
                color = "white" if parts[i, j] > 0.55 else "black"
                text = f"{count}\n{parts[i, j]:.0%}" if few else f"{100 * parts[i, j]:.0f}"
                ax.text(j, i, text, ha="center", va="center", color=color, fontsize=SMALL)
        names = [short_name(name, 14, 2) for name in self.counts.index]
        ax.set_xticks(range(len(names)), names, rotation=45, ha="right", rotation_mode="anchor")
        ax.set_yticks(range(len(names)), names)
        what = "true" if few else "true (cells: % of the row)"
        return finish(self, ax, xlabel="predicted", ylabel=what, title=self.title)

    @classmethod
    def from_predictions(
        cls, y_true: Any, y_pred: Any, *, labels: Sequence[Any] | None = None, ax: Any = None
    ) -> "ConfusionDisplay":
        """Draw the matrix of predictions on held-out samples.

        Parameters
        ----------
        y_true, y_pred : array-like of shape (n_samples,)
            The true and the predicted classes.
        labels : sequence, default=None
            The classes in their order; None takes that of ordered categories, or of names that
            have one (low, medium, high), else sorts.
        ax : matplotlib Axes, default=None
            Where to draw.

        Returns
        -------
        display : ConfusionDisplay

        Raises
        ------
        ValueError
            If a class is not among `labels`, a label is missing, or lengths or the order of an
            index differ.
        """
        if labels is None and isinstance(getattr(y_true, "dtype", None), pd.CategoricalDtype):
            labels = list(pd.Series(y_true).cat.categories)
        true, pred = check_labels({"y_true": y_true, "y_pred": y_pred})
        found = in_order(pd.Series(np.concatenate([true, pred])))
        labels = found if labels is None else list(labels)
        unknown = [name for name in found if name not in labels]
        if unknown:
            raise ValueError(
                f"labels leaves out {listed(unknown, quoted=True)}, which samples or predictions "
                "have: name every class, so that each row holds all of its samples."
            )
        counts = confusion_matrix(true, pred, labels=labels)
        recall = counts.diagonal()[counts.any(axis=1)] / counts.sum(axis=1)[counts.any(axis=1)]
        title = f"UAR {recall.mean():.3f}, {len(true)} samples"
        return cls(pd.DataFrame(counts, index=labels, columns=labels), title).plot(ax=ax)

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: Any,
        *,
        labels: Sequence[Any] | None = None,
        ax: Any = None,
    ) -> "ConfusionDisplay":
        """Draw the matrix of a fitted classifier on samples that it was not trained on.

        Parameters
        ----------
        estimator : classifier
            Fitted.
        X : DataFrame or array-like
            The samples.
        y : array-like of shape (n_samples,)
            Their classes.
        labels : sequence, default=None
            As in `from_predictions`.
        ax : matplotlib Axes, default=None
            Where to draw.

        Returns
        -------
        display : ConfusionDisplay
        """
        check_aligned({"X": X, "y": y})
        return cls.from_predictions(y, estimator.predict(X), labels=labels, ax=ax)

    @classmethod
    def from_result(
        cls, result: Evaluated, *, model: str | None = None, target: Any = None, ax: Any = None
    ) -> "ConfusionDisplay":
        """Draw the matrix of one model of an evaluation.

        Parameters
        ----------
        result : EvaluationResult
            Of `evaluate`, on classes.
        model : str, default=None
            May be left out if there is one model.
        target : object, default=None
            May be left out if there is one target.
        ax : matplotlib Axes, default=None
            Where to draw.

        Returns
        -------
        display : ConfusionDisplay

        Raises
        ------
        ValueError
            For continuous targets, or if `model` or `target` is unknown or ambiguous.
        """
        counts = result.confusion(model, target)
        return cls(counts, _title(result, model, target)).plot(ax=ax)


def _title(result: Evaluated, model: str | None, target: Any) -> str:
    """Name model and target, and the score below them."""
    row = result.folds if model is None else result.folds[result.folds["model"] == model]
    name = row["model"].iloc[0]
    key = (name, target) if len(result.protocol.targets) > 1 else name
    what = short_name(name if target is None else f"{name}, {target}", 40, 2)
    return f"{what}\nUAR {number(result.table.loc[key, 'uar'])}"


def plot_confusion(
    result: Evaluated, *, model: str | None = None, target: Any = None, ax: Any = None
) -> Any:
    """Draw the confusion matrix of an evaluation, see `ConfusionDisplay`.

    Parameters
    ----------
    result, model, target, ax : object
        As in `ConfusionDisplay.from_result`.

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
    >>> from sklearn.dummy import DummyClassifier
    >>> from emoest.evaluation import evaluate
    >>> X, y = np.zeros((8, 1)), ["sad", "happy"] * 4
    >>> groups = np.repeat([1, 2, 3, 4], 2)
    >>> result = evaluate(DummyClassifier(), X, y, groups=groups, cv=2, random_state=0)
    >>> plot_confusion(result).get_xlabel()
    'predicted'
    """
    display: Any = ConfusionDisplay.from_result(result, model=model, target=target, ax=ax)
    return display.ax_
