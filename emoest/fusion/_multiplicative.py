"""Multiplicative fusion: a modality's error counts less where others are already right."""

from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np

from emoest.fusion._late_base import _LateFusionClassifier
from emoest.fusion._modality_estimators import ModalityEstimator, Training
from emoest.fusion._rules import MULTIPLICATIVE_RULES, PROBA, SAMPLE_WEIGHTS
from emoest.utils._sklearn import StrOptions
from emoest.utils.constraints import NON_NEGATIVE_REAL, POSITIVE_INT
from emoest.utils.routing import fit_parameter
from emoest.utils.typing import Floats
from emoest.utils.warn import warn_user


class MultiplicativeFusionClassifier(_LateFusionClassifier):
    """One classifier per modality, fused by a product that forgives the weaker ones.

    The multiplicative combination of Liu et al. for ready-made classifiers: the class of the least
    ``- sum_i q_ic log p_ic`` wins, where ``q_ic = prod_{j != i} (1 - p_jc) ** (beta / (M - 1))``
    makes modality i's term small where another modality already recognizes the class. Missing
    modalities are left out of sums and products, and M counts those present; one alone is taken as
    it is; a row with none gets the training prior, with a warning. The formula is the paper's as it
    stands; against a logistic regression on all columns it lost 2 points of UAR on RAVDESS, audio
    and face, and at most 2.6 on three other tasks (``benchmarks/fusion_defaults.py``).

    Parameters
    ----------
    estimators : list of (str, estimator) or estimator, default=None
        As `LateFusionClassifier`. They need ``predict_proba`` (or `calibrate`).
    rule : {"liu", "confidence", "m3er_min_loss"}, default="liu"
        ``"liu"`` is the above. ``"confidence"`` multiplies the modalities to the power
        ``max_c p_ic ** (beta / (M - 1))``, a sound reading of M3ER's "boost what is right".
        ``"m3er_min_loss"`` takes the class of the least M3ER loss to the letter; it is unsound, as
        that loss also vanishes for a class of probability 0, and warns: on RAVDESS, audio and face,
        by actor, it has 27.0 % UAR where ``"liu"`` has 69.1 (``benchmarks/fusion_defaults.py``).
    beta : float, default=0.5
        Strength of the weights; 0 makes ``"liu"`` and ``"confidence"`` the product rule.
    mixtures : bool, default=False
        Train a classifier for every subset of modalities (their columns side by side) and fuse all
        2 ** M - 1 of them. Needs one estimator, not a list.
    reweight : {"liu", "m3er"}, default=None
        Refit the estimators with sample weights from out-of-fold probabilities of the true class,
        the counterpart of the losses: ``"liu"`` weighs a sample less that other modalities get
        right, ``"m3er"`` more that the modality itself gets right.
    n_reweight_iter : int, default=3
        How often.
    modalities : "auto", list of str or dict, default="auto"
        Which columns belong together; with one modality its estimator predicts alone, with a
        warning.
    context : list of str, default=()
        Context columns that every base estimator gets beside its modality.
    cv : int, splitter or iterable, default=5
        Inner splits for `reweight` and `calibrate`, by group where there are groups.
    calibrate : {"sigmoid", "isotonic"}, default=None
        Calibrate each base estimator on inner splits.
    impute : {"mean", "raise"}, default="mean"
        What a partly NaN block of numbers means.
    group_column : str, default=None
        Context column that says which rows belong together in inner splits.
    n_jobs : int, default=None
        Base estimators fitted at a time (joblib).
    random_state : int, RandomState instance or None, default=None
        Seeds inner splits and every `random_state` of a base estimator that is None.
    verbose : int, default=0
        Passed on to joblib.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The classes, sorted.
    class_prior_ : ndarray of shape (n_classes,)
        Their (weighted) proportion in training.
    modalities_ : list of str
        The modalities (or subsets of them, ``"audio+face"``) that have a fitted estimator.
    estimators_ : dict of str to estimator
        The fitted estimators.
    sample_weights_ : ndarray of shape (n_samples, n_estimators)
        The last factors of `reweight`.
    grouped_ : bool
        Whether groups were kept apart in inner splits, if there were any.
    seen_groups_ : list or None
        Groups of the training samples; None where nothing named any.

    Raises
    ------
    ValueError
        As `LateFusionClassifier`; also if `mixtures` meets a list of estimators, or `reweight` one
        that takes no sample_weight.

    Warns
    -----
    UserWarning
        As `LateFusionClassifier`; also for ``rule="m3er_min_loss"``.

    Notes
    -----
    The published methods train networks with these losses; what is done here with fixed classifiers
    (the decision rule, the subsets by concatenation, `reweight`) is a reconstruction for any
    scikit-learn model. Calibration matters: the product believes every probability.

    References
    ----------
    K. Liu, Y. Li, N. Xu, P. Natarajan (2018). Learn to combine modalities in multimodal deep
    learning. arXiv:1805.11730, multiplicative combination and its mixture version.

    T. Mittal, U. Bhattacharya, R. Chandra, A. Bera, D. Manocha (2020). M3ER. AAAI, equation 3.

    Examples
    --------
    >>> import pandas as pd
    >>> X = pd.DataFrame({"audio__f0": [1.0, 2.0, 8.0, 9.0], "face__smile": [0.1, 0.2, 0.8, 0.9]})
    >>> model = MultiplicativeFusionClassifier().fit(X, ["sad", "sad", "happy", "happy"])
    >>> model.predict(X).tolist()
    ['sad', 'sad', 'happy', 'happy']
    """

    _parameter_constraints = {
        **_LateFusionClassifier._parameter_constraints,
        "rule": [StrOptions(set(MULTIPLICATIVE_RULES))],
        "beta": [NON_NEGATIVE_REAL],
        "mixtures": ["boolean"],
        "reweight": [StrOptions(set(SAMPLE_WEIGHTS)), None],
        "n_reweight_iter": [POSITIVE_INT],
    }

    def __init__(
        self,
        estimators=None,
        *,
        rule="liu",
        beta=0.5,
        mixtures=False,
        reweight=None,
        n_reweight_iter=3,
        modalities="auto",
        context=(),
        cv=5,
        calibrate=None,
        impute="mean",
        group_column=None,
        n_jobs=None,
        random_state=None,
        verbose=0,
    ):
        self.estimators = estimators
        self.rule = rule
        self.beta = beta
        self.mixtures = mixtures
        self.reweight = reweight
        self.n_reweight_iter = n_reweight_iter
        self.modalities = modalities
        self.context = context
        self.cv = cv
        self.calibrate = calibrate
        self.impute = impute
        self.group_column = group_column
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    def _needs(self) -> tuple[str, str]:
        return PROBA, type(self).__name__

    def _learns_fusion(self) -> bool:
        return self.reweight is not None

    def _make_estimators(self, names: Any) -> list[ModalityEstimator]:
        estimators = super()._make_estimators(names)
        if not self.mixtures:
            return estimators
        if isinstance(self.estimators, list):
            raise ValueError(
                "mixtures=True trains one classifier on every subset of modalities, so it needs "
                "one estimator that is cloned, not a list of named ones."
            )
        return join_subsets(estimators)

    def _fit_fusion(self, training: Training, estimators: list[ModalityEstimator]) -> None:
        if self.rule == "m3er_min_loss":
            warn_user(
                "rule='m3er_min_loss' prefers classes that all modalities exclude to classes that "
                "they find likely; it is here for demonstration. Use 'liu' or 'confidence'.",
            )
        factors = None
        if self.reweight is not None and len(estimators) > 1:
            _check_reweight(estimators)
            factors = self.sample_weights_ = self._reweighting(training, estimators)
        self._fit_modalities(training, estimators, factors)

    def _reweighting(self, training: Training, estimators: list[ModalityEstimator]) -> Floats:
        """Iterate: out-of-fold probabilities of the true class, then weights from them."""
        rows = np.arange(len(training.y))
        factors = np.ones((len(rows), len(estimators)))
        for _ in range(self.n_reweight_iter):
            predictions = self._out_of_fold(training, estimators, factors)
            true_proba = predictions[rows, :, training.positions()]
            present = ~np.isnan(true_proba)
            factors = SAMPLE_WEIGHTS[self.reweight](
                true_proba, present, self.beta, training.sample_weight
            )
        return factors

    def _fuse(self, predictions: Floats, present: Any) -> Floats:
        return MULTIPLICATIVE_RULES[self.rule](predictions, present, self.beta)


def join_subsets(estimators: list[ModalityEstimator]) -> list[ModalityEstimator]:
    """Make an estimator of every non-empty subset of modalities, the small ones first.

    Examples
    --------
    >>> pair = [ModalityEstimator("a", ("a",), None), ModalityEstimator("b", ("b",), None)]
    >>> [each.name for each in join_subsets(pair)]
    ['a', 'b', 'a+b']
    """
    names = [each.name for each in estimators]
    return [
        replace(estimators[0], name="+".join(members), members=members)
        for size in range(1, len(names) + 1)
        for members in combinations(names, size)
    ]


def _check_reweight(estimators: list[ModalityEstimator]) -> None:
    for each in estimators:
        if fit_parameter(each.estimator, "sample_weight") is None:
            raise ValueError(
                "reweight needs base estimators that take sample_weight; that of modality "
                f"{each.name!r} ({type(each.estimator).__name__}) takes none. Pass reweight=None, "
                "or another base estimator."
            )
