"""Optuna's pictures of a search."""

import warnings
from typing import Any

from emoest.utils.optional import import_optional
from emoest.utils.seeds import isolated_generators

KINDS = {
    "history": "plot_optimization_history",
    "importances": "plot_param_importances",
    "slice": "plot_slice",
    "parallel": "plot_parallel_coordinate",
    "contour": "plot_contour",
    "folds": "plot_intermediate_values",
    "timeline": "plot_timeline",
    "pareto": "plot_pareto_front",
}


def plot_search(search: Any, kind: str = "history", **options: Any) -> Any:
    """Draw a search as Optuna draws it.

    Parameters
    ----------
    search : OptunaSearchCV or optuna.study.Study
        A search that is fitted, or was interrupted; or its ``study_``.
    kind : str, default="history"
        ``"history"``: scores as the trials went on. ``"importances"``: how much of the variance
        each parameter explains. ``"slice"``, ``"parallel"``, ``"contour"``: scores over parameters.
        ``"folds"``: means after each fold, of a search with a pruner. ``"timeline"``: which trial
        ran when, and how it ended. ``"pareto"``: of several objectives.
    **options
        Handed on to Optuna's function, for example ``params=["C"]`` or ``target``.

    Returns
    -------
    ax : matplotlib Axes or array of Axes

    Raises
    ------
    ValueError
        If `kind` is unknown, or the search has no study yet.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from emoest.tuning import OptunaSearchCV, plot_search
    >>> X, y = [[0.0], [9.0]] * 6, ["sad", "happy"] * 6
    >>> search = OptunaSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}, cv=2, n_trials=3)
    >>> plot_search(search.fit(X, y, groups=[1, 2, 3, 4] * 3)).get_ylabel()  # doctest: +SKIP
    'Objective Value'
    """
    if kind not in KINDS:
        raise ValueError(f"kind={kind!r} is unknown; choose one of {', '.join(KINDS)}.")
    study = getattr(search, "study_", search)
    if not hasattr(study, "get_trials"):
        raise ValueError("The search has no study yet: call fit first.")
    plt = import_optional("matplotlib.pyplot", extra="plot", purpose="plot_search")
    from optuna.exceptions import ExperimentalWarning
    from optuna.visualization import matplotlib as pictures

    # Optuna sets a style for all pictures that follow, and its older versions draw the forest that
    # weighs parameters from numpy's global generator.
    with plt.rc_context(), isolated_generators(0), warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        return getattr(pictures, KINDS[kind])(study, **options)
