"""Scores of predictions: pooled, by fold and run, with intervals and differences."""

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.metrics import f1_score

from emoest.evaluation._bootstrap import (
    GroupSums,
    bootstrap_interval,
    group_codes,
    group_sums,
    mean_of_sums,
    resample_scores,
    sign_flip_p,
)
from emoest.evaluation._metrics import ccc_score, pearson_score, recall_per_class
from emoest.evaluation._protocol import Protocol
from emoest.utils.typing import Floats


def run_keys(rows: pd.DataFrame) -> list[str]:
    """Name the columns that tell one fitted model from another.

    Examples
    --------
    >>> run_keys(pd.DataFrame({"fold": [1], "seed": [7]}))
    ['seed', 'fold']
    """
    return ["seed", "fold"] if "seed" in rows else ["fold"]


def plain_scores(rows: pd.DataFrame, task: str) -> dict[str, float]:
    """Compute the scores of some predictions, without intervals.

    Examples
    --------
    >>> rows = pd.DataFrame({"y": ["a", "a", "b"], "y_pred": ["a", "b", "b"]})
    >>> plain_scores(rows, "classification")["uar"]
    0.75
    """
    if task == "regression":
        true, pred = rows["y"].to_numpy(float), rows["y_pred"].to_numpy(float)
        return {
            "ccc": ccc_score(true, pred),
            "pearson": pearson_score(true, pred),
            "mae": float(np.mean(np.abs(true - pred))),
        }
    true, pred = labels_of(rows["y"]), labels_of(rows["y_pred"])
    uar = float(recall_per_class(true, pred).mean())
    return {"uar": uar, "wa": float(np.mean(true == pred))} | f1_averages(true, pred)


def f1_averages(true: npt.NDArray[Any], pred: npt.NDArray[Any]) -> dict[str, float]:
    """Compute macro F1 (over all classes that are true or predicted) and support-weighted F1.

    Examples
    --------
    >>> f1_averages(np.array([0, 0, 1]), np.array([0, 1, 1]))
    {'f1_macro': 0.666..., 'f1_weighted': 0.666...}
    """
    classes, codes = np.unique(np.concatenate([true, pred]), return_inverse=True)
    first, second = codes[: len(true)], codes[len(true) :]
    support = np.bincount(first, minlength=len(classes))
    hits = np.bincount(first[first == second], minlength=len(classes))
    both = support + np.bincount(second, minlength=len(classes))
    f1 = 2 * hits / both
    return {"f1_macro": float(f1.mean()), "f1_weighted": float(np.average(f1, weights=support))}


def sums_by_group(predictions: pd.DataFrame, protocol: Protocol) -> GroupSums:
    """Sum up in each group what the main score of one model on one target follows from.

    With several seeds the score is the mean over the runs; a resample draws the same groups in all.
    """
    alone = protocol.n_groups is None
    codes = group_codes(predictions["position" if alone else "group"], len(predictions))
    n_groups = int(codes.max()) + 1
    if "seed" not in predictions:
        sums = _sums_of_run(predictions, codes, protocol, n_groups)
    else:
        runs = predictions.groupby("seed", sort=False).indices.values()
        sums = mean_of_sums(
            [_sums_of_run(predictions.iloc[run], codes[run], protocol, n_groups) for run in runs]
        )
    return replace(sums, single=alone and protocol.task == "classification")


def _sums_of_run(
    rows: pd.DataFrame, codes: npt.NDArray[np.intp], protocol: Protocol, n_groups: int
) -> GroupSums:
    true, pred = labels_of(rows["y"]), labels_of(rows["y_pred"])
    found = group_sums(true, pred, codes, protocol.task)
    # After a failure, a run may lack groups.
    sums = np.zeros((n_groups, found.sums.shape[1]))
    sums[np.unique(codes)] = found.sums
    return GroupSums(sums, found.score)


