"""The metrics of a search, which of them decides, and which are maximized."""

from typing import Any

from emoest.evaluation._scorers import find_scorer
from emoest.utils.messages import listed


def find_metrics(estimator: Any, scoring: Any) -> dict[str, Any]:
    """Return scorers by name; a single one is named ``"score"``.

    Raises
    ------
    ValueError
        If a name is unknown, or there are none.

    Examples
    --------
    >>> from sklearn.dummy import DummyClassifier
    >>> list(find_metrics(DummyClassifier(), ["uar", "macro_f1"]))
    ['uar', 'macro_f1']
    >>> list(find_metrics(DummyClassifier(), "uar"))
    ['score']
    """
    if isinstance(scoring, list | tuple):
        if not all(isinstance(name, str) for name in scoring):
            raise ValueError(
                f"scoring={scoring!r} must hold names; scorers go into a dict with their names."
            )
        scoring = {name: name for name in scoring}
    if not isinstance(scoring, dict):
        return {"score": find_scorer(estimator, scoring)}
    if not scoring:
        raise ValueError("scoring is empty: name at least one metric.")
    return {str(name): find_scorer(estimator, each) for name, each in scoring.items()}


def check_objectives(
    metrics: dict[str, Any], objectives: Any, refit: Any, *, pruned: bool
) -> tuple[str, list[str]]:
    """Return the metric that decides, and those that the study maximizes.

    Raises
    ------
    ValueError
        If several metrics are given and `refit` names none of them, `objectives` are not among
        them, or a pruner is to decide by several.

    Examples
    --------
    >>> check_objectives({"uar": 1, "f1": 2}, None, "f1", pruned=False)
    ('f1', ['f1'])
    """
    names = list(metrics)
    if isinstance(refit, str) and refit not in metrics:
        raise ValueError(
            f"refit={refit!r} is not a metric of scoring: {listed(names, quoted=True)}."
        )
    if len(names) > 1 and refit is True:
        raise ValueError(
            f"With several metrics, refit names the one that decides: {listed(names, quoted=True)}."
        )
    unknown = [name for name in objectives or () if name not in metrics]
    if unknown:
        raise ValueError(
            f"objectives names {listed(unknown, quoted=True)}, which is not a metric of scoring: "
            f"{listed(names, quoted=True)}."
        )
    if pruned and len(objectives or ()) > 1:
        raise ValueError("Optuna prunes by one objective only: leave out pruner or objectives.")
    decides = refit if isinstance(refit, str) else next(iter(objectives or names))
    return decides, list(objectives or [decides])
