"""Histograms of validity scores against their thresholds; they need the extra ``plot``."""

from typing import Any

import numpy as np

from emoest.utils.optional import import_optional
from emoest.utils.plots import BLUE, COLUMN, GRAY, RED, column_axes, finish, short_name
from emoest.validity._base import pair_name
from emoest.validity._filter import CCAValidityFilter


class ValidityDisplay:
    """Validity scores of one pair of modalities against their threshold.

    Three histograms: the held-out scores of the training samples, the scores of the same samples
    with the second modality of another sample, which is what an inconsistent sample looks like, and
    the scores of other samples. The farther apart the first two, the more the pair can tell.

    Parameters
    ----------
    validity : CCAValidityFilter
        Fitted.
    pair : (str, str)
        One of its ``pairs_``.
    scores : array-like of shape (n_samples,), default=None
        Of other samples; NaN is left out.

    Attributes
    ----------
    ax_, figure_ : matplotlib Axes and Figure
        What was drawn on, after `plot`.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = np.repeat(rng.normal(size=(100, 1)), 4, axis=1) + 0.1 * rng.normal(size=(100, 4))
    >>> two = {"a": slice(0, 2), "b": slice(2, 4)}
    >>> validity = CCAValidityFilter(modalities=two, random_state=0)
    >>> display = ValidityDisplay.from_estimator(validity.fit(X, groups=np.arange(100) % 10))
    >>> display.ax_.get_ylabel()
    'proportion of samples'
    """

    def __init__(
        self, validity: CCAValidityFilter, pair: tuple[str, str], scores: Any = None
    ) -> None:
        self.validity = validity
        self.pair = pair
        self.scores = scores

    def plot(self, *, ax: Any = None) -> "ValidityDisplay":
        """Draw the histograms and the threshold.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure of one column's width.

        Returns
        -------
        display : ValidityDisplay
        """
        ax = column_axes(ax, 2.6)
        check = self.validity.checks_[pair_name(self.pair)]
        threshold = self.validity.thresholds_[pair_name(self.pair)]
        series = [
            ("another sample's", check.mismatched, RED),
            ("training, held out", check.scores, GRAY),
        ]
        if self.scores is not None:
            series.append(("X", np.asarray(self.scores), BLUE))
        finite = [scores[np.isfinite(scores)] for _, scores, _ in series]
        bins = np.histogram_bin_edges(np.concatenate(finite), bins=40)
        for (label, _, color), scores in zip(series, finite, strict=True):
            if len(scores) == 0:
                continue
            filled = label != "X"
            ax.hist(
                scores,
                bins=bins,
                weights=np.full(len(scores), 1 / len(scores)),
                histtype="stepfilled" if filled else "step",
                alpha=0.45 if filled else 1.0,
                linewidth=1.6,
                color=color,
                label=label,
            )
        if np.isfinite(threshold):
            ax.axvline(threshold, color="black", linestyle="--", linewidth=1.2, label="threshold")
        ax.legend(loc="upper left", frameon=False)
        first, second = (short_name(name, 12, 1) for name in self.pair)
        return finish(
            self,
            ax,
            title=f"{first} ~ {second}: AUC {check.auc:.2f}",
            xlabel=f"score ({self.validity.agreement})",
            ylabel="proportion of samples",
        )

    @classmethod
    def from_estimator(
        cls,
        validity: CCAValidityFilter,
        X: Any = None,
        *,
        pair: tuple[str, str] | None = None,
        ax: Any = None,
    ) -> "ValidityDisplay":
        """Draw the scores of a fitted filter, beside them those of other samples.

        Parameters
        ----------
        validity : CCAValidityFilter
            Fitted.
        X : DataFrame or array-like of shape (n_samples, n_columns), default=None
            Samples to be shown beside the training samples.
        pair : (str, str), default=None
            One of ``validity.pairs_``; None takes the first.
        ax : matplotlib Axes, default=None
            Where to draw.

        Returns
        -------
        display : ValidityDisplay

        Raises
        ------
        ValueError
            If the filter checks no pair, or not this one.
        """
        pairs = _checked_pairs(validity)
        pair = pairs[0] if pair is None else tuple(pair)
        if pair not in pairs:
            raise ValueError(f"pair={pair!r} is not checked; the pairs are {pairs}.")
        scores = None if X is None else np.asarray(validity.score_samples(X))[:, pairs.index(pair)]
        return cls(validity, pair, scores).plot(ax=ax)


def _checked_pairs(validity: CCAValidityFilter) -> list[tuple[str, str]]:
    pairs = list(validity.pairs_)
    if not pairs:
        raise ValueError("The filter checks no pair of modalities, so there are no scores to show.")
    return pairs


def plot_validity(validity: CCAValidityFilter, X: Any = None, *, axes: Any = None) -> Any:
    """Draw, for each pair of modalities, the scores against the threshold.

    See `ValidityDisplay`, which draws one pair.

    Parameters
    ----------
    validity : CCAValidityFilter
        Fitted.
    X : DataFrame or array-like of shape (n_samples, n_columns), default=None
        Samples to be shown beside the training samples.
    axes : sequence of matplotlib axes, default=None
        One for each pair of `validity.pairs_`; None makes a figure.

    Returns
    -------
    axes : list of matplotlib axes
        One for each pair.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    ValueError
        If the filter has no pair to show, or `axes` are not one for each.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = np.repeat(rng.normal(size=(100, 1)), 4, axis=1) + 0.1 * rng.normal(size=(100, 4))
    >>> two = {"a": slice(0, 2), "b": slice(2, 4)}
    >>> validity = CCAValidityFilter(modalities=two, random_state=0)
    >>> axes = plot_validity(validity.fit(X, groups=np.arange(100) % 10))
    >>> axes[0].get_title().partition(":")[0]
    'a ~ b'
    """
    plt = import_optional("matplotlib.pyplot", extra="plot", purpose="plot_validity")
    pairs = _checked_pairs(validity)
    if axes is None:
        _, grid = plt.subplots(
            1, len(pairs), figsize=(COLUMN * len(pairs), 2.6), squeeze=False, layout="constrained"
        )
        axes = grid[0]
    axes = list(np.ravel(axes))
    if len(axes) != len(pairs):
        raise ValueError(f"{len(axes)} axes were given for {len(pairs)} pairs: {pairs}.")
    shown = None if X is None else np.asarray(validity.score_samples(X))
    for p, (pair, ax) in enumerate(zip(pairs, axes, strict=True)):
        ValidityDisplay(validity, pair, None if shown is None else shown[:, p]).plot(ax=ax)
        if p:
            ax.get_legend().remove()
            ax.set_ylabel("")
    return axes
