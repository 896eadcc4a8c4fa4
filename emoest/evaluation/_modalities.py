"""What each modality is worth: permutation importance, Shapley values, ablation."""

from collections.abc import Sequence
from copy import deepcopy
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import is_regressor
from sklearn.utils.validation import check_is_fitted

from emoest.evaluation._bootstrap import (
    bootstrap_interval,
    group_codes,
    resample_scores,
    warn_few,
)
from emoest.evaluation._scorers import find_scorer
from emoest.evaluation._scores import sums_by_group
from emoest.evaluation._subsets import (
    Absent,
    Subset,
    SubsetEvaluation,
    find_subsets,
    floor_of,
    on_subset,
    shapley_weights,
)
from emoest.tables.groups import resolve_groups
from emoest.tables.names import find_modalities
from emoest.utils._sklearn import num_samples
from emoest.utils.seeds import (
    RandomState,
    isolated_generators,
    private_generator,
    resolve_seed,
)
from emoest.utils.typing import Floats


def modality_importance(
    estimator: Any,
    X: Any,
    y: Any,
    *,
    modalities: Any = "auto",
    permute: Literal["all", "within_groups"] = "all",
    groups: Any = None,
    group_column: str | None = None,
    scoring: Any = None,
    n_repeats: int = 10,
    random_state: RandomState = None,
) -> pd.DataFrame:
    """Measure what a fitted model loses when the samples of one modality are shuffled.

    All columns of the modality move together, missing ones included, so that only its tie to the
    other modalities and to the target is cut.

    Parameters
    ----------
    estimator : estimator
        Fitted; best on other speakers than those of X.
    X : DataFrame or array-like of shape (n_samples, n_columns)
        Held-out samples: media, frames or vectors.
    y : array-like of shape (n_samples,)
        Their target.
    modalities : "auto", list of str or dict, default="auto"
        Which columns belong together; see `emoest.utils.find_modalities`.
    permute : {"all", "within_groups"}, default="all"
        Shuffle over all samples, or only among those of one group, which leaves what the modality
        tells about the speaker and takes what it tells about the sample.
    groups : array-like of shape (n_samples,), default=None
        For ``"within_groups"``; None takes `group_column`, else the index level ``group``.
    group_column : str, default=None
        A context column of X.
    scoring : str or callable, default=None
        ``"uar"``, ``"ccc"``, another name that scikit-learn knows, or a scorer; None takes UAR,
        for a regressor CCC.
    n_repeats : int, default=10
        Shuffles of each modality.
    random_state : int, RandomState instance or None, default=None
        Where the shuffles come from.

    Returns
    -------
    importance : DataFrame of shape (n_modalities, 3)
        Indexed by modality: `importance`, the mean loss of score; `std` over the shuffles
        (ddof=1); `score`, that of the model on X as it is.

    Raises
    ------
    ValueError
        If `n_repeats` is below 1, or no groups are known for ``"within_groups"``.

    References
    ----------
    L. Breiman (2001). Random forests. Machine Learning 45, section 10, here with blocks.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> X = pd.DataFrame({"audio__f0": [0.0, 0.0, 1.0, 1.0], "text__w": [0.0, 1.0, 0.0, 1.0]})
    >>> model = LogisticRegression().fit(X, [0, 0, 1, 1])
    >>> modality_importance(model, X, [0, 0, 1, 1], random_state=0).loc["text"].tolist()
    [0.0, 0.0, 1.0]
    """
    check_is_fitted(estimator)
    if n_repeats < 1:
        raise ValueError(f"n_repeats must be at least 1, got {n_repeats}.")
    if permute not in {"all", "within_groups"}:
        raise ValueError(f"permute must be 'all' or 'within_groups', got {permute!r}.")
    codes = None
    if permute == "within_groups":
        known = resolve_groups(X, groups, group_column)
        if known is None:
            raise ValueError(
                "permute='within_groups' needs groups: pass groups= or group_column=, or use "
                "emoest.utils.with_groups(X, 'speaker')."
            )
        codes = group_codes(known, num_samples(X))
    if scoring is None:
        scoring = "ccc" if is_regressor(estimator) else "uar"
    scorer = find_scorer(estimator, scoring)
    found = find_modalities(X, modalities)
    rng = private_generator(random_state)
    # From a copy, so that a model that draws when it predicts leaves the shuffles as they are.
    seed = resolve_seed(deepcopy(rng))

    def scored(rows: Any) -> float:
        with isolated_generators(seed):
            return float(scorer(estimator, rows, y))

    score = scored(X)
    rows = {}
    for name, positions in found.items():
        orders = [_shuffle(num_samples(X), codes, rng) for _ in range(n_repeats)]
        losses = [score - scored(_shuffled(X, positions, order)) for order in orders]
        std = float(np.std(losses, ddof=1)) if n_repeats > 1 else float("nan")
        rows[name] = {"importance": float(np.mean(losses)), "std": std, "score": score}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("modality")


