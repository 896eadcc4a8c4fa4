"""Histograms of validity scores against their thresholds."""

from typing import Any

import numpy as np

from emoest.utils.optional import import_optional
from emoest.validity._base import pair_name
from emoest.validity._filter import CCAValidityFilter


def plot_validity(validity: CCAValidityFilter, X: Any = None, *, axes: Any = None) -> Any:
    """Draw, for each pair of modalities, the scores against the threshold.

    Three histograms a pair: the held-out scores of the training samples, the scores of the same
    samples with the second modality of another sample, which is what an inconsistent sample looks
    like, and the scores of `X`. The farther apart the first two, the more the pair can tell.

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
    pairs = validity.pairs_
    if not pairs:
        raise ValueError("The filter checks no pair of modalities, so there are no scores to show.")
    if axes is None:
        _, grid = plt.subplots(
            1, len(pairs), figsize=(4.2 * len(pairs), 3.2), squeeze=False, layout="constrained"
        )
        axes = grid[0]
    axes = list(np.ravel(axes))
    if len(axes) != len(pairs):
        raise ValueError(f"{len(axes)} axes were given for {len(pairs)} pairs: {pairs}.")
    shown = None if X is None else np.asarray(validity.score_samples(X))
    for p, (pair, ax) in enumerate(zip(pairs, axes, strict=True)):
        _draw_pair(ax, validity, pair, None if shown is None else shown[:, p])
    axes[0].legend(loc="upper left", fontsize="small", frameon=False)
    axes[0].set_ylabel("proportion of samples")
    return axes


def _draw_pair(ax: Any, validity: CCAValidityFilter, pair: tuple[str, str], shown: Any) -> None:
    check = validity.checks_[pair_name(pair)]
    threshold = validity.thresholds_[pair_name(pair)]
    series = [
        ("another sample's", check.mismatched, "tab:red"),
        ("training, held out", check.scores, "tab:gray"),
    ]
    if shown is not None:
        series.append(("X", shown, "tab:blue"))
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
    ax.set_title(f"{pair[0]} ~ {pair[1]}: AUC {check.auc:.2f}", fontsize="medium")
    ax.set_xlabel(f"score ({validity.agreement})")
