"""Proxy features: regenerate a missing modality from those that are present (M3ER)."""

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from emoest.tables.frames import FrameTable, Owners, validate_zone
from emoest.tables.groups import inner_splits, resolve_groups
from emoest.tables.vectors import Blocks
from emoest.utils import constraints
from emoest.utils._sklearn import StrOptions, fit_context, num_samples
from emoest.utils.seeds import private_generator
from emoest.utils.typing import Floats, Mask
from emoest.utils.warn import warn_user
from emoest.validity._base import BlocksInBlocksOut, warn_if_single
from emoest.validity._frame_rows import READINGS, fill, stack
from emoest.validity._frame_summaries import spread
from emoest.validity._proxy_regression import (
    GLOBAL_METHODS,
    LOCAL_METHODS,
    GlobalProxy,
    LocalProxy,
    held_out_r2,
)
from emoest.validity._whitening import center_and_scale, standardize

Pair = tuple[str, str]

_MUCH_MEMORY = 1e9


class ProxyFeatureGenerator(BlocksInBlocksOut, TransformerMixin, BaseEstimator):
    """Fill the missing modalities of a sample from those that it has.

    From every modality that is present a proxy of the missing one is generated, by the relation
    between the two in the training samples that have both; several proxies are averaged.

    Parameters
    ----------
    modalities : "auto", list of str or dict, default="auto"
        Which columns belong to which modality; see `emoest.utils.find_modalities`. With one
        modality X passes through with a warning.
    method : {"local_linear", "affine", "ridge", "ols", "mean"}, default="local_linear"
        ``"local_linear"`` writes the source vector as a ridge combination of its nearest training
        vectors and combines their partners alike; ``"affine"`` lets the coefficients sum to one;
        ``"mean"`` averages the partners; ``"ridge"`` and ``"ols"`` are one linear map for all,
        as good or better where the relation is nearly linear.
    n_neighbors : int, default=20
        For the three local methods.
    ridge : float, default=0.1
        Penalty, in units of the mean squared length of the vectors that are combined. Not used by
        ``"ols"`` and ``"mean"``.
    combine : {"mean", "weighted"}, default="mean"
        How proxies from several sources are averaged: alike, as in the paper, or by their held-out
        R2. By R2 a source that explains nothing is not used, and where none does the training mean
        is filled in.
    clip : tuple of two floats, default=None
        Quantiles of the training values, for example ``(0.001, 0.999)``, to which proxies are
        clipped.
    when : {"always", "predict"}, default="always"
        ``"predict"``, the paper's way, leaves what is missing in the training samples
        (``fit_transform``) and fills at prediction (``transform``) only.
    cv : int, splitter or iterable, default=5
        How samples are held out for `r2_`, by group where there are groups.
    max_reference : int, default=20000
        From more training samples (frames, where these are read) a random part is kept.
    reading : {"auto", "mean", "flatten", "frames"}, default="auto"
        How a table of frames is read. ``"frames"``: each step by itself, so that a proxy of a step
        comes from the same step of the sources, for tables on one clock. ``"mean"``: from the mean
        over a source's frames comes the mean of the target, which every frame of the proxy holds.
        ``"flatten"``: from all frames of a source, side by side, come all frames of the target,
        for modalities that are equally long in all samples. ``"auto"``: ``"frames"`` where all
        training samples are on one clock, else ``"mean"``. Not used for numbers.
    group_column : str, default=None
        Context column that names the groups; see `emoest.utils.resolve_groups`.
    n_jobs : int, default=None
        For the neighbor search.
    random_state : int, RandomState instance or None, default=None
        Shuffles the splits and draws the part of `max_reference`.

    Attributes
    ----------
    modalities_ : list of str
        Names of the modalities.
    r2_ : dict of (source, target) to float
        Share of the target's variance, over all its features, that the proxy explains on held-out
        samples; NaN where it could not be measured.
    n_reference_ : dict of (source, target) to int
        Number of training samples behind each proxy.
    means_, scales_ : dict of str to ndarray of shape (n_features,)
        How columns are standardized.
    grouped_ : bool
        Whether groups were kept apart for `r2_`.
    reading_ : {"mean", "flatten", "frames"} or None
        How frames are read; None for numbers.
    n_features_in_ : int
        Number of columns seen in ``fit``, context included.
    feature_names_in_ : ndarray of str
        Their names, when X had any.

    Raises
    ------
    ValueError
        If `clip` is not two increasing quantiles, or single frames are read of modalities that are
        not on one clock, or all of them of cells that differ in length.

    See Also
    --------
    emoest.validity.CCAValidityFilter : Makes misfits missing.
    emoest.validity.ModalityImputer : Fills with a constant instead.

    Notes
    -----
    A reconstruction of the proxy features of M3ER (Mittal, Bhattacharya, Chandra, Bera and
    Manocha, AAAI 2020): the nearest observed vector, a linear system for the coefficients, and the
    mean over valid sources are the paper's; that the basis is the query's nearest training
    vectors, their number, centering and the ridge are this package's. Without ridge the plain
    system explodes when there are about as many neighbors as features.

    What is present stays as it is, single missing values included; in a source these count as the
    training mean. A sample that has no modality at all, or only such as were never seen together
    with the target, gets the target's training mean, with a warning. Local methods never use a
    reference row that equals the query, so a training sample is not its own neighbor. In the paper
    proxies are made at test time; here by default also in training, so that the classifier learns
    from what it will meet. With ``when="predict"``, ``fit_transform(X)`` differs from
    ``fit(X).transform(X)``.

    In a table of frames (zone 2) a missing cell gets as many frames as the longest modality of the
    sample has, or with ``reading="flatten"`` as many as its modality always has. A frame that is
    wholly NaN is missing too, and is filled when single frames are read. A sample without any
    modality stays so, as nothing says how long it is; so does a modality that no training sample
    has, as nothing says how wide it is.

    Examples
    --------
    >>> import pandas as pd
    >>> rng = np.random.default_rng(0)
    >>> audio = rng.normal(size=(200, 3))
    >>> X = pd.DataFrame(
    ...     np.hstack([audio, 2 * audio[:, :1]]),
    ...     columns=["audio__a", "audio__b", "audio__c", "text__w"],
    ... )
    >>> speakers = np.arange(200) % 20
    >>> proxy = ProxyFeatureGenerator(method="ridge", ridge=0, random_state=0)
    >>> proxy = proxy.fit(X, groups=speakers)
    >>> round(proxy.r2_["audio", "text"], 3)
    1.0
    >>> new = pd.DataFrame([[1.0, 0.0, 0.0, np.nan]], columns=X.columns)
    >>> proxy.transform(new)["text__w"].round(3).tolist()
    [2.0]
    """

    __metadata_request__fit = {"groups": True}

    _parameter_constraints: dict = {
        **constraints.MODALITIES,
        "method": [StrOptions({*LOCAL_METHODS, *GLOBAL_METHODS})],
        "n_neighbors": [constraints.POSITIVE_INT],
        "ridge": [constraints.NON_NEGATIVE_REAL],
        "combine": [StrOptions({"mean", "weighted"})],
        "clip": [tuple, list, None],
        "when": [StrOptions({"always", "predict"})],
        **constraints.CV,
        "max_reference": [constraints.POSITIVE_INT],
        "reading": [StrOptions({"auto", *READINGS})],
        **constraints.GROUP_COLUMN,
        **constraints.N_JOBS,
        **constraints.RANDOM_STATE,
    }

    def __init__(
        self,
        *,
        modalities: Any = "auto",
        method: str = "local_linear",
        n_neighbors: int = 20,
        ridge: float = 0.1,
        combine: str = "mean",
        clip: tuple[float, float] | None = None,
        when: str = "always",
        cv: Any = 5,
        max_reference: int = 20_000,
        reading: str = "auto",
        group_column: str | None = None,
        n_jobs: int | None = None,
        random_state: Any = None,
    ) -> None:
        self.modalities = modalities
        self.method = method
        self.n_neighbors = n_neighbors
        self.ridge = ridge
        self.combine = combine
        self.clip = clip
        self.when = when
        self.cv = cv
        self.max_reference = max_reference
        self.reading = reading
        self.group_column = group_column
        self.n_jobs = n_jobs
        self.random_state = random_state

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None, groups: Any = None) -> "ProxyFeatureGenerator":
        """Keep the reference samples of each ordered pair and measure its R2.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_samples, n_columns)
            Numbers, where a wholly NaN block is a missing modality, or a DataFrame of frames.
        y : None
            Ignored.
        groups : array-like of shape (n_samples,), default=None
            Speakers, to be kept apart for `r2_`; see `emoest.utils.resolve_groups`.

        Returns
        -------
        self : ProxyFeatureGenerator
        """
        _, blocks, owners = self._read(X, reset=True)
        self.modalities_ = blocks.modalities.names
        self.r2_, self.n_reference_, self.grouped_ = {}, {}, False
        self.means_, self.scales_, self._limits, self._proxies = {}, {}, {}, {}
        if len(self.modalities_) == 1:
            warn_if_single(self, self.modalities_, "which nothing else can regenerate")
            return self
        self._check_clip()
        self._standardize_by(blocks)
        rng = private_generator(self.random_state)
        n_rows = num_samples(X)
        splits, self.grouped_ = inner_splits(
            np.zeros((n_rows, 1)),
            np.zeros(n_rows),
            groups=resolve_groups(X, groups, self.group_column),
            cv=self.cv,
            classifier=False,
            random_state=rng,
        )
        self._fit_pairs(blocks, spread(splits, owners), rng)
        return self

    def _read(self, X: Any, *, reset: bool) -> tuple[FrameTable | None, Blocks, Owners]:
        """Read X as rows of numbers; the table is None where it holds numbers."""
        table = validate_zone(self, X, reset=reset)
        if isinstance(table, Blocks):
            self.reading_ = None
            return None, table, np.arange(len(table.values))
        if reset:
            clock = "frames" if table.on_one_clock else "mean"
            self.reading_ = clock if self.reading == "auto" else self.reading
            self._n_frames = dict(zip(table.names, table.lengths.max(axis=0).tolist(), strict=True))
        return table, *stack(table, self.reading_, self._n_frames)

    def _check_clip(self) -> None:
        if self.clip is None:
            return
        if len(self.clip) != 2 or not 0 <= self.clip[0] < self.clip[1] <= 1:
            raise ValueError(
                f"clip must be two increasing quantiles in [0, 1], such as (0.001, 0.999); found "
                f"{self.clip!r}."
            )

    def _standardize_by(self, blocks: Blocks) -> None:
        for name in self.modalities_:
            block = blocks.block(name)
            self.means_[name], self.scales_[name] = center_and_scale(block)
            if self.clip is not None:
                present = block[~np.isnan(block).all(axis=1)]
                if len(present):
                    filled = np.where(np.isnan(present), self.means_[name], present)
                    self._limits[name] = np.quantile(filled, self.clip, axis=0)

    def _standard(self, name: str, block: Floats) -> Floats:
        return standardize(block, self.means_[name], self.scales_[name])

    def _fit_pairs(self, blocks: Blocks, splits: list, rng: np.random.RandomState) -> None:
        observed = dict(zip(self.modalities_, ~blocks.missing.T, strict=True))
        standard = {name: self._standard(name, blocks.block(name)) for name in self.modalities_}
        part = self._reference_part(blocks, rng)
        for source, target in self._ordered_pairs():
            both = observed[source] & observed[target]
            chosen = both & part
            self.n_reference_[source, target] = int(chosen.sum())
            if not chosen.any():
                continue
            V, W = standard[source], standard[target]
            self._proxies[source, target] = self._make(V[chosen], W[chosen])
            self.r2_[source, target] = held_out_r2(
                self._make, V, W, both=both, reference=part, splits=splits
            )
        alone = [t for t in self.modalities_ if not any(t == pair[1] for pair in self._proxies)]
        if alone:
            warn_user(
                f"No training sample has {alone} together with another modality, so "
                "ProxyFeatureGenerator fills them with their training mean (0 where there is "
                "none).",
            )

    def _ordered_pairs(self) -> list[Pair]:
        return [(s, t) for t in self.modalities_ for s in self.modalities_ if s != t]

    def _reference_part(self, blocks: Blocks, rng: np.random.RandomState) -> Mask:
        n_samples, n_columns = blocks.values.shape
        part = np.ones(n_samples, dtype=bool)
        if n_samples > self.max_reference:
            part[:] = False
            part[rng.permutation(n_samples)[: self.max_reference]] = True
        if self.method in LOCAL_METHODS and 8 * part.sum() * n_columns > _MUCH_MEMORY:
            warn_user(
                f"ProxyFeatureGenerator keeps {int(part.sum())} reference samples of {n_columns} "
                "columns, more than 1 GB. Lower max_reference, or use method='ridge'.",
            )
        return part

    def _make(self, V: Floats, W: Floats) -> LocalProxy | GlobalProxy:
        if self.method in GLOBAL_METHODS:
            return GlobalProxy(V, W, ridge=self.ridge if self.method == "ridge" else 0.0)
        return LocalProxy(
            V,
            W,
            method=self.method,
            n_neighbors=self.n_neighbors,
            ridge=self.ridge,
            n_jobs=self.n_jobs,
        )

    def fit_transform(self, X: Any, y: Any = None, **fit_params: Any) -> Any:
        """Fit, and fill missing modalities of the training samples unless ``when="predict"``.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_samples, n_columns)
            Numbers, where a wholly NaN block is a missing modality, or a DataFrame of frames.
        y : None
            Ignored.
        **fit_params : dict
            For `fit`: ``groups``.

        Returns
        -------
        X : DataFrame or ndarray of shape (n_samples, n_columns)
            A copy, context columns last.
        """
        if self.when == "always":
            return super().fit_transform(X, y, **fit_params)
        self.fit(X, y, **fit_params)
        table, blocks, _ = self._read(X, reset=False)
        return blocks.rebuild(blocks.values.copy()) if table is None else table.rebuild({})

    def transform(self, X: Any) -> Any:
        """Fill missing modalities with their proxies.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_samples, n_columns)
            The columns seen in ``fit``.

        Returns
        -------
        X : DataFrame or ndarray of shape (n_samples, n_columns)
            A copy in which every modality is present, context columns last.
        """
        check_is_fitted(self)
        table, blocks, owners = self._read(X, reset=False)
        if len(self.modalities_) == 1:
            return blocks.rebuild(blocks.values.copy()) if table is None else table.rebuild({})
        values, alone = self._fill(blocks)
        samples = set(owners[alone].tolist())
        if table is not None:
            samples |= set(np.flatnonzero(table.lengths.max(axis=1) == 0).tolist())
        if samples:
            what = "" if table is None else ", or nothing where they have no modality at all"
            warn_user(
                f"{len(samples)} of {num_samples(X)} samples have no modality that tells of a "
                f"missing one; they get its training mean{what}.",
            )
        if table is None:
            return blocks.rebuild(values)
        return table.rebuild(fill(table, blocks, values, owners, self.reading_))

    def _fill(self, blocks: Blocks) -> tuple[Floats, Mask]:
        """Fill missing blocks; also say which rows had no source for one of theirs."""
        values = blocks.values.copy()
        observed = dict(zip(self.modalities_, ~blocks.missing.T, strict=True))
        alone = np.zeros(len(values), dtype=bool)
        for target in self.modalities_:
            rows = ~observed[target]
            positions = blocks.modalities[target]
            if rows.any() and len(positions) == len(self.means_[target]):
                proxy, found = self._proxy(target, rows, observed, blocks)
                values[np.ix_(rows, positions)] = proxy
                alone[np.flatnonzero(rows)[~found]] = True
        return values, alone

    def _proxy(
        self, target: str, rows: Mask, observed: dict[str, Mask], blocks: Blocks
    ) -> tuple[Floats, Mask]:
        """Proxies of the target for the rows that miss it, and which rows had a source."""
        total = np.zeros((int(rows.sum()), len(self.means_[target])))
        weight = np.zeros(len(total))
        for source in self.modalities_:
            share = self._share(source, target)
            usable = observed[source][rows]
            if share == 0 or not usable.any():
                continue
            Z = self._standard(source, blocks.block(source)[rows][usable])
            total[usable] += share * self._proxies[source, target].predict(Z)
            weight[usable] += share
        found = weight > 0
        total[found] /= weight[found, None]
        scale = np.where(np.isfinite(self.scales_[target]), self.scales_[target], 0.0)
        proxy = self.means_[target] + scale * total
        if target in self._limits:
            proxy = np.clip(proxy, *self._limits[target])
        return proxy, found

    def _share(self, source: str, target: str) -> float:
        """Weight of a source: 1, or its R2 where any R2 of the target could be measured."""
        if (source, target) not in self._proxies:
            return 0.0
        measured = {
            pair: r2 for pair, r2 in self.r2_.items() if pair[1] == target and not np.isnan(r2)
        }
        if self.combine == "mean" or not measured:
            return 1.0
        return max(measured.get((source, target), 0.0), 0.0)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags
