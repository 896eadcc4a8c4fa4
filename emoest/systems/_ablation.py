"""Ablations of a system: its variants, each trained with several seeds, on the same folds."""

from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd

from emoest.evaluation import EvaluationResult, evaluate
from emoest.utils.seeds import RandomState, spawn_seeds

Variant = tuple[Any, ...]


def make_variants(
    make: Callable[..., Any], variants: Sequence[Variant], seeds: Sequence[int]
) -> list[dict[str, Any]]:
    """Make for each seed the models of all variants, by name.

    Examples
    --------
    >>> make_variants(lambda check, seed: (check, seed), [(True,), (False,)], [7])
    [{'(True,)': (True, 7), '(False,)': (False, 7)}]
    """
    if not len(seeds):
        raise ValueError("seeds is empty; name at least one.")
    # All are made before one is trained, so that a wrong parameter is known at once.
    return [{str(variant): make(*variant, seed) for variant in variants} for seed in seeds]


def evaluate_variants(
    models: Sequence[dict[str, Any]], X: Any, y: Any, *, random_state: RandomState, **options: Any
) -> list[EvaluationResult]:
    """Evaluate the models of each seed, all on the same folds, with the options of `evaluate`."""
    fixed = spawn_seeds(random_state, 1)[0]
    return [evaluate(each, X, y, proba=False, random_state=fixed, **options) for each in models]


def variant_table(
    runs: Sequence[EvaluationResult], variants: Sequence[Variant], names: Sequence[str]
) -> pd.DataFrame:
    """Lay out one row a variant: UAR, its spread between seeds, and the gain over the last."""
    # The predictions of all seeds together, so that UAR is pooled and groups are resampled once.
    predictions = pd.concat([run.predictions for run in runs], ignore_index=True)
    pooled = EvaluationResult(predictions, runs[0].protocol)
    table = pooled.table[["uar", "uar_low", "uar_high"]].copy()
    by_seed = pd.concat([run.table["uar"] for run in runs], axis=1)
    table["seed_std"] = by_seed.std(axis=1, ddof=1)
    last = table.index[-1]
    against = pooled.comparison.loc[lambda rows: rows["model_b"] == last].set_index("model_a")
    gains = against[["difference", "low", "high"]].reindex(table.index)
    table[["gain", "gain_low", "gain_high"]] = gains.to_numpy()
    table.index = pd.MultiIndex.from_tuples(variants, names=names)
    return table
