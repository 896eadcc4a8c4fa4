"""`check_leakage`: what `evaluate` checks, without fitting anything."""

import warnings
from typing import Any

import pandas as pd

from emoest.evaluation._checks import check_models, plan_folds
from emoest.evaluation._leaks.table import leak_table
from emoest.tables.inputs import as_pandas
from emoest.utils.seeds import RandomState


def check_leakage(
    X: Any,
    y: Any,
    groups: Any = None,
    cv: Any = None,
    *,
    model: Any = None,
    group_column: str | None = None,
    random_state: RandomState = None,
) -> pd.DataFrame:
    """List ways in which test samples may have leaked into training, and what was found of each.

    `evaluate` makes the same checks: it raises where a group is in both parts of a fold and where a
    finished part has seen test samples, warns of other leaks and of names that may be one, and
    prints the rest with the scores.

    Parameters
    ----------
    X : DataFrame or array-like of shape (n_samples, ...)
        The samples: media, frames or vectors.
    y : array-like of shape (n_samples,), or DataFrame of shape (n_samples, n_targets)
        Classes or continuous targets.
    groups : array-like of shape (n_samples,), default=None
        As in `evaluate`.
    cv : int, splitter, str or iterable of (train, test), default=None
        As in `evaluate`.
    model : estimator or dict of str to estimator, default=None
        What is to be evaluated, looked through for finished parts that have seen test samples.
    group_column : str, default=None
        As in `evaluate`.
    random_state : int, RandomState instance or None, default=None
        Seeds the splits.

    Returns
    -------
    table : DataFrame
        One row a check: ``check``, ``verdict`` (``"ok"``; ``"leak"``; ``"suspect"`` where a person
        has to look; ``"unknown"`` where it could not be checked), ``n`` (how many samples, names or
        columns) and ``detail`` (which).

    Raises
    ------
    ValueError
        As `evaluate`, but for groups in both parts and finished parts, which have their row.

    Notes
    -----
    Looked for are: speakers, sessions, dialogues, trials and whatever else context columns name, in
    both parts of a fold; spellings of one speaker; samples of the same content (numbers, frames,
    bytes of files) in both parts, and near copies of vectors and frames (far closer than
    neighbors are); columns that were scaled or decorrelated over all rows; columns that are
    another name of the label; finished parts (``FrozenEstimator``, ``seen_groups_``) that have
    seen test samples. Nobody can see choices that were made on all rows: of parameters, columns,
    or of the samples themselves.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> X = pd.DataFrame(rng.normal(size=(40, 8))).add_prefix("audio__")
    >>> X["speaker"] = np.repeat([f"s{i}" for i in range(10)], 4)
    >>> X.iloc[5, :8] = X.iloc[0, :8]
    >>> y = ["sad", "happy"] * 20
    >>> table = check_leakage(X, y, cv=5, group_column="speaker", random_state=0)
    >>> table.loc[table["verdict"] == "leak", "check"].tolist()
    ['same sample in both parts']
    """
    X, y = as_pandas(X, lists=False), as_pandas(y, lists=False)
    models = {} if model is None else check_models(model)
    with warnings.catch_warnings():
        # The table says it all.
        warnings.simplefilter("ignore", UserWarning)
        plan = plan_folds(
            models,
            X,
            y,
            groups=groups,
            group_column=group_column,
            cv=cv,
            allow_overlap=True,
            random_state=random_state,
        )
    return leak_table(plan.leaks)
