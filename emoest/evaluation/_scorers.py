"""Scorers, and the one place where `scoring`, a name or a scorer, becomes a scorer."""

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


def find_scorer(estimator: Any, scoring: Any) -> Any:
    """Return the scorer that `scoring` stands for: a name, a scorer, or None for ``score``.

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
    if isinstance(scoring, str):
        scoring = SCORERS.get(scoring, scoring)
    return check_scoring(estimator, scoring=scoring)
