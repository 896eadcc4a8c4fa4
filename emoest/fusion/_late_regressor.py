"""Late fusion of continuous targets: one regressor per modality."""

from typing import Any, ClassVar

from sklearn.base import RegressorMixin
from sklearn.linear_model import Ridge

from emoest.fusion._early import as_one_block
from emoest.fusion._early_regressor import EarlyFusionRegressor, MeanOfTraining
from emoest.fusion._late_base import _LateFusion
from emoest.fusion._rules import LATE_RULES, VALUES
from emoest.fusion._stacking import _RuleFusion
from emoest.utils._sklearn import HasMethods, StrOptions
from emoest.utils.typing import Floats

_RULES = {name for name, rule in LATE_RULES.items() if rule.fuses_numbers}


class LateFusionRegressor(RegressorMixin, MeanOfTraining, _RuleFusion):
    """One regressor per modality, fused at the level of predictions.

    The counterpart of `LateFusionClassifier` for continuous targets such as valence: each base
    estimator is trained on the rows that have its modality; at prediction a missing modality has
    weight zero and the others are made to sum to one; a row with no modality gets the training
    mean, with a warning.

    Parameters
    ----------
    estimators : list of (str, estimator) or estimator, default=None
        Modalities and their regressors, ``"drop"`` to leave one out; or one regressor, cloned for
        each modality. None takes `EarlyFusionRegressor` with its defaults: z-scores and a ridge
        regression.
    rule : {"mean", "weighted", "stacking"}, default="mean"
        Average, average with `weights`, or `final_estimator` trained on out-of-fold predictions
        beside one column a modality that says whether it is present.
    weights : dict of str to float or array-like of shape (n_modalities,), default=None
        For ``"weighted"``, by name or in the order of the modalities in X.
    modalities : "auto", list of str or dict, default="auto"
        Which columns belong together; with one modality its estimator predicts alone, with a
        warning.
    context : list of str, default=()
        Context columns that every base estimator gets beside its modality.
    cv : int, splitter or iterable, default=5
        Inner splits for ``"stacking"``, by group where there are groups.
    final_estimator : estimator, default=None
        Of ``"stacking"``; None takes ``Ridge()``.
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
    mean_ : float
        The (weighted) mean of the training target.
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
        As `LateFusionClassifier`.

    References
    ----------
    L. Breiman (1996). Stacked regressions. Machine Learning 24.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> X = pd.DataFrame({"audio__f0": [1.0, 2.0, 3.0], "text__w": [2.0, 4.0, np.nan]})
    >>> model = LateFusionRegressor(Ridge(alpha=1e-9)).fit(X, [1.0, 2.0, 3.0])
    >>> model.predict(X).round(3).tolist()
    [1.0, 2.0, 3.0]
    """

    _parameter_constraints = {
        **_LateFusion._parameter_constraints,
        **_RuleFusion._parameter_constraints,
        "rule": [StrOptions({*_RULES, "stacking"})],
        "final_estimator": [HasMethods(["fit", "predict"]), None],
    }

    _default_estimator: ClassVar[Any] = as_one_block(EarlyFusionRegressor)
    _default_final: ClassVar[Any] = Ridge()
    _prior_name: ClassVar[str] = "training mean"

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
        self.impute = impute
        self.group_column = group_column
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    def _needs(self) -> tuple[str, str]:
        return VALUES, f"rule={self.rule!r}"

    def predict(self, X: Any) -> Floats:
        """Fuse the predictions of the modalities that each row has.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_samples, n_columns)
            The samples.

        Returns
        -------
        y_pred : ndarray of shape (n_samples,)
        """
        return self._predictions(X)[:, 0]
