"""Several targets: one model each."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from joblib import Parallel, delayed
from sklearn.base import BaseEstimator, MetaEstimatorMixin, clone
from sklearn.utils import Tags, check_consistent_length, get_tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from emoest.tables.conversion import explained_conversion
from emoest.tables.groups import GROUP_LEVEL, remember_groups, resolve_groups
from emoest.utils import constraints
from emoest.utils._sklearn import HasMethods, fit_context, is_fitted, num_samples
from emoest.utils.routing import fit_parameters

__all__ = ["MultiTarget"]


def _models_have(method: str) -> Any:
    """Check whether the models, or before `fit` the estimator, have a method."""

    def check(self: "MultiTarget") -> bool:
        models = self.estimators_.values() if is_fitted(self) else [self.estimator]
        return all(hasattr(model, method) for model in models)

    return check


class MultiTarget(MetaEstimatorMixin, BaseEstimator):
    """Fit one clone of an estimator for each target, for example for valence and for arousal.

    Unlike `sklearn.multioutput.MultiOutputClassifier` it takes tables of media, keeps the names of
    targets and rows, and hands on groups.

    Parameters
    ----------
    estimator : estimator
        A classifier, regressor, search or Pipeline for one target.
    n_jobs : int, default=None
        Targets that are fitted at a time.

    Attributes
    ----------
    estimators_ : dict of object to estimator
        The fitted model of each target.
    targets_ : list
        Names of the targets: the columns of y, or 0, 1, ... for an array.
    classes_ : dict of object to ndarray
        The classes of each target, for classifiers.
    seen_groups_ : list or None
        Groups of the training samples; None where nothing named any.
    n_features_in_ : int
        Number of columns of X, where the models know it.
    feature_names_in_ : ndarray of str
        Their names, where the models know them.

    Raises
    ------
    ValueError
        In `fit`, if `y` is 1-D.

    See Also
    --------
    make_stories : A corpus with two targets.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> X = pd.DataFrame({"f0": [0.0, 1.0, 2.0, 3.0]}, index=["a", "b", "c", "d"])
    >>> y = pd.DataFrame({"arousal": ["low", "low", "high", "high"],
    ...                   "valence": ["high", "low", "low", "low"]}, index=X.index)
    >>> model = MultiTarget(LogisticRegression(C=100.0)).fit(X, y)
    >>> model.predict(X.loc[["a", "d"]])
      arousal valence
    a     low    high
    d    high     low
    """

    __metadata_request__fit = {"groups": True}

    _parameter_constraints: dict = {
        "estimator": [HasMethods(["fit", "predict"])],
        **constraints.N_JOBS,
    }

    def __init__(self, estimator: Any, *, n_jobs: int | None = None):
        self.estimator = estimator
        self.n_jobs = n_jobs

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: Any, y: Any, sample_weight: Any = None, groups: Any = None) -> "MultiTarget":
        """Fit one clone a column of y.

        Parameters
        ----------
        X : DataFrame or array-like
            What the estimator takes.
        y : DataFrame or array-like of shape (n_samples, n_targets)
            The targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows; the estimator must take them.
        groups : array-like of shape (n_samples,), default=None
            Group (speaker) of each row. They are put into the index of a DataFrame as the level
            ``group``, where every estimator of emoest finds them, and handed to an estimator whose
            ``fit`` takes groups.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            If `y` is 1-D or of another length than X, or weights are given and the estimator takes
            none.
        """
        table = _read_targets(y)
        check_consistent_length(X, table)
        parameters = fit_parameters(self.estimator, sample_weight, groups)
        X = _with_groups(X, groups)
        fitted = Parallel(n_jobs=self.n_jobs)(
            delayed(_fit_clone)(self.estimator, X, table[target].to_numpy(), parameters)
            for target in table.columns
        )
        remember_groups(self, resolve_groups(X, groups))
        self.targets_ = table.columns.tolist()
        self.estimators_ = dict(zip(self.targets_, fitted, strict=True))
        if all(hasattr(model, "classes_") for model in fitted):
            self.classes_ = {target: self.estimators_[target].classes_ for target in self.targets_}
        # Models of media and frames may not know them.
        for name in ("n_features_in_", "feature_names_in_"):
            if hasattr(fitted[0], name):
                setattr(self, name, getattr(fitted[0], name))
        return self

    def predict(self, X: Any) -> pd.DataFrame:
        """Predict every target.

        Parameters
        ----------
        X : DataFrame or array-like
            What the estimator takes.

        Returns
        -------
        y : DataFrame of shape (n_samples, n_targets)
            On the index of X, one column a target.
        """
        check_is_fitted(self)
        predicted = {
            target: np.asarray(model.predict(X)) for target, model in self.estimators_.items()
        }
        index = X.index if isinstance(X, pd.DataFrame) else pd.RangeIndex(num_samples(X))
        return pd.DataFrame(predicted, index=index, columns=self.targets_)

    @available_if(_models_have("predict_proba"))
    def predict_proba(self, X: Any) -> dict[Any, npt.NDArray[np.float64]]:
        """Predict the probabilities of every target's classes.

        Parameters
        ----------
        X : DataFrame or array-like
            What the estimator takes.

        Returns
        -------
        probabilities : dict of object to ndarray of shape (n_samples, n_classes)
            By target; columns in the order of ``classes_[target]``.
        """
        check_is_fitted(self)
        return {target: model.predict_proba(X) for target, model in self.estimators_.items()}

    @available_if(_models_have("score"))
    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Average over targets what the models' own ``score`` gives.

        Parameters
        ----------
        X : DataFrame or array-like
            What the estimator takes.
        y : DataFrame or array-like of shape (n_samples, n_targets)
            The targets, in the order of `fit`; the columns of a DataFrame are found by name.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.

        Returns
        -------
        score : float
            Mean accuracy for classifiers, mean R2 for regressors.

        Raises
        ------
        ValueError
            If a target is missing from `y`.
        """
        check_is_fitted(self)
        table = _read_targets(y)
        absent = [target for target in self.targets_ if target not in table.columns]
        if absent:
            raise ValueError(f"y has no target {absent[0]!r}; it has {table.columns.tolist()}.")
        weights = {} if sample_weight is None else {"sample_weight": sample_weight}
        scores = [
            model.score(X, table[target].to_numpy(), **weights)
            for target, model in self.estimators_.items()
        ]
        return float(np.mean(scores))

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        inner = get_tags(self.estimator)
        tags.estimator_type = inner.estimator_type
        tags.input_tags = inner.input_tags
        tags.classifier_tags = inner.classifier_tags
        tags.regressor_tags = inner.regressor_tags
        tags.target_tags.required = True
        tags.target_tags.multi_output = True
        tags.target_tags.single_output = False
        return tags


