"""The inner estimator of a fusion: what of `fit` reaches it, and what it cannot take."""

from typing import Any

from emoest.utils.routing import fit_parameter


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
