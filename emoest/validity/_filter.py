"""The CCA validity filter of M3ER: reject the modality that does not fit the others."""

from numbers import Real
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from emoest.tables.frames import FrameTable, validate_zone
from emoest.tables.groups import inner_splits, resolve_groups
from emoest.tables.vectors import Blocks
from emoest.utils import constraints
from emoest.utils._sklearn import Interval, StrOptions, fit_context, num_samples
from emoest.utils.seeds import private_generator
from emoest.utils.typing import Mask
from emoest.utils.warn import warn_user
from emoest.validity._agreement import VECTOR_SCORES
from emoest.validity._base import BlocksInBlocksOut, all_pairs, warn_if_single
from emoest.validity._frame_rows import READINGS, reject, stack
from emoest.validity._frame_summaries import Readings, read_over_time, read_vectors, spread
from emoest.validity._pair_fit import Pair, PairOptions, fit_pairs
from emoest.validity._validity_rule import (
    by_row,
    check_thresholds,
    decide,
    find_threshold,
    keep_best,
    rank_trust,
    score_pairs,
    usual_size,
)


class CCAValidityFilter(BlocksInBlocksOut, TransformerMixin, BaseEstimator):
    """Set to NaN the modality of a sample that does not fit the sample's other modalities.

    Every pair of modalities is projected onto its canonical variates, and each sample gets a score
    of how well its two projections agree. A modality is valid where it fits at least one other;
    what is not valid becomes a missing modality, which fusion leaves out and
    `ProxyFeatureGenerator` or `ModalityImputer` fills.

    Parameters
    ----------
    modalities : "auto", list of str or dict, default="auto"
        Which columns belong to which modality; see `emoest.utils.find_modalities`. With one
        modality X passes through with a warning.
    n_components : int, default=None
        Canonical components of each pair; None takes all, and more than the smaller rank are
        capped. M3ER names 100.
    shrinkage : float in [0, 1] or "auto", default=0.1
        Weight of the scaled identity in each block's covariance; see `RegularizedCCA`.
    scale : bool, default=True
        Whether columns are divided by their standard deviation first.
    agreement : {"weighted_cosine", "cosine", "pearson", "pmi", "time"}, default="weighted_cosine"
        What agreement means: the cosine weighted by held-out correlations; the plain cosine; the
        Pearson correlation over components, which is M3ER to the letter; the pointwise mutual
        information of the Gaussian model, which also notices a wrong loudness; the correlation
        over the frames of the sample, for tables of frames on one clock.
    reading : {"mean", "flatten", "frames"}, default="mean"
        What is read of the frames of a sample. ``"mean"``: their mean. ``"flatten"``: all of them
        side by side, for samples of equal length. ``"frames"``: each step by itself, for tables on
        one clock; a rejected frame becomes NaN, a cell without a valid frame None. Not used for
        numbers, nor by ``agreement="time"``.
    threshold : "quantile", float or dict, default="quantile"
        ``"quantile"`` takes for each pair the `alpha`-quantile of the out-of-fold scores of the
        training samples; a float holds for all pairs; a dict maps ``("audio", "text")`` to a
        float.
    alpha : float in (0, 1), default=0.05
        Share of clean samples that one pair may call a misfit.
    cv : int, splitter or iterable, default=5
        How samples are held out, by group where there are groups.
    fallback : {"best", "all", "none"}, default="best"
        What to keep of a sample none of whose modalities is valid: the best one, all it has, or
        nothing. The best is a member of the pair that fits best, of whose two the first in
        `priority` is taken, or, without `priority`, the one whose own projection has the more
        usual size. With two modalities both fail together and this decides every case.
    priority : list of str, default=None
        Modalities from the most to the least trusted, to break ties.
    max_fit_samples : int, default=20000
        From more samples (frames, where single ones are read) a random part is taken to find
        directions.
    group_column : str, default=None
        Context column that names the groups; see `emoest.utils.resolve_groups`.
    random_state : int, RandomState instance or None, default=None
        Shuffles the splits and draws the part of `max_fit_samples`.

    Attributes
    ----------
    modalities_ : list of str
        Names of the modalities.
    pairs_ : list of tuple of str
        The pairs that are checked. Pairs that share nothing on held-out samples are not, since
        they could not tell a misfit.
    disabled_pairs_ : list of tuple of str
        The other pairs; ``fit`` warns of them.
    thresholds_ : dict of pair to float
        A score at or above it is a fit.
    correlations_ : dict of pair to ndarray of shape (n_components,)
        Held-out canonical correlations, 0 where not above noise.
    train_correlations_ : dict of pair to ndarray of shape (n_components,)
        The same in the training sample.
    separations_ : dict of pair to float
        Chance that a held-out sample scores higher than the same sample with the second modality
        of another sample (area under the ROC curve); how much the pair can tell.
    checks_ : dict of pair to PairCheck
        Directions, out-of-fold scores and calibration of each pair.
    grouped_ : bool
        Whether groups were kept apart in the splits.
    n_features_in_ : int
        Number of columns seen in ``fit``, context included.
    feature_names_in_ : ndarray of str
        Their names, when X had any.

    Raises
    ------
    ValueError
        If a threshold is missing for a pair or names no pair, if `priority` names no modality, if
        ``agreement="time"`` meets numbers, or if frames are not on the clock, or not of the length,
        that `agreement` or `reading` asks for; the message names the row.

    See Also
    --------
    emoest.validity.ProxyFeatureGenerator : Fills what the filter rejects.
    emoest.validity.CorruptModality : Makes misfits, to see what is found.

    Notes
    -----
    A reconstruction of the modality check of M3ER (Mittal, Bhattacharya, Chandra, Bera and
    Manocha, AAAI 2020): that valid modalities correlate with at least one other, on CCA
    projections, is the paper's. How one sample can have a correlation, the threshold and the
    regularization are not known from the paper; no code of the authors is public. The defaults
    (weighted cosine, out-of-fold threshold, shrinkage) are this package's.
    ``CCAValidityFilter(n_components=100, shrinkage=0.0, agreement="pearson", threshold=0.3)`` is a
    literal reading, the threshold being a guess.

    Missing modalities stay missing, take no part in ``fit`` and say nothing about the others; a
    modality with no other to be compared with is kept. Single missing values count as the training
    mean and are given back as they came. No label is used. In a table of frames (zone 2) what is
    rejected becomes None. The paper does not say what is read of a sequence, so `reading` decides.
    With ``reading="frames"`` "sample" above means a step, a modality counts as valid where any of
    its steps is, and a sample's score is the median over its steps; steps of one row are held out
    together and count as one when noise is told from correlation.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> shared = rng.normal(size=(300, 6))
    >>> X = pd.DataFrame(
    ...     {f"{m}__{i}": shared[:, i] + 0.2 * rng.normal(size=300) for m in ["audio", "text",
    ...      "face"] for i in range(6)}
    ... )
    >>> X.loc[0, [f"face__{i}" for i in range(6)]] *= -1
    >>> speakers = np.arange(300) % 30
    >>> check = CCAValidityFilter(random_state=0).fit(X.iloc[1:], groups=speakers[1:])
    >>> check.predict_validity(X.iloc[:1]).to_dict("records")
    [{'audio': True, 'text': True, 'face': False}]
    """

    __metadata_request__fit = {"groups": True}

    _parameter_constraints: dict = {
        **constraints.MODALITIES,
        "n_components": [constraints.POSITIVE_INT, None],
        "shrinkage": [constraints.UNIT_INTERVAL, StrOptions({"auto"})],
        "scale": ["boolean"],
        "agreement": [StrOptions({*VECTOR_SCORES, "time"})],
        "reading": [StrOptions(set(READINGS))],
        "threshold": [StrOptions({"quantile"}), Real, dict],
        "alpha": [Interval(Real, 0, 1, closed="neither")],
        **constraints.CV,
        "fallback": [StrOptions({"best", "all", "none"})],
        "priority": [list, tuple, None],
        "max_fit_samples": [constraints.POSITIVE_INT],
        **constraints.GROUP_COLUMN,
        **constraints.RANDOM_STATE,
    }

    def __init__(
        self,
        *,
        modalities: Any = "auto",
        n_components: int | None = None,
        shrinkage: float | str = 0.1,
        scale: bool = True,
        agreement: str = "weighted_cosine",
        reading: str = "mean",
        threshold: Any = "quantile",
        alpha: float = 0.05,
        cv: Any = 5,
        fallback: str = "best",
        priority: list[str] | None = None,
        max_fit_samples: int = 20_000,
        group_column: str | None = None,
        random_state: Any = None,
    ) -> None:
        self.modalities = modalities
        self.n_components = n_components
        self.shrinkage = shrinkage
        self.scale = scale
        self.agreement = agreement
        self.reading = reading
        self.threshold = threshold
        self.alpha = alpha
        self.cv = cv
        self.fallback = fallback
        self.priority = priority
        self.max_fit_samples = max_fit_samples
        self.group_column = group_column
        self.random_state = random_state

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None, groups: Any = None) -> "CCAValidityFilter":
        """Find the canonical directions of each pair and calibrate its threshold.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_samples, n_columns)
            Numbers with NaN blocks for missing modalities, or a DataFrame of frames.
        y : None
            Ignored.
        groups : array-like of shape (n_samples,), default=None
            Speakers, to be kept apart in the splits; see `emoest.utils.resolve_groups`.

        Returns
        -------
        self : CCAValidityFilter
        """
        _, readings = self._read(X, reset=True)
        self.modalities_ = readings.names
        self.pairs_, self.disabled_pairs_, self.checks_ = [], [], {}
        self.thresholds_, self.correlations_, self.train_correlations_ = {}, {}, {}
        self.separations_: dict[Pair, float] = {}
        self.grouped_ = False
        self._check_priority()
        if len(readings.names) == 1:
            warn_if_single(self, readings.names, "which has no other to fit")
            return self
        pairs = all_pairs(readings.names)
        check_thresholds(self.threshold, pairs)
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
        splits = spread(splits, readings.owners)
        options = PairOptions(self.n_components, self.shrinkage, self.scale, self.agreement)
        checks = fit_pairs(readings, pairs, splits, self._part(readings, rng), options)
        self.checks_ = {pair: check for pair, check in checks.items() if check.informative}
        self.pairs_ = list(self.checks_)
        self.disabled_pairs_ = [pair for pair in pairs if pair not in self.checks_]
        self._summarize()
        return self

    def _summarize(self) -> None:
        for pair, check in self.checks_.items():
            self.thresholds_[pair] = find_threshold(self.threshold, pair, check.scores, self.alpha)
            self.correlations_[pair] = check.correlations
            self.train_correlations_[pair] = check.directions.correlations
            self.separations_[pair] = check.separation
        if self.disabled_pairs_:
            names = ", ".join(f"{a!r} with {b!r}" for a, b in self.disabled_pairs_)
            warn_user(
                f"CCAValidityFilter cannot check {names}: too few training samples have both, one "
                "is constant, or they share nothing on held-out samples. A modality left with no "
                "pair counts as valid wherever it is present.",
            )

    def _read(self, X: Any, *, reset: bool) -> tuple[Blocks | FrameTable, Readings]:
        table = validate_zone(self, X, reset=reset, ensure_min_samples=1)
        if isinstance(table, Blocks):
            if self.agreement == "time" and len(table.modalities) > 1:
                raise ValueError(
                    "agreement='time' compares modalities over the frames of a sample and needs a "
                    "DataFrame of frames, one object column per modality; X holds numbers."
                )
            return table, read_vectors(table)
        if reset:
            self._n_frames = dict(zip(table.names, table.lengths.max(axis=0), strict=True))
        if self.agreement == "time":
            return table, read_over_time(table)
        return table, read_vectors(*stack(table, self.reading, self._n_frames))

    def _part(self, readings: Readings, rng: np.random.RandomState) -> Mask:
        """Choose the samples that directions are found from."""
        most = max(len(values) for values in readings.values.values())
        if most <= self.max_fit_samples:
            return np.ones(readings.n_samples, dtype=bool)
        keep = max(1, int(readings.n_samples * self.max_fit_samples / most))
        part = np.zeros(readings.n_samples, dtype=bool)
        part[rng.permutation(readings.n_samples)[:keep]] = True
        return part

    def _check_priority(self) -> None:
        unknown = [name for name in self.priority or [] if name not in self.modalities_]
        if unknown:
            raise ValueError(
                f"priority names {unknown[0]!r}, which is no modality of X: {self.modalities_}."
            )

    def score_samples(self, X: Any) -> Any:
        """Score how well each pair of modalities of each sample fits.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_samples, n_columns)
            The columns seen in ``fit``.

        Returns
        -------
        scores : DataFrame or ndarray of shape (n_samples, n_pairs)
            One column per pair of `pairs_`, named ``audio ~ text``; NaN where a sample misses one
            of the two, ``-inf`` where one says nothing.
        """
        check_is_fitted(self)
        readings = self._read(X, reset=False)[1]
        scores = score_pairs(readings, self.checks_, self.agreement)
        scores = by_row(scores, readings.owners, num_samples(X), "median")
        if isinstance(X, pd.DataFrame):
            names = [f"{first} ~ {second}" for first, second in self.pairs_]
            return pd.DataFrame(scores, index=X.index, columns=names)
        return scores

    def predict_validity(self, X: Any) -> Any:
        """Say which modality of which sample is present and kept.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_samples, n_columns)
            The columns seen in ``fit``.

        Returns
        -------
        valid : DataFrame or ndarray of bool, shape (n_samples, n_modalities)
            One column per modality of `modalities_`.
        """
        check_is_fitted(self)
        readings = self._read(X, reset=False)[1]
        valid = by_row(self._valid(readings), readings.owners, num_samples(X), "any")
        if isinstance(X, pd.DataFrame):
            return pd.DataFrame(valid, index=X.index, columns=self.modalities_)
        return valid

    def _valid(self, readings: Readings) -> Mask:
        scores = score_pairs(readings, self.checks_, self.agreement)
        thresholds = np.array([self.thresholds_[pair] for pair in self.pairs_])
        valid, margins = decide(
            scores, thresholds, readings.observed, self.pairs_, self.modalities_
        )
        if self.fallback == "none":
            return valid
        if self.fallback == "all":
            lost = ~valid.any(axis=1, keepdims=True)
            return np.where(lost, readings.observed, valid)
        if self.priority is not None:
            trust = rank_trust(self.modalities_, self.priority, readings.n_samples)
        else:
            trust = usual_size(readings, self.checks_)
        return keep_best(valid, margins, readings.observed, trust)

    def transform(self, X: Any) -> Any:
        """Set the modalities that are not valid to NaN.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_samples, n_columns)
            The columns seen in ``fit``.

        Returns
        -------
        X : DataFrame or ndarray of shape (n_samples, n_columns)
            A copy, context columns last; in a table of frames rejected cells are None, or rejected
            frames NaN.
        """
        check_is_fitted(self)
        table, readings = self._read(X, reset=False)
        valid = self._valid(readings)
        if isinstance(table, Blocks):
            values = table.values.copy()
            for j, positions in enumerate(table.modalities.values()):
                values[np.ix_(~valid[:, j], positions)] = np.nan
            return table.rebuild(values)
        return table.rebuild(reject(table, valid, readings.owners))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags
