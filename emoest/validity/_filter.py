"""The CCA validity filter of M3ER: reject the modality that is inconsistent with the others."""

from itertools import combinations
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils.validation import check_is_fitted

from emoest.tables.frames import FrameTable
from emoest.tables.vectors import Blocks
from emoest.utils import constraints
from emoest.utils._sklearn import Interval, StrOptions, fit_context, num_samples
from emoest.utils.messages import listed
from emoest.utils.seeds import private_generator
from emoest.utils.state import forget_fit
from emoest.utils.typing import Mask
from emoest.utils.warn import warn_user
from emoest.validity._agreement import VECTOR_SCORES
from emoest.validity._base import (
    Pair,
    PairwiseTransformer,
    check_names,
    draw_part,
    pair_name,
    warn_if_single,
)
from emoest.validity._frame_summaries import (
    REDUCTIONS,
    PairSamples,
    frames_to_samples,
    set_missing,
    vectors_to_samples,
)
from emoest.validity._pair_fit import PairCheck, PairOptions, fit_pairs
from emoest.validity._validity_rule import (
    by_row,
    check_thresholds,
    confidence_by_priority,
    confidence_by_typicality,
    decide,
    find_threshold,
    keep_best,
    score_pairs,
)


class CCAValidityFilter(PairwiseTransformer):
    """Set to NaN the modality of a sample that is inconsistent with its other modalities.

    Every pair of modalities is projected onto its canonical variates, and each sample gets a
    similarity score of its two projections. A modality is valid where it is consistent with at
    least one other; what is not valid becomes a missing modality, which fusion leaves out and
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
    agreement : {"pmi", "weighted_cosine", "cosine", "pearson", "time"}, default="pmi"
        The similarity score: the pointwise mutual information of the Gaussian model, which also
        notices a wrong loudness; the cosine weighted by held-out correlations; the plain cosine;
        the Pearson correlation over components, which is M3ER to the letter; the correlation over
        the frames of the sample, for time-aligned tables of frames.
    reading : {"mean", "flatten", "frames"}, default="mean"
        The frame reduction of a sample. ``"mean"``: the mean of its frames. ``"flatten"``: all of
        them side by side, for samples of equal length. ``"frames"``: each step by itself, for
        time-aligned tables; a rejected frame becomes NaN, a cell without a valid frame None. Not
        used for numbers, nor by ``agreement="time"``.
    threshold : "quantile", float or dict, default="quantile"
        ``"quantile"`` takes for each pair the `alpha`-quantile of the out-of-fold scores of the
        training samples; a float holds for all pairs; a dict maps ``("audio", "text")`` or
        ``"audio ~ text"`` to a float.
    alpha : float in (0, 1), default=0.05
        Proportion of clean samples that one pair may call inconsistent.
    cv : int, splitter or iterable, default=5
        How samples are held out, by group where there are groups.
    fallback : {"best", "all", "none"}, default="best"
        What to keep of a sample none of whose modalities is valid: the best one, all it has, or
        nothing. The best is a member of the most consistent pair, of whose two the first in
        `priority` is taken, or, without `priority`, the one whose own projection has the more
        typical norm. With two modalities both fail together and this decides every case.
    priority : list of str, default=None
        Modalities in decreasing order of confidence, to break ties.
    max_fit_samples : int, default=20000
        From more samples (frames, where steps are compared one by one) a random part is taken to
        find directions.
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
        they could not tell consistent samples from inconsistent ones.
    disabled_pairs_ : list of tuple of str
        The other pairs; ``fit`` warns of them.
    thresholds_ : dict of str to float
        By the names of pairs, ``"audio ~ text"``: consistent from this score on.
    correlations_ : dict of str to ndarray of shape (n_components,)
        Held-out canonical correlations, 0 where not above noise.
    train_correlations_ : dict of str to ndarray of shape (n_components,)
        The same in the training sample.
    separations_ : dict of str to float
        AUC of matched against mismatched: the chance that a held-out sample scores higher than
        the same sample with the second modality of another sample; how much the pair can tell.
    checks_ : dict of str to PairCheck
        Directions, out-of-fold scores and calibration of each pair.
    grouped_ : bool
        Whether groups were kept apart in the splits.
    seen_groups_ : list or None
        Groups of the training samples; None where nothing named any.
    n_features_in_ : int
        Number of columns seen in ``fit``, context included.
    feature_names_in_ : ndarray of str
        Their names, when X had any.

    Raises
    ------
    ValueError
        If a threshold is missing for a pair or names no pair, if `priority` names no modality, if
        ``agreement="time"`` meets numbers, or if frames are not time-aligned, or not of the
        length, that `agreement` or `reading` asks for; the message names the row.

    See Also
    --------
    emoest.validity.ProxyFeatureGenerator : Fills what the filter rejects.
    emoest.validity.CorruptModality : Makes inconsistent samples, to see what is found.

    Notes
    -----
    A reconstruction of the modality check of M3ER (Mittal, Bhattacharya, Chandra, Bera and
    Manocha, AAAI 2020): that valid modalities correlate with at least one other, on CCA
    projections, is the paper's. How one sample can have a correlation, the threshold and the
    regularization are not known from the paper; no code of the authors is public. The defaults
    (mutual information, out-of-fold threshold, shrinkage) are this package's.
    ``CCAValidityFilter(n_components=100, shrinkage=0.0, agreement="pearson", threshold=0.3)`` is a
    literal form, the threshold being a guess.

    Missing modalities stay missing, take no part in ``fit`` and say nothing about the others; a
    modality with no other to be compared with is kept. Single missing values count as the training
    mean and are returned as they came. No label is used. In a table of frames what is rejected
    becomes None, and a modality that no training row has is left out. The paper does not say how a
    sequence is reduced, so `reading` decides. With ``reading="frames"`` "sample" above means a
    step, a modality counts as valid where any of its steps is, and a sample's score is the median
    over its steps; steps of one row are held out together and count as one when noise is told from
    correlation.

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

    _parameter_constraints: dict = {
        **constraints.MODALITIES,
        "n_components": [constraints.POSITIVE_INT, None],
        "shrinkage": [constraints.UNIT_INTERVAL, StrOptions({"auto"})],
        "scale": ["boolean"],
        "agreement": [StrOptions({*VECTOR_SCORES, "time"})],
        "reading": [StrOptions(set(REDUCTIONS))],
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
        agreement: str = "pmi",
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
        forget_fit(self)
        _, samples = self._read_samples(X, reset=True)
        self.pairs_, self.disabled_pairs_, self.checks_ = [], [], {}
        self.thresholds_, self.correlations_, self.train_correlations_ = {}, {}, {}
        self.separations_: dict[str, float] = {}
        self.grouped_ = False
        check_names("priority", self.priority or [], self._known_names())
        if warn_if_single(self, self.modalities_, "which has no other to be consistent with"):
            return self
        pairs = list(combinations(self.modalities_, 2))
        check_thresholds(self.threshold, pairs)
        rng = private_generator(self.random_state)
        splits = self._hold_out(X, groups, samples.owners, rng)
        n_vectors = max(len(values) for values in samples.values.values())
        part = draw_part(samples.n_samples, n_vectors, self.max_fit_samples, rng)
        options = PairOptions(self.n_components, self.shrinkage, self.scale, self.agreement)
        checks = fit_pairs(samples, pairs, splits, part, options)
        self.pairs_ = [pair for pair, check in checks.items() if check.informative]
        self.checks_ = {pair_name(pair): checks[pair] for pair in self.pairs_}
        self.disabled_pairs_ = [pair for pair in pairs if pair not in self.pairs_]
        self._summarize()
        return self

    def _summarize(self) -> None:
        for pair in self.pairs_:
            name, check = pair_name(pair), self._checks[pair]
            self.thresholds_[name] = find_threshold(self.threshold, pair, check.scores, self.alpha)
            self.correlations_[name] = check.correlations
            self.train_correlations_[name] = check.directions.correlations
            self.separations_[name] = check.auc
        if self.disabled_pairs_:
            names = listed((f"{a!r} with {b!r}" for a, b in self.disabled_pairs_), most=10)
            warn_user(
                f"CCAValidityFilter cannot check {names}: too few training samples have both, one "
                "is constant, or they share nothing on held-out samples. A modality left with no "
                "pair counts as valid wherever it is present.",
            )

    @property
    def _checks(self) -> dict[Pair, PairCheck]:
        return {pair: self.checks_[pair_name(pair)] for pair in self.pairs_}

    def _read_samples(self, X: Any, *, reset: bool) -> tuple[Blocks | FrameTable, PairSamples]:
        table = self._read(X, reset=reset)
        if self.agreement == "time" and isinstance(table, FrameTable):
            return table, frames_to_samples(table)
        if self.agreement == "time" and len(table.modalities) > 1:
            raise ValueError(
                "agreement='time' compares modalities over the frames of a sample and needs a "
                "DataFrame of frames, one object column per modality; X holds numbers."
            )
        return table, vectors_to_samples(*self._reduce(table, self.reading, reset=reset))

    def score_samples(self, X: Any) -> Any:
        """Compute the similarity score of each pair of modalities of each sample.

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
        samples = self._read_samples(X, reset=False)[1]
        scores = score_pairs(samples, self._checks, self.agreement)
        names = [pair_name(pair) for pair in self.pairs_]
        return _like(X, by_row(scores, samples.owners, num_samples(X), "median"), names)

    def predict_validity(self, X: Any) -> Any:
        """Check which modality of which sample is present and kept.

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
        samples = self._read_samples(X, reset=False)[1]
        valid = by_row(self._valid(samples), samples.owners, num_samples(X), "any")
        return _like(X, valid, self.modalities_)

    def _valid(self, samples: PairSamples) -> Mask:
        scores = score_pairs(samples, self._checks, self.agreement)
        thresholds = np.array([self.thresholds_[pair_name(pair)] for pair in self.pairs_])
        valid, margins = decide(scores, thresholds, samples.observed, self.pairs_, self.modalities_)
        if self.fallback == "none":
            return valid
        if self.fallback == "all":
            lost = ~valid.any(axis=1, keepdims=True)
            return np.where(lost, samples.observed, valid)
        if self.priority is not None:
            # A fold may lack a modality that has a rank.
            ranked = [name for name in self.priority if name in self.modalities_]
            confidence = confidence_by_priority(self.modalities_, ranked, len(valid))
        else:
            confidence = confidence_by_typicality(samples, self._checks)
        return keep_best(valid, margins, samples.observed, confidence)

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
        table, samples = self._read_samples(X, reset=False)
        return set_missing(table, self._valid(samples), samples.owners)


def _like(X: Any, values: Any, names: list[str]) -> Any:
    """Return values in the form of X: a DataFrame with its index, or an array."""
    return pd.DataFrame(values, X.index, names) if isinstance(X, pd.DataFrame) else values
