"""Late fusion of ratings: one regressor per modality."""

from typing import Any

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.linear_model import Ridge
from sklearn.utils.validation import check_is_fitted

from emoest.fusion._late_base import (
    CONSTRAINTS,
    ModalityBases,
    fill_rows,
    fit_kept,
    make_bases,
    make_plan,
    read_training,
    with_splits,
)
from emoest.fusion._modality_estimators import VALUES, ask_all, out_of_fold
from emoest.fusion._rules import mean_rule
from emoest.fusion._stacking import check_weights, fit_final, kept_weights, stacked
from emoest.tables.samples import read_table
from emoest.utils._sklearn import BaseComposition, HasMethods, StrOptions, fit_context
from emoest.utils.typing import Floats


class LateFusionRegressor(ModalityBases, RegressorMixin, BaseComposition):
    """One regressor per modality, fused at the level of predictions.

    The counterpart of `LateFusionClassifier` for ratings such as valence: each base is trained on
    the rows that have its modality; at prediction a missing modality has weight zero and the others
    are made to sum to one; a row with no modality gets the training mean, with a warning.

    Parameters
    ----------
    estimators : list of (str, estimator) or estimator, default=None
        Modalities and their regressors, ``"drop"`` to leave one out; or one regressor, cloned for
        each modality. None takes ``Ridge()``.
    rule : {"mean", "weighted", "stacking"}, default="mean"
        Average, average with `weights`, or `final_estimator` trained on out-of-fold predictions
        beside one column a modality that says whether it is present.
    weights : dict of str to float or array-like of shape (n_modalities,), default=None
        For ``"weighted"``, by name or in the order of the modalities in X.
    modalities : "auto", list of str or dict, default="auto"
        Which columns belong together; with one modality the base answers alone, with a warning.
    context : list of str, default=()
        Context columns that every base gets beside its modality.
    cv : int, splitter or iterable, default=5
        Inner splits for ``"stacking"``, by group where there are groups.
    final_estimator : estimator, default=None
        Of ``"stacking"``; None takes ``Ridge()``.
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
    mean_ : float
        The (weighted) mean of the training target.
    modalities_ : list of str
        The modalities that have a fitted base.
    estimators_ : dict of str to estimator
        The fitted bases.
    final_estimator_ : estimator
        Of stacking, with several fitted bases.
    weights_ : ndarray of shape (n_modalities,) or None
        Weights of the fitted bases.
    grouped_ : bool
        Whether groups were kept apart in inner splits, if there were any.

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

    __metadata_request__fit = {"groups": True}

    _parameter_constraints = {
        **CONSTRAINTS,
        "rule": [StrOptions({"mean", "weighted", "stacking"})],
        "weights": [dict, "array-like", None],
        "final_estimator": [HasMethods(["fit", "predict"]), None],
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

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: Any, y: Any, sample_weight: Any = None, groups: Any = None) -> Any:
        """Fit each base on the rows that have its modality.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_samples, n_columns)
            The samples, in any zone.
        y : array-like of shape (n_samples,)
            Their ratings.
        sample_weight : array-like of shape (n_samples,), default=None
            Goes to every base (in a Pipeline, to its last step), and to `final_estimator`.
        groups : array-like of shape (n_samples,), default=None
            Who each sample is from, for inner splits and for bases that take groups.

        Returns
        -------
        self : LateFusionRegressor
        """
        training = read_training(self, X, y, sample_weight, groups, classifier=False)
        self.mean_ = float(np.average(training.y, weights=training.sample_weight))
        bases = make_bases(self, training.table.names, default=Ridge())
        plan, seed = make_plan(self, len(bases), VALUES)
        weights = check_weights(self.rule, self.weights, [base.name for base in bases])
        stacks = self.rule == "stacking" and len(bases) > 1
        if stacks:
            training = with_splits(self, training, seed)
        kept, plan = fit_kept(self, bases, training, plan)
        self.weights_ = kept_weights(weights, self.modalities_)
        if stacks and len(kept) > 1:
            answers = out_of_fold(kept, training, plan)
            final = self.final_estimator or Ridge()
            self.final_estimator_ = fit_final(final, answers, self.mean_, training, seed)
        return self

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
        check_is_fitted(self)
        table, _ = read_table(self, X, layout=self.layout_, classifier=False)
        answers = ask_all(self.branches_, table, None)
        present = ~np.isnan(answers[..., 0])
        if len(self.branches_) > 1 and self.rule == "stacking":
            fused = stacked(self.final_estimator_, answers, present, self.mean_)
        else:
            fused = mean_rule(answers, present, self.weights_)
        return fill_rows(fused, self.mean_, table, "training mean")[:, 0]