def _shuffle(
    n_samples: int, codes: npt.NDArray[np.intp] | None, rng: np.random.RandomState
) -> npt.NDArray[np.intp]:
    if codes is None:
        return rng.permutation(n_samples)
    order = np.arange(n_samples)
    for code in np.unique(codes):
        rows = np.flatnonzero(codes == code)
        order[rows] = rng.permutation(rows)
    return order


def _shuffled(X: Any, positions: npt.NDArray[np.intp], order: npt.NDArray[np.intp]) -> Any:
    if not isinstance(X, pd.DataFrame):
        values = np.array(X)
        values[:, positions] = values[np.ix_(order, positions)]
        return values
    shuffled = X.copy()
    for position in positions.tolist():
        shuffled.isetitem(position, X.iloc[:, position].array.take(order))
    return shuffled


def ablation_table(
    estimator: Any,
    X: Any,
    y: Any,
    *,
    groups: Any = None,
    group_column: str | None = None,
    cv: Any = None,
    modalities: Any = "auto",
    absent: Absent = "missing",
    n_resamples: int = 2000,
    confidence: float = 0.95,
    n_jobs: int | None = None,
    random_state: RandomState = None,
) -> pd.DataFrame:
    """Evaluate a model on every subset of modalities, trained and tested without the others.

    Parameters
    ----------
    estimator : estimator
        Never fitted itself; a clone is, for each subset and fold.
    X : DataFrame or array-like of shape (n_samples, n_columns)
        The samples: media, frames or vectors.
    y : array-like of shape (n_samples,)
        Classes or continuous targets.
    groups : array-like of shape (n_samples,), default=None
        Who each sample is from; None takes `group_column`, else the index level ``group``.
    group_column : str, default=None
        A context column of X.
    cv : int, splitter or iterable, default=None
        As in `evaluate`; every subset sees the same folds.
    modalities : "auto", list of str or dict, default="auto"
        Which columns belong together.
    absent : {"missing", "drop"}, default="missing"
        How a modality is taken away: all its cells become missing, which any estimator of emoest
        takes, also inside a ColumnTransformer that names the columns; or its columns are dropped,
        for models that take no missing values.
    n_resamples : int, default=2000
        Resamples of the groups behind the intervals.
    confidence : float, default=0.95
        Of the intervals.
    n_jobs : int, default=None
        Folds at a time (joblib).
    random_state : int, RandomState instance or None, default=None
        As in `evaluate`; one seed for all subsets.

    Returns
    -------
    table : DataFrame of shape (2 ** n_modalities - 1, 7)
        Indexed by subset (``"audio+face"``), small ones first: `n_modalities`; pooled `uar`
        (`ccc` for continuous targets) with its interval `low`, `high` from resampling speakers; and
        `difference` to all modalities together, from the same resamples, with `difference_low`,
        `difference_high`.

    Raises
    ------
    ValueError
        If there are more than 10 modalities; and as `evaluate`.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> X = pd.DataFrame({"audio__f0": [0.0, 9.0] * 6, "text__w": [1.0, 1.0, 2.0, 2.0] * 3})
    >>> y, speakers = ["sad", "happy"] * 6, np.repeat(list("abc"), 4)
    >>> table = ablation_table(
    ...     LogisticRegression(), X, y, groups=speakers, cv=3, absent="drop", random_state=0
    ... )
    >>> table["uar"].tolist()
    [1.0, 0.5, 1.0]
    """
    found = find_modalities(X, modalities)
    subsets = find_subsets(found, y)
    options = groups, group_column, cv, n_resamples, confidence, n_jobs, random_state
    evaluation = SubsetEvaluation(*options)
    models = [on_subset(estimator, subset, modalities, absent) for subset in subsets]
    results = [evaluation.evaluate(model, X, y) for model in models]
    score = results[0].protocol.score
    sums = [sums_by_group(result.select(), result.protocol) for result in results]
    n_groups = len(sums[0].sums)
    warn_few(n_groups)
    draws = resample_scores(sums, n_resamples, evaluation.random_state)
    rows = {}
    for j, subset in enumerate(subsets):
        value, difference = sums[j].value(), sums[j].value() - sums[-1].value()
        low, high = bootstrap_interval(value, draws[:, j], n_groups, confidence, (-1.0, 1.0))
        apart = bootstrap_interval(
            difference, draws[:, j] - draws[:, -1], n_groups, confidence, (-2.0, 2.0)
        )
        rows["+".join(subset)] = {
            "n_modalities": len(subset),
            score: value,
            "low": low,
            "high": high,
            "difference": difference,
            "difference_low": apart[0],
            "difference_high": apart[1],
        }
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("modalities")
    return table.astype({"n_modalities": int})


