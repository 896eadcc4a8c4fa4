"""Late fusion: one classifier per modality, their predictions fused by a rule or a learner."""

from typing import Any, ClassVar

from sklearn.linear_model import LogisticRegression

from emoest.fusion._late_base import _LateFusionClassifier
from emoest.fusion._rules import LATE_RULES
from emoest.fusion._stacking import _RuleFusion
from emoest.utils._sklearn import HasMethods, StrOptions


class LateFusionClassifier(_RuleFusion, _LateFusionClassifier):
    """One classifier per modality, fused at the level of decisions.

    Each base estimator is trained on the rows that have its modality and gets that modality's
    columns only, be they media, frames or vectors: it may be a whole Pipeline from media to
    classes. At prediction a missing modality has weight zero and the weights of the others are made
    to sum to one; a row with no modality gets the training prior, with a warning.

    Parameters
    ----------
    estimators : list of (str, estimator) or estimator, default=None
        Modalities and their classifiers, ``"drop"`` to leave one out; or one classifier, cloned
        for each modality. None takes ``EarlyFusionClassifier(scoring="neg_log_loss")``: z-scores
        and a logistic regression with a penalty that, where groups are known, gives the best
        probabilities, so that a modality that says nothing takes nothing from the others.
    rule : {"mean", "weighted", "product", "log_pool", "max", "vote", "stacking"}, default="mean"
        How the predictions become one. ``"mean"`` averages probabilities; ``"weighted"`` does with
        `weights`; ``"product"`` multiplies them, ``"log_pool"`` takes their (weighted) geometric
        mean; ``"max"`` takes each class's largest; ``"vote"`` counts predicted classes;
        ties go to the larger sum of probabilities (or of decision scores made to sum to one, or of
        training priors, where a base estimator has no more); ``"stacking"`` trains
        `final_estimator` on out-of-fold probabilities beside one column a modality that says
        whether it is present. The rules are the field's as they stand: on RAVDESS, audio and face,
        by actor, ``"mean"`` and ``"product"`` have 69.9 % UAR, ``"stacking"`` 68.8 and ``"max"``
        66.4, where a logistic regression on both side by side has 71.1
        (``benchmarks/fusion_defaults.py``).
    weights : dict of str to float or array-like of shape (n_modalities,), default=None
        For ``"weighted"`` (needed), ``"log_pool"`` and ``"vote"`` (None: equal), by name or in the
        order of the modalities in X. Not negative, not all zero.
    modalities : "auto", list of str or dict, default="auto"
        Which columns belong together; see `emoest.utils.find_modalities`. With one modality its
        estimator predicts alone, with a warning.
    context : list of str, default=()
        Context columns (such as ``"speaker"``) that every base estimator gets beside its modality.
    cv : int, splitter or iterable, default=5
        Inner splits for ``"stacking"`` and `calibrate`, by group where there are groups.
    final_estimator : estimator, default=None
        Of ``"stacking"``; None takes ``LogisticRegression(max_iter=1000)``.
    calibrate : {"sigmoid", "isotonic"}, default=None
        Calibrate each base estimator on inner splits
        (`sklearn.calibration.CalibratedClassifierCV`). One in a Pipeline gets sample weights, its
        calibrator then does not.
    impute : {"mean", "raise"}, default="mean"
        What a partly NaN block of numbers means: NaN becomes the column's training mean, or an
        error.
    group_column : str, default=None
        Context column that says which rows belong together in inner splits; ``groups`` given to
        fit come first, an index level ``group`` last.
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
        The modalities that have a fitted estimator.
    estimators_ : dict of str to estimator
        The fitted estimators.
    final_estimator_ : estimator
        Of stacking, with several fitted estimators.
    weights_ : ndarray of shape (n_modalities,) or None
        Weights of the fitted estimators.
    grouped_ : bool
        Whether groups were kept apart in inner splits, if there were any.
    seen_groups_ : list or None
        Groups of the training samples; None where nothing named any.

    Raises
    ------
    ValueError
        In fit, naming the modality and the remedy: if a name is unknown, a modality has no
        estimator, weights are unfit, or a base estimator lacks what the rule needs or takes no
        sample_weight that was given.

    Warns
    -----
    UserWarning
        If there is one modality only, if a modality is missing in all training rows or present in
        one class only (it is left out), or if a row to predict has no modality.
    NotSpeakerIndependentWarning
        If inner splits are needed and nothing names groups.

    Notes
    -----
    Some rules need only numbers that rank classes: for mean, weighted, max and stacking an
    estimator without ``predict_proba`` gives the sigmoid or softmax of its ``decision_function``,
    which is no calibrated probability. For product and log-pool it raises. A class that an
    estimator has not seen has probability 0 there (1e-6 in a logarithm).

    References
    ----------
    J. Kittler, M. Hatef, R. P. W. Duin, J. Matas (1998). On combining classifiers. IEEE TPAMI 20.

    D. H. Wolpert (1992). Stacked generalization. Neural Networks 5.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.svm import SVC
    >>> X = pd.DataFrame(
    ...     {"audio__f0": [1.0, 2.0, 8.0, 9.0], "face__smile": [0.1, 0.2, 0.8, np.nan]}
    ... )
    >>> y = ["sad", "sad", "happy", "happy"]
    >>> model = LateFusionClassifier([("audio", LogisticRegression()), ("face", SVC())])
    >>> model.fit(X, y).predict(X).tolist()
    ['sad', 'sad', 'happy', 'happy']
    >>> model.set_params(audio__C=0.1).get_params()["audio__C"]
    0.1
    """

    _default_final: ClassVar[Any] = LogisticRegression(max_iter=1000)

    _parameter_constraints = {
        **_LateFusionClassifier._parameter_constraints,
        **_RuleFusion._parameter_constraints,
        "rule": [StrOptions({*LATE_RULES, "stacking"})],
        "final_estimator": [HasMethods(["fit", "predict_proba"]), None],
    }

    def __init__(
        self,
        estimators=None,
        *,
        rule="mean",
        weights=None,
        modalities="auto",
        context=(),
        cv=5,
        final_estimator=None,
        calibrate=None,
        impute="mean",
        group_column=None,
        n_jobs=None,
        random_state=None,
        verbose=0,
    ):
        self.estimators = estimators
        self.rule = rule
        self.weights = weights
        self.modalities = modalities
        self.context = context
        self.cv = cv
        self.final_estimator = final_estimator
        self.calibrate = calibrate
        self.impute = impute
        self.group_column = group_column
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose
