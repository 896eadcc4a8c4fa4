"""Monte Carlo fusion: merge the predictions of modalities by random sampling."""

from numbers import Real
from typing import Any

import numpy as np

from emoest.fusion._late_base import _LateFusionClassifier
from emoest.fusion._modality_estimators import ModalityEstimator, Training
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
from emoest.fusion._rules import PROBA, VOTES
from emoest.utils._sklearn import Interval, StrOptions
from emoest.utils.constraints import POSITIVE_INT, POSITIVE_REAL
from emoest.utils.seeds import private_generator
from emoest.utils.typing import Floats


class MonteCarloFusionClassifier(_LateFusionClassifier):
    """One classifier per modality, their predictions merged by a Monte Carlo method.

    Tan et al. merge faces and EEG "by a Monte Carlo method" and do not say which; these are three
    readings (reconstructed, none confirmed). The sum and the product rule to compare with are
    `LateFusionClassifier`'s ``rule="mean"`` and ``rule="product"``. Missing modalities are left out
    of each row; a modality that is alone is taken as it is (under ``"confusion"``, through what is
    known of its errors); a row with none gets the training prior, with a warning.

    Weights are averaged over the quarter of the samples that give the true classes the highest
    probabilities, and probabilities geometrically: the single best weights by UAR
    (``scoring="uar", keep="best", pool="linear"``) follow chance where speakers are few. On
    RAVDESS, audio and face, by actor, a logistic regression on both side by side has 71.1 % UAR,
    ``"weights"`` 69.1 (68.0 with the single best), ``"agreement"`` 69.9 and ``"confusion"``, which
    stands as it was read, 62.5 (``benchmarks/fusion_defaults.py``).

    Parameters
    ----------
    estimators : list of (str, estimator) or estimator, default=None
        As `LateFusionClassifier`. They need ``predict_proba`` (or `calibrate`), except for
        ``"confusion"``.
    strategy : {"weights", "agreement", "confusion"}, default="weights"
        ``"weights"`` samples weights of the modalities, scores each sample on out-of-fold
        probabilities, and averages the best ones. ``"agreement"`` samples a class from every
        modality and keeps samples in which all are the same; it tends to the product rule.
        ``"confusion"`` samples confusion matrices from the out-of-fold predictions, and weighs the
        classes by them; it uses predicted classes only.
    n_draws : int, default=10000
        Number of Monte Carlo samples.
    per_class : bool, default=False
        For ``"weights"``: sample the weights of each class alone.
    keep : "best" or float, default=0.25
        For ``"weights"``: average all samples with the best score, or this proportion of them.
    pool : {"log", "linear"}, default="log"
        For ``"weights"``: the weighted geometric mean of the probabilities, normalized, or the
        arithmetic one.
    scoring : {"neg_log_loss", "uar", "accuracy"}, default="neg_log_loss"
        For ``"weights"``: what is best: the logarithm of the true class's probability, averaged
        over the samples of a class and then over the classes; UAR; or accuracy.
    alpha : float, default=1.0
        For ``"confusion"``: added to every count of the Dirichlet distributions.
    modalities : "auto", list of str or dict, default="auto"
        Which columns belong together; with one modality its estimator predicts alone, with a
        warning.
    context : list of str, default=()
        Context columns that every base estimator gets beside its modality.
    cv : int, splitter or iterable, default=5
        Inner splits for ``"weights"``, ``"confusion"`` and `calibrate`, by group where there are
        groups. (Tan et al. may have chosen on the trials that they tested; this does not.)
    calibrate : {"sigmoid", "isotonic"}, default=None
        Calibrate each base estimator on inner splits.
    impute : {"mean", "raise"}, default="mean"
        What a partly NaN block of numbers means.
    group_column : str, default=None
        Context column that says which rows belong together in inner splits.
    n_jobs : int, default=None
        Base estimators fitted at a time (joblib).
    random_state : int, RandomState instance or None, default=None
        Seeds Monte Carlo samples, inner splits and every `random_state` of a base estimator that is
        None. The samples are the same in every call of predict.
    verbose : int, default=0
        Passed on to joblib.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The classes, sorted.
    class_prior_ : ndarray of shape (n_classes,)
        Their (weighted) proportion in training.
    modalities_ : list of str
        The modalities that have a fitted estimator.
    estimators_ : dict of str to estimator
        The fitted estimators.
    weights_ : ndarray of shape (n_modalities, n_classes or 1)
        Of ``"weights"``, with several fitted estimators.
    weights_score_ : float
        The best out-of-fold score of a sample; optimistic, as it was chosen.
    confusion_ : ndarray of shape (n_modalities, n_classes, n_classes)
        Of ``"confusion"``: out-of-fold counts, true classes in rows.
    grouped_ : bool
        Whether groups were kept apart in inner splits, if there were any.
    seen_groups_ : list or None
        Groups of the training samples; None where nothing named any.

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

    _parameter_constraints = {
        **_LateFusionClassifier._parameter_constraints,
        "strategy": [StrOptions({"weights", "agreement", "confusion"})],
        "n_draws": [POSITIVE_INT],
        "per_class": ["boolean"],
        "keep": [StrOptions({"best"}), Interval(Real, 0, 1, closed="right")],
        "pool": [StrOptions({"log", "linear"})],
        "scoring": [StrOptions({"neg_log_loss", "uar", "accuracy"})],
        "alpha": [POSITIVE_REAL],
    }

    def __init__(
        self,
        estimators=None,
        *,
        strategy="weights",
        n_draws=10000,
        per_class=False,
        keep=0.25,
        pool="log",
        scoring="neg_log_loss",
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
        self.pool = pool
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

    def _needs(self) -> tuple[str, str]:
        output = VOTES if self.strategy == "confusion" else PROBA
        return output, f"strategy={self.strategy!r}"

    def _learns_fusion(self) -> bool:
        return self.strategy != "agreement"

    def _fit_fusion(self, training: Training, estimators: list[ModalityEstimator]) -> None:
        kept = self._fit_modalities(training, estimators)
        # Kept, and not the samples: a pickle stays small, and every predict draws the same ones.
        self._seed = training.seed
        if not self._learns_fusion() or len(kept) == 1:
            return
        predictions = self._out_of_fold(training, kept)
        present = ~np.isnan(predictions[..., 0])
        rows = present.any(axis=1)
        weight = training.sample_weight
        weight = np.ones(len(rows)) if weight is None else weight
        known = predictions[rows], present[rows], training.positions()[rows], weight[rows]
        if self.strategy == "confusion":
            self.confusion_ = confusion_counts(*known)
        else:
            self._learn_weights(*known)

    def _learn_weights(
        self, predictions: Floats, present: Any, positions: Any, weight: Floats
    ) -> None:
        n_classes = len(self.classes_) if self.per_class else 1
        rng = private_generator(self._seed)
        samples = draw_weights(self.n_draws, predictions.shape[1], rng, n_classes)
        if self.scoring != "accuracy":
            size = np.bincount(positions, weight, len(self.classes_))
            weight = weight / np.where(size > 0, size, 1.0)[positions]
        log = self.scoring == "neg_log_loss"
        scores = score_weights(
            samples, predictions, present, positions, weight, pool=self.pool, log=log
        )
        self.weights_ = choose_weights(samples, scores, self.keep)
        self.weights_score_ = float(scores.max())

    def _fuse(self, predictions: Floats, present: Any) -> Floats:
        rng = private_generator(self._seed)
        if self.strategy == "agreement":
            uniforms = rng.uniform(size=(self.n_draws, predictions.shape[1]))
            return agreement_rule(predictions, present, uniforms)
        if self.strategy == "confusion":
            confusions = draw_confusions(self.confusion_, self.n_draws, rng, self.alpha)
            return confusion_rule(predictions, present, self.class_prior_, confusions)
        fused = mix_weights(self.weights_[None], predictions, present, self.pool)[0]
        total = fused.sum(axis=1, keepdims=True)
        return np.divide(fused, total, out=np.full(fused.shape, np.nan), where=total > 0)
