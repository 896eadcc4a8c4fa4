"""Monte Carlo fusion: merge the decisions of modalities by random draws."""

from numbers import Real
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
from emoest.fusion._modality_estimators import PROBA, VOTES, check_answers, out_of_fold
from emoest.fusion._monte_carlo_rules import (
    agreement_rule,
    choose_weights,
    confusion_counts,
    confusion_rule,
    draw_confusions,
    draw_weights,
    mix_weights,
    score_weights,
)
from emoest.fusion._rules import mean_rule, product_rule
from emoest.utils._sklearn import BaseComposition, Interval, StrOptions, fit_context
from emoest.utils.constraints import POSITIVE_INT, POSITIVE_REAL
from emoest.utils.seeds import private_generator
from emoest.utils.typing import Floats

_LEARNS = ("weights", "confusion")


class MonteCarloFusionClassifier(ModalityBases, FusedProba, ClassifierMixin, BaseComposition):
    """One classifier per modality, their decisions merged by a Monte Carlo method.

    Tan et al. merge faces and EEG "by a Monte Carlo method" and do not say which; these are three
    readings (reconstructed, none confirmed), with the sum and the product rule to compare with.
    Missing modalities are left out of each row; a modality that is alone answers for itself (under
    ``"confusion"``, through what is known of its errors); a row with none gets the training prior,
    with a warning.

    Parameters
    ----------
    estimators : list of (str, estimator) or estimator, default=None
        As `LateFusionClassifier`. Bases need ``predict_proba`` (or `calibrate`), except for
        ``"confusion"``.
    strategy : {"weights", "agreement", "confusion", "sum", "product"}, default="weights"
        ``"weights"`` draws weights of the modalities, scores each draw on out-of-fold
        probabilities, and averages the best draws. ``"agreement"`` draws a class from every
        modality and keeps draws in which all agree; it tends to the product rule. ``"confusion"``
        draws confusion matrices from what the bases said out of fold, and weighs the classes by
        them; it uses predicted classes only. ``"sum"`` and ``"product"`` draw nothing.
    n_draws : int, default=10000
        How many draws.
    per_class : bool, default=False
        For ``"weights"``: draw the weights of each class alone.
    keep : "best" or float, default="best"
        For ``"weights"``: average all draws that share the best score, or this share of them.
    scoring : {"uar", "accuracy"}, default="uar"
        For ``"weights"``: what is best.
    alpha : float, default=1.0
        For ``"confusion"``: added to every count before the Dirichlet draws.
    modalities : "auto", list of str or dict, default="auto"
        Which columns belong together; with one modality the base answers alone, with a warning.
    context : list of str, default=()
        Context columns that every base gets beside its modality.
    cv : int, splitter or iterable, default=5
        Inner splits for ``"weights"``, ``"confusion"`` and `calibrate`, by group where there are
        groups. (Tan et al. may have chosen on the trials that they tested; this does not.)
    calibrate : {"sigmoid", "isotonic"}, default=None
        Calibrate each base on inner splits.
    impute : {"mean", "raise"}, default="mean"
        What a partly NaN block of numbers means.
    group_column : str, default=None
        Context column that says which rows belong together in inner splits.
    n_jobs : int, default=None
        Bases fitted at a time (joblib).
    random_state : int, RandomState instance or None, default=None
        Seeds draws, inner splits and every `random_state` of a base that is None. Draws are the
        same in every call of predict.
    verbose : int, default=0
        Passed on to joblib.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The classes, sorted.
    class_prior_ : ndarray of shape (n_classes,)
        Their (weighted) share in training.
    modalities_ : list of str
        The modalities that have a fitted base.
    estimators_ : dict of str to estimator
        The fitted bases.
    weights_ : ndarray of shape (n_modalities, n_classes or 1)
        Of ``"weights"``, with several fitted bases.
    weights_score_ : float
        The best out-of-fold score that a draw reached; optimistic, as it was chosen.
    confusion_ : ndarray of shape (n_modalities, n_classes, n_classes)
        Of ``"confusion"``: out-of-fold counts, true classes in rows.
    grouped_ : bool
        Whether groups were kept apart in inner splits, if there were any.

    Raises
    ------
    ValueError
        As `LateFusionClassifier`.

    Warns
    -----
    UserWarning
        As `LateFusionClassifier`.
    NotSpeakerIndependentWarning
        If inner splits are needed and nothing names groups.

    References
    ----------
    Tan, Sun, Duan, Solé-Casals, Caiafa (2021). Biomedical Signal Processing and
    Control 70, 103029 (faces and EEG; only the abstract could be read).

    Examples
    --------
    >>> import pandas as pd
    >>> X = pd.DataFrame({"face__smile": [0.1, 0.2, 0.8, 0.9], "eeg__alpha": [1.0, 2.0, 8.0, 9.0]})
    >>> model = MonteCarloFusionClassifier(strategy="agreement", random_state=0)
    >>> model.fit(X, ["sad", "sad", "happy", "happy"]).predict(X).tolist()
    ['sad', 'sad', 'happy', 'happy']
    """

    __metadata_request__fit = {"groups": True}

    _parameter_constraints = {
        **CONSTRAINTS,
        **CALIBRATE,
        "strategy": [StrOptions({"weights", "agreement", "confusion", "sum", "product"})],
        "n_draws": [POSITIVE_INT],
        "per_class": ["boolean"],
        "keep": [StrOptions({"best"}), Interval(Real, 0, 1, closed="right")],
        "scoring": [StrOptions({"uar", "accuracy"})],
        "alpha": [POSITIVE_REAL],
    }

    def __init__(
        self,
        estimators=None,
        *,
        strategy="weights",
        n_draws=10000,
        per_class=False,
        keep="best",
        scoring="uar",
        alpha=1.0,
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
        self.strategy = strategy
        self.n_draws = n_draws
        self.per_class = per_class
        self.keep = keep
        self.scoring = scoring
        self.alpha = alpha
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
        """Fit each base on the rows that have its modality, then learn what the draws need.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_samples, n_columns)
            The samples, in any zone.
        y : array-like of shape (n_samples,)
            Their classes.
        sample_weight : array-like of shape (n_samples,), default=None
            Goes to every base (in a Pipeline, to its last step), and weighs scores and counts.
        groups : array-like of shape (n_samples,), default=None
            Who each sample is from, for inner splits and for bases that take groups.

        Returns
        -------
        self : MonteCarloFusionClassifier
        """
        training = read_training(self, X, y, sample_weight, groups)
        bases = make_bases(self, training.table.names)
        plan, seed = make_plan(self, len(bases), VOTES if self.strategy == "confusion" else PROBA)
        check_answers(bases, plan, f"strategy={self.strategy!r}")
        learns = self.strategy in _LEARNS and len(bases) > 1
        if learns or self.calibrate:
            training = with_splits(self, training, seed)
        kept, plan = fit_kept(self, bases, training, plan)
        self._seed = seed
        if learns and len(kept) > 1:
            answers = out_of_fold(kept, training, plan)
            rows = ~np.isnan(answers[..., 0]).all(axis=1)
            weight = training.sample_weight
            weight = np.ones(len(rows)) if weight is None else weight
            learn = self._learn_weights if self.strategy == "weights" else self._learn_confusion
            learn(answers[rows], training.positions()[rows], weight[rows])
        return self

    def _learn_weights(self, answers: Floats, positions: Any, weight: Floats) -> None:
        present = ~np.isnan(answers[..., 0])
        n_classes = len(self.classes_) if self.per_class else 1
        rng = private_generator(self._seed)
        draws = draw_weights(self.n_draws, answers.shape[1], rng, n_classes)
        if self.scoring == "uar":
            size = np.bincount(positions, weight, len(self.classes_))
            weight = weight / np.where(size > 0, size, 1.0)[positions]
        scores = score_weights(draws, answers, present, positions, weight)
        self.weights_ = choose_weights(draws, scores, self.keep)
        self.weights_score_ = float(scores.max())

    def _learn_confusion(self, answers: Floats, positions: Any, weight: Floats) -> None:
        present = ~np.isnan(answers[..., 0])
        self.confusion_ = confusion_counts(answers, present, positions, weight)

    def _fuse(self, answers: Floats, present: Any) -> Floats:
        if self.strategy == "sum":
            return mean_rule(answers, present)
        if self.strategy == "product":
            return product_rule(answers, present)
        rng = private_generator(self._seed)
        if self.strategy == "agreement":
            return agreement_rule(
                answers, present, rng.uniform(size=(self.n_draws, answers.shape[1]))
            )
        if self.strategy == "confusion":
            confusions = draw_confusions(self.confusion_, self.n_draws, rng, self.alpha)
            return confusion_rule(answers, present, self.class_prior_, confusions)
        fused = mix_weights(self.weights_[None], answers, present)[0]
        total = fused.sum(axis=1, keepdims=True)
        return np.divide(fused, total, out=np.full(fused.shape, np.nan), where=total > 0)