def _fit_clone(estimator: Any, X: Any, y: Any, parameters: dict[str, Any]) -> Any:
    with explained_conversion(X):
        return clone(estimator).fit(X, y, **parameters)


def _read_targets(y: Any) -> pd.DataFrame:
    if isinstance(y, pd.DataFrame):
        table = y
    else:
        values = np.asarray(y)
        if values.ndim != 2:
            name = "None" if y is None else f"of shape {values.shape}"
            raise ValueError(
                f"MultiTarget fits one model a column of y, but y is {name}. For a single target "
                "use the estimator itself; for several, pass a DataFrame with one column each, as "
                "loaders give for target=['valence', 'arousal']."
            )
        # An array of objects may mix labels and numbers; each column gets a type of its own.
        table = pd.DataFrame(values).infer_objects()
    if table.shape[1] == 0:
        raise ValueError("y has no columns, so there is no target to fit.")
    return table


def _with_groups(X: Any, groups: Any) -> Any:
    """Return X with explicit groups in its index, in place of any that are there."""
    if groups is None or not isinstance(X, pd.DataFrame):
        return X
    if GROUP_LEVEL in X.index.names:
        X = X.reset_index(level=GROUP_LEVEL, drop=True)
    return X.set_index(pd.Index(np.asarray(groups), name=GROUP_LEVEL), append=True)
