"""Vectors in two dimensions."""

from typing import Any

import numpy as np
import pandas as pd
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE
from sklearn.preprocessing import StandardScaler

from emoest.evaluation._inputs.aligned import check_aligned
from emoest.utils.plots import COLUMN, MARKERS, PALETTE, column_axes, finish, short_name
from emoest.utils.seeds import RandomState, resolve_seed
from emoest.utils.typing import Floats

METHODS = ("pca", "tsne")


class EmbeddingMapDisplay:
    """Map of vectors: which samples an encoder puts near each other.

    Parameters
    ----------
    places : array-like of shape (n_samples, 2)
        Where each sample is drawn.
    labels : array-like of shape (n_samples,)
        What it is: classes, or speakers. Missing ones are left out.
    title : str, default=""
        Stands above.

    Attributes
    ----------
    ax_, figure_ : matplotlib Axes and Figure
        What was drawn on, after `plot`.

    Examples
    --------
    >>> X = np.random.default_rng(0).normal(size=(20, 8))
    >>> display = EmbeddingMapDisplay.from_predictions(X, ["sad", "glad"] * 10)
    >>> [text.get_text() for text in display.ax_.get_legend().get_texts()]
    ['glad', 'sad']
    """

    def __init__(self, places: Any, labels: Any, title: str = "") -> None:
        self.places = places
        self.labels = labels
        self.title = title

    def plot(self, *, ax: Any = None) -> "EmbeddingMapDisplay":
        """Draw the map; colors repeat with another marker after eight labels.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure of one column's width.

        Returns
        -------
        display : EmbeddingMapDisplay
        """
        names = pd.Series(np.asarray(self.labels, dtype=object))
        places = np.asarray(self.places, dtype=np.float64)
        ax = column_axes(ax, COLUMN)
        size = float(np.clip(6000 / max(1, len(places)), 8, 25))
        for i, name in enumerate(sorted(names.dropna().unique(), key=str)):
            rows = (names == name).to_numpy()
            ax.scatter(
                *places[rows].T,
                s=size,
                marker=MARKERS[(i + i // len(PALETTE)) % len(MARKERS)],
                color=PALETTE[i % len(PALETTE)],
                alpha=0.75,
                linewidths=0,
                label=short_name(name, 14, 1),
            )
        ax.legend(
            loc="upper center",
            bbox_to_anchor=(0.5, -0.02),
            ncols=4,
            markerscale=1.6,
            frameon=False,
            handletextpad=0.1,
            columnspacing=0.8,
        )
        ax.set_xticks([])
        ax.set_yticks([])
        return finish(self, ax, title=self.title)

    @classmethod
    def from_predictions(
        cls,
        X: Any,
        labels: Any,
        *,
        method: str = "pca",
        random_state: RandomState = None,
        ax: Any = None,
    ) -> "EmbeddingMapDisplay":
        """Draw vectors that an encoder gave.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_samples, n_dims)
            Numbers; samples with missing ones are left out. Columns are scaled to unit variance.
        labels : array-like of shape (n_samples,)
            What each sample is.
        method : {"pca", "tsne"}, default="pca"
            ``"pca"`` draws the two directions of most variance, and says how much they hold;
            ``"tsne"`` neighborhoods, where distances between groups mean nothing.
        random_state : int, RandomState instance or None, default=None
            Where t-SNE begins.
        ax : matplotlib Axes, default=None
            Where to draw.

        Returns
        -------
        display : EmbeddingMapDisplay

        Raises
        ------
        ValueError
            If `method` is unknown, lengths or the order of an index differ, or fewer than three
            samples are complete.
        """
        if method not in METHODS:
            raise ValueError(f"method={method!r} must be one of {', '.join(METHODS)}.")
        vectors = np.asarray(X, dtype=np.float64)
        names = np.asarray(labels, dtype=object)
        check_aligned({"X": X, "labels": labels})
        kept = np.isfinite(vectors).all(axis=1)
        if kept.sum() < 3:
            raise ValueError(f"{int(kept.sum())} samples have no missing number: three are needed.")
        scaled = StandardScaler().fit_transform(vectors[kept])
        places, title = _places(scaled, method, resolve_seed(random_state))
        return cls(places, names[kept], title).plot(ax=ax)

    @classmethod
    def from_estimator(
        cls, estimator: Any, X: Any, labels: Any, **options: Any
    ) -> "EmbeddingMapDisplay":
        """Draw what a fitted transformer makes of samples.

        Parameters
        ----------
        estimator : transformer
            Fitted, with vectors as output.
        X : DataFrame or array-like
            The samples.
        labels : array-like of shape (n_samples,)
            What each sample is.
        **options : object
            As in `from_predictions`.

        Returns
        -------
        display : EmbeddingMapDisplay
        """
        check_aligned({"X": X, "labels": labels})
        return cls.from_predictions(estimator.transform(X), labels, **options)


def _places(scaled: Floats, method: str, seed: int) -> tuple[Floats, str]:
    n = len(scaled)
    if method == "tsne":
        perplexity = min(30.0, (n - 1) / 3)
        tsne = TSNE(2, perplexity=perplexity, init="pca", random_state=seed)
        if scaled.shape[1] == 1:
            tsne.set_params(init="random")
        return tsne.fit_transform(scaled), f"t-SNE, perplexity {perplexity:.0f}, {n} samples"
    n_axes = min(2, *scaled.shape)
    pca = PCA(n_axes, svd_solver="full")
    places = np.zeros((n, 2))
    places[:, :n_axes] = pca.fit_transform(scaled)
    held = float(np.nansum(pca.explained_variance_ratio_))
    return places, f"PCA, {held:.0%} of the variance, {n} samples"