def modality_shapley(
    estimator: Any,
    X: Any,
    y: Any,
    *,
    value: Literal["retrain", "predict"] = "retrain",
    groups: Any = None,
    group_column: str | None = None,
    cv: Any = None,
    modalities: Any = "auto",
    absent: Absent = "missing",
    n_resamples: int = 2000,
    confidence: float = 0.95,
    n_jobs: int | None = None,
    random_state: RandomState = None,
) -> pd.DataFrame:
    """Divide the score among the modalities: the exact Shapley value over all subsets.

    A modality's value is what it adds to the pooled score on held-out speakers, averaged over all
    orders in which the modalities could join. The values sum to the score of all modalities less
    that of none (chance: one over the number of classes; 0 for CCC).

    Parameters
    ----------
    estimator : estimator
        Never fitted itself; clones are.
    X : DataFrame or array-like of shape (n_samples, n_columns)
        The samples: media, frames or vectors.
    y : array-like of shape (n_samples,)
        Classes or continuous targets.
    value : {"retrain", "predict"}, default="retrain"
        ``"retrain"`` trains a model on every subset: what can be had from it. ``"predict"`` trains
        on all modalities once a fold and takes the others away at prediction only: what this model
        makes of it.
    groups : array-like of shape (n_samples,), default=None
        Who each sample is from; None takes `group_column`, else the index level ``group``.
    group_column : str, default=None
        A context column of X.
    cv : int, splitter or iterable, default=None
        As in `evaluate`; every subset sees the same folds.
    modalities : "auto", list of str or dict, default="auto"
        Which columns belong together.
    absent : {"missing", "drop"}, default="missing"
        How a modality is taken away, see `ablation_table`; ``"predict"`` needs ``"missing"``.
    n_resamples : int, default=2000
        Resamples of the groups behind the intervals.
    confidence : float, default=0.95
        Of the intervals.
    n_jobs : int, default=None
        Folds at a time (joblib).
    random_state : int, RandomState instance or None, default=None
        As in `evaluate`; one seed for all subsets.

    Returns
    -------
    values : DataFrame of shape (n_modalities, 5)
        Indexed by modality: `shapley` with its interval `low`, `high` from resampling speakers;
        `alone`, what it adds to nothing; `last`, what it adds to all others.

    Raises
    ------
    ValueError
        If there are more than 10 modalities, or ``"predict"`` meets ``absent="drop"``; and as
        `evaluate`.

    References
    ----------
    L. S. Shapley (1953). A value for n-person games. Contributions to the Theory of Games II.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> X = pd.DataFrame({"audio__f0": [0.0, 9.0] * 6, "text__w": [1.0, 1.0, 2.0, 2.0] * 3})
    >>> y, speakers = ["sad", "happy"] * 6, np.repeat(list("abc"), 4)
    >>> values = modality_shapley(
    ...     LogisticRegression(), X, y, groups=speakers, cv=3, absent="drop", random_state=0
    ... )
    >>> values["shapley"].round(3).to_dict()
    {'audio': 0.5, 'text': 0.0}
    """
    found = find_modalities(X, modalities)
    subsets = find_subsets(found, y)
    options = groups, group_column, cv, n_resamples, confidence, n_jobs, random_state
    evaluation = SubsetEvaluation(*options)
    if value == "retrain":
        models = [on_subset(estimator, subset, modalities, absent) for subset in subsets]
        results = [evaluation.evaluate(model, X, y) for model in models]
        sums = [sums_by_group(result.select(), result.protocol) for result in results]
        floor = floor_of(results[0].select()["y"].infer_objects(), results[0].protocol.task)
    elif value == "predict":
        if absent != "missing":
            raise ValueError("value='predict' takes modalities away by absent='missing' only.")
        sums, floor = evaluation.predict_subsets(estimator, X, y, subsets, modalities)
    else:
        raise ValueError(f"value must be 'retrain' or 'predict', got {value!r}.")
    draws = resample_scores(sums, n_resamples, evaluation.random_state) - floor
    gains = np.array([part.value() for part in sums]) - floor
    weights = shapley_weights(found.names, subsets)
    table = _shapley_table(gains, weights, found.names, subsets)
    n_groups = len(sums[0].sums)
    warn_few(n_groups)
    intervals = [
        bootstrap_interval(gains @ w, draws @ w, n_groups, confidence, (-2.0, 2.0)) for w in weights
    ]
    table.insert(1, "low", [low for low, _ in intervals])
    table.insert(2, "high", [high for _, high in intervals])
    return table


def _shapley_table(
    gains: Floats, weights: Floats, names: Sequence[str], subsets: Sequence[Subset]
) -> pd.DataFrame:
    """Lay out Shapley values, and what each modality adds to nothing and to all others."""
    worth = dict(zip(subsets, gains.tolist(), strict=True)) | {(): 0.0}
    others = {name: tuple(other for other in names if other != name) for name in names}
    return pd.DataFrame(
        {
            "shapley": weights @ gains,
            "alone": [worth[(name,)] for name in names],
            "last": [worth[tuple(names)] - worth[others[name]] for name in names],
        },
        index=pd.Index(names, name="modality"),
    )
