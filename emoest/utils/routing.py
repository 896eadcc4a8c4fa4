"""How weights and groups reach the `fit` of an estimator that is inside another."""

from typing import Any

import numpy as np
from sklearn import get_config
from sklearn.model_selection import check_cv
from sklearn.pipeline import Pipeline
from sklearn.utils.metadata_routing import get_routing_for_object
from sklearn.utils.validation import has_fit_parameter

from emoest.utils._sklearn import BaseSearchCV, check_sample_weight
from emoest.utils.typing import Floats


def check_weight(sample_weight: Any, X: Any) -> Floats | None:
    """Validate the weights of the samples of X; None stays None.

    Raises
    ------
    ValueError
        If their number is another, or one is negative.

    Examples
    --------
    >>> check_weight([1, 2], [[0.0], [1.0]]).tolist()
    [1.0, 2.0]
    """
    if sample_weight is None:
        return None
    return check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)


def fit_parameter(model: Any, parameter: str) -> str | None:
    """Return the name under which a parameter of ``fit`` reaches an estimator.

    Parameters
    ----------
    model : estimator
        Any estimator; of a Pipeline the last step counts. A search takes `groups` if its splitter
        uses them, and `sample_weight` if the estimator that it tunes does.
    parameter : {"sample_weight", "groups"}
        The parameter.

    Returns
    -------
    name : str or None
        For example ``"logisticregression__sample_weight"`` for a Pipeline; None if the estimator
        takes no such parameter.

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
    # With routing on, what a fit takes is what was requested, whatever its signature says.
    if get_config()["enable_metadata_routing"] and hasattr(model, "get_metadata_routing"):
        consumed = get_routing_for_object(model).consumes("fit", [parameter])
        return parameter if consumed else None
    if isinstance(model, Pipeline):
        step, last = model.steps[-1]
        inner = fit_parameter(last, parameter)
        return None if inner is None else f"{step}__{inner}"
    if has_fit_parameter(model, parameter):
        return parameter
    # Searches of scikit-learn hand **params on; a subclass with a `fit` of its own may not.
    if isinstance(model, BaseSearchCV) and has_fit_parameter(model, "params"):
        if parameter == "groups":
            splitter = get_routing_for_object(check_cv(model.cv))
            return "groups" if splitter.consumes("split", ["groups"]) else None
        return fit_parameter(model.estimator, parameter)
    return None


def fit_parameters(
    model: Any, sample_weight: Any = None, groups: Any = None, *, what: str = "the estimator"
) -> dict[str, Any]:
    """Collect what `model.fit` is given beside X and y.

    Parameters
    ----------
    model : estimator
        The estimator to be fitted.
    sample_weight : array of shape (n_samples,), default=None
        Weights; passed on only when given.
    groups : array of shape (n_samples,), default=None
        Groups; passed on only to an estimator that takes them.
    what : str, default="the estimator"
        What `model` is to the user, for the error.

    Returns
    -------
    parameters : dict

    Raises
    ------
    ValueError
        If weights are given and the estimator takes none.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> fit_parameters(LogisticRegression(), sample_weight=[1, 2], groups=["s1", "s2"])
    {'sample_weight': [1, 2]}
    """
    parameters = {}
    if sample_weight is not None:
        key = fit_parameter(model, "sample_weight")
        if key is None:
            raise ValueError(
                f"sample_weight was given, but {what} ({type(model).__name__}) takes none. Leave "
                "sample_weight out, or use an estimator whose fit has that parameter (in a "
                "Pipeline, its last step)."
            )
        parameters[key] = sample_weight
    if groups is not None:
        key = fit_parameter(model, "groups")
        if key is not None:
            parameters[key] = groups
    return parameters
