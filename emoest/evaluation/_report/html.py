"""An evaluation as a page that needs no other file."""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from emoest.evaluation._report.subgroups import subgroup_blocks
from emoest.evaluation._report.text import (
    NOT_FOR,
    Cells,
    Evaluated,
    comparison_cells,
    interval,
    lead_lines,
    leak_cells,
    number,
    protocol_lines,
    recall_cells,
    score_cells,
    title,
)
from emoest.utils.messages import printable

_FOLDER = Path(__file__).parent / "templates"

_LONG = 5
"""Names of classes longer than this stand upright above their column."""


def html_fragment(
    result: Evaluated,
    note: str | None = None,
    *,
    subgroups: Mapping[Any, Any] | None = None,
    not_for: str | None = None,
    ceiling: float | None = None,
) -> str:
    """Return the whole evaluation as one element with its own style."""
    return _render(
        "fragment.html",
        note=note,
        title=title(result),
        alarming=not result.protocol.speaker_independent,
        lead=lead_lines(result),
        scale=_scale(result, ceiling),
        scores=_with_ceiling(score_cells(result), ceiling),
        recalls=recall_cells(result),
        differences=comparison_cells(result),
        matrices=_matrices(result),
        subgroups=subgroup_blocks(result, subgroups),
        protocol=protocol_lines(result),
        leaks=leak_cells(result),
        not_for=NOT_FOR if not_for is None else not_for,
    )


def html_page(
    result: Evaluated,
    note: str | None = None,
    *,
    subgroups: Mapping[Any, Any] | None = None,
    not_for: str | None = None,
    ceiling: float | None = None,
) -> str:
    """Return the whole evaluation as a page that needs no other file; a note comes first."""
    from markupsafe import Markup

    options: dict[str, Any] = {"subgroups": subgroups, "not_for": not_for, "ceiling": ceiling}
    fragment = html_fragment(result, note, **options)
    return _render("page.html", title=title(result), fragment=Markup(fragment)) + "\n"


@lru_cache
def _templates() -> Any:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(loader=FileSystemLoader(_FOLDER), autoescape=True, undefined=StrictUndefined)


def _render(name: str, **values: Any) -> str:
    return str(_templates().get_template(name).render(**values))


def _with_ceiling(cells: Cells, ceiling: float | None) -> Cells:
    """Add a line that says what one rater reaches against the others."""
    headers, rows = cells
    if ceiling is None:
        return cells
    n_names = headers.index("model") + (2 if "target" in headers else 1)
    line = ["one rater against the others", *[""] * (n_names - 1), number(ceiling)]
    return headers, [*rows, line + [""] * (len(headers) - len(line))]


def _scale(result: Evaluated, ceiling: float | None = None) -> dict[str, Any]:
    """Place each main score, its interval and chance on one scale, in percent of its length."""
    score, table = result.protocol.score, result.table
    lowest = 0.0 if score == "uar" else float(np.nanmin([0.0, *table[f"{score}_low"]]))

    def place(value: float) -> float | None:
        return None if np.isnan(value) else round(100 * (value - lowest) / (1 - lowest), 2)

    lines = []
    for key, row in table.iterrows():
        ends = row[f"{score}_low"], row[f"{score}_high"]
        low, high = place(ends[0]), place(ends[1])
        text = number(row[score]) if low is None else f"{number(row[score])} {interval(*ends)}"
        name = " / ".join(map(printable, key if isinstance(key, tuple) else (key,)))
        arm = None if low is None or high is None else (low, round(high - low, 2))
        lines.append({"name": name, "dot": place(row[score]), "arm": arm, "text": text})
    chance = place(float(table["chance"].iloc[0])) if "chance" in table else place(0.0)
    ticks = [(place(tick), f"{tick:.2f}") for tick in np.linspace(lowest, 1, 5).tolist()]
    top = None if ceiling is None else place(ceiling)
    return {"lines": lines, "chance": chance, "ticks": ticks, "ceiling": top}


def _matrices(result: Evaluated) -> list[dict[str, Any]]:
    if result.protocol.task == "regression":
        return []
    models, targets = result.table.index.unique("model"), result.protocol.targets
    return [_matrix(result, model, target) for model in models for target in targets]


def _matrix(result: Evaluated, model: str, target: Any) -> dict[str, Any]:
    """One confusion matrix: counts, and below them the fraction of the row."""
    counts = result.confusion(model, target)
    parts = result.confusion(model, target, normalize=True).to_numpy()
    names = [printable(name) for name in counts.columns]
    several = len(result.protocol.targets) > 1
    uar = result.table.loc[(model, target) if several else model, "uar"]
    rows = [
        {
            "name": names[i],
            "cells": [
                {"count": count, "part": f"{part:.3f}", "share": f"{part:.0%}", "high": part > 0.5}
                for count, part in zip(counts.to_numpy()[i].tolist(), parts[i], strict=True)
            ],
        }
        for i in range(len(names))
    ]
    where = f"{printable(model)}, {printable(target)}" if several else printable(model)
    long = max(map(len, names)) > _LONG
    return {"caption": f"{where}: UAR {number(uar)}", "columns": names, "rows": rows, "long": long}
