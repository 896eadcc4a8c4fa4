"""Scorers, and the one place where `scoring`, a name or a scorer, becomes a scorer."""

from collections.abc import Callable
from typing import Any

from sklearn.metrics import check_scoring, get_scorer_names, make_scorer

from emoest.evaluation._metrics import ccc_score, macro_f1_score, pearson_score, uar_score
from emoest.utils.messages import listed

_DOCSTRING = """Score the predictions of an estimator by {what}.

Parameters
----------
estimator : estimator
    A fitted one.
X : DataFrame or array-like of shape (n_samples, n_columns)
    Samples.
y_true : array-like of shape (n_samples,)
    Their targets.
sample_weight : array-like of shape (n_samples,), default=None
    Weights of the samples.
**kwargs
    For scikit-learn's metadata routing.

Returns
-------
score : float
    The larger, the better.

See Also
--------
{name} : The same of targets and predictions.
"""


def _make_scorer(score: Callable[..., float], what: str) -> Any:
    """Make a scorer that says what it is."""
    scorer = make_scorer(score)
    scorer.__doc__ = _DOCSTRING.format(name=score.__name__, what=what)
    return scorer


uar_scorer = _make_scorer(uar_score, "UAR, the mean recall over the classes")
macro_f1_scorer = _make_scorer(macro_f1_score, "macro F1, the mean F1 over the classes")
ccc_scorer = _make_scorer(ccc_score, "the concordance correlation coefficient")
pearson_scorer = _make_scorer(pearson_score, "Pearson's correlation")

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
