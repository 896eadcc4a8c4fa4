"""Proxy features: regenerate a missing modality from those that are present (M3ER)."""

from functools import partial
from itertools import permutations
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from emoest.tables.frames import FrameTable
from emoest.tables.groups import Split
from emoest.tables.vectors import Blocks, fill_missing
from emoest.utils import constraints
from emoest.utils._sklearn import StrOptions, fit_context, num_samples
from emoest.utils.seeds import private_generator
from emoest.utils.state import forget_fit
from emoest.utils.typing import Floats, Mask, Rows
from emoest.utils.warn import warn_user
from emoest.validity._base import (
    PairwiseTransformer,
    copy_table,
    draw_part,
    pair_name,
    warn_if_single,
)
from emoest.validity._frame_summaries import REDUCTIONS, set_filled
from emoest.validity._proxy_regression import (
    GLOBAL_METHODS,
    LOCAL_METHODS,
    check_clip,
    held_out_r2,
    make_proxy,
    source_weights,
)
from emoest.validity._whitening import center_and_scale, standardize

_MUCH_MEMORY = 1e9


class ProxyFeatureGenerator(PairwiseTransformer):
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
        From more training samples (frames, where each step is one) a random part is kept.
    reading : {"auto", "mean", "flatten", "frames"}, default="auto"
        The frame reduction of a table of frames. ``"frames"``: each step by itself, so that a
        proxy of a step comes from the same step of the sources, for time-aligned tables.
        ``"mean"``: from the mean over a source's frames comes the mean of the target, which every
        frame of the proxy holds. ``"flatten"``: from all frames of a source, side by side, come
        all frames of the target, for modalities that are equally long in all samples. ``"auto"``:
        ``"frames"`` where all training samples are time-aligned, else ``"mean"``. Not used for
        numbers.
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
    r2_ : dict of str to float
        By source and target, ``"audio to text"``: proportion of the target's variance, over all
        its features, that the proxy explains on held-out samples; NaN where it could not be
        measured.
    n_reference_ : dict of str to int
        Number of training samples behind each proxy.
    means_, scales_ : dict of str to ndarray of shape (n_features,)
        How columns are standardized.
    grouped_ : bool
        Whether groups were kept apart for `r2_`.
    reading_ : {"mean", "flatten", "frames"} or None
        The frame reduction that was taken; None for numbers.
    seen_groups_ : list or None
        Groups of the training samples; None where nothing named any.
    n_features_in_ : int
        Number of columns seen in ``fit``, context included.
    feature_names_in_ : ndarray of str
        Their names, when X had any.

    Raises
    ------
    ValueError
        If `clip` is not two increasing quantiles, if ``reading="frames"`` meets modalities that
        are not time-aligned, or ``reading="flatten"`` cells that differ in length.

    See Also
    --------
    emoest.validity.CCAValidityFilter : Makes inconsistent modalities missing.
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

    In a table of frames a missing cell gets as many frames as the longest modality of the sample
    has, or with ``reading="flatten"`` as many as its modality always has. A frame that is wholly
    NaN is missing too, and is filled with ``reading="frames"``; single NaN are missing values. A
    sample without any modality stays so, as nothing says how long it is. A modality that no
    training sample has is left out, as nothing says how wide it is.

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
    >>> round(proxy.r2_["audio to text"], 3)
    1.0
    >>> new = pd.DataFrame([[1.0, 0.0, 0.0, np.nan]], columns=X.columns)
    >>> proxy.transform(new)["text__w"].round(3).tolist()
    [2.0]
    """

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
        "reading": [StrOptions({"auto", *REDUCTIONS})],
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
        forget_fit(self)
        _, blocks, owners = self._read_vectors(X, reset=True)
        self.r2_, self.n_reference_, self.grouped_ = {}, {}, False
        self.means_, self.scales_, self._limits, self._proxies = {}, {}, {}, {}
        if warn_if_single(self, self.modalities_, "which nothing else can regenerate"):
            return self
        check_clip(self.clip)
        self._standardize_by(blocks)
        rng = private_generator(self.random_state)
        splits = self._hold_out(X, groups, owners, rng)
        self._fit_pairs(blocks, splits, self._reference_part(blocks, rng))
        return self

    def _read_vectors(self, X: Any, *, reset: bool) -> tuple[Blocks | FrameTable, Blocks, Rows]:
        """Read X, and reduce it to one vector per sample."""
        table = self._read(X, reset=reset)
        if reset:
            self.reading_ = self._choose_reduction(table)
        return table, *self._reduce(table, self.reading_, reset=reset)

    def _choose_reduction(self, table: Blocks | FrameTable) -> str | None:
        if isinstance(table, Blocks):
            return None
        if self.reading != "auto":
            return self.reading
        return "frames" if table.time_aligned else "mean"

    def _standardize_by(self, blocks: Blocks) -> None:
        for name in self.modalities_:
            block = blocks.block(name)
            self.means_[name], self.scales_[name] = center_and_scale(block)
            if self.clip is not None:
                present = block[~np.isnan(block).all(axis=1)]
                if len(present):
                    filled = fill_missing(present, self.means_[name])
                    self._limits[name] = np.quantile(filled, self.clip, axis=0)

    def _standard(self, name: str, block: Floats) -> Floats:
        return standardize(block, self.means_[name], self.scales_[name])

    def _fit_pairs(self, blocks: Blocks, splits: list[Split], part: Mask) -> None:
        observed = dict(zip(self.modalities_, ~blocks.missing.T, strict=True))
        standard = {name: self._standard(name, blocks.block(name)) for name in self.modalities_}
        how = {"method": self.method, "n_neighbors": self.n_neighbors, "ridge": self.ridge}
        make = partial(make_proxy, n_jobs=self.n_jobs, **how)
        for target, source in permutations(self.modalities_, 2):
            both = observed[source] & observed[target]
            chosen = both & part
            way = pair_name((source, target), "to")
            self.n_reference_[way] = int(chosen.sum())
            if not chosen.any():
                continue
            V, W = standard[source], standard[target]
            self._proxies[way] = make(V[chosen], W[chosen])
            self.r2_[way] = held_out_r2(make, V, W, both=both, reference=part, splits=splits)
        alone = [name for name in self.modalities_ if not self._ways_to(name)]
        if alone:
            warn_user(
                f"No training sample has {alone} together with another modality, so "
                "ProxyFeatureGenerator fills them with their training mean (0 where there is "
                "none).",
            )

    def _reference_part(self, blocks: Blocks, rng: np.random.RandomState) -> Mask:
        n_samples, n_columns = blocks.values.shape
        part = draw_part(n_samples, n_samples, self.max_reference, rng)
        # A float64 takes 8 bytes.
        if self.method in LOCAL_METHODS and 8 * part.sum() * n_columns > _MUCH_MEMORY:
            warn_user(
                f"ProxyFeatureGenerator keeps {int(part.sum())} reference samples of {n_columns} "
                "columns, more than 1 GB. Lower max_reference, or use method='ridge'.",
            )
        return part

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
        return copy_table(self._read(X, reset=False))

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
        table, blocks, owners = self._read_vectors(X, reset=False)
        if len(self.modalities_) == 1:
            return copy_table(table)
        values, alone = self._fill(blocks)
        without, what = set(owners[alone].tolist()), ""
        if isinstance(table, FrameTable):
            without |= set(np.flatnonzero(table.missing.all(axis=1)).tolist())
            what = ", or nothing where they have no modality at all"
        if without:
            warn_user(
                f"{len(without)} of {num_samples(X)} samples have no modality that tells of a "
                f"missing one; they get its training mean{what}.",
            )
        return set_filled(table, blocks, values, owners, self.reading_)

    def _fill(self, blocks: Blocks) -> tuple[Floats, Mask]:
        """Fill missing blocks; also return which samples had no source for one of theirs."""
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
        """Compute proxies of the target for the samples that miss it, and which had a source."""
        total = np.zeros((int(rows.sum()), len(self.means_[target])))
        weight = np.zeros(len(total))
        parts = source_weights({way: self.r2_[way] for way in self._ways_to(target)}, self.combine)
        for source in self.modalities_:
            way = pair_name((source, target), "to")
            part = parts.get(way, 0.0)
            usable = observed[source][rows]
            if part == 0 or not usable.any():
                continue
            Z = self._standard(source, blocks.block(source)[rows][usable])
            total[usable] += part * self._proxies[way].predict(Z)
            weight[usable] += part
        found = weight > 0
        total[found] /= weight[found, None]
        # The scale of a constant column is infinite; its proxy is its mean.
        scale = np.where(np.isfinite(self.scales_[target]), self.scales_[target], 0.0)
        proxy = self.means_[target] + scale * total
        if target in self._limits:
            proxy = np.clip(proxy, *self._limits[target])
        return proxy, found

    def _ways_to(self, target: str) -> list[str]:
        """Name the pairs of a source and this target that have a proxy."""
        ways = [pair_name((source, target), "to") for source in self.modalities_]
        return [way for way in ways if way in self._proxies]
