"""How a score grows with the number of speakers that a model was trained on."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from emoest.evaluation._checks import FoldPlan, check_models, plan_folds
from emoest.evaluation._evaluate import evaluate
from emoest.tables.groups import Split
from emoest.tables.inputs import as_pandas
from emoest.utils.seeds import RandomState


def speaker_learning_curve(
    model: Any,
    X: Any,
    y: Any,
    *,
    groups: Any = None,
    group_column: str | None = None,
    cv: Any = None,
    sizes: Sequence[int] | None = None,
    n_resamples: int = 2000,
    confidence: float = 0.95,
    n_jobs: int | None = None,
    random_state: RandomState = None,
) -> pd.DataFrame:
    """Evaluate a model trained on few and on more of the speakers of each training part.

    The test parts are those of `evaluate` whatever the size. Speakers are drawn once for each fold,
    and a larger size adds to a smaller one.

    Parameters
    ----------
    model : estimator or dict of str to estimator
        What to evaluate.
    X : DataFrame or array-like of shape (n_samples, ...)
        The samples.
    y : array-like of shape (n_samples,)
        Classes or a continuous target.
    groups, group_column, cv : object
        As in `evaluate`.
    sizes : sequence of int, default=None
        Numbers of training speakers; None doubles from two up to the smallest training part.
    n_resamples, confidence, n_jobs : object
        As in `evaluate`.
    random_state : int, RandomState instance or None, default=None
        Draws the speakers, and seeds splits and models.

    Returns
    -------
    curve : DataFrame
        One row for each size (and model): ``n_speakers`` and ``n_samples`` (mean over the folds) of
        the training parts, and the columns of the table of `evaluate`.

    Raises
    ------
    ValueError
        As `evaluate`; if there are no groups, or a size is below one or above the number of
        training speakers of a fold.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> X, y = pd.DataFrame({"audio__f0": [0.0, 9.0] * 12}), ["sad", "happy"] * 12
    >>> speakers = np.repeat(list("abcdefghijkl"), 2)
    >>> curve = speaker_learning_curve(
    ...     LogisticRegression(), X, y, groups=speakers, cv=3, random_state=0
    ... )
    >>> curve["n_speakers"].tolist(), curve["uar"].tolist()
    ([2, 4, 8], [1.0, 1.0, 1.0])
    """
    X, y = as_pandas(X, lists=False), as_pandas(y, lists=False)
    plan = plan_folds(
        check_models(model),
        X,
        y,
        groups=groups,
        group_column=group_column,
        cv=cv,
        random_state=random_state,
    )
    if plan.groups is None:
        raise ValueError(
            "A learning curve over speakers needs groups: pass groups= or group_column=."
        )
    orders = _orders(plan)
    rows = []
    for size in _check_sizes(sizes, min(map(len, orders))):
        splits: list[Split] = [
            (train[np.isin(plan.groups[train], order[:size])], test)
            for (train, test), order in zip(plan.splits, orders, strict=True)
        ]
        table = evaluate(
            model,
            X,
            y,
            groups=plan.groups,
            cv=splits,
            proba=False,
            n_resamples=n_resamples,
            confidence=confidence,
            n_jobs=n_jobs,
            random_state=plan.seed,
        ).table
        table.insert(0, "n_speakers", size)
        table.insert(1, "n_samples", float(np.mean([len(train) for train, _ in splits])))
        rows.append(table)
    return pd.concat(rows)


def _orders(plan: FoldPlan) -> list[Any]:
    """Draw an order of the training speakers of each fold."""
    rng = np.random.default_rng(plan.seed)
    assert plan.groups is not None
    return [rng.permutation(np.unique(plan.groups[train])) for train, _ in plan.splits]


def _check_sizes(sizes: Sequence[int] | None, most: int) -> list[int]:
    if sizes is None:
        doubled = [2**i for i in range(1, most.bit_length()) if 2**i < most]
        return [*doubled, most]
    found = [int(size) for size in sizes]
    if not found or min(found) < 1 or max(found) > most:
        raise ValueError(
            f"sizes={list(sizes)!r} must lie between 1 and {most}, the speakers of the smallest "
            "training part."
        )
    return found