def score_row(rows: pd.DataFrame, protocol: Protocol, target: Any) -> dict[str, float]:
    """Compute the row of the main table for one model and target."""
    score, sums = protocol.score, sums_by_group(rows, protocol)
    n_groups = len(sums.sums)
    draws = resample_scores([sums], protocol.n_resamples, protocol.seed)[:, 0]
    low, high = bootstrap_interval(
        sums.value(), draws, n_groups, protocol.confidence, _bounds(protocol)
    )
    runs = [part for _, part in rows.groupby("seed", sort=False)] if "seed" in rows else [rows]
    by_run = pd.DataFrame([plain_scores(part, protocol.task) for part in runs])
    scores = {str(name): float(value) for name, value in by_run.mean().items()}
    parts = rows.groupby(run_keys(rows), sort=False)
    by_fold = [plain_scores(part, protocol.task)[score] for _, part in parts]
    row = {score: scores.pop(score), f"{score}_low": low, f"{score}_high": high}
    row["fold_mean"] = float(np.mean(by_fold))
    row["fold_std"] = _deviation(by_fold)
    if "seed" in rows:
        row["seed_std"] = _deviation(by_run[score].tolist())
    row |= scores
    row |= _of_classes(rows, protocol) if protocol.task == "classification" else {}
    row |= {"n": len(rows), "n_groups": n_groups}
    if protocol.task == "classification":
        true, pred = labels_of(rows["y"]), labels_of(rows["y_pred"])
        recall = recall_per_class(true, pred, labels=protocol.classes[target])
        row |= {f"recall_{name}": value for name, value in recall.items()}
    return row


def _of_classes(rows: pd.DataFrame, protocol: Protocol) -> dict[str, float]:
    true, pred = labels_of(rows["y"]), labels_of(rows["y_pred"])
    found = {"chance": 1 / len(np.unique(true))}
    if protocol.multilabel:
        found["f1"] = float(f1_score(true, pred, zero_division=0))
    return found


def _deviation(values: list[float]) -> float:
    return float(np.std(values, ddof=1)) if len(values) > 1 else float("nan")


def difference(first: GroupSums, second: GroupSums, protocol: Protocol) -> dict[str, float]:
    """Compute the difference of two models, its interval and p from the same groups."""
    parts = [first, second]
    scores = resample_scores(parts, protocol.n_resamples, protocol.seed)
    apart = first.value() - second.value()
    low, high = bootstrap_interval(
        apart,
        scores[:, 0] - scores[:, 1],
        len(first.sums),
        protocol.confidence,
        _bounds(protocol, 2),
    )
    p = sign_flip_p(parts, protocol.n_resamples, protocol.seed)
    return {"difference": apart, "low": low, "high": high, "p": p}


def difference_in_common(rows: list[pd.DataFrame], protocol: Protocol) -> dict[str, float]:
    """Compare two models on the folds that both have (all, but after a failure)."""
    keys = [pd.MultiIndex.from_frame(each[run_keys(each)]) for each in rows]
    common = keys[0].intersection(keys[1])
    if not len(common):
        return {}
    kept = [each[key.isin(common)] for each, key in zip(rows, keys, strict=True)]
    first, second = (sums_by_group(each, protocol) for each in kept)
    return difference(first, second, protocol)


def _bounds(protocol: Protocol, n_scores: int = 1) -> tuple[float, float]:
    """Least and largest value of the main score, or of the difference of two."""
    low = 0.0 if protocol.task == "classification" else -1.0
    return (low, 1.0) if n_scores == 1 else (low - 1.0, 1.0 - low)


def labels_of(column: "pd.Series[Any]") -> npt.NDArray[Any]:
    """Take the labels of an object column as an array of their own kind.

    Examples
    --------
    >>> labels_of(pd.Series([1, 2], dtype=object)).dtype.kind
    'i'
    """
    return np.asarray(column.infer_objects())


def holm(p: Floats) -> Floats:
    """Correct p-values by Holm's step-down method.

    Examples
    --------
    >>> holm(np.array([0.01, 0.5, 0.02])).tolist()
    [0.03, 0.5, 0.04]
    """
    order = np.argsort(p)
    corrected = np.empty_like(p)
    scaled = np.minimum(1.0, np.arange(len(p), 0, -1) * p[order])
    corrected[order] = np.maximum.accumulate(scaled)
    return corrected
