"""The part of a page that is about subgroups: the worst and the smallest of each kind, named."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from emoest.evaluation._report.text import Evaluated, interval, number
from emoest.utils.messages import printable, short_repr

MOST = 12
"""Most subgroups of a kind that a page lists; the worst come first."""


def subgroup_blocks(result: Evaluated, subgroups: Mapping[Any, Any] | None) -> list[dict[str, Any]]:
    """Describe each kind of subgroup: heading, lines that name worst and smallest, table.

    Without `subgroups` these are the groups (speakers) themselves.
    """
    if not hasattr(result, "subgroups"):
        return []
    kinds: dict[Any, Any] = {}
    if result.protocol.n_groups is not None:
        kinds[result.protocol.group_kind] = "group"
    if subgroups is not None and not hasattr(subgroups, "items"):
        raise TypeError(
            f"subgroups={short_repr(subgroups, most=60)} must be a dict or a DataFrame of one "
            "value a sample, for example subgroups=frame[['sex']]."
        )
    # A DataFrame gives one kind a column.
    kinds |= {} if subgroups is None else dict(subgroups.items())
    blocks = []
    for kind, by in kinds.items():
        for target in result.protocol.targets:
            several = len(result.protocol.targets) > 1
            tables = {model: result.subgroups(by, model, target) for model in result.models}
            what = (
                f"{printable(target)} by {printable(kind)}" if several else f"By {printable(kind)}"
            )
            blocks.append(_block(result, what, printable(kind), tables))
    return blocks


def _block(
    result: Evaluated, heading: str, kind: str, tables: dict[str, pd.DataFrame]
) -> dict[str, Any]:
    score = result.protocol.score
    joined = pd.concat([table[score] for table in tables.values()])
    names = joined.index.unique()
    # After a failure, a model may lack subgroups: what is said of one is taken where it is known.
    about = pd.concat([table[["n", "few"]] for table in tables.values()])
    about = about[~about.index.duplicated()].loc[names]
    lines = [_worst(model, table, score) for model, table in tables.items()]
    ties = about.index[about["n"] == about["n"].min()]
    also = f" ({len(ties) - 1} more have as many)" if len(ties) > 1 else ""
    count = f"{about['n'].min()} sample{'' if about['n'].min() == 1 else 's'}"
    lines.append(f"Smallest: {printable(min(ties, key=str))}, {count}{also}.")
    mean = joined.groupby(level=0, sort=False).mean()
    order = mean.sort_values(kind="stable").index[:MOST]
    headers = [kind, "n", *(f"{printable(model)}: {score.upper()}" for model in tables)]
    rows = []
    for name in order:
        few = " (few)" if about.loc[name, "few"] else ""
        row = [printable(name), f"{about.loc[name, 'n']}{few}"]
        rows.append(row + [_with_interval(table, name, score) for table in tables.values()])
    shown = "All" if len(rows) == len(about) else f"{len(rows)} of {len(about)}"
    more = f"{shown}, the worst first."
    if any("n_classes" in table and table["n_classes"].nunique() > 1 for table in tables.values()):
        more += f" {score.upper()} is over the classes that each has."
    return {"heading": heading, "lines": lines, "cells": (headers, rows), "more": more}


def _worst(model: str, table: pd.DataFrame, score: str) -> str:
    known = table[table[score].notna()]
    if known.empty:
        return f"{printable(model)}: {score.upper()} is not defined in any of them."
    row = known.iloc[0]
    return (
        f"{printable(model)}: worst is {printable(known.index[0])} with {score.upper()} "
        f"{number(row[score])}; the mean of {len(known)} is {number(known[score].mean())}."
    )


def _with_interval(table: pd.DataFrame, name: Any, score: str) -> str:
    if name not in table.index:
        return number(None)
    row = table.loc[name]
    if np.isnan(row[f"{score}_low"]):
        return number(row[score])
    return f"{number(row[score])} {interval(row[f'{score}_low'], row[f'{score}_high'])}"
