"""Scores by subgroup (sex, age, language, corpus, speaker), the worst one named."""

from typing import Any

import numpy as np
import pandas as pd

from emoest.evaluation._bootstrap import bootstrap_interval, resample_scores
from emoest.evaluation._inputs.aligned import without_groups
from emoest.evaluation._protocol import Protocol
from emoest.evaluation._scores import plain_scores, sums_by_group
from emoest.utils.messages import listed

FEW = 20
"""A subgroup of fewer samples is marked: its score says little."""


def subgroup_table(rows: pd.DataFrame, protocol: Protocol, by: Any) -> pd.DataFrame:
    """Score the predictions of each subgroup; the worst comes first.

    See `EvaluationResult.subgroups`.
    """
    names = _by_position(rows, protocol, by)
    score = protocol.score
    records = []
    for name in pd.unique(names):
        part = rows[names == name]
        sums = sums_by_group(part, protocol)
        n_groups = len(sums.sums)
        draws = resample_scores([sums], protocol.n_resamples, protocol.seed)[:, 0]
        bounds = (0.0 if protocol.task == "classification" else -1.0, 1.0)
        low, high = bootstrap_interval(sums.value(), draws, n_groups, protocol.confidence, bounds)
        scores = plain_scores(part, protocol.task) | {score: sums.value()}
        record = {"subgroup": name, score: scores.pop(score), f"{score}_low": low}
        record |= {f"{score}_high": high} | scores
        if protocol.task == "classification":
            record["n_classes"] = part["y"].nunique()
        n_samples = part["position"].nunique()
        record |= {"n": n_samples, "n_groups": n_groups, "few": n_samples < FEW}
        records.append(record)
    table = pd.DataFrame(records).set_index("subgroup")
    return table.sort_values(score, kind="stable")


def _by_position(rows: pd.DataFrame, protocol: Protocol, by: Any) -> Any:
    """Name the subgroup of each prediction; `by` is a column of it, or has one name a sample."""
    if isinstance(by, str):
        if by not in rows:
            known = [name for name in rows if not str(name).startswith(("y", "proba_"))]
            raise ValueError(
                f"by={by!r} is no column of the predictions, which have {listed(known)}. Pass one "
                "value a sample, for example by=frame['sex']."
            )
        return rows[by].to_numpy(dtype=object)
    values = np.asarray(by, dtype=object)
    if values.shape != (protocol.n_rows,):
        raise ValueError(
            f"by has the shape {values.shape}, but {protocol.n_rows} samples were evaluated: pass "
            "one value a sample, in the order of X."
        )
    _check_order(rows, by)
    missing = pd.isna(values)
    values = np.where(missing, "not known", values)
    return values[rows["position"].to_numpy()]


def _check_order(rows: pd.DataFrame, by: Any) -> None:
    """Raise if `by` has the index of the samples in another order."""
    if not isinstance(by, pd.Series) or "row" not in rows or not by.index.is_unique:
        return
    index = without_groups(by.index)
    mine = rows.drop_duplicates("position")
    its = index.to_numpy()[mine["position"].to_numpy()]
    moved = [one != other for one, other in zip(mine["row"], its, strict=True)]
    if any(moved) and set(mine["row"]) <= set(index):
        raise ValueError(
            "by has the index of the samples in another order. Pass by.loc[X.index], or "
            "by.to_numpy() if its values are in the order of X."
        )
