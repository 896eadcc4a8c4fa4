"""The inner estimator of a fusion: what of `fit` reaches it, and what it cannot take."""

from typing import Any

import numpy as np
from sklearn import get_config
from sklearn.model_selection import check_cv
from sklearn.pipeline import Pipeline
from sklearn.utils.metadata_routing import get_routing_for_object
from sklearn.utils.validation import has_fit_parameter

from emoest.utils._sklearn import BaseSearchCV


def fit_parameter(model: Any, parameter: str) -> str | None:
    """Say under which name a parameter of ``fit`` reaches an estimator; None if it takes none.

    Parameters
    ----------
    model : estimator
        Any estimator; of a Pipeline the last step counts. A search takes `groups` if its splitter
        uses them, and `sample_weight` if the estimator that it tunes does.
    parameter : str
        ``"sample_weight"`` or ``"groups"``.

    Returns
    -------
    name : str or None
        What to call it, for example ``"logisticregression__sample_weight"`` for a Pipeline.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.model_selection import GridSearchCV, GroupKFold
    >>> from sklearn.pipeline import make_pipeline
    >>> fit_parameter(make_pipeline(LogisticRegression()), "sample_weight")
    'logisticregression__sample_weight'
    >>> fit_parameter(GridSearchCV(LogisticRegression(), {}, cv=GroupKFold(3)), "groups")
    'groups'
    >>> fit_parameter(GridSearchCV(LogisticRegression(), {}, cv=3), "groups") is None
    True
    """
    if get_config()["enable_metadata_routing"] and hasattr(model, "get_metadata_routing"):
        consumed = get_routing_for_object(model).consumes("fit", [parameter])
        return parameter if consumed else None
    if isinstance(model, Pipeline):
        step, last = model.steps[-1]
        inner = fit_parameter(last, parameter)
        return None if inner is None else f"{step}__{inner}"
    if has_fit_parameter(model, parameter):
        return parameter
    if isinstance(model, BaseSearchCV):
        if parameter == "groups":
            splitter = get_routing_for_object(check_cv(model.cv))
            return "groups" if splitter.consumes("split", ["groups"]) else None
        return fit_parameter(model.estimator, parameter)
    return None


def fit_parameters(
    owner: Any, model: Any, sample_weight: Any = None, groups: Any = None
) -> dict[str, Any]:
    """Collect what `model.fit` is given beside X and y.

    Parameters
    ----------
    owner : estimator
        Who fits it, for the error.
    model : estimator
        The inner estimator.
    sample_weight : ndarray of shape (n_samples,), default=None
        Weights; passed on only when given.
    groups : ndarray of shape (n_samples,), default=None
        Groups; passed on only to an estimator that takes them.

    Returns
    -------
    parameters : dict

    Raises
    ------
    ValueError
        If weights are given and the inner estimator takes none.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> fit_parameters(None, LogisticRegression(), sample_weight=[1, 2], groups=["s1", "s2"])
    {'sample_weight': [1, 2]}
    """
    parameters = {}
    if sample_weight is not None:
        key = fit_parameter(model, "sample_weight")
        if key is None:
            raise ValueError(
                f"sample_weight was given, but the estimator inside {type(owner).__name__}, "
                f"{type(model).__name__}, takes none. Leave sample_weight out, or use an "
                "estimator whose fit has that parameter (in a Pipeline, its last step)."
            )
        parameters[key] = sample_weight
    if groups is not None:
        key = fit_parameter(model, "groups")
        if key is not None:
            parameters[key] = groups
    return parameters


def refuse_several_targets(estimator: Any, y: Any) -> None:
    """Raise `ValueError` if `y` has several columns, and say what fits one model each.

    Examples
    --------
    >>> refuse_several_targets(None, [0, 1, 1])
    """
    shape = np.asarray(y).shape
    if len(shape) == 2 and shape[1] > 1:
        raise ValueError(
            f"{type(estimator).__name__} takes a 1d array of targets, y has shape {shape}. Several "
            "targets (valence and arousal) need one model each: "
            f"emoest.datasets.MultiTarget({type(estimator).__name__}(...))."
        )
