"""The table of predictions, from the outputs of folds."""

from typing import Any

import numpy as np
import pandas as pd

from emoest.evaluation._cross_fitting import FoldOutput
from emoest.evaluation._inputs.aligned import without_groups
from emoest.utils._sklearn import num_samples


def predictions_table(done: list[FoldOutput], samples: Any) -> pd.DataFrame:
    """Write the predictions of all folds as one table; `samples` holds X, targets and protocol."""
    tables = [
        _model_table(outputs, samples, number, target)
        for outputs in _by_model(done)
        for number, target in enumerate(samples.protocol.targets)
    ]
    predictions = tables[0] if len(tables) == 1 else pd.concat(tables, ignore_index=True)
    if len(samples.protocol.targets) > 1:
        # Fold by fold, as they were predicted.
        order = predictions.groupby(["model", "seed", "fold"], sort=False, dropna=False).ngroup()
        predictions = predictions.loc[order.argsort(kind="stable")].reset_index(drop=True)
    proba = [str(column) for column in predictions if str(column).startswith("proba_")]
    # A class that the training part lacked has no column in that fold: its probability was 0.
    for column in proba:
        target_has = predictions.groupby(["model", "target"], sort=False)[column]
        absent = predictions[column].isna() & target_has.transform("count").gt(0)
        predictions.loc[absent, column] = 0.0
    drop = [] if samples.several else ["model"]
    drop += [] if len(samples.protocol.targets) > 1 else ["target"]
    drop += [] if samples.protocol.seeds else ["seed"]
    return predictions.drop(columns=drop)


def _by_model(done: list[FoldOutput]) -> list[list[FoldOutput]]:
    found: dict[str, list[FoldOutput]] = {}
    for output in done:
        found.setdefault(output.task.model, []).append(output)
    return list(found.values())


def _model_table(outputs: list[FoldOutput], samples: Any, number: int, target: Any) -> pd.DataFrame:
    tasks = [output.task for output in outputs]
    sizes = [len(task.test) for task in tasks]
    test = np.concatenate([task.test for task in tasks])
    y_pred = [
        output.y_pred.reshape(size, -1)[:, number]
        for output, size in zip(outputs, sizes, strict=True)
    ]
    table = pd.DataFrame(
        {
            "model": tasks[0].model,
            "target": target,
            "row": _row_ids(samples.X)[test],
            "position": test,
            "seed": np.repeat([task.run for task in tasks], sizes),
            "fold": np.repeat([task.fold for task in tasks], sizes),
            "group": None if samples.groups is None else samples.groups[test],
            "y": samples.targets.frame[target].to_numpy()[test],
            "y_pred": _joined(y_pred),
        }
    )
    if any(target in output.probabilities for output in outputs):
        known = [
            output.probabilities.get(target, pd.DataFrame(index=range(size)))
            for output, size in zip(outputs, sizes, strict=True)
        ]
        return table.join(pd.concat(known, ignore_index=True).add_prefix("proba_"))
    return table


def _joined(parts: list[Any]) -> Any:
    """Join the predictions of folds; pandas finds the kind of several kinds."""
    if len({part.dtype.kind for part in parts}) == 1:
        return np.concatenate(parts)
    return pd.concat([pd.Series(part) for part in parts], ignore_index=True)


def _row_ids(X: Any) -> Any:
    """Index of X without the groups, one object a sample."""
    if not isinstance(X, pd.DataFrame | pd.Series):
        return np.arange(num_samples(X))
    return without_groups(X.index).to_numpy()
