"""Multiplicative fusion: a modality's error counts less where others are already right."""

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin

from emoest.fusion._late_base import (
    CALIBRATE,
    CONSTRAINTS,
    FusedProba,
    ModalityBases,
    fit_kept,
    make_bases,
    make_plan,
    read_training,
    with_splits,
)
from emoest.fusion._modality_estimators import (
    PROBA,
    Base,
    Plan,
    Training,
    check_answers,
    out_of_fold,
)
from emoest.fusion._rules import (
    confidence_rule,
    liu_rule,
    liu_sample_weights,
    m3er_min_loss_rule,
    m3er_sample_weights,
)
from emoest.utils._sklearn import BaseComposition, StrOptions, fit_context
from emoest.utils.constraints import NON_NEGATIVE_REAL, POSITIVE_INT
from emoest.utils.routing import fit_parameter
from emoest.utils.typing import Floats
from emoest.utils.warn import warn_user

_RULES = {
    "liu": liu_rule,
    "confidence": confidence_rule,
    "m3er_min_loss": m3er_min_loss_rule,
}
_SAMPLE_WEIGHTS = {"liu": liu_sample_weights, "m3er": m3er_sample_weights}


class MultiplicativeFusionClassifier(ModalityBases, FusedProba, ClassifierMixin, BaseComposition):
    """One classifier per modality, fused by a product that forgives the weaker ones.

    The multiplicative combination of Liu et al. for ready-made classifiers: the class of the least
    ``- sum_i q_ic log p_ic`` wins, where ``q_ic = prod_{j != i} (1 - p_jc) ** (beta / (M - 1))``
    makes modality i's term small where another modality already recognizes the class. Missing
    modalities are left out of sums and products, and M counts those present; one alone answers for
    itself; a row with none gets the training prior, with a warning.

    Parameters
    ----------
    estimators : list of (str, estimator) or estimator, default=None
        As `LateFusionClassifier`. Bases need ``predict_proba`` (or `calibrate`).
    rule : {"liu", "confidence", "m3er_min_loss"}, default="liu"
        ``"liu"`` is the above. ``"confidence"`` multiplies the modalities to the power
        ``max_c p_ic ** (beta / (M - 1))``, a sound reading of M3ER's "boost what is right".
        ``"m3er_min_loss"`` takes the class of the least M3ER loss to the letter; it is unsound, as
        that loss also vanishes for a class of probability 0, and warns.
    beta : float, default=0.5
        Strength of the weights; 0 makes ``"liu"`` and ``"confidence"`` the product rule.
    mixtures : bool, default=False
        Train a classifier for every subset of modalities (their columns side by side) and fuse all
        2 ** M - 1 of them. Needs one estimator, not a list.
    reweight : {"liu", "m3er"}, default=None
        Refit the bases with sample weights from out-of-fold probabilities of the true class, the
        counterpart of the losses: ``"liu"`` weighs a sample less that other modalities get right,
        ``"m3er"`` more that the modality itself gets right.
    n_reweight_iter : int, default=3
        How often.
    modalities : "auto", list of str or dict, default="auto"
        Which columns belong together; with one modality the base answers alone, with a warning.
    context : list of str, default=()
        Context columns that every base gets beside its modality.
    cv : int, splitter or iterable, default=5
        Inner splits for `reweight` and `calibrate`, by group where there are groups.
    calibrate : {"sigmoid", "isotonic"}, default=None
        Calibrate each base on inner splits.
    impute : {"mean", "raise"}, default="mean"
        What a partly NaN block of numbers means.
    group_column : str, default=None
        Context column that says which rows belong together in inner splits.
    n_jobs : int, default=None
        Bases fitted at a time (joblib).
    random_state : int, RandomState instance or None, default=None
        Seeds inner splits and every `random_state` of a base that is None.
    verbose : int, default=0
        Passed on to joblib.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The classes, sorted.
    class_prior_ : ndarray of shape (n_classes,)
        Their (weighted) share in training.
    modalities_ : list of str
        The modalities (or mixtures, ``"audio+face"``) that have a fitted base.
    estimators_ : dict of str to estimator
        The fitted bases.
    sample_weights_ : ndarray of shape (n_samples, n_bases)
        The last factors of `reweight`.
    grouped_ : bool
        Whether groups were kept apart in inner splits, if there were any.

    Raises
    ------
    ValueError
        As `LateFusionClassifier`; also if `mixtures` meets a list of estimators, or `reweight` a
        base that takes no sample_weight.

    Warns
    -----
    UserWarning
        As `LateFusionClassifier`; also for ``rule="m3er_min_loss"``.

    Notes
    -----
    The published methods train networks with these losses; what is done here with fixed classifiers
    (the decision rule, the mixtures by concatenation, `reweight`) is a reconstruction for any
    scikit-learn model. Calibrated bases matter: the product believes every probability.

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

    __metadata_request__fit = {"groups": True}

    _parameter_constraints = {
        **CONSTRAINTS,
        **CALIBRATE,
        "rule": [StrOptions(set(_RULES))],
        "beta": [NON_NEGATIVE_REAL],
        "mixtures": ["boolean"],
        "reweight": [StrOptions(set(_SAMPLE_WEIGHTS)), None],
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

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: Any, y: Any, sample_weight: Any = None, groups: Any = None) -> Any:
        """Fit each base on the rows that have its modality (or all of its mixture).

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_samples, n_columns)
            The samples, in any zone.
        y : array-like of shape (n_samples,)
            Their classes.
        sample_weight : array-like of shape (n_samples,), default=None
            Goes to every base (in a Pipeline, to its last step).
        groups : array-like of shape (n_samples,), default=None
            Who each sample is from, for inner splits and for bases that take groups.

        Returns
        -------
        self : MultiplicativeFusionClassifier
        """
        training = read_training(self, X, y, sample_weight, groups)
        bases = make_bases(self, training.table.names)
        if self.mixtures:
            bases = mix(bases, isinstance(self.estimators, list))
        plan, seed = make_plan(self, len(bases), PROBA)
        check_answers(bases, plan, type(self).__name__)
        if self.rule == "m3er_min_loss":
            warn_user(
                "rule='m3er_min_loss' prefers classes that all modalities exclude to classes that "
                "they find likely; it is here for demonstration. Use 'liu' or 'confidence'.",
            )
        refits = self.reweight is not None and len(bases) > 1
        if refits:
            _check_reweight(bases)
        if refits or self.calibrate:
            training = with_splits(self, training, seed)
        if refits:
            self.sample_weights_ = self._reweighting(bases, training, plan)
        fit_kept(self, bases, training, plan, self.sample_weights_ if refits else None)
        return self

    def _reweighting(self, bases: Sequence[Base], training: Training, plan: Plan) -> Floats:
        """Iterate: out-of-fold probabilities of the true class, then weights from them."""
        rows = np.arange(len(training.y))
        factors = np.ones((len(rows), len(bases)))
        for _ in range(self.n_reweight_iter):
            answers = out_of_fold(bases, training, plan, factors)
            true_proba = answers[rows, :, training.positions()]
            present = ~np.isnan(true_proba)
            factors = _SAMPLE_WEIGHTS[self.reweight](
                true_proba, present, self.beta, training.sample_weight
            )
        return factors

    def _fuse(self, answers: Floats, present: Any) -> Floats:
        return _RULES[self.rule](answers, present, self.beta)


def mix(bases: Sequence[Base], listed: bool) -> list[Base]:
    """Make a base of every non-empty subset of modalities, the small ones first.

    Examples
    --------
    >>> [base.name for base in mix([Base("a", ("a",), None), Base("b", ("b",), None)], False)]
    ['a', 'b', 'a+b']
    """
    if listed:
        raise ValueError(
            "mixtures=True trains one classifier on every subset of modalities, so it needs one "
            "estimator that is cloned, not a list of named ones."
        )
    names = [base.name for base in bases]
    return [
        Base("+".join(members), members, bases[0].estimator)
        for size in range(1, len(names) + 1)
        for members in combinations(names, size)
    ]


def _check_reweight(bases: Sequence[Base]) -> None:
    for base in bases:
        if fit_parameter(base.estimator, "sample_weight") is None:
            raise ValueError(
                f"reweight needs bases that take sample_weight; that of modality {base.name!r} "
                f"({type(base.estimator).__name__}) takes none. Pass reweight=None, or another "
                "base."
            )
