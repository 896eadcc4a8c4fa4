"""Scorers, and the one place where `scoring`, a name or a scorer, becomes a scorer."""

from collections.abc import Callable
from typing import Any

from sklearn.metrics import check_scoring, get_scorer_names, make_scorer

from emoest.evaluation._metrics import ccc_score, macro_f1_score, pearson_score, uar_score
from emoest.utils.messages import listed

uar_scorer = make_scorer(uar_score)
macro_f1_scorer = make_scorer(macro_f1_score)
ccc_scorer = make_scorer(ccc_score)
pearson_scorer = make_scorer(pearson_score)

SCORERS = {
    "uar": uar_scorer,
    "macro_f1": macro_f1_scorer,
    "ccc": ccc_scorer,
    "pearson": pearson_scorer,
}


def find_scorer(estimator: Any, scoring: Any) -> Callable[..., float]:
    """Return the scorer that `scoring` stands for.

    Parameters
    ----------
    estimator : estimator
        What is scored.
    scoring : str, callable or None
        ``"uar"``, ``"macro_f1"``, ``"ccc"``, ``"pearson"`` or a name that scikit-learn knows; a
        scorer; or None for the estimator's own ``score``.

    Returns
    -------
    scorer : callable
        Called with (estimator, X, y).

    Raises
    ------
    ValueError
        If the name is unknown.

    Examples
    --------
    >>> from sklearn.dummy import DummyClassifier
    >>> find_scorer(DummyClassifier(), "uar") is uar_scorer
    True
    """
    if isinstance(scoring, str) and scoring not in {*SCORERS, *get_scorer_names()}:
        raise ValueError(
            f"scoring={scoring!r} is unknown. It is one of {listed(SCORERS, quoted=True)}, a name "
            "of sklearn.metrics.get_scorer_names(), or a scorer."
        )
    scorer: Callable[..., float] = check_scoring(
        estimator, scoring=SCORERS.get(scoring, scoring) if isinstance(scoring, str) else scoring
    )
    return scorer
